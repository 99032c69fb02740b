"""What `grc-fast bench` says and writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from grc_fast.bench.chart import chart_writer, has_matplotlib
from grc_fast.bench.harness import Comparison
from grc_fast.bench.table import SHOWN, columns, conditions, figure_rows, in_unit
from grc_fast.cli.console import Messages, frame_table, show_table
from grc_fast.errors import DataError
from grc_fast.output import AnyPath, json_writer, write_outputs

__all__ = ["check", "keep", "note", "show", "write"]


def note(done: Comparison, messages: Messages) -> None:
    """Say the medians of a case."""
    medians = ", ".join(f"{way} {in_unit(m, done.unit)}" for way, m in done.medians.items())
    messages.note(f"{done.name}: {medians}")


def keep(run: Mapping[str, Any], directory: Path) -> None:
    """Write what has been measured so far: a run that is stopped leaves it."""
    write_outputs({directory / "bench.json": json_writer(run)})


def write(run: Mapping[str, Any], directory: Path, messages: Messages) -> None:
    """Write the run and, if it can be drawn, its chart."""
    outputs: dict[AnyPath, Callable[[Path], None]] = {directory / "bench.json": json_writer(run)}
    if has_matplotlib():
        outputs[directory / "bench.svg"] = chart_writer(run)
    else:
        messages.warn('there is no chart without Matplotlib: run pip install "grc-fast[bench]"')
    write_outputs(outputs)
    for path in outputs:
        messages.note(f"written: {path}")
    messages.note(conditions(run))


def show(run: Mapping[str, Any]) -> None:
    """Show every figure beside its goal, on standard output."""
    rows = pl.DataFrame(columns(figure_rows(run), SHOWN), schema=list(SHOWN), orient="row")
    show_table(frame_table(rows, {}))


def check(run: Mapping[str, Any]) -> None:
    """Refuse a run of which a case could not be measured, when all the others have been shown.

    Raises
    ------
    DataError
        If there is one.
    """
    failed = run["failed"]
    if failed:
        first = failed[0]
        raise DataError(
            f"{len(failed)} of {len(failed) + len(run['cases'])} cases could not be measured; the "
            f'first is "{first["name"]}": {first["why"]}'
        )
