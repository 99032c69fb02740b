"""What an id is: an integer of 64 bits, text, or a whole float that stands for an integer.

Text that is the plain form of an integer in every row may be that integer: `7`, but neither `007`
nor `+7`, so that `00123` and `123` stay two clients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import index
from typing import Any, Final, TypeAlias

import polars as pl

from grc_fast._utils.messages import describe
from grc_fast.errors import ColumnError

#: Takes the ids of a column; after it come its name, role, type, and table.
TakeIds: TypeAlias = Callable[[pl.Expr, str, str, pl.DataType, str], pl.Expr]

# The columns by which small tables meet.
_COMMON: Final = ("client_id", "campaign")
INTEGERS_WIDE = (pl.Int128, pl.UInt128) if hasattr(pl, "UInt128") else (pl.Int128,)


def id_expression(column: pl.Expr, name: str, role: str, dtype: pl.DataType, place: str) -> pl.Expr:
    """Take ids; text in all its guises becomes plain text, and empty text null.

    Raises
    ------
    ColumnError
        If the type cannot be an id.
    """
    text = _text_of_ids(column, dtype)
    return ids_as_they_are(column, name, role, dtype, place) if text is None else not_empty(text)


def not_empty(text: pl.Expr) -> pl.Expr:
    """Take texts, empty ones as null."""
    return pl.when(text.str.len_bytes() > 0).then(text)


def ids_as_they_are(
    column: pl.Expr, name: str, role: str, dtype: pl.DataType, place: str
) -> pl.Expr:
    """Take ids as `id_expression` does, but leave empty text as it is."""
    if (text := _text_of_ids(column, dtype)) is not None:
        return text
    if dtype in (pl.Float32, pl.Float64) or (dtype.is_integer() and dtype not in INTEGERS_WIDE):
        return column
    if isinstance(dtype, pl.Decimal) and dtype.scale == 0:
        return column.cast(pl.Int64)
    if role == "order" and isinstance(dtype, (pl.Date, pl.Datetime)):
        return column  # a day numbers the tickets of a till as well as an integer does
    raise ColumnError(
        f"the {role} column {name!r} of {place} holds {describe(dtype)}: "
        "it must hold integers of up to 64 bits or text, so cast it first"
    )


def _text_of_ids(column: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    """Give ids that are text as plain text, None if they are something else."""
    if isinstance(dtype, (pl.Categorical, pl.Enum, pl.Null)):
        # A Categorical arrives with another dictionary in each chunk: text is the same everywhere.
        return column.cast(pl.String)
    if isinstance(dtype, pl.Binary):
        return column.map_batches(_text_of_bytes, pl.String, is_elementwise=True)
    return column if isinstance(dtype, pl.String) else None


def _text_of_bytes(values: pl.Series) -> pl.Series:
    """Give the text that bytes are, and their digits in base 16 where they are none."""
    try:
        return values.cast(pl.String)
    except pl.exceptions.PolarsError:
        texts = [None if value is None else _text_or_hex(value) for value in values]
        return pl.Series(values.name, texts, pl.String)


def _text_or_hex(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.hex()


def not_whole(numbers: pl.Series) -> pl.Series:
    """Return the floats that stand for no integer: fractions, and those beyond 2^53.

    Beyond 2^53 neighbouring integers share a float.
    """
    known = numbers.drop_nulls()
    return known.filter((known != known.floor()) | ~(known.abs() <= 2.0**53))


def whole_floats(numbers: pl.Series, place: str) -> pl.Series:
    """Return whole floats as integers, NaN as null.

    Raises
    ------
    ColumnError
        If a float stands for no integer; `place` is how the error names the table.
    """
    numbers = numbers.fill_nan(None)
    wrong = not_whole(numbers)
    if len(wrong):
        raise ColumnError(
            f"{place} has {wrong[0]} in {numbers.name!r}, where whole numbers are needed"
        )
    return numbers.cast(pl.Int64)


def plain_integers(ids: pl.Series) -> pl.Series | None:
    """Return text ids as integers, None unless each of them is the plain form of one."""
    return None if len(_no_plain_integers(ids)) else ids.cast(pl.Int64, strict=False)


def as_integers(ids: pl.Series) -> pl.Series:
    """Turn text ids of the client base into the integers that sales have.

    Raises
    ------
    ColumnError
        If one of them is not the plain form of an integer.
    """
    strange = _no_plain_integers(ids)
    if len(strange):
        raise ColumnError(
            f"the client {strange[0]!r} of clients is text, and the clients of the sales are "
            "integers: cast one of the columns"
        )
    return ids.cast(pl.Int64, strict=False)


def _no_plain_integers(ids: pl.Series) -> pl.Series:
    known = ids.drop_nulls()
    return known.filter(~known.cast(pl.Int64, strict=False).cast(pl.String).eq_missing(known))


def mixed_kinds(first: pl.DataType, place: str, other_place: str) -> ColumnError:
    """Return the error for client ids that are text in one place and numbers in another."""
    kinds = ("numbers", "text") if first.is_numeric() else ("text", "numbers")
    return ColumnError(
        f"the clients' ids are {kinds[0]} in {place} and {kinds[1]} in {other_place}: "
        "cast one of the columns"
    )


def common_integer(dtypes: Iterable[pl.DataType]) -> pl.DataType:
    """Return an integer type that holds ids of all of some integer types."""
    return pl.Int128() if any(dtype == pl.UInt64 for dtype in dtypes) else pl.Int64()


def id_as_held(client_id: object, dtype: pl.DataType) -> int | str | None:
    """Return an id that a user gave as a column of a type holds it, None if it cannot.

    Examples
    --------
    >>> import polars as pl
    >>> from grc_fast.io.ids import id_as_held
    >>> id_as_held("7", pl.Int64()), id_as_held(7, pl.String()), id_as_held("x", pl.Int64())
    (7, '7', None)
    """
    if isinstance(client_id, str) and not dtype.is_numeric():
        return client_id
    if isinstance(client_id, bool):
        return None
    whole: Any = client_id
    if isinstance(client_id, float) and client_id.is_integer():
        whole = int(client_id)
    try:
        found = int(whole) if isinstance(whole, str) else index(whole)
    except (TypeError, ValueError):
        return None
    least, most = (0, 2**64) if dtype == pl.UInt64 else (-(2**63), 2**63)
    if not least <= found < most:
        return None
    return found if dtype.is_numeric() else str(found)


def ids_as_held(client_ids: Iterable[object], dtype: pl.DataType) -> pl.Series:
    """Return ids that a user gave as a column of a type holds them, without those it cannot.

    Examples
    --------
    >>> import polars as pl
    >>> from grc_fast.io.ids import ids_as_held
    >>> ids_as_held(["7", "x", 9], pl.Int64()).to_list()
    [7, 9]
    """
    held = (id_as_held(client_id, dtype) for client_id in client_ids)
    return pl.Series([client_id for client_id in held if client_id is not None], dtype=dtype)


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
    wide = (
        kind if all(other == kind for other in kinds.values()) else common_integer(kinds.values())
    )
    return {
        what: found[what].with_columns(pl.col(name).cast(wide)) if what in found else frame
        for what, frame in tables.items()
    }


def _ids(frame: pl.DataFrame, name: str, what: str) -> pl.Series:
    expression = id_expression(pl.col(name), name, name, frame[name].dtype, what)
    ids = frame.select(expression.alias(name)).to_series()
    return whole_floats(ids, what) if ids.dtype.is_float() else ids


def with_common_ids(*tables: pl.DataFrame) -> list[pl.DataFrame]:
    """Read text ids as integers where each of all tables is one, or else leave all of them text.

    So `00123` in one file makes text of the `123` in another, and both meet what they are.

    Examples
    --------
    >>> import polars as pl
    >>> from grc_fast.io.ids import with_common_ids
    >>> some, other = pl.DataFrame({"client_id": ["7"]}), pl.DataFrame({"client_id": [7]})
    >>> [table["client_id"].dtype for table in with_common_ids(some, other)]
    [Int64, Int64]
    >>> odd = pl.DataFrame({"client_id": ["007"]})
    >>> [table["client_id"].to_list() for table in with_common_ids(some, other, odd)]
    [['7'], ['7'], ['007']]
    """
    found = list(tables)
    for name in _COMMON:
        texts = [t[name] for t in found if name in t.columns and t[name].dtype == pl.String]
        if not texts:
            continue
        plain = all(plain_integers(ids) is not None for ids in texts)
        wanted = pl.Int64() if plain else pl.String()
        found = [_with_ids(table, name, wanted) for table in found]
    return found


def _with_ids(table: pl.DataFrame, name: str, wanted: pl.DataType) -> pl.DataFrame:
    """Cast ids to a type; those of another kind than text and integers are left to be refused."""
    if name not in table.columns:
        return table
    dtype = table[name].dtype
    if dtype == pl.String or (wanted == pl.String and dtype.is_integer()):
        return table.with_columns(pl.col(name).cast(wanted))
    return table
