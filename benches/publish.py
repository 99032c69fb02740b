"""Write what was measured into README.md, the guide and GOALS.md, so that they say what is true.

    python benches/publish.py            # after `grc-fast bench` and `benches/cost_curves.py`
    python benches/publish.py --check    # exit code 1 if a page says something else

The text between the markers of a page comes from docs/performance/run-*.json and curves.json.
There are one to three runs of the whole comparison, made at different hours; each figure is that of
the run in which it is the least favourable to us.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goals import goals_of

from grc_fast.bench.chart import chart_writer
from grc_fast.bench.harness import SAME
from grc_fast.bench.setting import SHORTEST, in_words
from grc_fast.bench.table import HEADINGS, conditions, figure_rows, in_ratio, in_unit

ROOT = Path(__file__).resolve().parent.parent
MEASURED = ROOT / "docs" / "performance"
NUMBERS = {1: "one", 2: "two", 3: "three"}

Json = Mapping[str, Any]
#: A case as `bench.json` has it, its figures from the runs in which they are the least favourable.
Case = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """A line of README: a job, its case, and that of the shortest query beside it."""

    job: str
    case: str
    shortest: str | None = None


LINES = (
    Line(
        "facts: 10 M sales lines, 1 M clients",
        "facts, 10 M lines of 1 M clients, integer ids",
        f"facts, 10 M lines of 1 M clients, integer ids, {SHORTEST}",
    ),
    Line(
        "the same, distinct orders counted",
        "facts, 10 M lines of 1 M clients, integer ids, distinct orders",
    ),
    Line("quintiles of 5 M values", "quantile kernel, 5 M values, continuous"),
    Line(
        "three criteria scored, 5 M clients",
        "three criteria scored from facts, 5 M clients",
    ),
    Line(
        "whole job, Parquet to Parquet: 50 M lines, 5 M clients",
        "whole job, Parquet to scored Parquet, 50 M lines",
        f"whole job beside the {SHORTEST}, Parquet to scored Parquet, 50 M lines",
    ),
    Line(
        "behaviour: 20 M events, 1 M clients",
        "behaviour scores, 20 M events, 1 M clients",
    ),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--check", action="store_true", help="only tell whether pages are up to date"
    )
    check = parser.parse_args().check
    runs = read_runs()
    curves = json.loads((MEASURED / "curves.json").read_text("utf-8"))
    cases = least_favourable(runs)
    if not check:
        chart_writer({"cases": cases})(MEASURED / "ratios.svg")
    sections: Mapping[str, Mapping[str, Callable[[], str]]] = {
        "README.md": {"headline": lambda: headline(runs, cases)},
        "docs/performance.md": {
            "comparison": lambda: comparison(runs, cases),
            "time": lambda: time_table(curves),
            "memory": lambda: memory_table(curves),
        },
        "benches/GOALS.md": {"goals": lambda: goals_table(cases)},
    }
    late = [page for page, made in sections.items() if publish(ROOT / page, made, check=check)]
    if check and late:
        sys.exit(f"{', '.join(late)}: not what was measured; run python benches/publish.py")


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


# -- the runs --------------------------------------------------------------------------------------


def read_runs() -> list[Json]:
    """Return the runs, which must be of full size and alike in all but the hour."""
    runs = [json.loads(path.read_text("utf-8")) for path in sorted(MEASURED.glob("run-*.json"))]
    if len(runs) not in NUMBERS:
        sys.exit(
            f"docs/performance has {len(runs)} files run-*.json, and one to three are expected"
        )
    for name in ("machine", "versions", "settings"):
        if any(run[name] != runs[0][name] for run in runs):
            sys.exit(f"the runs differ in their {name}, so that they are not runs of one thing")
    if runs[0]["settings"]["scale"] != 1:
        sys.exit("what is published is of full size: measure without --scale")
    return runs


def least_favourable(runs: Sequence[Json]) -> list[Case]:
    """Return every case once, each of its figures from the run with the least ratio."""
    merged: dict[str, Case] = {}
    for run in runs:
        for case in run["cases"]:
            ours = next(iter(case["medians"].values()))
            into = merged.setdefault(case["name"], {**case, "ours": ours, "figures": []})
            into["ours"] = max(into["ours"], ours)
            known = {figure["against"]: figure for figure in into["figures"]}
            for figure in case["figures"]:
                other = known.get(figure["against"])
                if other is None or figure["ratio"] < other["ratio"]:
                    known[figure["against"]] = figure
            into["figures"] = list(known.values())
    return list(merged.values())


def conditions_of(runs: Sequence[Json]) -> str:
    """Say in a line which runs these are, when they began, and on what machine."""
    begun = "; ".join(began(run) for run in runs)
    which = (
        "One full run"
        if len(runs) == 1
        else f"The least favourable of {NUMBERS[len(runs)]} full runs"
    )
    every = {**runs[0], "cases": [case for run in runs for case in run["cases"]]}
    return f"{which} ({begun}): {conditions(every)}."


def began(run: Json) -> str:
    """Say when a run began, and how many of its cases were measured again later."""
    first = run["run"]["begun"]
    later = [case["run"]["begun"] for case in run["cases"] if case["run"]["begun"] != first]
    again = (
        f", {len(later)} of {len(run['cases'])} cases again {minute(max(later))}" if later else ""
    )
    return f"{minute(first)} UTC{again}"


def minute(moment: str) -> str:
    """Write a moment in ISO 8601 to the minute."""
    return moment[:16].replace("T", " ")


# -- the comparison --------------------------------------------------------------------------------


def headline(runs: Sequence[Json], cases: Sequence[Case]) -> str:
    """The six lines that a reader of README looks for."""
    known = {
        (case["name"], figure["against"]): figure for case in cases for figure in case["figures"]
    }
    rows = []
    for line in LINES:
        same, shortest = known[line.case, SAME], known.get((line.shortest, SHORTEST))
        beside = ("not measured yet" if line.shortest else "", "")
        if shortest is not None:
            ours, theirs = in_unit(shortest["ours"], "s"), in_unit(shortest["theirs"], "s")
            beside = f"{shortest['opponent']}: {theirs} to our {ours}", in_ratio(shortest["ratio"])
        best = f"{same['opponent']}: {in_unit(same['theirs'], 's')}"
        rows.append([line.job, in_unit(same["ours"], "s"), best, in_ratio(same["ratio"]), *beside])
    others = "best of the others, same columns"
    headings = ["job", "grc_fast", others, "ratio", SHORTEST, "ratio"]
    return f"{markdown(headings, rows)}\n\n{conditions_of(runs)}"


def comparison(runs: Sequence[Json], cases: Sequence[Case]) -> str:
    """Every figure."""
    return f"{conditions_of(runs)}\n\n{markdown(HEADINGS, list(figure_rows({'cases': cases})))}"


def markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


# -- the goals -------------------------------------------------------------------------------------


def goals_table(cases: Sequence[Case]) -> str:
    """Every goal beside what was measured, and how many are missed."""
    found = list(measured_goals(cases))
    rows = [row for row, *_ in found]
    musts = [meets for _, meets, _ in found if meets is not None]
    aims = [meets for *_, meets in found if meets is not None]
    headings = ["case", "against", "must", "aim", "measured", ""]
    said = (
        f"Missed: {musts.count(False)} of {len(musts)} required figures, and "
        f"{aims.count(False)} of {len(aims)} aims, which are higher."
    )
    return f"{said}\n\n{markdown(headings, rows)}"


def measured_goals(cases: Sequence[Case]) -> Iterator[tuple[list[str], bool | None, bool | None]]:
    """Yield a row for each goal of the cases, and whether its must and its aim are met."""
    for case in cases:
        ratios = {figure["against"]: figure["ratio"] for figure in case["figures"]}
        for goal, found in goals_of(case["name"], case["ours"], ratios):
            must, aim = goal.meets(found, goal.must), goal.meets(found, goal.aim)
            said = "missed" if must is False else "aim missed" if aim is False else "met"
            texts = (goal.in_words(value, case["unit"]) for value in (goal.must, goal.aim, found))
            yield [case["name"], goal.against or "ours alone", *texts, said], must, aim


# -- the curves ------------------------------------------------------------------------------------


def time_table(curves: Json) -> str:
    """Seconds with one thread and with all, and lines a second."""
    many = curves["settings"]["threads"]
    keys = [f"{job}_{threads}" for job in ("facts", "whole_job") for threads in ("1", "all")]
    jobs = [
        f"{job}, {threads}"
        for job in ("facts", "whole job")
        for threads in ("1 thread", f"{many} threads")
    ]
    rows = [
        [
            in_words(point["lines"]),
            in_words(point["clients"]),
            *(in_unit(point[key], "s") if key in point else "" for key in keys),
            f"{point['lines'] / point.get('facts_all', point['facts_1']) / 1e6:.1f} M",
        ]
        for point in curves["time"]
    ]
    return markdown(["lines", "clients", *jobs, "lines/s, facts"], rows)


def memory_table(curves: Json) -> str:
    """Peaks against lines, and against clients."""
    rows = [
        [in_words(point["lines"]), in_words(point["clients"]), in_unit(point["peak"], "B")]
        for point in (*curves["memory_by_lines"], *curves["memory_by_clients"])
    ]
    return markdown(["lines", "clients at most", "peak"], rows)


if __name__ == "__main__":
    main()
