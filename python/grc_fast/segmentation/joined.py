"""Several tables of clients as one: parts of a table below each other, others side by side."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from grc_fast._utils.messages import quoted
from grc_fast.errors import ColumnError
from grc_fast.facts.table import CLIENT
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase, Phrases
from grc_fast.rfm.client_table import ascending


def joined(tables: Mapping[str, pl.DataFrame]) -> tuple[pl.DataFrame, list[Wording]]:
    """Make one table of several, ascending by client, and say what was done.

    Tables with the same columns are parts of one, such as the files of a folder. Others hold
    something else of the same clients: they are joined by client id, and the clients of any of
    them stay. Their ids are of one type.

    Raises
    ------
    ColumnError, DataError
        If a client has two rows, or a column of two tables differs.
    """
    (first, whole), *others = tables.items()
    if not others:
        return ascending(whole, first), []
    names = ", ".join(tables)
    if all(set(table.columns) == set(whole.columns) for _, table in others):
        parts = [table.select(whole.columns) for table in tables.values()]
        together = pl.concat(parts, how="vertical_relaxed")
        return ascending(together, names), [Phrase("note.parts_of_one", tables=len(parts))]
    whole = ascending(whole, first)
    heights = [whole.height]
    for name, table in others:
        table = ascending(table, name)  # noqa: PLW2901 (the same, in order)
        heights.append(table.height)
        whole = _side_by_side(whole, table, name)
    told = Phrase("note.joined", tables=len(heights), clients=whole.height, counts=Phrases(heights))
    return whole.sort(CLIENT), [told]


def _side_by_side(whole: pl.DataFrame, table: pl.DataFrame, name: str) -> pl.DataFrame:
    """Join two tables by client; a column that both have must say the same of a client."""
    both = whole.join(table, on=CLIENT, how="full", coalesce=True, suffix="\0")
    for column in set(table.columns) & set(whole.columns) - {CLIENT}:
        ours, theirs = pl.col(column), pl.col(f"{column}\0")
        try:
            differing = both.filter(ours.ne(theirs))
        except pl.exceptions.PolarsError:
            differing = both.filter(theirs.is_not_null())
        if differing.height:
            raise ColumnError(
                f"{name} and a table before it have a column {quoted(column)}, and it is not the "
                f"same for client {differing[CLIENT][0]!r}: rename it in one of them"
            )
        both = both.with_columns(pl.coalesce(ours, theirs).alias(column)).drop(f"{column}\0")
    return both
