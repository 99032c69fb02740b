"""The chart of a sweep: value and marginal return by budget."""

from __future__ import annotations

from typing import Any

import polars as pl

from grc_fast.io.figure import COLOURS, panels


def sweep_figure(table: pl.DataFrame) -> Any:
    """Draw what plans are worth, and what one more of budget earns, by budget."""
    figure, (value, marginal) = panels(["Value of the plan", "What one more of budget earns"])
    budgets = table["budget"].to_list()
    value.plot(budgets, table["value"].to_list(), color=COLOURS[0], marker="o", markersize=3)
    marginal.plot(
        budgets, table["marginal_return"].to_list(), color=COLOURS[1], marker="o", markersize=3
    )
    for panel in (value, marginal):
        panel.set_xlabel("budget")
        panel.set_ylim(bottom=min(0.0, panel.get_ylim()[0]))
    value.set_ylabel("value after cost")
    marginal.set_ylabel("gain after cost")
    return figure
