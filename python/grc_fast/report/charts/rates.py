"""Rates with their intervals, and the rate that pays."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from grc_fast.report.charts.chart import BLUE, fixed, layered, short

_WIDTH: Final = 420
_LINE: Final = 26


def rates_chart(
    rates: pl.DataFrame, caption: str, measured: str, break_even: float | None
) -> alt.LayerChart:
    """Draw a bar for each place, its interval across it, and a dashed line at the break-even.

    Parameters
    ----------
    rates
        `place`, `rate`, `low` and `high`, in the order in which they are to stand.
    caption, measured
        What the places are, and what the rate is of.
    break_even
        The rate at which a contact pays for itself, if it is known.
    """
    places = short(rates["place"])
    y = alt.Y("place:N", sort=list(places.values()), axis=alt.Axis(title=caption, labelLimit=180))
    base = fixed(rates.with_columns(pl.col("place").replace(places)).to_dicts())
    bars = base.mark_bar(color=BLUE).encode(
        x=alt.X("rate:Q", axis=alt.Axis(title=measured, format=".1%")), y=y
    )
    spans = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q"), x2="high", y=y)
    pays = fixed([] if break_even is None else [{"at": break_even}])
    line = pays.mark_rule(strokeDash=[5, 3], strokeWidth=1.5).encode(x=alt.X("at:Q"))
    return layered(bars, spans, line, width=_WIDTH, height=_LINE * max(rates.height, 2))
