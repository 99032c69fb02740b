"""Timing several ways to the same result, in turn, in one process.

The protocol: results are asserted equal first; every way then runs once to warm up, and at least
five times in turn with the others, so that a slow moment of the machine slows all of them alike;
medians are quoted, and ratios of medians. Nothing here asserts on seconds.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

THREADS = int(os.environ.get("GRC_FAST_BENCH_THREADS", os.cpu_count() or 1))
ROUNDS = int(os.environ.get("GRC_FAST_BENCH_ROUNDS", "5"))
#: Sizes are divided by this: 1 for the sizes quoted, more for a quick look.
SCALE = int(os.environ.get("GRC_FAST_BENCH_SCALE", "1"))
#: What does less than the work in question: shown as a floor, and no opponent.
FLOORS = ("numpy.sum",)
RESULTS = Path(os.environ.get("GRC_FAST_BENCH_JSON", "bench.json"))


@dataclass(frozen=True)
class Comparison:
    """Medians of each way, in seconds; the first is ours."""

    subject: str
    seconds: Mapping[str, float]
    rounds: Mapping[str, list[float]] = field(repr=False)

    def best_other(self, *names: str) -> str:
        """Return the fastest of the others, or of those named."""
        asked = names or [name for name in list(self.seconds)[1:] if name not in FLOORS]
        others = {name: self.seconds[name] for name in asked}
        return min(others, key=others.__getitem__)

    def ratio(self, *names: str) -> float:
        """How many times faster ours is than the fastest of the others, or of those named."""
        return self.seconds[self.best_other(*names)] / next(iter(self.seconds.values()))

    def show(self) -> str:
        """Return a line a way: median, and how many times ours it takes."""
        ours = next(iter(self.seconds.values()))
        lines = [f"\n{self.subject}  ({THREADS} threads, median of {ROUNDS})"]
        for name, median in self.seconds.items():
            spread = f"{min(self.rounds[name]) * 1e3:.1f} to {max(self.rounds[name]) * 1e3:.1f}"
            lines.append(f"  {name:<34} {median * 1e3:10.1f} ms  x{median / ours:6.2f}  ({spread})")
        return "\n".join(lines)


def compare(subject: str, ways: Mapping[str, Callable[[], object]]) -> Comparison:
    """Time the ways in turn; the first is ours. Prints the medians and appends them to a file."""
    rounds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS + 1):
        for name, way in ways.items():
            gc.collect()
            start = time.perf_counter()
            result = way()
            seconds = time.perf_counter() - start
            del result
            if number > 0:  # the first round warms up
                rounds[name].append(seconds)
    comparison = Comparison(
        subject, {name: statistics.median(values) for name, values in rounds.items()}, rounds
    )
    print(comparison.show(), flush=True)
    _keep(comparison)
    return comparison


def _keep(comparison: Comparison) -> None:
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    kept[comparison.subject] = {
        "threads": THREADS,
        "median_seconds": dict(comparison.seconds),
        "ratio_to_best_other": comparison.ratio(),
    }
    RESULTS.write_text(json.dumps(kept, indent=1))
