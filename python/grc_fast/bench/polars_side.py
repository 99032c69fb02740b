"""The same work by Polars, written as its own guide would have it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from operator import add
from typing import Literal, TypeAlias

import polars as pl

from grc_fast.bench.classic import CLASSIC
from grc_fast.bench.setting import AS_OF, CODEC, Orders

__all__ = [
    "Engine",
    "band_by_counting",
    "band_by_sorting",
    "facts_query",
    "quintile",
    "read_facts",
    "score",
    "score_by_edges",
    "score_file",
    "shortest_file",
    "shortest_query",
]

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


def shortest_query(sales: pl.LazyFrame) -> pl.LazyFrame:
    """Last purchase, count and sum of each client."""
    return sales.group_by("client_id").agg(
        pl.col("date").max().alias("last_purchase"),
        pl.len().alias("orders"),
        pl.col("amount").sum().alias("total"),
    )


def shortest_file(sales: str, scores: str, engine: Engine) -> Callable[[], None]:
    """Return the shortest query from Parquet to Parquet."""

    def job() -> None:
        found = shortest_query(pl.scan_parquet(sales)).collect(engine=engine)
        found.write_parquet(scores, compression=CODEC)

    return job


def quintile(column: str) -> pl.Expr:
    """Band 1 to 5 of a column: four order statistics, and as many comparisons."""
    return _band(column, (pl.col(column).quantile(j / 5, "equiprobable") for j in range(1, 5)))


def score(clients: pl.LazyFrame) -> pl.LazyFrame:
    """Score facts in one query: the columns that they are given, then points, group and segment."""
    quintiles = {
        "r": 6 - quintile("recency"),
        "f": quintile("frequency"),
        "m": quintile("monetary"),
    }
    pointed = _with_points(clients.with_columns(**quintiles))
    groups = _groups(pointed.group_by("points").agg(clients=pl.len()))
    return _graded(pointed.join(groups, on="points", how="left", maintain_order="left"))


def score_by_edges(clients: pl.DataFrame) -> pl.DataFrame:
    """Score facts, the edges of each column found first."""
    recency, frequency = (_edges_of_few(clients[name]) for name in ("recency", "frequency"))
    banded = clients.lazy().with_columns(
        r=6 - _band("recency", recency),
        f=_band("frequency", frequency),
        m=_band("monetary", _edges_of_many(clients["monetary"])),
    )
    pointed = _with_points(banded).collect()
    counted = pointed["points"].value_counts(name="clients")
    best = _groups(counted.lazy()).group_by("group").agg(pl.col("points").min()).collect()
    floors = [best.filter(pl.col("group") <= j)["points"].min() for j in range(1, 5)]
    below = (pl.col("points") < (2**32 - 1 if floor is None else floor) for floor in floors)
    group = reduce(add, (under.cast(pl.UInt8) for under in below), pl.lit(1, pl.UInt8))
    return _graded(pointed.lazy().with_columns(group=group)).collect()


def band_by_sorting(values: pl.Series) -> pl.Series:
    """Band 1 to 5 of values, the edges picked from a sorted copy."""
    return values.to_frame().select(_band(values.name, _edges_of_many(values))).to_series()


def band_by_counting(values: pl.Series) -> pl.Series:
    """Band 1 to 5 of values, the edges picked from how many there are of each."""
    return values.to_frame().select(_band(values.name, _edges_of_few(values))).to_series()


def _edges_of_many(values: pl.Series) -> list[float]:
    """Return the edges of quintiles from a sorted copy."""
    ordered = values.sort()
    return [ordered[rank - 1] for rank in _ranks(len(values))]


def _edges_of_few(values: pl.Series) -> list[float]:
    """Return the edges of quintiles from how many values of each kind there are."""
    counted = values.value_counts().sort(values.name)
    up_to = counted["count"].cum_sum()
    return [counted[values.name][up_to.search_sorted(rank)] for rank in _ranks(len(values))]


def _ranks(number: int) -> list[int]:
    return [-(-j * number // 5) for j in range(1, 5)]


def _band(column: str, edges: Iterable[pl.Expr | float]) -> pl.Expr:
    band = pl.lit(1, pl.UInt8)
    for edge in edges:
        band = band + (pl.col(column) > edge).cast(pl.UInt8)
    return band


def _with_points(banded: pl.LazyFrame) -> pl.LazyFrame:
    points = pl.col("r") + pl.col("f") + pl.col("m")
    return banded.with_columns(
        rfm=pl.col("r").cast(pl.UInt32) * 100 + pl.col("f") * 10 + pl.col("m"),
        points=points.cast(pl.UInt32),
        tenure=(_AS_OF - pl.col("first_purchase")).dt.total_days(),
    )


def _groups(counted: pl.LazyFrame) -> pl.LazyFrame:
    """Return the group of each score, from how many clients have it: that of their middle rank."""
    clients = pl.col("clients").cast(pl.Int64)
    ends = (2 * ((j * clients.sum() + 4) // 5) for j in range(1, 5))
    # Doubled, so that the mean of the first rank and the last is whole.
    middle = 2 * clients.cum_sum() - clients + 1
    later = (middle > end for end in ends)
    group = reduce(add, (passed.cast(pl.UInt8) for passed in later), pl.lit(1, pl.UInt8))
    return counted.sort("points", descending=True).select("points", group=group)


def _graded(grouped: pl.LazyFrame) -> pl.LazyFrame:
    return grouped.with_columns(segment=_segment()).drop("tenure")


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
        score_by_edges(clients).write_parquet(scores, compression=CODEC)

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
