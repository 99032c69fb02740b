"""Horizons, and what a purchase within them is worth today."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from grc_fast import _core
from grc_fast._utils.checks import rate
from grc_fast._utils.dates import day_number, day_of_number
from grc_fast.errors import OptionError

#: Short, medium and long.
HORIZONS: Final = ("3mo", "12mo", "36mo")
# A year of the calendar, leap years and all, in days.
_YEAR: Final = 365.25
# Rates beyond a tenfold loss a year are typing errors (10 for 10 %).
_MOST_DISCOUNT: Final = 9.0
_MOST_HORIZON_DAYS: Final = 36_600


@dataclass(frozen=True)
class Outlook:
    """Periods that follow `as_of`.

    Attributes
    ----------
    edges
        Days from `as_of` to the end of each period.
    worths
        What a purchase within each period is worth today.
    ends
        For each horizon, the period with which it ends.
    """

    edges: tuple[float, ...]
    worths: tuple[float, ...]
    ends: tuple[int, ...]


def outlook(as_of: dt.date, horizons: Sequence[str], discount: object = 0.0) -> Outlook:
    """Cut the time after `as_of` where horizons end and, if money loses worth, by the month.

    A purchase within a period is worth (1 + discount)^-u, u being the years (of 365.25 days) from
    `as_of` to the middle of the period.

    Raises
    ------
    OptionError
        If a horizon is no duration of days or more, or the discount no rate.

    Examples
    --------
    >>> import datetime as dt
    >>> outlook(dt.date(2026, 1, 31), ["1mo", "1q"])
    Outlook(edges=(28.0, 89.0), worths=(1.0, 1.0), ends=(0, 1))
    """
    yearly = rate("discount", discount, least=0, most=_MOST_DISCOUNT)
    last = [_days_until(as_of, horizon) for horizon in check_horizons(horizons)]
    edges = set(last)
    if yearly > 0:
        edges.update(_months(as_of, max(last)))
    ascending = sorted(edges)
    starts = [0, *ascending[:-1]]
    worths = [
        (1 + yearly) ** (-(start + end) / 2 / _YEAR)
        for start, end in zip(starts, ascending, strict=True)
    ]
    return Outlook(
        tuple(float(edge) for edge in ascending),
        tuple(worths),
        tuple(ascending.index(day) for day in last),
    )


def check_horizons(horizons: object) -> list[str]:
    """Return horizons as a list of distinct durations.

    Raises
    ------
    OptionError
        If they are none.
    """
    if isinstance(horizons, str):
        horizons = [horizons]
    if not isinstance(horizons, Sequence) or not horizons:
        raise OptionError(f"horizons must be durations such as 3mo and 1y, not {horizons!r}")
    for position, horizon in enumerate(horizons):
        if not isinstance(horizon, str):
            raise OptionError(f"horizons must be durations such as 3mo, and {horizon!r} is not one")
        _core.parse_duration(horizon)
        if horizon in horizons[:position]:
            raise OptionError(f"the horizon {horizon!r} is asked for twice")
    return list(horizons)


def end_of(day: dt.date, period: str) -> dt.date:
    """Return the last day of a period that follows a day."""
    return day_of_number(_core.period_end(day_number(day), period))


def _days_until(as_of: dt.date, horizon: str) -> int:
    days = (end_of(as_of, horizon) - as_of).days
    if days > _MOST_HORIZON_DAYS:
        raise OptionError(f"the horizon {horizon!r} is beyond a hundred years: take a shorter one")
    return days


def _months(as_of: dt.date, until: int) -> Iterator[int]:
    for month in range(1, until // 28 + 1):
        days = _days_until(as_of, f"{month}mo")
        if days < until:
            yield days
