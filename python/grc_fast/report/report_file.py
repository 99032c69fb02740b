"""Reports as files: JSON for programs, a chart for readers."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grc_fast._typing import Lang
from grc_fast.errors import OutputError
from grc_fast.io.write import json_writer, write_outputs
from grc_fast.labels.catalogue import check_lang
from grc_fast.report.charts.chart_file import chart_writer, require_charts


class Drawn(ABC):
    """What has a chart."""

    lang: Lang = "en"

    @abstractmethod
    def _chart(self, lang: Lang) -> Any:
        """Draw the chart in a language."""

    @property
    def plot(self) -> Any:
        """The chart, as an Altair chart to look at, change and save (extra `report`).

        Raises
        ------
        OutputError
            If the extra is missing.
        """
        return self.chart(self.lang)

    def chart(self, lang: Lang = "en") -> Any:
        """Return the chart in a language, as an Altair chart (extra `report`).

        Raises
        ------
        OptionError
            If the language is unknown.
        OutputError
            If the extra is missing.
        """
        check_lang(lang)
        require_charts()
        from grc_fast.report.charts.chart import in_language

        return in_language(self._chart(lang), lang)


class ReportFile(Drawn):
    """What can be saved as `.json`, or drawn as `.svg` or `.png`."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return the report in types that JSON knows."""

    def save(self, path: str | os.PathLike[str], *, lang: Lang | None = None) -> None:
        """Save the report as `.json`, or its chart as `.svg` or `.png` (extra `report`).

        Parameters
        ----------
        path
            Where to.
        lang
            The language of the chart; that of the report by default.

        Raises
        ------
        OutputError
            If the file cannot be written, its extension is another, or the extra is missing.
        """
        write_outputs({path: self.writer(path, lang)})

    def writer(
        self, path: str | os.PathLike[str], lang: Lang | None = None
    ) -> Callable[[Path], None]:
        """Return the function that writes the report in the format of a path's extension."""
        if Path(path).suffix.lower() == ".json":
            return json_writer(self.to_dict())
        return chart_writer(path, lambda: self.chart(lang or self.lang))


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
    require_charts()
