"""The axis from conservative to open: new categories, variety of categories and of channels."""

from __future__ import annotations

from typing import Final

import polars as pl

from grc_fast.facts.table import CLIENT
from grc_fast.segmentation.profile.axes import (
    LEAST_EVENTS,
    Axis,
    percentile,
    reliability_of,
    shrunken_shares,
)
from grc_fast.segmentation.profile.orders import places

# In the first purchases everything is new.
_FIRST: Final = 3
# Entropies are summed as integers of this unit, as sums of floats would depend on their order, and
# rounded so that equal ones tie.
_UNIT: Final = 10**9
_DECIMALS: Final = 8
_HALVES: Final = ("whole", "odd", "even")


def openness(orders: pl.DataFrame, purchases: pl.DataFrame) -> Axis:
    """Return the axis of clients whose orders have categories.

    Parameters
    ----------
    orders, purchases
        As `Orders` has them.

    Returns
    -------
    Axis
        Each of three parts is put on percentiles among the clients with at least five purchases
        after the third, and the value is their mean: the share of those purchases in a category
        that the client had never bought before; the entropy of the categories over purchases; that
        of the channels. Of who has no channel, the mean of two.
    """
    by_category = _counts(purchases, "category")
    news = _news(by_category)
    is_known = pl.col("events") >= LEAST_EVENTS
    parts = news.hstack(shrunken_shares(news)).filter(is_known).sort(CLIENT)
    channels = orders.drop_nulls("channel").with_columns(place=places())
    for name, counts in (("categories", by_category), ("channels", _counts(channels, "channel"))):
        of_known = counts.join(parts.select(CLIENT), on=CLIENT, how="semi")
        entropies = _entropies(of_known).rename({half: f"{half}_{name}" for half in _HALVES})
        parts = parts.join(entropies, on=CLIENT, how="left", maintain_order="left")
    values = parts.select(
        CLIENT,
        **{
            half: pl.mean_horizontal(
                percentile(pl.col(part))
                for part in (half, f"{half}_categories", f"{half}_channels")
            )
            for half in _HALVES
        },
    )
    frame = news.join(values, on=CLIENT, how="left")
    return Axis(
        frame.select(CLIENT, value="whole", events=pl.col("events").cast(pl.UInt32)),
        reliability_of(values),
    )


def _counts(purchases: pl.DataFrame, label: str) -> pl.DataFrame:
    """Count the purchases of each label of each client, and those of odd and even place."""
    return (
        purchases.group_by(CLIENT, label)
        .agg(
            first=pl.col("place").min(),
            last=pl.col("place").max(),
            whole=pl.len().cast(pl.Int64),
            odd=(pl.col("place") % 2).sum().cast(pl.Int64),
        )
        .with_columns(even=pl.col("whole") - pl.col("odd"))
    )


def _news(by_category: pl.DataFrame) -> pl.DataFrame:
    """Count purchases after the third, and those with a category never bought before."""
    after = pl.col("last").max() - _FIRST
    purchases = by_category.group_by(CLIENT).agg(
        events=after.clip(0),
        # The fifth purchase is the first of odd place.
        events_odd=(after // 2).clip(0),
    )
    news = (
        by_category.filter(pl.col("first") > _FIRST)
        .unique([CLIENT, "first"])
        .group_by(CLIENT)
        .agg(hits=pl.len().cast(pl.Int64), hits_odd=(pl.col("first") % 2).sum())
    )
    return purchases.join(news, on=CLIENT, how="left").with_columns(
        pl.col("hits", "hits_odd").fill_null(0)
    )


def _entropies(counts: pl.DataFrame) -> pl.DataFrame:
    """Return the entropy of each client's labels in nats, over all purchases and over each half."""
    sums = counts.group_by(CLIENT).agg(
        pl.col(_HALVES).sum(),
        *(_n_log_n(pl.col(half)).sum().alias(f"{half}_n_log_n") for half in _HALVES),
    )
    return sums.select(
        CLIENT,
        **{
            half: pl.when(pl.col(half) > 0)
            .then(pl.col(half).log() - pl.col(f"{half}_n_log_n") / (_UNIT * pl.col(half)))
            .round(_DECIMALS)
            for half in _HALVES
        },
    )


def _n_log_n(count: pl.Expr) -> pl.Expr:
    return (count * count.clip(1).log() * _UNIT).round().cast(pl.Int64)
