"""The client file: how clients are called and reached, by the role of each column."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Self

import polars as pl

from grc_fast._utils.checks import known_options
from grc_fast._utils.messages import describe, listing, quoted, suggestion
from grc_fast.errors import ColumnError, DataError
from grc_fast.io.ids import id_expression, whole_floats
from grc_fast.io.small_tables import ColumnKinds, as_frame, is_path, money, read_table
from grc_fast.io.text_options import DETECTED, TextOptions

#: How errors name the table.
CLIENTS: Final = "the client file"
#: What lists say of a client, in this order.
CONTACT_COLUMNS: Final = ("name", "email", "phone", "address", "postcode", "city")
#: Those that name a person or reach one.
IDENTIFYING: Final = ("name", "email", "phone", "address")
#: Where a client is, in degrees.
PLACE: Final = ("latitude", "longitude")


@dataclass(frozen=True, kw_only=True)
class ClientColumns:
    """Which column of a client file plays which role.

    None stands for the column that has the name of the role, where there is one.
    """

    client: str = "client_id"
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    address: str | None = None
    postcode: str | None = None
    city: str | None = None
    seller: str | None = None
    latitude: str | None = None
    longitude: str | None = None

    @classmethod
    def of(cls, columns: Mapping[str, str] | None) -> Self:
        """Take columns by role, such as `{"email": "mail"}`.

        Raises
        ------
        OptionError
            If a role is unknown.
        """
        given = dict(columns or {})
        known_options(given, [field.name for field in fields(cls)], "the client file")
        return cls(**given)

    def found_in(self, header: Sequence[str]) -> dict[str, str]:
        """Return the column of each role that there is.

        Raises
        ------
        ColumnError
            If a column that was named is not there.
        """
        found = {}
        for field in fields(self):
            given = getattr(self, field.name)
            if field.name != "client" and given is None and field.name not in header:
                continue
            column = field.name if given is None else given
            if column not in header:
                raise ColumnError(
                    f"{CLIENTS} has no column {column!r} for the role {field.name!r}"
                    f"{suggestion(column, header)}{listing(header)}"
                )
            found["client_id" if field.name == "client" else field.name] = column
        return found

    @property
    def kinds(self) -> ColumnKinds:
        """What the columns hold, whatever their values look like."""
        names = {field.name: getattr(self, field.name) or field.name for field in fields(self)}
        place = frozenset(names.pop(role) for role in PLACE)
        return ColumnKinds(dates=frozenset(), numbers=place, texts=frozenset(names.values()))


def read_clients(
    clients: Any, columns: ClientColumns | None = None, text: TextOptions = DETECTED
) -> pl.DataFrame:
    """Read a client file: `client_id`, and the columns of the roles that it has.

    Parameters
    ----------
    clients
        A table, or the path of its file.
    columns
        Which column plays which role.
    text
        How a text file is written.

    Returns
    -------
    polars.DataFrame
        One row a client. Every column is named for its role; names and addresses are text without
        blanks around it, null where there is none.

    Raises
    ------
    SourceError
        If a file cannot be read.
    ColumnError, DataError
        If a column is missing or holds what it may not, or a client has several rows.

    Examples
    --------
    >>> import polars as pl
    >>> table = pl.DataFrame({"id": [2, 1], "mail": ["ada@example.com", " "]})
    >>> read_clients(table, ClientColumns(client="id", email="mail")).rows()
    [(2, 'ada@example.com'), (1, None)]
    """
    columns = columns or ClientColumns()
    if is_path(clients):
        clients = read_table(os.fspath(clients), text, columns.client, columns.kinds)
    frame = as_frame(clients, CLIENTS)
    if frame is None:
        raise ColumnError(f"{CLIENTS} must be a table, and {type(clients).__name__} is not")
    found = columns.found_in(frame.columns)
    frame = frame.select(pl.col(column).alias(role) for role, column in found.items())
    client = id_expression(
        pl.col("client_id"), columns.client, "client", frame["client_id"].dtype, CLIENTS
    )
    frame = frame.with_columns(client.alias("client_id")).with_columns(
        money(frame, name, CLIENTS) if name in PLACE else _written(frame[name])
        for name in frame.columns[1:]
    )
    if frame["client_id"].dtype.is_float():
        frame = frame.with_columns(whole_floats(frame["client_id"], CLIENTS))
    return _one_row_a_client(frame.filter(pl.col("client_id").is_not_null()))


def _written(column: pl.Series) -> pl.Series:
    """Return a column as text; whole floats are the integers that they stand for."""
    if column.dtype.is_float():
        column = whole_floats(column, CLIENTS)
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
        raise ColumnError(f"{CLIENTS} has {describe(column.dtype)} in {column.name!r}: write text")
    return column.cast(pl.String).str.strip_chars().replace("", None)


def _one_row_a_client(clients: pl.DataFrame) -> pl.DataFrame:
    twice = clients["client_id"].is_duplicated()
    if twice.any():
        several = clients.filter(twice)["client_id"]
        raise DataError(
            f"{CLIENTS} has {several.n_unique():,} clients in several rows, such as client "
            f"{quoted(str(several.min()))}: keep one row of each"
        )
    return clients
