"""A table of a lake as a source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import polars as pl

from grc_fast.errors import SourceError
from grc_fast.io.lakes.delta import scan_delta
from grc_fast.io.lakes.iceberg import scan_iceberg
from grc_fast.io.lakes.kind import DELTA, ICEBERG, LakeTable
from grc_fast.io.roles import TableRoles
from grc_fast.io.source import Found, LazyPart, Source, polars_errors, redact

_SCANS: Mapping[str, Callable[[LakeTable, str], pl.LazyFrame]] = {
    DELTA: scan_delta,
    ICEBERG: scan_iceberg,
}


@dataclass
class LakePart(LazyPart):
    """A table of a lake in one of its versions, streamed."""

    def first_rows(self, count: int) -> pl.DataFrame:
        """Give the first rows with every column."""
        with polars_errors(self.place):
            return self.frame.head(count).collect()


def lake_source(table: LakeTable) -> Source:
    """Open a table of a lake.

    Raises
    ------
    SourceError
        If it is of a kind that cannot be read; when its parts are asked for, if this one cannot.
    """
    place = redact(table.metadata or table.root)
    scan = _SCANS.get(table.kind)
    if scan is None:
        raise SourceError(f"{place} is {table}, which cannot be read: export its rows to Parquet")
    return Source(place, partial(_parts, table, place, scan))


def _parts(
    table: LakeTable,
    place: str,
    scan: Callable[[LakeTable, str], pl.LazyFrame],
    _roles: TableRoles,
) -> Found:
    # Whatever happens to the table meanwhile, all passes of a run read this version.
    frame = scan(table, place)
    with polars_errors(place):
        schema = frame.collect_schema()
    return [LakePart(place, schema, frame=frame)], [], False
