"""Bars of shares: how many of all clients, or how much of all money, each part has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import altair as alt
import polars as pl

from grc_fast.report.charts.chart import BLUE, fixed, layered, short, side_by_side

_WIDTH: Final = 260
_BAR: Final = 22


def shares_chart(parts: pl.Series, shares: Mapping[str, pl.Series]) -> alt.HConcatChart:
    """Draw a bar of each part for each kind of share, side by side.

    Parameters
    ----------
    parts
        What the parts are called, in the order from top to bottom.
    shares
        The shares of all, 0 to 1, by what they are of.
    """
    names = list(short(parts.cast(pl.String)).values())
    panels = [_bars(names, values.cast(pl.Float64), title) for title, values in shares.items()]
    return side_by_side(*panels)


def _bars(names: list[str], shares: pl.Series, title: str) -> alt.LayerChart:
    rows = [
        {"part": name, "share": share}
        for name, share in zip(names, shares.fill_null(0), strict=True)
    ]
    y = alt.Y("part:N", sort=names, axis=alt.Axis(title=None, labelLimit=240))
    x = alt.X("share:Q", axis=alt.Axis(title=title, format="%", tickCount=5))
    bars = fixed(rows).mark_bar(color=BLUE).encode(x=x, y=y)
    figures = (
        fixed(rows)
        .mark_text(align="left", dx=4)
        .encode(x=x, y=y, text=alt.Text("share:Q", format=".1%"))
    )
    return layered(bars, figures, width=_WIDTH, height=_BAR * max(len(rows), 1))
