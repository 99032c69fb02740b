"""Response probabilities of the next campaign, from the report of past ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from grc_fast.errors import ColumnError, DataError, OptionError
from grc_fast.labels import nearest

from .levels import expected_column
from .places import LEVELS, CellForm, Level, columns_of, key, largest_digit, place
from .tables import SCORES, frame_of

if TYPE_CHECKING:
    from .response_report import ResponseReport

# What a probability rests on where no campaign reached the client's place.
_ALL = "all"


def calibrate(report: ResponseReport, scores: Any, *, by: Level = "cell") -> pl.DataFrame:
    """Give each client the response probability that past campaigns promise.

    Parameters
    ----------
    report
        Of past campaigns.
    scores
        `client_id` and the digits, the `group` or the `segment`: the clients of the next one.
    by
        `cell`, `group` or `segment`.

    Returns
    -------
    polars.DataFrame
        `client_id`, `probability`, `low`, `high` (Float64), `kind` (`incremental` where the report
        has a control group: what a contact adds, not below 0; else `raw, not incremental`) and
        `basis`: `cell`, `group` or `segment` where past campaigns reached the client's place, `all`
        where none did. Then `probability` is that of all contacts, without an interval. A client
        without a score has nulls.

    Raises
    ------
    ColumnError
        If the scores, or the report, lack that level.
    DataError
        If a client has two rows, not one client stands where past campaigns reached somebody, or a
        digit is larger than any of the scores that the report was made of (5 bins are not 10).

    Examples
    --------
    >>> import grc_fast as grc
    >>> import polars as pl
    >>> scores = pl.DataFrame({"client_id": [1, 2, 3, 4], "group": [1, 1, 2, 2]})
    >>> mailing = pl.DataFrame(
    ...     {
    ...         "client_id": [1, 2, 3, 4],
    ...         "campaign": ["spring"] * 4,
    ...         "contacted_on": ["2026-03-01"] * 4,
    ...         "responded": [True, False, False, False],
    ...     }
    ... )
    >>> report = grc.response(scores, mailing)
    >>> grc.calibrate(report, scores, by="group")["kind"].unique().to_list()
    ['raw, not incremental']
    """
    if by not in LEVELS:
        raise OptionError(f"by cannot be {by!r}{nearest(by, LEVELS)}")
    table = {"cell": report.cells, "group": report.groups, "segment": report.segments}[by]
    if table.is_empty():
        raise ColumnError(f"the report has no {by}: the scores that it was made of had none")
    frame = frame_of(scores, SCORES, ("client_id",))
    _check_one_row_each(frame)
    places = place(frame, by, report.cell_form)
    if places is None:
        raise ColumnError(f"{SCORES} has no {by}: it takes {columns_of(by, report.cell_form)}")
    if by == "cell":
        _check_digits(frame, report.cell_form)
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
    base = report.rate if expected == "shrunk" else max(report.incremental or 0.0, 0.0)
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
