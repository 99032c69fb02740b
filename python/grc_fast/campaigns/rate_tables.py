"""The table of a level: one row a cell, group, segment or campaign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from grc_fast.campaigns.break_even import Money, break_even_index
from grc_fast.campaigns.levels import Level
from grc_fast.campaigns.panel import Panel

RAW: Final = "raw, not incremental"
INCREMENTAL: Final = "incremental"


@dataclass(frozen=True)
class LevelTable:
    """A level with its table.

    Attributes
    ----------
    table
        One row a place; empty where there is none.
    strength
        How many contacts the neighbours of a place count for.
    level
        The places; None where there is none.
    """

    table: pl.DataFrame
    strength: float = 0.0
    level: Level | None = None

    @property
    def incremental(self) -> bool:
        """Whether what contacts add is known."""
        return expected_column(self.table) == INCREMENTAL


def level_table(
    panel: Panel, name: str, digits: Sequence[str], rate: float, money: Money | None
) -> LevelTable:
    """Return the table of one level.

    Parameters
    ----------
    panel
        The contacts.
    name
        The level.
    digits
        Those that cells are made of.
    rate
        That of all contacts, for the lift.
    money
        Cost and margin, for the index.
    """
    if name not in panel.contacts.columns:
        return LevelTable(pl.DataFrame())
    counts, ordered = _counts(panel.contacts.filter(pl.col(name).is_not_null()), name, digits)
    if counts.is_empty():
        return LevelTable(pl.DataFrame())
    level = Level.of(panel, counts, name, ordered=ordered)
    shrunk, strength = level.rates(
        *(counts[column].cast(pl.Float64).to_numpy() for column in ("contacts", "responses"))
    )
    table = counts.select(
        name,
        pl.col("contacts", "responses", "clients").cast(pl.UInt64),
        rate=pl.col("responses") / pl.col("contacts"),
        shrunk=_column([found.rate for found in shrunk]),
        low=_column([found.low for found in shrunk]),
        high=_column([found.high for found in shrunk]),
    ).with_columns(lift=pl.col("shrunk") / rate if rate > 0 else pl.lit(None, pl.Float64))
    if panel.spend is not None:
        table = table.with_columns(spend=counts["spend"] / counts["contacts"])
    compared = level.sides(panel.answers).known.any()
    if compared:
        table = table.with_columns(_added(panel, level))
    paying = _column(table[expected_column(table)].to_list())
    if money is not None:
        indices = [break_even_index(r, cost=money.cost, margin=money.margin) for r in paying]
        table = table.with_columns(index=_column(indices))
    return LevelTable(
        table.with_columns(kind=pl.lit(INCREMENTAL if compared else RAW)), strength, level
    )


def expected_column(table: pl.DataFrame) -> str:
    """Name the rate that contacts are expected to bring: what they add, where that is known."""
    return INCREMENTAL if INCREMENTAL in table.columns else "shrunk"


def _counts(placed: pl.DataFrame, level: str, digits: Sequence[str]) -> tuple[pl.DataFrame, bool]:
    """Count by place, in the order of the score; tell whether places beside each other are alike.

    `place` holds what neighbours are found by: the digits, the group, or just a number.
    """
    own = list(digits) if level == "cell" else [level]
    treated = ~pl.col("control")
    counts = (
        placed.group_by(list(dict.fromkeys([level, *own])))
        .agg(
            contacts=treated.sum().cast(pl.Int64),
            responses=(pl.col("responded") & treated).sum().cast(pl.Int64),
            clients=pl.col("client_id").filter(treated).n_unique(),
            spend=pl.when(treated).then(pl.col("spend")).drop_nulls().sort().sum(),
        )
        .filter(pl.col("contacts") > 0)
        .sort(own, descending=level == "cell")
    )
    ordered = level == "cell" or (level == "group" and counts[level].dtype.is_integer())
    number = pl.int_range(pl.len()).alias("number")
    place = pl.struct(*own) if ordered else pl.struct(number)
    return counts.with_columns(place=place), ordered


def _added(panel: Panel, level: Level) -> list[pl.Series]:
    """Return the columns about control groups."""
    sides, answers, rate = level.answers_added(panel.answers)
    found = {
        "control_rate": np.where(sides.known, sides.control_mean, np.nan),
        "difference": sides.difference,
        "incremental": answers.rate,
        "incremental_low": answers.low,
        "incremental_high": answers.high,
    }
    if panel.money is not None and panel.squares.any():
        money = level.money_added(panel.money, panel.squares, rate, panel.repeats_of_money)
        found["incremental_spend"] = money.rate
        found["incremental_spend_low"] = money.low
        found["incremental_spend_high"] = money.high
    held = pl.Series("control_contacts", sides.control_contacts).cast(pl.UInt64)
    return [held, *(pl.Series(n, values).fill_nan(None) for n, values in found.items())]


def _column(values: Sequence[float | None]) -> pl.Series:
    return pl.Series(values, dtype=pl.Float64)
