"""Measuring several ways to the same result, in turn.

The protocol: a case opens by running every way once, which warms it up and shows that the results
are equal. Then the ways run in turn, round after round, so that a slow moment of the machine slows
all of them alike. Medians are quoted, and ratios of medians, beside the least and the most of the
rounds.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from grc_fast.errors import DataError

__all__ = [
    "OURS",
    "SAME",
    "SHORT",
    "Case",
    "Comparison",
    "Figure",
    "Measure",
    "Unit",
    "check_equal",
    "clock",
    "measure",
    "rounds_when_short",
]

#: The name of our own way, where there is one.
OURS: Final = "grc_fast"
#: The opponents that compute what we compute.
SAME: Final = "same columns"

#: Seconds: where a round of all ways takes less, there are more rounds, so that medians are steady.
SHORT: Final = 10.0

#: Runs a way once and returns what it took, in the unit of the case.
Measure: TypeAlias = Callable[[], float]
#: Seconds, seconds a line, or bytes: less is better in each.
Unit: TypeAlias = Literal["s", "s/line", "B"]
#: The least and the most.
Range: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Case:
    """One thing to measure.

    Parameters
    ----------
    subject, name
        What it belongs to, and what it is, with its size.
    open
        Makes the data, runs every way once, asserts that their results are equal, and gives the
        ways by name for as long as the block lasts; the first of them is ours.
    opponents
        Ways by group, such as those that compute the same columns: the fastest of a group is the
        one that is quoted. Ways that a case lacks are passed over.
    unit
        What the ways return.
    rounds
        How often each way runs, whatever a round takes; None for as often as the user asks.
    memory, disk
        Bytes that it takes at the least: it is not begun where they are not to be had.
    """

    subject: str
    name: str
    open: Callable[[], AbstractContextManager[Mapping[str, Measure]]]
    opponents: Mapping[str, Sequence[str]]
    unit: Unit = "s"
    rounds: int | None = None
    memory: int = 0
    disk: int = 0


@dataclass(frozen=True)
class Figure:
    """What is quoted of a case: our median, and that of the best of a group of opponents.

    Attributes
    ----------
    against
        The group.
    ours, theirs
        Medians, in the unit of the case.
    our_range, their_range
        The least and the most of the rounds.
    opponent
        The best of the group.
    """

    against: str
    ours: float
    our_range: Range
    opponent: str
    theirs: float
    their_range: Range

    @property
    def ratio(self) -> float:
        """Theirs ÷ ours: how many times better we are."""
        return self.theirs / self.ours


@dataclass(frozen=True)
class Comparison:
    """What was measured of a case: every round of every way."""

    subject: str
    name: str
    unit: Unit
    rounds: Mapping[str, Sequence[float]]
    opponents: Mapping[str, Sequence[str]]

    @property
    def medians(self) -> dict[str, float]:
        """The median of each way, ours first."""
        return {way: statistics.median(values) for way, values in self.rounds.items()}

    @property
    def ranges(self) -> dict[str, Range]:
        """The least and the most of each way, ours first."""
        return {way: (min(values), max(values)) for way, values in self.rounds.items()}

    @property
    def figures(self) -> list[Figure]:
        """One figure for each group of opponents that has a way here, in their order."""
        medians, ranges = self.medians, self.ranges
        us = next(iter(medians))
        found = []
        for group, members in self.opponents.items():
            others = {way: medians[way] for way in members if way in medians}
            if others:
                best = min(others, key=others.__getitem__)
                found.append(
                    Figure(group, medians[us], ranges[us], best, medians[best], ranges[best])
                )
        return found


def clock(way: Callable[[], object]) -> Measure:
    """Make a measure of a function: the seconds that a call takes."""

    def seconds() -> float:
        gc.collect()
        start = time.perf_counter()
        result = way()
        taken = time.perf_counter() - start
        del result
        return taken

    return seconds


def rounds_when_short(rounds: int) -> int:
    """Return how often ways run where a round takes less than `SHORT` seconds: an odd number."""
    return 2 * rounds + 1


def measure(case: Case, rounds: int) -> Comparison:
    """Measure the ways of a case in turn.

    Parameters
    ----------
    case
        What is measured.
    rounds
        How often each way runs, unless the case says otherwise or a round is short.

    Returns
    -------
    Comparison
        Every round of every way.

    Raises
    ------
    DataError
        If two ways give different results.
    """
    with case.open() as ways:
        taken: dict[str, list[float]] = {way: [] for way in ways}

        def one_round() -> float:
            start = time.perf_counter()
            for way, once in ways.items():
                taken[way].append(once())
            return time.perf_counter() - start

        is_short = one_round() < SHORT
        wanted = case.rounds or (rounds_when_short(rounds) if is_short else rounds)
        for _ in range(1, wanted):
            one_round()
    return Comparison(case.subject, case.name, case.unit, taken, case.opponents)


def check_equal(results: Iterable[tuple[str, Any]], equal: Callable[[Any, Any], bool]) -> None:
    """Check that each way gives the result of the first.

    Parameters
    ----------
    results
        Names of ways and what they gave; a generator, so that no more than two results are held.
    equal
        Compares two results.

    Raises
    ------
    DataError
        If one differs.
    """
    found = iter(results)
    first, expected = next(found)
    for way, result in found:
        if not equal(expected, result):
            raise DataError(
                f"{way} gives another result than {first}, so nothing is measured: please report it"
            )
