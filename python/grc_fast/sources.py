"""What a source of sales is, and how its rows come as batches of Polars frames.

A source is opened without reading any rows (`open_source`), its parts and their columns are
checked against the roles (`Source.open`), and only then do rows flow, batch by batch, with just
the columns that the roles need.
"""

from __future__ import annotations

import difflib
import glob
import re
import warnings
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import polars as pl

from grc_fast.delimited import CsvFile, NdjsonFile
from grc_fast.errors import ColumnError, DataError, GrcError, SourceError
from grc_fast.pandas_frames import column_type, is_pandas_frame, to_series
from grc_fast.roles import (
    Projection,
    Roles,
    TableRoles,
    common_amount,
    describe,
    first_line,
    id_expression,
    require_column,
)

__all__ = ["Opened", "Part", "Source", "open_source"]

# Rows a batch: large enough that each call into Rust keeps all cores busy, small enough that a
# batch takes little memory. From 1 to 4 million the pass gains about a tenth with each doubling.
BATCH_ROWS = 2_000_000

_FORMATS = {
    ".parquet": "Parquet",
    ".pq": "Parquet",
    ".csv": "CSV",
    ".tsv": "CSV",
    ".txt": "CSV",
    ".ndjson": "NDJSON",
    ".jsonl": "NDJSON",
    ".arrow": "Arrow",
    ".ipc": "Arrow",
    ".feather": "Arrow",
}
_EXTENSIONS = (
    "Parquet (.parquet, .pq), CSV (.csv, .tsv, .txt), NDJSON (.ndjson, .jsonl) "
    "or Arrow (.arrow, .ipc, .feather)"
)
_KINDS_OF_SOURCE = (
    "a path, a list of paths, a glob, a directory, the URL of an object store, a Polars, pandas "
    "or PyArrow table, or any object with __arrow_c_stream__"
)
# Databases and lake tables get their own opener here; until then they are a clear error.
_DATABASES = ("postgresql://", "postgres://", "mysql://", "sqlite://", "duckdb://", "mssql://")
_DATABASE_FILES = (".duckdb", ".db", ".sqlite", ".sqlite3")
_GLOB = re.compile(r"[*?\[]")
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


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
        Columns whose text stands under another name (see `Roles.resolve`).
    """

    place: str
    schema: pl.Schema
    text_names: dict[str, str] = field(default_factory=dict)

    @abstractmethod
    def select(self, projection: Projection) -> Iterator[pl.DataFrame]:
        """Give the projection's columns, batch by batch, in the order of the rows."""

    def line_of_row(self, row: int) -> int | None:  # noqa: ARG002
        """Find the line of a text file that holds data row `row`, or None."""
        return None


@dataclass
class FramePart(Part):
    """A Polars frame in memory: slices share its buffers, and it is never rechunked."""

    frame: pl.DataFrame = field(default_factory=pl.DataFrame)

    def select(self, projection: Projection) -> Iterator[pl.DataFrame]:
        with polars_errors(self.place):
            for piece in self.frame.iter_slices(BATCH_ROWS):
                yield piece.select(projection.expressions)


@dataclass
class LazyPart(Part):
    """A Polars LazyFrame, streamed."""

    frame: pl.LazyFrame = field(default_factory=pl.LazyFrame)

    def select(self, projection: Projection) -> Iterator[pl.DataFrame]:
        with polars_errors(self.place):
            yield from stream(self.frame, projection.expressions)


@dataclass
class CsvPart(Part):
    """A CSV file: broken lines are found, blank ones are no rows."""

    file: CsvFile | None = None

    def select(self, projection: Projection) -> Iterator[pl.DataFrame]:
        assert self.file is not None
        file = self.file.reopened()
        expressions = [*projection.expressions, *file.markers(projection.columns)]
        with polars_errors(self.place, file.fault):
            for batch in stream(file.scan(), expressions):
                yield file.mend(batch)

    def line_of_row(self, row: int) -> int | None:
        assert self.file is not None
        return self.file.line_of_row(row)


@dataclass
class NdjsonPart(Part):
    """An NDJSON file."""

    file: NdjsonFile | None = None

    def select(self, projection: Projection) -> Iterator[pl.DataFrame]:
        assert self.file is not None
        with polars_errors(self.place, self.file.fault):
            yield from stream(self.file.scan(), projection.expressions)

    def line_of_row(self, row: int) -> int | None:
        assert self.file is not None
        return self.file.line_of_row(row)


