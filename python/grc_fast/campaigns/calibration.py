"""Response probabilities of the next campaign, from the report of past ones."""

from __future__ import annotations

from typing import Any

import polars as pl

from grc_fast.campaigns.cell_keys import (
    CellForm,
    Level,
    columns_of,
    key,
    largest_digit,
    place,
)
from grc_fast.campaigns.rate_tables import expected_column
from grc_fast.campaigns.tables import SCORES
from grc_fast.errors import ColumnError, DataError
from grc_fast.io.small_tables import frame_of

# What a probability rests on where no campaign reached the client's place.
_ALL = "all"


def probabilities(
    table: pl.DataFrame,
    scores: Any,
    *,
    by: Level,
    form: CellForm,
    rate: float,
    incremental: float | None,
) -> pl.DataFrame:
    """Give each client the rate of their cell, group or segment, as `calibrate` says.

    Parameters
    ----------
    table
        The rates of the level.
    scores
        The clients.
    by, form
        The level, and how cells are written.
    rate, incremental
        The rate of all contacts, and what contacts add to it if that is known.
    """
    if table.is_empty():
        raise ColumnError(f"the report has no {by}: the scores that it was made of had none")
    frame = frame_of(scores, SCORES, ("client_id",))
    _check_one_row_each(frame)
    places = place(frame, by, form)
    if places is None:
        raise ColumnError(f"{SCORES} has no {by}: it takes {columns_of(by, form)}")
    if by == "cell":
        _check_digits(frame, form)
    keys = key(places)
    known = key(table[by])
    _check_some_match(keys, known, by)
    expected = expected_column(table)
    low, high = ("low", "high") if expected == "shrunk" else (f"{expected}_low", f"{expected}_high")
    rates = table.select(
        known,
        *(
            pl.col(name).clip(0, 1).alias(role)
            for name, role in ((expected, "probability"), (low, "low"), (high, "high"))
        ),
    )
    base = rate if expected == "shrunk" else max(incremental or 0.0, 0.0)
    placed, found = pl.col("key").is_not_null(), pl.col("probability").is_not_null()
    return (
        frame.select("client_id", keys)
        .join(rates, on="key", how="left", maintain_order="left")
        .select(
            "client_id",
            pl.when(placed).then(pl.col("probability").fill_null(base)),
            "low",
            "high",
            kind=pl.lit(table["kind"][0]),
            basis=pl.when(placed).then(pl.when(found).then(pl.lit(by)).otherwise(pl.lit(_ALL))),
        )
    )


def _check_one_row_each(frame: pl.DataFrame) -> None:
    """Refuse several rows of one client, who would be contacted as often."""
    twice = frame.filter(pl.col("client_id").is_not_null() & pl.col("client_id").is_duplicated())
    if twice.is_empty():
        return
    rest = (
        "take those of one campaign, the latest say"
        if "campaign" in frame.columns
        else "keep one a client"
    )
    raise DataError(f"{SCORES} has two rows for the client {twice['client_id'][0]!r}: {rest}")


def _check_digits(frame: pl.DataFrame, form: CellForm) -> None:
    """Refuse scores of more bins than the report's: equal digits would not mean the same."""
    for name in form.digits:
        largest = largest_digit(frame, name)
        if largest > form.largest:
            raise DataError(
                f"{SCORES} has {largest} in {name!r}, and the report was made of scores up to "
                f"{form.largest}: score both with the same bins, and give response the scores of "
                "all clients, not of those alone who were contacted"
            )


def _check_some_match(keys: pl.Series, known: pl.Series, level: str) -> None:
    given = keys.drop_nulls()
    if len(given) and not given.is_in(known.implode()).any():
        raise DataError(
            f"no client of {SCORES} is in a {level} that past campaigns reached (the first is in "
            f"{given[0]!r}, the report has {', '.join(known.head(5))}"
            f"{', …' if len(known) > 5 else ''}): score both with the same bins and labels"
        )
