"""Write what was measured into README.md and the guide, so that they say what is true.

    python benches/publish.py            # after `grc-fast bench` and `benches/cost_curves.py`
    python benches/publish.py --check    # exit code 1 if a page says something else

The text between the markers of a page is made of docs/performance/bench.json and curves.json.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from grc_fast.bench.setting import in_words
from grc_fast.bench.table import (
    HEADINGS,
    SHOWN,
    columns,
    conditions,
    figure_rows,
    in_unit,
    markdown,
    when,
)

ROOT = Path(__file__).resolve().parent.parent
MEASURED = ROOT / "docs" / "performance"

#: The goals of the project that the curves show: lines a second against those of ten million
#: lines, threads, and the memory of 50 million lines of 5 million clients in bytes.
RATE, SPEED_UP, MEMORY = 0.75, 1.8, 0.9e9
GOAL_THREADS, REFERENCE_LINES = 2, 10_000_000
MEMORY_LINES, MEMORY_CLIENTS = 50_000_000, 5_000_000

Json = Mapping[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--check", action="store_true", help="only tell whether pages are up to date"
    )
    check = parser.parse_args().check
    run, curves = read("bench.json"), read("curves.json")
    sections: Mapping[str, Mapping[str, Callable[[], str]]] = {
        "README.md": {"headline": lambda: headline(run)},
        "docs/performance.md": {
            "comparison": lambda: comparison(run),
            "time": lambda: time_table(curves),
            "memory": lambda: memory_tables(curves),
        },
    }
    late = [page for page, made in sections.items() if publish(ROOT / page, made, check=check)]
    if check and late:
        sys.exit(f"{', '.join(late)}: not what was measured; run python benches/publish.py")


def read(name: str) -> Json:
    found: Json = json.loads((MEASURED / name).read_text("utf-8"))
    return found


def publish(page: Path, made: Mapping[str, Callable[[], str]], *, check: bool) -> bool:
    """Write sections between their markers, and tell whether the page said something else."""
    before = after = page.read_text("utf-8")
    for name, section in made.items():
        begin, end = f"<!-- measured: {name} -->", "<!-- end -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if len(pattern.findall(after)) != 1:
            sys.exit(f"{page.name} has no section between {begin} and {end}")
        text = f"{begin}\n\n{section()}\n\n{end}"
        after = pattern.sub(lambda _, text=text: text, after)
    if after != before and not check:
        page.write_text(after, "utf-8")
    return after != before


# -- the comparison --------------------------------------------------------------------------------


def headline(run: Json) -> str:
    """The rows that a reader of README looks for, and how many goals are not reached in all."""
    shown = [case for case in run["cases"] if is_headline(case)]
    table = figures({**run, "cases": shown}, SHOWN)
    said = f"{when(run)}: {conditions(run)}.{scale_in_words(run)}"
    return f"{said}\n\n{table}\n\n{shortfalls(run)}"


def is_headline(case: Json) -> bool:
    """Tell whether README has the rows of a case: one of each row of goals, and all misses."""
    if any(figure["meets_must"] is False for figure in case["figures"]):
        return True
    if case["subject"] == "facts":
        return "integer ids" in case["name"] or "letters" in case["name"]
    if case["subject"] == "quantiles":
        return "continuous" in case["name"] and has_goal(case)
    return True


def shortfalls(run: Json) -> str:
    """Say how many figures miss their goals."""
    if run["settings"]["scale"] != 1:
        return "Whether goals are reached is known at full size only."
    every = [figure for case in run["cases"] for figure in case["figures"]]
    musts = [figure for figure in every if figure["must"] is not None]
    aims = [figure for figure in every if figure["aim"] is not None]
    below_must = sum(not figure["meets_must"] for figure in musts)
    below_aim = sum(not figure["meets_aim"] for figure in aims)
    return (
        f"{below_must or 'None'} of the {len(musts)} figures that must reach a goal "
        f"{'misses' if below_must < 2 else 'miss'} it. The aims, which are higher, are missed by "
        f"{below_aim} of {len(aims)}. [Performance](docs/performance.md) has all of them."
    )


def has_goal(case: Json) -> bool:
    return any(figure["must"] is not None for figure in case["figures"])


def comparison(run: Json) -> str:
    """Every figure, beside its goal."""
    said = f"{when(run)}: {conditions(run)}.{scale_in_words(run)}"
    return f"{said}\n\n{figures(run, HEADINGS)}"


def scale_in_words(run: Json) -> str:
    scale = run["settings"]["scale"]
    return "" if scale == 1 else f" Sizes are divided by {scale}; goals are of the full sizes."


def figures(run: Json, shown: Sequence[str]) -> str:
    return markdown(shown, columns(figure_rows(run), shown))


# -- the curves ------------------------------------------------------------------------------------


def time_table(curves: Json) -> str:
    """Seconds with one thread and with all, and how lines a second hold out."""
    many = curves["settings"]["threads"]
    keys = [f"{job}_{threads}" for job in ("facts", "whole_job") for threads in ("1", "all")]
    jobs = [
        f"{job}, {threads}"
        for job in ("facts", "whole job")
        for threads in ("1 thread", f"{many} threads")
    ]
    reference = reference_rate(curves)
    rows = [
        [
            in_words(point["lines"]),
            in_words(point["clients"]),
            *(in_unit(point[key], "s") if key in point else "" for key in keys),
            f"{rate(point) / 1e6:.1f} M",
            "; ".join(time_notes(point, reference, many)),
        ]
        for point in curves["time"]
    ]
    return markdown(["lines", "clients", *jobs, "lines/s, facts", "below its goal"], rows)


def reference_rate(curves: Json) -> float:
    """Lines a second of the size that others are compared with."""
    lines = REFERENCE_LINES // curves["settings"]["scale"]
    return next(rate(point) for point in curves["time"] if point["lines"] == lines)


def rate(point: Json) -> float:
    """Lines a second of the facts pass with all threads."""
    lines: float = point["lines"] / point.get("facts_all", point["facts_1"])
    return lines


def time_notes(point: Json, reference: float, many: int) -> Iterator[str]:
    """Say which goals a point of their size misses."""
    if point["lines"] < REFERENCE_LINES:
        return
    if rate(point) < RATE * reference:
        yield f"lines/s {rate(point) / reference:.2f}x, must {RATE}x of those of 10 M lines"
    speed_up = point["facts_1"] / point.get("facts_all", point["facts_1"])
    if many == GOAL_THREADS and speed_up < SPEED_UP:
        yield f"{many} threads {speed_up:.2f}x as fast as one, aim {SPEED_UP}x"


def memory_tables(curves: Json) -> str:
    """Peaks against lines, and against clients."""
    scale = curves["settings"]["scale"]
    goal_size = (MEMORY_LINES // scale, MEMORY_CLIENTS // scale)
    rows = []
    for point in (*curves["memory_by_lines"], *curves["memory_by_clients"]):
        size = (point["lines"], point["clients"])
        above = scale == 1 and size == goal_size and point["peak"] > MEMORY
        note = f"above {in_unit(MEMORY, 'B')}" if above else ""
        rows.append([in_words(size[0]), in_words(size[1]), in_unit(point["peak"], "B"), note])
    return markdown(["lines", "clients at most", "peak", "below its goal"], rows)


if __name__ == "__main__":
    main()
