"""How dates are written in text: the order of day, month and year, or numbers that count."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import polars as pl

from grc_fast.io.numbers import NULL_WORDS_OF_VALUES
from grc_fast.io.text_options import DAY_ORDERS, NUMBERED_DATES, TextOptions, said
from grc_fast.labels.catalogue import text
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase

_ISO: Final = r"^\s*[+-]?\d{4,6}-\d{2}-\d{2}(?:[T\s].*)?\s*$|^\s*\d{8}(?:T.*)?\s*$"
_YEAR_FIRST: Final = r"^\s*\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\b"
_YEAR_LAST: Final = r"^\s*(\d{1,2})([-/.])(\d{1,2})[-/.]\d{4}\b"
_NUMBER: Final = r"^\s*[+-]?\d+(?:[.,]\d+)?\s*$"
# A zone follows a time: without one, `-2024` would pass for an offset.
_ZONE: Final = re.compile(
    r"(?:\d:\d{2}|T\d{4}).*?(?:Z|UTC|[+-]\d{2}(?::?\d{2})?)\s*$", re.IGNORECASE
)
_MONTHS: Final = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


@dataclass(frozen=True)
class DateForm:
    """How the dates of a column are written.

    Attributes
    ----------
    form
        `iso`, `dmy`, `mdy`, `ymd`, `excel`, `epoch-s`, `epoch-ms`, `epoch-us` or a pattern.
    zoned
        Whether dates have a zone; None where no date was seen.
    """

    form: str = "iso"
    zoned: bool | None = None

    @property
    def is_pattern(self) -> bool:
        """Whether it is a pattern of `strptime`."""
        return "%" in self.form

    @property
    def wording(self) -> Wording:
        """How the dates are written, for a reader."""
        if self.form in ("iso", *DAY_ORDERS):
            return Phrase(f"form.{self.form}")
        numbered = Phrase(f"form.{self.form}") if self.form in NUMBERED_DATES else repr(self.form)
        return Phrase("form.dates", form=numbered)


def detect_dates(values: pl.Series, options: TextOptions) -> DateForm | str | None:
    """Tell how dates are written.

    Returns
    -------
    DateForm or str or None
        The form; a date whose day and month may change places, where no value proves their order;
        None where no value is a date at all.

    Examples
    --------
    >>> import polars as pl
    >>> from grc_fast.io.dates import detect_dates
    >>> from grc_fast.io.text_options import TextOptions
    >>> detect = lambda *texts: detect_dates(pl.Series(texts), TextOptions())
    >>> detect("01/02/2024", "13/02/2024").form, detect("01/02/2024"), detect("soon")
    ('dmy', '01/02/2024', None)
    """
    known = values.drop_nulls()
    known = known.filter(~known.is_in(list(options.null_values or NULL_WORDS_OF_VALUES)))
    if options.date_format is not None:
        return _form_given(options.date_format, known)
    if known.str.contains(_ISO).any():
        first = known.filter(known.str.contains(_ISO))[0]
        return DateForm("iso", _has_zone(first))
    if known.str.contains(_YEAR_FIRST).any():
        return DateForm("ymd", _is_zoned(known, _YEAR_FIRST))
    dated = known.filter(known.str.contains(_YEAR_LAST))
    if not len(dated):
        return None
    zoned = _is_zoned(known, _YEAR_LAST)
    first_part = dated.str.extract(_YEAR_LAST, 1).cast(pl.Int32)
    second_part = dated.str.extract(_YEAR_LAST, 3).cast(pl.Int32)
    proof = ((first_part > 12) | (second_part > 12)).arg_true()
    if not len(proof):
        return str(dated[0])
    return DateForm("dmy" if first_part[int(proof[0])] > 12 else "mdy", zoned)


def _form_given(form: str, known: pl.Series) -> DateForm:
    if form.startswith("epoch"):
        return DateForm(form, zoned=True)
    if form == "excel" or "%" in form:
        return DateForm(form, "%z" in form)
    return DateForm(form, _has_zone(known[0]) if len(known) else None)


def _has_zone(text: str) -> bool:
    return _ZONE.search(text) is not None


def _is_zoned(known: pl.Series, shape: str) -> bool:
    first = known.filter(known.str.contains(shape))[0]
    return _has_zone(first)


def ambiguous_date(value: str) -> str:
    """Say what is wrong with a date whose day and month may change places."""
    found = re.search(_YEAR_LAST, value)
    assert found is not None
    first, second = int(found[1]), int(found[3])
    by_day = f"{first} {_MONTHS[second - 1]}" if 1 <= second <= 12 else "no day"
    by_month = f"{second} {_MONTHS[first - 1]}" if 1 <= first <= 12 else "no day"
    return (
        f'holds "{value}", and no date of the file proves which of its numbers is the '
        f"day: give {said('date_format', 'dmy')} for {by_day}, or {said('date_format', 'mdy')} for "
        f"{by_month}"
    )


def unknown_date(value: str) -> str:
    """Say what is wrong with a value that is no date in a form that is known."""
    hint = f"give {said('date_format')} a pattern such as '%d %b %Y'"
    if re.search(_NUMBER, value):
        digits = len(re.sub(r"\D.*", "", value.strip().lstrip("+-")))
        likely = {10: "epoch-s", 13: "epoch-ms", 16: "epoch-us"}.get(digits, "excel")
        hint = (
            f"where numbers are {text(f'form.{likely}')}, give {said('date_format', likely)}; "
            f"the others are {', '.join(name for name in NUMBERED_DATES if name != likely)}"
        )
    return f'holds "{value}", which is no date in a form that is known: {hint}'
