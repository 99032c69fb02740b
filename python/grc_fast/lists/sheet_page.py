"""Client sheets as an HTML page: text alone, with no script and nothing from a network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

from grc_fast._utils.extras import import_extra
from grc_fast._utils.messages import harmless
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
    jinja2 = import_extra("jinja2", "lists", "a client sheet in HTML")
    # Every value is escaped, and nothing in it turns the direction of text or is no text at all.
    environment = jinja2.Environment(
        autoescape=True,
        finalize=lambda value: harmless(value) if isinstance(value, str) else value,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.from_string(files(__package__).joinpath("sheet.html").read_text("utf-8"))
