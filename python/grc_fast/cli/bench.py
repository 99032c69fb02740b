"""`grc-fast bench`: this machine, side by side with pandas, Polars and DuckDB."""

from dataclasses import dataclass
from typing import Annotated

import typer

from grc_fast.cli.options import RunOptions, comma_list, taking
from grc_fast.cli.threads import limit_polars


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
    from grc_fast.bench.setting import even_threads

    threads = even_threads(options.threads)
    limit_polars(threads)
    # Imported when Polars may be: it reads its number of threads then.
    from grc_fast.bench.suite import run_suite
    from grc_fast.cli import benching
    from grc_fast.cli.console import Messages
    from grc_fast.output import make_directory

    messages = Messages(quiet=options.quiet)
    directory = make_directory(options.output_dir)
    chosen = {} if options.subjects is None else {"subjects": comma_list(options.subjects)}
    run = run_suite(
        **chosen,
        scale=options.scale,
        rounds=options.rounds,
        threads=threads,
        report=lambda done: benching.note(done, messages),
        keep=lambda so_far: benching.keep(so_far, directory),
    )
    benching.write(run, directory, messages)
    benching.show(run)
    benching.check(run)
