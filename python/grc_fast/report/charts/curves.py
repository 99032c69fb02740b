"""Curves of shares: what the first clients of an order catch, beside what chance would give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import altair as alt
import polars as pl

from grc_fast.report.charts.chart import COLOURS, fixed, layered

_SIDE: Final = 280


def gains_chart(
    curves: Mapping[str, tuple[pl.Series, pl.Series]], axes: tuple[str, str]
) -> alt.LayerChart:
    """Draw curves of cumulative shares.

    Parameters
    ----------
    curves
        The shares across and those up, by what a curve is called; each begins at (0, 0).
    axes
        What the shares across and those up are of.
    """
    rows = [
        {"curve": name, "first": first, "caught": caught}
        for name, (across, up) in curves.items()
        for first, caught in zip([0.0, *across], [0.0, *up], strict=True)
    ]
    x = alt.X("first:Q", scale=alt.Scale(domain=[0, 1]), axis=_axis(axes[0]))
    y = alt.Y("caught:Q", axis=_axis(axes[1]))
    names = list(curves)
    colour = alt.Color(
        "curve:N",
        sort=names,
        scale=alt.Scale(domain=names, range=list(COLOURS[: len(names)])),
        legend=alt.Legend(title=None, orient="bottom", direction="vertical", labelLimit=_SIDE),
    )
    lines = fixed(rows).mark_line().encode(x=x, y=y, color=colour, order="first:Q")
    chance = (
        fixed([{"first": 0, "caught": 0}, {"first": 1, "caught": 1}])
        .mark_line(color="gray", strokeDash=[3, 3])
        .encode(x=x, y=y)
    )
    return layered(chance, lines, width=_SIDE, height=_SIDE)


def _axis(title: str) -> alt.Axis:
    return alt.Axis(title=title, format="%", tickCount=5)
