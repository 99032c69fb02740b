"""The axis from conservative to open: new categories, variety of categories and of channels."""

from __future__ import annotations

from typing import Final

import polars as pl

from grc_fast.segmentation.profile.axes import (
    LEAST_EVENTS,
    Axis,
    counts_of,
    percentile,
    reliability_of,
    shrunken_shares,
)

_HALVES: Final = ("whole", "odd", "even")


def openness(counts: pl.DataFrame) -> Axis:
    """Return the axis of clients whose purchases have categories.

    Parameters
    ----------
    counts
        As `Counts.frame` is.

    Returns
    -------
    Axis
        Each of three parts is put on percentiles among the clients with at least five purchases
        after the third, and the value is their mean: the share of those purchases in a category
        that the client had never bought before; the entropy of the categories over purchases; that
        of the channels. Of who has no channel, the mean of two.
    """
    news = counts_of(counts, "open")
    is_known = news["events"] >= LEAST_EVENTS
    parts = pl.concat([shrunken_shares(news), counts], how="horizontal")
    values = pl.DataFrame(
        {
            half: pl.DataFrame(
                percentile(parts[part].set(~is_known, None))
                for part in (half, f"categories_{half}", f"channels_{half}")
            ).mean_horizontal()
            for half in _HALVES
        }
    )
    return Axis(values["whole"], counts["open_events"], reliability_of(values.filter(is_known)))
