"""Retention: who has given no sign of life for as long as a policy says is out."""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl

from grc_fast.io.small_tables import days
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase
from grc_fast.plan.policy import Policy

#: How errors name the table.
LAST_SEEN: Final = "the table of signs of life"


def silent_too_long(
    offers: pl.DataFrame,
    last_seen: pl.DataFrame | None,
    consent: pl.DataFrame | None,
    policy: Policy,
    today: dt.date,
) -> tuple[pl.Series, list[Wording]]:
    """Offers to clients whose last sign of life is too long ago, or unknown; and what to say of it.

    A consent is a sign of life on the day on which it was given. A sign that is to come is none.
    """
    rule = policy.retention
    if rule is None or last_seen is None:
        told: list[Wording] = []
        if rule is not None:
            told.append(Phrase("planning.silence_not_checked", silence=rule.silence))
        return pl.repeat(value=False, n=offers.height, dtype=pl.Boolean, eager=True), told
    signs = last_seen.select("client_id", days(last_seen, "last_seen", LAST_SEEN).alias("day"))
    if "kind" in last_seen.columns:
        signs = signs.filter(last_seen["kind"].cast(pl.String).is_in(rule.signs))
    if consent is not None:
        given = consent.filter(pl.col("status") == "granted")
        signs = pl.concat([signs, given.select("client_id", pl.col("collected_at").alias("day"))])
    latest = signs.filter(pl.col("day") <= today).group_by("client_id").agg(pl.col("day").max())
    # The anniversary of 29 February is the 28th.
    heard = latest.filter(pl.col("day").dt.offset_by(rule.silence) > today)["client_id"]
    return ~offers["client_id"].is_in(heard.implode()), []
