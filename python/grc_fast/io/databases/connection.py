"""A database that is open for reading: what it holds, and the rows of a query."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import polars as pl

from grc_fast._utils.messages import first_line, suggestion
from grc_fast.errors import GrcError, SourceError
from grc_fast.io.databases.address import Database

#: Rows a batch: databases hand over copies, whose memory is soon used again.
FETCHED_ROWS: Final = 100_000
# Tables that an error lists.
_LISTED = 12
_PART: Final = re.compile(r'"(?:[^"]|"")*"|[^."]+')


@dataclass(frozen=True)
class Column:
    """A column of a table or query.

    Attributes
    ----------
    dtype
        What it is read as.
    expression
        The SQL that gives it; the column itself by default.
    """

    dtype: pl.DataType
    expression: str = ""


class Connection(ABC):
    """A database that is open for reading; where it can, all that is read is of one state."""

    #: Whether a query may end in LIMIT.
    takes_limits = True

    def __init__(self, database: Database) -> None:
        self.database = database
        self.place = place_of(database)

    @abstractmethod
    def tables(self) -> list[str]:
        """List the tables and views, those of the usual schema without its name."""

    @abstractmethod
    def columns(
        self, relation: str, needed: Callable[[list[str]], frozenset[str]]
    ) -> Mapping[str, Column]:
        """Find the columns of a relation and what they are read as.

        Parameters
        ----------
        relation
            What stands after FROM.
        needed
            Tells which of all columns are to be read whole, if to know their types takes work.
        """

    @abstractmethod
    def _run(self, query: str, schema: pl.Schema) -> Iterator[pl.DataFrame]:
        """Run a query and give its rows, batch by batch; `schema` is what is expected of them."""

    def read(
        self, relation: str, columns: Mapping[str, Column], limit: int | None = None
    ) -> Iterator[pl.DataFrame]:
        """Read columns of a relation, or their first rows, batch by batch."""
        schema = pl.Schema({name: column.dtype for name, column in columns.items()})
        for batch in self._run(self._query(relation, columns, limit), schema):
            yield batch.cast({n: t for n, t in schema.items() if batch.schema[n] != t})

    def _query(self, relation: str, columns: Mapping[str, Column], limit: int | None) -> str:
        selected = ", ".join(
            f"{column.expression or quoted(name)} AS {quoted(name)}"
            for name, column in columns.items()
        )
        end = f" LIMIT {limit}" if limit is not None and self.takes_limits else ""
        return f"SELECT {selected or '1'} FROM {relation}{end}"

    @abstractmethod
    def close(self) -> None:
        """Close the connection; it may be closed already."""

    def relation(self) -> str:
        """Return what stands after FROM: a table, or a query in parentheses.

        Raises
        ------
        SourceError
            If there is no such table, or none is named and there are several.
        """
        database = self.database
        if database.query is not None:
            # The line end closes a comment that the query may end in.
            return f"({database.query.strip().rstrip(';')}\n) AS source"
        table = database.table
        there = self.tables()
        if table is None:
            if len(there) == 1:
                return quoted_table(there[0])
            shown = listed(there) if there else "it holds none"
            raise SourceError(
                f"{database.shown} is a database: say which table with --table, #table "
                f"after the address, or grc.Database; {shown}"
            )
        if not self.has_table(table, there):
            raise SourceError(
                f"{database.shown} has no table {table!r}"
                f"{suggestion(table, there)}; {listed(there)}"
            )
        return quoted_table(table)

    def parts(self, table: str) -> list[str]:
        """Part a table's name as the database compares names."""
        return table_parts(table)

    def has_table(self, table: str, there: Iterable[str]) -> bool:
        """Tell whether there is such a table."""
        return self.parts(table) in map(self.parts, there)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn whatever a driver raises into one sentence without credentials."""
        try:
            yield
        except (GrcError, GeneratorExit):
            raise
        except Exception as error:  # noqa: BLE001 (each driver raises what it likes)
            raise SourceError(f"{self.place} cannot be read: {self.reason(error)}") from None

    def reason(self, error: Exception) -> str:
        """Say why, in the words of the database."""
        return self.database.without_secrets(first_line(error))


def place_of(database: Database) -> str:
    """Name a database, and the table or query of it, without credentials."""
    address = database.shown
    if database.query is not None:
        return f"the query of {address}"
    return address if database.table is None else f"{address}, table {database.table}"


def quoted(name: str) -> str:
    """Quote an identifier as standard SQL does.

    Examples
    --------
    >>> print(quoted("client id"))
    "client id"
    """
    return '"' + name.replace('"', '""') + '"'


def quoted_table(table: str) -> str:
    """Quote the parts of a table's name.

    Examples
    --------
    >>> quoted_table('crm.sales'), quoted_table('"crm.sales"')
    ('"crm"."sales"', '"crm.sales"')
    """
    return ".".join(map(quoted, table_parts(table)))


def table_name(*parts: str) -> str:
    """Write the name of a table as users do: a part with a point or a quote in it is quoted.

    Examples
    --------
    >>> table_name("crm", "sales"), table_name("crm.sales")
    ('crm.sales', '"crm.sales"')
    """
    return ".".join(quoted(part) if set(part) & {".", '"'} else part for part in parts if part)


def table_parts(table: str) -> list[str]:
    """Part a table's name at its points, but for those between double quotes."""
    parts = _PART.findall(table)
    return [part[1:-1].replace('""', '"') if part[0] == '"' else part for part in parts]


def folded_parts(table: str) -> list[str]:
    """Part a table's name where capitals make no difference, and the schema main is the usual."""
    parts = [part.casefold() for part in table_parts(table)]
    return parts[1:] if len(parts) > 1 and parts[0] == "main" else parts


def listed(tables: list[str]) -> str:
    """Say which tables there are, the first of them."""
    if not tables:
        return "it holds no table"
    more = f" and {len(tables) - _LISTED} more" if len(tables) > _LISTED else ""
    return f"its tables are {', '.join(tables[:_LISTED])}{more}"
