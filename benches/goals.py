"""The goals of the project, at full size on two cores; GOALS.md has them beside what was measured.

A ratio is theirs ÷ ours, and its goal is a minimum; a goal for our own figure is a maximum.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from grc_fast.bench.harness import SAME
from grc_fast.bench.quantiles import FLOOR, ONE_CALL
from grc_fast.bench.table import in_unit
from grc_fast.bench.whole_job import PANDAS

__all__ = ["GOALS", "Goal", "goals_of"]


@dataclass(frozen=True)
class Goal:
    """What one figure has to reach.

    Parameters
    ----------
    cases
        Names of cases, as a pattern.
    against
        The group of opponents; None for ours alone, in the unit of the case.
    must, aim
        What is required, and what would be better still; None where there is none.
    """

    cases: str
    against: str | None
    must: float | None
    aim: float | None = None

    def meets(self, found: float, limit: float | None) -> bool | None:
        """Tell whether a figure keeps to a limit; None where there is none."""
        if limit is None:
            return None
        return found <= limit if self.against is None else found >= limit

    def in_words(self, value: float | None, unit: str) -> str:
        """Write a figure or a limit."""
        if value is None:
            return ""
        return in_unit(value, unit) if self.against is None else f"{value:.3g}x"


GOALS = (
    Goal("facts, [15]0 M lines of * clients, integer ids", SAME, must=2.5, aim=4),
    Goal("facts, [15]0 M lines of * clients, ids of 12 bytes", SAME, must=2.5, aim=4),
    Goal("facts, [15]0 M lines of * clients, ids of 20 bytes", SAME, must=2, aim=3),
    Goal("facts, [15]0 M lines of *, integer ids, distinct orders", SAME, must=3, aim=6),
    Goal("quantile kernel, * values, cents", SAME, must=2, aim=8),
    Goal("quantile kernel, * values, small integers", SAME, must=2, aim=8),
    Goal("quantile kernel, * values, sorted", SAME, must=2, aim=8),
    Goal("quantile kernel, * values, constant", SAME, must=2, aim=8),
    Goal("quantile kernel, 5 M values, continuous", ONE_CALL, must=15, aim=40),
    Goal("quantile kernel, 5 M values, continuous", SAME, must=3, aim=8),
    Goal("quantile kernel, 5 M values, continuous", FLOOR, must=1 / 12, aim=1 / 5),
    Goal("quantile kernel, 5 M values, continuous, interpolated edges", ONE_CALL, must=15, aim=40),
    Goal("three criteria scored from facts, *", SAME, must=3, aim=8),
    Goal("whole job, *", SAME, must=2, aim=3),
    Goal("whole job against pandas, *", PANDAS, must=8, aim=15),
    Goal("behaviour scores, 20 M events, *", SAME, must=8, aim=16),
    Goal("behaviour scores, 20 M events, *", None, must=2, aim=1),
    Goal("behaviour scores, 5 M events, *", PANDAS, must=50, aim=100),
    Goal("*, 2 threads against 1", "1 thread", must=None, aim=1.8),
    Goal("facts, lines a second at 100 M lines *", "fewer lines", must=0.75, aim=1),
    Goal("peak memory, whole job, *", None, must=0.9e9, aim=0.7e9),
    Goal("peak memory, whole job, *", "Polars", must=1 / 0.6),
    Goal("fit and predict, MBG/NBD, *", "lifetimes", must=20, aim=100),
    Goal("fit and value from facts, *", None, must=5),
)


def goals_of(case: str, ours: float, ratios: Mapping[str, float]) -> Iterator[tuple[Goal, float]]:
    """Yield the goals of a case, each with what was measured.

    Parameters
    ----------
    case
        The name of the case, at full size.
    ours
        Our median.
    ratios
        The ratio against each group of opponents.
    """
    for goal in GOALS:
        if fnmatchcase(case, goal.cases):
            yield goal, ours if goal.against is None else ratios[goal.against]
