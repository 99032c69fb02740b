"""Response rates by RFM cell, group and segment, and what they say about the next campaign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import polars as pl

from grc_fast._utils.checks import one_of
from grc_fast._utils.panics import panics_as_errors
from grc_fast._utils.processes import check_process
from grc_fast.campaigns.attribution import CONTACT, Overlap, contacts_of
from grc_fast.campaigns.break_even import break_even
from grc_fast.campaigns.calibration import probabilities
from grc_fast.campaigns.cell_keys import DIGITS, LEVELS, CellForm, Level, cell_form, place
from grc_fast.campaigns.empirical_bayes import Shrunk
from grc_fast.campaigns.rate_tables import RAW, Money, depth_table, level_table
from grc_fast.campaigns.response_chart import response_figure
from grc_fast.campaigns.tables import CAMPAIGNS, RESPONSES, SCORES
from grc_fast.campaigns.uplift import Stratum, arms, overall, strata, with_both_arms
from grc_fast.errors import ColumnError, DataError, OptionError
from grc_fast.io.report_file import ReportFile
from grc_fast.io.small_tables import frames_of, whole

# What became of answers, in the words of the report.
_ANSWERS = {
    "attributed": "attributed",
    "control": "of control groups",
    "outside_window": "outside every window",
    "not_contacted": "of clients who were not contacted",
    "incomplete": "without client, campaign or date",
}


@dataclass(frozen=True)
class ResponseReport(ReportFile):
    """Who answered past campaigns.

    Attributes
    ----------
    kind
        `incremental` where at some place a campaign has both contacts and a control group, so that
        depth, index and calibration rest on what contacts add; else `raw, not incremental`: clients
        who would have bought anyway count as answers.
    contacts, responses, rate
        Of all contacts that are not control: raw, whatever the kind.
    incremental, incremental_low, incremental_high
        What contacts added to the rate, with its 95 % interval, campaign by campaign; None without
        a control group. As in the tables, of clients with a score alone, so that like is compared
        with like.
    control_contacts, control_rate
        Of the control groups of campaigns that contacted others, weighed as `incremental` is.
    without_control
        Contacts of campaigns without a control group, which `incremental` knows nothing of.
    unscored, unscored_control
        Contacts with clients without a score, which are in the totals alone, and clients without a
        score of control groups, who are nowhere.
    answers
        What became of the rows of `responses`: `read` is the sum of `attributed`, `control`,
        `outside_window`, `not_contacted` and `incomplete`. Empty without such a table.
    cells, groups, segments
        One row each, in the order of the score; the columns are those of `response`. Empty where
        the scores lack the columns.
    depth
        Cells (or groups, where there are no cells) by the rate that they are `expected` to bring
        (shrunk, or incremental), the best first: `key`, `contacts`, `responses`, and cumulative
        `share` of the contacts and `caught` of the responses (or of what contacts added, which
        passes 1 where the last places lose answers); with cost and margin `profit`, cumulative, and
        `best`, true at the best depth.
    break_even
        The rate at which a contact pays for itself; None without cost and margin.
    strengths
        By level, how many contacts the neighbours of a place count for.
    cell_form
        How cells are written.
    """

    kind: str
    contacts: int
    responses: int
    rate: float
    control_rate: float | None
    unscored: int
    cells: pl.DataFrame
    groups: pl.DataFrame
    segments: pl.DataFrame
    depth: pl.DataFrame
    break_even: float | None = None
    strengths: Mapping[str, float] = field(default_factory=dict)
    incremental: float | None = None
    incremental_low: float | None = None
    incremental_high: float | None = None
    control_contacts: int = 0
    without_control: int = 0
    unscored_control: int = 0
    answers: Mapping[str, int] = field(default_factory=dict)
    cell_form: CellForm = field(default_factory=CellForm)

    @property
    def table(self) -> pl.DataFrame:
        """All levels below each other: `level`, `key` (text), and the columns of `response`."""
        check_process()
        parts = []
        for level, frame in zip(LEVELS, (self.cells, self.groups, self.segments), strict=True):
            if frame.height:
                key = pl.col(level).cast(pl.String).alias("key")
                parts.append(frame.select(pl.lit(level).alias("level"), key, pl.exclude(level)))
        return pl.concat(parts)

    @panics_as_errors()
    def calibrate(self, scores: Any, *, by: Level = "cell") -> pl.DataFrame:
        """Give each client the response probability of their cell, group or segment.

        The same as `grc_fast.calibrate(report, scores, by=by)`.
        """
        one_of("by", by, LEVELS)
        return probabilities(
            {"cell": self.cells, "group": self.groups, "segment": self.segments}[by],
            scores,
            by=by,
            form=self.cell_form,
            rate=self.rate,
            incremental=self.incremental,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the report in types that JSON knows."""
        return {
            "kind": self.kind,
            "contacts": self.contacts,
            "responses": self.responses,
            "raw_rate": self.rate,
            "incremental": self.incremental,
            "incremental_low": self.incremental_low,
            "incremental_high": self.incremental_high,
            "control_contacts": self.control_contacts,
            "control_rate": self.control_rate,
            "without_control": self.without_control,
            "unscored": self.unscored,
            "unscored_control": self.unscored_control,
            "answers": dict(self.answers),
            "break_even": self.break_even,
            "prior_contacts": dict(self.strengths),
            "table": self.table.to_dicts(),
            "depth": self.depth.to_dicts(),
        }

    def _figure(self) -> Any:
        added = self.kind == "incremental" and self.incremental is not None
        return response_figure(
            next(table for table in (self.groups, self.segments, self.cells) if table.height),
            self.depth,
            kind=self.kind,
            whole=cast(float, self.incremental) if added else self.rate,
            break_even=self.break_even,
        )

    def __str__(self) -> str:
        counts = f"{self.contacts:,} contacts, {self.responses:,} responses"
        lines = [f"{counts}: {self.rate:.2%} ({RAW})"]
        if self.incremental is not None:
            span = f"{self.incremental_low:+.2%} to {self.incremental_high:+.2%}"
            lines.append(
                f"incremental: {self.incremental:+.2%} (95 % interval {span}), against "
                f"{self.control_contacts:,} control contacts: {self.control_rate:.2%}"
            )
            if self.without_control:
                lines.append(
                    f"contacts of campaigns without a control group: {self.without_control:,}"
                )
        if self.answers:
            parts = [f"{self.answers[name]:,} {said}" for name, said in _ANSWERS.items()]
            lines.append(f"answers read: {self.answers['read']:,}: {', '.join(parts)}")
        if self.unscored:
            lines.append(f"contacts with clients without a score: {self.unscored:,}")
        if self.unscored_control:
            lines.append(
                f"clients of control groups without a score, left out: {self.unscored_control:,}"
            )
        if self.break_even is not None:
            lines.append(f"break-even: {self.break_even:.3%}")
        return "\n".join(lines)


