"""No change makes the package slow unnoticed: ratios at small sizes, never seconds.

Limits are about half of what was measured, and a case that misses them gets two more chances: a
busy machine is no regression.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from grc_fast.bench.harness import SAME, Case, measure
from grc_fast.bench.quantiles import FLOOR, ONE_CALL
from grc_fast.bench.setting import Setting
from grc_fast.bench.suite import cases_of
from grc_fast.bench.whole_job import PANDAS

#: Of two rounds measuring makes five, as all these cases are short.
ROUNDS, CHANCES = 2, 3


@dataclass(frozen=True)
class Guard:
    """The least ratio to the best of each group of opponents of a case."""

    subject: str
    scale: int
    name: str
    limits: Mapping[str, float]


GUARDS = [
    Guard("facts", 4, "facts, 2.5 M lines of 250 k clients, integer ids", {SAME: 0.8}),
    Guard("facts", 10, "facts, 1 M lines of 100 k clients, ids of 20 bytes", {SAME: 0.5}),
    Guard(
        "facts",
        10,
        "facts, 1 M lines of 100 k clients, integer ids, distinct orders",
        {SAME: 1.0},
    ),
    Guard(
        "quantiles",
        1,
        "quantile kernel, 1 M values, continuous",
        {ONE_CALL: 5, SAME: 2.2, FLOOR: 1 / 14},
    ),
    Guard(
        "quantiles",
        1,
        "quantile kernel, 1 M values, continuous, interpolated edges",
        {ONE_CALL: 4},
    ),
    Guard("quantiles", 1, "quantile kernel, 1 M values, cents", {SAME: 2}),
    Guard("quantiles", 1, "quantile kernel, 1 M values, constant", {SAME: 1.2}),
    Guard("scoring", 10, "three criteria scored from facts, 500 k clients", {SAME: 1.2}),
    Guard("whole_job", 20, "whole job, Parquet to scored Parquet, 2.5 M lines", {SAME: 0.7}),
    Guard("behaviour", 20, "behaviour scores, 1 M events, 50 k clients", {SAME: 6}),
    Guard("behaviour", 5, "behaviour scores, 1 M events, 50 k clients", {PANDAS: 12}),
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


def misses(case: Case, limits: Mapping[str, float]) -> list[str]:
    """Measure a case, and say which limits its ratios miss."""
    ratios = {figure.against: figure for figure in measure(case, ROUNDS).figures}
    return [
        f"{ratios[against].ratio:.2f} against {ratios[against].opponent} instead of {limit:.2f}"
        for against, limit in limits.items()
        if ratios[against].ratio < limit
    ]
