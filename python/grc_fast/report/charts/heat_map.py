"""The heat map of recency and frequency: where clients, or their money, are."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from grc_fast.labels.catalogue import text
from grc_fast.report.charts.chart import chart_of, layered, of_chosen, on_shade, shade

_WIDTH: Final = 400
_HEIGHT: Final = 280


def heat_map(cells: pl.DataFrame, lang: str) -> alt.LayerChart:
    """Draw the share of each cell of recency and frequency points, as a number and a colour.

    Parameters
    ----------
    cells
        `segment` (position), `r`, `f`, and `value`, what is added up.
    lang
        The language of the axes.
    """
    base = (
        of_chosen(chart_of(cells))
        .transform_aggregate(value="sum(value)", groupby=["r", "f"])
        .transform_joinaggregate(whole="sum(value)", most="max(value)")
        .transform_calculate(
            share="datum.whole > 0 ? datum.value / datum.whole : 0",
            shade="datum.most > 0 ? max(0, datum.value / datum.most) : 0",
        )
    )
    x = alt.X("f:O", axis=_axis("column.f", lang), scale=alt.Scale(padding=0.03))
    y = alt.Y("r:O", sort="descending", axis=_axis("column.r", lang), scale=alt.Scale(padding=0.03))
    squares = base.mark_rect().encode(x=x, y=y, color=shade())
    shares = base.mark_text().encode(
        x=x,
        y=y,
        text=alt.Text("share:Q", format=".1%"),
        color=on_shade(),
    )
    return layered(squares, shares, width=_WIDTH, height=_HEIGHT)


def _axis(caption: str, lang: str) -> alt.Axis:
    return alt.Axis(title=text(caption, lang), labelAngle=0, ticks=False, domain=False)
