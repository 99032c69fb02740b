"""A matrix of two keys: a number and a colour in each cell."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from grc_fast.report.charts.chart import fixed, layered, on_shade, shade, short

_WIDTH: Final = 440
_LINE: Final = 30


def matrix_chart(cells: pl.DataFrame, row: str, column: str) -> alt.LayerChart:
    """Draw a matrix, rows and columns in the order of the cells.

    Parameters
    ----------
    cells
        `row`, `column`, `written`, what stands in the cell, and `shade`, 0 for the lightest to 1
        for the darkest.
    row, column
        What the axes are called.
    """
    rows, columns = (short(cells[side]) for side in ("row", "column"))
    base = fixed(
        cells.with_columns(
            pl.col("row").replace(rows), pl.col("column").replace(columns)
        ).to_dicts()
    )
    x = alt.X("column:N", sort=list(columns.values()), axis=_axis(column, angle=-30))
    y = alt.Y("row:N", sort=list(rows.values()), axis=_axis(row, angle=0))
    squares = base.mark_rect().encode(x=x, y=y, color=shade())
    figures = base.mark_text().encode(x=x, y=y, text="written:N", color=on_shade())
    return layered(squares, figures, width=_WIDTH, height=_LINE * max(len(rows), 2))


def _axis(caption: str, *, angle: int) -> alt.Axis:
    return alt.Axis(title=caption, labelAngle=angle, labelLimit=140, ticks=False, domain=False)
