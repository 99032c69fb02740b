"""The chart of segments: their shares of clients and of money."""

from __future__ import annotations

from typing import Any

import polars as pl

from grc_fast.io.figure import COLOURS, panels, percents


def segments_figure(sizes: pl.DataFrame, titles: tuple[str, str]) -> Any:
    """Draw the share of clients, and of money where there is some, of each segment."""
    measures = ["share", "money_share"]
    shown = [name for name in measures if sizes[name].null_count() < sizes.height]
    figure, drawn = panels(list(titles[: len(shown)]))
    places = range(sizes.height)
    for panel, name, colour in zip(drawn, shown, COLOURS, strict=False):
        panel.barh(places, sizes[name].fill_null(0).to_list(), color=colour)
        panel.set_yticks(places, sizes["segment"].to_list(), fontsize=8)
        panel.invert_yaxis()
        panel.xaxis.set_major_formatter(percents())
    return figure
