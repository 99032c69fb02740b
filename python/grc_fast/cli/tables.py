"""Small tables from files, read whole, as carefully as sales are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from grc_fast.roles import Projection, Table
from grc_fast.sources import open_source

# Ids stay text: 00123 is not 123. Dates are read by whoever knows which they are.
_IDS: Final = ("client_id", "campaign")
_TEXTS: Final = frozenset((*_IDS, "contacted_on", "date", "segment"))
_NUMBERS: Final = frozenset(("spend",))
# A plain integer: what is written so in every row may be a number.
_INTEGER: Final = r"^(0|-?[1-9][0-9]{0,17})$"


@dataclass(frozen=True)
class _EveryColumn:
    """The roles of a table of which each column is read under its own name."""

    client: str = "client_id"

    def text_columns(self) -> frozenset[str]:
        """Columns that a text file must not turn into numbers."""
        return _TEXTS

    def amount_columns(self, header: Iterable[str]) -> frozenset[str]:
        """Columns of `header` that hold numbers."""
        return _NUMBERS & frozenset(header)

    def where_columns(self, header: Iterable[str]) -> frozenset[str]:
        """Columns of `header` whose type is that of their values."""
        return frozenset(header) - _TEXTS - _NUMBERS

    def sql_columns(self, header: Iterable[str]) -> frozenset[str]:
        """Columns of `header` that are read by the type of their values."""
        return self.where_columns(header)

    def id_columns(self) -> list[tuple[str, str, str]]:
        """List the id columns: role, column, name in the projection."""
        return [("client", self.client, self.client)]

    def resolve(
        self, schema: pl.Schema, *, place: str, text_names: Mapping[str, str] | None = None
    ) -> Projection:
        """Take every column, the ids as ids.

        Raises
        ------
        ColumnError
            If there is no client id, or it is of a type that no id has.
        """
        table = Table(schema, place, text_names or {})
        ids = table.id_column(self.client, "client").alias(self.client)
        names = [name for name in schema if name not in (text_names or {}).values()]
        rest = [pl.col(name) for name in names if name != self.client]
        return Projection((ids, *rest), tuple(names))


def read_table(path: str) -> pl.DataFrame:
    """Read a table with a client id whole.

    Raises
    ------
    SourceError, ColumnError
        If it cannot be read, its format is not known, or it has no client id.
    """
    opened = open_source(path).open(_EveryColumn())
    frame = pl.concat(opened.batches(), how="vertical_relaxed")
    return frame.with_columns(
        pl.col(name).replace("", None) for name, dtype in frame.schema.items() if dtype == pl.String
    )


def with_common_ids(*tables: pl.DataFrame) -> list[pl.DataFrame]:
    """Read text ids as integers where each of all tables is one, or else leave all of them text.

    So `00123` in one file makes text of the `123` in another, and both meet what they are.

    Examples
    --------
    >>> import polars as pl
    >>> from grc_fast.cli.tables import with_common_ids
    >>> some, other = pl.DataFrame({"client_id": ["7"]}), pl.DataFrame({"client_id": [7]})
    >>> [table["client_id"].dtype for table in with_common_ids(some, other)]
    [Int64, Int64]
    >>> odd = pl.DataFrame({"client_id": ["007"]})
    >>> [table["client_id"].to_list() for table in with_common_ids(some, other, odd)]
    [['7'], ['7'], ['007']]
    """
    found = list(tables)
    for name in _IDS:
        texts = [t[name] for t in found if name in t.columns and t[name].dtype == pl.String]
        if not texts:
            continue
        plain = all(ids.drop_nulls().str.contains(_INTEGER).all() for ids in texts)
        wanted = pl.Int64() if plain else pl.String()
        found = [_with_ids(table, name, wanted) for table in found]
    return found


def _with_ids(table: pl.DataFrame, name: str, wanted: pl.DataType) -> pl.DataFrame:
    """Cast ids to a type; those of another kind than text and integers are left to be refused."""
    if name not in table.columns:
        return table
    dtype = table[name].dtype
    if dtype == pl.String or (wanted == pl.String and dtype.is_integer()):
        return table.with_columns(pl.col(name).cast(wanted))
    return table
