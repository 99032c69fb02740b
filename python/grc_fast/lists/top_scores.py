"""The best clients of a table of scores, as offers: a list without a plan."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from grc_fast._utils.messages import describe, listing, quoted, suggestion
from grc_fast.errors import ColumnError, DataError
from grc_fast.io.small_tables import frame_of

#: How errors name the table.
SCORES: Final = "the table of scores"
_GAIN: Final = "gain of the scores"


def offers_of_scores(scores: Any, by: str, channel: str) -> pl.DataFrame:
    """Make one offer a client, whose gain is its place among all: the best has the largest.

    Clients without a value have the reason `no_score`.

    Raises
    ------
    ColumnError, DataError
        If there is no such column, it has no order, or a client has several rows.
    """
    frame = frame_of(scores, SCORES, ["client_id"])
    if by not in frame.columns:
        raise ColumnError(
            f"{SCORES} has no column {by!r}{suggestion(by, frame.columns)}{listing(frame.columns)}"
        )
    dtype = frame[by].dtype
    if not (dtype.is_numeric() or dtype in (pl.Date, pl.Datetime, pl.Null)):
        raise ColumnError(
            f"{SCORES} has {describe(dtype)} in {by!r}: the best are those of the largest number, "
            "so name a column of numbers"
        )
    frame = frame.filter(pl.col("client_id").is_not_null())
    twice = frame.filter(pl.col("client_id").is_duplicated())["client_id"]
    if len(twice):
        raise DataError(
            f"{SCORES} has client {quoted(str(twice.min()))} in several rows: keep one row of each "
            "client"
        )
    if dtype.is_float():
        frame = frame.with_columns(pl.col(by).fill_nan(None))
    scored = pl.col(by).is_not_null()
    best = frame.sort(by, "client_id", descending=[True, False], nulls_last=True).with_columns(
        scored.alias("chosen"),
        pl.when(scored).then(pl.lit("chosen")).otherwise(pl.lit("no_score")).alias("reason"),
    )
    return best.rename({"gain": _GAIN}, strict=False).with_columns(
        pl.lit(channel).alias("channel"),
        (-pl.int_range(pl.len())).cast(pl.Float64).alias("gain"),
        pl.lit(0.0).alias("cost"),
    )


def with_gain_of_scores(rows: pl.DataFrame) -> pl.DataFrame:
    """Give rows the gain that the scores have, none if they have none, instead of their place."""
    gain = pl.col(_GAIN) if _GAIN in rows.columns else pl.lit(None, pl.Float64)
    return rows.with_columns(gain.alias("gain"))
