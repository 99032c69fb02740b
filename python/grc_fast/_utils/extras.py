"""Packages that come with an extra, and what to install where they are missing."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from grc_fast.errors import SourceError


def import_extra(module: str, extra: str, purpose: str) -> ModuleType:
    """Import a package of an extra.

    Raises
    ------
    SourceError
        If it is not installed; with the command that installs it.

    Examples
    --------
    >>> from grc_fast._utils.extras import import_extra
    >>> import_extra("json", "none", "an example").__name__
    'json'
    """
    try:
        return import_module(module)
    except ImportError:
        raise SourceError(
            f'{purpose} needs the extra "{extra}": run pip install "grc-fast[{extra}]"'
        ) from None
