"""Files as parts of a source: Parquet, CSV, NDJSON, Arrow."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl

from grc_fast.errors import SourceError
from grc_fast.io.csv_file import CsvFile
from grc_fast.io.databases.address import is_database
from grc_fast.io.file_listing import Listing
from grc_fast.io.hive_keys import HiveKeys
from grc_fast.io.json_array import is_json_array, json_array_part
from grc_fast.io.lakes.kind import note_of_file, refuse_files_of_tables, table_of
from grc_fast.io.ndjson_file import NdjsonFile
from grc_fast.io.object_store import has_glob
from grc_fast.io.paths import (
    below,
    check_parquet,
    check_readable,
    expand,
    format_of,
    is_packed,
    local_path,
    read_address,
    refuse_other_databases,
    starts_with,
)
from grc_fast.io.pyarrow_file import pyarrow_part
from grc_fast.io.roles import Projection, TableRoles, is_wide_decimal
from grc_fast.io.source import (
    KINDS_OF_SOURCE,
    Found,
    FramePart,
    LazyPart,
    Part,
    Source,
    as_many_as_promised,
    gathered,
    needed_columns,
    polars_errors,
    redact,
    stream,
)
from grc_fast.io.store_faults import is_in_object_store
from grc_fast.io.tables import article
from grc_fast.io.text_options import TextOptions
from grc_fast.io.unpacked_copies import (
    STANDARD_INPUT,
    copy_of_stored,
    is_pipe,
    pipe_copy,
    standard_input_copy,
    unpacked_copy,
)
from grc_fast.io.workbook import sheet_part
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase

_ASKED_AT_ONCE = 16
_GIVE = f"give {KINDS_OF_SOURCE}"
# A file, its columns, and whether the names of its folders are among them.
_Parquet = tuple[str, pl.Schema, bool]


@dataclass
class CsvPart(Part):
    """A CSV file."""

    file: CsvFile | None = None

    dates_are_written = True

    def select(self, projection: Projection) -> Iterator[pl.DataFrame]:
        """Give the projection's columns, batch by batch."""
        assert self.file is not None
        with polars_errors(self.place):
            tables = self.file.tables(projection)
            yield from gathered(table.select(projection.expressions) for table in tables)

    def first_rows(self, count: int) -> pl.DataFrame:
        """Give the first rows with every column, without a large batch."""
        assert self.file is not None
        with polars_errors(self.place):
            tables = self.file.tables(self.every_column)
            first = next(gathered(tables, count), pl.DataFrame(schema=self.schema))
            return first.head(count)

    @property
    def notes(self) -> Sequence[Wording]:
        """How the file is written."""
        assert self.file is not None
        return self.file.notes

    def line_of_row(self, row: int) -> int | None:
        """Find the line that holds a row."""
        assert self.file is not None
        return self.file.line_of_row(row)


@dataclass
class ScanPart(LazyPart):
    """Files with the same types in the columns that are needed, scanned together."""

    first_file: pl.LazyFrame = field(default_factory=pl.LazyFrame)

    def select(self, projection: Projection) -> Iterator[pl.DataFrame]:
        """Give the projection's columns, batch by batch: as many rows as the files announce."""
        with polars_errors(self.place):
            batches = super().select(projection)
            yield from as_many_as_promised(batches, self._announced, self.place)

    def _announced(self) -> int:
        """Count the rows that footers, or the heads of batches, announce."""
        return int(self.frame.select(pl.len()).collect().item())

    def first_rows(self, count: int) -> pl.DataFrame:
        """Give the first rows with every column of the first file."""
        with polars_errors(self.place):
            return self.first_file.head(count).collect()


@dataclass
class NdjsonPart(Part):
    """An NDJSON file."""

    file: NdjsonFile | None = None

    dates_are_written = True

    def select(self, projection: Projection) -> Iterator[pl.DataFrame]:
        """Give the projection's columns, batch by batch."""
        assert self.file is not None
        with polars_errors(self.place, self.file.fault):
            yield from stream(self.file.scan(), projection.expressions)

    def first_rows(self, count: int) -> pl.DataFrame:
        """Give the first rows with every key."""
        assert self.file is not None
        with polars_errors(self.place, self.file.fault):
            return self.file.first_rows(count)

    def line_of_row(self, row: int) -> int | None:
        """Find the line that holds a row."""
        assert self.file is not None
        return self.file.line_of_row(row)


def list_source(sources: Sequence[object], text: TextOptions) -> Source:
    """Open several sources as one."""
    if not sources:
        raise SourceError(f"the list of sources is empty: {_GIVE}")
    for item in sources:
        if not isinstance(item, (str, Path)):
            raise SourceError(
                f"a list of sources holds {article(type(item).__name__)}: it must hold paths only"
            )
    return path_source([str(item) for item in sources], text)


