"""Phrases of the catalogue that remember what they were made of, to be said in any language."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Self

from grc_fast._utils.messages import near_name
from grc_fast.labels.catalogue import text
from grc_fast.labels.filling import Wording, written


class Phrase(Wording):
    """A phrase of the catalogue: a string in English, and in another language on request.

    Parameters
    ----------
    key
        As for `text`.
    **values
        What to put in the phrase's braces: numbers, days, texts, and phrases.

    Examples
    --------
    >>> warning = Phrase("note.blank_lines", lines=2)
    >>> warning
    '2 blank lines are no rows'
    >>> warning.said("fr")
    '2 lignes vides ne comptent pas'
    """

    __slots__ = ("_key", "_values")
    _key: str
    _values: dict[str, Any]

    def __new__(cls, key: str, /, **values: object) -> Self:
        """Make it, in English."""
        phrase = super().__new__(cls, text(key, "en", **values))
        phrase._key, phrase._values = key, values
        return phrase

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), self._key, **self._values), ()

    def said(self, lang: str) -> str:
        """Return it in a language."""
        return text(self._key, lang, **self._values)


class Phrases(Wording):
    """Values one after the other, each said in the language of all.

    Parameters
    ----------
    parts
        The values.
    separator
        What stands between them.
    last
        The phrase that joins the last to those before, such as ``"list.and"``.

    Examples
    --------
    >>> Phrases([1, 2, 3], last="list.or").said("fr")
    '1, 2 ou 3'
    """

    __slots__ = ("_last", "_parts", "_separator")
    _parts: tuple[object, ...]
    _separator: str
    _last: str | None

    def __new__(
        cls, parts: Sequence[object], separator: str = ", ", last: str | None = None
    ) -> Self:
        """Make it, in English."""
        phrases = super().__new__(cls, _joined(parts, separator, last, "en"))
        phrases._parts, phrases._separator, phrases._last = tuple(parts), separator, last
        return phrases

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._parts, self._separator, self._last)

    def said(self, lang: str) -> str:
        """Return them in a language."""
        return _joined(self._parts, self._separator, self._last, lang)


def first_of(items: Sequence[object], most: int, *, number: int | None = None) -> Wording:
    """Name the first of several, and say how many more there are.

    Parameters
    ----------
    items
        All of them, or the first.
    most
        How many are named.
    number
        How many there are, if `items` are only the first.

    Examples
    --------
    >>> first_of(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    more = (len(items) if number is None else number) - most
    named = Phrases(items[:most])
    return Phrase("list.more", first=named, more=more) if more > 0 else named


def indented(said: Wording) -> Wording:
    """Set a line in from those above it."""
    return Phrases(("", said), "  ")


def with_nearest(said: Wording, word: object, names: Iterable[str]) -> Wording:
    """Add the name that a word of a sentence is likely meant to be, or all valid names."""
    known = list(names)
    close = near_name(word, known)
    if close is not None:
        return Phrase("list.meant", said=said, name=repr(close))
    return Phrase("list.valid", said=said, names=Phrases(known)) if known else said


def _joined(parts: Sequence[object], separator: str, last: str | None, lang: str) -> str:
    told = [written(part, lang) for part in parts]
    if lang == "fr":
        separator = separator.replace(";", " ;")
    if last is None or len(told) < 2:
        return separator.join(told)
    return text(last, lang, first=separator.join(told[:-1]), last=told[-1])
