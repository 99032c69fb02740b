"""How text files are written, as far as the user says so."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, TypedDict

from grc_fast._utils.checks import text, whole
from grc_fast.errors import OptionError

#: Orders of day, month and year.
DAY_ORDERS: Final = ("dmy", "mdy", "ymd")
#: Dates that are numbers: days of a spreadsheet, and seconds or parts of them since 1970.
NUMBERED_DATES: Final = ("excel", "epoch-s", "epoch-ms", "epoch-us")
# A number of this many lines before the header is a mistake.
_MOST_SKIPPED: Final = 10_000


class TextReading(TypedDict, total=False):
    """The options of text files; `grc_fast.facts` describes them."""

    encoding: str | None
    separator: str | None
    decimal: str | None
    thousands: str | None
    date_format: str | None
    null_values: str | Sequence[str] | None
    skip_rows: int
    sheet: str | None


@dataclass(frozen=True, kw_only=True)
class TextOptions:
    """What the user says of a text file; what is None is detected.

    Parameters
    ----------
    encoding
        Name of a Python codec, such as `cp1252`.
    separator
        What stands between fields, one character.
    decimal, thousands
        The marks in numbers, one character each.
    date_format
        `iso`, `dmy`, `mdy`, `ymd`, `excel`, `epoch-s`, `epoch-ms`, `epoch-us`, or a pattern of
        `strptime` such as `%d %b %Y`.
    null_values
        Words that stand for nothing, instead of those that are known.
    skip_rows
        Lines before the header.
    sheet
        The sheet of a workbook.

    Raises
    ------
    OptionError
        If one cannot be meant.
    """

    encoding: str | None = None
    separator: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    date_format: str | None = None
    null_values: str | Sequence[str] | None = None
    skip_rows: int = 0
    sheet: str | None = None

    def __post_init__(self) -> None:
        """Check every option."""
        self._check_encoding()
        self._check_characters()
        if self.date_format is not None:
            self._check_date_format(self.date_format)
        if self.null_values is not None:
            words = [self.null_values] if isinstance(self.null_values, str) else self.null_values
            if not all(isinstance(word, str) for word in words):
                raise OptionError(f"null_values must be texts, and {self.null_values!r} are not")
            object.__setattr__(self, "null_values", tuple(words))
        whole("skip_rows", self.skip_rows, least=0, most=_MOST_SKIPPED)
        if self.sheet is not None:
            text("sheet", self.sheet, "the name of a sheet")

    def _check_encoding(self) -> None:
        if self.encoding is None:
            return
        text("encoding", self.encoding, "the name of an encoding such as cp1252")
        try:
            "".encode(self.encoding)
        except LookupError:
            raise OptionError(
                f"encoding {self.encoding!r} is none that is known: write one such as utf-8, "
                "cp1252 or utf-16"
            ) from None

    def _check_characters(self) -> None:
        for name in ("separator", "decimal", "thousands"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, str) or len(value) != 1):
                raise OptionError(f"{name} must be one character, and {value!r} is not")
        separator, decimal, thousands = self.separator, self.decimal, self.thousands
        if separator is not None and (separator in '"\r\n' or not separator.isascii()):
            raise OptionError(
                f"separator {separator!r} cannot part fields: write one such as ';' or '|'"
            )
        if decimal not in (None, ".", ","):
            raise OptionError(f"decimal must be '.' or ',', and {decimal!r} is neither")
        if thousands is not None and (thousands.isalnum() or thousands in "+-()"):
            raise OptionError(f"thousands {thousands!r} is no mark between digits")
        if thousands is not None and thousands == decimal:
            raise OptionError(
                f"decimal and thousands are both {decimal!r}: no number could be read"
            )

    @staticmethod
    def _check_date_format(date_format: object) -> None:
        known = ("iso", *DAY_ORDERS, *NUMBERED_DATES)
        if not isinstance(date_format, str) or (
            date_format not in known and "%" not in date_format
        ):
            raise OptionError(
                f"date_format {date_format!r} is none of {', '.join(known)}, and no pattern such "
                "as '%d %b %Y'"
            )

    @classmethod
    def taken_from(cls, given: dict[str, Any]) -> TextOptions:
        """Take the options of text files out of all that a caller gave."""
        return cls(
            **{field.name: given.pop(field.name) for field in fields(cls) if field.name in given}
        )


#: Everything is detected.
DETECTED: Final = TextOptions()


def said(option: str, value: str = "") -> str:
    """Name an option as Python and as the command line have it.

    Examples
    --------
    >>> from grc_fast.io.text_options import said
    >>> said("skip_rows", "2")
    'skip_rows=2 (--skip-rows 2)'
    """
    flag = f"--{option.replace('_', '-')}"
    if not value:
        return f"{option} ({flag})"
    shown = value if value.isdecimal() else repr(value)
    return f"{option}={shown} ({flag} {shlex.quote(value)})"
