"""DuckDB files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import polars as pl

from grc_fast._utils.extras import import_extra
from grc_fast.errors import SourceError
from grc_fast.io.databases.address import Database
from grc_fast.io.databases.connection import BATCH_ROWS, Column, Connection, quoted
from grc_fast.io.paths import expand
from grc_fast.io.source import redact, stream

# Types that reach Polars as what they are, by the word that they begin with; the text of all others
# is read.
_NATIVE: Final = (
    *("BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT"),
    *("UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL"),
    *("VARCHAR", "UUID", "BLOB", "DATE", "TIME", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS"),
    *("TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"),
)


class DuckDBFile(Connection):
    """A DuckDB file, opened to read only."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        duckdb: Any = import_extra("duckdb", "duckdb", "reading a DuckDB file")
        [path] = expand(database.path)
        try:
            self._connection = duckdb.connect(path, read_only=True)
        except duckdb.Error as error:
            raise SourceError(
                f"{redact(database.address)} cannot be opened: {self.reason(error)}"
            ) from None
        self._connection.execute("SET TimeZone = 'UTC'")

    def tables(self) -> list[str]:
        """List the tables and views; those of the schema main without its name."""
        found = self._connection.sql(
            "SELECT CASE schema_name WHEN 'main' THEN '' ELSE schema_name || '.' END || name "
            "FROM (SELECT schema_name, table_name AS name FROM duckdb_tables() "
            "UNION ALL SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal) "
            "ORDER BY ALL"
        )
        return [name for (name,) in found.fetchall()]

    def has_table(self, table: str, there: Iterable[str]) -> bool:
        """Tell whether there is such a table: capitals make no difference."""
        return table.casefold().removeprefix("main.") in {name.casefold() for name in there}

    def columns(
        self,
        relation: str,
        needed: Callable[[list[str]], frozenset[str]],  # noqa: ARG002 (types are declared)
    ) -> Mapping[str, Column]:
        """Find the columns of a relation and their types."""
        described = self._connection.sql(f"DESCRIBE SELECT * FROM {relation}").fetchall()
        expressions = {
            name: "" if _is_native(declared) else f"{quoted(name)}::VARCHAR"
            for name, declared, *_ in described
        }
        selected = ", ".join(
            f"{expression or quoted(name)} AS {quoted(name)}"
            for name, expression in expressions.items()
        )
        query = f"SELECT {selected} FROM {relation} LIMIT 0"
        schema = pl.scan_arrow_c_stream(self._connection.sql(query)).collect_schema()
        return {name: Column(schema[name], expressions[name]) for name in schema}

    def _run(self, query: str, schema: pl.Schema) -> Iterator[pl.DataFrame]:
        rows = pl.scan_arrow_c_stream(self._connection.sql(query))
        yield from stream(rows, [pl.col(name) for name in schema], BATCH_ROWS)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _is_native(declared: str) -> bool:
    return declared.partition("(")[0].strip() in _NATIVE
