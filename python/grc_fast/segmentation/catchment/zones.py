"""Zones around stores: the smallest discs whose clients bring given shares of the money."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from grc_fast._utils.checks import whole
from grc_fast.errors import OptionError

#: Outside of every zone.
OUTSIDE = 0
MOST_ZONES = 3
# More millimetres than there are between two places.
_BEYOND_EARTH = 2**35


def check_zones(shares: object) -> tuple[int, ...]:
    """Return the shares of zones, in per cent.

    Raises
    ------
    OptionError
        If they are not one to three ascending whole numbers from 1 to 100.

    Examples
    --------
    >>> check_zones([60, 80, 95])
    (60, 80, 95)
    """
    if isinstance(shares, str) or not isinstance(shares, Sequence):
        raise OptionError(f"zones must be shares such as (60, 80, 95), not {shares!r}")
    found = tuple(whole("a zone", share, least=1, most=100) for share in shares)
    if not 1 <= len(found) <= MOST_ZONES or list(found) != sorted(set(found)):
        raise OptionError(
            f"zones must be one to {MOST_ZONES} ascending shares in per cent, such as 60,80,95, "
            f"and {','.join(map(str, found)) or 'none'} are not"
        )
    return found


def zone_radii(places: pl.DataFrame, shares: Sequence[int], stores: int) -> list[pl.Series]:
    """Return the radius of each zone of each store.

    Parameters
    ----------
    places
        `store` (position), `distance` (millimetres) and `weight` (integers): the money of the
        clients of a place, or their number.
    shares
        The shares of the store's weight that the zones reach, in per cent.
    stores
        How many stores there are.

    Returns
    -------
    list of polars.Series
        For each share the radii of all stores (Int64, millimetres): the least distance up to which
        the clients bring that share; null for a store whose clients bring nothing.
    """
    # One integer sorts several times as fast as two columns; no distance has so many millimetres.
    key = pl.col("store").cast(pl.UInt64) * _BEYOND_EARTH + pl.col("distance").cast(pl.UInt64)
    every = pl.LazyFrame({"store": pl.int_range(stores, dtype=pl.UInt32, eager=True)})
    weight = pl.col("weight").cast(pl.Int128)
    sums = places.lazy().group_by("store").agg(weight.sum())
    of_store = every.join(sums, on="store", how="left", maintain_order="left").collect()
    totals = of_store["weight"].fill_null(0)
    total = pl.lit(totals).gather(pl.col("store"))
    before = pl.lit(totals.cum_sum() - totals).gather(pl.col("store"))
    # Places that are as far away are in the same zone.
    is_last_of_ring = pl.col("key").ne_missing(pl.col("key").shift(-1))
    rings = (
        places.lazy()
        .select(weight, key=key)
        .sort("key")
        .with_columns(so_far=pl.col("weight").cum_sum(), is_last=is_last_of_ring)
        .filter("is_last")
        .select(
            "so_far",
            store=(pl.col("key") // _BEYOND_EARTH).cast(pl.UInt32),
            distance=(pl.col("key") % _BEYOND_EARTH).cast(pl.Int64),
        )
        .select("store", "distance", so_far=pl.col("so_far") - before, total=total)
        .filter(pl.col("total") > 0)
        .group_by("store")
        .agg(
            pl.col("distance")
            .filter(pl.col("so_far") * 100 >= pl.col("total") * share)
            .min()
            .alias(str(share))
            for share in shares
        )
    )
    radii = every.join(rings, on="store", how="left", maintain_order="left").collect()
    return [radii[str(share)] for share in shares]


def zone_of(store: pl.Series, distance: pl.Series, radii: Sequence[pl.Series]) -> pl.Series:
    """Return the innermost zone that each place lies in (UInt8), `OUTSIDE` for none."""
    zone = pl.lit(OUTSIDE, pl.UInt8)
    for number, radius in reversed(list(enumerate(radii, start=1))):
        is_within = distance <= radius.gather(store)
        zone = pl.when(is_within).then(pl.lit(number, pl.UInt8)).otherwise(zone)
    return pl.select(zone.alias("zone")).to_series()
