"""Sentences whose braces are filled with numbers, days and words as a language writes them."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Mapping
from decimal import Decimal
from string import Formatter
from typing import Any, Final

from grc_fast.labels.written import day, in_language, moment

# The first number of which a language speaks in the plural, and whether 0 is one of them.
_SINGULAR: Final = {"en": (1,), "fr": (0, 1)}


class Wording(ABC, str):
    """A text in English that can be said in the other languages of the labels, too."""

    __slots__ = ()

    @abstractmethod
    def said(self, lang: str) -> str:
        """Return it in a language."""


def filled(template: str, lang: str, values: Mapping[str, object]) -> str:
    """Fill the braces of a template.

    Numbers are grouped, days are written, and what is a `Wording` is said in the language. After a
    colon stands a format of Python, or words between which a number chooses: ``{n:row|rows}``.

    Raises
    ------
    KeyError
        A value is missing.

    Examples
    --------
    >>> filled("{n} {n:row|rows} ({share:.1%})", "en", {"n": 1204, "share": 0.25})
    '1,204 rows (25.0%)'
    >>> filled("{n} {n:ligne|lignes} ({share:.1%})", "fr", {"n": 1, "share": 0.25})
    '1 ligne (25,0\u202f%)'
    """
    return _Filling(lang).vformat(template, (), values)


def written(value: object, lang: str, form: str = "") -> str:
    """Write a value as the readers of a language do.

    Examples
    --------
    >>> written(1234.5, "fr"), written(1234.5, "fr", ".2f")
    ('1\u202f234,5', '1234,50')
    """
    if "|" in form:
        one, many = form.split("|")
        return one if abs(_number(value)) in _SINGULAR[lang] else many
    if isinstance(value, Wording):
        return value.said(lang)
    if isinstance(value, dt.datetime):
        return moment(value, lang)
    if isinstance(value, dt.date):
        return day(value, lang)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return format(value, form)
    return in_language(format(value, form or ("," if isinstance(value, int) else ",.10g")), lang)


class _Filling(Formatter):
    def __init__(self, lang: str) -> None:
        self._lang = lang

    def format_field(self, value: Any, format_spec: str) -> str:
        return written(value, self._lang, format_spec)


def _number(value: object) -> int | float | Decimal:
    if not isinstance(value, int | float | Decimal):
        raise TypeError(f"{value!r} is no number to choose a word by")
    return value
