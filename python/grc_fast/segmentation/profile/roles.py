"""Which columns of sales a profile reads beside those of every pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from grc_fast._utils.checks import column
from grc_fast.io.roles import Projection, Roles, Table, columns_of_sql
from grc_fast.io.sql import roots_or_nothing

#: Roles that sales may lack: taken from the column of their own name unless another is given.
LABELS: Final = ("category", "channel")
PROMO: Final = "promo"


@dataclass(frozen=True)
class ProfileRoles(Roles):
    """The columns that play the parts of a sale in a profile.

    Parameters
    ----------
    category, channel
        Columns, or SQL, of what was bought and where. None: the column of that name, if any.
    promo
        Column of true and false, or SQL: whether the line was on promotion. None: likewise.
    """

    category: str | None = None
    channel: str | None = None
    promo: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for role in (*LABELS, PROMO):
            if getattr(self, role) is not None:
                column(role, getattr(self, role))

    def named(self, role: str) -> str:
        """Return the column of a role, or its SQL, whether the table has it or not."""
        given: str | None = getattr(self, role)
        return role if given is None else given

    def text_columns(self) -> frozenset[str]:
        """Columns that a text file must not turn into numbers."""
        return super().text_columns() | {self.named(role) for role in LABELS}

    def where_columns(self, header: Iterable[str]) -> frozenset[str]:
        """Columns of `header` whose type is that of their values."""
        header = frozenset(header)
        promo = self.named(PROMO)
        read = {promo} if promo in header else roots_or_nothing(promo)
        return super().where_columns(header) | (read & header)

    def sql_columns(self, header: Iterable[str]) -> frozenset[str]:
        """Columns of `header` that SQL reads."""
        header = frozenset(header)
        labels = [self.named(role) for role in LABELS]
        return super().sql_columns(header) | columns_of_sql(labels, header)

    def sql_text_columns(self, header: Iterable[str]) -> frozenset[str]:
        """Columns of `header` that SQL reads as the text that they are."""
        header = frozenset(header)
        labels = [self.named(role) for role in LABELS]
        return super().sql_text_columns(header) | columns_of_sql(labels, header)

    def resolve(
        self, schema: pl.Schema, *, place: str, text_names: Mapping[str, str] | None = None
    ) -> Projection:
        """Find every role in a table's schema.

        Raises
        ------
        ColumnError, OptionError
            As `Roles.resolve`.
        """
        found = super().resolve(schema, place=place, text_names=text_names)
        table = Table(schema, place, text_names or {})
        expressions = list(found.expressions)
        expressions += [
            table.id_column(self.named(role), role).alias(role)
            for role in LABELS
            if getattr(self, role) is not None or role in schema
        ]
        if self.promo is not None or PROMO in schema:
            expressions.append(table.truth(self.named(PROMO), PROMO).alias(PROMO))
        return Projection.of(expressions, schema)
