"""Contact pressure: past contacts in sliding windows, and silence after a refusal."""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl

from grc_fast.io.small_tables import days, flag
from grc_fast.plan.offers import PRESSURE
from grc_fast.plan.policy import Policy, PressureRule, window_begin

#: How errors name the table.
CONTACTS: Final = "the table of past contacts"
_KEY: Final = ("client_id", "channel")


def under_pressure(
    offers: pl.DataFrame,
    contacts: pl.DataFrame | None,
    policy: Policy,
    today: dt.date,
    possible: pl.Series,
) -> pl.Series:
    """Offers to clients who have had as many contacts as a rule allows, or would have with them.

    A contact exactly w days ago is outside a window of w days; an undated one, and one to come, is
    within. Where a rule over all channels leaves a client fewer contacts than there are channels,
    those of the best offers have them.
    """
    dated = None if contacts is None else _dated(contacts)
    found = pl.repeat(value=False, n=offers.height, dtype=pl.Boolean, eager=True)
    for rule in policy.pressure:
        if rule.most is None:
            continue
        past = _contacts_in_window(offers, dated, rule, today)
        if rule.channel is not None:
            found |= (offers["channel"] == rule.channel) & (past >= rule.most)
        else:
            found |= _place_of_channel(offers, possible) + past > rule.most
    return found


def with_pressure_cost(
    offers: pl.DataFrame, contacts: pl.DataFrame | None, policy: Policy, today: dt.date
) -> pl.DataFrame:
    """Add what each offer costs in patience: so much for every recent contact of its client.

    It is added to a `pressure_cost` that the offers have.
    """
    rules = [rule for rule in policy.pressure if rule.cost_each]
    if contacts is None or not rules:
        return offers
    dated = _dated(contacts)
    none = pl.repeat(0.0, offers.height, dtype=pl.Float64, eager=True)
    cost = offers[PRESSURE] if PRESSURE in offers.columns else none
    for rule in rules:
        past = _contacts_in_window(offers, dated, rule, today) * rule.cost_each
        if rule.channel is not None:
            past = past.set(offers["channel"] != rule.channel, 0.0)
        cost += past
    return offers.with_columns(cost.alias(PRESSURE))


def _contacts_in_window(
    offers: pl.DataFrame, dated: pl.DataFrame | None, rule: PressureRule, today: dt.date
) -> pl.Series:
    """Count the contacts of the client of every offer that a rule counts, 0 where none is known."""
    if dated is None:
        return pl.repeat(0, offers.height, dtype=pl.UInt32, eager=True)
    day = pl.col("contacted_on")
    recent = dated.filter(day.is_null() | (day > window_begin(today, rule.window)))
    if rule.channel is not None:
        recent = recent.filter(pl.col("channel") == rule.channel)
    return _contacts_of(offers, recent)


def _place_of_channel(offers: pl.DataFrame, possible: pl.Series) -> pl.Series:
    """Rank the channels of each client by the best possible offer, from 1."""
    patience = pl.col(PRESSURE) if PRESSURE in offers.columns else 0.0
    worth = pl.col("gain") - pl.col("cost") - patience
    value = pl.when(possible).then(worth).otherwise(float("-inf"))
    best = (
        offers.select(*_KEY, value.alias("best"))
        .group_by(*_KEY)
        .agg(pl.col("best").max())
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


def recent_contacts(
    offers: pl.DataFrame, contacts: pl.DataFrame, policy: Policy, today: dt.date
) -> pl.Series:
    """Count the past contacts that bear on every offer, under the rule that counts the most."""
    dated = _dated(contacts)
    most = pl.repeat(0, n=offers.height, dtype=pl.UInt32, eager=True)
    for rule in policy.pressure:
        past = _contacts_in_window(offers, dated, rule, today)
        more = past > most
        if rule.channel is not None:
            more &= offers["channel"] == rule.channel
        most = past.zip_with(more, most)
    return most.alias("pressure")