@panics_as_errors()
def response(
    scores: Any,
    campaigns: Any,
    *,
    responses: Any = None,
    window: str | None = None,
    overlap: Overlap = "last",
    cost: float | None = None,
    margin: float | None = None,
) -> ResponseReport:
    """Say who answered past campaigns, by RFM cell, group and segment.

    Parameters
    ----------
    scores
        A table, here and below, or the path of its file: `client_id` and any of `r`, `f` and `m`;
        `group`; `segment`: the scores of `score_rfm`. With a column `campaign` (as
        `score_before_campaigns` gives) each contact gets the score of its campaign, else all get
        the same: scores that know what came after flatter the rates.
    campaigns
        One row a contact: `client_id`, `campaign`, `contacted_on` (days), `responded` (true or
        false; not with `responses`), and where there are, `spend` (money) and `control` (true for
        clients who were chosen and then left alone, `contacted_on` being the day they were not).
    responses
        Answers to be attributed, instead of `responded`: `client_id`, `date`, and where there are,
        `spend` and `campaign`.
    window
        With `responses`: how long after a contact an answer counts, both ends included: `30d`.
    overlap
        With `responses` that name no campaign, where windows overlap: an answer goes to the `last`
        contact before it, to the `first`, or to `all` of them; elsewhere it cannot be given.
        Clients of a control group were not contacted: they take no answer from a campaign, and any
        answer in their window counts.
    cost, margin
        Of a contact, and on a sale, in money: for the break-even and the profit.

    Returns
    -------
    ResponseReport
        For each cell, group and segment: `contacts`, `responses`, `rate` as observed; `shrunk`, the
        rate moved towards that of its neighbours, with its 95 % interval `low` to `high`; `lift`
        = shrunk / the rate of all; where money is known, `spend` a contact. These are raw rates:
        clients who would have bought anyway count.

        Where campaigns have a control group, and from these campaigns alone: `control_contacts`,
        `control_rate`, `difference` as observed, campaign by campaign (Mantel-Haenszel), and
        `incremental`, what contacts add: the difference moved towards that of all places, with its
        95 % interval `incremental_low` to `incremental_high`. A place without a control group gets
        it from the others.

        With cost and margin, the break-even `index`. `kind` says what index and depth rest on:
        `incremental` on that, `raw, not incremental` on `shrunk`.

    Raises
    ------
    ColumnError, DataError, OptionError
        If a column is missing or of a wrong type, ids never meet, there is no contact, a client is
        both contacted and control, or an option is wrong.

    Notes
    -----
    Neighbours of a cell are those whose digits differ by 1 at most, those of a group the two beside
    it, those of a segment all others. How much they count is learnt from how alike they are
    (empirical Bayes, Morris 1983); so is how much all places count for what contacts add at one.
    A contact, not a client, is the unit: one of several campaigns counts several times.

    Examples
    --------
    >>> import datetime as dt
    >>> import grc_fast as grc
    >>> import polars as pl
    >>> scores = pl.DataFrame({"client_id": range(200), "group": [1] * 100 + [2] * 100})
    >>> mailing = pl.DataFrame(
    ...     {
    ...         "client_id": range(200),
    ...         "campaign": ["spring"] * 200,
    ...         "contacted_on": [dt.date(2026, 3, 1)] * 200,
    ...         "responded": [i % 10 == 0 for i in range(100)] + [i % 50 == 0 for i in range(100)],
    ...     }
    ... )
    >>> report = grc.response(scores, mailing, cost=0.55, margin=40)
    >>> report.groups["rate"].to_list(), report.kind
    ([0.1, 0.02], 'raw, not incremental')
    """
    money, even = _money(cost, margin)
    tables = _tables(scores, campaigns, responses)
    known = contacts_of(tables[CAMPAIGNS], tables.get(RESPONSES), window=window, overlap=overlap)
    contacts = known.frame
    treated = contacts.filter(~pl.col("control"))
    if treated.is_empty():
        raise DataError(f"{CAMPAIGNS} has no contact, so there is no rate")
    form = cell_form(tables[SCORES])
    scored = _scored(tables[SCORES], contacts, form)
    placed = scored.filter("scored")
    if placed.filter(~pl.col("control")).is_empty():
        raise DataError(_apart(tables[SCORES], treated))
    responded = int(treated["responded"].sum())
    rate = responded / treated.height
    levels, strengths = {}, {}
    for level in LEVELS:
        levels[level], strengths[level] = level_table(placed, level, form.digits, rate, money)
    best = next(level for level in LEVELS if levels[level].height)
    depth = depth_table(levels[best], best, money)
    return ResponseReport(
        kind=depth["kind"][0],
        contacts=treated.height,
        responses=responded,
        rate=rate,
        unscored=int((~scored["scored"] & ~scored["control"]).sum()),
        unscored_control=int((~scored["scored"] & scored["control"]).sum()),
        cells=levels["cell"],
        groups=levels["group"],
        segments=levels["segment"],
        depth=depth,
        break_even=even,
        strengths={level: found for level, found in strengths.items() if found},
        cell_form=form,
        answers=known.answers,
        **_control(placed),
    )


