"""The chart of a sweep: value and marginal return by budget."""

from __future__ import annotations

from typing import Final, cast

import altair as alt
import polars as pl

from grc_fast.labels.catalogue import text
from grc_fast.report.charts.chart import COLOURS, fixed, side_by_side

_SIDE: Final = 280


def sweep_chart(table: pl.DataFrame, lang: str) -> alt.HConcatChart:
    """Draw what plans are worth, and what one more of budget earns, by budget."""
    panels = [
        _line(table, "value", text("figure.plan_value", lang), COLOURS[0], lang),
        _line(table, "marginal_return", text("table.marginal_return", lang), COLOURS[1], lang),
    ]
    return side_by_side(*panels)


def _line(table: pl.DataFrame, name: str, title: str, colour: str, lang: str) -> alt.Chart:
    rows = table.select("budget", shown=name).to_dicts()
    x = alt.X("budget:Q", axis=alt.Axis(title=text("table.budget", lang), format=",~r"))
    y = alt.Y("shown:Q", axis=alt.Axis(title=None, format=",~r"))
    chart = fixed(rows).mark_line(color=colour, point={"color": colour}).encode(x=x, y=y)
    return cast(alt.Chart, chart.properties(title=title, width=_SIDE, height=_SIDE))
