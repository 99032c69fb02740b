"""The small tables of campaigns, responses and scores: their columns, and what these may hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, cast

import polars as pl

from grc_fast.errors import ColumnError, DataError
from grc_fast.roles import describe, id_expression, listing, suggestion

#: How errors name the tables.
SCORES: Final = "the table of scores"
CAMPAIGNS: Final = "the table of campaigns"
RESPONSES: Final = "the table of responses"


def frame_of(table: Any, what: str, names: Sequence[str]) -> pl.DataFrame:
    """Take a table with some columns.

    Raises
    ------
    ColumnError
        If it is none, or lacks one of them.
    """
    if isinstance(table, pl.LazyFrame):
        table = table.collect()
    if not isinstance(table, pl.DataFrame):
        try:
            table = pl.DataFrame(table)
        except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
            raise ColumnError(
                f"{what} must be a table, and {type(table).__name__} is not"
            ) from error
    for name in names:
        if name not in table.columns:
            raise ColumnError(
                f"{what} has no column {name!r}{suggestion(name, table.columns)}"
                f"{listing(table.columns)}"
            )
    return cast(pl.DataFrame, table)


def same_ids(name: str, tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Let the ids of tables that have a column meet: all text, or all integers of one type.

    Raises
    ------
    ColumnError
        If some hold text and some numbers, or anything else.
    """
    holders = {what: frame for what, frame in tables.items() if name in frame.columns}
    if len(holders) < 2:
        return dict(tables)
    found = {what: frame.with_columns(_ids(frame, name, what)) for what, frame in holders.items()}
    # A table of nulls, or of no rows, goes with any.
    kinds = {
        what: frame[name].dtype
        for what, frame in found.items()
        if frame[name].null_count() < frame.height
    }
    if not kinds:
        return dict(tables)
    first, kind = next(iter(kinds.items()))
    for what, other in kinds.items():
        if (kind == pl.String) != (other == pl.String):
            raise ColumnError(
                f"{name} is {describe(kind)} in {first} and {describe(other)} in {what}: ids that "
                "differ in type never meet, so cast one of them"
            )
    wide = kind if all(other == kind for other in kinds.values()) else pl.Int128()
    return {
        what: found[what].with_columns(pl.col(name).cast(wide)) if what in found else frame
        for what, frame in tables.items()
    }


def _ids(frame: pl.DataFrame, name: str, what: str) -> pl.Series:
    expression = id_expression(name, name, frame[name].dtype, what)
    ids = frame.select(expression.alias(name)).to_series()
    return _whole(ids, what) if ids.dtype.is_float() else ids


def whole(frame: pl.DataFrame, name: str, what: str) -> pl.Series:
    """Return a column of whole numbers as integers.

    Raises
    ------
    ColumnError
        If it holds anything else.
    """
    column = frame[name]
    if column.dtype.is_integer():
        return column
    if column.dtype.is_float():
        return _whole(column, what)
    if column.dtype == pl.Null:
        return column.cast(pl.Int64)
    raise ColumnError(f"{what} has {describe(column.dtype)} in {name!r}: write whole numbers")


def _whole(column: pl.Series, what: str) -> pl.Series:
    numbers = column.fill_nan(None)
    # Beyond 2^53 floats have lost the last digits.
    wrong = numbers.filter((numbers != numbers.floor()) | (numbers.abs() > 2.0**53))
    if len(wrong):
        raise ColumnError(
            f"{what} has {wrong[0]} in {column.name!r}, where whole numbers are needed"
        )
    return numbers.cast(pl.Int64)


def flag(frame: pl.DataFrame, name: str, what: str) -> pl.Expr:
    """Return a column of true and false, or of 1 and 0, as Boolean.

    Raises
    ------
    ColumnError
        If it holds anything else.
    """
    dtype = frame[name].dtype
    if dtype == pl.Boolean:
        return pl.col(name)
    if dtype.is_integer() and frame[name].drop_nulls().is_in([0, 1]).all():
        return pl.col(name).cast(pl.Boolean)
    raise ColumnError(f"{what} has {describe(dtype)} in {name!r}: write true or false, 1 or 0")


def days(frame: pl.DataFrame, name: str, what: str) -> pl.Expr:
    """Return a column of dates, dates and times, or ISO text of either, as Date.

    Raises
    ------
    ColumnError
        If it holds anything else.
    """
    dtype = frame[name].dtype
    if dtype == pl.Date or isinstance(dtype, pl.Datetime):
        return pl.col(name).cast(pl.Date)
    if dtype == pl.String:
        for form in ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"):
            with suppress(pl.exceptions.PolarsError):
                return pl.lit(frame[name].str.to_date(form)).alias(name)
    raise ColumnError(
        f"{what} has {describe(dtype)} in {name!r} that are no days: write them as 2026-11-01"
    )


def money(frame: pl.DataFrame, name: str, what: str) -> pl.Expr:
    """Return a column of money as Float64; nulls where there is no such column.

    Raises
    ------
    ColumnError, DataError
        If it holds no numbers, or numbers that are not finite.
    """
    if name not in frame.columns:
        return pl.lit(None, pl.Float64).alias(name)
    column = frame[name]
    if not (column.dtype.is_numeric() or column.dtype == pl.Null):
        raise ColumnError(f"{what} has {describe(column.dtype)} in {name!r}: write numbers")
    numbers = column.cast(pl.Float64)
    if not numbers.is_finite().all():
        raise DataError(f"{what} has a value in {name!r} that is no finite number: leave it empty")
    return pl.lit(numbers).alias(name)
