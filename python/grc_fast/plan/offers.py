"""Tables of offers: what each contact of a client through a channel would earn and cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from grc_fast._core import ContactOffers, order_of_offers
from grc_fast._utils.messages import quoted
from grc_fast.errors import DataError
from grc_fast.io.small_tables import frame_of, money
from grc_fast.plan.tables import table_of

#: How errors name the table.
OFFERS: Final = "the table of offers"
#: Columns that every table of offers has.
COLUMNS: Final = ("client_id", "channel", "gain", "cost")
_MONEY: Final = ("gain", "cost")
_MOST_CHANNELS: Final = 255
PRESSURE: Final = "pressure_cost"
#: Why an offer may not be made; null where it may.
REFUSAL: Final = "refusal"
#: What offers have instead of a client where a channel reaches nobody by name.
ZONE: Final = "zone"


@dataclass(frozen=True)
class SortedOffers:
    """Offers, and the order in which plans have them, which that of their rows does not change.

    Attributes
    ----------
    frame
        The offers as they came, with the columns of their table, and where some may not be made,
        `refusal`.
    order
        The rows of all offers by household, client and channel.
    possible
        The rows of those that may be made, in that order.
    kernel
        These, for the kernel.
    channels
        The channels that plans know of, ascending by name.
    offered
        Those of which there are offers.
    """

    frame: pl.DataFrame
    order: pl.Series
    possible: pl.Series
    kernel: ContactOffers
    channels: tuple[str, ...]
    offered: tuple[str, ...]


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
    frame = table_of(offers, OFFERS, COLUMNS[1:])
    if ZONE in frame.columns and "client_id" not in frame.columns:
        frame = frame.select(pl.lit(None, pl.Int64).alias("client_id"), pl.all())
    return _checked(frame_of(frame, OFFERS, COLUMNS))


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
    offered = tuple(sorted(frame["channel"].unique()))
    channels = tuple(sorted({*offered, *further_channels}))
    if len(channels) > _MOST_CHANNELS:
        raise DataError(
            f"{OFFERS} has {len(channels):,} channels, and a plan takes up to {_MOST_CHANNELS}: is "
            "'channel' the right column?"
        )
    client, household = _numbered_clients(frame)
    channel = frame["channel"].cast(pl.Enum(channels)).to_physical().cast(pl.UInt8)
    order = _order(frame, client, channel)
    possible = order
    if REFUSAL in frame.columns:
        possible = order.filter(frame[REFUSAL].is_null().gather(order))
    kernel = ContactOffers(
        possible,
        client,
        household,
        channel,
        frame["gain"],
        frame["cost"],
        frame[PRESSURE] if PRESSURE in frame.columns else None,
        channels=channels,
        threads=threads,
    )
    return SortedOffers(frame, order, possible, kernel, channels, offered)


def _checked(frame: pl.DataFrame) -> pl.DataFrame:
    """Refuse what is no offer, and give the columns that count their types."""
    if REFUSAL in frame.columns:
        raise DataError(
            f"{OFFERS} has a column {REFUSAL!r}, which says in plans why an offer may not be made: "
            "give it another name"
        )
    priced = [*_MONEY, *([PRESSURE] if PRESSURE in frame.columns else [])]
    frame = frame.with_columns(money(frame, name, OFFERS) for name in priced)
    for name in (*COLUMNS, *priced):
        missing = frame[name].is_null()
        if name == "client_id" and ZONE in frame.columns:
            missing &= frame[ZONE].is_null()
        if missing.any():
            raise DataError(
                f"{OFFERS} has {missing.sum():,} rows without {name!r}, the first in row "
                f"{1 + (missing.arg_max() or 0):,}: an offer has a client_id (or a zone, where a "
                "channel reaches nobody by name), a channel, a gain and a cost"
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


def _numbered_clients(frame: pl.DataFrame) -> tuple[pl.Series, pl.Series | None]:
    """Give each client and zone a number, and a household where there are any.

    Numbers ascend by household, which stands where its first client does, and by id; zones come
    last.
    """
    client = _ranks(frame["client_id"])
    by_zone = frame["client_id"].is_null()
    if by_zone.any():
        zones = client.drop_nulls().n_unique() + _ranks(frame[ZONE].filter(by_zone))
        client = client.scatter(by_zone.arg_true(), zones)
    if "household" not in frame.columns:
        return client, None
    household = frame["household"].set(by_zone, None)
    clients = pl.DataFrame({"client": client, "household": household}).unique()
    torn = clients.filter(pl.col("client").is_duplicated())["client"]
    if len(torn):
        example = frame["client_id"].filter(client == torn.min())[0]
        raise DataError(
            f"{OFFERS} has {torn.n_unique():,} clients of several households, such as client "
            f"{quoted(str(example))}: give each client one, in all of its offers"
        )
    number, known = pl.col("client"), pl.col("household").is_not_null()
    first = pl.when(known).then(number.min().over("household")).otherwise(number)
    clients = clients.with_columns(first.alias("first")).sort("first", "client")
    return clients["client"].arg_sort().cast(pl.UInt32).gather(client), clients["first"].rle_id()


def _ranks(values: pl.Series) -> pl.Series:
    """Return the place of each value among the distinct ones, from 0; null for null."""
    if not values.null_count() and values.is_sorted():
        return values.rle_id()
    return values.rank("dense").cast(pl.UInt32) - 1


def _order(frame: pl.DataFrame, client: pl.Series, channel: pl.Series) -> pl.Series:
    """Sort rows by client and channel, and alternatives by all that can be compared.

    So ties are equal rows, in whatever order they come.
    """
    order, tied = (pl.Series(found) for found in order_of_offers(client, channel))
    if len(tied):
        rows = order.gather(tied)
        first = ["offer"] if "offer" in frame.columns else []
        rest = [
            name
            for name, dtype in frame.schema.items()
            if name not in {"client_id", "channel", *first}
            and not (dtype.is_nested() or dtype == pl.Object)
        ]
        by = [client, channel, *(frame[name] for name in (*first, *rest))]
        keys = pl.DataFrame([key.gather(rows).alias(str(n)) for n, key in enumerate(by)])
        places = keys.select(pl.arg_sort_by(keys.columns, nulls_last=True)).to_series()
        order = order.scatter(tied, rows.gather(places))
    return order
