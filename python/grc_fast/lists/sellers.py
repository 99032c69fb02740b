"""The sellers: how long each works on the day of the lists, and from where."""

from __future__ import annotations

import os
from typing import Any, Final

import polars as pl

from grc_fast._utils.messages import quoted
from grc_fast.errors import ColumnError, DataError
from grc_fast.io.small_tables import ColumnKinds, frame_of, is_path, money, read_table
from grc_fast.io.text_options import DETECTED, TextOptions
from grc_fast.lists.client_file import PLACE

#: How errors name the table.
SELLERS: Final = "the table of sellers"
_KINDS: Final = ColumnKinds(
    dates=frozenset(), numbers=frozenset(("minutes", *PLACE)), texts=frozenset(("seller",))
)
_DAY: Final = 24 * 60


def read_sellers(sellers: Any, text: TextOptions = DETECTED) -> pl.DataFrame:
    """Read who sells, how many minutes of the day, and where the day begins.

    Parameters
    ----------
    sellers
        A table, or the path of its file: `seller`, `minutes`, and where there are, `latitude` and
        `longitude`.
    text
        How a text file is written.

    Returns
    -------
    polars.DataFrame
        `seller` (text), `minutes` (Int64), and the place, null where it is not known; by seller.

    Raises
    ------
    SourceError
        If a file cannot be read.
    ColumnError, DataError
        If a column is missing or holds what it may not, or a seller has several rows.

    Examples
    --------
    >>> import polars as pl
    >>> read_sellers(pl.DataFrame({"seller": ["Zoë", "Ada"], "minutes": [120, 240]})).rows()
    [('Ada', 240, None, None), ('Zoë', 120, None, None)]
    """
    if is_path(sellers):
        sellers = read_table(os.fspath(sellers), text, "seller", _KINDS)
    frame = frame_of(sellers, SELLERS, ["seller", "minutes"])
    if frame["seller"].dtype.is_nested() or frame["seller"].dtype.is_float():
        raise ColumnError(f"{SELLERS} has no text in 'seller': write the sellers' names")
    frame = (
        frame.select(
            pl.col("seller").cast(pl.String).str.strip_chars().replace("", None),
            *(money(frame, name, SELLERS) for name in ("minutes", *PLACE)),
        )
        .filter(pl.col("seller").is_not_null())
        .sort("seller")
    )
    for seller, minutes, *place in frame.iter_rows():
        if minutes is None or not 0 <= minutes <= _DAY:
            raise DataError(
                f"{SELLERS} has {'none' if minutes is None else f'{minutes:g}'} minutes for "
                f"{quoted(seller)}: write how many of a day, 0 to {_DAY}"
            )
        if (place[0] is None) != (place[1] is None):
            raise DataError(
                f"{SELLERS} has half a place for {quoted(seller)}: write latitude and longitude, "
                "or neither"
            )
    check_places(frame, SELLERS)
    twice = frame.filter(frame["seller"].is_duplicated())["seller"]
    if len(twice):
        raise DataError(f"{SELLERS} has several rows of {quoted(twice[0])}: keep one")
    return frame.with_columns(pl.col("minutes").cast(pl.Int64))


def check_places(frame: pl.DataFrame, what: str) -> None:
    """Refuse latitudes and longitudes that are none.

    Raises
    ------
    DataError
        If a latitude is beyond 90 degrees, or a longitude beyond 180.
    """
    for name, most in zip(PLACE, (90, 180), strict=True):
        wrong = frame.filter(pl.col(name).abs() > most)[name]
        if len(wrong):
            raise DataError(f"{what} has the {name} {wrong[0]:g}: write degrees, -{most} to {most}")
