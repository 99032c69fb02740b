"""What the answers to past campaigns have to show on a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from grc_fast.labels.catalogue import text
from grc_fast.labels.table import Table
from grc_fast.labels.written import percent, whole
from grc_fast.report.charts.curves import gains_chart
from grc_fast.report.charts.rates import rates_chart
from grc_fast.report.page import Figure, Part, Section

# The levels of the table, those with fewer places first.
_LEVELS: Final = ("group", "segment", "cell")


def response_section(found: Mapping[str, Any], lang: str) -> Section:
    """Return the section of what `response --report` wrote as JSON."""
    places = _places(found)
    figures = [] if places is None else [_rates(*places, found["break_even"], lang)]
    if found["depth"]:
        figures.append(_gains(found, lang))
    return Section(
        title=text("section.response", lang),
        meaning=text("section.response_meaning", lang),
        figures=figures,
        parts=[_summary(found, lang)],
    )


def _places(found: Mapping[str, Any]) -> tuple[str, pl.DataFrame] | None:
    """Return the level with the fewest places, and its rates."""
    for level in _LEVELS:
        rows = [row for row in found["table"] if row["level"] == level]
        if rows:
            frame = pl.DataFrame(rows, infer_schema_length=None)
            return level, frame.select(
                "contacts",
                "responses",
                "low",
                "high",
                place=pl.col("key").cast(pl.String),
                rate="shrunk",
            )
    return None


def _rates(level: str, places: pl.DataFrame, break_even: float | None, lang: str) -> Figure:
    caption, measured = text(f"column.{level}", lang), text("section.rate", lang)
    chart = rates_chart(
        places.select("place", "rate", "low", "high"), caption, measured, break_even
    )
    rows = [
        [
            row["place"],
            whole(row["contacts"], lang),
            whole(row["responses"], lang),
            *("" if row[n] is None else percent(row[n], lang) for n in ("rate", "low", "high")),
        ]
        for row in places.iter_rows(named=True)
    ]
    names = ("contacts", "responses", "rate", "low", "high")
    header = [caption, *(text(f"section.{name}", lang) for name in names)]
    table = Table(text("section.rates", lang), header, rows)
    return Figure.of("response", chart, text("section.rates_meaning", lang), table, lang)


def _gains(found: Mapping[str, Any], lang: str) -> Figure:
    depth = pl.DataFrame(found["depth"], infer_schema_length=None)
    reached, caught = text("section.reached", lang), text("section.caught", lang)
    curves = {text("figure.by_raw", lang): (depth["share"], depth["caught"])}
    chart = gains_chart(curves, (reached, caught))
    rows = [
        [str(row["key"]), percent(row["share"], lang), percent(row["caught"], lang)]
        for row in depth.iter_rows(named=True)
    ]
    header = [text("section.place", lang), reached, caught]
    table = Table(text("section.gains", lang), header, rows)
    return Figure.of("gains", chart, text("section.gains_meaning", lang), table, lang)


def _summary(found: Mapping[str, Any], lang: str) -> Part:
    counts = {name: found[name] for name in ("contacts", "clients", "responses")}
    shares = {
        "raw_rate": found["raw_rate"],
        "added": found["incremental"],
        "break_even": found["break_even"],
    }
    money = {name: found[name] for name in ("profit", "profit_low", "profit_high")}
    rows = [[text(f"section.{name}", lang), whole(count, lang)] for name, count in counts.items()]
    rows += [
        [text(f"section.{name}", lang), percent(share, lang)]
        for name, share in shares.items()
        if share is not None
    ]
    rows += [
        [text(f"section.{name}", lang), whole(amount, lang)]
        for name, amount in money.items()
        if amount is not None
    ]
    title = text("section.response_in_short", lang)
    header = [text("section.what", lang), text("section.figure", lang)]
    told = "added_known" if found["incremental"] is not None else "added_unknown"
    return Part(title, text(f"section.{told}", lang), Table(title, header, rows))