def path_source(paths: Sequence[str], text: TextOptions) -> Source:
    """Open paths, globs and directories as one source."""
    read: dict[str, str] = {}
    given_twice: list[Wording] = []
    skipped: list[str] = []
    hive = False
    for given in paths:
        if not given:
            raise SourceError(f"a source is empty text, as of a variable not set: {_GIVE}")
        path = standard_input_copy() if given == STANDARD_INPUT else local_path(given)
        path = pipe_copy(path) if is_pipe(path) else path
        if is_database(path):
            raise SourceError(
                f"{redact(path)} is a database, and other sources are given beside it: give it "
                "alone"
            )
        refuse_other_databases(path)
        found = _files_of(path, alone=len(paths) == 1)
        hive |= any("=" in part for file in found.read for part in below(file, path))
        skipped.extend(found.skipped)
        for file in found.read:
            # One file counts once, by whatever name it is given.
            place = file if "://" in file else os.path.realpath(file)
            if place in read:
                given_twice.append(_once(read[place], file))
            else:
                read[place] = file
    files = list(read.values())
    for file in files:
        if not _is_utf8(file):
            raise SourceError(f"the name of the file {file!r} is not UTF-8: rename it")
    name = redact(paths[0]) if len(paths) == 1 else f"{redact(paths[0])} and {len(paths) - 1} more"
    kinds: dict[str, str] = {}
    for file in files:
        kinds.setdefault(format_of(file), file)
    if len(kinds) > 1:
        shown = ", ".join(f"{kind} ({file})" for kind, file in kinds.items())
        raise SourceError(f"{name} mixes formats, {shown}: give files of one format")
    kind = next(iter(kinds))
    return Source(
        name,
        partial(_file_parts, kind, files, hive=hive, text=text, notes=given_twice),
        is_file=True,
        files=Listing(tuple(map(redact, files)), tuple(map(redact, skipped))),
    )


def _files_of(path: str, *, alone: bool) -> Listing:
    """List the files of one of the given paths, none of which may be part of a table of a lake."""
    if "://" in path:
        return expand(path) if is_in_object_store(path) else Listing((path,))
    table = table_of(path)
    if table is not None:
        raise SourceError(
            f"{path} is {table}, and other sources are given beside it: give it alone"
        )
    found = expand(path)
    # Who names one file means it; many names may be what a shell made of a pattern.
    if not (alone and found.read == (path,)):
        refuse_files_of_tables(path, found.read)
    return found


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _once(first: str, again: str) -> Wording:
    """Say that a file is given twice."""
    key = "note.given_twice" if first == again else "note.same_file"
    return Phrase(key, first=redact(first), again=redact(again))


def _file_parts(
    kind: str,
    files: Sequence[str],
    roles: TableRoles,
    *,
    hive: bool,
    text: TextOptions,
    notes: Sequence[Wording],
) -> Found:
    for file in files:
        if "://" not in file:
            check_readable(file)
    plain_integer_ids = kind in ("CSV", "workbook")
    parts: Sequence[Part]
    if kind == "Parquet":
        parts, of_keys = _parquet_parts(files, roles, hive=hive)
        notes = [*notes, *of_keys]
    elif kind == "Arrow":
        parts = [_arrow_file_part(file, roles) for file in files]
    elif kind == "CSV":
        parts = _csv_parts(files, roles, text)
    elif kind == "workbook":
        parts = [sheet_part(_on_this_machine(f), redact(f), roles, text) for f in files]
    else:
        parts, plain_integer_ids = _json_parts(files, roles)
    of_table = note_of_file(files[0]) if len(files) == 1 else []
    return parts, [*notes, *of_table], plain_integer_ids


def _csv_parts(files: Sequence[str], roles: TableRoles, text: TextOptions) -> list[Part]:
    parts: list[Part] = []
    for path in files:
        with polars_errors(path):
            file = CsvFile(path, roles, text)
        parts.append(CsvPart(redact(path), file.schema, file.text_names, file=file))
    return parts


def _on_this_machine(path: str) -> str:
    return copy_of_stored(path) if is_in_object_store(path) else path


def _json_parts(files: Sequence[str], roles: TableRoles) -> tuple[list[Part], bool]:
    """Open NDJSON files and JSON arrays, and tell whether text ids may be integers."""
    parts: list[Part] = []
    plain = True
    for path in files:
        held = unpacked_copy(path) if is_packed(path) else path
        if held == path and is_in_object_store(path) and has_glob(path):
            held = copy_of_stored(path)  # to Polars the name is a pattern in any case
        with polars_errors(path):
            if is_json_array(held):
                parts.append(json_array_part(_on_this_machine(held), redact(path)))
                plain = False
                continue
            file = NdjsonFile(held, roles)
        parts.append(NdjsonPart(redact(path), file.schema, file=file))
        plain &= file.plain_integer_ids
    return parts, plain


