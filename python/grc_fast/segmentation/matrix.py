"""Long tables of two keys laid out as a matrix, for readers and for charts."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import polars as pl
import polars.selectors as cs

from grc_fast.io.figure import panels


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


def matrix_figure(table: pl.DataFrame, title: str, *, centre: float | None = None) -> Any:
    """Draw a matrix as a map of colours with its figures.

    Parameters
    ----------
    table
        What `matrix` gave.
    title
        What the figures are.
    centre
        The value that is neither high nor low, if there is one.
    """
    figure, (panel,) = panels([title])
    corner, *columns = table.columns
    values = [[_number(value) for value in row] for row in table.drop(corner).iter_rows()]
    figure.set_size_inches(2.5 + 0.9 * len(columns), 1.5 + 0.35 * max(len(values), 2))
    known = [value for row in values for value in row if value == value]  # noqa: PLR0124 (NaN)
    low, high = min(known, default=0.0), max(known, default=1.0)
    if centre is not None:
        reach = max(high - centre, centre - low, 1e-9)
        low, high = centre - reach, centre + reach
    panel.imshow(
        values, aspect="auto", vmin=low, vmax=high, cmap="Blues" if centre is None else "PuOr_r"
    )
    for y, row in enumerate(values):
        for x, value in enumerate(row):
            if value == value:  # noqa: PLR0124 (NaN is a cell without a figure)
                panel.text(x, y, f"{value:,.4g}", ha="center", va="center", fontsize=7)
    panel.set_xticks(range(len(columns)), columns, rotation=30, ha="right", fontsize=8)
    panel.set_yticks(range(len(values)), table[corner].to_list(), fontsize=8)
    return figure


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
