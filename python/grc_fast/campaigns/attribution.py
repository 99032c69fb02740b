"""From campaigns and what followed to contacts, each with its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

import polars as pl

from grc_fast import _core
from grc_fast._utils.checks import one_of
from grc_fast._utils.dates import day_number, day_of_number
from grc_fast.campaigns.tables import CAMPAIGNS, RESPONSES
from grc_fast.errors import ColumnError, DataError, OptionError
from grc_fast.io.small_tables import money

Overlap = Literal["last", "first", "all"]
CONTACT: Final = ("client_id", "campaign", "contacted_on")
_ONE: Final = ("client_id", "campaign", "control")


@dataclass(frozen=True)
class Contacts:
    """Who was contacted, or left alone, by which campaign, and who answered.

    Attributes
    ----------
    frame
        One row a client and campaign: `client_id`, `campaign`, `contacted_on`, `control`,
        `responded`, `spend`.
    answers
        What became of the answers read: `read` is the sum of the others. Empty where the table of
        campaigns itself says who responded.
    """

    frame: pl.DataFrame
    answers: Mapping[str, int] = field(default_factory=dict)


def contacts_of(
    campaigns: pl.DataFrame,
    responses: pl.DataFrame | None,
    *,
    window: str | None,
    overlap: str,
) -> Contacts:
    """Make one row a contact.

    The tables are those of `campaigns_table` and `responses_table`. A client whom one campaign
    contacted several times counts once, from the first contact.

    Raises
    ------
    ColumnError, DataError, OptionError
        If a column is of a wrong type, has nulls, a client is both contacted and control in one
        campaign, or an option is wrong.
    """
    one_of("overlap", overlap, get_args(Overlap))
    if responses is None and overlap != "last":
        raise OptionError(
            f"overlap={overlap!r} has no effect without responses, which are attributed by it: "
            "leave it out"
        )
    if campaigns.is_empty():
        raise DataError(f"{CAMPAIGNS} has no contact, so there is no rate")
    control = pl.col("control") if "control" in campaigns.columns else pl.lit(value=False)
    frame = campaigns.with_columns(control=control)
    for name, remedy in (
        *((name, "leave those rows out") for name in CONTACT),
        ("control", "write false for who was contacted, true for who was left alone"),
    ):
        if frame[name].null_count():
            raise DataError(f"{CAMPAIGNS} has nulls in {name!r}: {remedy}")
    _check_arms(frame)
    if responses is None:
        return Contacts(_answered(frame, window))
    if window is None:
        raise OptionError(
            "responses need a window, the time after a contact in which an answer counts: 30d"
        )
    firsts = frame.group_by(_ONE).agg(pl.col("contacted_on").min()).select(*CONTACT, "control")
    return _attributed(firsts, responses, window, overlap)


def _check_arms(frame: pl.DataFrame) -> None:
    """Refuse clients who were contacted and left alone by one campaign."""
    both = (
        frame.group_by("client_id", "campaign")
        .agg(pl.col("control").n_unique())
        .filter(pl.col("control") > 1)
        .sort("campaign", "client_id")
    )
    if both.height:
        client, campaign = both.row(0)[:2]
        raise DataError(
            f"{CAMPAIGNS} has client {client!r} both contacted and in the control group of the "
            f"campaign {campaign!r}: keep the one that happened"
            + (f" (so are {both.height - 1:,} more)" if both.height > 1 else "")
        )


def _answered(frame: pl.DataFrame, window: str | None) -> pl.DataFrame:
    """Take the answers that the table itself holds."""
    if "responded" not in frame.columns:
        raise ColumnError(
            f"{CAMPAIGNS} has no column 'responded': add it, or give responses, a table of "
            "client_id and date"
        )
    if window is not None:
        raise OptionError(
            "a window attributes responses, and the table of campaigns says who responded: leave "
            "the window out, or the column 'responded'"
        )
    frame = frame.with_columns(money(frame, "spend", CAMPAIGNS))
    if frame["responded"].null_count():
        raise DataError(f"{CAMPAIGNS} has nulls in 'responded': write false for no answer")
    return (
        frame.group_by(_ONE)
        .agg(
            pl.col("contacted_on").min(),
            pl.col("responded").any(),
            pl.when(pl.col("spend").count() > 0).then(pl.col("spend").sort().sum()),
        )
        .select(*CONTACT, "control", "responded", "spend")
        .sort("campaign", "client_id")
    )


def _attributed(
    contacts: pl.DataFrame, responses: pl.DataFrame, window: str, overlap: str
) -> Contacts:
    """Give each response to the contacts before it that a window and the rule for overlaps name.

    A response on the day of the contact counts, as does one on the last day of the window. With
    `campaign` in the responses each goes to its own campaign. Whom a campaign left alone takes no
    answer away from another campaign: there, any answer within the window counts.
    """
    named = "campaign" in responses.columns
    if named and overlap != "last":
        raise OptionError(
            f"overlap={overlap!r} has no effect where responses name their campaign: leave it out, "
            "or the column 'campaign'"
        )
    keys = ["client_id", "campaign"] if named else ["client_id"]
    given = responses.with_columns(money(responses, "spend", RESPONSES))
    answers = (
        given.select(*keys, answered_on="date", answer_spend="spend")
        .drop_nulls([*keys, "answered_on"])
        .with_row_index("answer")
    )
    known = answers.join(contacts.select(keys).unique(), on=keys, how="semi")
    if answers.height and not known.height:
        raise DataError(
            f"no answer in {RESPONSES} is of a client of {CAMPAIGNS}: client_id"
            f"{' and campaign' if named else ''} must be the same ids in both"
        )
    pairs = (
        contacts.join(_window_ends(contacts["contacted_on"], window), on="contacted_on")
        .join(known, on=keys)
        .filter(pl.col("answered_on").is_between("contacted_on", "until"))
        .sort("answer", "contacted_on", "campaign")
    )
    reached, alone = pairs.filter(~pl.col("control")), pairs.filter("control")
    if overlap != "all" and not named:
        keep: Literal["first", "last"] = "last" if overlap == "last" else "first"
        reached = reached.unique("answer", keep=keep, maintain_order=True)
    sums = (
        pl.concat([reached, alone])
        .group_by(_ONE)
        .agg(responded=pl.lit(value=True), spend=pl.col("answer_spend").sort().sum())
    )
    without_money = given.height > 0 and "spend" not in responses.columns
    frame = (
        contacts.join(sums, on=_ONE, how="left")
        .with_columns(
            pl.col("responded").fill_null(value=False),
            spend=pl.lit(None, pl.Float64) if without_money else pl.col("spend").fill_null(0.0),
        )
        .sort("campaign", "client_id")
    )
    attributed = reached["answer"].n_unique()
    inside = pairs["answer"].n_unique()
    return Contacts(
        frame,
        {
            "read": given.height,
            "attributed": attributed,
            "control": inside - attributed,
            "outside_window": known.height - inside,
            "not_contacted": answers.height - known.height,
            "incomplete": given.height - answers.height,
        },
    )


def _window_ends(contacted: pl.Series, window: str) -> pl.DataFrame:
    """Return the last day of the window after each distinct day of contact."""
    distinct = contacted.unique().sort()
    ends = [day_of_number(_core.period_end(day_number(day), window)) for day in distinct]
    return pl.DataFrame(
        {"contacted_on": distinct, "until": ends},
        schema={"contacted_on": pl.Date, "until": pl.Date},
    )
