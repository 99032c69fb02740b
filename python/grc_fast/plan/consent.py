"""Which offers clients have agreed to, or may be made without: a table of consents and a policy.

It fails closed: what is missing, undated, dated in the future or contradicted is no consent.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl

from grc_fast._utils.messages import nearest
from grc_fast.errors import DataError
from grc_fast.io.small_tables import days
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase, with_nearest
from grc_fast.plan.policy import ChannelRule, Policy

#: How errors name the table.
CONSENT: Final = "the table of consents"
_STATUS: Final = ("granted", "denied", "unknown")
_SCOPES: Final = ("contact", "open", "click")


def without_consent(
    offers: pl.DataFrame,
    rows: pl.DataFrame | None,
    policy: Policy,
    moment: dt.date | None,
    today: dt.date,
) -> tuple[pl.Series, list[Wording]]:
    """Offers that the policy does not permit, by the rows of consents, and what to say of it."""
    refused = pl.repeat(value=True, n=offers.height, dtype=pl.Boolean, eager=True)
    notes: list[Wording] = []
    lapsing = 0
    for channel in offers["channel"].unique().sort().to_list():
        of_channel = offers["channel"] == channel
        rule = policy.channels.get(channel)
        if rule is None:
            without = Phrase("planning.no_rule", channel=repr(channel))
            notes.append(with_nearest(without, channel, policy.channels))
            continue
        if rows is None and rule.consent == "opt_in":
            notes.append(Phrase("planning.no_consents", channel=channel))
            continue
        if not rule.permits(moment):
            on = Phrase("planning.without_day" if moment is None else "planning.on_day", day=moment)
            notes.append(Phrase("planning.not_permitted", channel=channel, on=on))
            continue
        if rows is None:
            refused &= ~of_channel
            continue
        states = _states(rows.filter(pl.col("channel") == channel), rule, today)
        may = (
            offers.select("client_id")
            .filter(of_channel)
            .join(states, on="client_id", how="left", maintain_order="left")
        )
        is_refused = ~may["granted"].fill_null(value=False)
        if rule.consent == "opt_out":
            is_refused = may["denied"].fill_null(value=False)
        else:
            lapsing += states.filter(pl.col("granted") & pl.col("lapses_soon")).height
        refused = refused.scatter(of_channel.arg_true(), is_refused)
    if lapsing:
        notes.append(Phrase("planning.lapsing", consents=lapsing))
    return refused, notes


def consents(table: pl.DataFrame) -> pl.DataFrame:
    """Check consents to contacts, and give their columns types."""
    table = table.with_columns(
        pl.col("status").cast(pl.String).str.strip_chars().str.to_lowercase(),
        pl.col("channel").cast(pl.String),
        (pl.col("scope").cast(pl.String) if "scope" in table.columns else pl.lit("contact")).alias(
            "scope"
        ),
        (pl.col("basis") if "basis" in table.columns else pl.lit(None))
        .cast(pl.String)
        .alias("basis"),
        (pl.col("proof") if "proof" in table.columns else pl.lit(None))
        .cast(pl.String)
        .alias("proof"),
        *(
            days(table, name, CONSENT).alias(name)
            if name in table.columns and table[name].dtype != pl.Null
            else pl.lit(None, pl.Date).alias(name)
            for name in ("collected_at", "expires")
        ),
    )
    for name, known in (("status", _STATUS), ("scope", _SCOPES)):
        strange = table[name].drop_nulls()
        strange = strange.filter(~strange.is_in(known))
        if len(strange):
            raise DataError(
                f"{CONSENT} has the {name} {strange[0]!r}, which is none of {', '.join(known)}"
                f"{nearest(strange[0], known)}"
            )
    return table.filter(
        pl.col("scope").fill_null("contact") == "contact", pl.col("client_id").is_not_null()
    )


def _states(rows: pl.DataFrame, rule: ChannelRule, today: dt.date) -> pl.DataFrame:
    """Say of each client with a row whether there is a consent, and whether there is a denial.

    A denial wins over every grant that is not later; an undated one, and one dated in the future,
    over all.
    """
    is_denial = pl.col("status") == "denied"
    collected = pl.col("collected_at")
    return (
        _with_validity(rows, rule, today)
        .group_by("client_id")
        .agg(
            (is_denial & (collected.is_null() | (collected > today)))
            .any()
            .alias("denied for good"),
            collected.filter(is_denial).max().alias("denied on"),
            collected.filter(pl.col("holds")).max().alias("granted on"),
            pl.col("soon")
            .filter(pl.col("holds"))
            .all()
            .fill_null(value=False)
            .alias("lapses_soon"),
        )
        .select(
            "client_id",
            (
                ~pl.col("denied for good")
                & pl.col("granted on").is_not_null()
                & (pl.col("denied on").is_null() | (pl.col("granted on") > pl.col("denied on")))
            ).alias("granted"),
            (
                pl.col("denied for good")
                | (
                    pl.col("denied on").is_not_null()
                    & (
                        pl.col("granted on").is_null()
                        | (pl.col("granted on") <= pl.col("denied on"))
                    )
                )
            ).alias("denied"),
            "lapses_soon",
        )
    )


def _with_validity(rows: pl.DataFrame, rule: ChannelRule, today: dt.date) -> pl.DataFrame:
    """Say of each row whether it is a consent that `holds`, and whether it lapses `soon`."""
    collected, expires = pl.col("collected_at"), pl.col("expires")
    lapsed = expires.is_not_null() & (expires <= today)
    soon = expires.is_not_null() & (expires <= today + dt.timedelta(days=30))
    if rule.lapses is not None:
        # The anniversary of 29 February is the 28th: nobody is contacted on a consent in doubt.
        end = pl.when(pl.col("basis").ne_missing("contract")).then(
            collected.dt.offset_by(rule.lapses)
        )
        lapsed |= (end <= today).fill_null(value=False)
        soon |= (end <= today + dt.timedelta(days=30)).fill_null(value=False)
    holds = (
        (pl.col("status") == "granted")
        & collected.is_not_null()
        & (collected <= today)
        & pl.col("basis").fill_null("opt_in").is_in(rule.bases)
        & ~lapsed
    )
    if rule.proof:
        holds &= pl.col("proof").fill_null("").str.strip_chars() != ""
    return rows.with_columns(holds.fill_null(value=False).alias("holds"), soon.alias("soon"))


def consents_in_force(rows: pl.DataFrame, policy: Policy, today: dt.date) -> pl.DataFrame:
    """Return the latest consent that holds of every client and channel, with its basis and date.

    `rows` are those of `consents`.
    """
    found = [
        _with_validity(rows.filter(pl.col("channel") == channel), rule, today).filter("holds")
        for channel, rule in policy.channels.items()
    ]
    return (
        pl.concat([rows.clear(), *(frame.select(rows.columns) for frame in found)])
        .sort("collected_at", "basis")
        .group_by("client_id", "channel")
        .agg(
            pl.col("basis").last().fill_null("opt_in"),
            pl.col("collected_at").last().alias("consent_collected_at"),
        )
    )
