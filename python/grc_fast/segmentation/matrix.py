"""Long tables of two keys laid out as a matrix, for readers and for charts."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import polars as pl
import polars.selectors as cs


def matrix(cells: pl.DataFrame, *, corner: str, last: tuple[str, str]) -> pl.DataFrame:
    """Lay cells out: a row for each first key, a column for each second.

    Parameters
    ----------
    cells
        Three columns: the keys of rows, the keys of columns, and what fills the matrix; every pair
        once, in the order in which rows and columns are to stand.
    corner
        What the first column, that of the rows' keys, is called.
    last
        What stands for a null among the keys of rows, and among those of columns.

    Returns
    -------
    polars.DataFrame
        The keys of rows as text, then a column for each key of columns.
    """
    rows, columns = (_labels(cells.to_series(side), word) for side, word in enumerate(last))
    corner = _unique(corner, set(columns))
    return (
        pl.DataFrame({"row": rows, "column": columns, "value": cells.to_series(2)})
        .pivot("column", index="row", values="value", maintain_order=True)
        .select(pl.col("row").alias(corner), pl.exclude("row"))
    )


def json_rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame in types that JSON knows."""
    return frame.with_columns(cs.decimal().cast(pl.Float64)).to_dicts()


def _labels(keys: pl.Series, null: str) -> pl.Series:
    texts = keys.cast(pl.String)
    return texts.fill_null(_unique(null, set(texts)))


def _unique(label: str, taken: Collection[str | None]) -> str:
    while label in taken:
        label = f"({label})"
    return label
