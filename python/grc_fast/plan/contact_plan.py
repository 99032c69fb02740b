"""The contact plan, and the certificate that says how good it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import polars as pl

from grc_fast._utils.checks import check_threads, finite, whole
from grc_fast._utils.panics import panics_as_errors
from grc_fast._utils.processes import check_process
from grc_fast.errors import OptionError
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase, Phrases, with_nearest
from grc_fast.labels.table import paragraphs
from grc_fast.labels.written_frame import written_frame
from grc_fast.plan.offers import REFUSAL, ZONE, SortedOffers, checked_offers, sorted_offers
from grc_fast.plan.permission import Tables, permitted_offers
from grc_fast.plan.reasons import REASON, REASONS

# What the kernel calls them.
_OF_KERNEL: Final = pl.Series(["chosen", "not_worth_it", "capacity", "budget"], dtype=REASON)
_MOST_MONEY: Final = 1e12
_MOST_CONTACTS: Final = 2**32 - 1


@dataclass(frozen=True)
class Certificate:
    """What a plan comes to, and how far from the best plan it can be.

    Attributes
    ----------
    value
        The sum of gain − cost − pressure cost over the contacts.
    bound
        What no plan under these limits exceeds.
    gap
        (bound − value) ÷ the size of bound: no plan is better by a larger share. 0 is the best
        plan.
    cost
        The sum of the costs.
    contacts
        The number of contacts of each channel.
    shadow_prices
        What one more of `budget` and of each channel's capacity would earn, at the margin; below 0
        for a channel whose minimum forces contacts that do not pay.
    """

    value: float
    bound: float
    gap: float
    cost: float
    contacts: Mapping[str, int]
    shadow_prices: Mapping[str, float]

    @classmethod
    def of(cls, found: Mapping[str, Any], channels: tuple[str, ...]) -> Certificate:
        """Make a certificate of what the kernel found."""
        # Money is counted in millionths; what is less is what the search for prices left.
        of_contacts = (round(price, 6) + 0.0 for price in found["prices_of_contacts"])
        prices = dict(zip(channels, of_contacts, strict=True))
        return cls(
            value=found["value"],
            bound=found["bound"],
            gap=found["gap"],
            cost=found["cost"],
            contacts=dict(zip(channels, found["contacts"], strict=True)),
            shadow_prices={"budget": found["price_of_money"], **prices},
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the certificate in types that JSON knows."""
        return {
            "value": self.value,
            "bound": self.bound,
            "gap": self.gap,
            "cost": self.cost,
            "contacts": dict(self.contacts),
            "shadow_prices": dict(self.shadow_prices),
        }

    @property
    def phrases(self) -> list[Wording]:
        """What the shadow prices say, in words."""
        money = self.shadow_prices["budget"]
        found: list[Wording] = [Phrase("planning.budget_earns", price=money)] if money > 0 else []
        for channel, price in self.shadow_prices.items():
            if channel == "budget":
                continue
            if price > 0:
                found.append(Phrase("planning.contact_earns", channel=channel, price=price))
            elif price < 0:
                found.append(Phrase("planning.minimum_loses", channel=channel, price=-price))
        return found or [Phrase("planning.nothing_scarce")]


