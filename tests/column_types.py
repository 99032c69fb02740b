"""Columns of every type of Arrow, and the sources that have them; run as a script, it reads them.

One process reads all columns of one kind of source, so that a column that ends it is found out.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

DAY = dt.date(2026, 1, 5)
NOON = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)
MICROSECONDS = int(NOON.timestamp()) * 1_000_000
ROLES = ("unread", "client_id", "date", "amount")
AMOUNTS = [1.0, 2.0, 4.0]


@dataclass(frozen=True)
class Kind:
    """A column of three rows, and what it is where a role can take it.

    Attributes
    ----------
    clients
        Its values as ids of clients.
    is_date
        Whether each of its values is a time on `DAY`.
    amounts
        Its values as money.
    """

    column: Any
    clients: tuple[Any, ...] | None = None
    is_date: bool = False
    amounts: tuple[float, ...] | None = None


def _days(zone: str | None, unit: str = "us") -> Any:
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    return pa.array([int(NOON.timestamp()) * per_second] * 3, pa.timestamp(unit, zone))


def _stored(dtype: Any, values: list[Any], storage: Any) -> Any:
    return pa.ExtensionArray.from_storage(dtype, pa.array(values, storage))


def _whole(dtype: Any) -> Kind:
    numbers = pa.array([1, 2, 3], dtype)
    return Kind(numbers, clients=(1, 2, 3), amounts=(1, 2, 3))


def _decimal(dtype: Any) -> Kind:
    return Kind(pa.array([Decimal("1.50"), Decimal(2), Decimal(3)], dtype), amounts=(1.5, 2, 3))


def _text(column: Any) -> Kind:
    return Kind(column, clients=("a", "b", "c"))


LETTERS = ["a", "b", "c"]
LIST = [[1], [2], [3]]

KINDS: dict[str, Kind] = {
    **{f"int{width}": _whole(getattr(pa, f"int{width}")()) for width in (8, 16, 32, 64)},
    **{f"uint{width}": _whole(getattr(pa, f"uint{width}")()) for width in (8, 16, 32, 64)},
    "float16": Kind(pa.array([1.0, 2.0, 3.0], pa.float16()), amounts=(1, 2, 3)),
    "float32": _whole(pa.float32()),
    "float64": _whole(pa.float64()),
    "decimal32": _decimal(pa.decimal32(5, 2)),
    "decimal64": _decimal(pa.decimal64(10, 2)),
    "decimal128": _decimal(pa.decimal128(30, 2)),
    "decimal256": _decimal(pa.decimal256(50, 2)),
    "decimal of hundreds": Kind(pa.array([Decimal(100)] * 3, pa.decimal128(5, -2))),
    "boolean": Kind(pa.array([True, False, True])),
    "null": Kind(pa.nulls(3)),
    "string": _text(pa.array(LETTERS)),
    "large string": _text(pa.array(LETTERS, pa.large_string())),
    "string view": _text(pa.array(LETTERS, pa.string_view())),
    "binary": _text(pa.array([b"a", b"b", b"c"])),
    "binary view": _text(pa.array([b"a", b"b", b"c"], pa.binary_view())),
    "binary of one width": _text(pa.array([b"a", b"b", b"c"], pa.binary(1))),
    "dictionary of texts": _text(pa.array(LETTERS).dictionary_encode()),
    "dictionary of numbers": Kind(
        pa.array([1, 2, 3]).dictionary_encode(), clients=(1, 2, 3), amounts=(1, 2, 3)
    ),
    "date32": Kind(pa.array([DAY] * 3, pa.date32()), is_date=True),
    "date64": Kind(pa.array([DAY] * 3, pa.date64()), is_date=True),
    **{f"timestamp {u}": Kind(_days(None, u), is_date=True) for u in ("s", "ms", "us", "ns")},
    "zone Europe/Paris": Kind(_days("Europe/Paris"), is_date=True),
    "zone +02:00": Kind(_days("+02:00"), is_date=True),
    "zone GMT+2": Kind(_days("GMT+2"), is_date=True),
    "zone Z": Kind(_days("Z"), is_date=True),
    "list of times in zone Z": Kind(pa.array([[1], [2], [3]], pa.list_(pa.timestamp("us", "Z")))),
    "time32": Kind(pa.array([1, 2, 3], pa.time32("s"))),
    "time64": Kind(pa.array([1, 2, 3], pa.time64("us"))),
    "duration": Kind(pa.array([1, 2, 3], pa.duration("us"))),
    "interval": Kind(pa.array([(1, 2, 3)] * 3, pa.month_day_nano_interval())),
    "list": Kind(pa.array(LIST)),
    "list of one size": Kind(pa.array(LIST, pa.list_(pa.int64(), 1))),
    "list view": Kind(pa.array(LIST, pa.list_view(pa.int64()))),
    "large list view": Kind(pa.array(LIST, pa.large_list_view(pa.int64()))),
    "map": Kind(pa.array([[("a", 1)]] * 3, pa.map_(pa.string(), pa.int64()))),
    "struct": Kind(pa.array([{"a": 1}] * 3)),
    "sparse union": Kind(
        pa.UnionArray.from_sparse(pa.array([0] * 3, pa.int8()), [pa.array([1, 2, 3])])
    ),
    "dense union": Kind(
        pa.UnionArray.from_dense(
            pa.array([0] * 3, pa.int8()), pa.array([0, 1, 2], pa.int32()), [pa.array([1, 2, 3])]
        )
    ),
    "run ends": Kind(pa.RunEndEncodedArray.from_arrays(pa.array([3], pa.int32()), [5])),
    "uuid": Kind(_stored(pa.uuid(), [b"0123456789abcdef"] * 3, pa.binary(16))),
    "bool8": Kind(_stored(pa.bool8(), [1, 0, 1], pa.int8())),
    "json": Kind(_stored(pa.json_(), ["{}"] * 3, pa.string())),
}


def table_with(kind: str, role: str) -> Any:
    """A table of sales in which a column of a kind plays a role."""
    columns = {
        "client_id": pa.array([1, 2, 3]),
        "date": pa.array([DAY] * 3),
        "amount": pa.array(AMOUNTS),
    }
    return pa.table({**columns, role: KINDS[kind].column})


def _parquet(table: Any, path: Path) -> object:
    from pyarrow import parquet

    parquet.write_table(table, path.with_suffix(".parquet"))
    return str(path.with_suffix(".parquet"))


def _arrow_file(table: Any, path: Path) -> object:
    from pyarrow import ipc

    with ipc.new_file(path.with_suffix(".arrow"), table.schema) as file:
        file.write_table(table)
    return str(path.with_suffix(".arrow"))


def _arrow_stream_file(table: Any, path: Path) -> object:
    from pyarrow import ipc

    with ipc.new_stream(path.with_suffix(".arrow"), table.schema) as file:
        file.write_table(table)
    return str(path.with_suffix(".arrow"))


def _duckdb_relation(table: Any, _path: Path) -> object:
    import duckdb

    return duckdb.from_arrow(table)


def _duckdb_file(table: Any, path: Path) -> object:
    import duckdb

    file = path.with_suffix(".duckdb")
    with duckdb.connect(str(file)) as connection:
        connection.register("given", table)
        connection.execute("CREATE TABLE sales AS FROM given")
    return f"{file}#sales"


def _pandas(table: Any, _path: Path) -> object:
    return table.to_pandas()


def _pandas_in_arrow(table: Any, _path: Path) -> object:
    import pandas as pd

    return table.to_pandas(types_mapper=pd.ArrowDtype)


def _csv(table: Any, path: Path) -> object:
    pl.DataFrame(table).write_csv(path.with_suffix(".csv"))
    return str(path.with_suffix(".csv"))


def _ndjson(table: Any, path: Path) -> object:
    pl.DataFrame(table).write_ndjson(path.with_suffix(".ndjson"))
    return str(path.with_suffix(".ndjson"))


SOURCES: dict[str, Callable[[Any, Path], object]] = {
    "PyArrow table": lambda table, _path: table,
    "PyArrow reader": lambda table, _path: table.to_reader(),
    "Parquet": _parquet,
    "Arrow file": _arrow_file,
    "Arrow stream in a file": _arrow_stream_file,
    "DuckDB relation": _duckdb_relation,
    "DuckDB file": _duckdb_file,
    "pandas": _pandas,
    "pandas in Arrow": _pandas_in_arrow,
    "Polars": lambda table, _path: pl.DataFrame(table),
    "CSV": _csv,
    "NDJSON": _ndjson,
}


# It takes a tenth of a second to make such a file.
ROLES_OF = {"DuckDB file": ROLES[:2]}


def read(source: str, kind: str, role: str, folder: Path) -> dict[str, Any]:
    """Read a column in a role, and tell what came of it."""
    import grc_fast as grc

    path = folder / f"{kind}-{role}".replace("/", "_")
    try:
        made = SOURCES[source](table_with(kind, role), path)
    except (Exception, pl.exceptions.PanicException):  # noqa: BLE001 (it has no such type)
        return {"has": False}
    try:
        frame = grc.facts(made, as_of="2026-02-01", timezone="UTC").frame
    except BaseException as error:  # noqa: BLE001 (whatever leaves is what is looked at)
        return {"has": True, "error": str(error), "is_ours": isinstance(error, grc.GrcError)}
    return {
        "has": True,
        "clients": frame["client_id"].to_list(),
        "days": frame["last_purchase"].cast(pl.String).to_list(),
        "totals": frame["total"].cast(pl.Float64).to_list(),
    }


def outcomes(source: str, folder: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Read every kind of column in every role from one kind of source."""
    for kind in KINDS:
        for role in ROLES_OF.get(source, ROLES):
            yield kind, role, read(source, kind, role, folder)


if __name__ == "__main__":
    for name in sys.stdin:
        print(json.dumps(list(outcomes(name.strip(), Path(sys.argv[1])))), flush=True)
