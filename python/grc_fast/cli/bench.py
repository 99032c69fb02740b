"""`grc-fast bench`: this machine, side by side with pandas, Polars and DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer

from grc_fast._typing import AnyPath
from grc_fast.bench.chart import chart_writer, has_matplotlib
from grc_fast.bench.harness import Comparison
from grc_fast.bench.setting import even_threads
from grc_fast.bench.suite import run_suite
from grc_fast.bench.table import SHOWN, columns, conditions, figure_rows, in_unit
from grc_fast.cli.console import Messages, show_table
from grc_fast.cli.figures import frame_table
from grc_fast.cli.options import RunOptions, comma_list, taking
from grc_fast.cli.threads import limit_polars
from grc_fast.errors import DataError
from grc_fast.io.atomic import make_directory
from grc_fast.io.write import json_writer, write_outputs


@dataclass(kw_only=True)
class BenchOptions(RunOptions):
    """The options of `grc-fast bench`."""

    output_dir: Annotated[
        str,
        typer.Option(
            "--output-dir", "-o", metavar="DIRECTORY", help="Where the figures and the chart go."
        ),
    ] = "grc-fast-bench"
    subjects: Annotated[
        list[str] | None,
        typer.Option(
            "--subjects",
            metavar="NAMES",
            show_default=False,
            help="What to measure, by commas: facts, quantiles, scoring, whole_job, behaviour, "
            "threads, scaling, memory; everything by default.",
        ),
    ] = None
    scale: Annotated[
        int,
        typer.Option(
            "--scale",
            min=1,
            metavar="N",
            help="Divide every size by N, for a quick look. The full sizes hold 50 and 100 million "
            "lines and take about an hour and up to 20 GB of memory.",
        ),
    ] = 1
    rounds: Annotated[
        int,
        typer.Option(
            "--rounds",
            min=1,
            metavar="N",
            help="Rounds of which the median is taken, in turn; twice as many and one more where a "
            "round takes less than 10 seconds.",
        ),
    ] = 5


@taking(BenchOptions)
def bench(options: BenchOptions) -> None:
    """Measure this machine, side by side with pandas, Polars and DuckDB (extra "bench").

    Results are checked to be equal before anything is timed. The table goes to standard output,
    every round to bench.json in the directory, case by case, and a chart beside it in the end.
    """
    threads = even_threads(options.threads)
    limit_polars(threads)

    messages = Messages.of(options, "en")
    directory = make_directory(options.output_dir)
    chosen = {} if options.subjects is None else {"subjects": comma_list(options.subjects)}
    # A line for each case says how far it is, where nobody asks for JSON.
    step = messages.step("compute") if options.json_progress else nullcontext()
    with step:
        run = run_suite(
            **chosen,
            scale=options.scale,
            rounds=options.rounds,
            threads=threads,
            report=lambda done: note(done, messages),
            keep=lambda so_far: keep(so_far, directory),
        )
    write(run, directory, messages)
    show(run)
    check(run)


def note(done: Comparison, messages: Messages) -> None:
    """Say the medians of a case."""
    medians = ", ".join(f"{way} {in_unit(m, done.unit)}" for way, m in done.medians.items())
    messages.account(f"{done.name}: {medians}")


def keep(run: Mapping[str, Any], directory: Path) -> None:
    """Write what has been measured so far: a run that is stopped leaves it."""
    write_outputs({directory / "bench.json": json_writer(run)})


def write(run: Mapping[str, Any], directory: Path, messages: Messages) -> None:
    """Write the run and, if it can be drawn, its chart."""
    outputs: dict[AnyPath, Callable[[Path], None]] = {directory / "bench.json": json_writer(run)}
    if has_matplotlib():
        outputs[directory / "bench.svg"] = chart_writer(run)
    else:
        messages.account(
            'warning: there is no chart without Matplotlib: run pip install "grc-fast[bench]"'
        )
    write_outputs(outputs)
    for path in outputs:
        messages.written(str(path))
    messages.account(conditions(run))


def show(run: Mapping[str, Any]) -> None:
    """Show every figure on standard output."""
    rows = pl.DataFrame(columns(figure_rows(run), SHOWN), schema=list(SHOWN), orient="row")
    show_table(frame_table(rows, "en"))


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
