"""SQLite files."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import polars as pl

from grc_fast.errors import SourceError
from grc_fast.io.databases.address import Database
from grc_fast.io.databases.connection import (
    FETCHED_ROWS,
    Column,
    Connection,
    folded_parts,
    quoted,
    table_name,
)
from grc_fast.io.databases.database_file import database_file

# The kinds of values, as conditions on a column. Whole numbers that no float holds are their own.
_KINDS: Final[Mapping[str, str]] = {
    "integer": "typeof({0}) = 'integer'",
    "long": "typeof({0}) = 'integer' AND {0} NOT BETWEEN -9007199254740992 AND 9007199254740992",
    "real": "typeof({0}) = 'real'",
    "text": "typeof({0}) = 'text'",
    "blob": "typeof({0}) = 'blob'",
}


class SQLiteFile(Connection):
    """A SQLite file, opened to read only, in one transaction.

    Types stand at values there, not at columns, so that what a column is read as is told from all
    the kinds of values in it.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        address = f"{Path(database_file(database)).absolute().as_uri()}?mode=ro"
        # Batches may be made by another thread than the one that ends the reading.
        self._connection = sqlite3.connect(
            address, uri=True, isolation_level=None, check_same_thread=False
        )
        try:
            self._connection.execute("BEGIN")
            self._connection.execute("SELECT name FROM sqlite_schema LIMIT 1")
        except sqlite3.Error as error:
            self._connection.close()
            raise SourceError(f"{database.shown} cannot be opened: {self.reason(error)}") from None

    def tables(self) -> list[str]:
        """List the tables and views."""
        found = self._connection.execute(
            "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') "
            "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
        )
        return [table_name(name) for (name,) in found]

    def parts(self, table: str) -> list[str]:
        """Part a table's name: capitals make no difference."""
        return folded_parts(table)

    def columns(
        self, relation: str, needed: Callable[[list[str]], frozenset[str]]
    ) -> Mapping[str, Column]:
        """Find the columns of a relation, and the kinds of values in those that are needed."""
        empty = self._connection.execute(f"SELECT * FROM {relation} LIMIT 0")
        names = [name for name, *_ in empty.description]
        wanted = needed(names)
        kinds = self._kinds(relation, [name for name in names if name in wanted])
        return {
            name: _column(name, kinds[name]) if name in kinds else _text_of_any(name)
            for name in names
        }

    def _kinds(self, relation: str, names: list[str]) -> dict[str, set[str]]:
        """Tell which kinds of values there are in each column, in one pass."""
        if not names:
            return {}
        counted = ", ".join(
            f"sum({condition.format(quoted(name))})"
            for name in names
            for condition in _KINDS.values()
        )
        counts = iter(self._connection.execute(f"SELECT {counted} FROM {relation}").fetchone())
        return {name: {kind for kind in _KINDS if next(counts)} for name in names}

    def _run(self, query: str, schema: pl.Schema) -> Iterator[pl.DataFrame]:
        found = self._connection.execute(query)
        while rows := found.fetchmany(FETCHED_ROWS):
            columns = zip(schema.items(), zip(*rows, strict=True), strict=True)
            yield pl.DataFrame(
                [pl.Series(name, values, dtype) for (name, dtype), values in columns]
            )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _column(name: str, kinds: set[str]) -> Column:
    """Choose what a column is read as by the kinds of its values."""
    if not kinds:
        return Column(pl.Null())
    if kinds <= {"integer", "long"}:
        return Column(pl.Int64())
    if kinds <= {"integer", "real"}:
        return Column(pl.Float64(), f"CAST({quoted(name)} AS REAL)")
    if kinds == {"blob"}:
        return Column(pl.Binary())
    return _text_of_any(name)


def _text_of_any(name: str) -> Column:
    column = quoted(name)
    shown = f"CASE typeof({column}) WHEN 'blob' THEN hex({column}) ELSE {column} END"
    return Column(pl.String(), f"CAST({shown} AS TEXT)")
