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
    "in_ratio",
    "in_unit",
    "machine_in_words",
]

HEADINGS: Final = (
    "subject",
    "grc_fast",
    "least to most",
    "best of the others",
    "theirs",
    "their least to most",
    "ratio",
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
    ...     "their_range": [0.9, 1.1], "ratio": 4.0,
    ... }
    >>> case = {"name": "facts", "unit": "s", "figures": [figure]}
    >>> (row,) = figure_rows({"cases": [case]})
    >>> row
    ('facts', '250 ms', '240 ms to 270 ms', 'Polars', '1.00 s', '900 ms to 1.10 s', '4.0x')
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


def in_ratio(ratio: float) -> str:
    """Write how many times better we are; two decimals where we are worse."""
    return f"{ratio:.1f}x" if ratio >= 1 else f"{ratio:.2f}x"


def machine_in_words(machine: Mapping[str, Any]) -> str:
    """Say what figures were measured on."""
    memory = machine["memory"]
    held = "" if memory is None else f", {memory / 2**30:.0f} GiB"
    return f"{machine['processor']}, {machine['cores']} cores{held}, {machine['system']}"


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


def _row(case: Mapping[str, Any], figure: Mapping[str, Any]) -> tuple[str, ...]:
    unit = case["unit"]
    return (
        case["name"],
        in_unit(figure["ours"], unit),
        _range(figure["our_range"], unit),
        figure["opponent"],
        in_unit(figure["theirs"], unit),
        _range(figure["their_range"], unit),
        in_ratio(figure["ratio"]),
    )


def _range(ends: Sequence[float], unit: str) -> str:
    """Write the least and the most; once, where they are one."""
    least, most = (in_unit(end, unit) for end in ends)
    return least if least == most else f"{least} to {most}"
