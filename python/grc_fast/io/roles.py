"""Which column of a table plays which part: client, date, amount, order and the `where` filter.

A role is a column name; the amount and the filter may be SQL. Everything that can be wrong with
them is found here, against the schema, before any row is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import polars as pl

from grc_fast._utils.checks import column
from grc_fast._utils.messages import describe, first_line, listing, quoted_sql, suggestion
from grc_fast.errors import ColumnError, OptionError
from grc_fast.io.ids import INTEGERS_WIDE, TakeIds, id_expression
from grc_fast.io.sql import DAY_LITERAL, QUOTED, SEVERAL_ROWS, roots_or_nothing, sql_expression
from grc_fast.io.text_options import said

WIDEST_DECIMAL: Final = 38


class SqlTypeError(ColumnError):
    """SQL that does not go with the types of its columns.

    Attributes
    ----------
    columns
        The columns that it reads.
    """

    def __init__(self, message: str, columns: tuple[str, ...]) -> None:
        super().__init__(message)
        self.columns = columns


@dataclass(frozen=True)
class Projection:
    """What is taken from a table: expressions named by role, and the columns they read.

    Attributes
    ----------
    expressions
        `client`, `date`, `amount`, `order_0` …, and `keep` where there is a `where`.
    columns
        The columns of the table that the expressions read, in the table's order.
    """

    expressions: tuple[pl.Expr, ...]
    columns: tuple[str, ...]

    @classmethod
    def of(cls, expressions: Iterable[pl.Expr], schema: pl.Schema) -> Projection:
        """Take expressions over a table, and find the columns that they read."""
        expressions = tuple(expressions)
        read = {name for expression in expressions for name in expression.meta.root_names()}
        return cls(expressions, tuple(name for name in schema if name in read))

    def types(self, schema: pl.Schema) -> pl.Schema:
        """Give the types of the expressions on a table."""
        read = {name: schema[name] for name in self.columns}
        return pl.LazyFrame(schema=read).select(self.expressions).collect_schema()

    def cast(self, name: str, dtype: pl.DataType) -> Projection:
        """Cast the expression of a name."""
        expressions = [
            expression.cast(dtype) if expression.meta.output_name() == name else expression
            for expression in self.expressions
        ]
        return Projection(tuple(expressions), self.columns)


class TableRoles(Protocol):
    """The columns of one kind of table, as sources need to know them."""

    @property
    def client(self) -> str:
        """The column of the client's id."""

    def text_columns(self) -> frozenset[str]:
        """Columns that a text file must not turn into numbers."""

    def date_columns(self) -> frozenset[str]:
        """Columns among those that hold dates."""

    def amount_columns(self, header: Iterable[str], /) -> frozenset[str]:
        """Columns of `header` that hold numbers."""

    def where_columns(self, header: Iterable[str], /) -> frozenset[str]:
        """Columns of `header` whose type is that of their values."""

    def sql_columns(self, header: Iterable[str], /) -> frozenset[str]:
        """Columns of `header` that SQL reads."""

    def sql_text_columns(self, header: Iterable[str], /) -> frozenset[str]:
        """Columns of `header` that SQL reads as the text that they are: of ids and dates."""

    def id_columns(self) -> list[tuple[str, str, str]]:
        """List the id columns: role, column, name in the projection."""

    def resolve(
        self, schema: pl.Schema, *, place: str, text_names: Mapping[str, str] | None = None
    ) -> Projection:
        """Find every role in a table's schema."""


