"""The orders of each client in the order of time: what was bought, where, and on promotion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from grc_fast.facts.options import SalesReading
from grc_fast.facts.table import CLIENT
from grc_fast.io.open import open_source
from grc_fast.segmentation.profile.roles import LABELS, PROMO, ProfileRoles
from grc_fast.segmentation.profile.rows import RowCount, with_client_and_instant

# The row of a line that is an order of its own, counted from 1; 0 for those of orders.
_ROW: Final = "row"


@dataclass(frozen=True)
class Orders:
    """The orders that sales hold.

    Attributes
    ----------
    orders
        One row an order: `client_id`, `instant` (µs, of its first line), `channel` (UInt32, the
        number of its name) and `promo` (whether every line was on promotion), each client's in the
        order of time.
    purchases
        One row for each category of an order: `client_id`, `category` (UInt32, the number of its
        name) and `place`, that of the order among the client's orders that have one, from 1.
    roles
        Which of category, channel and promo the sales have.
    rows
        The account of the lines.
    plain_integer_ids
        Whether text ids become integers where every one is one.
    """

    orders: pl.DataFrame
    purchases: pl.DataFrame
    roles: frozenset[str]
    rows: RowCount
    plain_integer_ids: bool


def read_orders(source: object, roles: ProfileRoles, reading: SalesReading) -> Orders:
    """Read sales, and join the lines of each order.

    Parameters
    ----------
    source
        As for `facts`.
    roles
        The columns.
    reading
        How it is read; its own roles do not matter.

    Raises
    ------
    SourceError, ColumnError, DataError, OptionError
        If they cannot be read.
    """
    read = open_source(source, reading.text)
    opened = read.open(roles)
    rows, found, parts = RowCount("sales"), set[str](), []
    for batch in opened.batches():
        found.update({*LABELS, PROMO} & set(batch.columns))
        before = rows.read
        numbered = batch.with_row_index(_ROW)
        used = _used(with_client_and_instant(numbered, "date", opened, reading.timezone), rows)
        parts.append(_lines(used, before, len(roles.orders)))
        if reading.progress is not None:
            reading.progress(rows.read)
    read.check_rows(rows.read)
    lines = pl.concat(parts, how="vertical_relaxed")
    lines = lines.with_columns(_numbered(lines[label]) for label in LABELS)
    orders, purchases = _in_time(lines, len(roles.orders))
    return Orders(orders, purchases, frozenset(found), rows, opened.plain_integer_ids)


def _used(batch: pl.DataFrame, rows: RowCount) -> pl.DataFrame:
    """Leave out what is no purchase: rows without a client, a day or an amount, and returns."""
    amount = pl.col("amount")
    no_amount = amount.is_null()
    if batch["amount"].dtype.is_float():
        no_amount |= ~amount.is_finite()
    where = {"where": ~pl.col("keep").fill_null(value=False)} if "keep" in batch.columns else {}
    return rows.drop(
        batch,
        where
        | {
            "without a client": pl.col(CLIENT).is_null(),
            "without a date": pl.col("instant").is_null(),
            "without an amount": no_amount,
            "returns": amount < 0,
        },
    )


def _lines(batch: pl.DataFrame, before: int, orders: int) -> pl.DataFrame:
    """Take what is needed of a batch, under the same names and types as of every other."""
    keys = _order_columns(orders)
    is_own = (
        pl.any_horizontal(pl.col(key).is_null() for key in keys) if keys else pl.lit(value=True)
    )
    own = pl.when(is_own).then(pl.col(_ROW).cast(pl.Int64) + before + 1).otherwise(0)
    known = {
        role: pl.col(role) if role in batch.columns else pl.lit(None) for role in (*LABELS, PROMO)
    }
    return batch.select(
        CLIENT,
        "instant",
        *keys,
        own.alias(_ROW),
        *(known[label].cast(pl.String).cast(pl.Categorical).alias(label) for label in LABELS),
        known[PROMO].cast(pl.Boolean).fill_null(value=False).cast(pl.UInt8).alias(PROMO),
    )


def _order_columns(orders: int) -> list[str]:
    return [f"order_{position}" for position in range(orders)]


def _numbered(labels: pl.Series) -> pl.Series:
    """Give names their numbers in the order of the alphabet, whatever the order of the rows."""
    names = labels.unique().drop_nulls().cast(pl.String).sort()
    return labels.cast(pl.Enum(names)).to_physical().cast(pl.UInt32)


def _in_time(lines: pl.DataFrame, orders: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Join the lines of each order, and put the orders of each client in the order of time.

    Orders of one instant come by their ids, and those without an id by what they hold, so that
    the order of the rows does not matter.
    """
    keys = [*_order_columns(orders), _ROW]
    purchases = lines
    of_orders = lines.with_columns(least="category")
    if orders:
        purchases = lines.select(CLIENT, *keys, "category").unique()
        least = pl.col("instant", "channel", PROMO).min()
        of_orders = lines.group_by(CLIENT, *keys).agg(least, least=pl.col("category").min())
    of_orders = of_orders.sort(CLIENT, "instant", *keys[:-1], "least", "channel", PROMO)
    placed = of_orders.drop_nulls("least").select(CLIENT, *keys, place=places())
    # Lines that are orders of their own have nulls in an order column, and a row.
    together = placed.join(purchases, on=[CLIENT, *keys], nulls_equal=True)
    purchases = together.drop_nulls("category")
    return (
        of_orders.select(CLIENT, "instant", "channel", pl.col(PROMO) == 1),
        purchases.select(CLIENT, "category", "place"),
    )


def places() -> pl.Expr:
    """Return the place of each row among those of its client, from 1; clients stand together."""
    row = pl.int_range(pl.len())
    is_first = pl.col(CLIENT).ne_missing(pl.col(CLIENT).shift(1))
    return row - pl.when(is_first).then(row).forward_fill() + 1
