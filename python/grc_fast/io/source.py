"""Sources opened for their roles: parts of one kind, read batch by batch."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

import polars as pl

from grc_fast._utils.addresses import masked
from grc_fast._utils.messages import describe, first_line
from grc_fast._utils.panics import is_panic, reason_of_panic
from grc_fast.errors import ColumnError, DataError, GrcError, SourceError
from grc_fast.io.file_listing import Listing
from grc_fast.io.query_batches import broken_off, query_batches, received_batches
from grc_fast.io.roles import (
    ClientRoles,
    Projection,
    SqlTypeError,
    TableRoles,
    common_amount,
)
from grc_fast.io.store_faults import store_fault
from grc_fast.labels.filling import Wording

# Rows a batch: large enough that each call into Rust keeps all cores busy, small enough that a
# batch takes little memory. From 1 to 4 million the pass gains about a tenth with each doubling.
BATCH_ROWS = 2_000_000
# Text comes in small batches, whose memory is used again: so many rows make a call worth its while.
_GATHERED_ROWS = 300_000
# Types of the columns that only `where` or an SQL amount reads are read off so many rows.
INFERENCE_ROWS = 10_000
# Values of a column that an error shows, and rows that they are taken from.
_EXAMPLES = 10
_EXAMPLE_ROWS = 1_000
KINDS_OF_SOURCE = (
    "a path, a list of paths, a glob, a directory, the URL of an object store, a Delta or Iceberg "
    "table, a database, a Polars, pandas or PyArrow table, or any object with __arrow_c_stream__"
)
# What is said of a file that ends before it did when it was opened.
_SHORTENED: Final = re.compile(r"range was invalid|failed to fill whole buffer")
# Copies of what can be read but once, and how errors name them.
NAMES_OF_COPIES: dict[str, str] = {}


@dataclass
class Part(ABC):
    """One table of a source: a file, a group of like files, or a frame in memory.

    Attributes
    ----------
    place
        How errors name it.
    schema
        Its columns and their types.
    text_names
        Where the ids of columns stand as text of which none is empty (see `Roles.resolve`).
    """

    place: str
    schema: pl.Schema
    text_names: dict[str, str] = field(default_factory=dict)

    #: Whether dates that are text are written as those of text files may be.
    dates_are_written = False

    @abstractmethod
    def select(self, projection: Projection) -> Iterator[pl.DataFrame]:
        """Give the projection's columns, batch by batch, in the order of the rows."""

    def first_rows(self, count: int) -> pl.DataFrame | None:
        """Give the first rows with every column, or None where that takes a run of its own."""
        for batch in self.select(self.every_column):
            return batch.head(count)
        return pl.DataFrame(schema=self.schema)

    @property
    def every_column(self) -> Projection:
        """The projection of every column under its own name."""
        return Projection.of(map(pl.col, self.schema), self.schema)

    @property
    def notes(self) -> Sequence[Wording]:
        """What is worth saying about the table, as far as it is read."""
        return ()

    def line_of_row(self, row: int) -> int | None:  # noqa: ARG002
        """Find the line of a text file that holds data row `row`, or None."""
        return None


@dataclass
class FramePart(Part):
    """A Polars frame in memory: slices share its buffers, and it is never rechunked."""

    frame: pl.DataFrame = field(default_factory=pl.DataFrame)

    def select(self, projection: Projection) -> Iterator[pl.DataFrame]:
        """Give the projection's columns, slice by slice."""
        with polars_errors(self.place):
            for piece in self.frame.iter_slices(BATCH_ROWS):
                yield piece.select(projection.expressions)

    def first_rows(self, count: int) -> pl.DataFrame:
        """Give the first rows with every column."""
        return self.frame.head(count)


@dataclass
class LazyPart(Part):
    """A Polars LazyFrame, streamed."""

    frame: pl.LazyFrame = field(default_factory=pl.LazyFrame)

    def select(self, projection: Projection) -> Iterator[pl.DataFrame]:
        """Give the projection's columns, batch by batch."""
        with polars_errors(self.place):
            yield from stream(self.frame, projection.expressions)

    def first_rows(self, count: int) -> pl.DataFrame | None:  # noqa: ARG002
        """Give None: to know the first rows of a query may take all of it."""
        return None


