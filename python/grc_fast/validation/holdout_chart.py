"""The chart of a holdout report: what was expected and what came, and gains."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import polars as pl

from grc_fast.io.figure import COLOURS, diagonal, panels, share_curve
from grc_fast.validation.gains import SCORES, Ranking


def holdout_figure(
    deciles: pl.DataFrame, rankings: Mapping[str, Ranking], *, first: dt.date, last: dt.date
) -> Any:
    """Draw what was expected and what came by decile from a first to a last day, and the gains."""
    figure, (bars, gains) = panels(
        [
            f"Money by decile, {first} to {last}",
            "Money caught by the first clients",
        ]
    )
    for shift, (name, label) in enumerate((("expected_money", "expected"), ("money", "came"))):
        places = [decile + 0.4 * (shift - 0.5) for decile in deciles["decile"]]
        bars.bar(places, deciles[name].to_list(), 0.38, label=label, color=COLOURS[shift])
    bars.set_xticks(deciles["decile"].to_list())
    bars.set_xlabel("decile of expected gain, 1 = best")
    bars.set_ylabel("money")
    bars.legend(frameon=False)
    for (name, ranking), colour in zip(rankings.items(), COLOURS, strict=False):
        label = f"{SCORES[name]} (Gini {ranking.gini:.3f})"
        share_curve(gains, ranking.curve["clients"], ranking.curve["outcome"], label, colour)
    diagonal(gains, "share of clients", "share of money")
    return figure
