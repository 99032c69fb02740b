"""The chart of a response report: rates by group, and gains by depth."""

from __future__ import annotations

from typing import Any

import polars as pl

from grc_fast.io.figure import COLOURS, diagonal, panels, percents, share_curve


def response_figure(
    rates_by: pl.DataFrame,
    depth: pl.DataFrame,
    *,
    kind: str,
    whole: float,
    break_even: float | None,
) -> Any:
    """Draw the response rates of a level, or what contacts add, and the gains curve.

    Parameters
    ----------
    rates_by
        The rates by group, segment or cell.
    depth
        The gains, cumulative from the best place down.
    kind
        ``"incremental"``, or what the rates are.
    whole
        The rate over all.
    break_even
        The rate at which a contact pays for itself, if it is known.
    """
    added, level = kind == "incremental", rates_by.columns[0]
    titles = (
        [f"What contacts add, by {level} (incremental)", "Added responses, by the first contacts"]
        if added
        else [f"Response by {level} ({kind})", "Responses caught by the first contacts"]
    )
    # Where nobody answered, or contacts add nothing in all, there are no gains to share out.
    curve = depth["caught"].null_count() == 0
    figure, (rates, *rest) = panels(titles if curve else titles[:1])
    middle, low, high = (
        ("incremental", "incremental_low", "incremental_high")
        if added
        else ("shrunk", "low", "high")
    )
    groups, places = rates_by[level], list(range(rates_by.height))
    below = (rates_by[middle] - rates_by[low]).clip(0).to_list()
    above = (rates_by[high] - rates_by[middle]).clip(0).to_list()
    rates.errorbar(
        places,
        rates_by[middle].to_list(),
        yerr=[below, above],
        fmt="o",
        color=COLOURS[0],
        capsize=3,
    )
    rates.set_xticks(places, [str(group) for group in groups], fontsize=8)
    rates.axhline(whole, color=COLOURS[3], linewidth=1, label=f"all, {whole:.2%}")
    if break_even is not None:
        label = f"break-even, {break_even:.2%}"
        rates.axhline(break_even, color=COLOURS[1], linewidth=1, label=label)
    if not added:
        rates.set_ylim(bottom=0)
    rates.yaxis.set_major_formatter(percents())
    rates.set_xlabel(level)
    rates.set_ylabel("added response rate" if added else "response rate")
    rates.legend(frameon=False)
    for gains in rest:
        label = "by incremental rate" if added else "by shrunk rate"
        caught = [0.0, *depth["caught"]]
        share_curve(gains, [0.0, *depth["share"]], caught, label, COLOURS[0])
        what = "share of added responses" if added else "share of responses"
        diagonal(gains, "share of contacts", what, top=max([1.0, *depth["caught"].drop_nulls()]))
    return figure
