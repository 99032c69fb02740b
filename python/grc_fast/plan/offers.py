"""Tables of offers: what each contact of a client through a channel would earn and cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from grc_fast._core import ContactOffers
from grc_fast._utils.messages import quoted
from grc_fast.errors import DataError
from grc_fast.io.small_tables import money
from grc_fast.plan.tables import table_of

#: How errors name the table.
OFFERS: Final = "the table of offers"
#: Columns that every table of offers has.
COLUMNS: Final = ("client_id", "channel", "gain", "cost")
_MONEY: Final = ("gain", "cost")
_MOST_CHANNELS: Final = 255
PRESSURE: Final = "pressure_cost"


@dataclass(frozen=True)
class SortedOffers:
    """Offers by household, client and channel, as every order of their rows gives them.

    Attributes
    ----------
    frame
        The offers, with the columns of their table, and `refusal` for those that may not be made.
    kernel
        Those that may be made, for the kernel.
    channels
        The channels, ascending by name.
    """

    frame: pl.DataFrame
    kernel: ContactOffers
    channels: tuple[str, ...]


def checked_offers(offers: Any) -> pl.DataFrame:
    """Read a table of offers, and check it.

    Parameters
    ----------
    offers
        A table of offers, or the path of its file.

    Raises
    ------
    SourceError, ColumnError, DataError
        If the table cannot be read, or holds no offers: the sentence says where.
    """
    return _checked(table_of(offers, OFFERS, COLUMNS))


def sorted_offers(
    frame: pl.DataFrame, further_channels: tuple[str, ...] = (), threads: int | None = None
) -> SortedOffers:
    """Sort offers that are checked, and hand the kernel those that may be made.

    Parameters
    ----------
    frame
        The offers; where there is a column `refusal`, those with one may not be made.
    further_channels
        Channels to know of beside those of the offers.
    threads
        Threads of the kernel.

    Raises
    ------
    DataError
        If there are too many channels, or a client is of several households.
    """
    found = frame["channel"].unique().to_list()
    channels = tuple(sorted({*found, *further_channels}))
    if len(channels) > _MOST_CHANNELS:
        raise DataError(
            f"{OFFERS} has {len(channels):,} channels, and a plan takes up to {_MOST_CHANNELS}: is "
            "'channel' the right column?"
        )
    if "refusal" not in frame.columns:
        frame = frame.with_columns(pl.lit(None, pl.String).alias("refusal"))
    frame = _with_household_first(frame)
    frame = frame.sort("first of household", *_order(frame), nulls_last=True)
    possible = frame.filter(pl.col("refusal").is_null())
    kernel = ContactOffers(
        possible["first of household"].rle_id(),
        possible["client_id"].rle_id(),
        possible["channel"].cast(pl.Enum(channels)).to_physical().cast(pl.UInt8),
        possible["gain"],
        possible["cost"],
        possible[PRESSURE] if PRESSURE in frame.columns else None,
        channels=channels,
        threads=threads,
    )
    return SortedOffers(frame.drop("first of household"), kernel, channels)


def _checked(frame: pl.DataFrame) -> pl.DataFrame:
    """Refuse what is no offer, and give the columns that count their types."""
    priced = [*_MONEY, *([PRESSURE] if PRESSURE in frame.columns else [])]
    frame = frame.with_columns(money(frame, name, OFFERS) for name in priced)
    for name in (*COLUMNS, *priced):
        if nulls := frame[name].null_count():
            row = frame[name].is_null().arg_max()
            raise DataError(
                f"{OFFERS} has {nulls:,} rows without {name!r}, the first in row "
                f"{1 + (row or 0):,}: an offer has a client_id, a channel, a gain and a cost"
            )
    for name in priced[1:]:
        below = frame.filter(pl.col(name) < 0)
        if not below.is_empty():
            raise DataError(
                f"{OFFERS} has {below.height:,} offers with a {name!r} below 0, such as "
                f"{below[name][0]:g} of client {quoted(str(below['client_id'][0]))}: write costs "
                "as numbers from 0"
            )
    return frame.with_columns(pl.col("channel").cast(pl.String))


def _with_household_first(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the first client of each client's household, the client itself where it has none."""
    client = pl.col("client_id")
    if "household" not in frame.columns:
        return frame.with_columns(client.alias("first of household"))
    household = pl.col("household")
    torn = (
        frame.group_by("client_id")
        .agg(household.n_unique().alias("households"))
        .filter(pl.col("households") > 1)
    )
    if not torn.is_empty():
        raise DataError(
            f"{OFFERS} has {torn.height:,} clients of several households, such as client "
            f"{quoted(str(torn['client_id'].min()))}: give each client one, in all of its offers"
        )
    first = pl.when(household.is_null()).then(client).otherwise(client.min().over("household"))
    return frame.with_columns(first.alias("first of household"))


def _order(frame: pl.DataFrame) -> list[str]:
    """List the columns by which offers are sorted: all that can be, so that ties are equal rows."""
    first = ["client_id", "channel", *(["offer"] if "offer" in frame.columns else [])]
    rest = [
        name
        for name, dtype in frame.schema.items()
        if name not in {*first, "first of household"}
        and not (dtype.is_nested() or dtype == pl.Object)
    ]
    return [*first, *rest]
