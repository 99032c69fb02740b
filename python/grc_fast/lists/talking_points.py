"""What to say to a client: the last purchases, the segment, the phase, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from grc_fast.facts.options import SalesReading
from grc_fast.facts.table import CLIENT
from grc_fast.io.ids import same_ids, with_common_ids
from grc_fast.io.small_tables import frame_of
from grc_fast.labels.catalogue import section
from grc_fast.labels.written import day, money
from grc_fast.lists.recent_purchases import recent_purchases

#: What lists for sellers say of a client, in this order.
TALKING_POINTS: Final = ("last_purchases", "segment", "phase", "why")
_LAST_PURCHASES: Final = 3
_SCORES: Final = "the table of scores"
_LISTED: Final = "the list"
# Columns of scores that say why, whose captions are those of tables.
_REASONS: Final = ("recency", "frequency", "monetary", "r", "f", "m", "points", "group")


def with_talking_points(
    rows: pl.DataFrame, scores: Sequence[Any], sales: Any, as_of: dt.date, lang: str
) -> pl.DataFrame:
    """Add what to say to the clients of a list.

    Parameters
    ----------
    rows
        The list, with `client_id`.
    scores
        Tables of `score`, `behaviour`, `combine`, or their files: the segment, the phase, and why.
    sales
        Sales with `client_id`, `date` and `amount`, of which the last purchases are told; None
        where there are none.
    as_of
        The last day of purchases that are told.
    lang
        The language.

    Returns
    -------
    polars.DataFrame
        The rows with those of `last_purchases`, `segment`, `phase` and `why` that are known.
    """
    if sales is not None and rows.height:
        rows = _joined(
            rows, _last_purchases(sales, rows[CLIENT].to_list(), as_of, lang), "the sales"
        )
    for table in scores:
        rows = _joined(rows, _points_of(frame_of(table, _SCORES, [CLIENT]), lang), _SCORES)
    return rows


def _joined(rows: pl.DataFrame, points: pl.DataFrame, what: str) -> pl.DataFrame:
    """Join points to clients; of two tables that say the same, the first is heard."""
    rows, points = with_common_ids(rows, points)
    met = same_ids(CLIENT, {_LISTED: rows, what: points.unique(CLIENT, keep="first")})
    new = [name for name in points.columns if name not in rows.columns]
    return met[_LISTED].join(
        met[what].select(CLIENT, *new), on=CLIENT, how="left", maintain_order="left"
    )


def _last_purchases(
    sales: Any, clients: list[int | str], as_of: dt.date, lang: str
) -> pl.DataFrame:
    bought = recent_purchases(sales, SalesReading(), clients, as_of, _LAST_PURCHASES)
    told = [
        f"{day(date, lang)}{' ' if lang == 'fr' else ''}: {money(amount, lang)}"
        for date, amount in bought.select("date", "amount").iter_rows()
    ]
    return (
        bought.select(CLIENT, pl.Series("last_purchases", told, dtype=pl.String))
        .group_by(CLIENT, maintain_order=True)
        .agg(pl.col("last_purchases").str.join("; "))
    )


def _points_of(scores: pl.DataFrame, lang: str) -> pl.DataFrame:
    """Take segment, phase and reasons out of a table of scores."""
    columns = [CLIENT]
    captions = section("column", lang)
    phases = section("phase", lang)
    told: list[pl.Expr] = []
    if "segment" in scores.columns:
        told.append(pl.col("segment").cast(pl.String))
    if "phase" in scores.columns:
        told.append(pl.col("phase").cast(pl.String).replace(phases))
    reasons = [name for name in _REASONS if name in scores.columns]
    if reasons:
        told.append(_why(scores.select(reasons), captions, lang))
    return scores.select(*columns, *told)


def _why(scores: pl.DataFrame, captions: dict[str, str], lang: str) -> pl.Expr:
    """Name the figures of each client, in a row."""
    space = " " if lang == "fr" else ""
    parts = []
    for name in scores.columns:
        dtype = scores[name].dtype
        whole = dtype.is_integer() or not dtype.is_numeric()
        value = pl.col(name) if whole else pl.col(name).cast(pl.Float64).round(2)
        written = value.cast(pl.String)
        if lang == "fr":
            written = written.str.replace(".", ",", literal=True)
        parts.append(pl.format("{}{}: {}", pl.lit(captions[name]), pl.lit(space), written))
    return pl.concat_str(parts, separator="; ", ignore_nulls=True).alias("why")
