"""The tables of a report: one row a cell, group or segment, and the depth to which mailing pays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from grc_fast.campaigns.break_even import break_even_index
from grc_fast.campaigns.cell_keys import key
from grc_fast.campaigns.empirical_bayes import Cell, shrink
from grc_fast.campaigns.uplift import Arms, Stratum, arms, with_both_arms
from grc_fast.campaigns.uplift_bayes import shrink_differences

RAW: Final = "raw, not incremental"
INCREMENTAL: Final = "incremental"


@dataclass(frozen=True)
class Money:
    """What a contact costs, and what a sale brings."""

    cost: float
    margin: float


def level_table(
    contacts: pl.DataFrame, level: str, digits: Sequence[str], rate: float, money: Money | None
) -> tuple[pl.DataFrame, float]:
    """Return the table of one level, and how many contacts the neighbours of a row count for.

    Parameters
    ----------
    contacts
        `campaign`, `control`, `responded`, `spend`, the level, and for cells the digits.
    rate
        That of all contacts, for the lift.
    """
    if level not in contacts.columns:
        return pl.DataFrame(), 0.0
    placed = contacts.filter(pl.col(level).is_not_null())
    counts, ordered = _counts(placed, level, digits)
    if counts.is_empty():
        return pl.DataFrame(), 0.0
    places = [tuple(row) for row in counts.select("place").unnest("place").iter_rows()]
    cells = [
        Cell(place, *pair)
        for place, pair in zip(
            places, counts.select("contacts", "responses").iter_rows(), strict=True
        )
    ]
    shrunk, strength = shrink(cells, ordered=ordered)
    table = counts.select(
        level,
        pl.col("contacts", "responses").cast(pl.UInt64),
        rate=pl.col("responses") / pl.col("contacts"),
        shrunk=_column([found.rate for found in shrunk]),
        low=_column([found.low for found in shrunk]),
        high=_column([found.high for found in shrunk]),
    ).with_columns(lift=pl.col("shrunk") / rate if rate > 0 else pl.lit(None, pl.Float64))
    if contacts["spend"].null_count() < contacts.height:
        table = table.with_columns(spend=counts["spend"] / counts["contacts"])
    sides = _sides(with_both_arms(contacts), counts[level], places)
    compared = any(side.treated.contacts for side in sides)
    if compared:
        table = table.with_columns(_added(sides, ordered=ordered))
    paying = _column(table[expected_column(table)].to_list())
    if money is not None:
        indices = [break_even_index(r, cost=money.cost, margin=money.margin) for r in paying]
        table = table.with_columns(index=_column(indices))
    return table.with_columns(kind=pl.lit(INCREMENTAL if compared else RAW)), strength


def expected_column(table: pl.DataFrame) -> str:
    """Name the rate that contacts are expected to bring: what they add, where that is known."""
    return "incremental" if "incremental" in table.columns else "shrunk"


def _counts(placed: pl.DataFrame, level: str, digits: Sequence[str]) -> tuple[pl.DataFrame, bool]:
    """Count by place, in the order of the score; tell whether places beside each other are alike.

    `place` holds what neighbours are found by: the digits, the group, or just a number.
    """
    own = list(digits) if level == "cell" else [level]
    counts = (
        placed.group_by(list(dict.fromkeys([level, *own])))
        .agg(
            contacts=(~pl.col("control")).sum().cast(pl.Int64),
            responses=(pl.col("responded") & ~pl.col("control")).sum().cast(pl.Int64),
            spend=pl.when(~pl.col("control")).then(pl.col("spend")).drop_nulls().sort().sum(),
        )
        .filter(pl.col("contacts") > 0)
        .sort(own, descending=level == "cell")
    )
    ordered = level == "cell" or (level == "group" and counts[level].dtype.is_integer())
    number = pl.int_range(pl.len()).alias("number")
    place = pl.struct(*own) if ordered else pl.struct(number)
    return counts.with_columns(place=place), ordered


def _sides(both: pl.DataFrame, places: pl.Series, numbers: Sequence[tuple[int, ...]]) -> list[Arms]:
    """Compare those contacted with those left alone at each place, campaign by campaign."""
    held, answered = pl.col("control"), pl.col("responded")
    counts = (
        both.filter(pl.col(places.name).is_not_null())
        .group_by(places.name, "campaign")
        .agg(
            contacts=(~held).sum().cast(pl.Int64),
            answers=(answered & ~held).sum().cast(pl.Int64),
            control_contacts=held.sum().cast(pl.Int64),
            control_answers=(answered & held).sum().cast(pl.Int64),
        )
        .sort("campaign")
    )
    campaigns: dict[str, list[Stratum]] = {}
    for name, row in zip(
        key(counts[places.name]), counts.drop(places.name, "campaign").iter_rows(), strict=True
    ):
        campaigns.setdefault(name, []).append(Stratum(*row))
    return [
        arms(number, campaigns.get(name, []))
        for number, name in zip(numbers, key(places), strict=True)
    ]


def _added(sides: Sequence[Arms], *, ordered: bool) -> list[pl.Series]:
    """Return the columns about control groups."""
    found = shrink_differences(sides, ordered=ordered)
    return [
        pl.Series("control_contacts", [s.control_contacts for s in sides], dtype=pl.UInt64),
        _column([s.control_rate for s in sides]).alias("control_rate"),
        _column([s.difference for s in sides]).alias("difference"),
        _column([f.rate for f in found]).alias("incremental"),
        _column([f.low for f in found]).alias("incremental_low"),
        _column([f.high for f in found]).alias("incremental_high"),
    ]


def depth_table(table: pl.DataFrame, level: str, money: Money | None) -> pl.DataFrame:
    """Return what mailing the best places only would have caught, and brought.

    Places come by the rate that they are expected to bring, not by the one observed, which would
    pick places for their luck.
    """
    expected = expected_column(table)
    ordered = table.with_columns(expected=pl.col(expected)).sort(
        "expected", "contacts", pl.col(level).cast(pl.String), descending=[True, True, False]
    )
    # Without a control group the answers are known; what contacts added is known by its rate alone.
    answers = (
        pl.col("responses").cast(pl.Float64)
        if expected == "shrunk"
        else pl.col("expected") * pl.col("contacts")
    )
    depth = ordered.select(
        key(ordered[level]),
        "contacts",
        "responses",
        "expected",
        share=pl.col("contacts").cum_sum() / pl.col("contacts").sum(),
        caught=pl.when(answers.sum() > 0).then(answers.cum_sum() / answers.sum()),
    )
    if money is not None:
        worth = pl.col("expected") * money.margin - money.cost
        gains = ordered.select(profit=(worth * pl.col("contacts")).cum_sum())["profit"]
        best = gains.arg_max() if (gains > 0).any() else None
        chosen = (pl.int_range(pl.len()) == pl.lit(best, pl.Int64)).fill_null(value=False)
        depth = depth.with_columns(profit=gains, best=chosen)
    return depth.with_columns(kind=ordered["kind"])


def _column(values: Sequence[float | None]) -> pl.Series:
    return pl.Series(values, dtype=pl.Float64)
