"""Columns of the client base that are carried through to results."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from grc_fast._utils.messages import listing, quoted, suggestion
from grc_fast.errors import ColumnError, DataError, OptionError
from grc_fast.facts.options import SalesReading
from grc_fast.facts.table import CLIENT
from grc_fast.io.ids import same_ids, with_common_ids
from grc_fast.io.small_tables import ColumnKinds, as_frame, is_path, read_table

_BASE: Final = "the client base"
# What people are called and reached by is text, whatever its digits look like.
_KINDS: Final = ColumnKinds(
    dates=frozenset(), numbers=frozenset(), texts=frozenset(("name", "email", "phone", "postcode"))
)


def with_kept_columns(
    scores: pl.DataFrame, reading: SalesReading, names: Sequence[str]
) -> pl.DataFrame:
    """Add columns of the client base to a table of one row a client.

    Raises
    ------
    OptionError
        If there is no client base.
    ColumnError, DataError
        If the base has no such column, or a client twice, or the table has a column of that name.
    """
    names = list(dict.fromkeys([names] if isinstance(names, str) else names))
    if not names:
        return scores
    if reading.clients is None:
        raise OptionError("keep carries columns of the client base through: give clients as well")
    base = _base(reading)
    client = reading.client if reading.client in base.columns else CLIENT
    for name in names:
        if name not in base.columns:
            raise ColumnError(
                f"{_BASE} has no column {name!r} to keep{suggestion(name, base.columns)}"
                f"{listing(base.columns)}"
            )
        if name in scores.columns or name == client:
            raise ColumnError(
                f"{name!r} cannot be kept: the result has a column of that name, so rename that of "
                "the client base"
            )
    kept = base.select(pl.col(client).alias(CLIENT), *names).unique()
    kept = kept.filter(pl.col(CLIENT).is_not_null())
    twice = kept.filter(pl.col(CLIENT).is_duplicated())[CLIENT]
    if len(twice):
        raise DataError(
            f"{_BASE} has client {quoted(str(twice.min()))} in several rows that differ in what is "
            "to be kept: leave one of them"
        )
    if kept[CLIENT].dtype != scores[CLIENT].dtype:
        scores, kept = with_common_ids(scores, kept)
    met = same_ids(CLIENT, {"the scores": scores, _BASE: kept})
    return met["the scores"].join(met[_BASE], on=CLIENT, how="left", maintain_order="left")


def _base(reading: SalesReading) -> pl.DataFrame:
    """Read the client base with all of its columns, the ids as ids."""
    base: Any = reading.clients
    if is_path(base):
        try:
            return read_table(os.fspath(base), reading.text, reading.client, _KINDS)
        except ColumnError:
            return read_table(os.fspath(base), reading.text, CLIENT, _KINDS)
    frame = as_frame(base, _BASE)
    if frame is None:
        raise ColumnError(f"{_BASE} must be a table, and {type(base).__name__} is not")
    return frame
