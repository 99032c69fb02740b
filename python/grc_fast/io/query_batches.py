"""The batches of a query, to its end or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

# No column of a file has this name: text files and SQL know no zero in a name.
_END: Final = "\0end"


def received_batches(query: pl.LazyFrame, rows: int) -> Iterator[pl.DataFrame]:
    """Run a query, and give the rows that arrive in their order, so many at a time.

    Whether all have arrived is for the caller to find out.

    This is the only use of an interface that is still unstable.
    """
    return query.collect_batches(chunk_size=rows, maintain_order=True, lazy=True)


def query_batches(query: pl.LazyFrame, rows: int) -> Iterator[pl.DataFrame]:
    """Run a query, and give its rows in their order, so many at a time.

    A query that breaks off inside the engine ends its batches as one that is through: nothing is
    raised. So a row of ours stands after the last, and rows are whole only where it arrives.

    Raises
    ------
    polars.exceptions.ComputeError
        If the query ends otherwise than by its end.
    """
    ended = pl.concat([query, pl.LazyFrame({_END: [True]})], how="diagonal")
    given, is_whole = 0, False
    for batch in received_batches(ended, rows):
        is_whole = batch.height > 0 and batch[_END][-1] is True
        found = batch.drop(_END).head(batch.height - is_whole)
        given += found.height
        if found.height:
            yield found
    if not is_whole:
        raise pl.exceptions.ComputeError(broken_off(given))


def broken_off(rows: int) -> str:
    """Return the error of a query that ends otherwise than by its end, after so many rows."""
    return f"the rows break off after {rows:,}, as what holds them is damaged: make it anew"
