"""Addresses: the one form in which equal ones are equal, and one message for each."""

from __future__ import annotations

from typing import Final

import polars as pl

from grc_fast.plan.reasons import REASON

#: Which column of the offers is the address of a channel.
ADDRESSES: Final = {"email": "email", "newsletter": "email", "sms": "phone", "phone": "phone"}


def address(column: pl.Series, kind: str) -> pl.Series:
    """Return addresses in the one form in which equal ones are equal; null for none.

    Examples
    --------
    >>> import polars as pl
    >>> address(pl.Series(["+33 6 12 34 56 78", "06.12.34.56.78"]), "phone").n_unique()
    1
    """
    text = column.cast(pl.String)
    if kind == "email":
        text = text.str.strip_chars().str.to_lowercase()
    else:
        text = text.str.replace_all(r"\(0\)|[^0-9+]", "").str.replace(r"^(\+|00)33", "0")
        text = text.str.replace(r"^00", "+")
    return pl.select(pl.when(text.str.len_bytes() > 0).then(text)).to_series()


def with_shared_addresses(offers: pl.DataFrame, refusal: pl.Series) -> pl.Series:
    """Of several clients behind one address, leave the one with the largest gain, ties by id."""
    for name in sorted(set(ADDRESSES.values()) & set(offers.columns)):
        channels = [channel for channel, column in ADDRESSES.items() if column == name]
        possible = (
            offers.select("client_id", "gain", address(offers[name], name).alias("address"))
            .with_row_index("row")
            .filter(offers["channel"].is_in(channels) & refusal.is_null())
            .filter(pl.col("address").is_not_null() & pl.col("address").is_duplicated())
        )
        best = (
            possible.sort("gain", "client_id", descending=[True, False])
            .group_by("address", maintain_order=True)
            .agg(pl.col("client_id").first().alias("best"))
        )
        others = possible.join(best, on="address").filter(pl.col("client_id") != pl.col("best"))
        is_other = pl.int_range(offers.height, eager=True).is_in(others["row"].implode())
        told = pl.when(is_other).then(pl.lit("same_address", REASON)).otherwise(refusal)
        refusal = pl.select(told.alias("refusal")).to_series()
    return refusal
