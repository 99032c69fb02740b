"""Call lists: whom a seller calls and when, the largest gain per minute first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from grc_fast.plan.policy import Policy

#: The channel of calls.
PHONE: Final = "phone"
#: The hours of a day where no policy says which: those of an office, around lunch.
OFFICE_HOURS: Final = ("09:00-12:00", "14:00-18:00")


@dataclass(frozen=True)
class CallList:
    """The calls of a seller on a day.

    Attributes
    ----------
    rows
        The calls in their order, with `begins` and `ends` (minutes of the day) and
        `gain_per_minute`.
    left_out
        How many are not made: the seller's `minutes` or the `calling_hours` of the day are over.
    """

    rows: pl.DataFrame
    left_out: Mapping[str, int]


def calling_hours(policy: Policy | None, day: dt.date) -> tuple[str, ...]:
    """Return the hours of calls on a day; none on a day without calls.

    Examples
    --------
    >>> import datetime as dt
    >>> calling_hours(Policy.load("fr"), dt.date(2026, 12, 1))
    ('10:00-13:00', '14:00-20:00')
    >>> calling_hours(Policy.load("fr"), dt.date(2026, 12, 25))
    ()
    """
    rule = None if policy is None else policy.channels.get(PHONE)
    if rule is None:
        return OFFICE_HOURS
    # A day alone: its hours are what is asked for.
    plain = day.date() if isinstance(day, dt.datetime) else day
    return tuple(rule.hours or OFFICE_HOURS) if rule.permits(plain) else ()


def call_list(rows: pl.DataFrame, minutes: int, each: int, hours: Sequence[str]) -> CallList:
    """Give the best calls the times of a day, as many as the seller's minutes and the hours hold.

    Parameters
    ----------
    rows
        The clients to call: `client_id`, `gain`, and whatever else the list shows; of equal gains
        the first comes first.
    minutes
        How long the seller calls.
    each
        The minutes of a call.
    hours
        When calls may be made, such as `10:00-13:00`; a call ends before they do.

    Examples
    --------
    >>> import polars as pl
    >>> clients = pl.DataFrame({"client_id": [1, 2, 3], "gain": [5.0, 9.0, 7.0]})
    >>> calls = call_list(clients, 60, 30, ["10:00-10:45", "14:00-15:00"])
    >>> calls.rows.select("client_id", "begins").rows(), dict(calls.left_out)
    ([(2, 600), (3, 840)], {'minutes': 1, 'calling_hours': 0})
    """
    slots = [
        begin
        for first, last in sorted(map(minutes_of, hours))
        for begin in range(first, last - each + 1, each)
    ]
    affordable = min(rows.height, minutes // each)
    made = min(affordable, len(slots))
    begins = pl.Series("begins", slots[:made], dtype=pl.Int64)
    best = rows.sort("gain", descending=True, nulls_last=True, maintain_order=True)
    calls = best.head(made).with_columns(
        begins,
        (begins + each).alias("ends"),
        (pl.col("gain") / each).alias("gain_per_minute"),
    )
    left_out = {"minutes": rows.height - affordable, "calling_hours": affordable - made}
    return CallList(calls, left_out)


def clock(minutes: pl.Expr) -> pl.Expr:
    """Write minutes of the day as `09:30`."""
    hour, minute = minutes // 60 % 24, minutes % 60
    two = [part.cast(pl.String).str.zfill(2) for part in (hour, minute)]
    return pl.concat_str(two, separator=":")


def minutes_of(hours: str) -> tuple[int, int]:
    """Return the first and the last minute of hours of a day, such as `10:00-13:00`."""
    begin, _, end = hours.partition("-")
    first, last = (int(at[:2]) * 60 + int(at[3:]) for at in (begin, end))
    return first, last
