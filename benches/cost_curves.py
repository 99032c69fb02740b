"""Measure how time and memory grow with lines and clients, and draw it for the guide.

    python benches/cost_curves.py -o docs/performance

Writes curves.json, curves-time.svg and curves-memory.svg; `benches/publish.py` makes the tables of
the guide of them. Every point is measured in processes of its own. At full size this takes the best
part of an hour and 16 GB of memory; --scale divides every size.
"""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grc_fast.bench import our_side
from grc_fast.bench.chart import svg_writer
from grc_fast.bench.machine import machine, versions
from grc_fast.bench.sales import sales_file
from grc_fast.bench.setting import Setting, even_threads, in_words
from grc_fast.bench.worker import Worker
from grc_fast.io.atomic import make_directory
from grc_fast.io.write import json_writer, write_outputs

MILLION = 1_000_000
#: Lines of the curves of time, and of memory against lines.
LINES = tuple(number * MILLION for number in (1, 2, 5, 10, 20, 50, 100))
LINES_A_CLIENT = 10
#: Clients of the curve of memory against lines, and lines of the one against clients.
FIXED_CLIENTS, FIXED_LINES = 1 * MILLION, 50 * MILLION
CLIENTS = tuple(number * MILLION // 10 for number in (1, 2, 5, 10, 20, 50, 100))

Point = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-o", "--output-dir", default="docs/performance")
    parser.add_argument("--scale", type=int, default=1, help="divide every size by it")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of the curves of time")
    parser.add_argument("--threads", type=int, help="every core by default")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="grc-fast-bench-") as scratch:
        setting = Setting(
            threads=even_threads(asked.threads),
            directory=Path(scratch),
            rounds=asked.rounds,
            scale=asked.scale,
        )
        curves = measured(setting)
    directory = make_directory(asked.output_dir)
    write_outputs(
        {
            directory / "curves.json": json_writer(curves),
            directory / "curves-time.svg": svg_writer(lambda: time_figure(curves)),
            directory / "curves-memory.svg": svg_writer(lambda: memory_figure(curves)),
        }
    )


def measured(setting: Setting) -> dict[str, Any]:
    """Measure every curve."""
    return {
        "format": 1,
        "measured": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": machine(),
        "versions": versions(),
        "settings": {
            "scale": setting.scale,
            "rounds": setting.rounds,
            "threads": setting.threads,
        },
        "time": [said("time", time_point(setting, setting.of(lines))) for lines in LINES],
        "memory_by_lines": [
            said("memory", memory_point(setting, setting.of(lines), setting.of(FIXED_CLIENTS)))
            for lines in LINES
        ],
        "memory_by_clients": [
            said("memory", memory_point(setting, setting.of(FIXED_LINES), setting.of(clients)))
            for clients in CLIENTS
        ],
    }


def said(curve: str, point: Point) -> Point:
    print(curve, point, flush=True)
    return point


def time_point(setting: Setting, lines: int) -> Point:
    """Return medians in seconds, with one thread and with all: the facts pass and the whole job."""
    clients = max(lines // LINES_A_CLIENT, 1)
    point: Point = {"lines": lines, "clients": clients}
    with sales_file(setting, lines, clients) as sales:
        scores = {"scores": str(setting.directory / "scores.parquet")}
        jobs: Mapping[str, tuple[Callable[..., Callable[[], object]], Mapping[str, str]]] = {
            "facts": (our_side.read_facts, {}),
            "whole_job": (our_side.score_file, scores),
        }
        for name, (job, more) in jobs.items():
            with ExitStack() as stack:
                workers = {
                    threads: stack.enter_context(
                        Worker(
                            job,
                            {"sales": str(sales), "threads": threads, **more},
                            threads=threads,
                        )
                    )
                    for threads in sorted({1, setting.threads})
                }
                for threads, taken in in_turn(workers, setting.rounds):
                    point[f"{name}_{'1' if threads == 1 else 'all'}"] = statistics.median(taken)
    return point


def in_turn(workers: Mapping[int, Worker], rounds: int) -> Iterator[tuple[int, list[float]]]:
    """Run each worker once to warm up, then in turn."""
    taken: dict[int, list[float]] = {threads: [] for threads in workers}
    for number in range(rounds + 1):
        for threads, worker in workers.items():
            seconds = worker.seconds()
            if number > 0:
                taken[threads].append(seconds)
    yield from taken.items()


def memory_point(setting: Setting, lines: int, clients: int) -> Point:
    """Return the most memory that the whole job holds, in bytes."""
    with sales_file(setting, lines, clients) as sales:
        arguments = {
            "sales": str(sales),
            "scores": str(setting.directory / "scores.parquet"),
            "threads": setting.threads,
        }
        with Worker(our_side.score_file, arguments, threads=setting.threads) as worker:
            return {"lines": lines, "clients": clients, "peak": worker.peak_bytes()}


def time_figure(curves: Mapping[str, Any]) -> Figure:
    """Draw seconds against lines, with one thread and with all."""
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    many = curves["settings"]["threads"]
    points = curves["time"]
    for axes, (job, title) in zip(
        figure.subplots(1, 2),
        (("facts", "facts, sales in memory"), ("whole_job", "Parquet to scored Parquet")),
        strict=True,
    ):
        for key, label in (("1", "1 thread"), ("all", f"{many} threads")):
            draw(axes, points, "lines", lambda point, key=f"{job}_{key}": point.get(key), label)
        axes.set(title=title, ylabel="seconds", yscale="log")
        axes.legend(frameon=False)
    return figure


def memory_figure(curves: Mapping[str, Any]) -> Figure:
    """Draw gigabytes against lines, and against clients."""
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    by_lines, by_clients = curves["memory_by_lines"], curves["memory_by_clients"]
    left, right = figure.subplots(1, 2, sharey=True)
    draw(left, by_lines, "lines", lambda point: point["peak"] / 1e9)
    draw(right, by_clients, "clients", lambda point: point["peak"] / 1e9)
    left.set(title=f"at most {in_words(by_lines[0]['clients'])} clients", ylabel="peak, GB")
    right.set(title=f"{in_words(by_clients[0]['lines'])} lines")
    left.set_ylim(bottom=0)
    return figure


def draw(
    axes: Axes,
    points: list[Point],
    against: str,
    value: Callable[[Point], float | None],
    label: str = "",
) -> None:
    """Draw a curve over sizes that grow by factors."""
    shown = [(point[against], found) for point in points if (found := value(point)) is not None]
    axes.plot([size for size, _ in shown], [found for _, found in shown], "o-", label=label)
    sizes = [int(point[against]) for point in points]
    axes.set_xscale("log")
    axes.set_xticks(sizes, [in_words(size) for size in sizes])
    axes.minorticks_off()
    axes.set_xlabel(against)
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
