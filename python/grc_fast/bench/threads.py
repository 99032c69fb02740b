"""All threads against one, of our own; each in a process of its own, and in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from grc_fast.bench import our_side
from grc_fast.bench.harness import Case, Measure
from grc_fast.bench.sales import DISK_A_LINE, MEMORY_A_LINE, sales_file
from grc_fast.bench.setting import Setting, in_words
from grc_fast.bench.worker import Worker

__all__ = ["cases"]

LINES: Final = 10_000_000
LINES_A_CLIENT: Final = 10
VALUES: Final = 5_000_000
ALONE: Final = "1 thread"


def cases(setting: Setting) -> list[Case]:
    """Return the facts pass and the kernel; nothing where there is one thread only."""
    if setting.threads == 1:
        return []
    lines, values = setting.of(LINES), setting.of(VALUES)

    @contextmanager
    def facts() -> Iterator[Mapping[str, Measure]]:
        with (
            sales_file(setting, lines, max(lines // LINES_A_CLIENT, 1)) as sales,
            _both(setting, our_side.read_facts, {"sales": str(sales)}) as ways,
        ):
            yield ways

    @contextmanager
    def kernel() -> Iterator[Mapping[str, Measure]]:
        with _both(setting, our_side.band_values, {"number": values}) as ways:
            yield ways

    against = f"{setting.threads} threads against 1"
    opponents = {ALONE: (ALONE,)}
    return [
        Case(
            "threads",
            f"facts, {in_words(lines)} lines, {against}",
            facts,
            opponents,
            memory=lines * MEMORY_A_LINE,
            disk=lines * DISK_A_LINE,
        ),
        Case(
            "threads", f"quantile kernel, {in_words(values)} values, {against}", kernel, opponents
        ),
    ]


@contextmanager
def _both(
    setting: Setting, job: Callable[..., Callable[[], object]], arguments: dict[str, Any]
) -> Iterator[Mapping[str, Measure]]:
    """Give the same job with all threads and with one, warmed up."""
    many = arguments | {"threads": setting.threads}
    with (
        Worker(job, many, threads=setting.threads) as together,
        Worker(job, arguments | {"threads": 1}, threads=1) as alone,
    ):
        ways = {f"{setting.threads} threads": together.seconds, ALONE: alone.seconds}
        for once in ways.values():
            once()
        yield ways
