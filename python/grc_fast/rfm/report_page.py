"""The page of scored clients: what each chart and table of it holds, in the reader's words."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from typing import Any

import altair as alt
import polars as pl

from grc_fast.facts.quality import Quality
from grc_fast.labels.catalogue import text
from grc_fast.labels.table import Table
from grc_fast.labels.written import day, percent, whole
from grc_fast.report.choice import ALL
from grc_fast.report.page import Figure, Headline, Page, Part, html_of
from grc_fast.rfm.bands import FittedBands
from grc_fast.rfm.chart_tables import ChartTables
from grc_fast.rfm.charts import distribution_of, lorenz_of, map_of, segments_of
from grc_fast.rfm.drift import band_drift
from grc_fast.rfm.fitted import FittedModel
from grc_fast.rfm.written_tables import (
    bands_table,
    drift_table,
    labels_of,
    number,
    segments_table,
)


def report_html(tables: ChartTables, quality: Quality | None, as_of: dt.date | None) -> str:
    """Return the page of scored clients as HTML."""
    return html_of(page_of(tables, quality, as_of), tables.lang)


def page_of(tables: ChartTables, quality: Quality | None, as_of: dt.date | None) -> Page:
    """Return the page of scored clients.

    Parameters
    ----------
    tables
        The clients, what scored them, and their sums; in the language of the page.
    quality
        The account of the sales; None where the clients came ready-made.
    as_of
        The day recency is counted from, where known.
    """
    lang = tables.lang
    writing = _Writing(tables)
    parts = [] if quality is None else [account_part(quality, lang)]
    parts += _drift(tables)
    return Page(
        title=text("report.title", lang),
        subtitle=_subtitle(quality, as_of, lang),
        headlines=list(_headlines(tables, quality)),
        figures=writing.figures(),
        parts=[*parts, _bands(tables.model, lang)],
        definitions=_definitions(tables),
        choices=[(ALL, text("report.every_segment", lang)), *writing.choices()],
    )


def _subtitle(quality: Quality | None, as_of: dt.date | None, lang: str) -> str:
    if quality is not None and quality.first_day is not None and quality.last_day is not None:
        days = {"first": quality.first_day, "last": quality.last_day, "day": quality.as_of}
        return text("report.subtitle", lang, **{key: day(at, lang) for key, at in days.items()})
    return "" if as_of is None else text("report.subtitle_day", lang, day=day(as_of, lang))


def _headlines(tables: ChartTables, quality: Quality | None) -> Iterator[Headline]:
    lang = tables.lang

    def headline(name: str, figure: str) -> Headline:
        caption, meaning = text(f"headline.{name}", lang), text(f"headline.{name}_meaning", lang)
        return Headline(figure, caption, meaning)

    yield headline("clients", whole(int(tables.segments["clients"].sum()), lang))
    if tables.money is not None:
        yield headline("money", whole(tables.segments["money"].sum(), lang))
    if (best := tables.share_of_best) is not None:
        yield headline("best", percent(best, lang))
    if quality is not None and quality.rows_read:
        yield headline("rows", percent(quality.rows_used / quality.rows_read, lang))


class _Writing:
    """The figures of a page in one language."""

    def __init__(self, tables: ChartTables) -> None:
        self._tables = tables
        self._lang = tables.lang
        self._labels = labels_of(tables)

    def choices(self) -> list[tuple[int, str]]:
        """Return the segments that have clients."""
        clients = self._tables.segments["clients"].to_list()
        return [(place, self._labels[place]) for place, count in enumerate(clients) if count]

    def figures(self) -> Iterator[Figure]:
        """Yield the figures that the run has the data for."""
        tables, lang = self._tables, self._lang
        if not tables.segments["clients"].sum():
            return
        meaning = "segments_meaning" if tables.has_money else "segments_meaning_no_money"
        yield self._figure("segments", segments_of(tables), segments_table(tables), meaning=meaning)
        if tables.has_grid:
            yield self._figure("rf-clients", map_of(tables, "clients"), self._grid("clients"))
            if tables.has_money:
                yield self._figure("rf-money", map_of(tables, "money"), self._grid("money"))
        for name, measure in tables.measures.items():
            if tables.bars[name].is_empty():
                continue
            title = text("chart.distribution", lang, measure=text(f"column.{measure}", lang))
            chart, table = distribution_of(tables, name), self._bars(name, title)
            meaning = "distribution_meaning"
            yield self._figure(f"distribution-{name}", chart, table, meaning=meaning)
        if tables.curve is not None:
            yield self._figure("lorenz", lorenz_of(tables), self._curve(tables.curve))

    def _figure(
        self, name: str, chart: alt.LayerChart, table: Table, *, meaning: str | None = None
    ) -> Figure:
        told = text(f"chart.{meaning or f'{name}_meaning'}", self._lang)
        return Figure.of(name, chart, told, table, self._lang)

    def _grid(self, value: str) -> Table:
        lang = self._lang
        parts = self._tables.cells.group_by("r", "f").agg(pl.col(value))
        # Exact, whatever the order of the parts.
        found = {(r, f): math.fsum(part) for r, f, part in parts.iter_rows()}
        lines = sorted({r for r, _ in found}, reverse=True)
        columns = sorted({f for _, f in found})
        header = [text("column.r", lang), *(f"{text('column.f', lang)} {f}" for f in columns)]
        rows = [[str(r), *(whole(found.get((r, f), 0), lang) for f in columns)] for r in lines]
        return Table(text(f"chart.rf-{value}", lang), header, rows)

    def _bars(self, criterion: str, title: str) -> Table:
        lang = self._lang
        bars = self._tables.bars[criterion]
        ends = ["start", "end", "below", "beyond"]
        sums = bars.group_by(ends).agg(pl.col("clients").sum()).sort("start")
        header = [text("report.values", lang), text("table.clients", lang)]
        rows = [
            [_span(row, lang), whole(row["clients"], lang)] for row in sums.iter_rows(named=True)
        ]
        return Table(title, header, rows)

    def _curve(self, curve: pl.DataFrame) -> Table:
        lang = self._lang
        tenths = curve.filter(pl.col("segment") == ALL).gather_every(10)
        header = [text("report.of_lowest", lang), text("report.of_money", lang)]
        rows = [
            [percent(clients, lang), percent(share, lang)]
            for clients, share in tenths.select("clients", "money").iter_rows()
        ]
        return Table(text("chart.lorenz", lang), header, rows)


def _span(bar: dict[str, Any], lang: str) -> str:
    """Say which values a bar holds."""
    low, high = number(bar["start"], lang), number(bar["end"], lang)
    words = {
        (False, False): "between",
        (True, False): "below",
        (False, True): "from",
        (True, True): "all",
    }
    return text(f"band.{words[bar['below'], bar['beyond']]}", lang, low=low, high=high)


def account_part(quality: Quality, lang: str) -> Part:
    """Return what became of the rows and the money."""
    table = quality.written(lang)
    return Part(table.name, text("report.account_meaning", lang), table)


def _bands(model: FittedModel, lang: str) -> Part:
    table = bands_table(model, lang)
    merged = [said for fitted in model.fitted for said in _merged(fitted, model.clients, lang)]
    return Part(table.name, text("report.bands_meaning", lang), table, merged)


def _drift(tables: ChartTables) -> list[Part]:
    """Say how far the clients are from those of the fit, where they are others."""
    lang = tables.lang
    drift = band_drift(tables.model, tables.scores)
    if drift.bands["clients_fit"].equals(drift.bands["clients_today"]):
        return []
    table = drift_table(drift, lang)
    return [Part(table.name, text("report.drift_meaning", lang), table, drift.sentences(lang))]


def _merged(fitted: FittedBands, clients: int, lang: str) -> list[str]:
    """Say which bands one value fills by itself."""
    return [
        text(
            "report.merged",
            lang,
            criterion=text(f"criterion.{fitted.criterion.name}", lang),
            share=percent(run.clients / clients, lang),
            value=number(run.value, lang),
            first=run.first,
            last=run.last,
            bands=fitted.size,
        )
        for run in fitted.ties
    ]


def _definitions(tables: ChartTables) -> list[tuple[str, str]]:
    lang = tables.lang
    measures = [
        (text(f"column.{measure}", lang), text(f"definition.{measure}", lang))
        for measure in tables.measures.values()
    ]
    names = ["points", "bands", "segment", "share"]
    if tables.has_money:
        names += ["money", "money_share"]
    terms = [(text(f"table.{name}", lang), text(f"definition.{name}", lang)) for name in names]
    if "basket" in tables.profile.columns:
        terms.append((text("report.basket", lang), text("definition.basket", lang)))
    return measures + terms
