"""Parts of error messages: the nearest name, the names there are, types in words."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Final

import polars as pl

# How many column names an error lists: enough to recognise the table, short enough for one line.
_LISTED = 12
# Longer words are no slips, and comparing them with names takes time.
_LONGEST_NAME: Final = 200
_SHOWN_OF_SQL: Final = 200
# Polars repeats what it could not read.
_LONGEST_REASON: Final = 300
_LONG_QUOTE: Final = re.compile(r'"([^"]{59})[^"]{2,}"')


def suggestion(name: str, columns: Iterable[str]) -> str:
    """Say the nearest names, or nothing when none is near."""
    if len(name) > _LONGEST_NAME:
        return ""
    folded: dict[str, str] = {}
    for column in columns:
        folded.setdefault(column.casefold(), column)
    near = difflib.get_close_matches(name.casefold(), list(folded), n=3, cutoff=0.6)
    if not near:
        return ""
    return " (did you mean " + " or ".join(repr(folded[match]) for match in near) + "?)"


def listing(columns: Sequence[str]) -> str:
    """Say which columns there are, the first few of them."""
    named = [name for name in columns if "\0" not in name]  # a CSV's text copies are ours
    if not named:
        return "; it has no columns at all"
    shown = ", ".join(named[:_LISTED])
    more = f" and {len(named) - _LISTED} more" if len(named) > _LISTED else ""
    return f"; its columns are {shown}{more}"


def describe(dtype: pl.DataType) -> str:
    """Name a type in the reader's words."""
    if isinstance(dtype, (pl.List, pl.Array)):
        return f"lists ({dtype})"
    if isinstance(dtype, pl.Struct):
        return "structs (records)"
    if dtype.is_integer():
        return f"integers ({dtype})"
    if dtype.is_float():
        return f"floats ({dtype})"
    words: dict[type[pl.DataType], str] = {
        pl.Boolean: "true/false values",
        pl.String: "text",
        pl.Categorical: "text",
        pl.Enum: "text",
        pl.Binary: "binary values",
        pl.Date: "dates",
        pl.Datetime: "dates and times",
        pl.Time: "times of day",
        pl.Duration: "durations",
        pl.Object: "Python objects",
        pl.Null: "nulls only",
    }
    return words.get(type(dtype), f"values of type {dtype}")


def first_line(error: BaseException) -> str:
    """Shorten a Polars error to the sentence that says what is wrong."""
    text = str(error).strip()
    if not text:
        return type(error).__name__
    return cut(text.splitlines()[0].strip().rstrip("."), _LONGEST_REASON)


# Controls, and what turns the direction of text or the line: none of it is for a terminal.
_STEERING: Final = ("Cc", "Cf", "Cs", "Zl", "Zp")
# Joiners that some scripts, and signs made of several, cannot be written without.
_JOINERS: Final = "\u200c\u200d"


def harmless(text: str) -> str:
    r"""Return text for a terminal: what would steer it is shown as an escape, line ends stay.

    Everything that is printed passes through here, as ids, pages and names come from anyone.

    Examples
    --------
    >>> harmless("a\x1b[31mb\r\n\u202e")
    'a\\x1b[31mb\\r\n\\u202e'
    """
    if text.isprintable():
        return text
    return "".join(_escaped(c) if unicodedata.category(c) in _STEERING else c for c in text)


def _escaped(character: str) -> str:
    if character == "\n" or character in _JOINERS:
        return character
    return character.encode("unicode_escape", "backslashreplace").decode()


def with_short_quotes(text: str) -> str:
    """Cut what stands between double quotes in a message, where it is long."""
    return _LONG_QUOTE.sub(r'"\1…"', text)


def quoted(text: str, limit: int = 60) -> str:
    """Quote a text, cut if it is long."""
    return repr(cut(text, limit))


def quoted_sql(sql: str) -> str:
    """Quote SQL, as much of it as a reader needs to know which it is."""
    return quoted(sql, _SHOWN_OF_SQL)


def first_clause(error: BaseException) -> str:
    """Return what an error of Python says, without what it advises programmers to do."""
    return str(error).partition(";")[0]


def cut(text: str, limit: int) -> str:
    """Return a text, cut if it is long."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def nearest(word: object, names: Iterable[str]) -> str:
    """Return the end of an error message: the valid name nearest to `word`, or all of them.

    Examples
    --------
    >>> nearest("segmnet", ["name", "segment"])
    "; did you mean 'segment'?"
    >>> nearest("zzz", ["name", "segment"])
    '; the valid names are name, segment'
    """
    known = list(names)
    close = near_name(word, known)
    if close is not None:
        return f"; did you mean {close!r}?"
    return f"; the valid names are {', '.join(known)}" if known else ""


def near_name(word: object, names: Sequence[str]) -> str | None:
    """Return the name that `word` is likely meant to be, if there is one."""
    lowered = str(word).lower()
    close = get_close_matches(lowered, names, n=1) if len(lowered) <= _LONGEST_NAME else []
    return close[0] if close else None
