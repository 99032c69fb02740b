"""Reports as files: JSON for programs, a chart for readers."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grc_fast.errors import OutputError
from grc_fast.io.figure import chart_writer, require_matplotlib
from grc_fast.io.write import json_writer, write_outputs


class ReportFile(ABC):
    """What can be saved as `.json`, or drawn as `.svg` or `.png`."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return the report in types that JSON knows."""

    @abstractmethod
    def _figure(self) -> Any:
        """Draw the chart of the report."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the report as `.json`, or its chart as `.svg` or `.png` (extra `report`).

        Raises
        ------
        OutputError
            If the file cannot be written, its extension is another, or the extra is missing.
        """
        write_outputs({path: self.writer(path)})

    def writer(self, path: str | os.PathLike[str]) -> Callable[[Path], None]:
        """Return the function that writes the report in the format of a path's extension."""
        if Path(path).suffix.lower() == ".json":
            return json_writer(self.to_dict())
        return chart_writer(path, self._figure)


def check_report_path(path: str | os.PathLike[str]) -> None:
    """Refuse a report that could not be written, before any work.

    Raises
    ------
    OutputError
        If the extension is none of a report, or needs an extra that is not installed.
    """
    extension = Path(path).suffix.lower()
    if extension == ".json":
        return
    if extension not in {".svg", ".png"}:
        raise OutputError(
            f"the report {os.fspath(path)!r} must be named .json, or .svg or .png for its chart"
        )
    require_matplotlib()
