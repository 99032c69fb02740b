"""The gains of reaching the best first: what share of answers a share of contacts catches."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from grc_fast.report.charts.chart import BLUE, fixed, layered

_SIDE: Final = 300


def gains_chart(depth: pl.DataFrame, reached: str, caught: str) -> alt.LayerChart:
    """Draw the share of answers that the best share of contacts catches.

    Parameters
    ----------
    depth
        `share` of contacts and `caught` of answers, both cumulative.
    reached, caught
        What the axes are called.
    """
    x = alt.X("share:Q", axis=alt.Axis(title=reached, format="%", tickCount=5))
    y = alt.Y("caught:Q", axis=alt.Axis(title=caught, format="%", tickCount=5))
    start = [{"share": 0.0, "caught": 0.0}]
    points = [*start, *depth.select("share", "caught").to_dicts()]
    line = fixed(points).mark_line(color=BLUE, strokeWidth=2.5).encode(x=x, y=y, order="share:Q")
    even = (
        fixed([*start, {"share": 1.0, "caught": 1.0}])
        .mark_line(color="gray", strokeDash=[3, 3])
        .encode(x=x, y=y)
    )
    return layered(even, line, width=_SIDE, height=_SIDE)
