"""Clients who were clients before the sales begin: their first purchase is not the first.

Where sales begin on some day, clients of old make their first purchase that is known soon after it.
The models take that one for the beginning, and forecasts are then too high: such clients look as if
they had come all at once and been faithful since.
"""

from __future__ import annotations

import datetime as dt
from typing import Final, cast

from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase
from grc_fast.value.histories import Histories

# The start is the first of so many equal parts of the time of the sales. It is crowded if it has
# this many times what later parts have, and so many clients more: new clients come evenly.
_PARTS: Final = 8
_CROWDED: Final = 1.5
_FEWEST: Final = 30


def crowd_at_the_start(known: Histories) -> Wording | None:
    """Say how many first purchases crowd at the start of the sales, if they do."""
    first = known.frame.filter(known.bought)["first_purchase"]
    if first.is_empty():
        return None
    start = cast(dt.date, first.min())
    days = (known.as_of - start).days + 1
    part = days / _PARTS
    ago = (first - start).dt.total_days()
    early = int((ago < part).sum())
    # A cohort of new clients fills the next part as it does the first; clients of old do not.
    second = int((ago < 2 * part).sum()) - early
    usual = max(second, (len(first) - early) / (_PARTS - 1))
    extra = early - usual
    if extra < _FEWEST or early < _CROWDED * usual:
        return None
    return Phrase(
        "value.crowded",
        early=early,
        clients=len(first),
        days=round(part),
        start=start,
        usual=usual,
        extra=extra,
    )
