"""The facts pass: first and last purchase, orders and money of each client.

Sales are in memory, as every engine likes them best; DuckDB reads them from Parquet as well. Ours
come out sorted by client and with exact money; the others' need neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import polars as pl

import grc_fast as grc
from grc_fast.bench import duckdb_side, pandas_baseline, polars_side
from grc_fast.bench.harness import OURS, Case, Goal, Measure, check_equal, clock
from grc_fast.bench.sales import DISK_A_LINE, MEMORY_A_LINE, Ids, sales_file
from grc_fast.bench.setting import AS_OF, Orders, Setting, in_words

__all__ = ["cases"]

SIZES: Final = (10_000_000, 50_000_000)
#: Sizes at which fixed costs show; no goals.
SMALL_SIZES: Final = (10_000, 100_000)
#: Ids without a pattern are measured at the first size only, and are no goal.
_WITHOUT_PATTERN: Final[tuple[Ids, ...]] = ("scattered integers", "16 letters")
LINES_A_CLIENT: Final = 10
#: More lines than pandas is given: it takes minutes and most of the memory of a small machine.
TOO_MANY_FOR_PANDAS: Final = 20_000_000

PANDAS: Final = "pandas"
_OTHERS: Final = (
    "Polars, in memory",
    "Polars, streaming",
    "Polars, grouping twice",
    "DuckDB, Arrow",
    "DuckDB, Parquet",
    "DuckDB, grouping twice",
)
_COUNT: Final = "order_id"


def cases(setting: Setting) -> list[Case]:
    """Return the pass for kinds of ids and distinct orders, then for what has no goals."""
    made = []
    for size in SIZES:
        made += [
            _case(setting, size, "integers", Goal(_OTHERS, must=2.5, aim=4)),
            _case(setting, size, "12 bytes", Goal(_OTHERS, must=2.5, aim=4)),
            _case(setting, size, "20 bytes", Goal(_OTHERS, must=2, aim=3)),
            _case(setting, size, "integers", Goal(_OTHERS, must=3, aim=6), distinct=True),
        ]
    made += [_case(setting, SIZES[0], ids, Goal(_OTHERS)) for ids in _WITHOUT_PATTERN]
    made += [_case(setting, size, "integers", Goal(_OTHERS)) for size in reversed(SMALL_SIZES)]
    return made


def _case(setting: Setting, size: int, ids: Ids, goal: Goal, *, distinct: bool = False) -> Case:
    lines = setting.of(size)
    clients = max(lines // LINES_A_CLIENT, 1)

    @contextmanager
    def opened() -> Iterator[Mapping[str, Measure]]:
        with sales_file(setting, lines, clients, ids) as path:
            columns = ["client_id", "date", "amount", *([_COUNT] if distinct else [])]
            sales = pl.read_parquet(path, columns=columns)
            ways = _ways(setting, path, sales, distinct=distinct)
            if size < TOO_MANY_FOR_PANDAS and not distinct:
                held = sales.to_pandas()
                ways[PANDAS] = lambda: pandas_baseline.client_facts(held)
            check_equal(((name, _alike(way())) for name, way in ways.items()), _are_equal)
            yield {name: clock(way) for name, way in ways.items()}

    kind = ids.replace("integers", "integer ids") if "integers" in ids else f"ids of {ids}"
    what = f"{kind}, distinct orders" if distinct else kind
    name = f"facts, {in_words(lines)} lines of {in_words(clients)} clients, {what}"
    return Case(
        "facts",
        name,
        opened,
        [goal, Goal((PANDAS,))],
        memory=lines * MEMORY_A_LINE,
        disk=lines * DISK_A_LINE,
    )


def _ways(
    setting: Setting, path: Path, sales: pl.DataFrame, *, distinct: bool
) -> dict[str, Callable[[], Any]]:
    connection = duckdb_side.connect(setting.threads, setting.directory)
    # As string views: DuckDB takes them as they are.
    connection.register("sales", sales.to_arrow(compat_level=pl.CompatLevel.newest()))
    file = f"read_parquet('{path}')"
    lazy = sales.lazy()
    ways: dict[str, Callable[[], Any]] = {
        OURS: lambda: (
            grc.facts(
                sales, as_of=AS_OF, order=_COUNT if distinct else None, threads=setting.threads
            ).frame
        )
    }
    orders: Orders = "distinct" if distinct else "lines"
    ways |= {
        "Polars, in memory": lambda: polars_side.read_facts(lazy, "in-memory", orders=orders),
        "Polars, streaming": lambda: polars_side.read_facts(lazy, "streaming", orders=orders),
        "DuckDB, Arrow": lambda: duckdb_side.read_facts(connection, "sales", orders=orders),
        "DuckDB, Parquet": lambda: duckdb_side.read_facts(connection, file, orders=orders),
    }
    if distinct:
        ways |= {
            "Polars, grouping twice": lambda: polars_side.read_facts(
                lazy, "streaming", orders="twice"
            ),
            "DuckDB, grouping twice": lambda: duckdb_side.read_facts(
                connection, "sales", orders="twice"
            ),
        }
    return ways


def _alike(found: Any) -> pl.DataFrame:
    """Return facts in one form: clients who bought, ascending, days, money in cents."""
    frame = found if isinstance(found, pl.DataFrame) else _to_polars(found)
    return (
        frame.lazy()
        .filter(pl.col("first_purchase").is_not_null())
        .select(
            pl.col("client_id"),
            pl.col("first_purchase", "last_purchase").cast(pl.Date),
            pl.col("orders").cast(pl.UInt32),
            # Sums of floats are off by the last bits.
            (pl.col("total") * 100).round().cast(pl.Int64),
        )
        .sort("client_id")
        .collect()
    )


def _to_polars(found: Any) -> pl.DataFrame:
    table = found.reset_index() if hasattr(found, "reset_index") else found
    return pl.DataFrame(table)


def _are_equal(ours: pl.DataFrame, theirs: pl.DataFrame) -> bool:
    return ours.equals(theirs)
