"""Any database that has an ADBC driver."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from importlib import import_module
from typing import Any

import polars as pl

from grc_fast._utils.extras import import_extra
from grc_fast.errors import OptionError, SourceError
from grc_fast.io.databases.address import Database
from grc_fast.io.databases.connection import Column, Connection


class AdbcConnection(Connection):
    """A database behind a driver of ADBC, whose columns are what the driver makes of them.

    The driver is that of the Python package `adbc_driver_NAME` where there is one, and else what
    the driver manager finds under its name or path.
    """

    # It is no standard SQL.
    takes_limits = False

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._connection = self._connect()

    def _connect(self) -> Any:
        _, driver, uri = [*self.database.address.split(":", 2), "", ""][:3]
        if not driver or not uri:
            raise OptionError(
                "the address of an ADBC database lacks its driver or its URI: write adbc:DRIVER:URI"
            )
        manager: Any = import_extra(
            "adbc_driver_manager.dbapi", "postgresql", "a database behind ADBC"
        )
        try:
            package: Any = import_module(f"adbc_driver_{driver}.dbapi")
        except (ImportError, ValueError):
            package = None
        try:
            if package is not None:
                return package.connect(uri)
            return manager.connect(driver=driver, db_kwargs={"uri": uri})
        except (manager.Error, OSError) as error:
            raise SourceError(
                f"{self.database.shown} cannot be reached: {self.reason(error)}"
            ) from None

    def tables(self) -> list[str]:
        """List nothing: each database keeps its tables elsewhere."""
        return []

    def has_table(self, table: str, there: Iterable[str]) -> bool:  # noqa: ARG002
        """Leave it to the database to complain."""
        return True

    def columns(
        self,
        relation: str,
        needed: Callable[[list[str]], frozenset[str]],  # noqa: ARG002 (the driver knows types)
    ) -> Mapping[str, Column]:
        """Find the columns of a relation, and what the driver makes of them."""
        # With its rows, of which none are fetched: some drivers tell types by the first.
        with self._ran(f"SELECT * FROM {relation}") as cursor:
            empty = cursor.fetch_record_batch().schema.empty_table()
            schema = pl.DataFrame(empty).schema
        return {name: Column(dtype) for name, dtype in schema.items()}

    def _run(self, query: str, schema: pl.Schema) -> Iterator[pl.DataFrame]:  # noqa: ARG002
        # Not through Polars' own stream: its thread goes on when a reading ends early, and the
        # cursor must not be closed under it.
        with self._ran(query) as cursor:
            for batch in cursor.fetch_record_batch():
                yield pl.DataFrame(batch)

    @contextmanager
    def _ran(self, query: str) -> Iterator[Any]:
        """Run a query, and give the cursor for as long as its rows are read."""
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(query)
            yield cursor

    def _rows(self, query: str) -> list[Any]:
        with self._ran(query) as cursor:
            found: list[Any] = cursor.fetchall()
            return found

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
