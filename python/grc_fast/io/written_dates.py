"""Dates that are text, or numbers that count, where a table gives them: read by their form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from grc_fast.errors import ColumnError
from grc_fast.io.roles import Projection, TableRoles
from grc_fast.io.source import Part, WrappedPart
from grc_fast.io.text_columns import DateColumn, UnreadError
from grc_fast.io.text_options import TextOptions

# What the date is called in a projection, of sales and of events.
_DATES = ("date", "timestamp")


@dataclass
class WrittenDatesPart(WrappedPart):
    """A table whose dates come as text, or as numbers that count from a day.

    Attributes
    ----------
    options
        What the user says of dates.
    in_condition
        Whether the condition reads the dates, as the text that they are.
    """

    options: TextOptions = field(default_factory=TextOptions)
    in_condition: bool = False

    def select(self, projection: Projection) -> Iterator[pl.DataFrame]:
        """Give the projection's columns, dates as such."""
        before = 0
        column: DateColumn | None = None
        for batch in self.inner.select(projection):
            name = next((name for name in _DATES if name in batch.columns), None)
            if name is None or not _is_written(batch[name].dtype):
                yield batch
                continue
            texts = _as_text(batch[name])
            try:
                if column is None:
                    column = self._column(projection, name)
                    column.decide(texts)
                    self._check_condition(column)
                dates = column.read(texts)
            except UnreadError as error:
                assert column is not None
                row = error.row_of_all(before)
                line = self.line_of_row(row)
                where = f"row {row:,}" if line is None else f"line {line}"
                raise error.told(f"{self.place}, {where}", column.name) from None
            before += batch.height
            yield batch.with_columns(dates.alias(name))

    def _check_condition(self, column: DateColumn) -> None:
        """Refuse to compare dates as text where its order is not that of days."""
        if self.in_condition and column.dates.form != "iso":
            raise ColumnError(
                f"the where condition reads {column.name!r} of {self.place}, which is text that is "
                f"no ISO date ({column.dates.wording}): write the dates as 2026-11-01"
            )

    def _column(self, projection: Projection, name: str) -> DateColumn:
        expression = next(
            part for part in projection.expressions if part.meta.output_name() == name
        )
        alone = Projection.of([expression], self.schema)
        roots = expression.meta.root_names()
        shown = roots[0] if len(roots) == 1 else name

        def values() -> Iterator[pl.Series]:
            for batch in self.inner.select(alone):
                yield _as_text(batch[name])

        return DateColumn(shown, f"{self.place}: the column {shown!r}", self.options, values)


def with_written_dates(part: Part, roles: TableRoles, options: TextOptions) -> Part:
    """Let a table's dates be read by their form, where they are numbers or text.

    Numbers are dates only where the user says what they count, or how they are written.
    """
    schema = dict(part.schema)
    if options.date_format is not None:
        schema |= {
            name: pl.String()
            for name in roles.date_columns()
            if name in schema and schema[name].is_numeric()
        }
    in_condition = bool(roles.date_columns() & roles.where_columns(schema))
    return WrittenDatesPart(
        part.place,
        pl.Schema(schema),
        part.text_names,
        inner=part,
        options=options,
        in_condition=in_condition,
    )


def _is_written(dtype: pl.DataType) -> bool:
    return dtype == pl.String or dtype.is_numeric()


def _as_text(values: pl.Series) -> pl.Series:
    if values.dtype.is_float():
        values = values.fill_nan(None)
        whole = (values == values.floor()).fill_null(value=True).all()
        values = values.cast(pl.Int64) if whole else values
    return values.cast(pl.String)
