"""Templates of HTML in which every value is escaped, whatever it holds."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from grc_fast._utils.extras import import_extra
from grc_fast._utils.messages import harmless


def html_template(package: str, name: str, *, extra: str, purpose: str) -> Any:
    """Return a template of a package.

    Raises
    ------
    SourceError
        If the extra is not installed; `purpose` says what needs it.
    """
    jinja2 = import_extra("jinja2", extra, purpose)
    environment = jinja2.Environment(
        autoescape=True,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.from_string(files(package).joinpath(name).read_text("utf-8"))


def _harmless(value: Any) -> Any:
    """Keep what turns the direction of text, or is no text at all, out of a page."""
    # What is HTML already holds values that went through here, or drawings.
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return harmless(value)
    return value
