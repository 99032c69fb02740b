"""What the columns of text files are read as: ids, numbers, dates, or the text that they are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import ClassVar, Final

import polars as pl

from grc_fast import _core
from grc_fast._utils.messages import quoted
from grc_fast.errors import DataError, GrcError, SourceError
from grc_fast.io.dates import DateForm, ambiguous_date, detect_dates, unknown_date
from grc_fast.io.numbers import (
    NULL_WORDS,
    NULL_WORDS_OF_VALUES,
    NumberForm,
    ambiguous_number,
    count_currencies,
    currency_of,
    detect_numbers,
)
from grc_fast.io.text_options import TextOptions, said
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase

#: Gives all values of a column, batch by batch, as text.
Values = Callable[[], Iterator[pl.Series]]
_WHOLE_WITH_POINT: Final = r"^-?(?:0|[1-9]\d*)\.0$"
# A float holds whole numbers of up to 15 digits, whatever these are.
_BEYOND_FLOATS: Final = r"\d{16}"
_WHOLE: Final = r"^[+-]?\d+$"


class UnreadError(Exception):
    """A value that is not what its column holds.

    Attributes
    ----------
    row
        Its row, counted from 0 in the batch.
    of_all
        Whether the row is counted in all the values of the column instead.
    error
        What the user is to see.
    fault
        What is wrong with it, to be put after the name of its column.
    """

    def __init__(
        self,
        row: int,
        fault: str,
        *,
        of_all: bool = False,
        error: type[GrcError] = SourceError,
    ) -> None:
        super().__init__(fault)
        self.row = row
        self.fault = fault
        self.of_all = of_all
        self.error = error

    def row_of_all(self, before: int) -> int:
        """Return its row among all, counted from 1, if so many rows are in the batches before."""
        return (self.row if self.of_all else before + self.row) + 1

    def told(self, where: str, name: str) -> GrcError:
        """Return what the user is to see, where the value of a column stands."""
        return self.error(f"{where}: the column {name!r} {self.fault}")


@dataclass
class TextColumn(ABC):
    """A column of a text file, read batch by batch.

    Attributes
    ----------
    name
        The column.
    place
        How errors name it: the file and the column.
    options
        What the user says of text files.
    values
        Gives all its values as text, where the first do not tell enough.
    null_words
        How many values were words that stand for nothing, by word.
    """

    name: str
    place: str
    options: TextOptions
    values: Values
    null_words: Counter[str] = field(default_factory=Counter)

    #: Words that stand for nothing where the user names none.
    known_null_words: ClassVar[tuple[str, ...]] = NULL_WORDS_OF_VALUES

    @property
    @abstractmethod
    def dtype(self) -> pl.DataType:
        """The type that its values are read as."""

    @abstractmethod
    def read(self, texts: pl.Series) -> pl.Series:
        """Read a batch of texts.

        Raises
        ------
        UnreadError
            If a value is not what the column holds.
        DataError
            If amounts are in several currencies.
        """

    def check(self, texts: pl.Series) -> None:
        """Raise what `read` raises if a value is not what the column holds."""
        self.read(texts)

    @property
    def field_form(self) -> _core.FieldForm | None:
        """How the reader of the file reads its fields by itself; None where it cannot.

        A batch in which it finds a value that is none of that form comes as text.
        """
        return None

    def count_null_words(self, counts: Sequence[int]) -> None:
        """Add how often each null word stood in fields that the reader of the file has read."""
        found = zip(self._words(), counts, strict=True)
        self.null_words.update({word: count for word, count in found if count})

    @property
    def form(self) -> list[Wording]:
        """How its values are written, as far as that is worth saying."""
        return []

    def _words(self) -> list[str]:
        given = self.options.null_values
        return list(self.known_null_words if given is None else given)

    def _count_words(self, texts: pl.Series) -> None:
        found = texts.str.strip_chars()
        found = found.filter(found.is_in(self._words()))
        self.null_words.update(dict(found.value_counts().iter_rows()))


class PlainColumn(TextColumn):
    """Text as it stands."""

    @property
    def dtype(self) -> pl.DataType:
        """Text."""
        return pl.String()

    def read(self, texts: pl.Series) -> pl.Series:
        """Give the texts."""
        return texts


@dataclass
class IdColumn(TextColumn):
    """Ids: text, whose words for nothing are null, and `501.0` is 501 where all are written so."""

    whole_with_point: bool | None = None

    known_null_words: ClassVar[tuple[str, ...]] = NULL_WORDS

    @property
    def dtype(self) -> pl.DataType:
        """Text."""
        return pl.String()

    @property
    def form(self) -> list[Wording]:
        """Whether ids are whole numbers with a point."""
        pointed = Phrase("form.whole_with_point", column=repr(self.name))
        return [pointed] if self.whole_with_point else []

    def decide(self, first: pl.Series) -> None:
        """Tell whether ids are whole numbers with a point by the first that there are."""
        known = first.drop_nulls()
        known = known.filter(~known.str.strip_chars().is_in(self._words()))
        if len(known):
            self.whole_with_point = bool(known.str.contains(_WHOLE_WITH_POINT).all())

    @property
    def field_form(self) -> _core.FieldForm | None:
        """Text, unless ids are, or may be, whole numbers with a point."""
        return _core.FieldForm.text(self._words()) if self.whole_with_point is False else None

    def read(self, texts: pl.Series) -> pl.Series:
        """Give the ids as text."""
        if self.whole_with_point is None:
            self.decide(texts)
        ids, count = _core.without_words(texts, self._words())
        if count:
            self._count_words(texts)
        ids = pl.Series(self.name, ids)
        if not self.whole_with_point:
            return ids
        strange = (~ids.str.contains(_WHOLE_WITH_POINT)).fill_null(value=False)
        if strange.any():
            row = strange.arg_max()
            assert row is not None
            raise UnreadError(
                row,
                f"holds {quoted(ids[row])}, and the ids before are whole numbers such as 501.0: "
                "write all ids alike",
            )
        return ids.str.head(-2)


@dataclass
class NumberColumn(TextColumn):
    """Numbers."""

    numbers: NumberForm = field(default_factory=NumberForm)
    any_read: bool = False

    @property
    def dtype(self) -> pl.DataType:
        """Floats."""
        return pl.Float64()

    @property
    def form(self) -> list[Wording]:
        """The marks and the currency."""
        return self.numbers.parts

    @property
    def field_form(self) -> _core.FieldForm:
        """Numbers with the marks and the currency that are known."""
        return _core.FieldForm.numbers(null_words=self._words(), **asdict(self.numbers))

    def read(self, texts: pl.Series) -> pl.Series:
        """Read numbers; what has another form than the first is an error."""
        try:
            return self._parsed(texts)
        except DataError as error:
            value = str(getattr(error, "value", ""))
            if not self._learn(value):
                raise self._fault(value, int(getattr(error, "row", 0))) from None
        return self.read(texts)

    def decide(self, first: pl.Series) -> None:
        """Tell the form from the first values, or from all where these prove nothing."""
        self.any_read = first.null_count() < len(first)
        found = detect_numbers(first, self.options)
        currencies = {currency_of(value) for value in first.drop_nulls()} - {None}
        currency = next(iter(currencies)) if len(currencies) == 1 else None
        if isinstance(found, str):
            found = self._survey()
        form = found or NumberForm(self.options.decimal, self.options.thousands)
        self.numbers = NumberForm(form.decimal, form.thousands, currency)
        if len(currencies) > 1:
            raise self._several_currencies()

    def _parsed(self, texts: pl.Series) -> pl.Series:
        numbers, count = _core.parse_numbers(
            texts, null_words=self._words(), **asdict(self.numbers)
        )
        if count:
            self._count_words(texts)
        return pl.Series(self.name, numbers)

    def _learn(self, value: str) -> bool:
        """Take over what the first value with a mark or a currency tells: none before had any."""
        form, currency = self.numbers, currency_of(value)
        if form.currency is None and currency is not None and not self.any_read:
            self.numbers = NumberForm(form.decimal, form.thousands, currency)
        elif form.decimal is None and (found := self._survey()) and found.decimal is not None:
            self.numbers = NumberForm(found.decimal, found.thousands, form.currency)
        return self.numbers != form

    def _survey(self) -> NumberForm | None:
        either, rows = None, 0
        for batch in self.values():
            found = detect_numbers(batch, self.options)
            if isinstance(found, NumberForm):
                return found
            if found is not None and either is None:
                either = rows + _first_row(batch, found), found
            rows += len(batch)
        if either is not None:
            row, value = either
            raise UnreadError(row, ambiguous_number(value), of_all=True)
        return None

    def _fault(self, value: str, row: int) -> Exception:
        if self.numbers.currency is not None and currency_of(value) is not None:
            return self._several_currencies()
        marks = ", ".join(self.numbers.parts)
        form = f" with a {marks}" if self.numbers.decimal is not None else ""
        return UnreadError(
            row,
            f"holds {quoted(value)}, which is not a number{form}: mend it, give {said('decimal')} "
            f"or {said('thousands')}, or name it in {said('null_values')} if it stands for nothing",
        )

    def _several_currencies(self) -> DataError:
        counts = count_currencies(self.values())
        shown = ", ".join(f"{count:,} in {name}" for name, count in counts.most_common())
        return DataError(
            f"{self.place} holds amounts in several currencies, {shown}: convert them, or take "
            "one by a where condition"
        )


@dataclass
class DateColumn(TextColumn):
    """Dates, or dates and times."""

    dates: DateForm = field(default_factory=DateForm)

    @property
    def dtype(self) -> pl.DataType:
        """Instants in microseconds, of UTC where they have a zone."""
        return pl.Datetime("us", "UTC" if self.dates.zoned else None)

    @property
    def form(self) -> list[Wording]:
        """The order of day, month and year, if it is not that of ISO."""
        return [] if self.dates.form == "iso" else [self.dates.wording]

    def decide(self, first: pl.Series) -> None:
        """Tell the form from the first values, or from all where these prove nothing."""
        found = detect_dates(first, self.options)
        if not isinstance(found, DateForm) or found.zoned is None:
            found = self._survey()
        self.dates = found

    @property
    def field_form(self) -> _core.FieldForm | None:
        """Dates of the form and with or without a zone, as far as both are known."""
        if self.dates.is_pattern or self.dates.zoned is None:
            return None
        return _core.FieldForm.dates(
            form=self.dates.form, zoned=self.dates.zoned, null_words=self._words()
        )

    def read(self, texts: pl.Series) -> pl.Series:
        """Read dates; what has another form than the first is an error."""
        try:
            return self._by_pattern(texts) if self.dates.is_pattern else self._parsed(texts)
        except DataError as error:
            value = str(getattr(error, "value", ""))
            options = f"{said('date_format')} or {said('null_values')}"
            raise UnreadError(
                int(getattr(error, "row", 0)),
                f"holds {quoted(value)}, {self._reason(str(error))}: mend it, or give {options}",
                error=DataError,
            ) from None

    def _reason(self, message: str) -> str:
        if "zone" in message:
            there = "has none, and the dates before have a zone"
            return there if self.dates.zoned else "which has a zone, and the dates before have none"
        return f"which is none of the {self.dates.wording}"

    def _parsed(self, texts: pl.Series) -> pl.Series:
        dates, count, _ = _core.parse_dates(
            texts, form=self.dates.form, null_words=self._words(), zoned=self.dates.zoned
        )
        if count:
            self._count_words(texts)
        found = pl.Series(self.name, dates)
        return found.cast(self.dtype) if found.dtype != self.dtype else found

    def _by_pattern(self, texts: pl.Series) -> pl.Series:
        self._count_words(texts)
        known, _ = _core.without_words(texts, self._words())
        given = pl.Series(self.name, known)
        try:
            found = given.str.strip_chars().str.to_datetime(
                self.dates.form, time_unit="us", strict=False
            )
        except pl.exceptions.PolarsError:
            found = (
                given.str.strip_chars().str.to_date(self.dates.form, strict=False).cast(self.dtype)
            )
        unread = found.is_null() & given.is_not_null()
        row = unread.arg_max() if unread.any() else None
        if row is not None:
            error = DataError("no date of the pattern")
            error.row, error.value = row, given[row]  # type: ignore[attr-defined]
            raise error
        return found

    def _survey(self) -> DateForm:
        either, first, rows = None, None, 0
        for batch in self.values():
            found = detect_dates(batch, self.options)
            if isinstance(found, DateForm):
                if found.zoned is not None:
                    return found
                continue
            if found is not None and either is None:
                either = rows + _first_row(batch, found), found
            known = batch.drop_nulls()
            known = known.filter(~known.str.strip_chars().is_in(self._words()))
            if first is None and len(known):
                first = rows + _first_row(batch, known[0]), str(known[0])
            rows += len(batch)
        if either is not None:
            raise UnreadError(either[0], ambiguous_date(either[1]), of_all=True, error=DataError)
        if first is not None:
            raise UnreadError(first[0], unknown_date(first[1]), of_all=True, error=DataError)
        return DateForm(self.options.date_format or "iso")


def _first_row(values: pl.Series, value: str) -> int:
    """Give the first row of a value."""
    return (values == value).arg_max() or 0


@dataclass
class SqlColumn(TextColumn):
    """A column that only SQL reads, in the type of its text where all of it is one."""

    kind: pl.DataType = field(default_factory=pl.String)

    @property
    def dtype(self) -> pl.DataType:
        """The type of all its values."""
        return self.kind

    def read(self, texts: pl.Series) -> pl.Series:
        """Read the texts, which are known to have the type."""
        self.check(texts)
        if self.kind == pl.Boolean:
            return texts.replace_strict({"true": True, "false": False}, default=None)
        return texts.cast(self.kind, strict=False)

    def check(self, texts: pl.Series) -> None:
        """Raise if a value is of another type."""
        other = texts.is_not_null() & ~texts.is_in(self._words())
        if self.kind == pl.Boolean:
            other &= ~texts.is_in(["true", "false"])
        else:
            other &= ~texts.str.contains(_WHOLE) | texts.cast(self.kind, strict=False).is_null()
        if other.any():
            raise UnreadError(other.arg_max() or 0, "holds values of several types")


def sql_column(
    name: str, place: str, options: TextOptions, values: Values, first: pl.Series, *, is_whole: bool
) -> TextColumn:
    """Find the type that all values of a column have: whole numbers, numbers, dates, or text.

    Parameters
    ----------
    first
        Its first values.
    is_whole
        Whether those are all.
    """
    known = first.drop_nulls().filter(~first.drop_nulls().is_in(NULL_WORDS_OF_VALUES))
    given = (name, place, options, values)
    if not len(known):
        return PlainColumn(*given)
    candidates: list[TextColumn] = []
    if known.is_in(["true", "false"]).all():
        candidates.append(SqlColumn(*given, kind=pl.Boolean()))
    elif known.str.contains(_WHOLE).all():
        candidates += [SqlColumn(*given, kind=pl.Int64()), NumberColumn(*given)]
    elif known.str.contains(r"\d").all():
        candidates += [NumberColumn(*given), DateColumn(*given)]
    batches = (lambda: iter([first])) if is_whole else values
    found = (column for column in candidates if _holds_all(column, first, batches))
    return next(found, PlainColumn(*given))


def _holds_all(column: TextColumn, first: pl.Series, batches: Values) -> bool:
    """Tell whether a column's values can all be read as it reads them."""
    is_number = isinstance(column, NumberColumn)
    try:
        if isinstance(column, (NumberColumn, DateColumn)):
            column.decide(first)
        if isinstance(column, NumberColumn) and column.numbers.currency is not None:
            return False  # `SKU01` is no amount
        for batch in batches():
            if is_number and batch.str.contains(_BEYOND_FLOATS).any():
                return False
            column.check(batch)
    except (DataError, UnreadError):
        return False
    column.null_words.clear()
    return True
