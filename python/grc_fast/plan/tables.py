"""Tables of a plan: frames, or files whose columns say by their names what they hold."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import polars as pl

from grc_fast.errors import ColumnError
from grc_fast.io.ids import with_common_ids
from grc_fast.io.small_tables import ColumnKinds, frame_of, is_path, read_table
from grc_fast.io.text_options import DETECTED, TextOptions

_KINDS: Final = ColumnKinds(
    dates=frozenset(("contacted_on", "collected_at", "expires", "last_seen")),
    numbers=frozenset(("gain", "cost", "pressure_cost")),
    texts=frozenset(
        ("client_id", "channel", "household", "offer", "zone", "email", "phone", "proof")
    ),
)


def table_of(table: Any, what: str, names: Sequence[str]) -> pl.DataFrame:
    """Take a table with some columns, or read it from a file.

    Raises
    ------
    SourceError
        If a file cannot be read.
    ColumnError
        If it is no table, or lacks a column.
    """
    if is_path(table):
        [table] = with_common_ids(read_plan_table(os.fspath(table)))
    return frame_of(table, what, names)


def read_plan_table(source: object, text: TextOptions = DETECTED) -> pl.DataFrame:
    """Read a table that names clients by id, e-mail address or telephone number, or zones.

    Raises
    ------
    SourceError, ColumnError
        If it cannot be read, or names no clients.
    """
    try:
        return read_table(source, text, kinds=_KINDS)
    except ColumnError:
        for name in ("email", "phone", "zone"):
            with suppress(ColumnError):
                return read_table(source, text, name, _KINDS)
        raise


def read_tables(
    paths: Mapping[str, str | None], text: TextOptions
) -> dict[str, pl.DataFrame | None]:
    """Read the tables that there are, as `read_plan_table` does."""
    return {
        name: None if path is None else read_plan_table(path, text) for name, path in paths.items()
    }