@dataclass(frozen=True)
class Roles:
    """The columns that play the parts of a sale.

    Parameters
    ----------
    client
        Column of the client's id: integers, text, Categorical or Enum (read as text), or whole
        floats.
    date
        Column of the day or instant of the sale: Date, Datetime or ISO text.
    amount
        Column of the money.
    order
        Column of the order's id, several columns that make it together, or None: each row is an
        order.
    where
        SQL condition; rows for which it is false or null are dropped and counted.
    amount_role
        What errors call the amount, as other money may be read in its place.
    take_ids
        How ids are taken: empty text as null, or by `ids_as_they_are` for the extension, which
        takes it for no id itself; to look for it beforehand takes a twentieth as long as its pass.

    Each of client, date, amount and order may be an SQL expression over the table's columns
    instead of one of them.

    Examples
    --------
    >>> from grc_fast.io.roles import Roles
    >>> roles = Roles(client="card", amount="quantity * price", order=["store", "ticket"])
    >>> roles.orders
    ('store', 'ticket')
    """

    client: str = "client_id"
    date: str = "date"
    amount: str = "amount"
    order: str | Sequence[str] | None = None
    where: str | None = None
    amount_role: str = "amount"
    take_ids: TakeIds = id_expression

    def __post_init__(self) -> None:
        for role in ("client", "date", "amount"):
            column(role, getattr(self, role))
        if self.where is not None:
            column("where", self.where)
        if self.order is not None and not isinstance(self.order, str):
            try:
                object.__setattr__(self, "order", tuple(self.order))
            except TypeError:
                raise OptionError(
                    f"order must be a column name or a list of them, and {self.order!r} is neither"
                ) from None
        if self.order is not None:
            if not self.orders:
                raise OptionError(
                    "order is an empty list: give a column name, several, or None "
                    "when each row is an order"
                )
            for name in self.orders:
                column("order", name)

    @property
    def orders(self) -> tuple[str, ...]:
        """The order columns, an empty tuple when each row is an order."""
        if self.order is None:
            return ()
        return (self.order,) if isinstance(self.order, str) else tuple(self.order)

    def text_columns(self) -> frozenset[str]:
        """Columns that a text file must not turn into numbers: `00123` is not `123`."""
        return frozenset((self.client, self.date, *self.orders))

    def date_columns(self) -> frozenset[str]:
        """Return the column of the date."""
        return frozenset((self.date,))

    def amount_columns(self, header: Iterable[str]) -> frozenset[str]:
        """Columns of `header` that the amount is made of (none when the SQL cannot be read)."""
        header = list(header)
        if self.amount in header:
            return frozenset((self.amount,))
        return roots_or_nothing(self.amount) & frozenset(header)

    def where_columns(self, header: Iterable[str]) -> frozenset[str]:
        """Columns of `header` that the filter reads (none when the SQL cannot be read)."""
        if self.where is None:
            return frozenset()
        return roots_or_nothing(self.where) & frozenset(header)

    def sql_columns(self, header: Iterable[str]) -> frozenset[str]:
        """Columns of `header` that SQL reads: the filter, and roles that are no columns."""
        roles = (self.client, self.date, self.amount, *self.orders)
        return self.where_columns(header) | columns_of_sql(roles, header)

    def sql_text_columns(self, header: Iterable[str]) -> frozenset[str]:
        """Columns of `header` that the SQL of client, date and order reads."""
        return columns_of_sql((self.client, self.date, *self.orders), header)

    def id_columns(self) -> list[tuple[str, str, str]]:
        """List the id columns: role, column, name in the projection."""
        orders = [("order", name, f"order_{position}") for position, name in enumerate(self.orders)]
        return [("client", self.client, "client"), *orders]

    def resolve(
        self, schema: pl.Schema, *, place: str, text_names: Mapping[str, str] | None = None
    ) -> Projection:
        """Find every role in a table's schema.

        Parameters
        ----------
        schema
            The table's columns and types.
        place
            How errors name the table: a file name, or "the frame".
        text_names
            Where the ids of columns stand as text of which none is empty (CSV files): there, or
            under another name of the schema where SQL sees numbers or dates.

        Returns
        -------
        Projection
            The expressions to select, named by role.

        Raises
        ------
        ColumnError
            If a column is missing, or of a type that its role does not take.
        OptionError
            If an SQL expression cannot be read, or does not give one value a row.

        Examples
        --------
        >>> import polars as pl
        >>> from grc_fast.io.roles import Roles
        >>> schema = pl.Schema({"client_id": pl.Int64, "date": pl.Date, "amount": pl.Float64})
        >>> Roles().resolve(schema, place="the frame").columns
        ('client_id', 'date', 'amount')
        """
        table = Table(schema, place, text_names or {})
        expressions = [
            table.id_column(self.client, "client", self.take_ids).alias("client"),
            table.date_column(self.date).alias("date"),
            table.amount(self.amount, self.amount_role).alias("amount"),
        ]
        for position, name in enumerate(self.orders):
            orders = table.id_column(name, "order", self.take_ids)
            expressions.append(orders.alias(f"order_{position}"))
        if self.where is not None:
            expressions.append(table.condition(self.where).alias("keep"))
        return Projection.of(expressions, schema)


