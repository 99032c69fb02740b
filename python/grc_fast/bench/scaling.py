"""Whether ten times the lines take ten times as long, at the same number of lines a client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Final

from grc_fast.bench import our_side
from grc_fast.bench.harness import Case, Measure
from grc_fast.bench.sales import DISK_A_LINE, MEMORY_A_LINE, sales_file
from grc_fast.bench.setting import Setting, in_words
from grc_fast.bench.worker import Worker

__all__ = ["cases"]

MANY, FEW = 100_000_000, 10_000_000
LINES_A_CLIENT: Final = 10


def cases(setting: Setting) -> list[Case]:
    """Return the facts pass at both sizes, in seconds a line: the figure is of lines a second."""
    sizes = (setting.of(MANY), setting.of(FEW))
    names = [f"{in_words(lines)} lines" for lines in sizes]

    @contextmanager
    def opened() -> Iterator[Mapping[str, Measure]]:
        with _worker(setting, sizes) as worker:
            ways = {
                name: partial(_per_line, worker, place, lines)
                for place, (name, lines) in enumerate(zip(names, sizes, strict=True))
            }
            for once in ways.values():
                once()
            yield ways

    name = f"facts, lines a second at {names[0]} against {names[1]}"
    return [
        Case(
            "scaling",
            name,
            opened,
            {"fewer lines": (names[1],)},
            unit="s/line",
            memory=sizes[0] * MEMORY_A_LINE,
            disk=sizes[0] * DISK_A_LINE,
        )
    ]


@contextmanager
def _worker(setting: Setting, sizes: Iterable[int]) -> Iterator[Worker]:
    """Give a process that holds the sales of each size in memory.

    One for both: the memory that a process is given makes a pass faster or slower by more than what
    is looked for here.
    """
    with ExitStack() as stack:
        files = [
            stack.enter_context(sales_file(setting, lines, max(lines // LINES_A_CLIENT, 1)))
            for lines in sizes
        ]
        arguments = {"sales": list(map(str, files)), "threads": setting.threads}
        with Worker(our_side.read_facts_of_each, arguments, threads=setting.threads) as worker:
            yield worker


def _per_line(worker: Worker, place: int, lines: int) -> float:
    return worker.seconds(place) / lines