@dataclass
class WrappedPart(Part):
    """A table that is another one, but for some of its columns.

    Attributes
    ----------
    inner
        The other table.
    """

    inner: Part = field(kw_only=True)

    @property
    def dates_are_written(self) -> bool:  # type: ignore[override]
        """Whether dates that are text are written as those of text files may be."""
        return self.inner.dates_are_written

    def first_rows(self, count: int) -> pl.DataFrame | None:
        """Give the first rows as the other table has them."""
        return self.inner.first_rows(count)

    @property
    def notes(self) -> Sequence[Wording]:
        """What is worth saying about the other table."""
        return self.inner.notes

    def line_of_row(self, row: int) -> int | None:
        """Find the line of a text file that holds data row `row`, or None."""
        return self.inner.line_of_row(row)


# The parts of a source, notes about them, and whether text ids may turn out to be integers.
Found = tuple[Sequence[Part], Sequence[Wording], bool]


@dataclass(frozen=True)
class Opened:
    """A source whose roles are all found: what is read, and what is worth saying about it.

    Attributes
    ----------
    parts
        Each part with the projection of its columns.
    files_notes
        What is worth saying about the files as they are found.
    plain_integer_ids
        Whether text ids become integers when every one is a plain integer.
    replayable
        Whether the batches can be read twice.
    files
        The files of it, if it is made of files.
    """

    parts: tuple[tuple[Part, Projection], ...]
    files_notes: tuple[Wording, ...]
    plain_integer_ids: bool
    replayable: bool
    files: Listing = field(default_factory=Listing)

    @property
    def notes(self) -> tuple[Wording, ...]:
        """How files are written, such as `CSV with ";", decimal comma`, as far as they are read."""
        of_parts = [note for part, _ in self.parts for note in part.notes]
        return tuple(dict.fromkeys([*of_parts, *self.files_notes]))

    @property
    def text_ids(self) -> bool:
        """Whether the client's id is text."""
        part, projection = self.parts[0]
        return projection.types(part.schema)["client"] == pl.String

    def held(self) -> Opened:
        """Read the projection of a stream into memory, so that it can be read twice."""
        frame = pl.concat(self.batches(), rechunk=False)
        part = FramePart(self.parts[0][0].place, frame.schema, frame=frame)
        projection = Projection(tuple(map(pl.col, frame.columns)), tuple(frame.columns))
        return replace(self, parts=((part, projection),), replayable=True)

    def batches(self) -> Iterator[pl.DataFrame]:
        """Give the batches of all parts: `client`, `date`, `amount`, `order_0` …, `keep`."""
        some = False
        for part, projection in self.parts:
            for batch in part.select(projection):
                some = True
                yield batch
        if not some:  # no rows have types all the same
            part, projection = self.parts[0]
            yield pl.DataFrame(schema=part.schema).select(projection.expressions)


@dataclass(frozen=True)
class Source:
    """Something with rows in it, not yet read.

    Attributes
    ----------
    name
        How errors and reports name it, without credentials.
    replayable
        Whether it can be read twice. A stream can not.
    is_file
        Whether it is made of files: files without any row are an error.
    files
        Those files, and what a folder or a glob holds besides.
    """

    name: str
    _parts: Callable[[TableRoles], Found]
    replayable: bool = True
    is_file: bool = False
    files: Listing = field(default_factory=Listing)

    def check_rows(self, rows: int) -> None:
        """Refuse a source that must have rows and gave none.

        Raises
        ------
        SourceError
            If it is made of files, or is a stream, which is empty when it was read before.
        """
        if rows == 0 and self.is_file:
            raise SourceError(f"{self.name} is empty: it has no rows")
        if rows == 0 and not self.replayable:
            raise SourceError(
                f"{self.name} gave no rows: a stream can be read once only, so make a new one if "
                "it was read before"
            )

    def open(self, roles: TableRoles) -> Opened:
        """Check the roles against every part, without reading the rows.

        Raises
        ------
        SourceError
            If a file is empty, truncated or of another format than its name says.
        ColumnError, OptionError
            If a role is wrong (see `Roles.resolve`).
        """
        parts, notes, plain_integer_ids = self._parts(roles)
        pairs = [(part, _resolved(roles, part, self.replayable)) for part in parts]
        for role, name, alias in roles.id_columns():
            kinds = [(part, _id_type(part, projection, name, alias)) for part, projection in pairs]
            _check_same_kind(role, name, kinds)
            pairs = _without_null_types(pairs, [kind for _, kind in kinds], alias)
        if len(pairs) > 1:
            pairs = _of_common_types(pairs)
        return self._opened(pairs, dict.fromkeys(notes), plain_integer_ids)

    def open_ids(self, names: Sequence[str]) -> Opened:
        """Open a table of clients, of which just the id is read.

        Parameters
        ----------
        names
            What the column may be called, the likeliest first; a table's only column will do
            under any name.

        Returns
        -------
        Opened
            Its batches have the one column `client`.
        """
        roles = ClientRoles(tuple(names))
        parts, notes, plain_integer_ids = self._parts(roles)
        pairs = [(part, _resolved(roles, part, self.replayable)) for part in parts]
        kinds = [(part, projection.types(part.schema)["client"]) for part, projection in pairs]
        _check_same_kind("client", names[0], kinds)
        return self._opened(pairs, notes, plain_integer_ids)

    def _opened(
        self,
        pairs: Iterable[tuple[Part, Projection]],
        notes: Iterable[Wording],
        plain_integer_ids: bool,  # noqa: FBT001 (as parts come with it)
    ) -> Opened:
        return Opened(tuple(pairs), tuple(notes), plain_integer_ids, self.replayable, self.files)


