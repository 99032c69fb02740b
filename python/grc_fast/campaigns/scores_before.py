"""Scores of clients as they were before each campaign, which know nothing of what came after."""

from __future__ import annotations

import datetime as dt
from typing import Any, Unpack, cast

import polars as pl

from grc_fast._utils.panics import panics_as_errors
from grc_fast.campaigns.tables import CAMPAIGNS
from grc_fast.errors import DataError, OptionError
from grc_fast.facts.facts import facts
from grc_fast.facts.options import Reading, SalesReading
from grc_fast.io.small_tables import days, frame_of
from grc_fast.rfm.rfm import RFM


@panics_as_errors()
def score_before_campaigns(
    source: Any,
    campaigns: Any,
    *,
    rfm: RFM | None = None,
    campaign: str = "campaign",
    contacted: str = "contacted_on",
    **reading: Unpack[Reading],
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
    campaign, contacted
        The columns of that table, where they have other names.
    **reading
        `client`, `date`, `amount`, `order`, `where`, `timezone`, `money_scale`, `threads`,
        `progress`, as for `grc_fast.facts`.

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
    if "as_of" in reading:
        raise OptionError(
            "as_of cannot be given: clients are scored as of the day before each campaign"
        )
    if "clients" in reading:
        raise OptionError("clients cannot be given: those who have not bought have no scores")
    SalesReading.of(reading)
    given = frame_of(campaigns, CAMPAIGNS, (campaign, contacted))
    frame = given.select(pl.col(campaign).alias("campaign"), days(given, contacted, CAMPAIGNS))
    starts = (
        frame.rename({contacted: "contacted_on"})
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
    for name, start in starts.filter(pl.col("contacted_on") > first).iter_rows():
        before = specification.score(source, as_of=start - dt.timedelta(days=1), **reading)
        column = pl.lit(name, dtype=starts["campaign"].dtype).alias("campaign")
        scored.append(before.scores.select(column, pl.all()))
    if not scored:
        raise DataError(f"every campaign begins before the first purchase, on {first}")
    return pl.concat(scored)
