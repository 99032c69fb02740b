"""Small tables read whole: their columns, and what these may hold."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import polars as pl

from grc_fast._utils.messages import describe, listing, quoted, suggestion
from grc_fast._utils.processes import check_process
from grc_fast.errors import ColumnError, DataError
from grc_fast.io.arrow_streams import arrow_frame, gives_arrow
from grc_fast.io.dates import ambiguous_date, detect_dates
from grc_fast.io.ids import same_ids, whole_floats, with_common_ids
from grc_fast.io.open import open_source
from grc_fast.io.pandas_frames import is_pandas_frame
from grc_fast.io.roles import Projection, Table, require_column
from grc_fast.io.source import polars_errors
from grc_fast.io.sql import roots_or_nothing
from grc_fast.io.text_columns import DateColumn, UnreadError
from grc_fast.io.text_options import DETECTED, TextOptions, said
from grc_fast.labels.coded_columns import in_codes

#: Refuses columns of a table, which errors name so.
CheckColumns: TypeAlias = Callable[[Sequence[str], str], None]
# Words for yes and no, in English and French.
_FLAGS: Final = dict.fromkeys(("true", "yes", "y", "oui", "o", "vrai", "1"), True) | dict.fromkeys(
    ("false", "no", "n", "non", "faux", "0"), False
)


def meeting(tables: Mapping[str, pl.DataFrame], *, from_files: bool) -> dict[str, pl.DataFrame]:
    """Let the clients and campaigns of tables meet.

    Parameters
    ----------
    tables
        By the name that errors give each.
    from_files
        Whether any comes from a file, which does not say whether an id is text or a number.

    Raises
    ------
    ColumnError
        If ids are text in one and numbers in another.
    """
    found = dict(tables)
    if from_files:
        found = dict(zip(found, with_common_ids(*found.values()), strict=True))
    return same_ids("campaign", same_ids("client_id", found))


def is_path(table: object) -> bool:
    """Tell whether a table is the path of its file."""
    return isinstance(table, (str, os.PathLike))


def frame_of(table: Any, what: str, names: Sequence[str]) -> pl.DataFrame:
    """Take a table with some columns, or read it from a file.

    Raises
    ------
    SourceError
        If a file cannot be read.
    ColumnError
        If it is no table, or lacks a column.
    """
    check_process()
    if is_path(table):
        [table] = with_common_ids(read_table(os.fspath(table)))
    frame = as_frame(table, what, names)
    if frame is None:
        raise ColumnError(f"{what} must be a table, and {type(table).__name__} is not")
    for name in names:
        if name not in frame.columns:
            raise ColumnError(
                f"{what} has no column {name!r}{suggestion(name, frame.columns)}"
                f"{listing(frame.columns)}"
            )
    return frame


def as_frame(table: Any, what: str, needed: Collection[str] = ()) -> pl.DataFrame | None:
    """Take a table of any library as a frame; None if it is no table.

    Raises
    ------
    SourceError
        If its rows cannot be read.
    ColumnError
        If a column among `needed` is of a type that cannot be read.
    """
    if isinstance(table, pl.DataFrame):
        return table
    if isinstance(table, pl.LazyFrame):
        with polars_errors(what):
            collected: pl.DataFrame = table.collect()
            return collected
    if gives_arrow(table) and not is_pandas_frame(table):
        return arrow_frame(table, what, needed)
    try:
        return pl.DataFrame(table)
    except (TypeError, ValueError, pl.exceptions.PolarsError):
        return None


def whole(frame: pl.DataFrame, name: str, what: str) -> pl.Series:
    """Return a column of whole numbers as integers.

    Raises
    ------
    ColumnError
        If it holds anything else.
    """
    column = frame[name]
    if column.dtype.is_integer():
        return column
    if column.dtype.is_float():
        return whole_floats(column, what)
    if column.dtype == pl.Null:
        return column.cast(pl.Int64)
    raise ColumnError(f"{what} has {describe(column.dtype)} in {name!r}: write whole numbers")


def flag(frame: pl.DataFrame, name: str, what: str) -> pl.Expr:
    """Return a column of true and false, 1 and 0, or yes and no in words, as Boolean.

    Raises
    ------
    ColumnError
        If it holds anything else.
    """
    column = frame[name]
    dtype = column.dtype
    if dtype == pl.Boolean:
        return pl.col(name)
    if dtype.is_numeric() and ((column == 0) | (column == 1)).all():
        return pl.col(name).cast(pl.Boolean)
    given = describe(dtype)
    if dtype == pl.String or isinstance(dtype, (pl.Categorical, pl.Enum)):
        words = column.cast(pl.String).str.strip_chars().str.to_lowercase().replace("", None)
        read = words.replace_strict(_FLAGS, default=None, return_dtype=pl.Boolean)
        strange = words.filter(read.is_null() & words.is_not_null())
        if strange.is_empty():
            return pl.lit(read).alias(name)
        given = quoted(strange[0])
    raise ColumnError(
        f"{what} has {given} in {name!r}: write true or false, 1 or 0, yes or no, oui or non"
    )


def days(frame: pl.DataFrame, name: str, what: str, text: TextOptions = DETECTED) -> pl.Expr:
    """Return a column of dates, dates and times, or text of either, as Date.

    Text is read by its form, as in files; numbers only where the user says what they count.

    Raises
    ------
    ColumnError, DataError
        If it holds anything else, or dates whose day and month may change places.
    """
    column = frame[name]
    dtype = column.dtype
    if dtype == pl.Date or isinstance(dtype, pl.Datetime):
        return pl.col(name).cast(pl.Date)
    if dtype == pl.Null:
        return pl.lit(None, pl.Date).alias(name)
    counted = dtype.is_integer() and text.date_format is not None
    if dtype != pl.String and not counted:
        raise ColumnError(_no_days(what, dtype, name))
    texts = column.cast(pl.String)
    dates = DateColumn(name, what, text, lambda: iter([texts]))
    found = detect_dates(texts, text)
    if isinstance(found, str):
        raise DataError(f"{what}: the column {name!r} {ambiguous_date(found)}")
    if found is None and texts.null_count() < len(texts):
        raise ColumnError(_no_days(what, dtype, name))
    try:
        dates.decide(texts)
        return pl.lit(dates.read(texts).cast(pl.Date)).alias(name)
    except UnreadError as error:
        raise error.told(f"{what}, row {error.row_of_all(0):,}", name) from None


def _no_days(what: str, dtype: pl.DataType, name: str) -> str:
    return (
        f"{what} has {describe(dtype)} in {name!r} that are no days: write them as 2026-11-01, or "
        f"give {said('date_format')}"
    )


def money(frame: pl.DataFrame, name: str, what: str) -> pl.Expr:
    """Return a column of money as Float64; nulls where there is no such column.

    Raises
    ------
    ColumnError, DataError
        If it holds no numbers, or numbers that are not finite.
    """
    if name not in frame.columns:
        return pl.lit(None, pl.Float64).alias(name)
    column = frame[name]
    if not (column.dtype.is_numeric() or column.dtype == pl.Null):
        raise ColumnError(f"{what} has {describe(column.dtype)} in {name!r}: write numbers")
    numbers = column.cast(pl.Float64)
    if not numbers.is_finite().all():
        raise DataError(f"{what} has a value in {name!r} that is no finite number: leave it empty")
    return pl.lit(numbers).alias(name)


@dataclass(frozen=True)
class ColumnKinds:
    """What columns of a small table hold, where their name says more than their values.

    Attributes
    ----------
    dates, numbers
        Columns of days, and of money.
    texts
        Columns that a text file must not turn into numbers.
    others
        Whether columns of none of these are read too.
    """

    dates: frozenset[str] = frozenset(("contacted_on", "date"))
    numbers: frozenset[str] = frozenset(("spend",))
    texts: frozenset[str] = frozenset(("client_id", "campaign", "segment"))
    others: bool = True

    def takes(self, name: str) -> bool:
        """Tell whether a column is read."""
        return self.others or name in self.dates | self.numbers | self.texts


@dataclass(frozen=True)
class _EveryColumn:
    """The roles of a table of which each column is read under its own name."""

    client: str = "client_id"
    kinds: ColumnKinds = field(default_factory=ColumnKinds)
    only: Collection[str] | None = None
    check_columns: CheckColumns | None = None

    def text_columns(self) -> frozenset[str]:
        """Columns that a text file must not turn into numbers."""
        return self.kinds.texts | self.kinds.dates | {self.client}

    def date_columns(self) -> frozenset[str]:
        """Columns that hold dates."""
        return self.kinds.dates

    def amount_columns(self, header: Iterable[str]) -> frozenset[str]:
        """Columns of `header` that hold numbers."""
        return self.kinds.numbers & frozenset(header)

    def where_columns(self, header: Iterable[str]) -> frozenset[str]:
        """Columns of `header` whose type is that of their values."""
        rest = frozenset(header) - self.text_columns() - self.kinds.numbers
        return rest if self.kinds.others else frozenset()

    def sql_columns(self, header: Iterable[str]) -> frozenset[str]:
        """Columns of `header` that are read by the type of their values."""
        return self.where_columns(header)

    def sql_text_columns(self, _header: Iterable[str]) -> frozenset[str]:
        """Return no column."""
        return frozenset()

    def id_columns(self) -> list[tuple[str, str, str]]:
        """List the id columns: role, column, name in the projection."""
        return [("client", self.client, self.client)]

    def resolve(
        self, schema: pl.Schema, *, place: str, text_names: Mapping[str, str] | None = None
    ) -> Projection:
        """Take every column, the ids as ids.

        Raises
        ------
        ColumnError
            If there is no client id, or it is of a type that no id has.
        """
        texts = text_names or {}
        table = Table(schema, place, texts)
        if self.check_columns is not None:
            self.check_columns(schema.names(), place)
        require_column(self.client, "client", schema.names(), place)
        ids = table.id_column(self.client, "client").alias(self.client)
        names = [name for name in schema if name in texts or name not in texts.values()]
        wanted = frozenset(filter(self.kinds.takes, self._wanted(names)))
        rest = [pl.col(name) for name in names if name != self.client and name in wanted]
        columns = [name for name in names if name == self.client or name in wanted]
        return Projection((ids, *rest), tuple(columns))

    def _wanted(self, names: Collection[str]) -> frozenset[str]:
        """Return the columns that are read; all of them if something that is wanted is not there.

        So whoever looks for it can say the nearest name.
        """
        found = frozenset(names)
        if self.only is None:
            return found
        read = [frozenset((one,)) if one in found else roots_or_nothing(one) for one in self.only]
        return frozenset().union(*read) if all(one and one <= found for one in read) else found


def read_table(
    source: object,
    text: TextOptions = DETECTED,
    client: str = "client_id",
    kinds: ColumnKinds | None = None,
    only: Collection[str] | None = None,
    *,
    check_columns: CheckColumns | None = None,
) -> pl.DataFrame:
    """Read a table with a client id whole, or of its columns only those that columns or SQL need.

    Parameters
    ----------
    source
        Anything that can be opened as a source.
    text
        How text files are written, as far as the user says so.
    client
        The column of the id.
    kinds
        What columns hold, and whether others are read.
    only
        Columns, or SQL over columns, that are needed; every column by default.
    check_columns
        Called with the columns of each part and how errors name it, before any row is read.

    Raises
    ------
    SourceError, ColumnError
        If it cannot be read, its format is not known, or it has no client id.
    """
    roles = _EveryColumn(client, kinds or ColumnKinds(), only, check_columns)
    opened = open_source(source, text).open(roles)
    frame = pl.concat(opened.batches(), how="vertical_relaxed")
    frame = frame.with_columns(
        pl.col(name).replace("", None) for name, dtype in frame.schema.items() if dtype == pl.String
    )
    return in_codes(frame)