@dataclass(frozen=True)
class ClientRoles:
    """The one column of a table of clients that is read.

    Attributes
    ----------
    names
        What the column may be called, the likeliest first; it may be SQL.
    """

    names: tuple[str, ...]

    @property
    def client(self) -> str:
        """The likeliest name."""
        return self.names[0]

    def text_columns(self) -> frozenset[str]:
        """Columns that a text file must not turn into numbers."""
        return frozenset(self.names)

    def date_columns(self) -> frozenset[str]:
        """Return no column."""
        return frozenset()

    def amount_columns(self, _header: Iterable[str]) -> frozenset[str]:
        """Return no column."""
        return frozenset()

    def where_columns(self, _header: Iterable[str]) -> frozenset[str]:
        """Return no column."""
        return frozenset()

    def sql_columns(self, header: Iterable[str]) -> frozenset[str]:
        """Columns of `header` that SQL reads."""
        return columns_of_sql((self.client,), header)

    def sql_text_columns(self, header: Iterable[str]) -> frozenset[str]:
        """Columns of `header` that hold ids: those of SQL, or the only one there is."""
        header = list(header)
        only = frozenset(header) if len(header) == 1 else frozenset()
        return columns_of_sql((self.client,), header) | only

    def id_columns(self) -> list[tuple[str, str, str]]:
        """Return the column: role, column, name in the projection."""
        return [("client", self.client, "client")]

    def resolve(
        self, schema: pl.Schema, *, place: str, text_names: Mapping[str, str] | None = None
    ) -> Projection:
        """Find the ids in a table's schema: under a name that they may have, or alone.

        Raises
        ------
        ColumnError
            If there are none, or they are of a type that no id has.
        """
        texts = text_names or {}
        columns = [name for name in schema if name in texts or name not in texts.values()]
        name = next((name for name in self.names if name in columns), None)
        if name is None and len(columns) == 1:
            name = columns[0]
        if name is None and not roots_or_nothing(self.client) <= frozenset(columns):
            require_column(self.client, "client", columns, place)
        ids = Table(schema, place, texts).id_column(name or self.client, "client")
        return Projection.of([ids.alias("client")], schema)


