"""The file of a page: whether it can be written, asked before any work."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from grc_fast.errors import OutputError

_PACKAGES: Final = ("altair", "jinja2", "squarify", "vl_convert")


def charts_are_installed() -> bool:
    """Say whether the extra that charts and pages need is installed."""
    return all(find_spec(package) is not None for package in _PACKAGES)


def require_charts() -> None:
    """Check that charts and pages can be made.

    Raises
    ------
    OutputError
        If the extra is missing, with the command that installs it.
    """
    if not charts_are_installed():
        raise OutputError('a report needs the extra "report": run pip install "grc-fast[report]"')


def check_page_path(path: str | os.PathLike[str]) -> None:
    """Refuse a page that could not be written.

    Raises
    ------
    OutputError
        If the name does not end in `.html`, or the extra is missing.
    """
    if Path(path).suffix.lower() != ".html":
        raise OutputError(f"the report {os.fspath(path)!r} must be named .html")
    require_charts()
