"""What the comparison of expected gains with what came has to show on a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from grc_fast.labels.catalogue import text
from grc_fast.labels.table import Table
from grc_fast.labels.written import in_language, percent, whole
from grc_fast.report.charts.expected import expected_chart
from grc_fast.report.page import Figure, Part, Section
from grc_fast.validation.gains import words_of_scores


def holdout_section(found: Mapping[str, Any], lang: str) -> Section:
    """Return the section of what `value --holdout` wrote as JSON."""
    deciles = pl.DataFrame(found["deciles"]).select(
        part="decile", clients="clients", expected="expected_money", came="money"
    )
    title = text("section.holdout", lang)
    words = {name: text(f"section.{name}", lang) for name in ("decile", "expected", "came")}
    rows = [
        [str(part), *(whole(figure, lang) for figure in rest)]
        for part, *rest in deciles.iter_rows()
    ]
    header = [words["decile"], text("table.clients", lang), words["expected"], words["came"]]
    chart = expected_chart(deciles.drop("clients"), words["decile"], text("table.money", lang))
    meaning, table = text("section.holdout_figure", lang), Table(title, header, rows)
    figure = Figure.of("deciles", chart, meaning, table, lang)
    parts = [_totals(found, words, lang)]
    if found["rankings"]:
        parts.append(_rankings(found, lang))
    return Section(title, text("section.holdout_meaning", lang), [figure], parts)


def _totals(found: Mapping[str, Any], words: Mapping[str, str], lang: str) -> Part:
    names = {"purchases": text("section.purchases", lang), "money": text("table.money", lang)}
    ends = ("expected", "low", "high", "actual")
    rows = [
        [
            caption,
            *("" if of[end] is None else whole(of[end], lang) for end in ends),
            "" if of["error"] is None else percent(of["error"], lang),
        ]
        for name, caption in names.items()
        for of in [found["totals"][name]]
    ]
    low, high, error = (text(f"section.{name}", lang) for name in ("low", "high", "error"))
    header = [text("section.what", lang), words["expected"], low, high, words["came"], error]
    title = text("section.totals", lang)
    return Part(title, text("section.totals_meaning", lang), Table(title, header, rows))


def _rankings(found: Mapping[str, Any], lang: str) -> Part:
    words = words_of_scores(lang)
    tops = [name for name in found["rankings"][0] if name.startswith("top_")]
    rows = [
        [
            words[ranking["score"]],
            in_language(f"{ranking['gini']:.2f}", lang),
            *(percent(ranking[top], lang) for top in tops),
        ]
        for ranking in found["rankings"]
    ]
    header = [
        text("section.score", lang),
        text("section.gini", lang),
        *(text("section.top", lang, share=top.removeprefix("top_")) for top in tops),
    ]
    title = text("section.rankings", lang)
    return Part(title, text("section.rankings_meaning", lang), Table(title, header, rows))
