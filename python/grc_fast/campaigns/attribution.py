"""From campaigns and what followed to contacts, each with its answer and the score before it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final, Literal, cast

import polars as pl

from grc_fast import _core
from grc_fast.errors import ColumnError, DataError, OptionError
from grc_fast.facts import facts
from grc_fast.labels import nearest
from grc_fast.quality import day_of_number
from grc_fast.rfm import RFM
from grc_fast.roles import describe, listing, suggestion

Overlap = Literal["last", "first", "all"]

CONTACT: Final = ("client_id", "campaign", "contacted_on")
_OVERLAPS: Final = ("last", "first", "all")
_EPOCH: Final = dt.date(1970, 1, 1)


def frame_of(table: Any, what: str, names: Sequence[str]) -> pl.DataFrame:
    """Take a table with some columns.

    Raises
    ------
    ColumnError
        If it is none, or lacks one of them.
    """
    if isinstance(table, pl.LazyFrame):
        table = table.collect()
    if not isinstance(table, pl.DataFrame):
        try:
            table = pl.DataFrame(table)
        except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
            raise ColumnError(
                f"{what} must be a table, and {type(table).__name__} is not"
            ) from error
    for name in names:
        if name not in table.columns:
            raise ColumnError(
                f"{what} has no column {name!r}{suggestion(name, table.columns)}"
                f"{listing(table.columns)}"
            )
    return cast(pl.DataFrame, table)


def contacts_of(
    campaigns: Any, responses: Any, *, window: str | None, overlap: str
) -> pl.DataFrame:
    """Make one row a contact: who, which campaign, when, `control`, `responded`, `spend`.

    A client whom one campaign contacted several times counts once, from the first contact.

    Raises
    ------
    ColumnError, DataError, OptionError
        If a column is missing or of a wrong type, has nulls, or an option is wrong.
    """
    frame = frame_of(campaigns, "the table of campaigns", CONTACT)
    frame = frame.with_columns(
        _days(frame, "contacted_on", "the table of campaigns"),
        control=_flag(frame, "control") if "control" in frame.columns else pl.lit(value=False),
    )
    for name in (*CONTACT, "control"):
        if frame[name].null_count():
            raise DataError(f"the table of campaigns has nulls in {name!r}: leave those rows out")
    if responses is None:
        return _answered(frame, window)
    if window is None:
        raise OptionError(
            "responses need a window, the time after a contact in which an answer counts: 30d"
        )
    if overlap not in _OVERLAPS:
        raise OptionError(f"overlap cannot be {overlap!r}{nearest(overlap, _OVERLAPS)}")
    return _attributed(_first_contacts(frame), responses, window, overlap)


def _answered(frame: pl.DataFrame, window: str | None) -> pl.DataFrame:
    """Take the answers that the table itself holds."""
    if "responded" not in frame.columns:
        raise ColumnError(
            "the table of campaigns has no column 'responded': add it, or give responses, a table "
            "of client_id and date"
        )
    if window is not None:
        raise OptionError(
            "a window attributes responses, and the table of campaigns says who responded: leave "
            "the window out, or the column 'responded'"
        )
    spend = (
        pl.col("spend").cast(pl.Float64) if "spend" in frame.columns else pl.lit(None, pl.Float64)
    )
    frame = frame.with_columns(_flag(frame, "responded"), spend=spend)
    if frame["responded"].null_count():
        raise DataError(
            "the table of campaigns has nulls in 'responded': write false for no answer"
        )
    return (
        frame.group_by("client_id", "campaign", "control")
        .agg(
            pl.col("contacted_on").min(),
            pl.col("responded").any(),
            pl.when(pl.col("spend").count() > 0).then(pl.col("spend").sum()),
        )
        .select(*CONTACT, "control", "responded", "spend")
        .sort("campaign", "client_id", "control")
    )


def _first_contacts(frame: pl.DataFrame) -> pl.DataFrame:
    return (
        frame.group_by("client_id", "campaign", "control")
        .agg(pl.col("contacted_on").min())
        .select(*CONTACT, "control")
        .sort("campaign", "client_id", "control")
    )


def _attributed(contacts: pl.DataFrame, responses: Any, window: str, overlap: str) -> pl.DataFrame:
    """Give each response to the contacts before it that a window and the rule for overlaps name.

    A response on the day of the contact counts, as does one on the last day of the window. With
    `campaign` in the responses each goes to its own campaign.
    """
    title = "the table of responses"
    given = frame_of(responses, title, ("client_id", "date"))
    given = given.with_columns(_days(given, "date", title)).drop_nulls(["client_id", "date"])
    named = "campaign" in given.columns
    spend = (
        pl.col("spend").cast(pl.Float64) if "spend" in given.columns else pl.lit(None, pl.Float64)
    )
    keys = ["client_id", "campaign"] if named else ["client_id"]
    answers = given.select(*keys, answered_on="date", answer_spend=spend).with_row_index("answer")
    ends = _window_ends(contacts["contacted_on"], window)
    pairs = (
        contacts.join(ends, on="contacted_on")
        .join(answers, on=keys)
        .filter(pl.col("answered_on").is_between("contacted_on", "until"))
        .sort("answer", "contacted_on", "campaign")
    )
    if overlap != "all" and not named:
        keep: Literal["first", "last"] = "last" if overlap == "last" else "first"
        pairs = pairs.unique("answer", keep=keep, maintain_order=True)
    sums = pairs.group_by("client_id", "campaign", "control").agg(
        responded=pl.lit(value=True), spend=pl.col("answer_spend").sum()
    )
    nothing = given.height > 0 and "spend" not in given.columns
    return (
        contacts.join(sums, on=["client_id", "campaign", "control"], how="left")
        .with_columns(
            pl.col("responded").fill_null(value=False),
            spend=pl.lit(None, pl.Float64) if nothing else pl.col("spend").fill_null(0.0),
        )
        .sort("campaign", "client_id", "control")
    )


def _window_ends(days: pl.Series, window: str) -> pl.DataFrame:
    """Return the last day of the window after each distinct day of contact."""
    distinct = days.unique().sort()
    ends = [day_of_number(_core.period_end((day - _EPOCH).days, window)) for day in distinct]
    return pl.DataFrame(
        {"contacted_on": distinct, "until": ends},
        schema={"contacted_on": pl.Date, "until": pl.Date},
    )


def score_before_campaigns(
    source: Any, campaigns: Any, *, rfm: RFM | None = None, **reading: Any
) -> pl.DataFrame:
    """Score clients as they were on the day before each campaign.

    Parameters
    ----------
    source
        Sales, as for `grc_fast.facts`; they are read once a campaign, so not a stream.
    campaigns
        A table with `campaign` and `contacted_on`; the first contact of a campaign is its start.
    rfm
        How to score; `RFM()` by default.
    **reading
        `client`, `date`, `amount`, `order`, `where`, `timezone`, `money_scale`, `threads`, as for
        `grc_fast.facts`.

    Returns
    -------
    polars.DataFrame
        `campaign`, and the scores that `RFM.score` gives; clients who had not bought yet have no
        row, nor have campaigns that began before the first purchase of all.

    Raises
    ------
    DataError
        If there is no campaign, or each began before the first purchase.
    GrcError
        If the source cannot be read, or a column, a value or an option is wrong.

    Examples
    --------
    >>> import datetime as dt
    >>> import grc_fast as grc
    >>> import polars as pl
    >>> sales = grc.simulate_sales(5_000, 300, seed=7)
    >>> mailing = pl.DataFrame({"campaign": ["spring"], "contacted_on": [dt.date(2025, 3, 1)]})
    >>> scores = grc.score_before_campaigns(sales, mailing)
    >>> scores["last_purchase"].max() < dt.date(2025, 3, 1)
    True
    """
    title = "the table of campaigns"
    frame = frame_of(campaigns, title, ("campaign", "contacted_on"))
    starts = (
        frame.with_columns(_days(frame, "contacted_on", title))
        .drop_nulls(["campaign", "contacted_on"])
        .group_by("campaign")
        .agg(pl.col("contacted_on").min())
        .sort("contacted_on", "campaign")
    )
    if starts.is_empty():
        raise DataError("the table of campaigns has no campaign")
    specification = RFM() if rfm is None else rfm
    latest = cast(dt.date, starts["contacted_on"].max()) - dt.timedelta(days=1)
    sold = facts(source, as_of=latest, facts=["first_purchase"], **reading).frame
    first = cast(dt.date, sold["first_purchase"].min() or latest)
    scored = []
    for campaign, start in starts.filter(pl.col("contacted_on") > first).iter_rows():
        before = specification.score(source, as_of=start - dt.timedelta(days=1), **reading)
        name = pl.lit(campaign, dtype=starts["campaign"].dtype).alias("campaign")
        scored.append(before.scores.select(name, pl.all()))
    if not scored:
        raise DataError(f"every campaign begins before the first purchase, on {first}")
    return pl.concat(scored)


def _flag(frame: pl.DataFrame, name: str) -> pl.Expr:
    dtype = frame[name].dtype
    if dtype == pl.Boolean:
        return pl.col(name)
    if dtype.is_integer() and frame[name].drop_nulls().is_in([0, 1]).all():
        return pl.col(name).cast(pl.Boolean)
    raise ColumnError(
        f"the table of campaigns has {describe(dtype)} in {name!r}: write true or false, 1 or 0"
    )


def _days(frame: pl.DataFrame, name: str, what: str) -> pl.Expr:
    dtype = frame[name].dtype
    if dtype == pl.Date or isinstance(dtype, pl.Datetime):
        return pl.col(name).cast(pl.Date)
    if dtype == pl.String:
        try:
            return pl.lit(frame[name].str.to_date("%Y-%m-%d")).alias(name)
        except pl.exceptions.PolarsError:
            pass
    raise ColumnError(
        f"{what} has {describe(dtype)} in {name!r} that are no days: write them as 2026-11-01"
    )
