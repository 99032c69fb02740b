"""The figures of a run as rows of text, for the terminal and for the guide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

__all__ = [
    "HEADINGS",
    "SHOWN",
    "columns",
    "conditions",
    "figure_rows",
    "in_unit",
    "machine_in_words",
    "markdown",
    "when",
]

HEADINGS: Final = (
    "subject",
    "grc_fast",
    "least to most",
    "best of the others",
    "theirs",
    "their least to most",
    "figure",
    "must",
    "aim",
    "goal",
)
#: What fits on a screen: without the ranges of the rounds.
SHOWN: Final = tuple(heading for heading in HEADINGS if "least" not in heading)


def figure_rows(run: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield a row of texts for each figure of a run, under `HEADINGS`, and for each failed case.

    Examples
    --------
    >>> from grc_fast.bench.table import figure_rows
    >>> figure = {
    ...     "ours": 0.25, "our_range": [0.24, 0.27], "opponent": "Polars", "theirs": 1.0,
    ...     "their_range": [0.9, 1.1], "figure": 4.0, "bound": "at least", "must": 2.5, "aim": 5.0,
    ...     "meets_must": True, "meets_aim": False,
    ... }
    >>> case = {"name": "facts", "unit": "s", "figures": [figure]}
    >>> (row,) = figure_rows({"cases": [case]})
    >>> row[:6]
    ('facts', '250 ms', '240 ms to 270 ms', 'Polars', '1.00 s', '900 ms to 1.10 s')
    >>> row[6:]
    ('4.0x', '2.5x', '5x', 'must is met, aim is not')
    """
    for case in run["cases"]:
        for figure in case["figures"]:
            yield _row(case, figure)
    for case in run.get("failed", ()):
        yield (case["name"], *[""] * (len(HEADINGS) - 2), "not measured")


def columns(rows: Iterable[Sequence[str]], shown: Sequence[str]) -> list[list[str]]:
    """Return some columns of rows that are under `HEADINGS`."""
    places = [HEADINGS.index(heading) for heading in shown]
    return [[row[place] for place in places] for row in rows]


def in_unit(value: float, unit: str) -> str:
    """Write a median in the words of its unit.

    Examples
    --------
    >>> from grc_fast.bench.table import in_unit
    >>> in_unit(0.0264, "s"), in_unit(3.65, "s"), in_unit(2.1e-8, "s/line"), in_unit(7.6e8, "B")
    ('26.4 ms', '3.65 s', '47.6 M lines/s', '0.76 GB')
    """
    if unit == "B":
        return f"{value / 1e9:.2f} GB"
    if unit == "s/line":
        return f"{1e-6 / value:.3g} M lines/s"
    return f"{value:.2f} s" if value >= 1 else f"{value * 1e3:.3g} ms"


def machine_in_words(machine: Mapping[str, Any]) -> str:
    """Say what figures were measured on."""
    memory = machine["memory"]
    held = "" if memory is None else f", {memory / 2**30:.0f} GiB"
    return f"{machine['processor']}, {machine['cores']} cores{held}, {machine['system']}"


def when(run: Mapping[str, Any]) -> str:
    """Say when was measured, and whether in one run: cases may have been put together.

    Examples
    --------
    >>> from grc_fast.bench.table import when
    >>> night = {"begun": "2026-11-22T01:00:00+00:00", "machine": "an example"}
    >>> day = {"begun": "2026-11-22T09:30:00+00:00", "machine": "an example"}
    >>> cases = [{"subject": "facts", "run": night}, {"subject": "scoring", "run": night}]
    >>> when({"cases": cases})
    'Measured in one run, begun on 2026-11-22 at 01:00 UTC'
    >>> when({"cases": [*cases, {"subject": "scoring", "run": day}]})
    'Put together of 2 runs: 2026-11-22 01:00 UTC (facts, scoring), 2026-11-22 09:30 UTC (scoring)'
    """
    subjects: dict[tuple[str, str], list[str]] = {}
    for case in run["cases"]:
        by = case.get("run", run.get("run"))
        if by is None:  # as runs were kept before they said so
            return f"Measured on {run['measured']}"
        subjects.setdefault((by["begun"], by["machine"]), []).append(case["subject"])
    if not subjects:
        return "Nothing was measured"
    machines = {machine for _, machine in subjects}
    if len(subjects) == 1:
        ((begun, _),) = subjects
        return f"Measured in one run, begun on {_minute(begun, ' at ')} UTC"
    said = (
        f"{_minute(begun, ' ')} UTC ({', '.join(dict.fromkeys(names))}"
        f"{f'; {machine}' if len(machines) > 1 else ''})"
        for (begun, machine), names in subjects.items()
    )
    return f"Put together of {len(subjects)} runs: {', '.join(said)}"


def _minute(moment: str, between: str) -> str:
    """Write a moment in ISO 8601 to the minute."""
    return moment[:16].replace("T", between)


def conditions(run: Mapping[str, Any]) -> str:
    """Say in one sentence on what, with what and how often was measured."""
    versions = run["versions"]
    others = [f"{name} {versions[name]}" for name in ("polars", "duckdb", "pandas", "numpy")]
    return (
        f"{machine_in_words(run['machine'])}; "
        f"{run['settings']['threads']} threads, medians of {_rounds(run)} rounds in turn; "
        f"grc-fast {versions['grc-fast']}, {', '.join(others)}, Python {versions['python']}"
    )


def _rounds(run: Mapping[str, Any]) -> str:
    """Say how often the ways ran; memory is looked at once."""
    taken = {len(rounds) for case in run["cases"] for rounds in case["rounds"].values()}
    least, *_, most = sorted(taken - {1} or {run["settings"]["rounds"]}) * 2
    return str(least) if least == most else f"{least} to {most}"


def markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _row(case: Mapping[str, Any], figure: Mapping[str, Any]) -> tuple[str, ...]:
    unit, alone = case["unit"], figure["theirs"] is None
    return (
        case["name"],
        in_unit(figure["ours"], unit),
        _range(figure["our_range"], unit),
        figure["opponent"] or "",
        "" if alone else in_unit(figure["theirs"], unit),
        "" if alone else _range(figure["their_range"], unit),
        *(_limit(figure[key], figure, unit) for key in ("figure", "must", "aim")),
        _goal(figure),
    )


def _range(ends: Sequence[float], unit: str) -> str:
    """Write the least and the most; once, where they are one."""
    least, most = (in_unit(end, unit) for end in ends)
    return least if least == most else f"{least} to {most}"


def _limit(value: float | None, figure: Mapping[str, Any], unit: str) -> str:
    """Write a figure or its bound: a ratio, or a value of ours alone."""
    if value is None:
        return ""
    most = "at most " if figure["bound"] == "at most" and value != figure["figure"] else ""
    if figure["theirs"] is None:
        return most + in_unit(value, unit)
    if value == figure["figure"]:
        return f"{value:.1f}x" if value >= 1 else f"{value:.2f}x"
    return f"{most}{value:g}x"


def _goal(figure: Mapping[str, Any]) -> str:
    if figure["must"] is None and figure["aim"] is None:
        return ""
    if figure["meets_must"] is None and figure["meets_aim"] is None:
        return "at full size only"
    if figure["meets_must"] is False:
        return "below the must" if figure["bound"] == "at least" else "above the must"
    if figure["meets_aim"]:
        return "aim is met"
    if figure["aim"] is None:
        return "must is met"
    return "must is met, aim is not" if figure["meets_must"] else "aim is not met"
