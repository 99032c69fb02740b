"""Tables of databases written whole, in one transaction."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import polars as pl

from grc_fast._utils.addresses import masked
from grc_fast._utils.extras import import_extra
from grc_fast._utils.messages import describe
from grc_fast.errors import OptionError, OutputError, SourceError
from grc_fast.io.databases.address import DUCKDB, POSTGRESQL, Database, shown_address
from grc_fast.io.databases.connection import place_of, quoted, quoted_table, table_parts
from grc_fast.io.databases.postgresql import connect_postgresql, reason_of

_TYPES: Final[Mapping[type[pl.DataType], str]] = {
    pl.Boolean: "boolean",
    pl.Int8: "smallint",
    pl.Int16: "smallint",
    pl.Int32: "integer",
    pl.Int64: "bigint",
    pl.UInt8: "smallint",
    pl.UInt16: "integer",
    pl.UInt32: "bigint",
    pl.UInt64: "numeric(20,0)",
    pl.Float32: "real",
    pl.Float64: "double precision",
    pl.String: "text",
    pl.Date: "date",
    pl.Null: "text",
}


def output_table(address: str) -> Database:
    """Return the table of a database that an output names.

    Raises
    ------
    OutputError
        If it names none, or the database is one that is only read.
    """
    try:
        database = Database(address)
    except OptionError as error:
        raise OutputError(f"output {masked(address)!r}: {error}") from None
    if database.kind not in _WRITERS:
        raise OutputError(
            f"output {shown_address(address)!r} is a database that is only read: write to "
            "PostgreSQL, to a .duckdb file, or to a file of another kind"
        )
    if database.table is None:
        raise OutputError(
            f"output {shown_address(address)!r} is a database: name the table after it, as in "
            f"{database.shown}#scores"
        )
    return database


def check_table(database: Database) -> None:
    """Check that a table can be written, before any work is done for it.

    Raises
    ------
    OutputError
        If the database cannot be reached or written to, or has no such schema.
    """
    with _errors(database), closing(_WRITERS[database.kind](database)) as writer:
        writer.check()


def replace_table(frame: pl.DataFrame, database: Database) -> None:
    """Put a frame in the place of a table, in one transaction.

    A table with the same columns keeps its indexes, rights and views, and whoever reads meanwhile
    sees the old rows or the new ones. Another one is dropped and made anew.

    Raises
    ------
    OutputError
        If it cannot be written; the old table is then as it was.
    """
    nested = [name for name, dtype in frame.schema.items() if dtype.is_nested()]
    if nested:
        raise OutputError(
            f"the column {nested[0]!r} holds {describe(frame.schema[nested[0]])}, which no table "
            "of a database takes: write a Parquet file"
        )
    frame = frame.with_columns(
        pl.col(name).cast(pl.Decimal(20, 0) if dtype == pl.UInt64 else pl.String)
        for name, dtype in frame.schema.items()
        if dtype == pl.UInt64 or isinstance(dtype, (pl.Categorical, pl.Enum, pl.Null))
    )
    with _errors(database), closing(_WRITERS[database.kind](database)) as writer:
        writer.check()
        writer.replace(frame)
        writer.commit()


@contextmanager
def _errors(database: Database) -> Iterator[None]:
    """Turn what a driver raises into one sentence without credentials."""
    try:
        yield
    except OutputError:
        raise
    except SourceError as error:  # of the connection
        raise OutputError(str(error)) from None
    except Exception as error:  # noqa: BLE001 (each driver raises what it likes)
        raise OutputError(
            f"{place_of(database)} cannot be written: {reason_of(error, database)}"
        ) from None


class _Writer(ABC):
    """A transaction that replaces one table: nothing of it is seen before `commit`."""

    def __init__(self, database: Database) -> None:
        assert database.table is not None
        self.database = database
        self.table = database.table

    @abstractmethod
    def check(self) -> None:
        """Check that the table can be made."""

    @abstractmethod
    def replace(self, frame: pl.DataFrame) -> None:
        """Put the rows of a frame in the place of those of the table."""

    @abstractmethod
    def commit(self) -> None:
        """Let the new rows be seen."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection; what is not committed has not happened."""


