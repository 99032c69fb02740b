"""Facts: the frame of clients, its account, and its day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from grc_fast.facts.quality import Quality

#: Every fact that can be asked for.
FACTS: Final = (
    "first_purchase",
    "last_purchase",
    "recency",
    "orders",
    "lines",
    "active_days",
    "mean_gap",
    "log_gaps",
    "total",
    "mean_basket",
    "last_basket",
    "max_basket",
    "first_day_total",
    "returns_total",
)
#: What is known of a client of the base; in the order of the codes that the extension gives.
STATUSES: Final = pl.Enum(["scored", "returns_only", "never_bought", "out_of_window"])
CLIENT: Final = "client_id"
STATUS: Final = "status"


@dataclass(frozen=True, eq=False)
class Facts:
    """What is known of each client, and how it came to be known.

    Attributes
    ----------
    frame
        One row a client, ascending by `client_id` (numbers by value, text by UTF-8 bytes).
    quality
        The account of the rows read.
    as_of
        The day from which recency is counted.
    """

    frame: pl.DataFrame
    quality: Quality
    as_of: dt.date
    #: Whether a pass made the frame, so that its order and its values need no check.
    _from_pass: bool = field(default=False, repr=False)
