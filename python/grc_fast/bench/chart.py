"""The chart of a run: how many times faster than the best of the others, case by case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from grc_fast.bench.table import in_ratio

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["STYLE", "chart_writer", "has_matplotlib", "ratio_chart", "svg_writer"]

#: Text stays text, and nothing in the file depends on the day or on chance.
STYLE: Final[dict[Any, Any]] = {"svg.fonttype": "none", "svg.hashsalt": "grc-fast", "font.size": 9}
_BAR: Final = "#1f6f8b"


def has_matplotlib() -> bool:
    """Tell whether a chart can be drawn."""
    return find_spec("matplotlib") is not None


def chart_writer(run: Mapping[str, Any]) -> Callable[[Path], None]:
    """Return what draws the chart of a run into an SVG file; Matplotlib must be installed."""
    return svg_writer(lambda: ratio_chart(run))


def svg_writer(draw: Callable[[], Figure]) -> Callable[[Path], None]:
    """Return what writes a figure as SVG, the same bytes for the same figure."""

    def write(path: Path) -> None:
        import matplotlib as mpl

        with mpl.rc_context(STYLE):
            figure = draw()
            figure.savefig(path, format="svg", bbox_inches="tight", metadata={"Date": None})

    return write


def ratio_chart(run: Mapping[str, Any]) -> Figure:
    """Draw a bar for each ratio against the others."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    bars = [
        (f"{case['name']}  ·  {figure['opponent']}", figure)
        for case in run["cases"]
        for figure in case["figures"]
    ]
    figure = Figure(figsize=(9, 1 + 0.28 * max(len(bars), 1)))
    axes = figure.add_subplot()
    for place, (_, found) in enumerate(bars):
        # From 1x, as a logarithmic scale has no zero for a bar to stand on.
        axes.barh(place, found["ratio"] - 1, left=1, height=0.6, color=_BAR)
        axes.text(max(found["ratio"], 1), place, f" {in_ratio(found['ratio'])}", va="center")
    axes.set_yticks(range(len(bars)), [label for label, _ in bars])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}x"))
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("times better than the best of the others")
    axes.spines[["top", "right"]].set_visible(False)
    return figure
