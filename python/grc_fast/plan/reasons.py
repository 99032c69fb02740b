"""Why offers and clients are chosen or not."""

from __future__ import annotations

from typing import Final

import polars as pl

#: Why a client is contacted or not, in the order in which the first that holds is told.
REASONS: Final = (
    "chosen",
    "suppressed",
    "no_consent",
    "control_group",
    "under_pressure",
    "same_address",
    "not_worth_it",
    "capacity",
    "budget",
)
#: The type of a column of reasons.
REASON: Final = pl.Enum(REASONS)
