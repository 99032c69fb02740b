"""Tables that other libraries hand over in Arrow, checked as they come."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl

from grc_fast._core import ArrowColumns, ArrowStream
from grc_fast._utils.messages import first_line, quoted
from grc_fast._utils.panics import is_panic
from grc_fast.errors import ColumnError, SourceError
from grc_fast.io.roles import Projection, TableRoles
from grc_fast.io.source import (
    Found,
    Part,
    Source,
    counted_stream,
    needed_columns,
    polars_errors,
)

_STREAM = "__arrow_c_stream__"
_LONGEST_TYPE = 60


def gives_arrow(source: object) -> bool:
    """Tell whether an object hands its rows over in Arrow."""
    return hasattr(source, _STREAM) or hasattr(source, "__arrow_c_array__")


class ArrowTable(ABC):
    """What gives its rows in Arrow, of all columns or of some.

    Attributes
    ----------
    rows
        How many rows it says that it has; None where it does not say.
    """

    rows: int | None = None

    @abstractmethod
    def give(self, names: Sequence[str] | None) -> Any:
        """Give a stream of some columns, or of all."""


class _TableInMemory(ArrowTable):
    def __init__(self, table: Any) -> None:
        self._table = table
        self.rows = getattr(table, "num_rows", None)

    def give(self, names: Sequence[str] | None) -> Any:  # noqa: ARG002 (others cost nothing)
        return self._table


def stream_source(source: Any, place: str) -> Source:
    """Open an object that gives its rows in Arrow: a table gives them again, a stream does not."""
    replayable = hasattr(source, "num_rows") or not hasattr(source, _STREAM)
    parts = partial(_stream_parts, _TableInMemory(source), place, is_stream=not replayable)
    return Source(place, parts, replayable=replayable)


def _stream_parts(table: ArrowTable, place: str, roles: TableRoles, *, is_stream: bool) -> Found:
    return [arrow_part(place, table, roles, is_stream=is_stream)], [], False


def arrow_frame(source: object, place: str, needed: Collection[str] = ()) -> pl.DataFrame:
    """Read an object that gives its rows in Arrow whole.

    Columns of types that cannot be read are left out.

    Raises
    ------
    SourceError
        If it gives no table, or a broken one.
    ColumnError
        If a column among `needed` cannot be read.
    """
    opened = _Opened.of(source, place)
    with polars_errors(place):
        names = [name for name in opened.names if name in needed or opened.can_read(name)]
        # Made a frame at once, decimals of 32 and 64 bits would be read as if they had 128.
        return pl.scan_arrow_c_stream(opened.columns(names)).collect()


def arrow_part(
    place: str, table: ArrowTable, roles: TableRoles, *, is_stream: bool = False
) -> Part:
    """Make a part of what gives its rows in Arrow, of which no more is read than roles need.

    Parameters
    ----------
    place
        How errors name it.
    table
        What gives the rows.
    roles
        What is read of it.
    is_stream
        Whether it gives its rows once.

    Raises
    ------
    ColumnError
        If a needed column is of a type that cannot be read, or is there twice.
    """
    opened = _Opened.of(table.give(None), place)
    needed = needed_columns(roles, opened.names)
    with polars_errors(place):
        types = {
            name: opened.type_of(name) if name in needed else pl.Null() for name in opened.names
        }
    return _ArrowPart(place, pl.Schema(types), table=table, once=opened if is_stream else None)


def has_strange_columns(table: ArrowTable, place: str) -> bool:
    """Tell whether there are columns of types that Polars lacks.

    Raises
    ------
    SourceError
        If it gives no table.
    """
    opened = _Opened.of(table.give(None), place)
    return not all(map(opened.is_known, range(len(opened.names))))


@dataclass(kw_only=True)
class _ArrowPart(Part):
    """What gives its rows in Arrow: needed columns alone are taken, and are checked."""

    table: ArrowTable
    once: _Opened | None

    def select(self, projection: Projection) -> Iterator[pl.DataFrame]:
        """Give the projection's columns, batch by batch."""
        with polars_errors(self.place):
            names = projection.columns
            opened = self.once or _Opened.of(self.table.give(names), self.place)
            columns = opened.columns(names)
            query = pl.scan_arrow_c_stream(columns)
            promised = partial(self._promised, columns)
            yield from counted_stream(query, projection.expressions, promised, self.place)

    def _promised(self, columns: ArrowColumns) -> int | None:
        return columns.all_rows if self.table.rows is None else int(self.table.rows)

    def first_rows(self, count: int) -> pl.DataFrame | None:  # noqa: ARG002
        """Give None: a stream is read once."""
        return None


@dataclass(frozen=True)
class _Opened:
    """The stream of an object, and the names of its columns."""

    place: str
    stream: ArrowStream
    names: tuple[str, ...]

    @classmethod
    def of(cls, source: Any, place: str) -> _Opened:
        try:
            found = ArrowStream(source)
        except BaseException as error:
            # A stranger's object raises what it likes.
            if isinstance(error, Exception) or is_panic(error):
                raise SourceError(
                    f"{place} cannot be read as a table in Arrow: {first_line(error)}"
                ) from None
            raise
        return cls(place, found, tuple(name for name, *_ in found.columns))

    def columns(self, names: Sequence[str]) -> ArrowColumns:
        """Give some columns, to be read once."""
        for name in names:
            self.type_of(name)
        return self.stream.select([self.names.index(name) for name in names])

    def type_of(self, name: str) -> pl.DataType:
        """Find the type of a column that is needed.

        Raises
        ------
        ColumnError
            If it is one that cannot be read, or there are several of the name.
        """
        if self.names.count(name) > 1:
            raise ColumnError(
                f"{self.place} has {self.names.count(name)} columns named {name!r}: rename all "
                "but one"
            )
        found = self._trial(name)
        if found is None:
            _, written, _ = self.stream.columns[self.names.index(name)]
            raise ColumnError(
                f"the column {name!r} of {self.place} is of the Arrow type "
                f"{quoted(written, _LONGEST_TYPE)[1:-1]}, which cannot be read: cast it to "
                "numbers, dates or text"
            )
        return found

    def can_read(self, name: str) -> bool:
        """Tell whether a column can be read."""
        return self.names.count(name) == 1 and self._trial(name) is not None

    def is_known(self, position: int) -> bool:
        """Tell whether Polars has the type of a column."""
        _, _, is_readable = self.stream.columns[position]
        return is_readable and all(map(_is_time_zone, self.stream.time_zones(position)))

    def _trial(self, name: str) -> pl.DataType | None:
        """Let Polars say what it makes of a column, None if nothing."""
        position = self.names.index(name)
        # Instants are in UTC whatever their zone, also one whose name tells Polars nothing.
        if not (self.is_known(position) or self.stream.in_utc(position)):
            return None
        try:
            return pl.DataFrame(self.stream.empty(position)).dtypes[0]
        except (pl.exceptions.PolarsError, ValueError):
            return None


def _is_time_zone(name: str) -> bool:
    """Tell whether Polars knows a time zone: it gives up on a column with another."""
    try:
        pl.Series([0], dtype=pl.Datetime("us", "UTC")).dt.convert_time_zone(name)
    except pl.exceptions.PolarsError:
        return False
    return True
