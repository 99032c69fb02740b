"""Measuring several ways to the same result, in turn.

The protocol: a case opens by running every way once, which warms it up and shows that the results
are equal. Then the ways run in turn, round after round, so that a slow moment of the machine slows
all of them alike. Medians are quoted, and ratios of medians.
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
]

#: The name of our own way, where there is one.
OURS: Final = "grc_fast"

#: Runs a way once and returns what it took, in the unit of the case.
Measure: TypeAlias = Callable[[], float]
#: Seconds, seconds a line, or bytes: less is better in each.
Unit: TypeAlias = Literal["s", "s/line", "B"]
Bound: TypeAlias = Literal["at least", "at most"]


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
        How often each way runs; None for as often as the user asks.
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
    opponent
        The best of the others; None where the figure is ours alone.
    """

    ours: float
    opponent: str | None
    theirs: float | None
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
    def verdicts(self) -> list[Verdict]:
        """Return the figures, in the order of the goals; those without an opponent are left out."""
        medians = self.medians
        ours = next(iter(medians.values()))
        found = []
        for goal in self.goals:
            others = {way: medians[way] for way in goal.against if way in medians}
            if others:
                best = min(others, key=others.__getitem__)
                found.append(Verdict(ours, best, others[best], goal))
            elif not goal.against:
                found.append(Verdict(ours, None, None, goal))
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


def measure(case: Case, rounds: int) -> Comparison:
    """Measure the ways of a case in turn.

    Parameters
    ----------
    case
        What is measured.
    rounds
        How often each way runs, unless the case says otherwise.

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
        for _ in range(case.rounds or rounds):
            for way, once in ways.items():
                taken[way].append(once())
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
