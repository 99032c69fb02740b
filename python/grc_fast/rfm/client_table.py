"""The clients that are fitted or scored: facts, or any frame of one row a client."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, cast

import polars as pl

from grc_fast._utils.dates import day_number, parse_day
from grc_fast._utils.messages import describe, listing, suggestion
from grc_fast.errors import ColumnError, DataError, OptionError
from grc_fast.facts.frames import to_frame
from grc_fast.facts.table import CLIENT, STATUS, STATUSES, Facts
from grc_fast.io.ids import id_expression, not_whole
from grc_fast.rfm.criteria import Criterion

DATES: Final = ("first_purchase", "last_purchase")
_PLACE: Final = "the frame of clients"


@dataclass(frozen=True)
class ClientRows:
    """One row a client, ascending by client id, and the day they are seen from.

    Attributes
    ----------
    frame
        The client id, every criterion's column, and whatever else the frame came with.
    as_of
        The day recency is counted from, where known.
    scored
        Which rows are scored; None if all are.
    """

    frame: pl.DataFrame
    as_of: dt.date | None
    scored: pl.Series | None

    @property
    def ids(self) -> pl.Series:
        """The client ids."""
        return self.frame[CLIENT]

    @property
    def height(self) -> int:
        """How many clients are scored."""
        return self.frame.height if self.scored is None else int(self.scored.sum())

    def scored_only(self, values: pl.Series) -> pl.Series:
        """Return the values with null where the client is not scored."""
        return keep_where(values, self.scored)


def keep_where(values: pl.Series, keep: pl.Series | None) -> pl.Series:
    """Return the values with null where `keep` is false."""
    if keep is None:
        return values
    return pl.select(pl.when(keep).then(values)).to_series().alias(values.name)


def read_clients(data: object, criteria: Sequence[Criterion], as_of: object = None) -> ClientRows:
    """Read facts, a Polars frame, or a pandas or Arrow table, and check it.

    Raises
    ------
    ColumnError
        If a column is missing or of a type that is not taken.
    DataError
        If a client has two rows or no id.
    OptionError
        If `as_of` is not a day, or not the day of the facts.
    """
    day = day_of(data, as_of)
    frame = to_frame(data)
    check_columns(frame.schema, criteria)
    frame = with_plain_ids(frame)
    names: set[str] = {criterion.name for criterion in criteria}
    if not (isinstance(data, Facts) and data._from_pass):
        frame = ascending(_nan_to_null(frame, names))
    return ClientRows(frame, day, _scored_rows(frame, names))


def day_of(data: object, as_of: object) -> dt.date | None:
    """Return the day that recency is counted from: that of the facts, or the one given."""
    given = None if as_of is None else parse_day(as_of)
    if not isinstance(data, Facts):
        return given
    if given is not None and given != data.as_of:
        raise OptionError(
            f"as_of is {given}, but these facts are counted from {data.as_of}: leave as_of out, or "
            "collect the facts again"
        )
    return data.as_of


def check_columns(schema: pl.Schema, criteria: Sequence[Criterion]) -> None:
    """Refuse a table without the columns of the criteria, or with columns of a wrong type."""
    names = schema.names()
    for name in (CLIENT, *(criterion.name for criterion in criteria)):
        if name not in names:
            raise ColumnError(
                f"{_PLACE} has no column {name!r}{suggestion(name, names)}{listing(names)}; the "
                "facts of RFM(…).facts(…) have all that is needed"
            )
    id_expression(pl.col(CLIENT), CLIENT, "client", schema[CLIENT], _PLACE)
    for criterion in criteria:
        dtype = schema[criterion.name]
        if not (dtype.is_numeric() or dtype == pl.Null):
            raise ColumnError(
                f"the column {criterion.name!r} of {_PLACE} holds {describe(dtype)}: it must hold "
                "numbers"
            )
    for name in DATES:
        if name in names and not isinstance(schema[name], pl.Date | pl.Datetime | pl.Null):
            raise ColumnError(
                f"the column {name!r} of {_PLACE} holds {describe(schema[name])}: it must hold "
                "dates"
            )


def output_columns(
    schema: pl.Schema, criteria: Sequence[Criterion], *, nan_to_null: bool
) -> list[pl.Expr]:
    """Return the columns that come before the points, in their contractual order and types."""
    columns = [pl.col(CLIENT)]
    if has_status(schema):
        columns.append(pl.col(STATUS))
    columns += [pl.col(name).cast(pl.Date) for name in DATES if name in schema]
    typed = [_typed(criterion, schema[criterion.name]) for criterion in criteria]
    if not nan_to_null:
        return columns + typed
    floats = [schema[criterion.name].is_float() for criterion in criteria]
    return columns + [
        column.fill_nan(None) if is_float else column
        for column, is_float in zip(typed, floats, strict=True)
    ]


def output_names(schema: pl.Schema, criteria: Sequence[Criterion]) -> list[str]:
    """Return the names of `output_columns`."""
    columns = output_columns(schema, criteria, nan_to_null=False)
    return [column.meta.output_name() for column in columns]


def has_status(schema: pl.Schema) -> bool:
    """Whether the table says who is scored: a column `status` of the type that facts give it.

    Another column of that name is the user's own and is left aside.
    """
    return schema.get(STATUS) == STATUSES


def scored_expr(schema: pl.Schema, names: set[str]) -> pl.Expr | None:
    """Return which rows are scored: those with a recency, and the status `scored` if there is one.

    None if every row is, so far as the columns tell.
    """
    tests: list[pl.Expr] = []
    if "recency" in names:
        recency = pl.col("recency")
        if schema["recency"].is_float():
            recency = recency.fill_nan(None)
        tests.append(recency.is_not_null())
    if has_status(schema):
        tests.append((pl.col(STATUS) == "scored").fill_null(value=False))
    return pl.all_horizontal(tests) if tests else None


def tenure_expr(schema: pl.Schema, as_of: dt.date | None) -> pl.Expr | None:
    """Return the days since the first purchase, or None where the table cannot tell them."""
    if "first_purchase" not in schema:
        return None
    first = pl.col("first_purchase").cast(pl.Date).cast(pl.Int32)
    if as_of is not None:
        return pl.lit(day_number(as_of), dtype=pl.Int32) - first
    if "last_purchase" not in schema or "recency" not in schema:
        return None
    last = pl.col("last_purchase").cast(pl.Date).cast(pl.Int32)
    return pl.col("recency").cast(pl.Int32, strict=False) + (last - first)


def refuse_float_ids(schema: pl.Schema) -> None:
    """Refuse ids that only a look at the values could turn into whole numbers."""
    if schema[CLIENT].is_float():
        raise ColumnError(
            f"the column {CLIENT!r} of the LazyFrame holds {describe(schema[CLIENT])}: cast it to "
            "pl.Int64 first"
        )


def plain_id(dtype: pl.DataType) -> pl.Expr:
    """Return the client ids, text in all its guises as plain text."""
    return id_expression(pl.col(CLIENT), CLIENT, "client", dtype, _PLACE)


def _typed(criterion: Criterion, dtype: pl.DataType) -> pl.Expr:
    """Return a criterion's column in the type that scores have; fractions stay fractions."""
    column = pl.col(criterion.name)
    if dtype.is_float():
        return column.cast(pl.Float64)
    if criterion.name == "monetary":
        return column if isinstance(dtype, pl.Decimal) else column.cast(pl.Float64)
    if criterion.measure == "mean_gap" or isinstance(dtype, pl.Decimal):
        return column.cast(pl.Float64)
    return column.cast(pl.Int32 if criterion.name == "recency" else pl.UInt32)