class _PostgreSQLWriter(_Writer):
    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._connection: Any = connect_postgresql(database)
        # Each statement sees what others have committed, whatever the server's own default.
        self._execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        *schemas, self._name = table_parts(self.table)
        self._schema = schemas[-1] if schemas else self._value("SELECT current_schema()")
        self._qualified = f"{quoted(self._schema)}.{quoted(self._name)}"

    def check(self) -> None:
        usable = self._value(
            "SELECT has_schema_privilege(oid, 'CREATE, USAGE') FROM pg_namespace "
            f"WHERE nspname = {_text(self._schema)}"
        )
        if usable is None:
            raise OutputError(
                f"{self.database.shown} has no schema {self._schema!r}: make it first"
            )
        if not usable and self._columns() is None:
            raise OutputError(
                f"{self.database.shown} lets this user make no table in the schema "
                f"{self._schema!r}: name another, or ask for the right"
            )

    def replace(self, frame: pl.DataFrame) -> None:
        wanted = {name: _type_of(dtype) for name, dtype in frame.schema.items()}
        # One writer at a time, also of a table that is not there yet.
        self._execute(
            f"SELECT pg_advisory_xact_lock(hashtextextended({_text(self._qualified)}, 0))::text"
        )
        if self._columns() is None:
            self._create(self._name, frame, wanted)
            return
        self._check_replaceable()
        # Readers go on with the rows that they see; what other writers did is seen from here on.
        self._execute(f"LOCK TABLE {self._qualified} IN EXCLUSIVE MODE")
        if self._columns() == wanted:
            self._execute(f"DELETE FROM ONLY {self._qualified}")
            self._ingest(self._name, frame)
            return
        # Under another name until it is whole: the old table is out of reach for a moment only.
        name = f"{self._name[:40]}_{secrets.token_hex(8)}"
        self._create(name, frame, wanted)
        self._execute(f"DROP TABLE {self._qualified}")
        self._execute(
            f"ALTER TABLE {quoted(self._schema)}.{quoted(name)} RENAME TO {quoted(self._name)}"
        )

    def _check_replaceable(self) -> None:
        """Refuse what is no table, and a table whose rows others hang on."""
        [(kind, inherited, referred)] = self._execute(
            "SELECT c.relkind::text, EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid), "
            "EXISTS (SELECT FROM pg_constraint WHERE confrelid = c.oid) FROM pg_class c "
            f"WHERE c.oid = {_text(self._qualified)}::regclass"
        )
        if kind != "r" or inherited:
            raise OutputError(
                f"{place_of(self.database)} is a view or has parts: only an ordinary table can be "
                "replaced, so name another"
            )
        if referred:
            raise OutputError(
                f"{place_of(self.database)} is one that other tables refer to by a foreign key: "
                "name another, or drop the key"
            )

    def _create(self, name: str, frame: pl.DataFrame, types: Mapping[str, str]) -> None:
        columns = ", ".join(f"{quoted(column)} {dtype}" for column, dtype in types.items())
        self._execute(f"CREATE TABLE {quoted(self._schema)}.{quoted(name)} ({columns})")
        self._ingest(name, frame)

    def _ingest(self, name: str, frame: pl.DataFrame) -> None:
        with closing(self._connection.cursor()) as cursor:
            cursor.adbc_ingest(name, frame, mode="append", db_schema_name=self._schema)

    def commit(self) -> None:
        self._connection.commit()

    def close(self) -> None:
        self._connection.close()

    def _columns(self) -> dict[str, str] | None:
        """Return the columns of the table and their types, or None where it is not there."""
        found = self._execute(
            "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a "
            "JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
            f"WHERE n.nspname = {_text(self._schema)} AND c.relname = {_text(self._name)} "
            "AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
        )
        return dict(found) or None

    def _value(self, query: str) -> Any:
        found = self._execute(query)
        return found[0][0] if found else None

    def _execute(self, statement: str) -> list[Any]:
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(statement)
            found: list[Any] = cursor.fetchall() if statement.startswith("SELECT") else []
            return found


class _DuckDBWriter(_Writer):
    def __init__(self, database: Database) -> None:
        super().__init__(database)
        duckdb: Any = import_extra("duckdb", "duckdb", "writing a DuckDB file")
        self._is_new = not Path(database.path).exists()
        directory = Path(database.path).absolute().parent
        if not directory.is_dir():
            raise OutputError(
                f"output {database.shown!r} is to go into {str(directory)!r}, "
                "which is not a directory: make it first"
            )
        self._connection = duckdb.connect(database.path)
        self._connection.begin()

    def check(self) -> None:
        *schemas, _ = table_parts(self.table)
        if not schemas:
            return
        [count] = self._connection.execute(
            "SELECT count(*) FROM duckdb_schemas() "
            "WHERE database_name = current_database() AND schema_name = ?",
            [schemas[-1]],
        ).fetchone()
        if not count:
            raise OutputError(f"{self.database.shown} has no schema {schemas[-1]!r}: make it first")

    def replace(self, frame: pl.DataFrame) -> None:
        # Its stream of Arrow: to take the frame itself, DuckDB would want PyArrow.
        self._connection.register("new_rows", frame.__arrow_c_stream__())
        self._connection.execute(
            f"CREATE OR REPLACE TABLE {quoted_table(self.table)} AS FROM new_rows"
        )

    def commit(self) -> None:
        self._connection.commit()
        self._is_new = False

    def close(self) -> None:
        if self._is_new:  # nothing was committed; while nobody else can have opened it
            Path(self.database.path).unlink(missing_ok=True)
        self._connection.close()


_WRITERS: Final[Mapping[str, type[_Writer]]] = {
    POSTGRESQL: _PostgreSQLWriter,
    DUCKDB: _DuckDBWriter,
}


def _type_of(dtype: pl.DataType) -> str:
    """Name a type as PostgreSQL does."""
    if isinstance(dtype, pl.Decimal):
        return f"numeric({dtype.precision},{dtype.scale})"
    if isinstance(dtype, pl.Datetime):
        return f"timestamp {'with' if dtype.time_zone else 'without'} time zone"
    try:
        return _TYPES[type(dtype)]
    except KeyError:
        raise OutputError(
            f"no table of PostgreSQL holds {describe(dtype)}: write a Parquet file"
        ) from None


def _text(value: str) -> str:
    """Quote a text as SQL does."""
    return "'" + value.replace("'", "''") + "'"
