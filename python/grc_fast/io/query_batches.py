"""The batches of a query, to its end or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

# No column of a file has this name: text files and SQL know no zero in a name.
_END: Final = "\0end"


def query_batches(query: pl.LazyFrame, rows: int) -> Iterator[pl.DataFrame]:
    """Run a query, and give its rows in their order, so many at a time.

    A query that breaks off inside the engine ends its batches as one that is through: nothing is
    raised. So a row of ours stands after the last, and rows are whole only where it arrives.

    This is the only use of an interface that is still unstable.

    Raises
    ------
    polars.exceptions.ComputeError
        If the query ends otherwise than by its end.
    """
    ended = pl.concat([query, pl.LazyFrame({_END: [True]})], how="diagonal")
    given, is_whole = 0, False
    for batch in ended.collect_batches(chunk_size=rows, maintain_order=True, lazy=True):
        is_whole = batch.height > 0 and batch[_END][-1] is True
        found = batch.drop(_END).head(batch.height - is_whole)
        given += found.height
        if found.height:
            yield found
    if not is_whole:
        raise pl.exceptions.ComputeError(
            f"the rows break off after {given:,}, as what holds them is damaged: make it anew"
        )
