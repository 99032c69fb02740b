"""PostgreSQL, through ADBC."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

import polars as pl

from grc_fast._utils.extras import import_extra
from grc_fast._utils.messages import first_line
from grc_fast.errors import SourceError
from grc_fast.io.databases.adbc import AdbcConnection
from grc_fast.io.databases.address import Database
from grc_fast.io.databases.connection import Column, quoted
from grc_fast.io.source import redact

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
# `user:password@` of an address. A password may hold any letter, "@" and "/" among them.
_USER_INFO: Final = re.compile(r"^(?P<scheme>\w+://)(?:(?P<user>[^:@/]*)(?::(?P<password>.*))?@)?")
# What the driver and libpq put before the words of the server, and after them.
_BEFORE: Final = re.compile(r"^.*(?:ERROR|FATAL|PANIC|failed): +", re.DOTALL)


class PostgreSQL(AdbcConnection):
    """A PostgreSQL database, in a transaction that only reads and sees one state of it."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        start = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
        with self.errors(), self._ran(start):
            pass

    takes_limits = True

    def _connect(self) -> Any:
        return connect_postgresql(self.database)

    def tables(self) -> list[str]:
        """List the tables and views; those on the search path without their schema."""
        found = self._rows(
            "SELECT CASE WHEN pg_table_is_visible(c.oid) THEN '' ELSE n.nspname || '.' END "
            "|| c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') "
            "AND n.nspname NOT IN ('pg_catalog', 'information_schema') "
            "AND n.nspname NOT LIKE 'pg\\_toast%' ORDER BY 1"
        )
        return [name for (name,) in found]

    def has_table(self, table: str, there: Iterable[str]) -> bool:
        """Tell whether there is such a table, with its schema or on the search path."""
        if table in there:
            return True
        schema, _, name = table.rpartition(".")
        # A table on the search path is listed without its schema.
        return bool(schema) and name in there

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
        decimals = self._decimals(
            relation,
            [
                name
                for name, declared in zip(names, types, strict=True)
                if declared == "numeric" and name in needed(names)
            ],
        )
        return {
            name: _column(name, declared, decimals.get(name))
            for name, declared in zip(names, types, strict=True)
        }

    def _decimals(self, relation: str, names: list[str]) -> dict[str, int]:
        """Find how many decimals numbers have: each may have its own."""
        if not names:
            return {}
        counted = ", ".join(f"coalesce(max(scale({quoted(name)})), 0)" for name in names)
        [found] = self._rows(f"SELECT {counted} FROM {relation}")
        return dict(zip(names, found, strict=True))

    def reason(self, error: Exception) -> str:
        """Say why, in the words of the server."""
        return reason_of(error)


def connect_postgresql(database: Database) -> Any:
    """Connect to a PostgreSQL database.

    Raises
    ------
    SourceError
        If the driver is not installed, or the server cannot be reached or refuses.
    """
    dbapi: Any = import_extra("adbc_driver_postgresql.dbapi", "postgresql", "a PostgreSQL database")
    try:
        return dbapi.connect(_encoded(database.address))
    except dbapi.Error as error:
        raise SourceError(
            f"{redact(database.address)} cannot be reached: {reason_of(error)}"
        ) from None


def reason_of(error: Exception) -> str:
    """Say what the server, or its library, has to say."""
    message = _BEFORE.sub("", str(error))
    return redact(message.strip().partition("\n")[0].rstrip(".")) or first_line(error)


def _encoded(address: str) -> str:
    """Write the user and the password of an address so that libpq reads them as they are."""
    found = _USER_INFO.match(address)
    if found is None or found["user"] is None:
        return address
    user = quote(unquote(found["user"]), safe="")
    password = found["password"]
    secret = "" if password is None else f":{quote(unquote(password), safe='')}"
    return f"{found['scheme']}{user}{secret}@{address[found.end() :]}"


def _column(name: str, declared: str, decimals: int | None) -> Column:
    if declared in _NATIVE:
        return Column(_NATIVE[declared])
    text = f"{quoted(name)}::text"
    if decimals is None:
        return Column(pl.String(), text)
    return Column(pl.Decimal(_MOST_DIGITS, decimals), text)