@dataclass(frozen=True)
class PlanResult:
    """A contact plan.

    Attributes
    ----------
    certificate
        What the plan comes to, and how good it is.
    notes
        What to know of the options.
    """

    certificate: Certificate
    notes: tuple[Wording, ...]
    # The offers as they came, why each is made or not, and the order in which plans have them.
    _frame: pl.DataFrame = field(repr=False)
    _reason: pl.Series = field(repr=False)
    _order: pl.Series = field(repr=False)

    @cached_property
    def offers(self) -> pl.DataFrame:
        """Every offer, with `chosen` and `reason`, ascending by household, client and channel."""
        check_process()
        chosen = (self._reason == "chosen").alias("chosen")
        told = self._frame.with_columns(chosen, self._reason.alias("reason"))
        return told[self._order].with_columns(pl.col("reason").cast(pl.String))

    @cached_property
    def plan(self) -> pl.DataFrame:
        """The chosen offers, in the order of `offers`."""
        check_process()
        is_chosen = (self._reason == "chosen").gather(self._order)
        return self._frame[self._order.filter(is_chosen)]

    @cached_property
    def clients(self) -> pl.DataFrame:
        """Every client, ascending, with the number of `contacts` and the `reason`.

        Where there are offers to zones, these follow, with their `zone` in place of `client_id`.

        A client has the first reason in the order of `REASONS` that one of its offers has; but
        `not_worth_it` only if none of its offers was worth it.
        """
        check_process()
        # Where another offer was worth it, what stood in its way is the reason.
        last = len(REASONS)
        rank = (
            pl.when(pl.col("reason") == "not_worth_it")
            .then(last)
            .otherwise(pl.col("reason").to_physical())
        )
        names = {**dict(enumerate(REASONS)), last: "not_worth_it"}
        keys = [pl.col("client_id")]
        if self._frame["client_id"].null_count():
            keys.append(pl.when(pl.col("client_id").is_null()).then(pl.col(ZONE)).alias(ZONE))
        return (
            self._frame.select(*keys, self._reason.alias("reason"))
            .group_by(pl.exclude("reason"))
            .agg((pl.col("reason") == "chosen").sum().alias("contacts"), rank.min().alias("reason"))
            .with_columns(pl.col("reason").replace_strict(names, return_dtype=pl.String))
            .sort(pl.exclude("contacts", "reason"), nulls_last=True)
        )

    @cached_property
    def reasons(self) -> dict[str, int]:
        """The number of clients by reason, each client under one."""
        return _counts(self.clients["reason"])

    @property
    def channels(self) -> pl.DataFrame:
        """Each channel of the offers: its `contacts`, their `gain` and `cost`, `one_more_earns`."""
        sums = self.plan.group_by("channel").agg(
            pl.len().alias("contacts"), pl.col("gain").sum(), pl.col("cost").sum()
        )
        names, prices = list(self.certificate.contacts), self.certificate.shadow_prices
        channels = pl.DataFrame(
            {"channel": names, "one_more_earns": [prices[name] for name in names]},
            schema={"channel": pl.String, "one_more_earns": pl.Float64},
        )
        return channels.join(sums, on="channel", how="left", maintain_order="left").select(
            "channel",
            pl.col("contacts").fill_null(0),
            pl.col("gain").fill_null(0.0),
            pl.col("cost").fill_null(0.0),
            "one_more_earns",
        )

    def _repr_html_(self) -> str:
        return paragraphs(str(self)) + written_frame(self.channels, "en").html()

    def to_dict(self) -> dict[str, Any]:
        """Return the certificate with the clients and the offers by reason, as JSON has them."""
        return {
            **self.certificate.to_dict(),
            "reasons": self.reasons,
            "offers": _counts(self._reason),
        }

    def __str__(self) -> str:
        """Say in a few lines what the plan comes to."""
        return self.said("en")

    def said(self, lang: str) -> str:
        """Return what the plan comes to, in a few lines."""
        found = self.certificate
        by_channel = [
            Phrase("planning.contacts_by", contacts=count, channel=channel)
            for channel, count in found.contacts.items()
        ]
        total = Phrase(
            "planning.total",
            contacts=sum(found.contacts.values()),
            by_channel=Phrases(by_channel) if by_channel else Phrase("planning.no_channel"),
            cost=found.cost,
            value=found.value,
            bound=found.bound,
            gap=found.gap,
        )
        return "\n".join(line.said(lang) for line in (total, *found.phrases))


def _counts(reasons: pl.Series) -> dict[str, int]:
    found = dict(reasons.value_counts().iter_rows())
    return {reason: found.get(reason, 0) for reason in REASONS}


