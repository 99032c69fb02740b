"""The Lorenz curve: how unevenly the money is spread over clients."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from grc_fast.labels.catalogue import text
from grc_fast.report.charts.chart import BLUE, chart_of, fixed, layered
from grc_fast.report.choice import CHOSEN

_SIDE: Final = 300


def lorenz_chart(curve: pl.DataFrame, lang: str) -> alt.LayerChart:
    """Draw the share of money that the lowest shares of clients bring.

    Parameters
    ----------
    curve
        `segment` (position, -1 for all clients), `clients` and `money`, both as shares from 0
        to 1.
    lang
        The language of the axes.
    """
    x = alt.X(
        "clients:Q",
        scale=alt.Scale(domain=[0, 1]),
        axis=_axis("table.share", lang),
    )
    y = alt.Y("money:Q", axis=_axis("table.money_share", lang))
    line = (
        chart_of(curve)
        .transform_filter(f"datum.segment == {CHOSEN}")
        .mark_line(color=BLUE, strokeWidth=2.5)
        .encode(x=x, y=y, order="clients:Q")
    )
    even = (
        fixed([{"clients": 0, "money": 0}, {"clients": 1, "money": 1}])
        .mark_line(color="gray", strokeDash=[3, 3])
        .encode(x=x, y=y)
    )
    return layered(even, line, width=_SIDE, height=_SIDE)


def _axis(caption: str, lang: str) -> alt.Axis:
    return alt.Axis(title=text(caption, lang), format="%", tickCount=5)
