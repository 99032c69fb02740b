"""How numbers are written in text: decimal and thousands marks, and the currency."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import polars as pl

from grc_fast.io.text_options import TextOptions, said
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase

#: Words that stand for no value in every role's column, and in numbers and dates beside them.
NULL_WORDS: Final = ("NULL", "null", "\\N", "None", "nan", "NaN")
NULL_WORDS_OF_VALUES: Final = (*NULL_WORDS, "NA", "N/A")
# Blanks that part thousands are one mark, and so are straight and curled apostrophes.
_BLANKS: Final = " \u00a0\u202f\u2009"
_APOSTROPHES: Final = "'\u2019"
_NAMED: Final = {".": "point", ",": "comma", " ": "blank", "'": "apostrophe"}
_WRITTEN: Final = re.compile(
    rf"([^\d.,]*)([\d.,](?:[\d.,{_BLANKS}{_APOSTROPHES}]*[\d.,])?)(?:e[+-]?\d+)?(\D*)",
    re.IGNORECASE,
)
_ASIDE: Final = re.compile(rf"[{_BLANKS}\t{_APOSTROPHES}+\-\u2212()]")
_CURRENCY: Final = re.compile(
    r"[A-Z]{3}|[^\W\d_]{0,3}[^\w\s]|[^\w\s][^\W\d_]{0,3}|[^\W\d_]{1,4}\.?"
)
# What Polars sorts out before anything is looked at one by one: values without a mark, and values
# whose only mark may part thousands or decimals.
_UNMARKED: Final = r"^[^\d.,]*\d*(?:[eE][+-]?\d+)?[^\d.,]*$"
_EITHER: Final = r"^[^\d.,]*[1-9]\d{0,2}[.,]\d{3}[^\d.,]*$"
# So many values that prove something are looked at: they agree or they do not.
_LOOKED_AT: Final = 1_000


@dataclass(frozen=True)
class NumberForm:
    """How the numbers of a column are written.

    Attributes
    ----------
    decimal
        The mark before decimals; None as long as no number has any mark.
    thousands
        The mark between thousands, if there is one: a blank stands for every blank.
    currency
        The sign or the code beside the numbers, if there is one.
    """

    decimal: str | None = None
    thousands: str | None = None
    currency: str | None = None

    @property
    def parts(self) -> list[Wording]:
        """Name each mark, and the currency."""
        found: list[Wording] = []
        if self.decimal is not None:
            found.append(Phrase("form.decimal", mark=_mark(self.decimal)))
        if self.thousands is not None:
            found.append(Phrase("form.thousands", mark=_mark(self.thousands)))
        if self.currency is not None:
            found.append(Phrase("form.currency", currency=self.currency))
        return found


def _mark(mark: str) -> str:
    """Name a mark."""
    return Phrase(f"form.{_NAMED[mark]}") if mark in _NAMED else mark


@dataclass(frozen=True)
class _Marks:
    """What one value tells: its decimal and thousands marks, or one that might be either."""

    decimal: str | None = None
    thousands: str | None = None
    either: str | None = None


def currency_of(value: str) -> str | None:
    """Return the currency of a written number, None if it has none.

    Examples
    --------
    >>> from grc_fast.io.numbers import currency_of
    >>> currency_of("-1 234,50 €"), currency_of("USD 12"), currency_of("12")
    ('€', 'USD', None)
    """
    found = _WRITTEN.fullmatch(value.strip())
    if found is None:
        return None
    beside = _ASIDE.sub("", found[1] + found[3])
    if not beside or not _CURRENCY.fullmatch(beside):
        return None
    has_sign = any(unicodedata.category(letter) == "Sc" for letter in beside)
    return beside if has_sign or re.fullmatch("[A-Z]{3}", beside) else None


def _marks_of(value: str) -> _Marks | None:
    """Tell the marks of a written number, None if it is none."""
    found = _WRITTEN.fullmatch(value.strip())
    if found is None:
        return None
    number = re.sub(f"[{_BLANKS}]", " ", found[2]).replace("\u2019", "'")
    marks = [letter for letter in number if not letter.isdecimal()]
    if not marks:
        return _Marks()
    last, others = marks[-1], set(marks[:-1])
    *groups, end = re.split(r"[^\d]", number)
    if len(marks) > 1:
        if others == {last}:
            return _Marks(thousands=last)
        return _Marks(last, others.pop()) if len(others) == 1 and last in ".," else None
    if last in " '":
        return _Marks(thousands=last)
    may_part_thousands = len(end) == 3 and 1 <= len(groups[0]) <= 3 and groups[0][0] != "0"
    return _Marks(either=last) if may_part_thousands else _Marks(decimal=last)


def detect_numbers(values: pl.Series, options: TextOptions) -> NumberForm | str | None:
    """Tell how numbers are written.

    Parameters
    ----------
    values
        Text, as it stands in a file.
    options
        What the user says.

    Returns
    -------
    NumberForm or str or None
        The form; a value whose mark may be either, where no value proves which; None where no
        value has a mark.

    Examples
    --------
    >>> import polars as pl
    >>> from grc_fast.io.numbers import detect_numbers
    >>> from grc_fast.io.text_options import TextOptions
    >>> detect = lambda *texts: detect_numbers(pl.Series(texts), TextOptions())
    >>> detect("1.234,56", "7"), detect("1.234"), detect("7")
    (NumberForm(decimal=',', thousands='.', currency=None), '1.234', None)
    """
    marked = values.drop_nulls().filter(~values.drop_nulls().str.contains(_UNMARKED))
    proving = marked.filter(~marked.str.contains(_EITHER)).unique(maintain_order=True)
    decimal, thousands = options.decimal, options.thousands
    for value in proving.head(_LOOKED_AT):
        marks = _marks_of(value)
        if marks is None:
            continue
        if decimal is None and marks.decimal not in (None, thousands):
            decimal = marks.decimal
        if thousands is None and marks.thousands not in (None, decimal):
            thousands = marks.thousands
    either = [mark for mark in ".," if marked.str.contains(mark, literal=True).any()]
    if decimal is None and thousands is None:
        ambiguous = marked.filter(marked.str.contains(_EITHER))
        return str(ambiguous[0]) if len(ambiguous) else None
    if decimal is None:
        # The other of the two marks; between blanks it is either, and seen if decimals come at all.
        left = [mark for mark in ".," if mark != thousands]
        decimal = left[0] if len(left) == 1 else next(iter(either), None)
    elif thousands is None and options.decimal is None:
        other = "," if decimal == "." else "."
        thousands = other if other in either else None
    return NumberForm(decimal, thousands)


def ambiguous_number(value: str) -> str:
    """Say what is wrong with a mark that may be either in every value."""
    mark = "," if "," in value else "."
    plain = value.replace(mark, "")
    return (
        f'holds "{value}", whose {_mark(mark)} may part thousands or decimals, and no '
        f"other value of the file proves which: give {said('thousands', mark)} for "
        f"{_first_number(plain)}, or {said('decimal', mark)} for "
        f"{_first_number(value.replace(mark, '.'))}"
    )


def _first_number(value: str) -> str:
    found = re.search(r"[\d.]+", value)
    return found[0] if found else value


def count_currencies(values: Iterable[pl.Series]) -> Counter[str]:
    """Count the values that have a currency, by the currency."""
    counts: Counter[str] = Counter()
    for batch in values:
        beside = batch.drop_nulls().str.replace_all(r"[\d.,\s\u00a0\u202f\u2009'’+\-−()]", "")
        for words, count in beside.value_counts().iter_rows():
            if words and currency_of(f"1{words}") is not None:
                counts[words] += count
    return counts