def _resolved(roles: TableRoles, part: Part, replayable: bool) -> Projection:  # noqa: FBT001
    """Find every role in a part; SQL that its types do not allow is refused with its values."""
    try:
        return roles.resolve(part.schema, place=part.place, text_names=part.text_names)
    except SqlTypeError as error:
        first = part.first_rows(_EXAMPLE_ROWS) if replayable else None
        raise ColumnError(f"{error}{among_the_first(first, error.columns)}") from None


def among_the_first(rows: pl.DataFrame | None, names: Iterable[str]) -> str:
    """Return the end of an error: which values there are in some columns of the first rows."""
    occurring = [
        f"{name}: {', '.join(map(str, rows[name].unique(maintain_order=True).head(_EXAMPLES)))}"
        for name in names
        if rows is not None and name in rows.columns
    ]
    return f"; among the first are {'; '.join(occurring)}" if occurring else ""


def stream(frame: pl.LazyFrame, expressions: Sequence[pl.Expr]) -> Iterator[pl.DataFrame]:
    """Run a query and give expressions of it, batch by batch in the order of the rows.

    Raises
    ------
    polars.exceptions.PolarsError
        If the query fails, or ends otherwise than by its end.
    """
    for batch in query_batches(_needed(frame, expressions), BATCH_ROWS):
        yield batch.select(expressions)


def counted_stream(
    frame: pl.LazyFrame,
    expressions: Sequence[pl.Expr],
    promised: Callable[[], int | None],
    place: str,
) -> Iterator[pl.DataFrame]:
    """Run a query as `stream` does, where something tells how many rows there are.

    Of a stream, the row that `query_batches` puts after the last would let Polars read ahead
    without end.

    Raises
    ------
    polars.exceptions.PolarsError, SourceError
        If the query fails, or gives other rows than promised (see `as_many_as_promised`).
    """
    batches = received_batches(_needed(frame, expressions), BATCH_ROWS)
    for batch in as_many_as_promised(batches, promised, place):
        yield batch.select(expressions)


def _needed(frame: pl.LazyFrame, expressions: Sequence[pl.Expr]) -> pl.LazyFrame:
    """Select the columns that expressions read by name.

    With any expression in the query, Polars reads as far ahead as it can, and the memory of a run
    grows with the rows.
    """
    names = dict.fromkeys(name for part in expressions for name in part.meta.root_names())
    return frame.select(*names)


def as_many_as_promised(
    batches: Iterable[pl.DataFrame], promised: Callable[[], int | None], place: str
) -> Iterator[pl.DataFrame]:
    """Give batches, and count their rows against those that the source says it has.

    Parameters
    ----------
    batches
        All its rows.
    promised
        Tells, after the last batch, how many rows the source has; None if it was not read to its
        end.
    place
        How errors name it.

    Raises
    ------
    polars.exceptions.ComputeError
        If the source was not read to its end.
    SourceError
        If there are more rows or fewer.
    """
    given = 0
    for batch in batches:
        given += batch.height
        yield batch
    rows = promised()
    if rows is None:
        raise pl.exceptions.ComputeError(broken_off(given))
    if given != rows:
        raise SourceError(
            f"{redact(place)} has {given:,} rows where it says that it has {rows:,}: it is "
            "damaged, so make it anew"
        )


def gathered(batches: Iterable[pl.DataFrame], rows: int | None = None) -> Iterator[pl.DataFrame]:
    """Join small batches until they have rows enough for a large one; nothing is copied."""
    enough = min(_GATHERED_ROWS, BATCH_ROWS) if rows is None else rows
    held: list[pl.DataFrame] = []
    for batch in batches:
        held.append(batch)
        if sum(batch.height for batch in held) >= enough:
            yield pl.concat(held, rechunk=False)
            held = []
    if held:
        yield pl.concat(held, rechunk=False)