def _parquet_parts(
    files: Sequence[str], roles: TableRoles, *, hive: bool
) -> tuple[list[Part], list[Wording]]:
    """Scan neighbours with the same types in the needed columns together, as one part.

    Further columns, and columns in another order, make no difference. What is worth saying of the
    names of folders comes second.
    """
    keys = HiveKeys.of(files, roles) if hive else None

    def found_in(file: str) -> _Parquet | Part:
        if "://" not in file:
            check_parquet(file)
        try:
            with polars_errors(file):
                schema, from_folders = _parquet_schema(file, keys)
                return file, _in_microseconds(schema, roles), from_folders
        except SourceError:
            is_remote = keys is not None or "://" in file
            other = None if is_remote else pyarrow_part(file, "Parquet", roles)
            if other is None:
                raise
            return other

    # An object store takes long to answer, but answers many at once.
    with ThreadPoolExecutor(_ASKED_AT_ONCE if is_in_object_store(files[0]) else 1) as pool:
        found = list(pool.map(found_in, files))
    schemas = [item for item in found if not isinstance(item, Part)]

    def kind_of(item: _Parquet | Part) -> tuple[object, ...]:
        if isinstance(item, Part):
            return (id(item),)
        _, schema, from_folders = item
        names = sorted(needed_columns(roles, schema.names()))
        return {name: schema[name] for name in names}, from_folders

    parts: list[Part] = []
    for _, group in groupby(found, key=kind_of):
        first, *more = group
        if isinstance(first, Part):
            parts.append(first)
        else:
            others = (item for item in more if not isinstance(item, Part))
            parts.append(_scan_part([first, *others], roles))
    has_both = hive and not all(from_folders for _, _, from_folders in schemas)
    return parts, [Phrase("note.columns_of_folders")] if has_both else []


def _scan_part(members: Sequence[_Parquet], roles: TableRoles) -> ScanPart:
    """Scan files with the same types in the needed columns together."""
    paths = [file for file, _, _ in members]
    _, schema, from_folders = members[0]
    one = len(paths) == 1
    types = {name: schema[name] for name in sorted(needed_columns(roles, schema.names()))}
    # A decimal of 256 bits can be in a file, but not in a schema that is given.
    told = {name: dtype for name, dtype in schema.items() if not is_wide_decimal(dtype)}
    reading: dict[str, Any] = {
        "extra_columns": "ignore",
        "cast_options": pl.ScanCastOptions(datetime_cast="nanosecond-downcast"),
        "hive": from_folders,
    }
    frame = _scan_parquet(
        paths[0] if one else paths, schema=told if one or not types else types, **reading
    )
    place = redact(paths[0]) if one else f"{redact(paths[0])} and {len(paths) - 1} more files"
    first = _scan_parquet(paths[0], schema=told, **reading)
    return ScanPart(place, schema, frame=frame, first_file=first)


def _parquet_schema(file: str, keys: HiveKeys | None) -> tuple[pl.Schema, bool]:
    """Find the columns of a file, and whether the names of its folders are among them."""
    # Once its columns are known, a file is mapped no more.
    own = _scan_parquet(read_address(file), hive=False).collect_schema()
    if keys is None or keys.stand_in(file, own):
        return own, False
    return keys.types(_scan_parquet(file, hive=True, schema=own).collect_schema()), True


def _scan_parquet(source: str | list[str], *, hive: bool, **reading: Any) -> pl.LazyFrame:
    first = source if isinstance(source, str) else source[0]
    return pl.scan_parquet(
        source,
        hive_partitioning=hive,
        glob="://" in first and not is_in_object_store(first),
        **reading,
    )


def _in_microseconds(schema: pl.Schema, roles: TableRoles) -> pl.Schema:
    """Read dates in microseconds: times in 96 bits reach beyond what nanoseconds hold."""
    return pl.Schema(
        {
            name: pl.Datetime("us", dtype.time_zone)
            if isinstance(dtype, pl.Datetime)
            and dtype.time_unit == "ns"
            and name in roles.date_columns()
            else dtype
            for name, dtype in schema.items()
        }
    )


def _arrow_file_part(path: str, roles: TableRoles) -> Part:
    is_known = "://" not in path or is_in_object_store(path)
    is_stream = is_known and not starts_with(path, b"ARROW1")

    def other() -> Part | None:
        kind = "Arrow stream" if is_stream else "Arrow"
        return None if "://" in path else pyarrow_part(path, kind, roles)

    try:
        with polars_errors(path):
            part = _arrow_stream_part(path) if is_stream else _arrow_scan_part(path, is_known)
    except SourceError:
        if (found := other()) is None:
            raise
        return found
    return (other() if any(map(is_wide_decimal, part.schema.values())) else None) or part


def _arrow_stream_part(path: str) -> Part:
    # The stream form of Arrow has no index of its batches: Polars reads it as a whole.
    frame = pl.read_ipc_stream(_on_this_machine(path))
    return FramePart(redact(path), frame.schema, frame=frame)


def _arrow_scan_part(path: str, is_known: bool) -> Part:  # noqa: FBT001
    lazy = pl.scan_ipc(read_address(path), glob=not is_known)
    return ScanPart(redact(path), lazy.collect_schema(), frame=lazy, first_file=lazy)
