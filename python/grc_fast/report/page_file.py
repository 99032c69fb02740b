"""The file of a page: whether it can be written, asked before any work."""

from __future__ import annotations

import os
from pathlib import Path

from grc_fast.errors import OutputError
from grc_fast.report.charts.chart_file import require_charts


def check_page_path(path: str | os.PathLike[str]) -> None:
    """Refuse a page that could not be written.

    Raises
    ------
    OutputError
        If the name does not end in `.html`, or the extra is missing.
    """
    if Path(path).suffix.lower() != ".html":
        raise OutputError(f"the report {os.fspath(path)!r} must be named .html")
    require_charts("a report needs")
