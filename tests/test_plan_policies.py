"""Whatever a policy says, nobody is contacted against it: plans beside random policies."""

import calendar
import datetime as dt
import json

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

import grc_fast as grc
from grc_fast.plan.policy import is_holiday

CHANNELS = ("phone", "email", "post")
CLIENTS = range(1, 3)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DURATIONS = ("1y", "3y", "6mo", "30d", "2w")
# Days at the end of February, on which clocks are put back, and of a holiday; and times.
MOMENTS = (
    dt.date(2028, 2, 28),
    dt.date(2028, 2, 29),
    dt.date(2028, 3, 1),
    dt.date(2027, 3, 1),
    dt.date(2026, 12, 25),
    dt.datetime.fromisoformat("2026-10-25T02:30+02:00"),
    dt.datetime.fromisoformat("2026-10-25T02:30+01:00"),
    dt.datetime.fromisoformat("2028-02-29T09:59"),
    dt.datetime.fromisoformat("2028-02-29T10:00"),
    dt.datetime.fromisoformat("2028-02-29T12:59"),
    dt.datetime.fromisoformat("2028-02-29T13:00"),
)


def later(day, duration, sign=1):
    """Return the day on which a duration from another is over."""
    unit = duration.lstrip("0123456789")
    number = sign * int(duration.removesuffix(unit))
    if unit in {"d", "w"}:
        return day + dt.timedelta(days=number * (7 if unit == "w" else 1))
    months = day.year * 12 + day.month - 1 + number * (12 if unit == "y" else 1)
    year, month = months // 12, months % 12 + 1
    return dt.date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def earlier(day, duration):
    """Return the day that lies a duration before another."""
    return later(day, duration, -1)


CLIENT = st.sampled_from(CLIENTS)
CHANNEL = st.sampled_from(CHANNELS)


def policies(duration):
    """Draw policies whose rules look back as far as each other."""
    rule = st.fixed_dictionaries(
        {
            "consent": st.sampled_from(["opt_in", "opt_out"]),
            "bases": st.sampled_from([["opt_in"], ["opt_in", "contract"], ["existing_client"]]),
            "proof": st.booleans(),
            "weekdays": st.lists(st.sampled_from(WEEKDAYS), min_size=6, max_size=7, unique=True),
            "source": st.just("the house"),
        },
        optional={
            "lapses": st.just(duration),
            "hours": st.just(["10:00-13:00"]),
            "holidays": st.just("FR"),
            "silence_after_refusal": st.just(duration),
        },
    )
    limit = st.fixed_dictionaries(
        {"most": st.integers(0, 3), "window": st.just(duration)},
        optional={"channel": st.sampled_from(["phone", "email"])},
    )
    channels = st.fixed_dictionaries({"phone": rule, "email": rule}, optional={"post": rule})
    return st.fixed_dictionaries(
        {"channels": channels, "pressure": st.lists(limit, max_size=2)},
        optional={"silence": st.just(duration)},
    )


def tables(days):
    """Draw the rows of every table, or none of a table."""
    consent = st.tuples(
        CLIENT,
        CHANNEL,
        st.sampled_from(["granted", "granted", "granted", "denied", "unknown", None]),
        days,
        st.sampled_from(["opt_in", "opt_in", "contract", "existing_client", None]),
        st.sampled_from(["form", "form", " ", None]),
        st.none() | st.none() | days,
    )
    rows = {
        "consent": consent,
        "contacts": st.tuples(CLIENT, CHANNEL, days, st.sampled_from([True, False, None])),
        "last_seen": st.tuples(CLIENT, days, st.sampled_from(["purchase", "open"])),
        "suppress": st.tuples(st.integers(2, 40)),
        "control": st.tuples(st.integers(2, 40), st.sampled_from([True, False, None])),
    }
    return st.fixed_dictionaries(
        {name: st.none() | st.lists(row, max_size=10) for name, row in rows.items()}
    )


@st.composite
def cases(draw):
    """Draw a policy, tables and a moment, so that most days are where a rule changes its mind."""
    moment, duration = draw(st.sampled_from(MOMENTS)), draw(st.sampled_from(DURATIONS))
    today = moment.date() if isinstance(moment, dt.datetime) else moment
    shifts = [dt.timedelta(days=shift) for shift in (-1, 0, 1)]
    known = [day + shift for day in (today, earlier(today, duration)) for shift in shifts]
    days = st.sampled_from([None, *known])
    return draw(policies(duration)), draw(tables(days)), moment


TABLES = {
    "consent": {
        "client_id": pl.Int64,
        "channel": pl.String,
        "status": pl.String,
        "collected_at": pl.Date,
        "basis": pl.String,
        "proof": pl.String,
        "expires": pl.Date,
    },
    "contacts": {
        "client_id": pl.Int64,
        "channel": pl.String,
        "contacted_on": pl.Date,
        "refused": pl.Boolean,
    },
    "last_seen": {"client_id": pl.Int64, "last_seen": pl.Date, "kind": pl.String},
    "suppress": {"client_id": pl.Int64},
    "control": {"client_id": pl.Int64, "control": pl.Boolean},
}


