"""Days and instants: what users write, and the numbers that the core counts in."""

from __future__ import annotations

import datetime as dt
from typing import Final, overload

import polars as pl

from grc_fast.errors import DataError, OptionError


def parse_day(day: object) -> dt.date:
    """Read an `as_of`: a date, a datetime (its date) or ISO text.

    Raises
    ------
    OptionError
        If it is none of these.

    Examples
    --------
    >>> from grc_fast._utils.dates import parse_day
    >>> parse_day("2026-11-01T23:59")
    datetime.date(2026, 11, 1)
    """
    if isinstance(day, dt.datetime) and day == day:  # noqa: PLR0124 (NaT of pandas is not itself)
        return day.date()
    if isinstance(day, dt.date) and not isinstance(day, dt.datetime):
        return day
    if isinstance(day, str):
        try:
            return dt.datetime.fromisoformat(day.strip()).date()
        except ValueError:
            pass
    raise OptionError(f"as_of must be a date such as 2026-11-01, and {day!r} is not one")


@overload
def day_number(day: dt.date) -> int: ...


@overload
def day_number(day: None) -> None: ...


@overload
def day_number(day: dt.date | None) -> int | None: ...


def day_number(day: dt.date | None) -> int | None:
    """Return the days since 1970-01-01, which the kernels count in."""
    return None if day is None else (day - dt.date(1970, 1, 1)).days


def day_of_number(days: int) -> dt.date:
    """Turn days since 1970-01-01 into a date.

    Raises
    ------
    DataError
        If it is none of the days that Python's calendar has.
    """
    try:
        return dt.date(1970, 1, 1) + dt.timedelta(days=days)
    except OverflowError:
        raise DataError(
            f"day {days:,} from 1970-01-01 lies outside the years 1 to 9999: mend the date, or "
            "filter it out with where"
        ) from None


_FIRST_INSTANT: Final = dt.datetime(1970, 1, 1)  # noqa: DTZ001 (instants without a zone are wall times)
_MICRO: Final = dt.timedelta(microseconds=1)


def parse_instant(instant: object) -> tuple[int, bool]:
    """Read an `as_of`: microseconds since 1970, and whether they are of UTC.

    Raises
    ------
    OptionError
        If it is no datetime, date or ISO text.

    Examples
    --------
    >>> from grc_fast._utils.dates import parse_instant
    >>> parse_instant("1970-01-02")
    (86400000000, False)
    >>> parse_instant("1970-01-01T02:00+02:00")
    (0, True)
    """
    found = instant
    if isinstance(found, str):
        try:
            found = dt.datetime.fromisoformat(found.strip())
        except ValueError:
            found = None
    if isinstance(found, dt.date) and not isinstance(found, dt.datetime):
        found = dt.datetime(found.year, found.month, found.day)  # noqa: DTZ001 (a wall time)
    if not isinstance(found, dt.datetime):
        raise OptionError(
            f"as_of must be an instant such as 2026-11-01 or 2026-11-01T18:00, and {instant!r} is "
            "not one"
        )
    if found.tzinfo is None:
        return (found - _FIRST_INSTANT) // _MICRO, False
    return (found - _FIRST_INSTANT.replace(tzinfo=dt.UTC)) // _MICRO, True


def shown_instant(micros: int | None, zone: str | None) -> dt.datetime | None:
    """Turn microseconds since 1970 into a datetime of a zone, or into a naive one."""
    if micros is None:
        return None
    series = pl.Series([micros], dtype=pl.Datetime("us", "UTC" if zone else None))
    if zone:
        series = series.dt.convert_time_zone(zone)
    found: dt.datetime = series[0]
    return found
