"""Which column of a table plays which part in an event, and the batches of events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Final

import polars as pl

from grc_fast._utils.checks import column
from grc_fast._utils.messages import describe
from grc_fast.errors import ColumnError
from grc_fast.io.ids import id_expression
from grc_fast.io.open import open_source
from grc_fast.io.roles import Projection, Table, columns_of_sql, require_column
from grc_fast.io.source import Opened, Part, Source
from grc_fast.io.sql import roots_or_nothing
from grc_fast.io.text_options import TextOptions

#: Roles that a table may lack, and the type of the nulls that stand for them then.
OPTIONAL: Final[Mapping[str, pl.DataType]] = {
    "page": pl.String(),
    "dwell": pl.Float64(),
    "clicks": pl.Float64(),
    "channel": pl.String(),
    "message": pl.String(),
    "event_id": pl.String(),
    "machine_open": pl.Boolean(),
}
_SWITCHES: Final = ("with_channel", "with_message")


@dataclass(frozen=True)
class EventRoles:
    """The columns that play the parts of an event.

    Parameters
    ----------
    client, timestamp, kind
        Columns of those roles.
    page, dwell, clicks, channel, message, event_id, machine_open
        Columns of those roles. None: the column of the role's own name, where there is one.
    where
        SQL condition; rows for which it is false or null are dropped and counted.
    with_channel, with_message
        Whether the channel and the e-mail are read where they are not given: only ledgers show the
        one, and only rules that count once an e-mail need the other.

    Examples
    --------
    >>> from grc_fast.behaviour.events import EventRoles
    >>> EventRoles(client="user_id", kind="event").column("page")
    'page'
    """

    client: str = "client_id"
    timestamp: str = "timestamp"
    kind: str = "kind"
    page: str | None = None
    dwell: str | None = None
    clicks: str | None = None
    channel: str | None = None
    message: str | None = None
    event_id: str | None = None
    machine_open: str | None = None
    where: str | None = None
    with_channel: bool = False
    with_message: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            optional = field.name in OPTIONAL or field.name == "where"
            if field.name in _SWITCHES or (optional and value is None):
                continue
            column(field.name, value)

    def column(self, role: str) -> str:
        """Return the column of a role, whether the table has it or not."""
        given: str | None = getattr(self, role)
        return role if given is None else given

    def text_columns(self) -> frozenset[str]:
        """Columns that a text file must not turn into numbers: `00123` is not `123`."""
        texts = ("page", "channel", "message", "event_id")
        return frozenset(
            (self.client, self.timestamp, self.kind, *(self.column(role) for role in texts))
        )

    def date_columns(self) -> frozenset[str]:
        """Return the column of the instant."""
        return frozenset((self.timestamp,))

    def amount_columns(self, header: Iterable[str]) -> frozenset[str]:
        """Columns of `header` that hold numbers."""
        return frozenset((self.column("dwell"), self.column("clicks"))) & frozenset(header)

    def where_columns(self, header: Iterable[str]) -> frozenset[str]:
        """Columns of `header` whose type is that of their values."""
        read = {self.column("machine_open")}
        if self.where is not None:
            read |= roots_or_nothing(self.where)  # `resolve` says what is wrong with it
        return frozenset(read) & frozenset(header)

    def sql_columns(self, header: Iterable[str]) -> frozenset[str]:
        """Columns of `header` that SQL reads, and the one of true and false."""
        return self.where_columns(header) | self.sql_text_columns(header)

    def sql_text_columns(self, header: Iterable[str]) -> frozenset[str]:
        """Columns of `header` that the SQL of client and instant reads."""
        return columns_of_sql((self.client, self.timestamp), header)

    def id_columns(self) -> list[tuple[str, str, str]]:
        """List the id columns that every table has: role, column, name in the projection."""
        return [("client", self.client, "client")]

    def resolve(
        self, schema: pl.Schema, *, place: str, text_names: Mapping[str, str] | None = None
    ) -> Projection:
        """Find every role in a table's schema.

        Raises
        ------
        ColumnError
            If a column is missing, or of a type that its role does not take.
        OptionError
            If the condition cannot be read.
        """
        found = _EventTable(schema, place, text_names or {})
        expressions = [
            found.id_column(self.client, "client").alias("client"),
            found.instant(self.timestamp).alias("timestamp"),
            found.text(self.kind, "kind").alias("kind"),
        ]
        for role in OPTIONAL:
            name, given = self.column(role), getattr(self, role) is not None
            needed = getattr(self, f"with_{role}", True)
            if not given and (not needed or name not in schema):
                continue
            expressions.append(found.optional(name, role).alias(role))
        if self.where is not None:
            expressions.append(found.condition(self.where).alias("keep"))
        return Projection.of(expressions, schema)


#: The roles that a caller may name.
ROLES: Final = tuple(name for name in EventRoles.__dataclass_fields__ if name not in _SWITCHES)


class _EventTable(Table):
    """A table to find the roles of events in."""

    def instant(self, name: str) -> pl.Expr:
        return self.moments(
            name,
            "timestamp",
            empty=pl.Datetime("us"),
            wanted="it must hold a date and time, or ISO text such as 2026-11-01T10:00",
        )

    def text(self, name: str, role: str) -> pl.Expr:
        require_column(name, role, self.schema.names(), self.place)
        dtype, column = self.schema[name], pl.col(name)
        if name in self.text_names:
            return pl.col(self.text_names[name])
        if isinstance(dtype, (pl.String, pl.Categorical, pl.Enum)):
            return column
        if dtype.is_integer() or isinstance(dtype, pl.Null):
            return column.cast(pl.String)
        raise self._wrong(name, role, "text, or integers")

    def optional(self, name: str, role: str) -> pl.Expr:
        if role in ("page", "channel", "message"):
            return self.text(name, role)
        if role == "event_id":
            require_column(name, role, self.schema.names(), self.place)
            if name in self.text_names:
                return pl.col(self.text_names[name])
            return id_expression(pl.col(name), name, role, self.schema[name], self.place)
        require_column(name, role, self.schema.names(), self.place)
        return self.truth(name, role) if role == "machine_open" else self._number(name, role)

    def _number(self, name: str, role: str) -> pl.Expr:
        dtype, column = self.schema[name], pl.col(name)
        if role == "dwell" and isinstance(dtype, pl.Duration):
            return column.dt.total_microseconds() / 1e6
        if dtype in (pl.Float64, pl.Float32) or (dtype.is_integer() and dtype != pl.Int128):
            return column
        if dtype.is_numeric() or isinstance(dtype, pl.Null):
            return column.cast(pl.Float64)
        what = "a number of seconds" if role == "dwell" else "a whole number"
        raise self._wrong(name, role, what)

    def _wrong(self, name: str, role: str, what: str) -> ColumnError:
        return ColumnError(
            f"the {role} column {name!r} of {self.place} holds {describe(self.schema[name])}: "
            f"it must hold {what}"
        )


def open_events(source: object, roles: EventRoles, text: TextOptions) -> tuple[Source, Opened]:
    """Open a source of events; all of its parts get the same columns, in the same types.

    Raises
    ------
    SourceError, ColumnError, OptionError
        As `Source.open`.
    """
    read = open_source(source, text)
    opened = read.open(roles)
    pairs = list(opened.parts)
    for name in [name for name in OPTIONAL if has_role(opened, name)]:
        pairs = _common(name, pairs)
    return read, replace(opened, parts=tuple(pairs))


def has_role(opened: Opened, name: str) -> bool:
    """Whether any part has a column of an optional role."""
    return any(_has(part, name) for part in opened.parts)


def _has(pair: tuple[Part, Projection], name: str) -> bool:
    return any(part.meta.output_name() == name for part in pair[1].expressions)


def _common(name: str, pairs: list[tuple[Part, Projection]]) -> list[tuple[Part, Projection]]:
    """Give every part the column, in a type that holds what each of them has."""
    dtypes = [
        projection.types(part.schema)[name] if _has((part, projection), name) else None
        for part, projection in pairs
    ]
    if None not in dtypes and len(set(dtypes)) == 1:
        return pairs
    dtype = _common_type(name, [known for known in dtypes if known is not None])
    return [
        (part, _cast_or_null(projection, name, dtype, there=known is not None))
        for (part, projection), known in zip(pairs, dtypes, strict=True)
    ]


def _common_type(name: str, dtypes: list[pl.DataType]) -> pl.DataType:
    if len(set(dtypes)) == 1:
        return dtypes[0]
    if name != "event_id":
        return OPTIONAL[name]
    if len({dtype.is_numeric() for dtype in dtypes}) > 1:
        raise ColumnError(
            "the event ids are text in one file and numbers in another: cast one of the columns"
        )
    if pl.UInt64 in dtypes and any(dtype.is_signed_integer() for dtype in dtypes):
        raise ColumnError(
            "the event ids are signed in one file and UInt64 in another: cast one of the columns"
        )
    return pl.UInt64() if pl.UInt64 in dtypes else pl.Int64()


def _cast_or_null(
    projection: Projection, name: str, dtype: pl.DataType, *, there: bool
) -> Projection:
    if there:
        return projection.cast(name, dtype)
    nulls = pl.lit(None, dtype=dtype).alias(name)
    return Projection((*projection.expressions, nulls), projection.columns)
