"""The pass over sales, against the same facts from Polars and DuckDB."""

from __future__ import annotations

from typing import Literal

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from side_by_side import SCALE, THREADS, compare

import grc_fast as grc

AS_OF = "2026-01-01"
SIZES = {"10 M lines, 1 M clients": (10_000_000, 1_000_000)}


def polars_facts(
    sales: pl.LazyFrame, engine: Literal["in-memory", "streaming"], *, orders: bool
) -> pl.DataFrame:
    """First and last purchase, orders, and exact money, by Polars."""
    bought = pl.col("amount") >= 0
    day = pl.when(bought).then(pl.col("date"))
    order = pl.col("order_id").filter(bought).n_unique() if orders else day.count()
    return (
        sales.group_by("client_id")
        .agg(
            first_purchase=day.min(),
            last_purchase=day.max(),
            orders=order,
            total=pl.col("amount").sum(),
        )
        .collect(engine=engine)
    )


def duckdb_facts(
    connection: duckdb.DuckDBPyConnection, table: str, *, orders: bool
) -> pl.DataFrame:
    """The same by DuckDB."""
    count = "count(DISTINCT order_id)" if orders else "count(*)"
    return connection.sql(
        f"""
        SELECT client_id,
               min(date) FILTER (amount >= 0) AS first_purchase,
               max(date) FILTER (amount >= 0) AS last_purchase,
               {count} FILTER (amount >= 0) AS orders,
               sum(amount) AS total
        FROM {table} GROUP BY client_id
        """
    ).pl()


def alike(frame: pl.DataFrame) -> pl.DataFrame:
    """Return facts in one form: days, clients who bought, ascending."""
    return (
        frame.filter(pl.col("first_purchase").is_not_null())
        .select(
            "client_id",
            pl.col("first_purchase", "last_purchase").cast(pl.Date),
            pl.col("orders").cast(pl.UInt32),
            pl.col("total").round(2),
        )
        .sort("client_id")
    )


@pytest.mark.parametrize("orders", [False, True], ids=["lines", "distinct orders"])
@pytest.mark.parametrize("size", SIZES)
def test_facts_of_integer_ids(size: str, *, orders: bool) -> None:
    lines, clients = (number // SCALE for number in SIZES[size])
    sales = grc.simulate_sales(lines, clients)
    table = sales.to_arrow()
    connection = duckdb.connect()
    connection.execute(f"SET threads = {THREADS}")
    connection.register("sales", table)

    def ours() -> pl.DataFrame:
        return grc.facts(
            sales, as_of=AS_OF, order="order_id" if orders else None, threads=THREADS
        ).frame

    ways = {
        "grc_fast": ours,
        "Polars, in memory": lambda: polars_facts(sales.lazy(), "in-memory", orders=orders),
        "Polars, streaming": lambda: polars_facts(sales.lazy(), "streaming", orders=orders),
        "DuckDB, Arrow": lambda: duckdb_facts(connection, "sales", orders=orders),
    }
    expected = alike(ours())
    for way in list(ways.values())[1:]:
        assert_frame_equal(alike(way()), expected)

    kind = "distinct orders" if orders else "lines"
    comparison = compare(f"facts, {kind}, integer ids, {size}", ways)

    assert comparison.ratio() > 0
