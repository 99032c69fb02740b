"""Where clients and stores are: at coordinates of their own, or at those of their postcode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from grc_fast._utils.messages import describe
from grc_fast.errors import ColumnError, DataError, OptionError
from grc_fast.io.ids import plain_integers, whole_floats
from grc_fast.io.roles import require_column
from grc_fast.io.small_tables import ColumnKinds, is_path, read_table
from grc_fast.io.text_options import TextOptions
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase, first_of

STORE: Final = "store_id"
LATITUDE: Final = "latitude"
LONGITUDE: Final = "longitude"
POSTCODE: Final = "postcode"
HOUSEHOLDS: Final = "households"
# The farthest from the equator, and from the first meridian.
_LIMITS: Final = {LATITUDE: 90.0, LONGITUDE: 180.0}
# So many names of a list are shown.
_SHOWN: Final = 5


def read_places(
    source: object,
    what: str,
    id_name: str,
    text: TextOptions,
    *,
    money: str | None = None,
    with_postcodes: bool = False,
) -> pl.DataFrame:
    """Read the rows of a table that stand somewhere.

    Parameters
    ----------
    source
        A table, or its file.
    what
        How errors name it.
    id_name
        The column of what stands there, one row each.
    text
        How text files are written.
    money
        The column of money, if that is read.
    with_postcodes
        Whether a postcode says where a row stands that has no coordinates.

    Returns
    -------
    polars.DataFrame
        The id, the money, and those of `latitude`, `longitude`, `postcode` and `households` that
        the table has.

    Raises
    ------
    SourceError
        If it cannot be read.
    ColumnError, OptionError
        If a column is missing, or ids are missing or occur twice.
    """

    def check_columns(columns: Sequence[str], place: str) -> None:
        named = f"{what} ({place})"
        require_column(id_name, id_name, columns, named)
        if money is not None:
            require_column(money, "money", columns, named)
        has_coordinates = LATITUDE in columns or LONGITUDE in columns
        if POSTCODE in columns and not has_coordinates and not with_postcodes:
            raise OptionError(
                f"{named} has postcodes and no coordinates: give the table of postcodes "
                "(postcodes, or --postcodes on the command line), with latitude and longitude"
            )
        if with_postcodes and not has_coordinates:
            require_column(POSTCODE, POSTCODE, columns, named)
        elif POSTCODE not in columns or has_coordinates:
            for name in _LIMITS:
                require_column(name, name, columns, named)

    kinds = ColumnKinds(
        dates=frozenset(),
        numbers=frozenset(filter(None, (LATITUDE, LONGITUDE, HOUSEHOLDS, money))),
        texts=frozenset((id_name, POSTCODE)),
        others=False,
    )
    frame = read_table(source, text, id_name, kinds, check_columns=check_columns)
    return frame.with_columns(_ids(frame[id_name], what, from_file=is_path(source)))


def _ids(ids: pl.Series, what: str, *, from_file: bool) -> pl.Series:
    """Return ids as they are compared; those of files are integers where every one is."""
    if ids.null_count():
        raise ColumnError(f"{what} has a row without {ids.name}: fill it in, or leave the row out")
    if ids.dtype.is_float():
        return whole_floats(ids, what)
    if from_file and ids.name != POSTCODE and ids.dtype == pl.String:
        whole = plain_integers(ids)
        return ids if whole is None else whole
    return ids


def check_distinct(sorted_ids: pl.Series, what: str) -> None:
    """Refuse an id that occurs twice among ascending ids.

    Raises
    ------
    DataError
        If there is one.
    """
    twice = sorted_ids.filter(sorted_ids == sorted_ids.shift(1))
    if len(twice):
        example = f"has {sorted_ids.name} {twice[0]!r} twice: write one row each"
        end = ", such as the mean of its places" if sorted_ids.name == POSTCODE else ""
        raise DataError(f"{what} {example}{end}")


def read_postcodes(source: object, text: TextOptions) -> pl.DataFrame:
    """Read a table of postcodes: `postcode` (text), `latitude`, `longitude`, maybe `households`.

    Raises
    ------
    SourceError, ColumnError, DataError
        If it cannot be read, or a postcode occurs twice.
    """
    what = "postcodes"
    frame = read_places(source, what, POSTCODE, text)
    frame = frame.with_columns(_postcodes(frame, what), *_degrees(frame, what)).sort(POSTCODE)
    check_distinct(frame[POSTCODE], what)
    if HOUSEHOLDS in frame.columns:
        households = number_column(frame, HOUSEHOLDS, what)
        if (households < 0).any():
            raise DataError(f"{what} has households below 0: write how many live there")
        frame = frame.with_columns(households)
    return frame.select(
        name for name in (POSTCODE, LATITUDE, LONGITUDE, HOUSEHOLDS) if name in frame.columns
    )


def located(
    frame: pl.DataFrame, what: str, postcodes: pl.DataFrame | None
) -> tuple[pl.DataFrame, list[Wording]]:
    """Give rows coordinates: their own, or else those of their postcode.

    Parameters
    ----------
    frame
        What `read_places` gave.
    what
        How errors name it.
    postcodes
        What `read_postcodes` gave, if there is such a table.

    Returns
    -------
    polars.DataFrame and list of str
        The table with `latitude` and `longitude` (Float64), both null where nothing says where a
        row stands; and what is worth knowing.

    Raises
    ------
    ColumnError, DataError
        If coordinates are no degrees.
    """
    own = _degrees(frame, what) if LATITUDE in frame.columns else []
    frame = frame.with_columns(own or [pl.lit(None, pl.Float64).alias(name) for name in _LIMITS])
    warnings: list[Wording] = []
    if postcodes is not None and POSTCODE in frame.columns:
        frame = frame.with_columns(_postcodes(frame, what))
        warnings = _lost_zeros(frame.filter(pl.col(LATITUDE).is_null()), what, postcodes)
        found = frame.select(POSTCODE).join(
            postcodes, on=POSTCODE, how="left", maintain_order="left"
        )
        has_own = frame[LATITUDE].is_not_null()
        frame = frame.with_columns(frame[name].zip_with(has_own, found[name]) for name in _LIMITS)
    return frame.drop(POSTCODE, strict=False), warnings


def _degrees(frame: pl.DataFrame, what: str) -> list[pl.Series]:
    """Return latitudes and longitudes as Float64, both null where one is.

    Raises
    ------
    ColumnError, DataError
        If they are no numbers, or none of the globe.
    """
    found = {name: number_column(frame, name, what) for name in _LIMITS}
    for name, limit in _LIMITS.items():
        beyond = found[name].filter(found[name].abs() > limit)
        if len(beyond):
            swapped = (
                ": latitude and longitude seem to have changed places"
                if name == LATITUDE and abs(beyond[0]) <= _LIMITS[LONGITUDE]
                else ""
            )
            raise DataError(
                f"{what} has the {name} {beyond[0]:g}, and {name}s lie from {-limit:g} to "
                f"{limit:g} degrees{swapped}"
            )
    latitude, longitude = found.values()
    known = latitude.is_not_null() & longitude.is_not_null()
    return [values.set(~known, None) for values in (latitude, longitude)]


def number_column(frame: pl.DataFrame, name: str, what: str) -> pl.Series:
    """Return a column of numbers as Float64, NaN as null.

    Raises
    ------
    ColumnError, DataError
        If it holds anything else, or numbers that are not finite.
    """
    column = frame[name]
    if not (column.dtype.is_numeric() or column.dtype == pl.Null):
        raise ColumnError(f"{what} has {describe(column.dtype)} in {name!r}: write numbers")
    numbers = column.cast(pl.Float64).fill_nan(None)
    if numbers.is_infinite().any():
        raise DataError(f"{what} has a value in {name!r} that is no finite number: leave it empty")
    return numbers


def _postcodes(frame: pl.DataFrame, what: str) -> pl.Series:
    """Return postcodes as text."""
    codes = frame[POSTCODE]
    if codes.dtype.is_float():
        codes = whole_floats(codes, what)
    if codes.dtype.is_integer() or isinstance(codes.dtype, (pl.Categorical, pl.Enum, pl.Null)):
        codes = codes.cast(pl.String)
    if codes.dtype != pl.String:
        raise ColumnError(f"{what} has {describe(codes.dtype)} in {POSTCODE!r}: write text")
    return codes.str.strip_chars().replace("", None)


def _lost_zeros(rows: pl.DataFrame, what: str, postcodes: pl.DataFrame) -> list[Wording]:
    """Warn of postcodes that are found only once a zero is put before one side or the other."""
    given, known = rows[POSTCODE].drop_nulls(), postcodes[POSTCODE]
    unknown = given.filter(~given.is_in(known.implode()))
    warnings: list[Wording] = []
    for changed, where in (
        ("0" + unknown, Phrase(f"places.{what}")),
        (unknown.str.strip_prefix("0"), Phrase("places.postcodes")),
    ):
        found = (changed != unknown) & changed.is_in(known.implode())
        if found.any():
            example = unknown.filter(found).sort()[0]
            other = changed.filter(found & (unknown == example))[0]
            lost = Phrase(
                "places.lost_zeros",
                what=Phrase(f"places.{what}"),
                postcodes=int(found.sum()),
                example=example,
                other=other,
                where=where,
            )
            warnings.append(lost)
    return warnings


def some_of(names: Sequence[object]) -> Wording:
    """Name the first of several."""
    return first_of([str(name) for name in names], _SHOWN)
