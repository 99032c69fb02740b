"""Response probabilities of the next campaign, from the report of past ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import polars as pl

from grc_fast.campaigns.cell_keys import (
    CellForm,
    Level,
    columns_of,
    join_key,
    largest_digit,
    place,
)
from grc_fast.campaigns.rate_tables import expected_column
from grc_fast.campaigns.tables import SCORES
from grc_fast.errors import ColumnError, DataError
from grc_fast.io.text_options import said

#: What becomes of clients whose place no past campaign reached.
Unreached = Literal["error", "null"]


def probabilities(
    table: pl.DataFrame,
    scores: pl.DataFrame,
    *,
    by: Level,
    form: CellForm,
    names: Mapping[str, str],
    unreached: Unreached,
) -> pl.DataFrame:
    """Give each client the rate of their cell, group or segment, as `calibrate` says.

    Parameters
    ----------
    table
        The rates of the level.
    scores
        The clients.
    by, form, names
        The level, how cells are written, and the names of segments by label.
    unreached
        What becomes of clients whose place is not in the table.
    """
    if table.is_empty():
        raise ColumnError(f"the report has no {by}: the scores that it was made of had none")
    _check_one_row_each(scores)
    places = place(scores, by, form)
    if places is None:
        raise ColumnError(f"{SCORES} has no {by}: it takes {columns_of(by, form)}")
    if by == "cell":
        _check_digits(scores, form)
    keys, known = (join_key(where, by, names) for where in (places, table[by]))
    _check_reached(places, keys, known, by, unreached)
    expected = expected_column(table)
    low, high = ("low", "high") if expected == "shrunk" else (f"{expected}_low", f"{expected}_high")
    rates = table.select(
        known,
        *(
            pl.col(name).clip(0, 1).alias(role)
            for name, role in ((expected, "probability"), (low, "low"), (high, "high"))
        ),
    )
    found = pl.col("probability").is_not_null()
    return (
        scores.select("client_id", keys)
        .join(rates, on="key", how="left", maintain_order="left")
        .select(
            "client_id",
            "probability",
            "low",
            "high",
            kind=pl.lit(table["kind"][0]),
            basis=pl.when(found).then(pl.lit(by)),
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


def _check_reached(
    places: pl.Series, keys: pl.Series, known: pl.Series, level: Level, unreached: Unreached
) -> None:
    """Refuse clients who stand where no past campaign reached anybody."""
    placed = keys.is_not_null()
    found = keys.is_in(known.implode())
    if placed.any() and not found.fill_null(value=False).any():
        raise DataError(
            f"no client of {SCORES} is in a {level} that past campaigns reached (the first is in "
            f"{str(places.filter(placed)[0])!r}, the report has {_some(known)}): score both with "
            "the same bins and labels"
        )
    missing = placed & ~found.fill_null(value=True)
    if unreached == "null" or not missing.any():
        return
    wider = "take wider places (by group or segment), or " if level == "cell" else ""
    raise DataError(
        f"{missing.sum():,} of {len(keys):,} clients of {SCORES} are in a {level} that no past "
        f"campaign reached ({_some(places.filter(missing).cast(pl.String).unique().sort())}), so "
        f"nothing is known of how they answer: {wider}leave them without a probability with "
        f"{said('unreached', 'null')}"
    )


def _some(texts: pl.Series) -> str:
    """List some of several texts."""
    return f"{', '.join(texts.head(5))}{', …' if len(texts) > 5 else ''}"