@panics_as_errors()
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
    return report.calibrate(scores, by=by)


def _tables(scores: Any, campaigns: Any, responses: Any) -> dict[str, pl.DataFrame]:
    """Take the tables, with ids that can meet."""
    given: dict[str, tuple[Any, tuple[str, ...]]] = {
        SCORES: (scores, ("client_id",)),
        CAMPAIGNS: (campaigns, CONTACT),
    }
    if responses is not None:
        given[RESPONSES] = (responses, ("client_id", "date"))
    return frames_of(given)


def _apart(scores: pl.DataFrame, treated: pl.DataFrame) -> str:
    """Say that no contact has a score, with an example of either side."""
    by = ["client_id", "campaign"] if "campaign" in scores.columns else ["client_id"]
    known = scores.drop_nulls(by).sort(by)
    if known.is_empty():
        return f"no contact is with a client who has a score: {SCORES} has no client"
    if treated.join(known, on=by, how="semi").height:
        return f"no contact is with a client who has a score: {SCORES} has nulls where one would be"
    asked, other = (
        " of the campaign ".join(repr(value) for value in frame.select(by).row(0))
        for frame in (treated, known)
    )
    return (
        f"no contact is with a client who has a score (the first contact is with {asked}, the "
        f"first score of {other}): {' and '.join(by)} must be written alike in both"
    )


