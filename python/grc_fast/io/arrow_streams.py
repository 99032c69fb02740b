"""Tables that other libraries hand over in Arrow, checked as they come."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl

from grc_fast._core import ArrowStream
from grc_fast._utils.messages import first_line, quoted
from grc_fast._utils.panics import is_panic
from grc_fast.errors import ColumnError, SourceError
from grc_fast.io.roles import Projection, TableRoles
from grc_fast.io.source import (
    Found,
    Part,
    Source,
    as_many_as_promised,
    needed_columns,
    polars_errors,
    stream,
)

_STREAM = "__arrow_c_stream__"
_LONGEST_TYPE = 60


def gives_arrow(source: object) -> bool:
    """Tell whether an object hands its rows over in Arrow."""
    return hasattr(source, _STREAM) or hasattr(source, "__arrow_c_array__")


def stream_source(source: Any, place: str) -> Source:
    """Open an object that gives its rows in Arrow: a table gives them again, a stream does not."""
    replayable = hasattr(source, "num_rows") or not hasattr(source, _STREAM)

    def parts(roles: TableRoles) -> Found:
        opened = _Opened.of(source, place)
        rows = getattr(source, "num_rows", None)
        give = (lambda _names: source) if replayable else None
        return [arrow_part(place, opened, roles, rows=rows, give=give)], [], False

    return Source(place, parts, replayable=replayable)


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
        return pl.DataFrame(opened.columns(names))


def arrow_part(
    place: str,
    opened: _Opened,
    roles: TableRoles,
    *,
    rows: int | None,
    give: Callable[[Sequence[str]], object] | None,
) -> Part:
    """Make a part of what gives its rows in Arrow, of which no more is read than roles need.

    Parameters
    ----------
    place
        How errors name it.
    opened
        What it holds.
    roles
        What is read of it.
    rows
        How many rows it promises, if it does.
    give
        Gives some columns of it, or all, each time that they are read; None where that is once.

    Raises
    ------
    ColumnError
        If a needed column is of a type that cannot be read, or is there twice.
    """
    needed = needed_columns(roles, opened.names)
    with polars_errors(place):
        types = {
            name: opened.type_of(name) if name in needed else pl.Null() for name in opened.names
        }
    once = opened if give is None else None
    return _ArrowPart(place, pl.Schema(types), rows=rows, give=give, once=once)


@dataclass(kw_only=True)
class _ArrowPart(Part):
    """An object that gives its rows in Arrow: needed columns alone are taken, and are checked."""

    rows: int | None
    give: Callable[[Sequence[str]], object] | None
    once: _Opened | None

    def select(self, projection: Projection) -> Iterator[pl.DataFrame]:
        """Give the projection's columns, batch by batch."""
        with polars_errors(self.place):
            if self.give is not None:
                opened = _Opened.of(self.give(projection.columns), self.place)
            else:
                assert self.once is not None
                opened = self.once
            columns = opened.columns(projection.columns)
            batches = stream(pl.scan_arrow_c_stream(columns), projection.expressions)
            if self.rows is None:
                yield from batches
            else:
                rows = int(self.rows)
                yield from as_many_as_promised(batches, lambda: rows, self.place)

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

    def columns(self, names: Sequence[str]) -> Any:
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
                f"{quoted(written, _LONGEST_TYPE)[1:-1]}, which cannot be read: cast it to numbers, "
                "dates or text"
            )
        return found

    def can_read(self, name: str) -> bool:
        """Tell whether a column can be read."""
        return self.names.count(name) == 1 and self._trial(name) is not None

    def _trial(self, name: str) -> pl.DataType | None:
        """Let Polars say what it makes of a column, None if nothing."""
        position = self.names.index(name)
        _, _, is_readable = self.stream.columns[position]
        if not is_readable:
            return None
        known = all(map(_is_time_zone, self.stream.time_zones(position)))
        # Instants are in UTC whatever their zone, also one whose name tells Polars nothing.
        if not (known or self.stream.in_utc(position)):
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
