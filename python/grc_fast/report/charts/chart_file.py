"""Charts as files: SVG and PNG, the same bytes for the same chart."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from grc_fast.errors import OutputError

_FORMATS: Final = (".svg", ".png")
_PACKAGES: Final = ("altair", "jinja2", "squarify", "vl_convert")
# Twice as many pixels as a screen of old has: letters stay sharp on paper.
_SCALE: Final = 2


def charts_are_installed() -> bool:
    """Say whether the extra that charts and pages need is installed."""
    return all(find_spec(package) is not None for package in _PACKAGES)


def require_charts(what: str = "charts need") -> None:
    """Check that charts and pages can be made; `what` begins the error.

    Raises
    ------
    OutputError
        If the extra is missing, with the command that installs it.
    """
    if not charts_are_installed():
        raise OutputError(f'{what} the extra "report": run pip install "grc-fast[report]"')


def chart_writer(path: str | os.PathLike[str], draw: Callable[[], Any]) -> Callable[[Path], None]:
    """Return the function that writes an Altair chart in the format of a path's extension.

    Raises
    ------
    OutputError
        If it is neither `.svg` nor `.png`, or the extra is missing.
    """
    extension = Path(path).suffix.lower()
    if extension not in _FORMATS:
        raise OutputError(f"the chart {os.fspath(path)!r} must be named {' or '.join(_FORMATS)}")
    require_charts()

    def write(temporary: Path) -> None:
        from grc_fast.report.charts.chart import png, svg, with_own_font

        drawn = with_own_font(draw().to_dict())
        if extension == ".svg":
            temporary.write_text(svg(drawn), encoding="utf-8")
        else:
            temporary.write_bytes(png(drawn, scale=_SCALE))

    return write
