"""The whole comparison: which subjects there are, running them, and what is kept of a run."""

from __future__ import annotations

import datetime as dt
import importlib
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from grc_fast.bench.harness import Case, Comparison, Verdict, measure
from grc_fast.bench.machine import machine, versions
from grc_fast.bench.setting import Setting, require_extra
from grc_fast.errors import DataError, OptionError
from grc_fast.labels import nearest

__all__ = ["FORMAT", "SUBJECTS", "cases_of", "run_suite"]

#: The version of the layout of `bench.json`.
FORMAT: Final = 1

#: Modules of this package, in the order in which they run; each has a function `cases`.
SUBJECTS: Final = (
    "facts",
    "quantiles",
    "scoring",
    "whole_job",
    "behaviour",
    "threads",
    "scaling",
    "memory",
)


def run_suite(
    *,
    subjects: Iterable[str] = SUBJECTS,
    scale: int = 1,
    rounds: int = 5,
    threads: int | None = None,
    report: Callable[[Comparison], object] | None = None,
) -> dict[str, Any]:
    """Measure subjects on this machine.

    Parameters
    ----------
    subjects
        Names of `SUBJECTS`.
    scale
        Sizes are divided by it; the project's goals are of scale 1.
    rounds
        How often each way runs, after it has warmed up.
    threads
        Of either side; every core by default. Polars must not have started with another number.
    report
        Called with each case when it has been measured.

    Returns
    -------
    dict
        What `bench.json` holds: the machine, the versions, the settings, and for each case every
        round of every way, the medians, and the figures beside their goals; under `failed`, the
        cases whose ways did not agree or that the system ended.

    Raises
    ------
    OptionError
        If a subject is unknown, or an opponent is not installed.
    """
    names = _checked(subjects)
    require_extra()
    measured: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    with tempfile.TemporaryDirectory(prefix="grc-fast-bench-") as directory:
        setting = Setting(
            threads=threads or os.cpu_count() or 1,
            directory=Path(directory),
            rounds=rounds,
            scale=scale,
        )
        for case in cases_of(names, setting):
            try:
                comparison = measure(case, rounds)
            except DataError as error:
                # The others are worth having: what failed is said in the end.
                failed.append({"subject": case.subject, "name": case.name, "why": str(error)})
                continue
            measured.append(_kept(comparison, at_full_size=scale == 1))
            if report is not None:
                report(comparison)
    return {
        "format": FORMAT,
        "measured": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": machine(),
        "versions": versions(),
        "settings": {
            "subjects": list(names),
            "scale": scale,
            "rounds": rounds,
            "threads": setting.threads,
        },
        "cases": measured,
        "failed": failed,
    }


def cases_of(subjects: Sequence[str], setting: Setting) -> list[Case]:
    """Return the cases of subjects, in order."""
    modules = [importlib.import_module(f"grc_fast.bench.{subject}") for subject in subjects]
    return [case for module in modules for case in module.cases(setting)]


def _checked(subjects: Iterable[str]) -> tuple[str, ...]:
    asked = tuple(dict.fromkeys(subjects))
    for subject in asked:
        if subject not in SUBJECTS:
            raise OptionError(f"there is no subject {subject!r}{nearest(subject, SUBJECTS)}")
    if not asked:
        raise OptionError(f"name a subject at least: {', '.join(SUBJECTS)}")
    return tuple(subject for subject in SUBJECTS if subject in asked)


def _kept(comparison: Comparison, *, at_full_size: bool) -> dict[str, Any]:
    return {
        "subject": comparison.subject,
        "name": comparison.name,
        "unit": comparison.unit,
        "rounds": {way: list(values) for way, values in comparison.rounds.items()},
        "medians": comparison.medians,
        "figures": [_figure(verdict, at_full_size=at_full_size) for verdict in comparison.verdicts],
    }


def _figure(verdict: Verdict, *, at_full_size: bool) -> dict[str, Any]:
    """Return a figure beside its goal; whether it is met is known at full size only."""
    goal = verdict.goal
    return {
        "ours": verdict.ours,
        "opponent": verdict.opponent,
        "theirs": verdict.theirs,
        "figure": verdict.figure,
        "bound": goal.bound,
        "must": goal.must,
        "aim": goal.aim,
        "meets_must": verdict.meets(goal.must) if at_full_size else None,
        "meets_aim": verdict.meets(goal.aim) if at_full_size else None,
    }
