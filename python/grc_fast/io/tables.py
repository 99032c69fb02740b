"""Tables in memory and Arrow streams as parts of a source."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import polars as pl

from grc_fast.errors import ColumnError, GrcError, SourceError
from grc_fast.io.arrow_streams import gives_arrow, stream_source
from grc_fast.io.pandas_frames import column_type, is_pandas_frame, to_series
from grc_fast.io.roles import Projection, TableRoles
from grc_fast.io.source import (
    KINDS_OF_SOURCE,
    Found,
    FramePart,
    LazyPart,
    Part,
    Source,
    needed_columns,
    polars_errors,
    slices,
)


@dataclass
class PandasPart(Part):
    """A pandas frame: only the needed columns are converted, arrays slice by slice."""

    frame: Any = None
    whole: dict[str, pl.Series] = field(default_factory=dict)
    columns: dict[str, Any] = field(default_factory=dict)

    def select(self, projection: Projection) -> Iterator[pl.DataFrame]:
        """Give the projection's columns, slice by slice."""
        with polars_errors(self.place):
            for start, stop in slices(len(self.frame)):
                piece = {name: self._slice(name, start, stop) for name in projection.columns}
                yield pl.DataFrame(piece).select(projection.expressions)

    def first_rows(self, count: int) -> pl.DataFrame:
        """Give the first rows with every column; objects that no type holds as their text."""
        columns = []
        for position, name in enumerate(self.schema):
            column = self.frame.iloc[:count, position]
            try:
                columns.append(to_series(name, column))
            except (GrcError, TypeError, ValueError, pl.exceptions.PolarsError):
                columns.append(pl.Series(name, _texts(column)))
        return pl.DataFrame(columns)

    def _slice(self, name: str, start: int, stop: int) -> pl.Series:
        if name in self.whole:
            return self.whole[name].slice(start, stop - start)
        return to_series(name, self.columns[name].iloc[start:stop])


def _texts(column: Any) -> list[str | None]:
    """Write the values of a column, as far as pandas can say them itself."""
    try:
        return [str(value) for value in column]
    except ValueError:
        return [None] * len(column)


def column_names(source: object) -> list[str] | None:
    """Return the columns of a Polars, pandas or Arrow table; None of anything else."""
    if isinstance(source, pl.LazyFrame):
        return source.collect_schema().names()
    if isinstance(source, pl.DataFrame) or is_pandas_frame(source):
        return [str(name) for name in cast(Any, source).columns]
    return getattr(getattr(source, "schema", None), "names", None)


def table(name: str, frame: pl.DataFrame) -> Source:
    """Open a Polars frame."""
    part = FramePart(name, frame.schema, frame=frame)
    return Source(name, lambda _roles: ([part], [], False))


def lazy_source(frame: pl.LazyFrame) -> Source:
    """Open a LazyFrame."""

    def parts(_roles: TableRoles) -> Found:
        with polars_errors("the LazyFrame"):
            schema = frame.collect_schema()
        return [LazyPart("the LazyFrame", schema, frame=frame)], [], False

    return Source("the LazyFrame", parts)


def pandas_source(frame: Any) -> Source:
    """Open a pandas frame."""
    names = [str(name) for name in frame.columns]

    def parts(roles: TableRoles) -> Found:
        place = "the pandas frame"
        needed = needed_columns(roles, names)
        for name in sorted(needed):
            if names.count(name) > 1:
                raise ColumnError(
                    f"{place} has {names.count(name)} columns named {name!r}: rename all but one"
                )
        columns = {
            name: frame.iloc[:, position] for position, name in enumerate(names) if name in needed
        }
        whole = {
            name: to_series(name, column)
            for name, column in columns.items()
            if column_type(column) == "objects"
        }
        types: dict[str, pl.DataType] = {name: pl.Null() for name in names}
        for name, column in columns.items():
            series = whole[name] if name in whole else to_series(name, column.iloc[:0])
            types[name] = series.dtype
        part = PandasPart(place, pl.Schema(types), frame=frame, whole=whole, columns=columns)
        return [part], [], False

    return Source("the pandas frame", parts)


def arrow_source(source: object) -> Source:
    """Take an Arrow stream, batch by batch, through Polars."""
    name = type(source).__name__
    if gives_arrow(source):
        return stream_source(source, f"the {name}")
    for method in ("to_arrow_reader", "fetch_record_batch"):  # a DuckDB result
        if hasattr(source, method):
            with warnings.catch_warnings():  # DuckDB's advice to take a relation instead
                warnings.simplefilter("ignore", UserWarning)
                return arrow_source(getattr(source, method)())
    raise SourceError(f"a source cannot be made of {article(name)}: give {KINDS_OF_SOURCE}")


def article(name: str) -> str:
    """Put the right article before a name."""
    return f"an {name}" if name[:1].lower() in "aeiou" else f"a {name}"
