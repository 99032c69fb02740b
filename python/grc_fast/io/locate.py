"""Where a wrong value stands: the row, the line and the file that hold it first."""

from __future__ import annotations

import polars as pl

from grc_fast.errors import DataError
from grc_fast.io.source import Opened, Part


def locate(error: DataError, role: str, opened: Opened) -> str:
    """Find the first row that holds the value an error is about, by a second ordered scan."""
    value = getattr(error, "value", None)
    if value is None or not opened.replayable:
        return ""
    for part, projection in opened.parts:
        before = 0
        for batch in part.select(projection):
            row = _first_row(batch, role, str(value))
            if row is not None:
                return f" of {_row_in_words(part, before + row + 1)}"
            before += batch.height
    return ""


def _first_row(batch: pl.DataFrame, role: str, value: str) -> int | None:
    """Find the first row, counted from 0, that holds the value in the role and is kept."""
    hits = pl.Series([False]).new_from_index(0, batch.height)
    for name in batch.columns:
        if role in (name, name.partition("_")[0]):
            hits |= _reads_as(batch[name], value).fill_null(value=False)
    if "keep" in batch.columns:
        hits &= batch["keep"].fill_null(value=False)
    return hits.arg_max() if hits.any() else None


def _reads_as(column: pl.Series, value: str) -> pl.Series:
    """Mark the rows whose value reads as the text."""
    if column.dtype.is_float():
        try:
            return column == float(value)
        except ValueError:
            pass
    return column.cast(pl.String, strict=False) == value


def _row_in_words(part: Part, row: int) -> str:
    line = part.line_of_row(row)
    words = f"row {row:,}" if line is None else f"row {row:,}, line {line:,}"
    return f"{part.place}, {words}"
