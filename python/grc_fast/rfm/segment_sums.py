"""The clients and the money of each segment."""

from __future__ import annotations

from typing import cast

import polars as pl


def segment_sums(scores: pl.DataFrame, money: pl.Series | None, scale: int) -> pl.DataFrame:
    """Return the clients and the money of each segment, in table order.

    Floats are summed as integers at 10^-`scale`, as the facts summed them: the order of the
    clients, which threads decide, must not show in the last digit.
    """
    dtype = cast(pl.Enum, scores["segment"].dtype)
    every = pl.LazyFrame({"segment": dtype.categories.cast(dtype)})
    spent = pl.lit(None, dtype=pl.Float64) if money is None else pl.lit(money)
    units = pl.col("money")
    if money is None or money.dtype.is_float():
        units = (units * 10**scale).round().cast(pl.Int128)
    sums = (
        scores.lazy()
        .select("segment", money=spent)
        .filter(pl.col("segment").is_not_null())
        .group_by("segment")
        .agg(clients=pl.len().cast(pl.UInt64), money=units.sum())
    )
    clients, sum_of = pl.col("clients").fill_null(0), pl.col("money").fill_null(0)
    of_all = clients.sum(), sum_of.sum()
    table = every.join(sums, on="segment", how="left", maintain_order="left").select(
        "segment",
        clients=clients,
        share=clients / pl.when(of_all[0] > 0).then(of_all[0]),
        money=sum_of,
        money_share=sum_of.cast(pl.Float64)
        / pl.when(of_all[1] != 0).then(of_all[1]).cast(pl.Float64),
    )
    nothing = pl.lit(None, dtype=pl.Float64)
    if money is None:
        table = table.with_columns(money=nothing, money_share=nothing)
    elif money.dtype.is_float():
        table = table.with_columns(money=pl.col("money").cast(pl.Float64) / 10.0**scale)
    return table.collect()
