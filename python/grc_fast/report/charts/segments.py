"""The treemap of segments: as large as their clients, as dark as the money of each."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl
import squarify

from grc_fast._utils.messages import cut, harmless
from grc_fast.report.charts.chart import chart_of, layered, on_shade, shade
from grc_fast.report.choice import IS_SHOWN

_WIDTH: Final = 420
_HEIGHT: Final = 280
# The mean width of a letter, and what a line of letters needs in height.
_LETTER: Final = 7
_LINE: Final = 16


def segments_chart(segments: pl.DataFrame) -> alt.LayerChart:
    """Draw a treemap of segments.

    Vega-Lite has no treemap; the rectangles are laid out here (Bruls, Huizing and van Wijk,
    *Squarified treemaps*, 2000) and drawn by it, so that the chart is like any other.

    Parameters
    ----------
    segments
        `segment` (position), `label`, `clients`, and `shade`, 0 for the lightest to 1 for the
        darkest. Segments without clients are left out.
    """
    base = chart_of(_rectangles(segments))
    left = alt.X("left:Q", axis=None, scale=_pixels(0, _WIDTH))
    top = alt.Y("top:Q", axis=None, scale=_pixels(_HEIGHT, 0))
    opacity = alt.condition(IS_SHOWN, alt.value(1), alt.value(0.45))
    rectangles = base.mark_rect(stroke="white", strokeWidth=1, cursor="pointer").encode(
        x=left, x2="right", y=top, y2="bottom", color=shade(), opacity=opacity
    )
    names = base.mark_text(align="left", baseline="top", dx=5, dy=5, cursor="pointer").encode(
        x=left, y=top, text="short:N", color=on_shade(), opacity=opacity
    )
    return layered(rectangles, names, width=_WIDTH, height=_HEIGHT)


def _pixels(first: int, last: int) -> alt.Scale:
    """Return the scale of a side that is measured in pixels."""
    return alt.Scale(domain=[first, last], nice=False, zero=False)


def _rectangles(segments: pl.DataFrame) -> pl.DataFrame:
    """Return the segments that have clients with their rectangles, the largest first."""
    shown = segments.filter(pl.col("clients") > 0).sort(
        "clients", "segment", descending=[True, False]
    )
    sizes = squarify.normalize_sizes(shown["clients"].to_list(), _WIDTH, _HEIGHT)
    rectangles = squarify.squarify(sizes, 0, 0, _WIDTH, _HEIGHT)
    names = [
        _fitting(label, place["dx"], place["dy"])
        for label, place in zip(shown["label"].to_list(), rectangles, strict=True)
    ]
    ends = {
        "left": [place["x"] for place in rectangles],
        "right": [place["x"] + place["dx"] for place in rectangles],
        "top": [place["y"] for place in rectangles],
        "bottom": [place["y"] + place["dy"] for place in rectangles],
    }
    return shown.select(
        pl.col("segment", "shade"),
        *(pl.Series(name, values, dtype=pl.Float64).round(2) for name, values in ends.items()),
        pl.Series("short", names, dtype=pl.String),
    )


def _fitting(label: str, width: float, height: float) -> str:
    """Return as much of a name as its rectangle holds, or none."""
    letters = int((width - 8) // _LETTER)
    return cut(harmless(label), letters) if letters >= 3 and height >= _LINE + 4 else ""