def _control(placed: pl.DataFrame) -> dict[str, Any]:
    """Return what contacts added over all campaigns that left some clients alone.

    Of clients with a score, as in the tables: those without one are of another kind.
    """
    both = with_both_arms(placed)
    campaigns: list[Stratum] = strata(both)
    found: Shrunk | None = overall(campaigns)
    sides = arms((), campaigns)
    treated = int((~placed["control"]).sum())
    return {
        "incremental": None if found is None else found.rate,
        "incremental_low": None if found is None else found.low,
        "incremental_high": None if found is None else found.high,
        "control_contacts": sides.control_contacts,
        "control_rate": sides.control_rate,
        "without_control": treated - int((~both["control"]).sum()),
    }


def _scored(scores: pl.DataFrame, contacts: pl.DataFrame, form: CellForm) -> pl.DataFrame:
    """Give each contact the place of its client, at its campaign if scores tell."""
    by = ["client_id", "campaign"] if "campaign" in scores.columns else ["client_id"]
    found = {level: place(scores, level, form) for level in LEVELS}
    known = [places for places in found.values() if places is not None]
    if not known:
        raise ColumnError(
            f"{SCORES} has none of r, f, m, group and segment: give the scores of score_rfm"
        )
    if scores.select(by).is_duplicated().any():
        raise DataError(f"{SCORES} has two rows for one {' and '.join(by)}: keep one")
    digits = [whole(scores, name, SCORES).cast(pl.Int64) for name in DIGITS if name in form.digits]
    keys = scores.select(
        *by,
        *digits,
        *known,
        scored=pl.any_horizontal([pl.lit(places.is_not_null()) for places in known]),
    )
    joined = contacts.join(keys, on=by, how="left", maintain_order="left")
    return joined.with_columns(pl.col("scored").fill_null(value=False))


def _money(cost: float | None, margin: float | None) -> tuple[Money | None, float | None]:
    if (cost is None) != (margin is None):
        raise OptionError("cost and margin go together: give both, or neither")
    if cost is None or margin is None:
        return None, None
    return Money(cost, margin), break_even(cost=cost, margin=margin)