def slices(height: int) -> Iterator[tuple[int, int]]:
    """Give the first row of each batch of a table, and the row after its last."""
    for start in range(0, height, BATCH_ROWS):
        yield start, min(start + BATCH_ROWS, height)


def needed_columns(roles: TableRoles, columns: Iterable[str]) -> frozenset[str]:
    """Columns among `columns` that any role reads."""
    columns = frozenset(columns)
    return (
        (roles.text_columns() & columns)
        | roles.amount_columns(columns)
        | roles.where_columns(columns)
    )


@contextmanager
def polars_errors(
    place: str, fault: Callable[[pl.exceptions.PolarsError], GrcError] | None = None
) -> Iterator[None]:
    """Turn whatever Polars or the system raises while reading into one sentence."""
    try:
        yield
    except GrcError as error:
        # What is wrong with a copy is said of what it is a copy of.
        sentence = redact(str(error))
        if sentence == str(error):
            raise
        raise type(error)(sentence) from None
    except pl.exceptions.InvalidOperationError as error:
        raise DataError(f"{redact(place)}: {redact(first_line(error))}") from None
    except pl.exceptions.PolarsError as error:
        if fault is not None:
            raise fault(error) from None
        raise unreadable(place, error, first_line(error)) from None
    except OSError as error:
        raise unreadable(place, error, error.strerror or first_line(error)) from None
    except BaseException as error:
        if not is_panic(error):
            raise
        raise SourceError(
            f"{redact(place)} cannot be read, as it is damaged or holds what Polars does not know "
            f"({redact(reason_of_panic(error))}): make it anew"
        ) from None


def unreadable(place: str, error: Exception, reason: str) -> SourceError:
    """Return the one sentence that a source cannot be read."""
    place = redact(place)
    if _SHORTENED.search(str(error)):
        reason = "it became shorter while it was read, so read it again once it is whole"
    return SourceError(store_fault(place, error) or f"{place} cannot be read: {redact(reason)}")


def _of_common_types(pairs: list[tuple[Part, Projection]]) -> list[tuple[Part, Projection]]:
    """Give the amounts of several tables one type, and check that their dates can be compared."""
    types = [projection.types(part.schema) for part, projection in pairs]
    _check_same_zones([part for part, _ in pairs], types)
    amount = common_amount([found["amount"] for found in types if "amount" in found])
    if amount is None:
        return pairs
    return [(part, projection.cast("amount", amount)) for part, projection in pairs]


def _check_same_zones(parts: Sequence[Part], types: Sequence[pl.Schema]) -> None:
    """Check that dates have a zone in every table or in none: they cannot be compared else."""
    zones: dict[bool, Part] = {}
    for part, found in zip(parts, types, strict=True):
        for name in ("date", "timestamp"):
            if isinstance(dtype := found.get(name), pl.Datetime):
                zones.setdefault(dtype.time_zone is not None, part)
    if len(zones) > 1:
        raise ColumnError(
            f"the dates have a zone in {zones[True].place} and none in {zones[False].place}: give "
            "all of them one, or none"
        )


def _id_type(part: Part, projection: Projection, name: str, alias: str) -> pl.DataType:
    """Give the type of ids: that of their column, or that which SQL gives."""
    return part.schema[name] if name in part.schema else projection.types(part.schema)[alias]


def _check_same_kind(role: str, name: str, types: Sequence[tuple[Part, pl.DataType]]) -> None:
    """Check that an id is text in every file or a number in every file: `7` and `"7"` differ."""
    first, there = types[0]
    for part, here in types[1:]:
        if here.is_numeric() != there.is_numeric() and pl.Null not in (here, there):
            raise ColumnError(
                f"the {role} column {name!r} holds {describe(there)} in {first.place} and "
                f"{describe(here)} in {part.place}: make them the same type"
            )


def _without_null_types(
    pairs: list[tuple[Part, Projection]], types: Sequence[pl.DataType], alias: str
) -> list[tuple[Part, Projection]]:
    """Let ids that are all null in one file have the kind that they have elsewhere."""
    if not any(dtype.is_numeric() for dtype in types):
        return pairs
    return [
        (part, projection.cast(alias, pl.Int64()) if dtype == pl.Null else projection)
        for (part, projection), dtype in zip(pairs, types, strict=True)
    ]


def redact(text: str) -> str:
    """Take credentials out of URLs, and name copies by what they are copies of."""
    for copy, name in NAMES_OF_COPIES.items():
        text = text.replace(copy, name)
    return masked(text)
