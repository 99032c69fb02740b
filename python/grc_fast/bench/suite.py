"""The whole comparison: which subjects there are, running them, and what is kept of a run."""

from __future__ import annotations

import datetime as dt
import importlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from grc_fast._utils.messages import nearest
from grc_fast.bench.harness import SHORT, Case, Comparison, Figure, measure, rounds_when_short
from grc_fast.bench.machine import available_memory, machine, versions
from grc_fast.bench.setting import Setting, even_threads, require_extra
from grc_fast.bench.table import machine_in_words
from grc_fast.errors import DataError, GrcError, OptionError

__all__ = ["FORMAT", "SUBJECTS", "cases_of", "run_suite"]

#: The version of the layout of `bench.json`.
FORMAT: Final = 3

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
    keep: Callable[[dict[str, Any]], object] | None = None,
) -> dict[str, Any]:
    """Measure subjects on this machine.

    Parameters
    ----------
    subjects
        Names of `SUBJECTS`.
    scale
        Sizes are divided by it.
    rounds
        How often each way runs, after it has warmed up; twice as often and once more where a round
        of all ways is short.
    threads
        Of every side; by default every core that this process may use. Polars must not have
        started with another number.
    report
        Called with each case when it has been measured.
    keep
        Called after each case with what `bench.json` holds by then, so that nothing that was
        measured is lost where the run ends early.

    Returns
    -------
    dict
        What `bench.json` holds: when the run began and on what machine, when it finished (None as
        long as it has not), the versions, the settings, and for each case when it was measured and
        by which run, every round of every way, the medians, the ranges, and the figures; under
        `failed`, the cases that could not be measured, and why.

    Raises
    ------
    OptionError
        If a subject is unknown, an opponent is not installed, or threads are more than every side
        would start.
    """
    names = _checked(subjects)
    require_extra()
    with tempfile.TemporaryDirectory(prefix="grc-fast-bench-") as directory:
        setting = Setting(
            threads=even_threads(threads),
            directory=Path(directory),
            rounds=rounds,
            scale=scale,
        )
        run = _begun(names, setting)
        for case in cases_of(names, setting):
            try:
                _check_room(case, setting.directory)
                comparison = measure(case, rounds)
            # The others are worth having, whatever an engine says: what failed is said in the end.
            except (Exception, pl.exceptions.PanicException) as error:
                if _is_interruption(error):
                    raise KeyboardInterrupt from error
                why = _in_a_line(error)
                run["failed"].append({"subject": case.subject, "name": case.name, "why": why})
            else:
                when = {"measured": _now(), "run": run["run"]}
                run["cases"].append(_kept(comparison) | when)
                if report is not None:
                    report(comparison)
            if keep is not None:
                keep(run)
    run["finished"] = _now()
    return run


def _begun(subjects: Sequence[str], setting: Setting) -> dict[str, Any]:
    """Return a run of which nothing has been measured yet."""
    here = machine()
    return {
        "format": FORMAT,
        # Each case has it as well: cases of several runs that are put together stay apart.
        "run": {"begun": _now(), "machine": machine_in_words(here)},
        "finished": None,
        "machine": here,
        "versions": versions(),
        "settings": {
            "subjects": list(subjects),
            "scale": setting.scale,
            "rounds": setting.rounds,
            "short": {"seconds": SHORT, "rounds": rounds_when_short(setting.rounds)},
            "threads": setting.threads,
        },
        "cases": [],
        "failed": [],
    }


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def _check_room(case: Case, directory: Path) -> None:
    """Refuse a case that the machine has no room for, before it is begun.

    Raises
    ------
    DataError
        If memory or disk are less than it takes at the least.
    """
    memory = available_memory()
    disk = shutil.disk_usage(directory).free
    for needed, free, what in (
        (case.memory, memory, "of memory"),
        (case.disk, disk, f"on the disk of {directory.parent}"),
    ):
        if free is not None and free < needed:
            raise DataError(
                f"it takes {needed / 1e9:.1f} GB {what} at the least, and {free / 1e9:.1f} GB are "
                "free: free more, or divide the sizes by --scale"
            )


def _is_interruption(error: BaseException) -> bool:
    """Tell whether a signal ended a query: DuckDB puts an error of its own in the place of ours."""
    return isinstance(error, RuntimeError) and str(error) == "Query interrupted"


def _in_a_line(error: BaseException) -> str:
    """Say an error in a line; those that are not ours by their class as well."""
    said = " ".join(str(error).split())
    kind = type(error).__name__
    return said if isinstance(error, GrcError) else f"{kind}: {said}" if said else kind


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


def _kept(comparison: Comparison) -> dict[str, Any]:
    return {
        "subject": comparison.subject,
        "name": comparison.name,
        "unit": comparison.unit,
        "rounds": {way: list(values) for way, values in comparison.rounds.items()},
        "medians": comparison.medians,
        "ranges": {way: list(ends) for way, ends in comparison.ranges.items()},
        "figures": [_figure(figure) for figure in comparison.figures],
    }


def _figure(figure: Figure) -> dict[str, Any]:
    return {
        "against": figure.against,
        "ours": figure.ours,
        "our_range": figure.our_range,
        "opponent": figure.opponent,
        "theirs": figure.theirs,
        "their_range": figure.their_range,
        "ratio": figure.ratio,
    }
