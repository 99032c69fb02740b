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
    "SHORT",
    "Bound",
    "Case",
    "Comparison",
    "Goal",
    "Measure",
    "Unit",
    "Verdict",
    "check_equal",
    "clock",
    "measure",
    "rounds_when_short",
]

#: The name of our own way, where there is one.
OURS: Final = "grc_fast"

#: Seconds: where a round of all ways takes less, there are more rounds, so that medians are steady.
SHORT: Final = 10.0

#: Runs a way once and returns what it took, in the unit of the case.
Measure: TypeAlias = Callable[[], float]
#: Seconds, seconds a line, or bytes: less is better in each.
Unit: TypeAlias = Literal["s", "s/line", "B"]
Bound: TypeAlias = Literal["at least", "at most"]
#: The least and the most.
Range: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Goal:
    """What one figure of a case is to reach.

    Parameters
    ----------
    against
        The ways of which the best is the opponent; those that a case lacks are passed over. None
        at all makes the figure ours alone.
    must, aim
        What the project holds itself to, and what it would like; None where it only reports.
    bound
        ``"at least"``: the figure is theirs ÷ ours, how many times better we are. ``"at most"``:
        it is ours ÷ theirs, or ours alone.
    """

    against: tuple[str, ...] = ()
    must: float | None = None
    aim: float | None = None
    bound: Bound = "at least"


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
    goals
        The figures that are quoted of it.
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
    goals: Sequence[Goal]
    unit: Unit = "s"
    rounds: int | None = None
    memory: int = 0
    disk: int = 0


@dataclass(frozen=True)
class Verdict:
    """One figure of a case, beside its goal.

    Attributes
    ----------
    ours, theirs
        Medians, in the unit of the case.
    our_range, their_range
        The least and the most of the rounds.
    opponent
        The best of the others; None where the figure is ours alone.
    """

    ours: float
    our_range: Range
    opponent: str | None
    theirs: float | None
    their_range: Range | None
    goal: Goal

    @property
    def figure(self) -> float:
        """Theirs ÷ ours, ours ÷ theirs, or ours alone: what the goal bounds."""
        if self.theirs is None:
            return self.ours
        if self.goal.bound == "at least":
            return self.theirs / self.ours
        return self.ours / self.theirs

    def meets(self, limit: float | None) -> bool | None:
        """Tell whether the figure keeps to a limit; None where there is none."""
        if limit is None:
            return None
        return self.figure >= limit if self.goal.bound == "at least" else self.figure <= limit


@dataclass(frozen=True)
class Comparison:
    """What was measured of a case: every round of every way."""

    subject: str
    name: str
    unit: Unit
    rounds: Mapping[str, Sequence[float]]
    goals: Sequence[Goal]

    @property
    def medians(self) -> dict[str, float]:
        """The median of each way, ours first."""
        return {way: statistics.median(values) for way, values in self.rounds.items()}

    @property
    def ranges(self) -> dict[str, Range]:
        """The least and the most of each way, ours first."""
        return {way: (min(values), max(values)) for way, values in self.rounds.items()}

    @property
    def verdicts(self) -> list[Verdict]:
        """Return the figures, in the order of the goals; those without an opponent are left out."""
        medians, ranges = self.medians, self.ranges
        us = next(iter(medians))
        ours = medians[us], ranges[us]
        found = []
        for goal in self.goals:
            others = {way: medians[way] for way in goal.against if way in medians}
            if others:
                best = min(others, key=others.__getitem__)
                found.append(Verdict(*ours, best, medians[best], ranges[best], goal))
            elif not goal.against:
                found.append(Verdict(*ours, None, None, None, goal))
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
    return Comparison(case.subject, case.name, case.unit, taken, case.goals)


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
