"""The facts pass: first and last purchase, orders and money of each client.

Sales are in memory, as every engine likes them best; DuckDB reads them from Parquet as well. Ours
come out sorted by client and with exact money; the others' need neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import duckdb
import polars as pl
import polars.selectors as cs

import grc_fast as grc
from grc_fast.bench import duckdb_side, pandas_baseline, polars_side
from grc_fast.bench.harness import OURS, SAME, Case, Measure, check_equal, clock
from grc_fast.bench.sales import DISK_A_LINE, IDS, MEMORY_A_LINE, Ids, sales_file
from grc_fast.bench.setting import AS_OF, SHORTEST, Orders, Setting, in_words

__all__ = ["cases"]

SIZES: Final = (10_000_000, 50_000_000)
#: Sizes at which fixed costs show.
SMALL_SIZES: Final = (10_000, 100_000)
#: Ids that are measured at every size, and those at the first alone.
_USUAL_IDS: Final[tuple[Ids, ...]] = ("integers", "12 bytes", "20 bytes")
_OTHER_IDS: Final = tuple(ids for ids in IDS if ids not in _USUAL_IDS)
_DISTINCT: Final = "distinct orders"
#: Sales are in no particular order, or sorted by a column.
_SORTED_BY: Final = {"sorted by date": "date", "sorted by client": "client_id"}
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
    """Return the pass for kinds of ids, distinct orders, sorted sales and small sizes.

    The shortest query comes last: the last purchase, the count and the sum of each client, every
    line counted alike.
    """
    made = []
    for size in SIZES:
        made += [_case(setting, size, ids) for ids in _USUAL_IDS]
        made += [_case(setting, size, variant=_DISTINCT)]
    first = SIZES[0]
    made += [_case(setting, first, ids) for ids in _OTHER_IDS]
    made += [_case(setting, first, variant=variant) for variant in _SORTED_BY]
    made += [_case(setting, size) for size in reversed(SMALL_SIZES)]
    made += [_case(setting, first, variant=SHORTEST)]
    return made


def _case(setting: Setting, size: int, ids: Ids = "integers", *, variant: str = "") -> Case:
    lines = setting.of(size)
    clients = max(lines // LINES_A_CLIENT, 1)
    distinct, shortest = variant == _DISTINCT, variant == SHORTEST

    @contextmanager
    def opened() -> Iterator[Mapping[str, Measure]]:
        sorted_by = _SORTED_BY.get(variant)
        with sales_file(setting, lines, clients, ids, sorted_by=sorted_by) as path:
            columns = ["client_id", "date", "amount", *([_COUNT] if distinct else [])]
            sales = pl.read_parquet(path, columns=columns)
            if shortest:
                ways = _shortest_ways(setting, path, sales)
            else:
                ways = _ways(setting, path, sales, distinct=distinct)
            if size < TOO_MANY_FOR_PANDAS and not distinct and not shortest:
                held = sales.to_pandas()
                ways[PANDAS] = lambda: pandas_baseline.client_facts(held)
            check_equal(((name, _alike(way())) for name, way in ways.items()), _are_equal)
            yield {name: clock(way) for name, way in ways.items()}

    kind = ids.replace("integers", "integer ids") if "integers" in ids else f"ids of {ids}"
    name = f"facts, {in_words(lines)} lines of {in_words(clients)} clients, {kind}"
    return Case(
        "facts",
        f"{name}, {variant}" if variant else name,
        opened,
        {SHORTEST: _OTHERS} if shortest else {SAME: _OTHERS, PANDAS: (PANDAS,)},
        memory=lines * MEMORY_A_LINE,
        disk=lines * DISK_A_LINE,
    )


def _ways(
    setting: Setting, path: Path, sales: pl.DataFrame, *, distinct: bool
) -> dict[str, Callable[[], Any]]:
    connection, file = _database(setting, path, sales)
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


def _shortest_ways(
    setting: Setting, path: Path, sales: pl.DataFrame
) -> dict[str, Callable[[], Any]]:
    """Return our facts, returns being lines like others, and the shortest query of each engine."""
    connection, file = _database(setting, path, sales)
    query = polars_side.shortest_query(sales.lazy())
    return {
        OURS: lambda: grc.facts(sales, as_of=AS_OF, returns="keep", threads=setting.threads).frame,
        "Polars, in memory": lambda: query.collect(engine="in-memory"),
        "Polars, streaming": lambda: query.collect(engine="streaming"),
        "DuckDB, Arrow": lambda: duckdb_side.shortest_query(connection, "sales").to_arrow_table(),
        "DuckDB, Parquet": lambda: duckdb_side.shortest_query(connection, file).to_arrow_table(),
    }


def _database(
    setting: Setting, path: Path, sales: pl.DataFrame
) -> tuple[duckdb.DuckDBPyConnection, str]:
    """Return a connection that has the table `sales`, and what names their file in SQL."""
    connection = duckdb_side.connect(setting.threads, setting.directory)
    # As string views: DuckDB takes them as they are.
    connection.register("sales", sales.to_arrow(compat_level=pl.CompatLevel.newest()))
    return connection, f"read_parquet('{path}')"


def _alike(found: Any) -> pl.DataFrame:
    """Return facts in one form: clients who bought, ascending, days, money in cents."""
    frame = found if isinstance(found, pl.DataFrame) else _to_polars(found)
    return (
        frame.lazy()
        .filter(pl.col("last_purchase").is_not_null())
        .select(
            pl.col("client_id"),
            cs.by_name("first_purchase", "last_purchase", require_all=False).cast(pl.Date),
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
    """Compare the columns that they compute."""
    return ours.select(theirs.columns).equals(theirs)
