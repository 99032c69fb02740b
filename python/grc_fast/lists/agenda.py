"""A seller's agenda: calls and visits as appointments (iCalendar, RFC 5545)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from grc_fast._utils.extras import import_extra
from grc_fast._utils.messages import cut, harmless
from grc_fast.errors import OptionError

#: The zone in which appointments stand, where nothing is said: that of the shipped policy.
ZONE: Final = "Europe/Paris"
_LONGEST_TITLE: Final = 200
_LONGEST_TEXT: Final = 2_000


@dataclass(frozen=True)
class Appointment:
    """A call or a visit.

    Attributes
    ----------
    client
        Who: with the channel and the day, what makes it the same appointment at every run.
    channel, title, told, place
        What it is, in words.
    begins, ends
        Seconds of the day.
    """

    client: str
    channel: str
    title: str
    told: str
    place: str
    begins: int
    ends: int


def check_zone(zone: str) -> ZoneInfo:
    """Return the time zone of a name.

    Raises
    ------
    OptionError
        If there is none.

    Examples
    --------
    >>> check_zone("Europe/Paris").key
    'Europe/Paris'
    """
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise OptionError(
            f"the zone of agendas cannot be {zone!r}: write one such as Europe/Paris"
        ) from None


def agenda(seller: str, day: dt.date, zone: ZoneInfo, appointments: Iterable[Appointment]) -> bytes:
    """Write the appointments of a seller on a day.

    Parameters
    ----------
    seller
        Whose agenda it is.
    day
        The day; nothing is read off the clock, so appointments are stamped with its midnight.
    zone
        The zone in which their hours stand.
    appointments
        The appointments.

    Returns
    -------
    bytes
        An .ics file: every line ends with CR LF and has 75 bytes at most.

    Raises
    ------
    SourceError
        If the extra `lists` is not installed.
    """
    icalendar: Any = import_extra("icalendar", "lists", "an agenda")
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//grc_fast//lists//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    # Outlook takes a file for appointments, and not for an invitation, by this.
    calendar.add("method", "PUBLISH")
    midnight = dt.datetime(day.year, day.month, day.day)  # noqa: DTZ001 (the zone's, added below)
    for one in appointments:
        event = icalendar.Event()
        event.add("uid", _uid(one, seller, day))
        event.add("dtstamp", midnight.replace(tzinfo=dt.UTC))
        event.add("dtstart", (midnight + dt.timedelta(seconds=one.begins)).replace(tzinfo=zone))
        event.add("dtend", (midnight + dt.timedelta(seconds=one.ends)).replace(tzinfo=zone))
        event.add("summary", _plain(one.title, _LONGEST_TITLE))
        if one.told:
            event.add("description", _plain(one.told, _LONGEST_TEXT))
        if one.place:
            event.add("location", _plain(one.place, _LONGEST_TITLE))
        calendar.add_component(event)
    calendar.add_missing_timezones(dt.date(day.year, 1, 1), dt.date(day.year + 1, 12, 31))
    written: bytes = calendar.to_ical()
    return written


def _uid(one: Appointment, seller: str, day: dt.date) -> str:
    """Return the same name for the same appointment, which tells nothing of the client."""
    state = blake2b(digest_size=16, person=b"appointment")
    for part in (seller, day.isoformat(), one.channel, one.client):
        state.update(b"%d " % len(part.encode()) + part.encode())
    return f"{state.hexdigest()}@grc-fast"


def _plain(words: str, longest: int) -> str:
    """Return text that calendars take: no controls but line ends, no turns of direction."""
    return cut(harmless(words.replace("\r\n", "\n")), longest)
