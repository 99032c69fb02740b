"""Tables between Spark, Arrow and Polars: which type of one is which of another."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import polars as pl

from grc_fast._utils.extras import import_extra
from grc_fast.errors import ColumnError, SourceError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

Table: TypeAlias = "pl.DataFrame | pa.Table"
# Rows that Spark takes from a worker at a time: its own rows of them live outside of Arrow.
_ROWS_OUT: Final = 100_000
# Spark has no unsigned integers: each type in the next that holds it. A count is a `bigint`.
_SIGNED: Final[dict[type[pl.DataType], str]] = {
    pl.Int8: "int8",
    pl.Int16: "int16",
    pl.Int32: "int32",
    pl.Int64: "int64",
    pl.UInt8: "int16",
    pl.UInt16: "int32",
    pl.UInt32: "int64",
    pl.Float64: "float64",
    pl.Boolean: "bool_",
    pl.String: "string",
    pl.Enum: "string",
    pl.Date: "date32",
}


# The types of Spark, as it writes them without their lengths, and those of Arrow.
_ARROW: Final = {
    "boolean": "bool_",
    "tinyint": "int8",
    "smallint": "int16",
    "int": "int32",
    "bigint": "int64",
    "float": "float32",
    "double": "float64",
    "string": "string",
    "varchar": "string",
    "char": "string",
    "binary": "binary",
    "date": "date32",
    "timestamp": "timestamp",
    "timestamp_ntz": "timestamp",
}
_DECIMAL: Final = re.compile(r"decimal\((\d+),(\d+)\)")


def check_frame(frame: object, place: str) -> None:
    """Refuse what is no table of Spark.

    Raises
    ------
    SourceError
        If the extra is missing, or it is none.
    """
    import_extra("pyspark.sql", "spark", "scoring on Spark")
    import_extra("pyarrow", "spark", "scoring on Spark")
    if not hasattr(frame, "mapInArrow"):
        raise SourceError(
            f"{place} must be a DataFrame of Spark, and not a {type(frame).__name__}: make it one "
            "with spark.read or spark.createDataFrame"
        )


def arrow_schema(frame: DataFrame, needed: Collection[str], place: str) -> pa.Schema:
    """Return the columns of a table of Spark; those that are not needed are of the type null.

    Raises
    ------
    ColumnError
        If a needed column is of a type that is not read.
    """
    import pyarrow as pa

    def field(name: str, written: str) -> pa.Field:
        if name not in needed:
            return pa.field(name, pa.null())
        if (decimal := _DECIMAL.fullmatch(written)) is not None:
            return pa.field(name, pa.decimal128(*map(int, decimal.groups())))
        kind = _ARROW.get(written.partition("(")[0])
        if kind is None:
            raise ColumnError(
                f"the column {name!r} of {place} is of the type {written}, which cannot be read: "
                "cast it to numbers, dates or text"
            )
        instant = written.startswith("timestamp")
        zone = "UTC" if written == "timestamp" else None
        dtype = pa.timestamp("us", zone) if instant else getattr(pa, kind)()
        return pa.field(name, dtype)

    return pa.schema([field(each.name, each.dataType.simpleString()) for each in frame.schema])


def output_schema(types: pl.Schema) -> pa.Schema:
    """Return the columns of Spark's table for those of Polars."""
    import pyarrow as pa

    def arrow_type(dtype: pl.DataType) -> Any:
        if isinstance(dtype, pl.Decimal):
            return pa.decimal128(dtype.precision, dtype.scale)
        return getattr(pa, _SIGNED[type(dtype)])()

    return pa.schema([pa.field(name, arrow_type(dtype)) for name, dtype in types.items()])


def spark_columns(schema: pa.Schema) -> str:
    """Return columns of Arrow as Spark declares them."""
    import pyarrow as pa

    def spark_type(dtype: pa.DataType) -> str:
        if pa.types.is_decimal(dtype):
            return f"decimal({dtype.precision}, {dtype.scale})"
        return next(
            written
            for written, kind in _ARROW.items()
            if kind != "timestamp" and getattr(pa, kind)() == dtype
        )

    return ", ".join(f"{quoted(field.name)} {spark_type(field.type)}" for field in schema)


def as_batches(table: Table, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Give a table in the types of a schema, piece by piece; columns that it lacks are null."""
    import pyarrow as pa

    height = table.height if isinstance(table, pl.DataFrame) else table.num_rows
    for start in range(0, height, _ROWS_OUT):
        piece = table.slice(start, _ROWS_OUT)
        if isinstance(piece, pl.DataFrame):
            piece = piece.with_columns(pl.col(pl.Enum).cast(pl.String)).to_arrow(
                compat_level=pl.CompatLevel.oldest()
            )
        columns = [
            piece[field.name].cast(field.type)
            if field.name in piece.column_names
            else pa.nulls(piece.num_rows, field.type)
            for field in schema
        ]
        yield from pa.table(columns, schema=schema).combine_chunks().to_batches()


def quoted(name: str) -> str:
    """Return a column's name as Spark reads it, dots and all."""
    escaped = name.replace("`", "``")
    return f"`{escaped}`"
