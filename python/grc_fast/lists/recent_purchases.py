"""What some clients bought last: their sales, read by the day and the order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from grc_fast.facts.options import SalesReading
from grc_fast.facts.table import CLIENT
from grc_fast.io.ids import ids_as_held
from grc_fast.io.open import open_source
from grc_fast.io.small_tables import days

_SALES: Final = "the sales"
# To these decimals facts round amounts that are floats.
_MONEY_SCALE: Final = 4


def recent_purchases(
    source: Any,
    reading: SalesReading,
    clients: Sequence[int | str],
    as_of: dt.date,
    most: int,
) -> pl.DataFrame:
    """Read the last purchases of some clients.

    Parameters
    ----------
    source, reading
        The sales, and how they are read.
    clients
        The ids of the clients.
    as_of
        The last day that counts.
    most
        How many purchases of each client.

    Returns
    -------
    polars.DataFrame
        `client_id`, `date`, `amount`, `lines`, the latest first within each client. A purchase is
        an order, or a day where the sales have no orders.
    """
    opened = open_source(source, reading.text).open(reading.roles)
    found = [_lines_of(batch, clients) for batch in opened.batches()]
    lines = pl.concat(found, how="vertical_relaxed")
    lines = lines.with_columns(_day(lines, reading).alias("date")).filter(
        pl.col("date") <= as_of, pl.col("amount").is_not_null()
    )
    if reading.returns == "drop":
        lines = lines.filter(pl.col("amount") >= 0)
    orders = [name for name in lines.columns if name.startswith("order_")]
    scale = _MONEY_SCALE if reading.money_scale is None else reading.money_scale
    # Files hold ids as text; callers get them as they gave them.
    lines = lines.with_columns(pl.col(CLIENT).cast(pl.Series(clients).dtype))
    return (
        lines.group_by(CLIENT, "date", *orders)
        .agg(pl.col("amount").cast(pl.Float64).sum().round(scale), pl.len().alias("lines"))
        .sort(CLIENT, "date", *orders, descending=[False, True, *(True for _ in orders)])
        .group_by(CLIENT, maintain_order=True)
        .head(most)
        .select(CLIENT, "date", "amount", "lines")
    )


def _lines_of(batch: pl.DataFrame, clients: Sequence[int | str]) -> pl.DataFrame:
    """Return the lines of some clients that can be used."""
    ids = ids_as_held(clients, batch["client"].dtype)
    lines = batch.filter(
        pl.col("client").is_in(ids.implode()),
        *([pl.col("keep")] if "keep" in batch.columns else []),
    )
    if lines["amount"].dtype.is_float():
        lines = lines.filter(pl.col("amount").is_finite())
    return lines.drop("keep", strict=False).rename({"client": CLIENT})


def _day(lines: pl.DataFrame, reading: SalesReading) -> pl.Expr:
    """Return the days of sales; of zoned times, those in the zone of the reading."""
    dtype = lines["date"].dtype
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return pl.col("date").dt.convert_time_zone(reading.timezone).dt.date()
    return days(lines, "date", _SALES, reading.text)
