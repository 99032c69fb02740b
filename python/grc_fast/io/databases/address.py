"""Which database an address names, and which table or query of it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from grc_fast._utils.addresses import masked
from grc_fast._utils.checks import text
from grc_fast.errors import OptionError

POSTGRESQL: Final = "PostgreSQL"
DUCKDB: Final = "DuckDB"
SQLITE: Final = "SQLite"
ADBC: Final = "ADBC"
_SCHEMES: Final = {
    "postgresql://": POSTGRESQL,
    "postgres://": POSTGRESQL,
    "duckdb://": DUCKDB,
    "sqlite://": SQLITE,
    "adbc:": ADBC,
}
_EXTENSIONS: Final = {
    ".duckdb": DUCKDB,
    ".sqlite": SQLITE,
    ".sqlite3": SQLITE,
    ".db": SQLITE,
}
# `user:password@` of an address. A password may hold any letter, "@" and "/" among them; what looks
# like a host, alone or with its port, is none, and an "@" behind it is of a parameter.
_USER_INFO: Final = re.compile(
    r"(?P<scheme>\w+://)(?![^/?:@]*(?::\d+)?[/?])(?:(?P<user>[^:@/?]*)(?::(?P<password>.*))?@)?"
)
_PASSWORD: Final = re.compile(r"[?&]password=([^&#]*)")
# What the files of a database hold near their beginning, and where.
_MARKS: Final = {DUCKDB: (8, b"DUCK"), SQLITE: (0, b"SQLite format 3\0")}


@dataclass(frozen=True, repr=False)
class Database:
    """A table or a query of a database, to be read as any other source.

    Parameters
    ----------
    address
        `postgresql://user@host/base`, a `.duckdb` or `.sqlite` file, or `adbc:DRIVER:URI` for any
        other driver of ADBC. It may end in `#table`. Passwords come from `.pgpass`, `PGPASSWORD`
        or the address, and are never shown.
    table
        The table or view, `schema.table` where it is not in the usual schema. A part that holds a
        point itself stands in double quotes.
    query
        An SQL query of the database's own dialect instead of a table.

    Raises
    ------
    OptionError
        If the address names no database, or both a table and a query are given.

    Examples
    --------
    >>> import duckdb, pathlib, tempfile
    >>> import grc_fast as grc
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     path = str(pathlib.Path(directory, "shop.duckdb"))
    ...     with duckdb.connect(path) as shop:
    ...         _ = shop.sql("CREATE TABLE sales AS SELECT 7 client_id, DATE '2026-03-01' date, "
    ...                      "12.50 amount")
    ...     sales = grc.Database(path, table="sales")
    ...     grc.facts(sales, facts=["total"], as_of="2026-04-01").frame["total"].to_list()
    [Decimal('12.50')]
    """

    address: str
    table: str | None = None
    query: str | None = None

    def __post_init__(self) -> None:
        """Part the address from the table that it ends in, and check all three."""
        address = os.fspath(self.address)
        text("address", address, "the address of a database")
        base, fragment = _parted(address)
        if fragment:
            if self.table is not None or self.query is not None:
                raise OptionError(
                    f"the address ends in the table {fragment!r}, and another table or a query "
                    "is given beside it: give one of them"
                )
            object.__setattr__(self, "table", fragment)
            address = base
        object.__setattr__(self, "address", address)
        if kind_of(address) is None:
            raise OptionError(
                "the address names no database: write postgresql://host/base, a .duckdb or "
                ".sqlite file, or adbc:DRIVER:URI"
            )
        if self.table is not None and self.query is not None:
            raise OptionError("a table and a query are given: give one of them")
        for name in ("table", "query"):
            if getattr(self, name) is not None:
                text(name, getattr(self, name), f"a {name} of the database")

    @cached_property
    def kind(self) -> str:
        """Which database it is."""
        found = kind_of(self.address)
        assert found is not None
        return found

    @cached_property
    def shown(self) -> str:
        """The address as messages name it: without user, password and parameters."""
        if self.kind == ADBC:
            return f"adbc:{self.address.split(':')[1]}:…"
        if self.kind != POSTGRESQL:
            return self.address
        rest = _USER_INFO.sub(r"\g<scheme>", self.address, count=1).partition("?")[0]
        return rest if "@" not in rest else f"{rest.partition('://')[0]}://…"

    @property
    def encoded(self) -> str:
        """The address, its user and password written as libraries understand them."""
        found = _USER_INFO.match(self.address)
        if found is None or found["user"] is None:
            return self.address
        user, password = (
            None if part is None else quote(unquote(part), safe="")
            for part in (found["user"], found["password"])
        )
        secret = "" if password is None else f":{password}"
        return f"{found['scheme']}{user}{secret}@{self.address[found.end() :]}"

    def without_secrets(self, message: str) -> str:
        """Take out of a message what this address must not show."""
        message = message.replace(self.address, self.shown).replace(self.encoded, self.shown)
        found = _USER_INFO.match(self.address)
        secrets = [found["password"]] if found is not None and found["password"] else []
        secrets += _PASSWORD.findall(self.address)
        for secret in {form for found in secrets for form in (found, unquote(found), quote(found))}:
            if secret:
                message = message.replace(secret, "…")
        return masked(message)

    def __repr__(self) -> str:
        more = "".join(
            f", {name}={value!r}"
            for name in ("table", "query")
            if (value := getattr(self, name)) is not None
        )
        return f"Database({self.shown!r}{more})"

    @property
    def path(self) -> str:
        """The file of a database that is one."""
        path = self.address.partition("://")[2] if "://" in self.address else self.address
        return str(Path(path).expanduser())


def shown_address(name: str) -> str:
    """Name a file, or a table of a database, as messages may.

    Examples
    --------
    >>> from grc_fast.io.databases.address import shown_address
    >>> shown_address("postgresql://me:secret@host/base#scores")
    'postgresql://host/base#scores'
    """
    if not is_database(name):
        return masked(name)
    database = Database(name)
    return database.shown if database.table is None else f"{database.shown}#{database.table}"


def is_database(address: str) -> bool:
    """Tell whether an address, or the path of a file, is that of a database.

    Examples
    --------
    >>> from grc_fast.io.databases.address import is_database
    >>> is_database("base.duckdb#sales"), is_database("sales.csv")
    (True, False)
    """
    return kind_of(_parted(address)[0]) is not None


def _parted(address: str) -> tuple[str, str]:
    """Part an address from the table that it ends in, or from nothing."""
    base, _, fragment = address.rpartition("#")
    # What stands before an "@" is a password.
    return (base, fragment) if "@" not in fragment and kind_of(base) is not None else (address, "")


def kind_of(address: str) -> str | None:
    """Return which database an address is of, or None; files are told by what they hold."""
    for scheme, kind in _SCHEMES.items():
        if address.lower().startswith(scheme):
            return kind
    if "://" in address:
        return None
    by_name = _EXTENSIONS.get(Path(address).suffix.lower())
    return None if by_name is None else _kind_of_file(address) or by_name


def _kind_of_file(path: str) -> str | None:
    try:
        with Path(path).expanduser().open("rb") as file:
            beginning = file.read(32)
    except OSError:
        return None
    return next(
        (kind for kind, (at, mark) in _MARKS.items() if beginning[at:].startswith(mark)), None
    )
