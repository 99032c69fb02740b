"""The whole job: sales in Parquet to scores in Parquet, with the same columns, by every engine.

Each engine works in a process of its own, and they take turns. Each line is an order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

import polars as pl

from grc_fast.bench import duckdb_side, our_side, pandas_baseline, polars_side
from grc_fast.bench.harness import OURS, SAME, Case, Measure, check_equal
from grc_fast.bench.machine import available_memory
from grc_fast.bench.sales import DISK_A_LINE, MEMORY_A_LINE, sales_file
from grc_fast.bench.setting import AS_OF, SHORTEST, Setting, in_words
from grc_fast.bench.worker import Worker

__all__ = ["DUCKDB", "JOBS", "PANDAS", "POLARS", "cases", "check_scores", "workers"]

LINES: Final = 50_000_000
LINES_A_CLIENT: Final = 10
#: What pandas is given where it would not have the memory for all the lines.
FEWER_LINES: Final = 10_000_000
#: Bytes a line to allow for: the job held 145 to 190 at its peak (pandas 3.1, 2 to 5 M lines).
PANDAS_BYTES: Final = 200

POLARS: Final = ("Polars, in memory", "Polars, streaming", "Polars, streaming in one query")
DUCKDB: Final = "DuckDB"
PANDAS: Final = "pandas"

#: How each engine does it: its function, and what it is told beside the files and the threads.
Jobs: TypeAlias = Mapping[str, tuple[Callable[..., Callable[[], object]], Mapping[str, Any]]]
JOBS: Final[Jobs] = {
    OURS: (our_side.score_file, {}),
    POLARS[0]: (polars_side.score_file, {"engine": "in-memory"}),
    POLARS[1]: (polars_side.score_file, {"engine": "streaming"}),
    POLARS[2]: (polars_side.score_file, {"engine": "streaming", "one_query": True}),
    DUCKDB: (duckdb_side.score_file, {}),
    PANDAS: (pandas_baseline.score_file, {"as_of": AS_OF}),
}
#: Last purchase, count and sum of each client, every line counted alike, beside our whole job.
SHORTEST_JOBS: Final[Jobs] = {
    OURS: (our_side.score_file, {"returns": "keep"}),
    POLARS[0]: (polars_side.shortest_file, {"engine": "in-memory"}),
    POLARS[1]: (polars_side.shortest_file, {"engine": "streaming"}),
    DUCKDB: (duckdb_side.shortest_file, {}),
}
#: Polars reads its number of threads when it is imported, and pandas has one.
_TOLD_THREADS: Final = (OURS, DUCKDB)


def cases(setting: Setting) -> list[Case]:
    """Return the job against what does the same, against pandas, and beside the shortest query.

    Pandas is given as many lines as it has memory for.
    """
    lines = setting.of(LINES)
    fewer = lines if _has_memory(lines) else setting.of(FEWER_LINES)
    same = (*POLARS, DUCKDB)
    return [
        _case(setting, lines, "whole job", {SAME: same}),
        _case(setting, fewer, "whole job against pandas", {PANDAS: (PANDAS,)}),
        _case(setting, lines, f"whole job beside the {SHORTEST}", {SHORTEST: same}, SHORTEST_JOBS),
    ]


@contextmanager
def workers(
    setting: Setting, sales: Path, names: Iterable[str], jobs: Jobs = JOBS
) -> Iterator[dict[str, tuple[Worker, Path]]]:
    """Give a process for each engine, and the file of scores that it writes."""
    with ExitStack() as stack:
        found = {}
        for number, name in enumerate(names):
            job, options = jobs[name]
            scores = setting.directory / f"scores-{number}.parquet"
            stack.callback(scores.unlink, missing_ok=True)
            arguments = {"sales": str(sales), "scores": str(scores), **options}
            if name in _TOLD_THREADS:
                arguments["threads"] = setting.threads
            worker = Worker(job, arguments, threads=setting.threads)
            found[name] = stack.enter_context(worker), scores
        yield found


def check_scores(found: Mapping[str, tuple[Worker, Path]]) -> None:
    """Run each engine once, and compare what they wrote client by client."""

    def results() -> Iterator[tuple[str, pl.DataFrame]]:
        for name, (worker, scores) in found.items():
            worker.seconds()
            yield name, _alike(scores)

    check_equal(results(), lambda ours, theirs: ours.select(theirs.columns).equals(theirs))


def _case(
    setting: Setting,
    lines: int,
    title: str,
    opponents: Mapping[str, tuple[str, ...]],
    jobs: Jobs = JOBS,
) -> Case:
    (others,) = opponents.values()
    names = [name for name in jobs if name in (OURS, *others)]

    @contextmanager
    def opened() -> Iterator[Mapping[str, Measure]]:
        clients = max(lines // LINES_A_CLIENT, 1)
        with (
            sales_file(setting, lines, clients) as sales,
            workers(setting, sales, names, jobs) as found,
        ):
            check_scores(found)
            yield {name: worker.seconds for name, (worker, _) in found.items()}

    return Case(
        "whole_job",
        f"{title}, Parquet to scored Parquet, {in_words(lines)} lines",
        opened,
        opponents,
        memory=lines * MEMORY_A_LINE,
        disk=lines * DISK_A_LINE,
    )


def _has_memory(lines: int) -> bool:
    available = available_memory()
    return available is None or lines * PANDAS_BYTES < available


def _alike(scores: Path) -> pl.DataFrame:
    """Read scores in one form: days are dates, and segments text."""
    found = pl.read_parquet(scores)
    if "segment" in found.columns:
        return found.with_columns(
            pl.col("first_purchase", "last_purchase").cast(pl.Date),
            pl.col("segment").cast(pl.String),
        )
    # The shortest query has other names, no order, and sums that are off by the last bits.
    return found.select(
        "client_id",
        pl.col("last_purchase").cast(pl.Date),
        frequency=pl.col("orders").cast(pl.UInt32),
        monetary=pl.col("total").round(2),
    ).sort("client_id")