@dataclass(frozen=True)
class Table:
    """A table to find roles in: its schema, its name in errors, the names of its text copies."""

    schema: pl.Schema
    place: str
    text_names: Mapping[str, str]

    def id_column(self, name: str, role: str, take_ids: TakeIds = id_expression) -> pl.Expr:
        """Select the ids of a role, or compute them by SQL."""
        if name in self.text_names:
            return pl.col(self.text_names[name])
        column, dtype = self.column_or_sql(name, role)
        return take_ids(column, name, role, dtype, self.place)

    def date_column(self, name: str) -> pl.Expr:
        """Select the dates, or compute them by SQL."""
        return self.moments(
            name,
            "date",
            empty=pl.Date(),
            wanted="make it a date, a date and time, or ISO text such as 2026-11-01",
        )

    def moments(self, name: str, role: str, *, empty: pl.DataType, wanted: str) -> pl.Expr:
        """Select dates, dates and times, or texts of them, or compute them by SQL.

        A column of nulls alone is read as of the type `empty`.
        """
        column, dtype = self.column_or_sql(name, role)
        if isinstance(dtype, (pl.Categorical, pl.Enum)):
            return column.cast(pl.String)
        if isinstance(dtype, pl.Null):
            return column.cast(empty)
        if dtype.is_numeric():
            wanted = (
                f"say what they count by {said('date_format', 'epoch-ms')}, or as excel, epoch-s "
                "or epoch-us; where they are written like 20261101, say %Y%m%d"
            )
        if not isinstance(dtype, (pl.Date, pl.Datetime, pl.String)):
            raise ColumnError(
                f"the {role} column {name!r} of {self.place} holds {describe(dtype)}: {wanted}"
            )
        return column

    def column_or_sql(self, name: str, role: str) -> tuple[pl.Expr, pl.DataType]:
        """Give a column, or what SQL makes of several."""
        columns = self.schema.names()
        if name in columns:
            return pl.col(name), self.schema[name]
        try:
            sql_expression(name)
        except pl.exceptions.PolarsError:
            require_column(name, role, columns, self.place)
        return self._sql(role, name)

    def amount(self, amount: str, role: str = "amount") -> pl.Expr:
        """Give the amount, a column or SQL."""
        if amount in self.schema:
            return self._amount_column(amount, role)
        expression, dtype = self._sql(role, amount)
        if not _is_money(dtype):
            raise ColumnError(
                f"the {role} {quoted_sql(amount)} gives {describe(dtype)} on {self.place}: "
                "it must give a number"
            )
        return _money_expression(expression, dtype)

    def condition(self, sql: str, role: str = "where") -> pl.Expr:
        """Give a condition, as SQL."""
        expression, dtype = self._sql(role, sql)
        if isinstance(dtype, pl.Null):
            expression = expression.cast(pl.Boolean)
        elif not isinstance(dtype, pl.Boolean):
            raise OptionError(
                f"the condition {quoted_sql(sql)} gives {describe(dtype)} on {self.place}: "
                f"`{role}` must be true or false, such as \"channel = 'shop'\""
            )
        return expression

    def truth(self, name: str, role: str) -> pl.Expr:
        """Select a column of true and false, or of 1 and 0, or compute a condition by SQL."""
        if name not in self.schema:
            return self.condition(name, role)
        dtype, column = self.schema[name], pl.col(name)
        if isinstance(dtype, (pl.Boolean, pl.Null)):
            return column.cast(pl.Boolean)
        if dtype.is_integer():
            return column != 0
        raise ColumnError(
            f"the {role} column {name!r} of {self.place} holds {describe(dtype)}: it must hold "
            "true or false"
        )

    def _amount_column(self, name: str, role: str) -> pl.Expr:
        dtype = self.schema[name]
        if isinstance(dtype, (pl.String, pl.Categorical, pl.Enum)):
            raise ColumnError(
                f"the {role} column {name!r} of {self.place} holds text: cast it to a number, or "
                f'give the SQL {role} CAST("{name}" AS DOUBLE)'
            )
        if not _is_money(dtype):
            raise ColumnError(
                f"the {role} column {name!r} of {self.place} holds {describe(dtype)}: "
                "it must hold numbers"
            )
        if is_wide_decimal(dtype):
            raise ColumnError(
                f"the {role} column {name!r} of {self.place} holds {describe(dtype)}: cast "
                f"them to decimals of {WIDEST_DECIMAL} digits"
            )
        return _money_expression(pl.col(name), dtype)

    def _sql(self, role: str, sql: str) -> tuple[pl.Expr, pl.DataType]:
        """Read SQL and find the type it gives.

        Polars compares dates with `DATE '2026-01-31'` only, and dates that are text (as in CSV)
        with `'2026-01-31'` only: each form will do for both.
        """
        expression = self._read_sql(role, sql)
        forms = [sql, DAY_LITERAL.sub(r"DATE '\1'", sql), DAY_LITERAL.sub(r"'\1'", sql)]
        faults = []
        read = {name: self.schema[name] for name in dict.fromkeys(expression.meta.root_names())}
        for form in dict.fromkeys(forms):
            try:
                expression = sql_expression(form)
                # Computed on no rows: some types that do not go together are seen only then.
                computed = pl.DataFrame(schema=read).select(expression)
                return expression, computed.dtypes[0]
            except pl.exceptions.PolarsError as error:
                faults.append(first_line(error))
        kinds = ", ".join(f"{name} holds {describe(dtype)}" for name, dtype in read.items())
        raise SqlTypeError(
            f"the {role} {quoted_sql(sql)} cannot be computed on {self.place}: {faults[0]} "
            f"({kinds})",
            tuple(read),
        )

    def _read_sql(self, role: str, sql: str) -> pl.Expr:
        """Parse SQL and look up its columns; it must give one value a row."""
        columns = self.schema.names()
        try:
            expression = sql_expression(sql)
        except pl.exceptions.PolarsError as error:
            kind = "not" if role == "where" else "neither a column nor"
            raise OptionError(
                f"the {role} {quoted_sql(sql)} is {kind} SQL that can be read on {self.place} "
                f"({first_line(error)}){suggestion(sql, columns)}{listing(columns)}"
            ) from None
        for name in dict.fromkeys(expression.meta.root_names()):
            if name not in columns:
                within = "" if name == sql else f" (in {quoted_sql(sql)})"
                raise ColumnError(
                    f"{self.place} has no column {quoted_sql(name)} for the role {role}{within}"
                    f"{suggestion(name, columns)}{listing(columns)}"
                )
        if SEVERAL_ROWS.search(QUOTED.sub("''", sql)):
            raise OptionError(
                f"the {role} {quoted_sql(sql)} looks at several rows at once: it must be computed "
                "from one row alone, since rows are read in batches"
            )
        return expression


