"""A page of headlines, charts and tables: one HTML file, with nothing from a network in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any

import altair as alt
from markupsafe import Markup

from grc_fast.io.html_template import html_template
from grc_fast.labels.catalogue import section
from grc_fast.labels.table import Table
from grc_fast.report.charts.chart import specification, svg
from grc_fast.report.choice import ALL, CHOSEN
from grc_fast.report.script import page_script


@dataclass(frozen=True)
class Headline:
    """A figure, what it is of, and what it means."""

    figure: str
    caption: str
    meaning: str


@dataclass(frozen=True)
class Figure:
    """A chart with its table.

    Attributes
    ----------
    name
        What the page calls it, the same in every language.
    title, meaning
        What it shows, and what to do with it.
    specification
        What Vega-Lite draws.
    table
        The same figures to read.
    """

    name: str
    title: str
    meaning: str
    specification: dict[str, Any]
    table: Table

    @classmethod
    def of(cls, name: str, chart: alt.LayerChart, meaning: str, table: Table, lang: str) -> Figure:
        """Make it of a chart and its table, which says what both show."""
        return cls(name, table.name, meaning, specification(chart, lang), table)


@dataclass(frozen=True)
class Part:
    """A table under a heading, what it means, and what to know of it."""

    title: str
    meaning: str
    table: Table
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Section:
    """What one analysis has to show on a page of several.

    Attributes
    ----------
    title, meaning
        What it is of, and what to do with it.
    figures, parts
        What it shows, in order.
    definitions
        Terms and what they mean, for the appendix of the page.
    """

    title: str
    meaning: str
    figures: Sequence[Figure] = ()
    parts: Sequence[Part] = ()
    definitions: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Page:
    """A whole page.

    Attributes
    ----------
    title, subtitle
        What it is of.
    headlines, figures, parts
        What it shows, in order. Each figure is drawn while the next is worked out.
    definitions
        Terms and what they mean.
    choices
        Segments that the reader may choose: position and label.
    sections
        What other analyses show, below.
    """

    title: str
    subtitle: str
    headlines: Sequence[Headline]
    figures: Iterable[Figure]
    parts: Sequence[Part]
    definitions: Sequence[tuple[str, str]]
    choices: Sequence[tuple[int, str]]
    sections: Sequence[Section] = ()


def html_of(page: Page, lang: str) -> str:
    """Return the page as HTML: the same text for the same page."""
    script, digest = page_script()
    template = html_template("grc_fast.report", "page.html", extra="report", purpose="a report")
    with ThreadPoolExecutor(max_workers=1) as drawer:
        figures, drawings, specifications = [], {}, {}
        for figure in chain(page.figures, *(of_one.figures for of_one in page.sections)):
            figures.append(figure)
            specifications[figure.name] = figure.specification
            drawings[figure.name] = drawer.submit(svg, figure.specification)
    of_sections = sum(len(of_one.figures) for of_one in page.sections)
    html: str = template.render(
        page=page,
        figures=figures[: len(figures) - of_sections],
        lang=lang,
        words=section("report", lang),
        drawings={name: Markup(drawing.result()) for name, drawing in drawings.items()},
        specifications=specifications,
        script=Markup(script),
        digest=digest,
        chosen=CHOSEN,
        all=ALL,
    )
    return html
