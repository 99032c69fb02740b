"""What all charts share: rows, the segment chosen, numbers of a language, and their SVG."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar, cast

import altair as alt
import polars as pl
import vl_convert

from grc_fast._utils.messages import cut, harmless
from grc_fast.report.choice import ALL, CHOSEN, IS_SHOWN

Chart = TypeVar("Chart", bound=alt.TopLevelMixin)

BLUE: Final = "#2a78c2"
#: Blue, orange and green of the Okabe-Ito palette, which colour-blind readers tell apart; grey.
COLOURS: Final = ("#0072B2", "#E69F00", "#009E73", "#999999")
# Of the scale of shades, 0 to 1: above, blue is too dark for black letters.
_DARK: Final = 0.75
# So many letters have room below a column.
_SHORT: Final = 8
# What an axis has room for.
_LONGEST_NAME: Final = 30
# Comes with vl-convert: widths of text, and so the bytes, do not depend on the machine's fonts.
_FONT: Final = "Liberation Sans"
# French groups thousands by narrow spaces that do not break, and puts one before per cent.
_NUMBERS: Final = {
    "en": {"decimal": ".", "thousands": ",", "grouping": [3], "currency": ["", ""]},
    "fr": {
        "decimal": ",",
        "thousands": "\u202f",
        "grouping": [3],
        "currency": ["", ""],
        "percent": "\u202f%",
    },
}
# One drawing for light and dark: lines and letters take the colour of the text around it.
_INK: Final = "currentColor"


def chart_of(frame: pl.DataFrame) -> alt.Chart:
    """Return a chart without marks of a table's rows, whose `segment` the reader may choose."""
    return fixed(frame.to_dicts()).add_params(alt.param(name=CHOSEN, value=ALL))


def fixed(rows: Sequence[Mapping[str, Any]]) -> alt.Chart:
    """Return a chart without marks of rows that do not depend on the reader's choice."""
    return alt.Chart(alt.Data(values=rows))  # type: ignore[no-untyped-call]


def of_chosen(chart: alt.Chart) -> alt.Chart:
    """Return the chart with the rows of the segment chosen alone."""
    return chart.transform_filter(IS_SHOWN)


def layered(*layers: alt.Chart, width: int, height: int) -> alt.LayerChart:
    """Return charts of the same axes on top of each other."""
    chart = alt.layer(*layers, width=width, height=height)
    # Facets alone, which no chart here has, make it something else.
    return cast(alt.LayerChart, chart)


def side_by_side(*charts: alt.Chart | alt.LayerChart) -> alt.HConcatChart:
    """Return charts side by side, each with its own colours."""
    return cast(alt.HConcatChart, alt.hconcat(*charts).resolve_scale(color="independent"))


def label_angle(names: Sequence[str]) -> int:
    """Return how labels of an axis below columns stand: aslant where some are long."""
    return 0 if all(len(name) <= _SHORT for name in names) else -30


def shade() -> alt.Color:
    """Return the colour of `shade`, from 0 for the lightest to 1 for the darkest."""
    # Wider than the shades, so that the lightest stands off white paper, and blue stays blue.
    scale = alt.Scale(scheme="blues", domain=[-0.1, 1.1])
    return alt.Color("shade:Q", scale=scale, legend=None)


def shade_around_centre() -> alt.Color:
    """Return the colour of `shade`, from -1 to 1, on one side of a centre or the other."""
    scale = alt.Scale(scheme="purpleorange", domain=[1.2, -1.2])
    return alt.Color("shade:Q", scale=scale, legend=None)


def on_shade() -> Any:
    """Return the colour of letters on `shade`."""
    return alt.condition(f"abs(datum.shade) > {_DARK}", alt.value("white"), alt.value("black"))


def short(names: Iterable[str]) -> dict[str, str]:
    """Return what is written of names on an axis: cut to what there is room for, each once."""
    written: dict[str, str] = {}
    for name in names:
        label = cut(harmless(name), _LONGEST_NAME)
        while label in written.values() and name not in written:
            label += "\u2032"
        written.setdefault(name, label)
    return written


def in_language(chart: Chart, lang: str) -> Chart:
    """Return the chart with its numbers written as a language does."""
    return cast(Chart, chart.configure(locale={"number": _NUMBERS[lang]}))


def specification(chart: alt.TopLevelMixin, lang: str) -> dict[str, Any]:
    """Return what Vega-Lite draws on a page, whose colours the drawing takes."""
    drawn = chart.to_dict(validate=False)
    plain = {"labelColor": _INK, "titleColor": _INK, "domainColor": _INK, "tickColor": _INK}
    drawn["config"] = {
        "mark": {"aria": False},  # a table stands beside each chart
        "axis": {
            **plain,
            "aria": False,
            "gridColor": _INK,
            "gridOpacity": 0.15,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
        },
        "background": "transparent",
        "font": _FONT,
        "locale": {"number": _NUMBERS[lang]},
        "rule": {"color": _INK},
        "text": {"fontSize": 12},
        "view": {"stroke": None},
    }
    return drawn


def with_own_font(specification: dict[str, Any]) -> dict[str, Any]:
    """Return a chart whose letters are as wide on any machine."""
    return {**specification, "config": {**specification.get("config", {}), "font": _FONT}}


def png(specification: dict[str, Any], *, scale: float) -> bytes:
    """Draw a chart in pixels: the same bytes for the same specification."""
    return vl_convert.vegalite_to_png(_drawable(specification), scale=scale, allowed_base_urls=[])


def svg(specification: dict[str, Any]) -> str:
    """Draw a chart: the same bytes for the same specification."""
    return vl_convert.vegalite_to_svg(_drawable(specification), allowed_base_urls=[])


def _drawable(specification: Any) -> Any:
    """Return a specification with control characters shown as escapes.

    vl-convert ends the whole process where there is one in a text.
    """
    if isinstance(specification, str):
        return harmless(specification)
    if isinstance(specification, Mapping):
        return {name: _drawable(value) for name, value in specification.items()}
    if isinstance(specification, Sequence):
        return [_drawable(value) for value in specification]
    return specification
