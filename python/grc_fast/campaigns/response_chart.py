"""The chart of a response report: rates by group, and gains by depth."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from grc_fast.labels.catalogue import text
from grc_fast.report.charts.chart import COLOURS, fixed, label_angle, layered, short, side_by_side
from grc_fast.report.charts.curves import gains_chart

_WIDTH: Final = 340
_HEIGHT: Final = 280


def response_chart(
    rates_by: pl.DataFrame,
    depth: pl.DataFrame,
    lang: str,
    *,
    added: bool,
    whole: float,
    break_even: float | None,
) -> alt.HConcatChart:
    """Draw the response rates of a level, or what contacts add, and the gains curve.

    Parameters
    ----------
    rates_by
        The rates by group, segment or cell.
    depth
        The gains, cumulative from the best place down.
    lang
        The language of titles and axes.
    added
        Whether rates are what contacts add, and not raw.
    whole
        The rate over all.
    break_even
        The rate at which a contact pays for itself, if it is known.
    """
    lines = {text("figure.of_all", lang, rate=whole): whole}
    if break_even is not None:
        lines[text("figure.break_even", lang, rate=break_even)] = break_even
    kind = "added" if added else "raw"
    panels = [_rates(rates_by, lines, kind, lang)]
    # Where nobody answered, or contacts add nothing in all, there are no gains to share out.
    if depth["caught"].null_count() == 0:
        axes = text("figure.share_of_contacts", lang), text(f"figure.share_of_{kind}", lang)
        title = text(f"figure.{kind}_caught", lang)
        curves = {text(f"figure.by_{kind}", lang): (depth["share"], depth["caught"])}
        panels.append(gains_chart(curves, axes).properties(title=title))
    return side_by_side(*panels)


def _rates(rates_by: pl.DataFrame, lines: dict[str, float], kind: str, lang: str) -> alt.LayerChart:
    level = rates_by.columns[0]
    middle, low, high = (
        ("incremental", "incremental_low", "incremental_high")
        if kind == "added"
        else ("shrunk", "low", "high")
    )
    written = short(rates_by[level].cast(pl.String))
    places = list(written.values())
    rows = rates_by.select(
        pl.col(level).cast(pl.String).replace(written).alias("place"),
        rate=middle,
        low=low,
        high=high,
    ).to_dicts()
    caption = text(f"response.{level}", lang)
    x = alt.X("place:N", sort=places, axis=alt.Axis(title=caption, labelAngle=label_angle(places)))
    axis = alt.Axis(title=text(f"figure.{kind}_rate", lang), format="%")
    intervals = (
        fixed(rows).mark_rule(color=COLOURS[0]).encode(x=x, y=alt.Y("low:Q", axis=axis), y2="high")
    )
    points = (
        fixed(rows)
        .mark_point(filled=True, size=50, color=COLOURS[0])
        .encode(x=x, y=alt.Y("rate:Q", axis=axis))
    )
    names = list(lines)
    colour = alt.Color(
        "name:N",
        sort=names,
        scale=alt.Scale(domain=names, range=[COLOURS[3], COLOURS[1]][: len(names)]),
        legend=alt.Legend(title=None, orient="bottom", labelLimit=_WIDTH),
    )
    rules = (
        fixed([{"name": name, "rate": rate} for name, rate in lines.items()])
        .mark_rule(strokeWidth=1.5)
        .encode(y=alt.Y("rate:Q", axis=axis), color=colour)
    )
    chart = layered(rules, intervals, points, width=_WIDTH, height=_HEIGHT)
    return chart.properties(title=text(f"figure.{kind}_by_level", lang, level=caption))
