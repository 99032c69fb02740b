"""Charts of reports, by matplotlib (extra `report`): the same file for the same figures."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from grc_fast.errors import OutputError

if TYPE_CHECKING:
    from grc_fast.campaigns.response_report import ResponseReport
    from grc_fast.value.holdout import HoldoutReport

__all__ = [
    "chart_writer",
    "holdout_figure",
    "require_matplotlib",
    "response_figure",
]

_FORMATS: Final = (".svg", ".png")
# Blue, orange and green of the Okabe-Ito palette, which colour-blind readers tell apart.
_COLOURS: Final = ("#0072B2", "#E69F00", "#009E73", "#999999")
# Nothing of the moment or the machine in the file: identifiers from a fixed salt, no date.
_SETTINGS: Final = {"svg.hashsalt": "grc_fast", "svg.fonttype": "path"}


def require_matplotlib() -> None:
    """Check that charts can be drawn.

    Raises
    ------
    OutputError
        If the extra is missing, with the command that installs it.
    """
    if find_spec("matplotlib") is None:
        raise OutputError('charts need the extra "report": run pip install "grc-fast[report]"')


def chart_writer(path: str | os.PathLike[str], draw: Callable[[], Any]) -> Callable[[Path], None]:
    """Return the function that writes a figure in the format of a path's extension.

    Raises
    ------
    OutputError
        If it is neither `.svg` nor `.png`, or the extra is missing.
    """
    extension = Path(path).suffix.lower()
    if extension not in _FORMATS:
        raise OutputError(f"the chart {os.fspath(path)!r} must be named {' or '.join(_FORMATS)}")
    require_matplotlib()

    def write(temporary: Path) -> None:
        import matplotlib as mpl

        with mpl.rc_context(cast(Any, _SETTINGS)):
            form = extension.removeprefix(".")
            metadata = {"Date": None} if form == "svg" else {"Software": None}
            draw().savefig(temporary, format=form, dpi=150, metadata=metadata)

    return write


def _panels(titles: Sequence[str]) -> tuple[Any, list[Any]]:
    # A figure of its own: pyplot would keep it, and look for a screen.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * len(titles), 4), layout="constrained")
    panels = list(figure.subplots(1, len(titles), squeeze=False)[0])
    for panel, title in zip(panels, titles, strict=True):
        panel.set_title(title, loc="left", fontsize=11)
        panel.spines[["top", "right"]].set_visible(False)
    return figure, panels


def holdout_figure(report: HoldoutReport) -> Any:
    """Draw what was expected and what came by decile, and the gains curves."""
    from grc_fast.value.holdout import SCORES

    figure, (bars, gains) = _panels(
        [
            f"Money by decile, {report.fitted_until} to {report.observed_until}",
            "Money caught by the first clients",
        ]
    )
    deciles = report.deciles
    for shift, (name, label) in enumerate((("expected_money", "expected"), ("money", "came"))):
        places = [decile + 0.4 * (shift - 0.5) for decile in deciles["decile"]]
        bars.bar(places, deciles[name].to_list(), 0.38, label=label, color=_COLOURS[shift])
    bars.set_xticks(deciles["decile"].to_list())
    bars.set_xlabel("decile of expected gain, 1 = best")
    bars.set_ylabel("money")
    bars.legend(frameon=False)
    for (name, ranking), colour in zip(report.rankings.items(), _COLOURS, strict=False):
        label = f"{SCORES[name]} (Gini {ranking.gini:.3f})"
        _share_curve(gains, ranking.curve["clients"], ranking.curve["outcome"], label, colour)
    _diagonal(gains, "share of clients", "share of money")
    return figure


def response_figure(report: ResponseReport) -> Any:
    """Draw the response rates of the groups, or what contacts add, and the gains curve."""
    added = report.kind == "incremental"
    figure, (rates, gains) = _panels(
        ["What contacts add, by group (incremental)", "Added responses, by the first contacts"]
        if added
        else [f"Response by group ({report.kind})", "Responses caught by the first contacts"]
    )
    named = report.groups if report.groups.height else report.segments
    if named.is_empty():
        named = report.cells
    middle, low, high = (
        ("incremental", "incremental_low", "incremental_high")
        if added
        else ("shrunk", "low", "high")
    )
    groups, places = named[named.columns[0]], list(range(named.height))
    below = (named[middle] - named[low]).clip(0).to_list()
    above = (named[high] - named[middle]).clip(0).to_list()
    rates.errorbar(
        places, named[middle].to_list(), yerr=[below, above], fmt="o", color=_COLOURS[0], capsize=3
    )
    rates.set_xticks(places, [str(group) for group in groups], fontsize=8)
    whole = report.rate if not added or report.incremental is None else report.incremental
    rates.axhline(whole, color=_COLOURS[3], linewidth=1, label=f"all, {whole:.2%}")
    if report.break_even is not None:
        label = f"break-even, {report.break_even:.2%}"
        rates.axhline(report.break_even, color=_COLOURS[1], linewidth=1, label=label)
    if not added:
        rates.set_ylim(bottom=0)
    rates.set_xlabel("group")
    rates.set_ylabel("added response rate" if added else "response rate")
    rates.legend(frameon=False)
    depth = report.depth
    if depth["caught"].null_count() == 0:
        label = "by incremental rate" if added else "by shrunk rate"
        caught = [0.0, *depth["caught"]]
        _share_curve(gains, [0.0, *depth["share"]], caught, label, _COLOURS[0])
    what = "share of added responses" if added else "share of responses"
    _diagonal(gains, "share of contacts", what, top=max([1.0, *depth["caught"].drop_nulls()]))
    return figure


def _share_curve(panel: Any, x: Any, y: Any, label: str, colour: str) -> None:
    panel.plot(list(x), list(y), label=label, color=colour)


def _diagonal(panel: Any, x: str, y: str, *, top: float = 1.0) -> None:
    panel.plot([0, 1], [0, 1], color=_COLOURS[3], linewidth=1, linestyle=":")
    panel.set_xlabel(x)
    panel.set_ylabel(y)
    panel.set_xlim(0, 1)
    panel.set_ylim(0, 1.02 * top)
    if panel.get_legend_handles_labels()[1]:
        panel.legend(frameon=False, loc="lower right")
