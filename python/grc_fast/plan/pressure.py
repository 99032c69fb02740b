"""Contact pressure: past contacts in sliding windows, and silence after a refusal."""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl

from grc_fast.io.small_tables import days, flag
from grc_fast.plan.policy import Policy, window_begin

#: How errors name the table.
CONTACTS: Final = "the table of past contacts"
_KEY: Final = ("client_id", "channel")


def under_pressure(
    offers: pl.DataFrame,
    contacts: pl.DataFrame,
    policy: Policy,
    today: dt.date,
    possible: pl.Series,
) -> pl.Series:
    """Offers to clients who have had as many contacts as a rule allows, or would have with them.

    A contact exactly w days ago is outside a window of w days; an undated one, and one to come, is
    within. Where a rule over all channels leaves a client fewer contacts than there are channels,
    those of the best offers have them.
    """
    dated = _dated(contacts)
    found = pl.repeat(value=False, n=offers.height, dtype=pl.Boolean, eager=True)
    for rule in policy.pressure:
        day = pl.col("contacted_on")
        recent = dated.filter(day.is_null() | (day > window_begin(today, rule.window)))
        if rule.channel is not None:
            recent = recent.filter(pl.col("channel") == rule.channel)
        past = _contacts_of(offers, recent)
        if rule.channel is not None:
            found |= (offers["channel"] == rule.channel) & (past >= rule.most)
        else:
            found |= _place_of_channel(offers, possible) + past > rule.most
    return found


def _place_of_channel(offers: pl.DataFrame, possible: pl.Series) -> pl.Series:
    """Rank the channels of each client by the best possible offer, from 1."""
    value = pl.when(possible).then(pl.col("gain") - pl.col("cost")).otherwise(float("-inf"))
    best = (
        offers.group_by(*_KEY)
        .agg(value.max().alias("best"))
        .sort("client_id", "best", "channel", descending=[False, True, False])
        .with_columns(pl.int_range(1, pl.len() + 1).over("client_id").alias("place"))
    )
    return offers.select(_KEY).join(best, on=_KEY, how="left", maintain_order="left")["place"]


def after_refusal(
    offers: pl.DataFrame, contacts: pl.DataFrame | None, policy: Policy, today: dt.date
) -> pl.Series:
    """Offers to clients who have refused in a contact not long ago (a column `refused`)."""
    found = pl.repeat(value=False, n=offers.height, dtype=pl.Boolean, eager=True)
    if contacts is None or "refused" not in contacts.columns:
        return found
    refused = _dated(contacts).filter(flag(contacts, "refused", CONTACTS).fill_null(value=False))
    for channel, rule in policy.channels.items():
        if rule.silence_after_refusal is None:
            continue
        day = pl.col("contacted_on")
        recent = refused.filter(
            pl.col("channel") == channel,
            # The silence is over once all of its days have passed.
            day.is_null() | (day >= window_begin(today, rule.silence_after_refusal)),
        )
        found |= (offers["channel"] == channel) & (_contacts_of(offers, recent) > 0)
    return found


def _contacts_of(offers: pl.DataFrame, recent: pl.DataFrame) -> pl.Series:
    """Count the past contacts of the client of every offer."""
    counts = recent.group_by("client_id").agg(pl.len().alias("past"))
    joined = offers.select("client_id").join(
        counts, on="client_id", how="left", maintain_order="left"
    )
    return joined["past"].fill_null(0)


def _dated(contacts: pl.DataFrame) -> pl.DataFrame:
    return contacts.with_columns(
        days(contacts, "contacted_on", CONTACTS).alias("contacted_on"),
        pl.col("channel").cast(pl.String),
    )
