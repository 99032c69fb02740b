"""No change makes the package slow unnoticed: ratios at small sizes, never seconds.

Limits are about half of what was measured (for floors, twice), and a case that misses them gets
two more chances: a busy machine is no regression.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from grc_fast.bench.harness import Case, measure
from grc_fast.bench.setting import Setting
from grc_fast.bench.suite import cases_of

#: Of two rounds measuring makes five, as all these cases are short.
ROUNDS, CHANCES = 2, 3


@dataclass(frozen=True)
class Guard:
    """The least figure against the others, or the most, for each goal of a case, in its order."""

    subject: str
    scale: int
    name: str
    limits: tuple[float, ...]


GUARDS = [
    Guard("facts", 4, "facts, 2.5 M lines of 250 k clients, integer ids", (0.8,)),
    Guard("facts", 10, "facts, 1 M lines of 100 k clients, ids of 20 bytes", (0.5,)),
    Guard("facts", 10, "facts, 1 M lines of 100 k clients, integer ids, distinct orders", (1.0,)),
    Guard("quantiles", 1, "quantile kernel, 1 M values, continuous", (5, 2.2, 14)),
    Guard("quantiles", 1, "quantile kernel, 1 M values, continuous, interpolated edges", (4,)),
    Guard("quantiles", 1, "quantile kernel, 1 M values, cents", (2,)),
    Guard("quantiles", 1, "quantile kernel, 1 M values, constant", (1.2,)),
    Guard("scoring", 10, "three criteria scored from facts, 500 k clients", (1.2,)),
    Guard("whole_job", 20, "whole job, Parquet to scored Parquet, 2.5 M lines", (0.7,)),
    Guard("behaviour", 20, "behaviour scores, 1 M events, 50 k clients", (6,)),
    Guard("behaviour", 5, "behaviour scores, 1 M events, 50 k clients", (12,)),
]


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_a_ratio_has_not_fallen(guard: Guard, directory: Path, threads: int) -> None:
    setting = Setting(threads=threads, directory=directory, rounds=ROUNDS, scale=guard.scale)
    (case,) = (case for case in cases_of([guard.subject], setting) if case.name == guard.name)

    for _ in range(CHANCES):
        missed = misses(case, guard.limits)
        if not missed:
            return
    pytest.fail(f"{case.name}: {'; '.join(missed)}")


def misses(case: Case, limits: tuple[float, ...]) -> list[str]:
    """Measure a case, and say which limits its figures miss."""
    found = []
    for verdict, limit in zip(measure(case, ROUNDS).verdicts, limits, strict=False):
        least = verdict.goal.bound == "at least"
        if verdict.figure < limit if least else verdict.figure > limit:
            found.append(f"{verdict.figure:.2f} against {verdict.opponent} instead of {limit}")
    return found
