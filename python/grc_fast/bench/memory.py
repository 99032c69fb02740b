"""The most memory that the whole job holds at a time, each engine in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from grc_fast.bench.harness import OURS, Case, Measure
from grc_fast.bench.machine import peak_memory
from grc_fast.bench.sales import DISK_A_LINE, MEMORY_A_LINE, sales_file
from grc_fast.bench.setting import Setting, in_words
from grc_fast.bench.whole_job import DUCKDB, POLARS, workers

__all__ = ["cases"]

LINES, CLIENTS = 50_000_000, 5_000_000


def cases(setting: Setting) -> list[Case]:
    """Return the job at one size, once: memory does not jitter as time does.

    Nothing where the system does not say how much a process has held.
    """
    if peak_memory() is None:
        return []
    lines, clients = setting.of(LINES), setting.of(CLIENTS)

    @contextmanager
    def opened() -> Iterator[Mapping[str, Measure]]:
        with sales_file(setting, lines, clients) as sales:
            yield {name: partial(_peak, setting, sales, name) for name in (OURS, *POLARS, DUCKDB)}

    size = f"{in_words(lines)} lines of {in_words(clients)} clients"
    name = f"peak memory, whole job, {size}"
    return [
        Case(
            "memory",
            name,
            opened,
            {"Polars": POLARS, DUCKDB: (DUCKDB,)},
            unit="B",
            rounds=1,
            memory=lines * MEMORY_A_LINE,
            disk=lines * DISK_A_LINE,
        )
    ]


def _peak(setting: Setting, sales: Path, name: str) -> float:
    with workers(setting, sales, (name,)) as found:
        worker, _ = found[name]
        return worker.peak_bytes()