@dataclass(frozen=True)
class PlanLimits:
    """The limits of a plan, checked.

    Attributes
    ----------
    capacity, minimum
        By channel, those that were given.
    """

    budget: float | None
    capacity: Mapping[str, int]
    minimum: Mapping[str, int]
    max_contacts: int | None

    @classmethod
    def of(
        cls,
        budget: float | None,
        capacity: Mapping[str, int] | None,
        minimum: Mapping[str, int] | None,
        max_contacts: int | None,
    ) -> PlanLimits:
        """Check limits.

        Raises
        ------
        OptionError
            If one has no meaning.
        """
        return cls(
            None if budget is None else check_budget(budget),
            _contacts("capacity", capacity),
            _contacts("minimum", minimum),
            None
            if max_contacts is None
            else whole("max_contacts", max_contacts, least=1, most=_MOST_CONTACTS),
        )

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that have a limit."""
        return tuple({**self.capacity, **self.minimum})

    def of_channels(self, channels: tuple[str, ...]) -> dict[str, Any]:
        """Return what the kernel takes beside the budget."""
        return {
            "capacity": [self.capacity.get(channel) for channel in channels],
            "minimum": [self.minimum.get(channel, 0) for channel in channels],
            "max_contacts": self.max_contacts,
        }

    def notes(self, offers: SortedOffers) -> tuple[Wording, ...]:
        """Say which channels have a limit and no offer."""
        known = offers.offered
        return tuple(
            with_nearest(Phrase("planning.no_offer_of", channel=repr(channel)), channel, known)
            for channel in self.channels
            if channel not in known
        )


def check_budget(value: object) -> float:
    """Return a budget as a float.

    Raises
    ------
    OptionError
        If it is no number from 0 to a million millions.
    """
    return float(
        finite("budget", value, "a number from 0 to 1,000,000,000,000", least=0, most=_MOST_MONEY)
    )


def _contacts(what: str, given: Any) -> dict[str, int]:
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise OptionError(
            f"{what} must be a dictionary of contacts by channel, such as {{'phone': 2000}}, not "
            f"{given!r}"
        )
    return {
        name: whole(f"the {what} of {name}", count, least=0, most=_MOST_CONTACTS)
        for name, count in given.items()
    }


@panics_as_errors()
def plan_contacts(
    offers: Any,
    *,
    budget: float | None = None,
    capacity: Mapping[str, int] | None = None,
    minimum: Mapping[str, int] | None = None,
    max_contacts: int | None = None,
    policy: str | Path | None = None,
    consent: Any = None,
    suppress: Any = None,
    contacts: Any = None,
    control: Any = None,
    last_seen: Any = None,
    as_of: dt.date | str | None = None,
    threads: int | None = None,
) -> PlanResult:
    """Choose the contacts that earn most within a budget and the capacities of channels.

    Parameters
    ----------
    offers
        A table, or the path of its file: `client_id` (or `zone`, where a channel reaches nobody
        by name), `channel`, `gain` (what the contact earns, before its cost; what it adds, where
        a control group says so) and `cost`; and where there are, `household`, `offer` (several of
        one channel are alternatives) and `pressure_cost` (what a contact costs in patience: it
        lowers the value and is not paid out of the budget). Further columns are kept.
    budget
        What all contacts may cost together; no limit by default.
    capacity
        The most contacts of channels, by name.
    minimum
        The fewest contacts of channels, by name.
    max_contacts
        The most contacts of a client, and of all clients of a household together. A channel
        reaches a client once at most.
    policy
        The rules of contacts: `fr`, or the path of a TOML file. `none` says that consent is handled
        elsewhere. By default `fr` where there is a table of consents, and `none` elsewhere.
    consent
        A table, or its file: `client_id`, `channel`, `status` (`granted`, `denied`, `unknown`),
        `collected_at`, and `basis`, `expires`, `proof`, `scope` (`contact` counts here).
    suppress
        Whom never to contact: `client_id`, `email` or `phone`.
    contacts
        Past contacts: `client_id`, `channel`, `contacted_on`, and `refused` where clients said no.
    control
        The control group: `client_id`, `control`.
    last_seen
        Signs of life: `client_id`, `last_seen`, and where rows are of several kinds, `kind`.
    as_of
        The day of the contacts, or their time; needed with a policy.
    threads
        Threads to use; every core by default. The plan does not depend on it.

    Returns
    -------
    PlanResult
        The plan, the reason of every offer and client, and the certificate.

    Raises
    ------
    OptionError
        If a limit has no meaning, or the minimums cannot be met: the sentence says which, and what
        would meet them.
    GrcError
        If the offers cannot be read, or a column or a value is wrong.

    Notes
    -----
    Money is counted in millionths. The plan is the same for any order of the rows; equal offers go
    to the smaller id. `bound` is the minimum of the Lagrangian dual: each household takes its best
    contacts at given prices of money and of contacts, and the prices are sought at which what
    that earns, plus what the limits are worth, is least (Fisher 1981). Shadow prices are those.

    Examples
    --------
    >>> import grc_fast as grc
    >>> import polars as pl
    >>> offers = pl.DataFrame(
    ...     {
    ...         "client_id": [1, 1, 2, 3],
    ...         "channel": ["email", "phone", "email", "phone"],
    ...         "gain": [3.0, 9.0, 2.0, 4.5],
    ...         "cost": [0.02, 4.0, 0.02, 4.0],
    ...     }
    ... )
    >>> result = grc.plan_contacts(offers, budget=5, max_contacts=1)
    >>> result.plan.select("client_id", "channel").rows()
    [(1, 'phone'), (2, 'email')]
    >>> result.certificate.value, result.reasons["budget"]
    (6.98, 1)
    """
    limits = PlanLimits.of(budget, capacity, minimum, max_contacts)
    threads = check_threads(threads)
    tables = Tables(consent, suppress, contacts, control, last_seen)
    frame, notes = permitted_offers(checked_offers(offers), tables, policy, as_of)
    return planned(sorted_offers(frame, limits.channels, threads), limits, notes)


def planned(
    offers: SortedOffers, limits: PlanLimits, notes: tuple[Wording, ...] = ()
) -> PlanResult:
    """Plan the contacts of offers that are sorted."""
    codes, found = offers.kernel.plan(budget=limits.budget, **limits.of_channels(offers.channels))
    frame = offers.frame
    # The kernel answers for the offers that may be made, in their order.
    reason = pl.repeat(0, frame.height, dtype=pl.UInt8, eager=True)
    if REFUSAL in frame.columns:
        reason = frame[REFUSAL].to_physical().fill_null(0)
        frame = frame.drop(REFUSAL)
    reason = reason.scatter(offers.possible, _OF_KERNEL.to_physical().gather(pl.Series(codes)))
    return PlanResult(
        Certificate.of(found, offers.channels),
        (*notes, *limits.notes(offers), *_notes_on_gains(frame)),
        frame,
        pl.Series(REASONS, dtype=REASON).gather(reason),
        offers.order,
    )


def _notes_on_gains(offers: pl.DataFrame) -> list[Wording]:
    """Say where gains are not what contacts add, as far as the offers tell."""
    if "kind" not in offers.columns or (offers["kind"] == "incremental").all():
        return []
    return [Phrase("planning.not_incremental")]
