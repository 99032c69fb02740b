"""The chart of a holdout report: what was expected and what came, and gains."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final, cast

import altair as alt
import polars as pl

from grc_fast.labels.catalogue import text
from grc_fast.report.charts.chart import COLOURS, fixed, side_by_side
from grc_fast.report.charts.curves import gains_chart
from grc_fast.validation.gains import Ranking

_WIDTH: Final = 360
_HEIGHT: Final = 280


def holdout_chart(
    deciles: pl.DataFrame,
    rankings: Mapping[str, Ranking],
    lang: str,
    *,
    first: dt.date,
    last: dt.date,
) -> alt.HConcatChart:
    """Draw what was expected and what came by decile from a first to a last day, and the gains."""
    title = text("figure.money_by_decile", lang, first=first, last=last)
    panels: list[alt.Chart | alt.LayerChart] = [_bars(deciles, title, lang)]
    if rankings:
        curves = {
            text("figure.ranking", lang, score=text(f"ranking.{name}", lang), gini=found.gini): (
                found.curve["clients"],
                found.curve["outcome"],
            )
            for name, found in rankings.items()
        }
        axes = text("table.share", lang), text("table.money_share", lang)
        title = text("figure.money_caught", lang)
        panels.append(gains_chart(curves, axes).properties(title=title))
    return side_by_side(*panels)


def _bars(deciles: pl.DataFrame, title: str, lang: str) -> alt.Chart:
    words = {name: text(f"figure.{name}", lang) for name in ("expected", "came")}
    rows = [
        {"decile": row["decile"], "what": words[name], "money": row[column]}
        for row in deciles.iter_rows(named=True)
        for name, column in (("expected", "expected_money"), ("came", "money"))
    ]
    names = list(words.values())
    colour = alt.Color(
        "what:N",
        sort=names,
        scale=alt.Scale(domain=names, range=list(COLOURS[:2])),
        legend=alt.Legend(title=None, orient="top"),
    )
    axis = alt.Axis(title=text("figure.decile", lang), labelAngle=0)
    money = alt.Axis(title=text("table.money", lang), format=",d")
    chart = (
        fixed(rows)
        .mark_bar()
        .encode(
            x=alt.X("decile:O", axis=axis),
            xOffset=alt.XOffset("what:N", sort=names),
            y=alt.Y("money:Q", axis=money),
            color=colour,
        )
    )
    return cast(alt.Chart, chart.properties(title=title, width=_WIDTH, height=_HEIGHT))
