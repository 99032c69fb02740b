"""SQLite files."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import polars as pl

from grc_fast.errors import SourceError
from grc_fast.io.databases.address import Database
from grc_fast.io.databases.connection import BATCH_ROWS, Column, Connection, quoted
from grc_fast.io.paths import expand
from grc_fast.io.source import redact


class SQLiteFile(Connection):
    """A SQLite file, opened to read only.

    Types stand at values there, not at columns, so that what a column is read as is told from all
    the kinds of values in it.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        [path] = expand(database.path)
        try:
            self._connection = sqlite3.connect(
                f"{Path(path).absolute().as_uri()}?mode=ro", uri=True
            )
            self._connection.execute("SELECT name FROM sqlite_schema LIMIT 1")
        except sqlite3.Error as error:
            raise SourceError(
                f"{redact(database.address)} cannot be opened: {self.reason(error)}"
            ) from None

    def tables(self) -> list[str]:
        """List the tables and views."""
        found = self._connection.execute(
            "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') "
            "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
        )
        return [name for (name,) in found]

    def columns(
        self, relation: str, needed: Callable[[list[str]], frozenset[str]]
    ) -> Mapping[str, Column]:
        """Find the columns of a relation, and the kinds of values in those that are needed."""
        empty = self._connection.execute(f"SELECT * FROM {relation} LIMIT 0")
        names = [name for name, *_ in empty.description]
        kinds = self._kinds(relation, [name for name in names if name in needed(names)])
        return {name: _column(name, kinds.get(name, {"text"})) for name in names}

    def _kinds(self, relation: str, names: list[str]) -> dict[str, set[str]]:
        """Tell which kinds of values there are in each column, in one pass."""
        if not names:
            return {}
        kinds = ("integer", "real", "text", "blob")
        counted = ", ".join(
            f"sum(typeof({quoted(name)}) = '{kind}')" for name in names for kind in kinds
        )
        counts = iter(self._connection.execute(f"SELECT {counted} FROM {relation}").fetchone())
        return {name: {kind for kind in kinds if next(counts)} for name in names}

    def _run(self, query: str, schema: pl.Schema) -> Iterator[pl.DataFrame]:
        found = self._connection.execute(query)
        while rows := found.fetchmany(BATCH_ROWS):
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
    if kinds == {"integer"}:
        return Column(pl.Int64())
    if kinds <= {"integer", "real"}:
        return Column(pl.Float64(), f"CAST({quoted(name)} AS REAL)")
    if kinds == {"blob"}:
        return Column(pl.Binary())
    return Column(pl.String(), f"CAST({quoted(name)} AS TEXT)")
