"""The same work by Polars, written as its own guide would have it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import polars as pl

from grc_fast.bench.classic import CLASSIC
from grc_fast.bench.setting import AS_OF, CODEC, Orders

__all__ = ["Engine", "facts_query", "quintile", "read_facts", "score", "score_file"]

Engine: TypeAlias = Literal["in-memory", "streaming"]

_BOUGHT = pl.col("amount") >= 0
_DAY = pl.when(_BOUGHT).then(pl.col("date"))
_AS_OF = pl.lit(AS_OF).str.to_date()


def read_facts(sales: pl.LazyFrame, engine: Engine, *, orders: Orders = "lines") -> pl.DataFrame:
    """First and last purchase, orders, and the sum of money of each client."""
    return facts_query(sales, orders=orders).collect(engine=engine)


def facts_query(sales: pl.LazyFrame, *, orders: Orders = "lines") -> pl.LazyFrame:
    """Return the query of the facts.

    Distinct orders are counted by `n_unique`, or by grouping twice, first by order.
    """
    spent = pl.col("amount").sum().alias("total")
    first, last = _DAY.min().alias("first_purchase"), _DAY.max().alias("last_purchase")
    if orders == "twice":
        by_order = sales.group_by("client_id", "order_id").agg(first, last, spent)
        return by_order.group_by("client_id").agg(
            pl.col("first_purchase").min(),
            pl.col("last_purchase").max(),
            pl.col("first_purchase").count().alias("orders"),
            pl.col("total").sum(),
        )
    count = _DAY.count() if orders == "lines" else pl.col("order_id").filter(_BOUGHT).n_unique()
    return sales.group_by("client_id").agg(first, last, count.alias("orders"), spent)


def quintile(column: str) -> pl.Expr:
    """Band 1 to 5 of a column: four order statistics, and as many comparisons."""
    band = pl.lit(1, pl.UInt8)
    for j in range(1, 5):
        edge = pl.col(column).quantile(j / 5, "equiprobable")
        band = band + (pl.col(column) > edge).cast(pl.UInt8)
    return band


def score(clients: pl.DataFrame) -> pl.DataFrame:
    """Score facts: the columns that they are given, then points, group and segment."""
    graded = clients.with_columns(
        r=6 - quintile("recency"), f=quintile("frequency"), m=quintile("monetary")
    ).with_columns(
        rfm=pl.col("r").cast(pl.UInt32) * 100 + pl.col("f") * 10 + pl.col("m"),
        points=(pl.col("r") + pl.col("f") + pl.col("m")).cast(pl.UInt32),
        tenure=(_AS_OF - pl.col("first_purchase")).dt.total_days(),
        loss=-(pl.col("r") + pl.col("f") + pl.col("m")).cast(pl.Int8),
    )
    return graded.with_columns(group=quintile("loss"), segment=_segment()).drop("tenure", "loss")


def score_file(
    sales: str, scores: str, engine: Engine, *, one_query: bool = False
) -> Callable[[], None]:
    """Return the whole job: sales in Parquet to scores in Parquet.

    Facts are collected before they are sorted, or all up to the sorted clients is one query.
    """

    def job() -> None:
        facts = facts_query(pl.scan_parquet(sales))
        if not one_query:
            facts = facts.collect(engine=engine).lazy()
        clients = _clients(facts).collect(engine=engine if one_query else "in-memory")
        score(clients).write_parquet(scores, compression=CODEC)

    return job


def _clients(facts: pl.LazyFrame) -> pl.LazyFrame:
    """Return the clients who have bought, ascending, with the columns that are scored."""
    day = pl.col("first_purchase", "last_purchase").cast(pl.Date)
    last = pl.col("last_purchase").cast(pl.Date)
    return (
        facts.filter(pl.col("first_purchase").is_not_null())
        .select(
            "client_id",
            day,
            recency=(_AS_OF - last).dt.total_days().cast(pl.Int32),
            frequency=pl.col("orders").cast(pl.UInt32),
            # Sums of cents in floats are off by the last bits, and equal money must tie.
            monetary=pl.col("total").round(2),
        )
        .sort("client_id")
    )


def _segment() -> pl.Expr:
    labels = pl.Enum(list(CLASSIC))
    *first, last = CLASSIC
    segment = pl.lit(last, labels)
    for label in reversed(first):
        holds = pl.sql_expr(CLASSIC[label])
        segment = pl.when(holds).then(pl.lit(label, labels)).otherwise(segment)
    return segment
