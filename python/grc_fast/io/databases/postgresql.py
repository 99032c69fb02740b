"""PostgreSQL, through ADBC."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, Final

import polars as pl

from grc_fast._utils.extras import import_extra
from grc_fast._utils.messages import first_line
from grc_fast.errors import SourceError
from grc_fast.io.databases.adbc import AdbcConnection
from grc_fast.io.databases.address import Database
from grc_fast.io.databases.connection import Column, quoted, table_name, table_parts

# Types that ADBC hands over as what they are. The text of all others is read, so that a UUID or an
# amount in `money` is what the database shows.
_NATIVE: Final[Mapping[str, pl.DataType]] = {
    "boolean": pl.Boolean(),
    "smallint": pl.Int16(),
    "integer": pl.Int32(),
    "bigint": pl.Int64(),
    "real": pl.Float32(),
    "double precision": pl.Float64(),
    "bytea": pl.Binary(),
    "date": pl.Date(),
    "timestamp without time zone": pl.Datetime("us"),
    "timestamp with time zone": pl.Datetime("us", "UTC"),
}
_MOST_DIGITS: Final = 38
_READING: Final = "ISOLATION LEVEL REPEATABLE READ, READ ONLY"
# What the driver and libpq put before the words of the server, and after them.
_BEFORE: Final = re.compile(r"^.*(?:ERROR|FATAL|PANIC|failed): +", re.DOTALL)


class PostgreSQL(AdbcConnection):
    """A PostgreSQL database, in a transaction that only reads and sees one state of it."""

    takes_limits = True

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._idle: list[Any] = []
        # This connection keeps the state of the database that all others see, and holds no lock.
        try:
            with self.errors(), super()._ran(f"SET TRANSACTION {_READING}"):
                pass
            with self.errors(), super()._ran("SELECT pg_export_snapshot()") as cursor:
                [self._snapshot] = cursor.fetchone()
        except BaseException:
            self.close()
            raise

    def _connect(self) -> Any:
        return connect_postgresql(self.database)

    @contextmanager
    def _ran(self, query: str) -> Iterator[Any]:
        """Run a query on another connection: readings may overlap, and locks end with them."""
        connection = self._idle.pop() if self._idle else self._connect()
        try:
            with closing(connection.cursor()) as cursor:
                cursor.execute(f"SET TRANSACTION {_READING}")
                cursor.execute(f"SET TRANSACTION SNAPSHOT '{self._snapshot}'")
                cursor.execute(query)
                yield cursor
            connection.rollback()
        except BaseException:  # a reading that ends early among them
            connection.close()
            raise
        self._idle.append(connection)

    def tables(self) -> list[str]:
        """List the tables and views; those on the search path without their schema."""
        found = self._rows(
            "SELECT CASE WHEN pg_table_is_visible(c.oid) THEN '' ELSE n.nspname END, c.relname "
            "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') "
            "AND n.nspname NOT IN ('pg_catalog', 'information_schema') "
            "AND n.nspname NOT LIKE 'pg\\_toast%' ORDER BY 1, 2"
        )
        return [table_name(schema, name) for schema, name in found]

    def has_table(self, table: str, there: Iterable[str]) -> bool:
        """Tell whether there is such a table, with its schema or on the search path."""
        parts, known = table_parts(table), [table_parts(name) for name in there]
        # A table on the search path is listed without its schema.
        return parts in known or parts[1:] in known

    def columns(
        self, relation: str, needed: Callable[[list[str]], frozenset[str]]
    ) -> Mapping[str, Column]:
        """Find the columns of a relation, and the decimals of those that are needed."""
        with self._ran(f"SELECT * FROM {relation} LIMIT 0") as cursor:
            names = [name for name, *_ in cursor.description]
        # One row, whether the relation has any: it is of types, not of values.
        asked = ", ".join(
            "(SELECT CASE WHEN typbasetype = 0 THEN oid ELSE typbasetype END::regtype::text "
            f"FROM pg_type WHERE oid = pg_typeof(rows.{quoted(name)}))"
            for name in names
        )
        [types] = self._rows(
            f"SELECT {asked} FROM (SELECT 1) AS one "
            f"LEFT JOIN LATERAL (SELECT * FROM {relation} LIMIT 0) AS rows ON true"
        )
        declared, wanted = dict(zip(names, types, strict=True)), needed(names)
        numeric = [name for name in names if declared[name] == "numeric" and name in wanted]
        decimals = self._decimals(relation, numeric)
        return {name: _column(name, declared[name], decimals.get(name)) for name in names}

    def _decimals(self, relation: str, names: list[str]) -> dict[str, int]:
        """Find how many decimals numbers have: each may have its own."""
        if not names:
            return {}
        counted = ", ".join(
            f"coalesce(max(scale({column})), 0), "
            f"coalesce(max(length(trunc(abs({column}))::text)), 0)"
            for column in map(quoted, names)
        )
        [found] = self._rows(f"SELECT {counted} FROM {relation}")
        decimals = dict(zip(names, found[::2], strict=True))
        for name, whole in zip(names, found[1::2], strict=True):
            if whole + decimals[name] > _MOST_DIGITS:
                raise SourceError(
                    f"{self.place}: {name!r} has {whole} digits before the point and "
                    f"{decimals[name]} behind it, more than {_MOST_DIGITS} in all: round it in a "
                    "query"
                )
        return decimals

    def reason(self, error: Exception) -> str:
        """Say why, in the words of the server."""
        return reason_of(error, self.database)

    def close(self) -> None:
        """Close every connection."""
        for connection in self._idle:
            connection.close()
        super().close()


def connect_postgresql(database: Database) -> Any:
    """Connect to a PostgreSQL database.

    Raises
    ------
    SourceError
        If the driver is not installed, or the server cannot be reached or refuses.
    """
    dbapi: Any = import_extra("adbc_driver_postgresql.dbapi", "postgresql", "a PostgreSQL database")
    try:
        return dbapi.connect(database.encoded)
    except dbapi.Error as error:
        reason = reason_of(error, database)
        raise SourceError(f"{database.shown} cannot be reached: {reason}") from None


def reason_of(error: Exception, database: Database) -> str:
    """Say what the server, or its library, has to say."""
    message = _BEFORE.sub("", str(error)).strip().partition("\n")[0].rstrip(".")
    return database.without_secrets(message or first_line(error))


def _column(name: str, declared: str, decimals: int | None) -> Column:
    if declared in _NATIVE:
        return Column(_NATIVE[declared])
    text = f"{quoted(name)}::text"
    if decimals is None:
        return Column(pl.String(), text)
    for none in ("NaN", "Infinity", "-Infinity"):
        text = f"nullif({text}, '{none}')"
    return Column(pl.Decimal(_MOST_DIGITS, decimals), text)
