"""The clients and the money of each segment."""

from __future__ import annotations

from typing import cast

import polars as pl

from grc_fast.facts.exact_money import exact_units, money_of


def segment_sums(scores: pl.DataFrame, money: pl.Series | None, scale: int) -> pl.DataFrame:
    """Return the clients and the money of each segment, in table order.

    Floats are summed as integers at 10^-`scale`, as the facts summed them: the order of the
    clients, which threads decide, must not show in the last digit.
    """
    dtype = cast(pl.Enum, scores["segment"].dtype)
    every = pl.LazyFrame({"segment": dtype.categories.cast(dtype)})
    kind = pl.Float64() if money is None else money.dtype
    units = pl.lit(None, kind) if money is None else pl.lit(exact_units(money, "money", scale))
    sums = (
        scores.lazy()
        .select("segment", money=units)
        .filter(pl.col("segment").is_not_null())
        .group_by("segment")
        .agg(clients=pl.len().cast(pl.UInt64), money=pl.col("money").sum())
    )
    clients, sum_of = pl.col("clients").fill_null(0), pl.col("money").fill_null(0)
    of_all = clients.sum(), sum_of.sum()
    table = every.join(sums, on="segment", how="left", maintain_order="left").select(
        "segment",
        clients=clients,
        share=clients / pl.when(of_all[0] > 0).then(of_all[0]),
        money=money_of(sum_of, kind, scale),
        money_share=sum_of.cast(pl.Float64)
        / pl.when(of_all[1] != 0).then(of_all[1]).cast(pl.Float64),
    )
    if money is None:
        nothing = pl.lit(None, dtype=pl.Float64)
        table = table.with_columns(money=nothing, money_share=nothing)
    return table.collect()
