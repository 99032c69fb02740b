"""Files as parts of a source: Parquet, CSV, NDJSON, Arrow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

import polars as pl

from grc_fast.errors import SourceError
from grc_fast.io.csv_file import CsvFile
from grc_fast.io.ndjson_file import NdjsonFile
from grc_fast.io.paths import (
    below,
    check_parquet,
    check_readable,
    expand,
    format_of,
    local_path,
    refuse_databases,
    starts_with,
)
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
    redact,
    stream,
)
from grc_fast.io.tables import article


@dataclass
class CsvPart(Part):
    """A CSV file: broken lines are found, blank ones are no rows."""

    file: CsvFile | None = None

    def select(self, projection: Projection) -> Iterator[pl.DataFrame]:
        """Give the projection's columns, batch by batch."""
        assert self.file is not None
        file = self.file.reopened()
        expressions = [*projection.expressions, *file.markers(projection.columns)]
        with polars_errors(self.place, file.fault):
            for batch in stream(file.scan(), expressions):
                yield file.mend(batch)

    def line_of_row(self, row: int) -> int | None:
        """Find the line that holds a row."""
        assert self.file is not None
        return self.file.line_of_row(row)


@dataclass
class NdjsonPart(Part):
    """An NDJSON file."""

    file: NdjsonFile | None = None

    def select(self, projection: Projection) -> Iterator[pl.DataFrame]:
        """Give the projection's columns, batch by batch."""
        assert self.file is not None
        with polars_errors(self.place, self.file.fault):
            yield from stream(self.file.scan(), projection.expressions)

    def line_of_row(self, row: int) -> int | None:
        """Find the line that holds a row."""
        assert self.file is not None
        return self.file.line_of_row(row)


def list_source(sources: Sequence[object]) -> Source:
    """Open several sources as one."""
    if not sources:
        raise SourceError(f"the list of sources is empty: give {KINDS_OF_SOURCE}")
    for item in sources:
        if not isinstance(item, (str, Path)):
            raise SourceError(
                f"a list of sources holds {article(type(item).__name__)}: it must hold paths only"
            )
    return path_source([str(item) for item in sources])


def path_source(paths: Sequence[str]) -> Source:
    """Open paths, globs and directories as one source."""
    files: list[str] = []
    hive = False
    for given in paths:
        path = local_path(given)
        refuse_databases(path)
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
    return Source(name, partial(_file_parts, kind, files, hive=hive), is_file=True)


def check_not_twice(files: Sequence[str]) -> list[str]:
    """Say which files are given more than once: their rows count as often."""
    return [
        f"{redact(file)} is given {count} times, and its rows count {count} times"
        for file, count in Counter(files).items()
        if count > 1
    ]


def _file_parts(kind: str, files: Sequence[str], roles: TableRoles, *, hive: bool) -> Found:
    for file in files:
        if "://" not in file:
            check_readable(file)
    if kind == "Parquet":
        found: Found = _parquet_parts(files, roles, hive=hive), [], False
    elif kind == "Arrow":
        found = [_arrow_file_part(file) for file in files], [], False
    elif kind == "NDJSON":
        found = _ndjson_parts(files, roles)
    else:
        found = _csv_parts(files, roles)
    parts, notes, plain_integer_ids = found
    return parts, [*notes, *check_not_twice(files)], plain_integer_ids


def _csv_parts(files: Sequence[str], roles: TableRoles) -> Found:
    parts: list[Part] = []
    notes: list[str] = []
    for path in files:
        with polars_errors(path):
            file = CsvFile(path, roles)
            schema = file.scan().collect_schema()
        parts.append(CsvPart(redact(path), schema, file.text_names, file=file))
        notes.append(file.note)
    return parts, notes, True


def _ndjson_parts(files: Sequence[str], roles: TableRoles) -> Found:
    parts: list[Part] = []
    plain = True
    for path in files:
        with polars_errors(path):
            file = NdjsonFile(path, roles)
        parts.append(NdjsonPart(redact(path), file.schema, file=file))
        plain &= file.plain_integer_ids
    return parts, [], plain


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
        place = redact(paths[0]) if one else f"{redact(paths[0])} and {len(paths) - 1} more files"
        parts.append(LazyPart(place, members[0][1], frame=frame))
    return parts


def _arrow_file_part(path: str) -> Part:
    with polars_errors(path):
        if "://" not in path and not starts_with(path, b"ARROW1"):
            # The stream form of Arrow has no index of its batches: Polars reads it as a whole.
            frame = pl.read_ipc_stream(path)
            return FramePart(path, frame.schema, frame=frame)
        lazy = pl.scan_ipc(path)
        return LazyPart(redact(path), lazy.collect_schema(), frame=lazy)
