"""pandas columns as Polars columns, without pyarrow wherever pandas itself does without.

pandas writes a missing value as NaN, NaT, None or NA, turns integers with a gap into floats and
keeps text in columns of Python objects: here each becomes the plain Polars type with nulls.
"""

from __future__ import annotations

from typing import Any, cast

import polars as pl

from grc_fast.errors import ColumnError
from grc_fast.io.arrow_streams import arrow_frame

# What pandas' own inference calls the contents of an object column, and the type that takes it.
_OBJECT_KINDS: dict[str, type[pl.DataType] | None] = {
    "string": pl.String,
    "empty": pl.Null,
    "boolean": pl.Boolean,
    "integer": None,  # Int64, or UInt64 where a value needs it
    "floating": pl.Float64,
    "mixed-integer-float": pl.Float64,
    "decimal": None,  # the scale is read off the values
    "date": pl.Date,
    "datetime": None,  # with or without a zone
    "datetime64": None,
}


def is_pandas_frame(value: object) -> bool:
    """Tell a pandas DataFrame without importing pandas."""
    return type(value).__module__.partition(".")[0] == "pandas" and hasattr(value, "iloc")


def column_type(series: Any) -> str:
    """Say how a pandas column is held: "numpy" (converted slice by slice) or "objects" (whole).

    Columns of numbers and times are arrays that are cheap to convert by slices; in a column of
    objects the type of a slice need not be the type of the whole.
    """
    import numpy as np

    dtype = series.dtype
    return "numpy" if isinstance(dtype, np.dtype) and dtype.kind in "iufbMm" else "objects"


def to_series(name: str, series: Any) -> pl.Series:
    """Convert one pandas column.

    Parameters
    ----------
    name
        The name of the result, and of the column in errors.
    series
        A pandas Series of any dtype.

    Returns
    -------
    polars.Series
        The same values; NaN, NaT, NA and None are nulls.

    Raises
    ------
    ColumnError
        If the column mixes types, or holds objects that no role takes.

    Examples
    --------
    >>> import pandas as pd
    >>> from grc_fast.io.pandas_frames import to_series
    >>> to_series("client_id", pd.Series([1.0, None])).to_list()
    [1.0, None]
    """
    import numpy as np

    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        return _from_objects(name, series) if dtype.kind in "OUS" else _from_numpy(name, series)
    if hasattr(series, "cat"):
        return _from_categories(name, series)
    if getattr(dtype, "tz", None) is not None and dtype.kind == "M":
        naive = series.dt.tz_convert("UTC").dt.tz_localize(None)
        return _from_numpy(name, naive).dt.replace_time_zone("UTC")
    if hasattr(dtype, "numpy_dtype") and not hasattr(dtype, "pyarrow_dtype"):
        return _from_masked(name, series)
    return _from_extension(name, series)


def _from_numpy(name: str, series: Any) -> pl.Series:
    values = series.to_numpy()
    if values.dtype.kind in "Mm":
        unit = _time_unit(values.dtype)
        values = values.astype(f"{values.dtype.kind}8[{unit}]", copy=False)
    if values.dtype.kind == "f" and values.dtype.itemsize == 2:
        values = values.astype("float32")
    if values.dtype.kind not in "iufbMm" or values.dtype.itemsize > 8:
        raise ColumnError(
            f"the column {name!r} of the pandas frame has the dtype {series.dtype}, which is not "
            "taken: make it numbers, dates or text"
        )
    return pl.Series(name, values, nan_to_null=True)


def _time_unit(dtype: Any) -> str:
    import numpy as np

    unit = np.datetime_data(dtype)[0]
    return unit if unit in ("ms", "us", "ns") else "ms"


def _from_masked(name: str, series: Any) -> pl.Series:
    """Convert pandas' nullable numbers (Int64, Float64, boolean)."""
    numpy_dtype = series.dtype.numpy_dtype
    filled = pl.Series(name, series.to_numpy(dtype=numpy_dtype, na_value=0))
    missing = pl.Series("missing", series.isna().to_numpy())
    return pl.select(pl.when(~missing).then(filled).alias(name)).to_series()


def _from_categories(name: str, series: Any) -> pl.Series:
    categories = to_series(name, series.cat.categories.to_series())
    codes = pl.Series("codes", series.cat.codes.to_numpy()).cast(pl.Int64)
    wanted = pl.select(pl.when(codes >= 0).then(codes)).to_series().cast(pl.UInt32)
    return categories.gather(wanted)


def _from_extension(name: str, series: Any) -> pl.Series:
    """Convert pandas' own text columns and columns that pandas keeps in Arrow."""
    if hasattr(series.dtype, "pyarrow_dtype"):
        return _from_arrow(name, series)
    try:
        converted = cast("pl.Series", pl.from_pandas(series, nan_to_null=True))
    except ImportError:  # no pyarrow: go through Python objects
        return _from_objects(name, series.astype(object))
    return converted.alias(name)


def _from_arrow(name: str, series: Any) -> pl.Series:
    import pyarrow as pa

    table = pa.table({name: pa.array(series)})
    column = arrow_frame(table, "the pandas frame", (name,)).to_series()
    return column.fill_nan(None) if column.dtype.is_float() else column


def _from_objects(name: str, series: Any) -> pl.Series:
    from pandas.api.types import infer_dtype

    # Without NaT, which is of a kind of its own among texts.
    kind = infer_dtype(series[series.notna()], skipna=True)
    if kind not in _OBJECT_KINDS:
        raise ColumnError(
            f"the column {name!r} of the pandas frame is of {_kind_in_words(kind)}: make it one "
            f"type, for instance with frame[{name!r}].astype(str)"
        )
    values = series.astype(object).where(series.notna(), None).tolist()
    dtype = _OBJECT_KINDS[kind]
    if kind == "integer":
        dtype = pl.UInt64 if max(v for v in values if v is not None) >= 1 << 63 else pl.Int64
    try:
        return pl.Series(name, values, dtype=dtype, strict=kind != "mixed-integer-float")
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        raise ColumnError(
            f"the column {name!r} of the pandas frame holds objects that are not all one type "
            "within 64 bits: convert it to numbers, dates or text"
        ) from None


def _kind_in_words(kind: str) -> str:
    return "mixed types" if kind.startswith(("mixed", "unknown")) else f"the kind {kind!r}"
