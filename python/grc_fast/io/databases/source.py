"""A table or query of a database as a source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from weakref import finalize

import polars as pl

from grc_fast.io.databases.adbc import AdbcConnection
from grc_fast.io.databases.address import ADBC, DUCKDB, POSTGRESQL, SQLITE, Database
from grc_fast.io.databases.connection import Column, Connection, place_of
from grc_fast.io.databases.duckdb_file import DuckDBFile
from grc_fast.io.databases.postgresql import PostgreSQL
from grc_fast.io.databases.sqlite_file import SQLiteFile
from grc_fast.io.roles import Projection, TableRoles
from grc_fast.io.source import Found, Part, Source, gathered, needed_columns, polars_errors

_KINDS: Mapping[str, type[Connection]] = {
    ADBC: AdbcConnection,
    DUCKDB: DuckDBFile,
    POSTGRESQL: PostgreSQL,
    SQLITE: SQLiteFile,
}


@dataclass
class DatabasePart(Part):
    """A table or query of a database, read through one connection for as long as the part lives."""

    connection: Connection = field(kw_only=True)
    relation: str = field(kw_only=True)
    columns: Mapping[str, Column] = field(kw_only=True)

    dates_are_written = True

    def select(self, projection: Projection) -> Iterator[pl.DataFrame]:
        """Give the projection's columns, batch by batch."""
        with polars_errors(self.place):
            rows = self._rows(projection.columns)
            yield from gathered(batch.select(projection.expressions) for batch in rows)

    def first_rows(self, count: int) -> pl.DataFrame:
        """Give the first rows with the columns that can be read."""
        with polars_errors(self.place):
            for batch in gathered(self._rows(self.schema, limit=count), count):
                return batch.head(count)
        return pl.DataFrame(schema=self.schema)

    def _rows(self, names: Iterable[str], limit: int | None = None) -> Iterator[pl.DataFrame]:
        columns = {name: self.columns[name] for name in names}
        with self.connection.errors():
            yield from self.connection.read(self.relation, columns, limit)


def database_source(database: Database) -> Source:
    """Open a table or query of a database.

    Raises
    ------
    SourceError
        When its parts are asked for: if it cannot be reached, or has no such table.
    """
    return Source(place_of(database), partial(_parts, database), is_file=False)


def connect(database: Database) -> Connection:
    """Open a database for reading.

    Raises
    ------
    SourceError
        If it cannot be reached, or its driver is not installed.
    """
    return _KINDS[database.kind](database)


def _parts(database: Database, roles: TableRoles) -> Found:
    connection = connect(database)
    try:
        with connection.errors():
            relation = connection.relation()
            columns = connection.columns(relation, partial(needed_columns, roles))
            schema = pl.Schema({name: column.dtype for name, column in columns.items()})
    except BaseException:
        connection.close()
        raise
    part = DatabasePart(
        place_of(database), schema, connection=connection, relation=relation, columns=columns
    )
    finalize(part, connection.close)
    return [part], [], False
