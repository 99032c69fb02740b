"""Whether control groups are as large in one place as in another."""

from __future__ import annotations

import math

import polars as pl

from grc_fast.campaigns.cell_keys import key
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase

# Shares that luck alone explains less often than this are called unequal.
_UNLIKELY = 0.001


def balance_table(contacts: pl.DataFrame, level: str) -> pl.DataFrame:
    """Return the share of each control group, by campaign and place.

    Parameters
    ----------
    contacts
        `campaign`, `control` and the level, ascending by campaign.
    level
        `cell`, `group` or `segment`.

    Returns
    -------
    polars.DataFrame
        `campaign`, `key`, `contacts`, `control_contacts`, `control_share` (of both together),
        and `p_value` of the campaign: how often shares would differ as much were the control group
        drawn by lot (Pearson's chi-squared).
    """
    counts = (
        contacts.filter(pl.col(level).is_not_null() & pl.col("control").any().over("campaign"))
        .group_by("campaign", level)
        .agg(
            contacts=(~pl.col("control")).sum().cast(pl.UInt64),
            control_contacts=pl.col("control").sum().cast(pl.UInt64),
        )
        .sort("campaign", level)
        .with_columns(
            control_share=pl.col("control_contacts")
            / (pl.col("contacts") + pl.col("control_contacts"))
        )
    )
    both = pl.col("contacts") + pl.col("control_contacts")
    share = pl.col("control_contacts").sum() / both.sum()
    squares = (pl.col("control_contacts") - both * share) ** 2 / (both * share * (1 - share))
    tests = counts.group_by("campaign").agg(
        statistic=squares.sum(), freedom=pl.len().cast(pl.Int64) - 1
    )
    p_values = tests.select(
        "campaign",
        p_value=pl.Series([_p_value(*row) for row in tests.drop("campaign").iter_rows()],
                          dtype=pl.Float64),
    )  # fmt: skip
    joined = counts.join(p_values, on="campaign", maintain_order="left")
    return joined.select("campaign", key(joined[level]), pl.exclude("campaign", level, "key"))


def phrase_of_balance(balance: pl.DataFrame, level: str) -> Wording | None:
    """Say where shares differ more than by luck; None where they do not."""
    unequal = balance.filter(pl.col("p_value") < _UNLIKELY)
    if unequal.is_empty():
        return None
    spans = unequal.group_by("campaign", maintain_order=True).agg(
        low=pl.col("control_share").min(), high=pl.col("control_share").max()
    )
    campaign, low, high = spans.sort(pl.col("low") - pl.col("high"), maintain_order=True).row(0)
    return Phrase(
        "response.unbalanced" if spans.height == 1 else "response.unbalanced_more",
        level=Phrase(f"response.{level}"),
        low=low,
        high=high,
        campaign=repr(campaign),
        more=spans.height - 1,
    )


def _p_value(statistic: float, freedom: int) -> float | None:
    """Return how often a chi-squared is as large (Wilson and Hilferty 1931, PNAS 17)."""
    if freedom < 1 or not math.isfinite(statistic):
        return None
    spread = 2 / (9 * freedom)
    z = ((statistic / freedom) ** (1 / 3) - (1 - spread)) / math.sqrt(spread)
    return math.erfc(z / math.sqrt(2)) / 2