def columns_of_sql(roles: Iterable[str], header: Iterable[str]) -> frozenset[str]:
    """Return the columns that roles read which are SQL, and no columns."""
    header = frozenset(header)
    expressions = (role for role in roles if role not in header)
    return frozenset().union(*(roots_or_nothing(sql) & header for sql in expressions))


def require_column(name: str, role: str, columns: Sequence[str], place: str) -> None:
    """Raise a ColumnError that names the nearest columns unless `name` is one of them."""
    if name not in columns:
        raise ColumnError(
            f"{place} has no column {quoted_sql(name)} for the role {role}"
            f"{suggestion(name, columns)}{listing(columns)}"
        )


def is_wide_decimal(dtype: pl.DataType) -> bool:
    """Tell whether a type is that of decimals of 256 bits, which are in files alone."""
    return isinstance(dtype, pl.Decimal) and dtype.precision > WIDEST_DECIMAL


def _is_money(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or isinstance(dtype, pl.Null)


def _money_expression(expression: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Null):
        return expression.cast(pl.Float64)
    if dtype in INTEGERS_WIDE:
        return expression.cast(pl.Decimal(38, 0))
    if dtype.is_float() and dtype not in (pl.Float32, pl.Float64):
        return expression.cast(pl.Float32)
    return expression


def common_amount(dtypes: Iterable[pl.DataType]) -> pl.DataType | None:
    """Give the type in which the amounts of several tables meet, None if all have the same.

    Examples
    --------
    >>> import polars as pl
    >>> from grc_fast.io.roles import common_amount
    >>> common_amount([pl.Int64(), pl.Decimal(10, 2)])
    Decimal(precision=38, scale=2)
    """
    kinds = list(dict.fromkeys(dtypes))
    if len(kinds) == 1 or all(kind.is_integer() for kind in kinds):
        return None
    if any(kind.is_float() for kind in kinds):
        return pl.Float64()
    return pl.Decimal(38, max(getattr(kind, "scale", 0) for kind in kinds))
