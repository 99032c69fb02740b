"""Which column of a table plays which part: client, date, amount, order and the `where` filter.

A role is a column name; the amount and the filter may be SQL. Everything that can be wrong with
them is found here, against the schema, before any row is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from grc_fast._utils.checks import column
from grc_fast._utils.messages import describe, first_line, listing, suggestion
from grc_fast.errors import ColumnError, OptionError
from grc_fast.io.ids import INTEGERS_WIDE, id_expression
from grc_fast.io.sql import DAY_LITERAL, QUOTED, SEVERAL_ROWS, roots_or_nothing


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

    def types(self, schema: pl.Schema) -> pl.Schema:
        """Give the types of the expressions on a table."""
        return pl.LazyFrame(schema=schema).select(self.expressions).collect_schema()

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

    def amount_columns(self, header: Iterable[str], /) -> frozenset[str]:
        """Columns of `header` that hold numbers."""

    def where_columns(self, header: Iterable[str], /) -> frozenset[str]:
        """Columns of `header` whose type is that of their values."""

    def sql_columns(self, header: Iterable[str], /) -> frozenset[str]:
        """Columns of `header` that SQL reads."""

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
        Column of the money, or an SQL expression over the table's columns.
    order
        Column of the order's id, several columns that make it together, or None: each row is an
        order.
    where
        SQL condition; rows for which it is false or null are dropped and counted.
    amount_role
        What errors call the amount, as other money may be read in its place.

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
        """Columns of `header` that SQL reads: the filter, and an amount that is no column."""
        header = list(header)
        amount = frozenset() if self.amount in header else self.amount_columns(header)
        return self.where_columns(header) | amount

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
            Columns whose ids or dates stand as text under another name of the schema, because
            SQL sees them as numbers (CSV files).

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
            table.id_column(self.client, "client").alias("client"),
            table.date_column(self.date).alias("date"),
        ]
        amount, read = table.amount(self.amount, self.amount_role)
        expressions.append(amount.alias("amount"))
        for position, name in enumerate(self.orders):
            expressions.append(table.id_column(name, "order").alias(f"order_{position}"))
        read |= {self.client, self.date, *self.orders}
        if self.where is not None:
            keep, filter_columns = table.condition(self.where)
            expressions.append(keep.alias("keep"))
            read |= filter_columns
        return Projection(tuple(expressions), tuple(name for name in schema if name in read))


@dataclass(frozen=True)
class Table:
    """A table to find roles in: its schema, its name in errors, the names of its text copies."""

    schema: pl.Schema
    place: str
    text_names: Mapping[str, str]

    def id_column(self, name: str, role: str) -> pl.Expr:
        """Select the ids of a role."""
        require_column(name, role, self.schema.names(), self.place)
        if name in self.text_names:
            return pl.col(self.text_names[name])
        return id_expression(name, role, self.schema[name], self.place)

    def date_column(self, name: str) -> pl.Expr:
        """Select the dates."""
        found = self.moments(name, "date", empty=pl.Date())
        if found is None:
            raise ColumnError(
                f"the date column {name!r} of {self.place} holds {describe(self.schema[name])}: "
                "make it a date, a date and time, or ISO text such as 2026-11-01"
            )
        return found

    def moments(self, name: str, role: str, *, empty: pl.DataType) -> pl.Expr | None:
        """Select dates, dates and times, or texts of them; None if the column holds other things.

        A column of nulls alone is read as of the type `empty`.
        """
        require_column(name, role, self.schema.names(), self.place)
        dtype, column = self.schema[name], pl.col(name)
        if name in self.text_names:
            return pl.col(self.text_names[name])
        if isinstance(dtype, (pl.Categorical, pl.Enum)):
            return column.cast(pl.String)
        if isinstance(dtype, pl.Null):
            return column.cast(empty)
        return column if isinstance(dtype, (pl.Date, pl.Datetime, pl.String)) else None

    def amount(self, amount: str, role: str = "amount") -> tuple[pl.Expr, set[str]]:
        """Give the amount, a column or SQL, and the columns it reads."""
        if amount in self.schema:
            return self._amount_column(amount, role), {amount}
        expression, dtype = self._sql(role, amount)
        if not _is_money(dtype):
            raise ColumnError(
                f"the {role} {amount!r} gives {describe(dtype)} on {self.place}: "
                "it must give a number"
            )
        return _money_expression(expression, dtype), set(expression.meta.root_names())

    def condition(self, where: str) -> tuple[pl.Expr, set[str]]:
        """Give the `where` condition and the columns it reads."""
        expression, dtype = self._sql("where", where)
        if isinstance(dtype, pl.Null):
            expression = expression.cast(pl.Boolean)
        elif not isinstance(dtype, pl.Boolean):
            raise OptionError(
                f"the condition {where!r} gives {describe(dtype)} on {self.place}: `where` must "
                "be true or false, such as \"channel = 'shop'\""
            )
        return expression, set(expression.meta.root_names())

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
        return _money_expression(pl.col(name), dtype)

    def _sql(self, role: str, sql: str) -> tuple[pl.Expr, pl.DataType]:
        """Read SQL and find the type it gives.

        Polars compares dates with `DATE '2026-01-31'` only, and dates that are text (as in CSV)
        with `'2026-01-31'` only: each form will do for both.
        """
        expression = self._read_sql(role, sql)
        forms = [sql, DAY_LITERAL.sub(r"DATE '\1'", sql), DAY_LITERAL.sub(r"'\1'", sql)]
        faults = []
        for form in dict.fromkeys(forms):
            try:
                expression = pl.sql_expr(form)
                dtypes = pl.LazyFrame(schema=self.schema).select(expression).collect_schema()
                return expression, dtypes.dtypes()[0]
            except pl.exceptions.PolarsError as error:
                faults.append(first_line(error))
        kinds = ", ".join(
            f"{name} holds {describe(self.schema[name])}"
            for name in dict.fromkeys(expression.meta.root_names())
        )
        raise ColumnError(
            f"the {role} {sql!r} cannot be computed on {self.place}: {faults[0]} ({kinds})"
        )

    def _read_sql(self, role: str, sql: str) -> pl.Expr:
        """Parse SQL and look up its columns; it must give one value a row."""
        columns = self.schema.names()
        try:
            expression = pl.sql_expr(sql)
        except pl.exceptions.PolarsError as error:
            kind = "not" if role == "where" else "neither a column nor"
            raise OptionError(
                f"the {role} {sql!r} is {kind} SQL that can be read on {self.place} "
                f"({first_line(error)}){suggestion(sql, columns)}{listing(columns)}"
            ) from None
        for name in dict.fromkeys(expression.meta.root_names()):
            if name not in columns:
                within = "" if name == sql else f" (in {sql!r})"
                raise ColumnError(
                    f"{self.place} has no column {name!r} for the role {role}{within}"
                    f"{suggestion(name, columns)}{listing(columns)}"
                )
        if SEVERAL_ROWS.search(QUOTED.sub("''", sql)):
            raise OptionError(
                f"the {role} {sql!r} looks at several rows at once: it must be computed from one "
                "row alone, since rows are read in batches"
            )
        return expression


def require_column(name: str, role: str, columns: Sequence[str], place: str) -> None:
    """Raise a ColumnError that names the nearest columns unless `name` is one of them."""
    if name not in columns:
        raise ColumnError(
            f"{place} has no column {name!r} for the role {role}{suggestion(name, columns)}"
            f"{listing(columns)}"
        )


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
