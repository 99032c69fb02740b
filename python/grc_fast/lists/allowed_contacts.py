"""Through which channels clients may be contacted, and why or why not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, get_args

import polars as pl

from grc_fast.labels.catalogue import section, text
from grc_fast.labels.written import day
from grc_fast.plan.consent import consents, consents_in_force
from grc_fast.plan.offers import REFUSAL
from grc_fast.plan.permission import Tables, permissions
from grc_fast.plan.policy import ChannelRule, Policy, Weekday

_WEEK: Final = get_args(Weekday)
# What a client said: status, basis and day, by client and channel.
_Words: TypeAlias = dict[tuple[str, str], tuple[str | None, str | None, dt.date | None]]


@dataclass(frozen=True)
class AllowedContact:
    """Whether a client may be contacted through a channel.

    Attributes
    ----------
    channel, allowed
        The channel, and the verdict for the day; on which weekdays and at which hours it may be
        used is another matter.
    reason
        Why not, by the names of a plan's reasons (`suppressed`, `no_consent`, `control_group`,
        `under_pressure`); None if the client may be contacted.
    status, basis, collected_at
        What the client said last that counts, `granted` or `denied`, on what basis, and when; None
        where nothing is known.
    weekdays, hours, holidays
        The days and hours of contacts, and the country whose public holidays are left out.
    """

    channel: str
    allowed: bool
    reason: str | None
    status: str | None
    basis: str | None
    collected_at: dt.date | None
    weekdays: tuple[str, ...]
    hours: tuple[str, ...]
    holidays: str | None

    def said(self, lang: str) -> str:
        """Say the verdict and what it rests on, for a reader."""
        parts = [text(f"contact.{'allowed' if self.allowed else self.reason}", lang)]
        if self.status is not None and self.reason in (None, "no_consent"):
            parts.append(self._consent(lang))
        elif self.reason == "no_consent":
            parts.append(text("contact.unknown", lang))
        if self.allowed and (hours := self._hours(lang)):
            parts.append(hours)
        return "; ".join(parts) if lang == "en" else " ; ".join(parts)

    def _consent(self, lang: str) -> str:
        """Say what the client said, and when."""
        undated = "" if self.collected_at is not None else "_undated"
        word = self.status if self.allowed or self.status == "denied" else "void"
        words = section("basis", lang)
        basis = words.get(self.basis or "opt_in", str(self.basis))
        date = "" if self.collected_at is None else day(self.collected_at, lang)
        return text(f"contact.{word}{undated}", lang, basis=basis, day=date)

    def _hours(self, lang: str) -> str:
        """Say on which days and at which hours the channel is used, where these are limited."""
        names = section("weekday", lang)
        parts = []
        if len(self.weekdays) < len(_WEEK):
            places = [_WEEK.index(name) for name in self.weekdays]
            first, last = names[self.weekdays[0]], names[self.weekdays[-1]]
            in_a_row = places == list(range(places[0], places[0] + len(places)))
            parts.append(
                text("contact.weekdays", lang, first=first, last=last)
                if in_a_row and len(places) > 2
                else ", ".join(names[name] for name in self.weekdays)
            )
        parts += [hours.replace("-", "–") for hours in self.hours]
        if self.holidays is not None:
            parts.append(text("contact.no_holidays", lang))
        return ", ".join(parts)


def allowed_contacts(
    clients: pl.DataFrame, tables: Tables, policy: Policy, today: dt.date
) -> Mapping[int | str, tuple[AllowedContact, ...]]:
    """Say of every client and channel of a policy whether the contact is allowed.

    Parameters
    ----------
    clients
        `client_id`, and where suppression lists have them, `email` and `phone`.
    tables
        Consents, suppression list, past contacts, control group and signs of life.
    policy
        The rules; their weekdays and hours are told, and play no part in the verdict.
    today
        The day from which consents and windows count.
    """
    found: dict[int | str, list[AllowedContact]] = {client: [] for client in clients["client_id"]}
    permits, against = _words(tables, policy, today)
    for channel, rule in policy.channels.items():
        any_time = replace(policy, channels={channel: _at_any_time(rule)})
        # A channel by itself: a rule over all channels would let others take its place.
        offers = clients.with_columns(
            pl.lit(channel).alias("channel"), pl.lit(0.0).alias("gain"), pl.lit(0.0).alias("cost")
        )
        judged = permissions(offers, tables, any_time, today).offers
        for client, refusal in zip(clients["client_id"], judged[REFUSAL], strict=True):
            # Who shares an address with another client is contacted once, and may be.
            reason = None if refusal == "same_address" else refusal
            said = (permits if reason is None else against).get((str(client), channel))
            status, basis, collected = said or (None, None, None)
            found[client].append(
                AllowedContact(
                    channel=channel,
                    allowed=reason is None,
                    reason=reason,
                    status=status,
                    basis=basis,
                    collected_at=collected,
                    weekdays=tuple(rule.weekdays),
                    hours=tuple(rule.hours),
                    holidays=rule.holidays,
                )
            )
    return {client: tuple(contacts) for client, contacts in found.items()}


def _at_any_time(rule: ChannelRule) -> ChannelRule:
    """Return a rule without its weekdays, hours and holidays."""
    return rule.model_copy(update={"weekdays": list(_WEEK), "hours": [], "holidays": None})


def _words(tables: Tables, policy: Policy, today: dt.date) -> tuple[_Words, _Words]:
    """Return by client and channel on what a contact rests, and what stands against one."""
    if tables.consent is None:
        return {}, {}
    key = ("client_id", "channel")
    rows = consents(tables.consent)
    held = consents_in_force(rows, policy, today)
    permits: _Words = {
        (str(client), channel): ("granted", basis, collected)
        for client, channel, basis, collected in held.select(
            *key, "basis", "consent_collected_at"
        ).iter_rows()
    }
    # A denial before a grant, and of either the latest; an undated one holds for good.
    words = (
        rows.filter(pl.col("status") != "unknown")
        .sort("status", "collected_at", descending=[True, False], nulls_last=True)
        .select(*key, "status", "basis", "collected_at")
    )
    against: _Words = {
        (str(client), channel): (status, basis, collected)
        for client, channel, status, basis, collected in words.iter_rows()
    }
    return permits, against
