"""DuckDB files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import polars as pl

from grc_fast._utils.extras import import_extra
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

# Types that reach Polars as what they are, by the word that they begin with; the text of all others
# is read.
_NATIVE: Final = (
    *("BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT"),
    *("UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL"),
    *("VARCHAR", "BLOB", "DATE", "TIME", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS"),
    *("TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"),
)


class DuckDBFile(Connection):
    """A DuckDB file, opened to read only: others may not write to it meanwhile."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        duckdb: Any = import_extra("duckdb", "duckdb", "reading a DuckDB file")
        import_extra("pyarrow", "duckdb", "reading a DuckDB file")
        try:
            self._connection = duckdb.connect(database_file(database), read_only=True)
        except duckdb.Error as error:
            raise SourceError(f"{database.shown} cannot be opened: {self.reason(error)}") from None

    def tables(self) -> list[str]:
        """List the tables and views; those of the schema main without its name."""
        found = self._sql(
            "SELECT schema_name, table_name FROM duckdb_tables() "
            "UNION ALL SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal "
            "ORDER BY ALL"
        ).fetchall()
        return [table_name("" if schema == "main" else schema, name) for schema, name in found]

    def parts(self, table: str) -> list[str]:
        """Part a table's name: capitals make no difference."""
        return folded_parts(table)

    def columns(
        self,
        relation: str,
        needed: Callable[[list[str]], frozenset[str]],  # noqa: ARG002 (types are declared)
    ) -> Mapping[str, Column]:
        """Find the columns of a relation and their types."""
        described = self._sql(f"DESCRIBE SELECT * FROM {relation}").fetchall()
        expressions = {
            name: "" if _is_native(declared) else f"{quoted(name)}::VARCHAR"
            for name, declared, *_ in described
        }
        columns = {name: Column(pl.Null(), how) for name, how in expressions.items()}
        schema = self._read_schema(self._query(relation, columns, 0))
        return {name: Column(schema[name], expressions[name]) for name in schema}

    def _read_schema(self, query: str) -> pl.Schema:
        reader = self._sql(query).to_arrow_reader(FETCHED_ROWS)
        return pl.DataFrame(reader.schema.empty_table()).schema

    def _run(self, query: str, schema: pl.Schema) -> Iterator[pl.DataFrame]:  # noqa: ARG002
        for batch in self._sql(query).to_arrow_reader(FETCHED_ROWS):
            yield pl.DataFrame(batch)

    def _sql(self, query: str) -> Any:
        # A cursor has one result at a time, and readings may overlap.
        cursor = self._connection.cursor()
        cursor.execute("SET TimeZone = 'UTC'")
        return cursor.sql(query)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _is_native(declared: str) -> bool:
    return declared.partition("(")[0].strip() in _NATIVE