@dataclass
class PandasPart(Part):
    """A pandas frame: only the needed columns are converted, arrays slice by slice."""

    frame: Any = None
    whole: dict[str, pl.Series] = field(default_factory=dict)
    columns: dict[str, Any] = field(default_factory=dict)

    def select(self, projection: Projection) -> Iterator[pl.DataFrame]:
        height = len(self.frame)
        with polars_errors(self.place):
            for start in range(0, height, BATCH_ROWS):
                stop = min(start + BATCH_ROWS, height)
                piece = {name: self._slice(name, start, stop) for name in projection.columns}
                yield pl.DataFrame(piece).select(projection.expressions)

    def _slice(self, name: str, start: int, stop: int) -> pl.Series:
        if name in self.whole:
            return self.whole[name].slice(start, stop - start)
        return to_series(name, self.columns[name].iloc[start:stop])


# The parts of a source, notes about them, and whether text ids may turn out to be integers.
_Found = tuple[Sequence[Part], Sequence[str], bool]


@dataclass(frozen=True)
class Opened:
    """A source whose roles are all found: what is read, and what is worth saying about it.

    Attributes
    ----------
    parts
        Each part with the projection of its columns.
    notes
        How the files are written, such as `CSV with ";" and decimal comma`.
    plain_integer_ids
        Whether text ids become integers when every one is a plain integer.
    replayable
        Whether the batches can be read twice.
    """

    parts: tuple[tuple[Part, Projection], ...]
    notes: tuple[str, ...]
    plain_integer_ids: bool
    replayable: bool

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
    """

    name: str
    _parts: Callable[[TableRoles], _Found]
    replayable: bool = True
    is_file: bool = False

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
        pairs = [
            (part, roles.resolve(part.schema, place=part.place, text_names=part.text_names))
            for part in parts
        ]
        for role, name, alias in roles.id_columns():
            _check_same_kind(role, [(part, name) for part in parts])
            pairs = _without_null_types(pairs, name, alias)
        types = [projection.types(part.schema) for part, projection in pairs]
        amount = common_amount([found["amount"] for found in types if "amount" in found])
        if amount is not None:
            pairs = [(part, projection.cast("amount", amount)) for part, projection in pairs]
        return Opened(tuple(pairs), tuple(dict.fromkeys(notes)), plain_integer_ids, self.replayable)

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
        parts, notes, plain_integer_ids = self._parts(
            Roles(client=names[0], date=names[-1], amount=names[-1])
        )
        found: list[tuple[Part, str]] = []
        pairs: list[tuple[Part, Projection]] = []
        for part in parts:
            columns = [name for name in part.schema if name not in part.text_names.values()]
            name = next((name for name in names if name in columns), None)
            if name is None and len(columns) == 1:
                name = columns[0]
            if name is None:
                require_column(names[0], "client", columns, part.place)
            assert name is not None
            found.append((part, name))
            expression = id_expression(name, "client", part.schema[name], part.place)
            pairs.append((part, Projection((expression.alias("client"),), (name,))))
        _check_same_kind("client", found)
        return Opened(tuple(pairs), tuple(notes), plain_integer_ids, self.replayable)


def open_source(source: object) -> Source:
    """Find out what a source is.

    Parameters
    ----------
    source
        A path, a list of paths, a glob, a directory (read recursively; files of one format), the
        URL of an object store, a Polars DataFrame or LazyFrame, a pandas or PyArrow table, or
        anything with `__arrow_c_stream__`. A stream is read once, batch by batch.

    Returns
    -------
    Source
        The source, none of its rows read.

    Raises
    ------
    SourceError
        If there is no such file, its format is not known, or the object is no table.

    Examples
    --------
    >>> import polars as pl
    >>> from grc_fast.sources import open_source
    >>> open_source(pl.DataFrame({"client_id": [1]})).name
    'the frame'
    """
    if isinstance(source, pl.DataFrame):
        return _table("the frame", source)
    if isinstance(source, pl.LazyFrame):
        return _lazy_source(source)
    if isinstance(source, (str, Path)):
        return _path_source([str(source)])
    if isinstance(source, (list, tuple)):
        return _list_source(source)
    if is_pandas_frame(source):
        return _pandas_source(source)
    return _arrow_source(source)


# -- tables in memory ------------------------------------------------------------------------


def _table(name: str, frame: pl.DataFrame) -> Source:
    part = FramePart(name, frame.schema, frame=frame)
    return Source(name, lambda _roles: ([part], [], False))


def _lazy_source(frame: pl.LazyFrame) -> Source:
    def parts(_roles: TableRoles) -> _Found:
        with polars_errors("the LazyFrame"):
            schema = frame.collect_schema()
        return [LazyPart("the LazyFrame", schema, frame=frame)], [], False

    return Source("the LazyFrame", parts)


def _pandas_source(frame: Any) -> Source:
    names = [str(name) for name in frame.columns]

    def parts(roles: TableRoles) -> _Found:
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


def _arrow_source(source: object) -> Source:
    """Take an Arrow stream, batch by batch, through Polars."""
    name = type(source).__name__
    if not hasattr(source, "__arrow_c_stream__"):
        for method in ("to_arrow_reader", "fetch_record_batch"):  # a DuckDB result
            if hasattr(source, method):
                with warnings.catch_warnings():  # DuckDB's advice to take a relation instead
                    warnings.simplefilter("ignore", UserWarning)
                    return _arrow_source(getattr(source, method)())
        if hasattr(source, "__arrow_c_array__"):
            frame = pl.DataFrame(source)
            return _table(f"the {name}", frame)
        raise SourceError(f"a source cannot be made of {_article(name)}: give {_KINDS_OF_SOURCE}")
    place = f"the {name}"
    replayable = hasattr(source, "num_rows")  # a table in memory, not a stream

    def parts(_roles: TableRoles) -> _Found:
        part = _StreamPart(place, pl.Schema(), stream=source, replayable=replayable)
        part.frame = part.scan()
        part.schema = part.frame.collect_schema()
        return [part], [], False

    return Source(f"the {name}", parts, replayable=replayable)


@dataclass
class _StreamPart(LazyPart):
    """An Arrow stream; a table can give its stream again."""

    stream: object = None
    replayable: bool = False

    def scan(self) -> pl.LazyFrame:
        try:
            return pl.scan_arrow_c_stream(self.stream)
        except Exception as error:  # noqa: BLE001 (a stranger's object raises what it likes)
            raise SourceError(
                f"{self.place} cannot be read as a table in Arrow: {first_line(error)}"
            ) from None

    def select(self, projection: Projection) -> Iterator[pl.DataFrame]:
        with polars_errors(self.place):
            frame = self.scan() if self.replayable else self.frame
            yield from stream(frame, projection.expressions)


# -- files -----------------------------------------------------------------------------------


def _list_source(sources: Sequence[object]) -> Source:
    if not sources:
        raise SourceError(f"the list of sources is empty: give {_KINDS_OF_SOURCE}")
    for item in sources:
        if not isinstance(item, (str, Path)):
            raise SourceError(
                f"a list of sources holds {_article(type(item).__name__)}: it must hold paths only"
            )
    return _path_source([str(item) for item in sources])


def _path_source(paths: Sequence[str]) -> Source:
    files: list[str] = []
    hive = False
    for given in paths:
        path = _local_path(given)
        _refuse_databases(path)
        found = [path] if "://" in path else _expand(path)
        hive |= any("=" in part for file in found for part in _below(file, path))
        files.extend(found)
    name = (
        _redact(paths[0]) if len(paths) == 1 else f"{_redact(paths[0])} and {len(paths) - 1} more"
    )
    kinds: dict[str, str] = {}
    for file in files:
        kinds.setdefault(_format(file), file)
    if len(kinds) > 1:
        shown = ", ".join(f"{kind} ({file})" for kind, file in kinds.items())
        raise SourceError(f"{name} mixes formats, {shown}: give files of one format")
    kind = next(iter(kinds))
    return Source(name, partial(_file_parts, kind, files, hive=hive), is_file=True)


def _twice(files: Sequence[str]) -> list[str]:
    """Say which files are given more than once: their rows count as often."""
    return [
        f"{_redact(file)} is given {count} times, and its rows count {count} times"
        for file, count in Counter(files).items()
        if count > 1
    ]


def _file_parts(kind: str, files: Sequence[str], roles: TableRoles, *, hive: bool) -> _Found:
    for file in files:
        if "://" not in file:
            _check_readable(file)
    if kind == "Parquet":
        found: _Found = _parquet_parts(files, roles, hive=hive), [], False
    elif kind == "Arrow":
        found = [_arrow_file_part(file) for file in files], [], False
    elif kind == "NDJSON":
        found = _ndjson_parts(files, roles)
    else:
        found = _csv_parts(files, roles)
    parts, notes, plain_integer_ids = found
    return parts, [*notes, *_twice(files)], plain_integer_ids


def _csv_parts(files: Sequence[str], roles: TableRoles) -> _Found:
    parts: list[Part] = []
    notes: list[str] = []
    for path in files:
        with polars_errors(path):
            file = CsvFile(path, roles)
            schema = file.scan().collect_schema()
        parts.append(CsvPart(_redact(path), schema, file.text_names, file=file))
        notes.append(file.note)
    return parts, notes, True


def _ndjson_parts(files: Sequence[str], roles: TableRoles) -> _Found:
    parts: list[Part] = []
    plain = True
    for path in files:
        with polars_errors(path):
            file = NdjsonFile(path, roles)
        parts.append(NdjsonPart(_redact(path), file.schema, file=file))
        plain &= file.plain_integer_ids
    return parts, [], plain


def _parquet_parts(files: Sequence[str], roles: TableRoles, *, hive: bool) -> list[Part]:
    """Scan neighbours with the same types in the needed columns together, as one part.

    Further columns, and columns in another order, make no difference.
    """
    schemas: list[tuple[str, pl.Schema]] = []
    for file in files:
        if "://" not in file:
            _check_parquet(file)
        with polars_errors(file):
            scan = pl.scan_parquet(file, hive_partitioning=hive, glob="://" in file)
            schemas.append((file, scan.collect_schema()))

    def needed_types(item: tuple[str, pl.Schema]) -> dict[str, pl.DataType]:
        schema = item[1]
        return {name: schema[name] for name in sorted(needed_columns(roles, schema.names()))}

    parts: list[Part] = []
    for types, group in groupby(schemas, key=needed_types):
        members = list(group)
        paths = [file for file, _ in members]
        one = len(paths) == 1
        frame = pl.scan_parquet(
            paths[0] if one else paths,
            schema=None if one or not types else types,
            extra_columns="ignore",
            hive_partitioning=hive,
            glob="://" in paths[0],
        )
        place = _redact(paths[0]) if one else f"{_redact(paths[0])} and {len(paths) - 1} more files"
        parts.append(LazyPart(place, members[0][1], frame=frame))
    return parts


def _arrow_file_part(path: str) -> Part:
    with polars_errors(path):
        if "://" not in path and not _starts_with(path, b"ARROW1"):
            # The stream form of Arrow has no index of its batches: Polars reads it as a whole.
            frame = pl.read_ipc_stream(path)
            return FramePart(path, frame.schema, frame=frame)
        lazy = pl.scan_ipc(path)
        return LazyPart(_redact(path), lazy.collect_schema(), frame=lazy)


# -- paths -----------------------------------------------------------------------------------


def _local_path(path: str) -> str:
    """Turn `~/…` and `file:///…` into plain paths."""
    if path.startswith("file://"):
        return unquote(urlsplit(path).path)
    return str(Path(path).expanduser()) if path.startswith("~") else path


def _refuse_databases(path: str) -> None:
    lowered = path.lower()
    if lowered.startswith(_DATABASES) or Path(lowered).suffix in _DATABASE_FILES:
        raise SourceError(
            f"{_redact(path)} is a database, which cannot be read yet: export the table to "
            "Parquet, or give a result with __arrow_c_stream__ (such as a DuckDB relation)"
        )


def _expand(path: str) -> list[str]:
    """List the files of a path: itself, those of a directory, or those that a glob matches."""
    found = Path(path)
    if found.is_dir():
        return _directory_files(found)
    if found.exists():
        return [path]
    if _GLOB.search(path):
        matches = glob.glob(path, recursive=True)  # noqa: PTH207 (Path takes no absolute pattern)
        files = sorted(file for file in matches if Path(file).is_file())
        if not files:
            raise SourceError(f"no file matches {path!r}: check the directory and the pattern")
        return files
    raise SourceError(f"there is no file {path!r}{_near_files(found)}")


def _directory_files(directory: Path) -> list[str]:
    files = [
        file
        for file in sorted(directory.rglob("*"))
        if file.is_file()
        and file.suffix.lower() in _FORMATS
        and not any(part.startswith((".", "_")) for part in file.relative_to(directory).parts)
    ]
    if not files:
        raise SourceError(f"the directory {str(directory)!r} holds no file of {_EXTENSIONS}")
    return [str(file) for file in files]


def _near_files(path: Path) -> str:
    directory = path.parent
    if not directory.is_dir():
        return f": there is no directory {str(directory)!r} either"
    try:
        names = [entry.name for entry in directory.iterdir()]
    except OSError:
        return ""
    near = difflib.get_close_matches(path.name, names, n=3, cutoff=0.6)
    return f" (did you mean {' or '.join(repr(name) for name in near)}?)" if near else ""


def _below(file: str, path: str) -> tuple[str, ...]:
    """Directories between a given directory and one of its files: Hive keys stand there."""
    if "://" in file or not Path(path).is_dir():
        return ()
    return Path(file).relative_to(path).parts[:-1]


def _format(path: str) -> str:
    suffix = Path(path.split("?", 1)[0] if "://" in path else path).suffix.lower()
    if suffix in _FORMATS:
        return _FORMATS[suffix]
    if "://" in path and not suffix:
        return "Parquet"  # a directory of an object store
    said = f"the extension {suffix!r}" if suffix else "no extension"
    raise SourceError(f"{_redact(path)} has {said}: a file must be {_EXTENSIONS}")


def _check_readable(path: str) -> None:
    try:
        with Path(path).open("rb") as file:
            first = file.read(1)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from None
    if not first:
        raise SourceError(f"{path} is empty (0 bytes)")


def _check_parquet(path: str) -> None:
    """Check the marks at both ends: a cut-off copy lacks the last."""
    if not _starts_with(path, b"PAR1", b"PARE"):
        raise SourceError(f"{path} is not a Parquet file, whatever its name says")
    with Path(path).open("rb") as file:
        file.seek(-4, 2)
        if file.read(4) not in (b"PAR1", b"PARE"):
            raise SourceError(f"{path} is truncated: the end of the Parquet file is missing")


def _starts_with(path: str, *marks: bytes) -> bool:
    with Path(path).open("rb") as file:
        return file.read(8).startswith(marks)


# -- rows ------------------------------------------------------------------------------------


def stream(frame: pl.LazyFrame, expressions: Sequence[pl.Expr]) -> Iterator[pl.DataFrame]:
    """Run a query and give expressions of it, batch by batch in the order of the rows.

    The query itself only selects columns by name: with any expression in it, Polars reads as far
    ahead as it can, and the memory of a run grows with the rows. This is the only use of an
    interface that is still unstable.
    """
    names = dict.fromkeys(name for part in expressions for name in part.meta.root_names())
    query = frame.select(*names)
    for batch in query.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True, lazy=True):
        yield batch.select(expressions)


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
    except pl.exceptions.InvalidOperationError as error:
        raise DataError(f"{_redact(place)}: {_redact(first_line(error))}") from None
    except pl.exceptions.PolarsError as error:
        if fault is not None:
            raise fault(error) from None
        raise SourceError(
            f"{_redact(place)} cannot be read: {_redact(first_line(error))}"
        ) from None
    except OSError as error:
        reason = error.strerror or first_line(error)
        raise SourceError(f"{_redact(place)} cannot be read: {_redact(reason)}") from None


def _check_same_kind(role: str, columns: Sequence[tuple[Part, str]]) -> None:
    """Check that an id is text in every file or a number in every file: `7` and `"7"` differ."""
    first, name = columns[0]
    for part, other in columns[1:]:
        here, there = part.schema[other], first.schema[name]
        if here.is_numeric() != there.is_numeric() and pl.Null not in (here, there):
            raise ColumnError(
                f"the {role} column {name!r} holds {describe(there)} in {first.place} and "
                f"{describe(here)} in {part.place}: make them the same type"
            )


def _without_null_types(
    pairs: list[tuple[Part, Projection]], name: str, alias: str
) -> list[tuple[Part, Projection]]:
    """Let ids that are all null in one file have the kind that they have elsewhere."""
    if not any(part.schema[name].is_numeric() for part, _ in pairs):
        return pairs
    return [
        (part, projection.cast(alias, pl.Int64()) if part.schema[name] == pl.Null else projection)
        for part, projection in pairs
    ]


def _redact(text: str) -> str:
    """Take credentials out of URLs."""
    return _CREDENTIALS.sub("", text)


def _article(name: str) -> str:
    return f"an {name}" if name[:1].lower() in "aeiou" else f"a {name}"
