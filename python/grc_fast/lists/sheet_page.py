"""Client sheets as an HTML page: text alone, with no script and nothing from a network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol

from grc_fast.io.html_template import html_template
from grc_fast.labels.catalogue import text


class Shown(Protocol):
    """What is shown of a sheet: title, subtitle, and parts with a title and named rows."""

    @property
    def title(self) -> str:
        """Who the sheet is about."""

    @property
    def subtitle(self) -> str:
        """What stands below."""

    @property
    def parts(self) -> Sequence[Any]:
        """The parts."""


def page_of_sheets(sheets: Sequence[Shown], lang: str) -> str:
    """Return one page of sheets.

    Raises
    ------
    SourceError
        If the extra `lists` is not installed.
    """
    title = sheets[0].title if len(sheets) == 1 else text("sheet.several", lang, count=len(sheets))
    page: str = _template().render(sheets=sheets, lang=lang, title=title)
    return page


@cache
def _template() -> Any:
    return html_template(
        "grc_fast.lists", "sheet.html", extra="lists", purpose="a client sheet in HTML"
    )
