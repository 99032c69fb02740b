"""The catchment of stores, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import polars as pl

from grc_fast._typing import Lang
from grc_fast._utils.checks import check_threads, column
from grc_fast._utils.panics import panics_as_errors
from grc_fast._utils.processes import check_process
from grc_fast.errors import DataError
from grc_fast.facts.exact_money import exact_units, money_of
from grc_fast.facts.table import CLIENT
from grc_fast.io.text_options import DETECTED, TextOptions
from grc_fast.labels.catalogue import section
from grc_fast.labels.catalogue import text as label
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase
from grc_fast.labels.written_frame import written_frame
from grc_fast.report.report_file import Drawn
from grc_fast.segmentation.catchment.nearest_store import (
    DECIMALS_OF_KM,
    MILLIMETRES,
    nearest_stores,
)
from grc_fast.segmentation.catchment.places import (
    HOUSEHOLDS,
    LATITUDE,
    LONGITUDE,
    STORE,
    check_distinct,
    located,
    number_column,
    read_places,
    read_postcodes,
    some_of,
)
from grc_fast.segmentation.catchment.zones import OUTSIDE, check_zones, zone_of, zone_radii

ZONES: Final = (60, 80, 95)
_PLACE: Final = (LATITUDE, LONGITUDE)
# Where most clients are farther than this from any store, in km, coordinates may be swapped: they
# seem to be if clients are that many times as near once latitude and longitude change places.
_FAR: Final = 500
_NEARER: Final = 10
_SAMPLE: Final = 1_000


@dataclass(frozen=True, eq=False)
class Catchment(Drawn):
    """Which store each client is nearest to, and what its zones hold.

    Attributes
    ----------
    clients
        One row a client, ascending by `client_id`: `store_id`, `distance_km` (Float64, as the crow
        flies, to the millimetre) and `zone` (UInt8, 1 innermost, null outside of all). A client of
        whom nothing says where they live has nulls.
    by_zone
        For each store with a place of its own, a row for each zone and one with a null zone for
        clients outside: `store_id`, `zone`, `clients` (UInt32), `money` (Float64, or Decimal if the
        money is; null without a column of it) and `share` of the store's money, or of its clients
        without money. Where households are known, `households` (Float64) and `penetration`, clients
        by household. Clients without a place come last, under a null store.
    shares
        What share of a store's money each zone reaches, in per cent.
    notes
        How it was computed, and who is left out.
    warnings
        What looks wrong in the data.
    """

    clients: pl.DataFrame
    by_zone: pl.DataFrame
    shares: tuple[int, ...]
    notes: tuple[Wording, ...]
    warnings: tuple[Wording, ...]

    @property
    def zones(self) -> pl.DataFrame:
        """The zones of all stores together: `zone`, `clients`, `share` of clients, `money`.

        A null zone is that of clients outside of all, or without a place.
        """
        check_process()
        sums = self.by_zone.group_by("zone").agg(
            pl.col("clients").sum(), pl.col("money").sum() if self._has_money else pl.first("money")
        )
        share = pl.col("clients") / max(self.clients.height, 1)
        table = sums.sort("zone", nulls_last=True)
        return table.select("zone", "clients", "money", share=share).select(
            "zone", "clients", "share", "money"
        )

    @property
    def _has_money(self) -> bool:
        return self.by_zone["money"].null_count() < self.by_zone.height

    def to_dict(self) -> dict[str, Any]:
        """Return the zones in types that JSON knows."""
        rows = self.by_zone.with_columns(pl.col("money").cast(pl.Float64)).to_dicts()
        return {
            "zones": list(self.shares),
            "by_zone": rows,
            "notes": list(self.notes),
            "warnings": list(self.warnings),
        }

    def named_zones(self, lang: Lang = "en") -> pl.DataFrame:
        """Return the zones of all stores together, by their names in a language."""
        words = section("zone", lang)
        zone = pl.col("zone").cast(pl.String).replace(words).fill_null(words["outside"])
        return self.zones.with_columns(zone)

    def _chart(self, lang: Lang) -> Any:
        from grc_fast.report.charts.shares import shares_chart

        zones = self.named_zones(lang)
        shares = {label("table.share", lang): zones["share"]}
        if self._has_money:
            money = zones["money"].cast(pl.Float64)
            shares[label("table.money_share", lang)] = money / (money.sum() or 1.0)
        return shares_chart(zones["zone"], shares)

    def _repr_html_(self) -> str:
        return written_frame(self.named_zones(), self.lang).html()


@panics_as_errors()
def catchment(
    clients: object,
    stores: object,
    *,
    postcodes: object = None,
    money: str | None = None,
    zones: Sequence[int] = ZONES,
    threads: int | None = None,
) -> Catchment:
    """Find the store that each client is nearest to, and the zones of each store.

    Parameters
    ----------
    clients
        A table or its file, one row a client: `client_id`, and `latitude` and `longitude` in
        degrees, or `postcode`.
    stores
        A table or its file, one row a store: `store_id`, and its place likewise.
    postcodes
        A table or its file that says where postcodes are: `postcode`, `latitude`, `longitude`, and
        if you like `households`, of which penetration is counted. It places rows that have no
        coordinates.
    money
        The column of the clients' money that zones are shares of. A client without money counts
        for 0. By default zones are shares of clients.
    zones
        The shares that the primary, secondary and tertiary zone of a store reach, in per cent.
    threads
        Threads to use, 1 to 1024; all cores by default. They do not change the result.

    Returns
    -------
    Catchment
        The clients with store, distance and zone, and the sums by store and zone.

    Raises
    ------
    SourceError
        If a table cannot be read, or the extra `catchment` is not installed.
    ColumnError
        If a column is missing or of a wrong type.
    DataError
        If an id occurs twice, coordinates are no degrees, or no store has any.
    OptionError
        If an option is wrong.

    Notes
    -----
    Distances are great-circle distances on a sphere, as the crow flies: a river or a motorway does
    not show. Each distinct place is looked up once. Two stores at the same distance to the
    millimetre share no client: the one with the smaller id has all.

    A zone is the smallest disc around the store whose clients bring at least its share of the
    store's money; clients at the same distance are all in or all out. The zones of a store whose
    clients bring no money above 0 are empty. Float money is rounded, each client's by itself, to
    four decimals and summed exactly.

    Time is that of sorting the distinct places.

    Examples
    --------
    >>> import polars as pl
    >>> import grc_fast as grc
    >>> clients = pl.DataFrame({
    ...     "client_id": [1, 2, 3, 4],
    ...     "latitude": [48.85, 48.90, 48.85, None],
    ...     "longitude": [2.35, 2.35, 2.50, None],
    ...     "total": [600.0, 200.0, 200.0, 50.0],
    ... })
    >>> stores = pl.DataFrame({"store_id": ["A"], "latitude": [48.85], "longitude": [2.35]})
    >>> found = grc.catchment(clients, stores, money="total")
    >>> found.clients.with_columns(pl.col("distance_km").round(2)).rows()
    [(1, 'A', 0.0, 1), (2, 'A', 5.56, 2), (3, 'A', 10.98, 3), (4, None, None, None)]
    """
    threads = check_threads(threads)
    return catchment_of(
        clients, stores, postcodes, money=money, zones=check_zones(zones), threads=threads
    )


def catchment_of(
    clients: object,
    stores: object,
    postcodes: object,
    *,
    money: str | None,
    zones: tuple[int, ...],
    threads: int | None,
    text: TextOptions = DETECTED,
) -> Catchment:
    """Do what `catchment` does, with text files written as the user says."""
    if money is not None:
        column("money", money)
    places_of = None if postcodes is None else read_postcodes(postcodes, text)
    known_stores, warnings = _stores(stores, places_of, text)
    table = read_places(
        clients, "clients", CLIENT, text, money=money, with_postcodes=places_of is not None
    )
    table, told = located(table, "clients", places_of)
    warnings += told
    units, scale = _exact_money(table, money)
    table = table.select(CLIENT, *_PLACE, units.alias("units"))
    nowhere, placed = table.filter(pl.col(LATITUDE).is_null()), table.drop_nulls(LATITUDE)
    places = _distinct_places(placed)
    places = places.with_columns(nearest_stores(places, known_stores, threads))
    weight = pl.col("clients" if money is None else "units").alias("weight")
    radii = zone_radii(places.with_columns(weight), zones, known_stores.height)
    places = places.with_columns(zone_of(places["store"], places["distance"], radii))
    warnings += _swapped(places, known_stores, threads)
    households = None
    if places_of is not None and HOUSEHOLDS in places_of.columns:
        households = _households(places_of, known_stores, radii, threads)
    by_zone = _by_zone(places, known_stores[STORE], nowhere, households, len(zones))
    found = _clients(placed, places, known_stores[STORE])
    found = pl.concat([found, nowhere.select(CLIENT)], how="diagonal").sort(CLIENT)
    check_distinct(found[CLIENT], "clients")
    return Catchment(
        found,
        _readable(by_zone, scale, has_money=money is not None),
        zones,
        tuple(_notes(table.height, nowhere.height, money)),
        tuple(warnings),
    )


def _stores(
    source: object, postcodes: pl.DataFrame | None, text: TextOptions
) -> tuple[pl.DataFrame, list[Wording]]:
    """Read the stores that stand somewhere, ascending by id, and one for each place."""
    table = read_places(source, "stores", STORE, text, with_postcodes=postcodes is not None)
    table, warnings = located(table, "stores", postcodes)
    table = table.select(STORE, *_PLACE).sort(STORE)
    check_distinct(table[STORE], "stores")
    nowhere = table.filter(pl.col(LATITUDE).is_null())[STORE].to_list()
    placed = table.drop_nulls(LATITUDE)
    if placed.is_empty():
        raise DataError(
            f"none of {table.height:,} stores has coordinates: give them latitude and longitude, "
            "or a postcode that the table of postcodes has"
        )
    if nowhere:
        warnings.append(Phrase("places.stores_nowhere", stores=some_of(nowhere)))
    twins = placed.filter(pl.struct(_PLACE).is_duplicated())
    for _, group in twins.group_by(_PLACE, maintain_order=True):
        ids = group[STORE].to_list()
        warnings.append(Phrase("places.stores_at_one_place", stores=some_of(ids)))
    return placed.unique(_PLACE, keep="first", maintain_order=True), warnings


def _exact_money(table: pl.DataFrame, money: str | None) -> tuple[pl.Series, int | None]:
    """Return money as integers of 10^-scale, and the scale; None for floats.

    Raises
    ------
    ColumnError, DataError
        If it is no money.
    """
    if money is None:
        return pl.repeat(0, table.height, dtype=pl.Int128, eager=True), None
    dtype = table[money].dtype
    if isinstance(dtype, pl.Decimal):
        units = table[money].to_physical()
        return _within_limit(units, money, "clients").cast(pl.Int128).fill_null(0), dtype.scale
    return _rounded(number_column(table, money, "clients"), money, "clients"), None


def _rounded(numbers: pl.Series, name: str, what: str) -> pl.Series:
    """Return floats as the units that are summed exactly, nulls as 0."""
    return _within_limit(exact_units(numbers.fill_null(0), f"{name!r} of {what}"), name, what)


def _within_limit(units: pl.Series, name: str, what: str) -> pl.Series:
    """Refuse a number that 64 bits do not hold: sums of those within are right in 128.

    Raises
    ------
    DataError
        If there is one.
    """
    if (units.abs() >= 2**63).any():
        raise DataError(
            f"{what} has a number in {name!r} that is too large to be summed exactly: give it in "
            "a larger unit"
        )
    return units


def _distinct_places(placed: pl.DataFrame) -> pl.DataFrame:
    """Return the clients and the money of each place.

    Where most clients have a place of their own they all keep it, and their id with it: that is
    sooner done than to look for the few who share one.
    """
    if placed.select(pl.col(LATITUDE).approx_n_unique()).item() * 2 > placed.height:
        return placed.with_columns(pl.lit(1, pl.UInt32).alias("clients"))
    grouped = placed.lazy().group_by(_PLACE)
    return grouped.agg(clients=pl.len().cast(pl.UInt32), units=pl.col("units").sum()).collect()


def _clients(placed: pl.DataFrame, places: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    """Return what each client gets of their place."""
    zone = pl.col("zone")
    found = places.with_columns(
        pl.lit(ids).gather(pl.col("store")).alias(STORE),
        # Polars divides by way of the reciprocal, which leaves traces in the last digit.
        distance_km=(pl.col("distance") / MILLIMETRES).round(DECIMALS_OF_KM),
        zone=pl.when(zone != OUTSIDE).then(zone),
    )
    if CLIENT not in found.columns:
        found = placed.join(found, on=_PLACE, how="left")
    return found.select(CLIENT, STORE, "distance_km", "zone")


def _households(
    postcodes: pl.DataFrame, stores: pl.DataFrame, radii: list[pl.Series], threads: int | None
) -> pl.DataFrame:
    """Count the households of each store and zone, of postcodes without clients too."""
    places = postcodes.drop_nulls(LATITUDE)
    places = places.with_columns(nearest_stores(places, stores, threads))
    zone = zone_of(places["store"], places["distance"], radii)
    exact = _rounded(places[HOUSEHOLDS], HOUSEHOLDS, "postcodes")
    sums = places.with_columns(zone, exact).group_by("store", "zone").agg(pl.col(HOUSEHOLDS).sum())
    return sums.with_columns(_in_units(sums[HOUSEHOLDS], None))


def _by_zone(
    places: pl.DataFrame,
    ids: pl.Series,
    nowhere: pl.DataFrame,
    households: pl.DataFrame | None,
    zones: int,
) -> pl.DataFrame:
    """Return the sums of every store and zone, those outside last, then clients without place."""
    numbers = [*range(1, zones + 1), OUTSIDE]
    every = pl.DataFrame(
        {
            "store": pl.int_range(len(ids), dtype=pl.UInt32, eager=True)
            .repeat_by(len(numbers))
            .explode(),
            STORE: ids.repeat_by(len(numbers)).explode(),
            "zone": pl.Series(numbers * len(ids), dtype=pl.UInt8),
        }
    )
    keys = ["store", "zone"]
    sums = places.group_by(keys).agg(pl.col("clients", "units").sum())
    table = every.join(sums, on=keys, how="left", maintain_order="left").with_columns(
        pl.col("clients", "units").fill_null(0)
    )
    if households is not None:
        table = table.join(households, on=keys, how="left", maintain_order="left").with_columns(
            pl.col(HOUSEHOLDS).fill_null(0.0)
        )
    if nowhere.is_empty():
        return table
    rest = nowhere.select(
        pl.lit(OUTSIDE, pl.UInt8).alias("zone"),
        pl.len().cast(pl.UInt32).alias("clients"),
        pl.col("units").sum(),
    ).head(1)
    return pl.concat([table, rest], how="diagonal")


def _readable(table: pl.DataFrame, scale: int | None, *, has_money: bool) -> pl.DataFrame:
    """Give sums as people read them: money in its own unit, and shares of the store."""
    weight = pl.col("units" if has_money else "clients").cast(pl.Float64)
    of_store = weight.sum().over("store")
    share = pl.when(pl.col("store").is_not_null() & (of_store != 0)).then(weight / of_store)
    money = pl.lit(_in_units(table["units"], scale)) if has_money else pl.lit(None, pl.Float64)
    columns = [
        pl.col(STORE),
        pl.when(pl.col("zone") != OUTSIDE).then(pl.col("zone")).alias("zone"),
        pl.col("clients"),
        money.alias("money"),
        share.alias("share"),
    ]
    if HOUSEHOLDS in table.columns:
        homes = pl.col(HOUSEHOLDS)
        penetration = pl.when(homes > 0).then(pl.col("clients") / homes)
        columns += [homes, penetration.alias("penetration")]
    return table.select(columns)


def _in_units(exact: pl.Series, scale: int | None) -> pl.Series:
    """Return integers of 10^-scale in whole units: as decimals, or as floats without a scale."""
    if scale is None:
        return pl.select(money_of(pl.lit(exact), pl.Float64()).alias(exact.name)).to_series()
    decimals = [Decimal(number).scaleb(-scale) for number in exact.to_list()]
    return pl.Series(exact.name, decimals, dtype=pl.Decimal(38, scale))


def _swapped(places: pl.DataFrame, stores: pl.DataFrame, threads: int | None) -> list[Wording]:
    """Warn of coordinates that would make much more sense the other way round."""
    far = places.filter(pl.col("distance") > _FAR * MILLIMETRES)
    if far["clients"].sum() * 2 <= places["clients"].sum():
        return []
    distinct = far.unique(_PLACE).sort(_PLACE)
    some = distinct.gather_every(max(distinct.height // _SAMPLE, 1))
    turned = some.select(
        pl.col(LONGITUDE).alias(LATITUDE), pl.col(LATITUDE).alias(LONGITUDE)
    ).filter(pl.col(LATITUDE).abs() <= 90)
    if turned.height < some.height:
        return []
    _, distances = nearest_stores(turned, stores, threads)
    usual, otherwise = (
        known.cast(pl.Float64).quantile(0.5) or 0.0 for known in (some["distance"], distances)
    )
    if otherwise * _NEARER > usual:
        return []
    far_off, near = usual / MILLIMETRES, otherwise / MILLIMETRES
    return [Phrase("places.swapped", usual=far_off, otherwise=near)]


def _notes(clients: int, nowhere: int, money: str | None) -> list[Wording]:
    """Say how distances are measured, what zones are shares of, and who has no place."""
    of_clients = Phrase("places.of_clients")
    of = of_clients if money is None else Phrase("places.of_column", column=repr(money))
    notes: list[Wording] = [Phrase("places.measured", of=of)]
    if nowhere:
        notes.append(Phrase("places.nowhere", nowhere=nowhere, clients=clients))
    return notes