def check_counts(rows: ClientRows, criteria: Sequence[Criterion]) -> None:
    """Refuse whole numbers that the type of the scores cannot hold (a negative frequency)."""
    for criterion in criteria:
        values = rows.frame[criterion.name]
        target = rows.frame.lazy().select(_typed(criterion, values.dtype)).collect_schema()
        dtype = target.dtypes()[0]
        if not (values.dtype.is_integer() and dtype.is_integer()) or values.dtype == dtype:
            continue
        lost = values.is_not_null() & values.cast(dtype, strict=False).is_null()
        if lost.any():
            row = cast(int, lost.arg_max())
            raise DataError(
                f"{criterion.name}: the value {values[row]} of client {rows.ids[row]!r} is out of "
                f"the range of {dtype}: check it, or cast the column to Float64"
            )


def with_plain_ids(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with ids as numbers or plain text."""
    ids = frame[CLIENT]
    if ids.dtype.is_float():
        return frame.with_columns(_whole_ids(ids))
    if ids.dtype.is_integer() or ids.dtype == pl.String:
        return frame
    return frame.with_columns(plain_id(ids.dtype))


def _whole_ids(ids: pl.Series) -> pl.Series:
    """Return ids that came as floats as integers."""
    wrong = not_whole(ids)
    if len(wrong):
        raise DataError(
            f"{CLIENT}: {wrong[0]!r} is not a whole number within 2^53: give ids as integers or "
            "text"
        )
    return ids.cast(pl.Int64)


def _nan_to_null(frame: pl.DataFrame, names: Collection[str]) -> pl.DataFrame:
    """Return the frame with null for NaN in the named columns."""
    floats = [name for name in names if frame.schema[name].is_float()]
    holed = [name for name in floats if frame[name].is_nan().any()]
    return frame.with_columns(pl.col(holed).fill_nan(None)) if holed else frame


def ascending(frame: pl.DataFrame, place: str = _PLACE) -> pl.DataFrame:
    """Return the frame ascending by client id; a client twice or without id is an error."""
    ids = frame[CLIENT]
    if ids.null_count():
        raise DataError(
            f"{CLIENT} is null in {ids.null_count()} rows of {place}: remove or fill them"
        )
    if not ids.is_sorted():
        frame = frame.sort(CLIENT)
        ids = frame[CLIENT]
    # Slices, where a shift would copy the column.
    again = ids.slice(1) == ids.slice(0, max(len(ids) - 1, 0))
    if again.any():
        first = ids[cast(int, again.arg_max())]
        raise DataError(
            f"client {first!r} has several rows in {place}: give one row a client (group by "
            f"{CLIENT} first)"
        )
    return frame


def _scored_rows(frame: pl.DataFrame, names: set[str]) -> pl.Series | None:
    """Return which rows are scored, None if all are."""
    test = scored_expr(frame.schema, names)
    if test is None:
        return None
    scored = frame.select(scored=test)["scored"]
    return None if scored.all() else scored
