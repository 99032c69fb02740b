"""Why offers may not be made: suppression, consent, control group, pressure, shared addresses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from grc_fast._utils.dates import parse_day
from grc_fast.errors import ColumnError, OptionError
from grc_fast.io.ids import same_ids, with_common_ids
from grc_fast.io.small_tables import flag
from grc_fast.labels.filling import Wording
from grc_fast.plan.addresses import ADDRESSES, address, with_shared_addresses
from grc_fast.plan.consent import CONSENT, consents, consents_in_force, without_consent
from grc_fast.plan.offers import OFFERS, PRESSURE, REFUSAL
from grc_fast.plan.policy import Policy
from grc_fast.plan.pressure import (
    CONTACTS,
    after_refusal,
    recent_contacts,
    under_pressure,
    with_pressure_cost,
)
from grc_fast.plan.reasons import REASON
from grc_fast.plan.retention import LAST_SEEN, silent_too_long
from grc_fast.plan.tables import table_of

#: How errors name the tables.
SUPPRESSED: Final = "the suppression list"
CONTROL: Final = "the control group"
_EXPLANATION: Final = {
    "basis": pl.String,
    "consent_collected_at": pl.Date,
    "pressure": pl.UInt32,
}


@dataclass(frozen=True)
class Tables:
    """What is known of clients beside their offers; None where there is no table."""

    consent: Any = None
    suppress: Any = None
    contacts: Any = None
    control: Any = None
    last_seen: Any = None


@dataclass(frozen=True)
class Permissions:
    """Why offers may not be made.

    Attributes
    ----------
    offers
        The offers, with `refusal`: null, or the first reason that holds.
    notes
        What to know of it.
    """

    offers: pl.DataFrame
    notes: tuple[Wording, ...]


def permitted_offers(
    offers: pl.DataFrame,
    tables: Tables,
    policy: str | Path | None,
    as_of: dt.date | str | None,
) -> tuple[pl.DataFrame, tuple[Wording, ...]]:
    """Say of offers that are checked which may not be made, and what to know of it.

    Raises
    ------
    OptionError
        If the policy or the day is none, or the day is needed and missing.
    GrcError
        If a table cannot be read, or holds what it may not.
    """
    if policy is None:
        policy = "none" if tables.consent is None else "fr"
    rules = None if policy == "none" else Policy.load(policy)
    if rules is None and tables.consent is not None:
        raise OptionError(
            "the policy none says that consent is handled elsewhere, and a table of consents was "
            "given: leave one of them out"
        )
    for given, what in ((tables.contacts, "past contacts"), (tables.last_seen, "signs of life")):
        if rules is None and given is not None:
            raise OptionError(
                f"{what} are counted by the rules of a policy, and the policy is none: give one, "
                f"or leave the {what} out"
            )
    has_address = not set(offers.columns).isdisjoint(ADDRESSES.values())
    if rules is None and tables.suppress is None and tables.control is None and not has_address:
        return offers, ()
    is_dated = any(t is not None for t in (tables.consent, tables.contacts, tables.last_seen))
    if rules is not None and as_of is None and is_dated:
        raise OptionError(
            "as_of is needed with consents, past contacts or signs of life, the day of the "
            "contacts: the library never reads the clock"
        )
    moment = None if as_of is None else _moment(as_of)
    by_zone = offers["client_id"].is_null()
    if not by_zone.any():
        found = permissions(offers, tables, rules, moment)
        return found.offers, found.notes
    # A channel that reaches nobody by name needs nobody's consent.
    found = permissions(offers.filter(~by_zone), tables, rules, moment)
    frame = pl.concat([found.offers, offers.filter(by_zone)], how="diagonal")
    if PRESSURE in frame.columns:
        frame = frame.with_columns(pl.col(PRESSURE).fill_null(0.0))
    return frame, found.notes


def permissions(
    offers: pl.DataFrame,
    tables: Tables,
    policy: Policy | None,
    moment: dt.date | None,
) -> Permissions:
    """Say of every offer whether it may be made.

    Parameters
    ----------
    offers
        Offers that are checked: `client_id` and `channel` are known.
    tables
        What is known of the clients.
    policy
        The rules; None if consent is handled elsewhere.
    moment
        The day of the contact, or its time; None only if no table has dates.

    Raises
    ------
    ColumnError, DataError
        If a table lacks a column, or holds what it may not.
    """
    today = moment.date() if isinstance(moment, dt.datetime) else moment or dt.date.min
    read = _read(offers, tables)
    offers = read["offers"]
    reasons: list[tuple[str, pl.Series]] = []
    notes: list[Wording] = []
    if tables.suppress is not None:
        reasons.append(("suppressed", _suppressed(offers, read["suppress"])))
    if policy is not None:
        consent = consents(read["consent"]) if "consent" in read else None
        refused, told = without_consent(offers, consent, policy, moment, today)
        contacts = read.get("contacts")
        refused |= after_refusal(offers, contacts, policy, today)
        silent, said = silent_too_long(offers, read.get("last_seen"), consent, policy, today)
        reasons.append(("no_consent", refused | silent))
        notes += [*told, *said]
    if tables.control is not None:
        reasons.append(("control_group", _in_control(offers, read["control"])))
    refusal = pl.repeat(None, offers.height, dtype=REASON, eager=True)
    for name, holds in reasons:
        refusal = _with_reason(refusal, name, holds)
    if policy is not None:
        contacts = read.get("contacts")
        offers = with_pressure_cost(offers, contacts, policy, today)
        pressed = under_pressure(offers, contacts, policy, today, refusal.is_null())
        refusal = _with_reason(refusal, "under_pressure", pressed)
    refusal = with_shared_addresses(offers, refusal)
    return Permissions(offers.with_columns(refusal.alias(REFUSAL)), tuple(notes))


def _with_reason(refusal: pl.Series, reason: str, holds: pl.Series) -> pl.Series:
    """Add a reason where there is none before it."""
    told = pl.when(refusal.is_null() & holds).then(pl.lit(reason, REASON)).otherwise(refusal)
    return pl.select(told.alias(REFUSAL)).to_series()


def _read(offers: pl.DataFrame, tables: Tables) -> dict[str, pl.DataFrame]:
    """Read the tables, with ids that meet those of the offers."""
    needed: dict[str, tuple[str, Sequence[str]]] = {
        "consent": (CONSENT, ("client_id", "channel", "status")),
        "suppress": (SUPPRESSED, ()),
        "contacts": (CONTACTS, ("client_id", "channel", "contacted_on")),
        "control": (CONTROL, ("client_id", "control")),
        "last_seen": (LAST_SEEN, ("client_id", "last_seen")),
    }
    names = {"offers": OFFERS, **{key: what for key, (what, _) in needed.items()}}
    found = {"offers": offers}
    for key, (what, columns) in needed.items():
        table = getattr(tables, key)
        if table is not None:
            found[key] = table_of(table, what, columns)
    common = dict(zip(found, with_common_ids(*found.values()), strict=True))
    met = same_ids("client_id", {names[key]: frame for key, frame in common.items()})
    return {key: met[names[key]] for key in common}


def _suppressed(offers: pl.DataFrame, listed: pl.DataFrame) -> pl.Series:
    """Offers to clients, e-mail addresses or telephone numbers that are listed."""
    columns = [name for name in ("client_id", "email", "phone") if name in listed.columns]
    if not columns:
        raise ColumnError(
            f"{SUPPRESSED} has no column client_id, email or phone: it names whom not to contact"
        )
    found = pl.repeat(value=False, n=offers.height, dtype=pl.Boolean, eager=True)
    for name in columns:
        if name not in offers.columns:
            if listed[name].null_count() < listed.height:
                raise ColumnError(
                    f"{SUPPRESSED} has a column {name!r} and {OFFERS} has none: add it, so that "
                    "nobody on the list is missed"
                )
            continue
        mine, theirs = offers[name], listed[name].drop_nulls()
        if name != "client_id":
            mine, theirs = address(mine, name), address(theirs, name)
        found |= mine.is_in(theirs.unique().implode()).fill_null(value=False)
    return found


def _in_control(offers: pl.DataFrame, control: pl.DataFrame) -> pl.Series:
    """Offers to clients who are held out; one row that says so is enough, and so is no answer."""
    held = control.filter(flag(control, "control", CONTROL).fill_null(value=True))
    return offers["client_id"].is_in(held["client_id"].unique().implode())


def _moment(moment: dt.date | str) -> dt.date:
    """Return a day, or the time of a day where there is one."""
    if isinstance(moment, dt.datetime):
        return moment
    if isinstance(moment, str) and len(moment.strip()) > len("2026-11-01"):
        with suppress(ValueError):
            return dt.datetime.fromisoformat(moment.strip())
    return parse_day(moment)


def explained_offers(
    offers: pl.DataFrame, tables: Tables, policy: str | Path, as_of: dt.date | str | None
) -> pl.DataFrame:
    """Add what permits offers, as far as tables are given, and what has gone before.

    Returns
    -------
    DataFrame
        The offers with `basis` and `consent_collected_at` of the consent that holds, and
        `pressure`, the past contacts that the policy counts; those that the offers have already
        where there is no table.
    """
    if policy != "none" and as_of is not None:
        rules, moment = Policy.load(policy), _moment(as_of)
        today = moment.date() if isinstance(moment, dt.datetime) else moment
        read = _read(offers, Tables(consent=tables.consent, contacts=tables.contacts))
        offers = read["offers"]
        if "consent" in read:
            held = consents_in_force(consents(read["consent"]), rules, today)
            offers = offers.drop("basis", "consent_collected_at", strict=False).join(
                held, on=["client_id", "channel"], how="left", maintain_order="left"
            )
        if "contacts" in read:
            past = recent_contacts(offers, read["contacts"], rules, today)
            offers = offers.with_columns(past)
    return offers.with_columns(
        pl.lit(None, dtype).alias(name)
        for name, dtype in _EXPLANATION.items()
        if name not in offers.columns
    )
