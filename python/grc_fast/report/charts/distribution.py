"""The distribution of a criterion's values, with the thresholds between its bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import altair as alt
import polars as pl

from grc_fast.labels.catalogue import text
from grc_fast.report.charts.chart import BLUE, chart_of, fixed, layered, of_chosen

_WIDTH: Final = 400
_HEIGHT: Final = 220


def distribution_chart(
    bars: pl.DataFrame, thresholds: Sequence[float], caption: str, lang: str
) -> alt.LayerChart:
    """Draw how many clients have which values.

    Parameters
    ----------
    bars
        `segment` (position), `start` and `end` of a bar, and its `clients`.
    thresholds
        The values between bands; those outside of the bars are not drawn.
    caption
        What is measured.
    lang
        The language of the other axis.
    """
    low, high = (float(bars.select(end).item()) for end in (pl.min("start"), pl.max("end")))
    scale = alt.Scale(domain=[low, high], nice=False, zero=False)
    columns = (
        of_chosen(chart_of(bars))
        .transform_aggregate(clients="sum(clients)", groupby=["start", "end"])
        .mark_rect(fill=BLUE, stroke=BLUE, strokeWidth=0.5)
        .encode(
            x=alt.X("start:Q", scale=scale, axis=alt.Axis(title=caption, grid=False)),
            x2="end",
            y=alt.Y("clients:Q", axis=alt.Axis(title=text("table.clients", lang), format=",d")),
            y2=alt.datum(0),
        )
    )
    drawn = [{"at": edge} for edge in sorted(set(thresholds)) if low <= edge <= high]
    lines = (
        fixed(drawn)
        .mark_rule(strokeDash=[5, 3], strokeWidth=1.5)
        .encode(x=alt.X("at:Q", scale=scale))
    )
    return layered(columns, lines, width=_WIDTH, height=_HEIGHT)
