"""A matrix as a map of colours with its figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import altair as alt
import polars as pl

from grc_fast.report.charts.chart import fixed, label_angle, layered

# The sides of a cell, which holds a figure.
_WIDTH: Final = 70
_HEIGHT: Final = 28
# Of the scale of shades, beyond which black figures could not be read.
_DARK: Final = 0.75


def shaded_matrix(
    table: pl.DataFrame,
    title: str,
    across: str,
    *,
    form: str = ",d",
    centre: float | None = None,
) -> alt.LayerChart:
    """Draw a matrix.

    Parameters
    ----------
    table
        The keys of rows, then a column of numbers for each key of columns; nulls stay empty.
    title
        What the figures are.
    across
        What the keys of columns are.
    form
        How Vega writes a figure.
    centre
        The value that is neither high nor low, if there is one.
    """
    corner, *columns = table.columns
    cells = list(_cells(table, centre))
    axis = alt.Axis(title=across, labelAngle=label_angle(columns), orient="top")
    # In the order of the table, not of the alphabet.
    x = alt.X("column:N", sort=columns, axis=axis)
    y = alt.Y("row:N", sort=table[corner].to_list(), axis=alt.Axis(title=corner))
    scale = (
        alt.Scale(scheme="blues", domain=[-0.1, 1.1])
        if centre is None
        else alt.Scale(scheme="purpleorange", domain=[1.2, -1.2])
    )
    base = fixed(cells)
    squares = base.mark_rect().encode(
        x=x, y=y, color=alt.Color("shade:Q", scale=scale, legend=None)
    )
    ink = alt.condition(f"abs(datum.shade) > {_DARK}", alt.value("white"), alt.value("black"))
    figures = base.mark_text().encode(x=x, y=y, text=alt.Text("value:Q", format=form), color=ink)
    width, height = _WIDTH * max(len(columns), 1), _HEIGHT * max(table.height, 1)
    return layered(squares, figures, width=width, height=height).properties(title=title)


def _cells(table: pl.DataFrame, centre: float | None) -> Iterator[Mapping[str, Any]]:
    """Give the cells that have a figure: `shade` is 0 to 1, or -1 to 1 around a centre."""
    corner = table.columns[0]
    cells = table.unpivot(index=corner, variable_name="column").drop_nulls("value")
    values = cells["value"].cast(pl.Float64)
    low, high = (float(end or 0.0) for end in (values.min(), values.max()))  # type: ignore[arg-type]
    reach = max(high - low, 0.0) if centre is None else max(high - centre, centre - low)
    start = low if centre is None else centre
    for row, column, value in zip(cells[corner], cells["column"], values, strict=True):
        shade = (value - start) / reach if reach > 0 else 0.0
        yield {"row": row, "column": column, "value": value, "shade": shade}
