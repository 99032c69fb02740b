"""Bands and groups of scores, whose numbers must be those that the scale has."""

from __future__ import annotations

import polars as pl

from grc_fast._utils.messages import describe
from grc_fast.errors import ColumnError


def check_places(found: pl.Series, table: str, size: int, option: str) -> None:
    """Refuse a column of bands or groups that holds anything but whole numbers from 1 to `size`.

    Parameters
    ----------
    found
        The column.
    table
        What errors call the table.
    size
        How many bands or groups there are said to be.
    option
        What they are said by.
    """
    if found.dtype != pl.Null and not found.dtype.is_integer():
        raise ColumnError(
            f"the column {found.name!r} of {table} holds {describe(found.dtype)}: it must hold "
            f"whole numbers from 1 to {size}"
        )
    wrong = found.filter(~found.cast(pl.Int64).is_between(1, size))
    if len(wrong):
        raise ColumnError(
            f"the {found.name} {wrong[0]} of {table} is none of 1 to {size}: say how many {option} "
            f"there are ({option}, or --{option} on the command line)"
        )
