"""Charts as files: SVG and PNG, the same bytes for the same figures."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, cast

from grc_fast.errors import OutputError

_FORMATS: Final = (".svg", ".png")
# Blue, orange and green of the Okabe-Ito palette, which colour-blind readers tell apart.
COLOURS: Final = ("#0072B2", "#E69F00", "#009E73", "#999999")
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


def panels(titles: Sequence[str]) -> tuple[Any, list[Any]]:
    """Return a figure, and its titled panels from left to right."""
    # A figure of its own: pyplot would keep it, and look for a screen.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * len(titles), 4), layout="constrained")
    panels = list(figure.subplots(1, len(titles), squeeze=False)[0])
    for panel, title in zip(panels, titles, strict=True):
        panel.set_title(title, loc="left", fontsize=11)
        panel.spines[["top", "right"]].set_visible(False)
    return figure, panels


def percents() -> Any:
    """Return what writes the figures of an axis as per cent."""
    from matplotlib.ticker import PercentFormatter

    return PercentFormatter(xmax=1.0)


def share_curve(panel: Any, x: Any, y: Any, label: str, colour: str) -> None:
    """Draw a curve of shares."""
    panel.plot(list(x), list(y), label=label, color=colour)


def diagonal(panel: Any, x: str, y: str, *, top: float = 1.0) -> None:
    """Draw what chance would give, and label the axes of shares."""
    panel.plot([0, 1], [0, 1], color=COLOURS[3], linewidth=1, linestyle=":")
    panel.set_xlabel(x)
    panel.set_ylabel(y)
    panel.set_xlim(0, 1)
    panel.set_ylim(0, 1.02 * top)
    if panel.get_legend_handles_labels()[1]:
        panel.legend(frameon=False, loc="lower right")