def toml(policy):
    """Write a policy."""
    lines = ['name = "drawn"']
    for channel, rule in policy["channels"].items():
        lines += [f"[channels.{channel}]", "read_on = 2026-11-30"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in rule.items()]
    for rule in policy["pressure"]:
        lines += ["[[pressure]]", *(f"{key} = {json.dumps(value)}" for key, value in rule.items())]
    if "silence" in policy:
        lines += ["[retention]", f'silence = "{policy["silence"]}"', 'signs = ["purchase"]']
        lines += ['source = "the house"', "read_on = 2026-11-30"]
    return "\n".join(lines)


@given(case=cases())
def test_nobody_is_contacted_against_any_policy(tmp_path_factory, case):
    policy, rows, moment = case
    path = tmp_path_factory.getbasetemp() / "policy.toml"
    path.write_text(toml(policy), "utf-8")
    offers = pl.DataFrame(
        [(client, channel, 9.0, 1.0) for client in CLIENTS for channel in CHANNELS],
        ["client_id", "channel", "gain", "cost"],
        orient="row",
    )
    frames = {
        name: None if found is None else pl.DataFrame(found, TABLES[name], orient="row")
        for name, found in rows.items()
    }

    found = grc.plan_contacts(offers, policy=path, as_of=moment, **frames)

    expected = {
        (client, channel)
        for client in CLIENTS
        for channel in CHANNELS
        if may(client, channel, policy, rows, moment)
    }
    assert set(found.plan.select("client_id", "channel").rows()) == expected
    assert sum(found.to_dict()["offers"].values()) == offers.height
    assert sum(found.reasons.values()) == len(CLIENTS)


def may(client, channel, policy, rows, moment):
    """Say by the words of a policy whether a client may be contacted."""
    possible = [by for by in sorted(CHANNELS) if is_possible(client, by, policy, rows, moment)]
    today = moment.date() if isinstance(moment, dt.datetime) else moment
    contacts = [row for row in rows["contacts"] or [] if row[0] == client]
    return channel in possible and all(
        bears(channel, rule, possible, contacts, today) for rule in policy["pressure"]
    )


def is_possible(client, channel, policy, rows, moment):
    today = moment.date() if isinstance(moment, dt.datetime) else moment
    rule = policy["channels"].get(channel)
    if rule is None or any(who == client for (who,) in rows["suppress"] or []):
        return False
    if any(who == client and held is not False for who, held in rows["control"] or []):
        return False
    return (
        is_open(rule, moment)
        and has_consent(client, channel, rule, rows["consent"], today)
        and has_not_refused(client, channel, rule, rows["contacts"] or [], today)
        and is_alive(client, policy, rows, today)
    )


def is_open(rule, moment):
    clock = f"{moment:%H:%M}" if isinstance(moment, dt.datetime) else "10:00"
    return (
        WEEKDAYS[moment.weekday()] in rule["weekdays"]
        and not ("holidays" in rule and is_holiday("FR", moment))
        and not ("hours" in rule and not "10:00" <= clock < "13:00")
    )


def has_consent(client, channel, rule, consents, today):
    if consents is None:
        return rule["consent"] == "opt_out"
    mine = [row[2:] for row in consents if row[:2] == (client, channel)]
    grants = [
        day
        for status, day, basis, proof, expires in mine
        if status == "granted"
        and day is not None
        and day <= today
        and not (expires is not None and expires <= today)
        and (basis or "opt_in") in rule["bases"]
        and not (rule["proof"] and not (proof or "").strip())
        and not ("lapses" in rule and basis != "contract" and later(day, rule["lapses"]) <= today)
    ]
    is_denied = any(
        day is None or day > today or not grants or day >= max(grants)
        for status, day, *_ in mine
        if status == "denied"
    )
    return not is_denied and (bool(grants) or rule["consent"] == "opt_out")


def has_not_refused(client, channel, rule, contacts, today):
    silence = rule.get("silence_after_refusal")
    return silence is None or not any(
        no and (day is None or day >= earlier(today, silence))
        for who, by, day, no in contacts
        if (who, by) == (client, channel)
    )


def bears(channel, rule, possible, contacts, today):
    """Say whether a client bears one more contact, the best of those that are possible first."""
    of = rule.get("channel")
    begin = earlier(today, rule["window"])
    recent = [
        day for _, by, day, _ in contacts if of in {None, by} and (day is None or day > begin)
    ]
    if of is None:
        return possible.index(channel) + 1 + len(recent) <= rule["most"]
    return of != channel or len(recent) < rule["most"]


def is_alive(client, policy, rows, today):
    if "silence" not in policy or rows["last_seen"] is None:
        return True
    signs = [day for who, day, kind in rows["last_seen"] if (who, kind) == (client, "purchase")]
    signs += [row[3] for row in rows["consent"] or [] if row[0] == client and row[2] == "granted"]
    known = [day for day in signs if day is not None and day <= today]
    return bool(known) and later(max(known), policy["silence"]) > today
