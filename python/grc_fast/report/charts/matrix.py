"""A matrix of two keys: a figure and a colour in each cell."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from grc_fast.report.charts.chart import (
    fixed,
    label_angle,
    layered,
    on_shade,
    shade,
    shade_around_centre,
    short,
)

# The sides of a cell, which holds a figure.
_WIDTH: Final = 70
_HEIGHT: Final = 28
_LABEL: Final = 140


def matrix_chart(
    cells: pl.DataFrame, row: str, column: str, *, around_centre: bool = False
) -> alt.LayerChart:
    """Draw a matrix, rows and columns in the order of the cells.

    Parameters
    ----------
    cells
        `row`, `column`, `written`, what stands in the cell, and `shade`: 0 for the lightest to 1
        for the darkest, or -1 to 1 with a centre between them. Cells whose shade is null stay
        empty.
    row, column
        What the axes are called.
    around_centre
        Whether shades lie on both sides of a centre.
    """
    rows, columns = (short(cells[side]) for side in ("row", "column"))
    names = list(columns.values())
    base = fixed(
        cells.drop_nulls("shade")
        .with_columns(pl.col("row").replace(rows), pl.col("column").replace(columns))
        .to_dicts()
    )
    across = alt.Axis(title=column, labelAngle=label_angle(names), labelLimit=_LABEL, orient="top")
    x = alt.X("column:N", sort=names, axis=across)
    down = alt.Axis(title=row, labelLimit=_LABEL)
    y = alt.Y("row:N", sort=list(rows.values()), axis=down)
    colour = shade_around_centre() if around_centre else shade()
    squares = base.mark_rect().encode(x=x, y=y, color=colour)
    figures = base.mark_text().encode(x=x, y=y, text="written:N", color=on_shade())
    width, height = _WIDTH * max(len(names), 1), _HEIGHT * max(len(rows), 1)
    return layered(squares, figures, width=width, height=height)
