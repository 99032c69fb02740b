"""Files as parts of a source: Parquet, CSV, NDJSON, Arrow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path

import polars as pl

from grc_fast.errors import SourceError
from grc_fast.io.csv_file import CsvFile
from grc_fast.io.databases.address import is_database
from grc_fast.io.json_array import is_json_array, json_array_part
from grc_fast.io.ndjson_file import NdjsonFile
from grc_fast.io.paths import (
    below,
    check_parquet,
    check_readable,
    expand,
    format_of,
    is_packed,
    local_path,
    refuse_other_databases,
    starts_with,
)
from grc_fast.io.read_ahead import read_ahead
from grc_fast.io.roles import Projection, TableRoles
from grc_fast.io.source import (
    KINDS_OF_SOURCE,
    Found,
    FramePart,
    LazyPart,
    Part,
    Source,
    gathered,
    needed_columns,
    polars_errors,
    redact,
    stream,
)
from grc_fast.io.tables import article
from grc_fast.io.text_options import TextOptions
from grc_fast.io.unpacked_copies import STANDARD_INPUT, standard_input_copy, unpacked_copy
from grc_fast.io.workbook import sheet_part

_WIDEST_DECIMAL = 38


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
            yield from read_ahead(
                gathered(table.select(projection.expressions) for table in tables)
            )

    def first_rows(self, count: int) -> pl.DataFrame:
        """Give the first rows with every column, without a large batch."""
        assert self.file is not None
        with polars_errors(self.place):
            tables = self.file.tables(self.every_column)
            first = next(gathered(tables, count), pl.DataFrame(schema=self.schema))
            return first.head(count)

    @property
    def notes(self) -> Sequence[str]:
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
        raise SourceError(f"the list of sources is empty: give {KINDS_OF_SOURCE}")
    for item in sources:
        if not isinstance(item, (str, Path)):
            raise SourceError(
                f"a list of sources holds {article(type(item).__name__)}: it must hold paths only"
            )
    return path_source([str(item) for item in sources], text)


def path_source(paths: Sequence[str], text: TextOptions) -> Source:
    """Open paths, globs and directories as one source."""
    files: list[str] = []
    hive = False
    for given in paths:
        path = standard_input_copy() if given == STANDARD_INPUT else local_path(given)
        if is_database(path):
            raise SourceError(
                f"{redact(path)} is a database, and other sources are given beside it: give it "
                "alone"
            )
        refuse_other_databases(path)
        found = [path] if "://" in path else expand(path)
        hive |= any("=" in part for file in found for part in below(file, path))
        files.extend(found)
    name = redact(paths[0]) if len(paths) == 1 else f"{redact(paths[0])} and {len(paths) - 1} more"
    kinds: dict[str, str] = {}
    for file in files:
        kinds.setdefault(format_of(file), file)
    if len(kinds) > 1:
        shown = ", ".join(f"{kind} ({file})" for kind, file in kinds.items())
        raise SourceError(f"{name} mixes formats, {shown}: give files of one format")
    kind = next(iter(kinds))
    return Source(name, partial(_file_parts, kind, files, hive=hive, text=text), is_file=True)


def check_not_twice(files: Sequence[str]) -> list[str]:
    """Say which files are given more than once: their rows count as often."""
    return [
        f"{redact(file)} is given {count} times, and its rows count {count} times"
        for file, count in Counter(files).items()
        if count > 1
    ]


def _file_parts(
    kind: str, files: Sequence[str], roles: TableRoles, *, hive: bool, text: TextOptions
) -> Found:
    for file in files:
        if "://" not in file:
            check_readable(file)
    plain_integer_ids = kind in ("CSV", "workbook")
    parts: Sequence[Part]
    if kind == "Parquet":
        parts = _parquet_parts(files, roles, hive=hive)
    elif kind == "Arrow":
        parts = [_arrow_file_part(file) for file in files]
    elif kind == "CSV":
        parts = _csv_parts(files, roles, text)
    elif kind == "workbook":
        parts = [sheet_part(file, redact(file), roles, text) for file in files]
    else:
        parts, plain_integer_ids = _json_parts(files, roles)
    return parts, check_not_twice(files), plain_integer_ids


def _csv_parts(files: Sequence[str], roles: TableRoles, text: TextOptions) -> list[Part]:
    parts: list[Part] = []
    for path in files:
        with polars_errors(path):
            file = CsvFile(path, roles, text)
        parts.append(CsvPart(redact(path), file.schema, file.text_names, file=file))
    return parts


def _json_parts(files: Sequence[str], roles: TableRoles) -> tuple[list[Part], bool]:
    """Open NDJSON files and JSON arrays, and tell whether text ids may be integers."""
    parts: list[Part] = []
    plain = True
    for path in files:
        held = unpacked_copy(path) if is_packed(path) else path
        with polars_errors(path):
            if is_json_array(held):
                parts.append(json_array_part(held, redact(path)))
                plain = False
                continue
            file = NdjsonFile(held, roles)
        parts.append(NdjsonPart(redact(path), file.schema, file=file))
        plain &= file.plain_integer_ids
    return parts, plain


def _parquet_parts(files: Sequence[str], roles: TableRoles, *, hive: bool) -> list[Part]:
    """Scan neighbours with the same types in the needed columns together, as one part.

    Further columns, and columns in another order, make no difference.
    """
    schemas: list[tuple[str, pl.Schema]] = []
    for file in files:
        if "://" not in file:
            check_parquet(file)
        with polars_errors(file):
            scan = pl.scan_parquet(file, hive_partitioning=hive, glob="://" in file)
            schemas.append((file, _in_microseconds(scan.collect_schema(), roles)))

    def needed_types(item: tuple[str, pl.Schema]) -> dict[str, pl.DataType]:
        schema = item[1]
        return {name: schema[name] for name in sorted(needed_columns(roles, schema.names()))}

    def told(schema: pl.Schema) -> dict[str, pl.DataType]:
        # A decimal of 256 bits can be in a file, but not in a schema that is given.
        return {name: dtype for name, dtype in schema.items() if not _is_wide_decimal(dtype)}

    parts: list[Part] = []
    for types, group in groupby(schemas, key=needed_types):
        members = list(group)
        paths = [file for file, _ in members]
        one = len(paths) == 1
        frame = pl.scan_parquet(
            paths[0] if one else paths,
            schema=told(members[0][1]) if one or not types else types,
            extra_columns="ignore",
            cast_options=pl.ScanCastOptions(datetime_cast="nanosecond-downcast"),
            hive_partitioning=hive,
            glob="://" in paths[0],
        )
        place = redact(paths[0]) if one else f"{redact(paths[0])} and {len(paths) - 1} more files"
        first = pl.scan_parquet(paths[0], hive_partitioning=hive, glob="://" in paths[0]).select(
            *told(members[0][1])
        )
        parts.append(ScanPart(place, members[0][1], frame=frame, first_file=first))
    return parts


def _is_wide_decimal(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.Decimal) and dtype.precision > _WIDEST_DECIMAL


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


def _arrow_file_part(path: str) -> Part:
    with polars_errors(path):
        if "://" not in path and not starts_with(path, b"ARROW1"):
            # The stream form of Arrow has no index of its batches: Polars reads it as a whole.
            frame = pl.read_ipc_stream(path)
            return FramePart(path, frame.schema, frame=frame)
        lazy = pl.scan_ipc(path)
        return ScanPart(redact(path), lazy.collect_schema(), frame=lazy, first_file=lazy)
