"""Response rates by RFM cell, group and segment, and what they say about the next campaign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Unpack, cast, get_args

import numpy as np
import polars as pl

from grc_fast._typing import Lang
from grc_fast._utils.checks import one_of
from grc_fast._utils.panics import panics_as_errors
from grc_fast._utils.processes import check_process
from grc_fast.campaigns.attribution import Overlap, contacts_of
from grc_fast.campaigns.balance import balance_table, phrase_of_balance
from grc_fast.campaigns.break_even import Money, break_even
from grc_fast.campaigns.calibration import Unreached, probabilities
from grc_fast.campaigns.campaign_files import (
    CampaignColumns,
    CampaignReading,
    campaigns_table,
    responses_table,
    scores_table,
)
from grc_fast.campaigns.cell_keys import (
    DIGITS,
    LEVELS,
    CellForm,
    Level,
    cell_form,
    place,
    segment_names,
)
from grc_fast.campaigns.depth import depth_table, judged_profit
from grc_fast.campaigns.empirical_bayes import Shrunk
from grc_fast.campaigns.levels import Level as Places
from grc_fast.campaigns.panel import Panel
from grc_fast.campaigns.rate_tables import LevelTable, expected_column, level_table
from grc_fast.campaigns.score_interval import answers_added, money_added
from grc_fast.campaigns.strata import sides
from grc_fast.campaigns.tables import CAMPAIGNS, RESPONSES, SCORES
from grc_fast.errors import ColumnError, DataError, OptionError
from grc_fast.io.ids import with_common_ids
from grc_fast.io.small_tables import is_path, meeting, whole
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase, Phrases
from grc_fast.labels.table import paragraphs
from grc_fast.labels.written_frame import written_frame
from grc_fast.report.report_file import ReportFile
from grc_fast.rfm.rfm import RFMResult
from grc_fast.rfm.segments.table import SegmentTable

# What became of answers, in the words of the report.
_ANSWERS = ("attributed", "control", "outside_window", "not_contacted", "incomplete")


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
    clients, control_clients
        Different clients among the contacts, and among those left alone.
    incremental, incremental_low, incremental_high
        What contacts added to the rate, with its 95 % interval, compared within each campaign and
        cell (group, segment); None without a control group. As in the tables, of clients with a
        score alone, so that like is compared with like.
    incremental_spend, incremental_spend_low, incremental_spend_high
        What a contact added to the spend, in money, with its 95 % interval; None without a control
        group or without money.
    control_contacts, control_rate
        Of the control groups of campaigns that contacted others, weighed as `incremental` is.
    without_control
        Contacts of campaigns without a control group, which `incremental` knows nothing of.
    uncompared
        Contacts of the other campaigns in whose cell nobody was left alone: nor does it of these.
    balance
        The share of each control group by campaign and group (segment, cell): the columns are those
        of `balance_table`. Empty without a control group.
    unscored, unscored_control
        Contacts with clients without a score, which are in the totals alone, and clients without a
        score of control groups, who are nowhere.
    answers
        What became of the rows of `responses`: `read` is the sum of `attributed`, `control`,
        `outside_window`, `not_contacted` and `incomplete`. Empty without such a table.
    cells, groups, segments, campaigns
        One row each, in the order of the score; the columns are those of `response`. Empty where
        the scores lack the columns.
    depth
        Cells (or groups, where there are no cells) by the rate that they are `expected` to bring
        (shrunk, or incremental), the best first: `key`, `contacts`, `responses`, and cumulative
        `share` of the contacts and `caught` of the responses (or of what contacts added, which
        passes 1 where the last places lose answers); with cost and margin `profit`, cumulative, as
        those rates promise it, and `best`, true at the best depth.
    profit, profit_low, profit_high
        What mailing to the best depth brings to clients who did not choose it (cross-fitting), with
        its 90 % interval; None without cost and margin.
    break_even
        The rate at which a contact pays for itself; None without cost and margin.
    strengths
        By level, how many contacts the neighbours of a place count for.
    cell_form
        How cells are written.
    segment_names
        Names of segments by label.
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
    campaigns: pl.DataFrame
    depth: pl.DataFrame
    break_even: float | None = None
    strengths: Mapping[str, float] = field(default_factory=dict)
    incremental: float | None = None
    incremental_low: float | None = None
    incremental_high: float | None = None
    incremental_spend: float | None = None
    incremental_spend_low: float | None = None
    incremental_spend_high: float | None = None
    profit: float | None = None
    profit_low: float | None = None
    profit_high: float | None = None
    clients: int = 0
    control_clients: int = 0
    control_contacts: int = 0
    without_control: int = 0
    uncompared: int = 0
    balance: pl.DataFrame = field(default_factory=pl.DataFrame)
    unscored_control: int = 0
    answers: Mapping[str, int] = field(default_factory=dict)
    cell_form: CellForm = field(default_factory=CellForm)
    segment_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def table(self) -> pl.DataFrame:
        """All levels below each other: `level`, `key` (text), and the columns of `response`.

        Campaigns are among them where there are several.
        """
        check_process()
        parts = []
        several = self.campaigns if self.campaigns.height > 1 else pl.DataFrame()
        frames = (self.cells, self.groups, self.segments, several)
        for level, frame in zip((*LEVELS, "campaign"), frames, strict=True):
            if frame.height:
                key = pl.col(level).cast(pl.String).alias("key")
                parts.append(frame.select(pl.lit(level).alias("level"), key, pl.exclude(level)))
        return pl.concat(parts)

    @panics_as_errors()
    def calibrate(
        self,
        scores: Any,
        *,
        by: Level = "cell",
        unreached: Unreached = "error",
        **reading: Unpack[CampaignReading],
    ) -> pl.DataFrame:
        """Give each client the response probability of their cell, group or segment.

        The same as `grc_fast.calibrate(report, scores, by=by, unreached=unreached)`.
        """
        one_of("by", by, LEVELS)
        one_of("unreached", unreached, get_args(Unreached))
        return probabilities(
            {"cell": self.cells, "group": self.groups, "segment": self.segments}[by],
            _scores_of_clients(scores, CampaignColumns.of(reading)),
            by=by,
            form=self.cell_form,
            names=self.segment_names,
            unreached=unreached,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the report in types that JSON knows."""
        return {
            "kind": self.kind,
            "contacts": self.contacts,
            "clients": self.clients,
            "responses": self.responses,
            "raw_rate": self.rate,
            "incremental": self.incremental,
            "incremental_low": self.incremental_low,
            "incremental_high": self.incremental_high,
            "incremental_spend": self.incremental_spend,
            "incremental_spend_low": self.incremental_spend_low,
            "incremental_spend_high": self.incremental_spend_high,
            "profit": self.profit,
            "profit_low": self.profit_low,
            "profit_high": self.profit_high,
            "control_clients": self.control_clients,
            "control_contacts": self.control_contacts,
            "control_rate": self.control_rate,
            "without_control": self.without_control,
            "uncompared": self.uncompared,
            "unscored": self.unscored,
            "unscored_control": self.unscored_control,
            "answers": dict(self.answers),
            "break_even": self.break_even,
            "prior_contacts": dict(self.strengths),
            "table": self.table.to_dicts(),
            "depth": self.depth.to_dicts(),
            "balance": self.balance.to_dicts(),
        }

    def _chart(self, lang: Lang) -> Any:
        from grc_fast.campaigns.response_chart import response_chart

        added = self.kind == "incremental" and self.incremental is not None
        return response_chart(
            self._shown,
            self.depth,
            lang,
            added=added,
            whole=cast(float, self.incremental) if added else self.rate,
            break_even=self.break_even,
        )

    def _repr_html_(self) -> str:
        return paragraphs(self.said(self.lang)) + written_frame(self._shown, self.lang).html()

    @property
    def _shown(self) -> pl.DataFrame:
        """The rates that a reader looks at first."""
        return next(table for table in (self.groups, self.segments, self.cells) if table.height)

    def __str__(self) -> str:
        return self.said("en")

    def said(self, lang: str) -> str:
        """Return the rates of all, what contacts added, and how deep to go, a line each."""
        lines: list[Wording] = [
            Phrase(
                "response.rate",
                contacts=self._counted("contacts", self.contacts, self.clients),
                responses=self.responses,
                rate=self.rate,
            ),
            *self._said_of_control(),
        ]
        if self.answers:
            parts = [Phrase(f"response.{name}", answers=self.answers[name]) for name in _ANSWERS]
            read = self.answers["read"]
            lines.append(Phrase("response.answers", read=read, parts=Phrases(parts)))
        if self.unscored:
            lines.append(Phrase("response.unscored", contacts=self.unscored))
        if self.unscored_control:
            lines.append(Phrase("response.unscored_control", clients=self.unscored_control))
        if self.break_even is not None:
            lines.append(Phrase("response.break_even", rate=self.break_even))
            lines += self._said_of_depth()
        return "\n".join(line.said(lang) for line in lines)

    def _counted(self, what: str, contacts: int | None, clients: int | None) -> Wording:
        """Say how many contacts there are, and with how many clients if these are fewer."""
        if clients is not None and contacts is not None and clients < contacts:
            return Phrase(f"response.{what}_with", contacts=contacts, clients=clients)
        return Phrase(f"response.{what}", contacts=contacts)

    def _said_of_control(self) -> list[Wording]:
        """Say what contacts added."""
        if self.incremental is None:
            return []
        added = Phrase(
            "response.added",
            rate=self.incremental,
            low=self.incremental_low,
            high=self.incremental_high,
            held=self._counted("control_contacts", self.control_contacts, self.control_clients),
            control_rate=self.control_rate,
        )
        lines: list[Wording] = [added]
        if self.incremental_spend is not None:
            low, high = self.incremental_spend_low, self.incremental_spend_high
            lines.append(
                Phrase("response.added_spend", spend=self.incremental_spend, low=low, high=high)
            )
        if self.without_control:
            lines.append(Phrase("response.without_control", contacts=self.without_control))
        if self.uncompared:
            lines.append(Phrase("response.uncompared", contacts=self.uncompared))
        balance = phrase_of_balance(self.balance, self._balanced) if self.balance.height else None
        return [*lines, *([balance] if balance else [])]

    def _said_of_depth(self) -> list[Wording]:
        """Say how deep to mail, and what it brings."""
        best = self.depth.filter("best")
        lines: list[Wording] = [
            Phrase("response.no_depth")
            if best.is_empty()
            else Phrase("response.best_depth", share=best["share"][0])
        ]
        if self.profit is not None:
            low, high = self.profit_low, self.profit_high
            lines.append(Phrase("response.profit", profit=self.profit, low=low, high=high))
        return lines

    @property
    def _balanced(self) -> str:
        """The level of the balance."""
        frames = {"group": self.groups, "segment": self.segments, "cell": self.cells}
        return next(level for level, frame in frames.items() if frame.height)


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
    **reading: Unpack[CampaignReading],
) -> ResponseReport:
    """Say who answered past campaigns, by RFM cell, group and segment.

    Parameters
    ----------
    scores
        What `score_rfm` gives, or a table, here and below, or the path of its file: `client_id` and
        any of `r`, `f` and `m`; `group`; `segment`. With a column `campaign` (as
        `score_before_campaigns` gives) each contact gets the score of its campaign, else all get
        the same: scores that know what came after flatter the rates.
    campaigns
        One row a contact: `client_id`, `campaign`, `contacted_on` (days), `responded` (true or
        false, 1 or 0, yes or no, oui or non; not with `responses`), and where there are, `spend`
        (money) and `control` (true for clients who were chosen and then left alone, `contacted_on`
        being the day they were not).
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
    **reading
        Columns that have other names: `client`, `campaign`, `contacted`, `responded`, `control` and
        `spend`, and of the responses `answered`. And how text files, and dates that are text, are
        written: `encoding`, `separator`, `decimal`, `thousands`, `date_format`, `null_values`,
        `skip_rows`, `sheet`, as for `grc_fast.facts`.

    Returns
    -------
    ResponseReport
        For each cell, group, segment and campaign: `contacts`, `responses`, `clients` (different
        ones); `rate` as observed; `shrunk`, the rate moved towards that of its neighbours, with its
        95 % interval `low` to `high`; `lift` = shrunk / the rate of all; where money is known,
        `spend` a contact. These are raw rates: clients who would have bought anyway count.

        Where campaigns have a control group, and from these campaigns alone: `control_contacts`,
        `control_rate`, `difference` as observed, within each campaign and cell (Mantel-Haenszel),
        and `incremental`, what contacts add: the difference moved towards a line in the score, with
        its 95 % interval `incremental_low` to `incremental_high`; where money is known,
        `incremental_spend`, what they add to the spend of a contact, likewise. A place without a
        control group gets it from the others.

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
    it, those of a segment or campaign all others. How much they count is learnt from how alike they
    are (empirical Bayes, Morris 1983); so is how much the line counts for what contacts add at one
    place: its score is the sum of the digits, or else the group.

    Contacts of one client are alike, so intervals take the client for the unit: whoever is in
    several campaigns, or in the control group of several, tells less than as many different clients
    would (variance clustered by client).

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
    columns = CampaignColumns.of(reading)
    tables = _tables(scores, campaigns, responses, columns)
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
    panel = Panel.of(placed)
    levels = {
        name: level_table(panel, name, form.digits, rate, money) for name in (*LEVELS, "campaign")
    }
    best = next(found for found in levels.values() if found.table.height)
    return ResponseReport(
        kind=best.table["kind"][0],
        contacts=treated.height,
        clients=treated["client_id"].n_unique(),
        responses=responded,
        rate=rate,
        unscored=int((~scored["scored"] & ~scored["control"]).sum()),
        unscored_control=int((~scored["scored"] & scored["control"]).sum()),
        cells=levels["cell"].table,
        groups=levels["group"].table,
        segments=levels["segment"].table,
        campaigns=levels["campaign"].table,
        break_even=even,
        strengths={name: found.strength for name, found in levels.items() if found.strength},
        cell_form=form,
        answers=known.answers,
        segment_names=segment_names(*_tables_of_segments(scores)),
        **_depth(panel, best, money),
        **_control(panel, levels),
    )


@panics_as_errors()
def calibrate(
    report: ResponseReport,
    scores: Any,
    *,
    by: Level = "cell",
    unreached: Unreached = "error",
    **reading: Unpack[CampaignReading],
) -> pl.DataFrame:
    """Give each client the response probability that past campaigns promise.

    Parameters
    ----------
    report
        Of past campaigns.
    scores
        What `score_rfm` gives, or a table or file of `client_id` and the digits, the `group` or the
        `segment`: the clients of the next one. Segments may be in any language.
    by
        `cell`, `group` or `segment`.
    unreached
        What becomes of clients whose place no past campaign reached: an `error`, or `null`.
    **reading
        `client`, and how text files are written, as for `response`.

    Returns
    -------
    polars.DataFrame
        `client_id`, `probability`, `low`, `high` (Float64), `kind` (`incremental` where the report
        has a control group: what a contact adds, not below 0; else `raw, not incremental`) and
        `basis`: `cell`, `group` or `segment`, whose probability it is. A client without a score, or
        with `unreached="null"` of a place that no campaign reached, has nulls.

    Raises
    ------
    ColumnError
        If the scores, or the report, lack that level.
    DataError
        If a client has two rows, stands where no past campaign reached anybody, or has a digit
        larger than any of the scores that the report was made of (5 bins are not 10).

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
    return report.calibrate(scores, by=by, unreached=unreached, **reading)


def _tables(
    scores: Any, campaigns: Any, responses: Any, columns: CampaignColumns
) -> dict[str, pl.DataFrame]:
    """Take the tables, with ids that can meet."""
    given = {
        SCORES: scores_table(scores, columns),
        CAMPAIGNS: campaigns_table(campaigns, columns),
    }
    if responses is not None:
        given[RESPONSES] = responses_table(responses, columns)
    return meeting(given, from_files=any(map(is_path, (scores, campaigns, responses))))


def _scores_of_clients(scores: Any, columns: CampaignColumns) -> pl.DataFrame:
    """Take the scores of the next campaign; ids of a file that are integers are so."""
    table = scores_table(scores, columns)
    return with_common_ids(table)[0] if is_path(scores) else table


def _tables_of_segments(scores: Any) -> list[SegmentTable]:
    """Return the segment table of a result, whose labels are known in every language."""
    return [scores.model.rfm.table] if isinstance(scores, RFMResult) else []


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


def _depth(panel: Panel, best: LevelTable, money: Money | None) -> dict[str, Any]:
    """Return how deep to mail, and what clients who did not choose the depth say it brings."""
    level = cast(Places, best.level)
    depth = depth_table(best.table, level.name, expected_column(best.table), money)
    if money is None:
        return {"depth": depth}
    found = judged_profit(panel, level, money, incremental=best.incremental)
    if found is None:
        return {"depth": depth}
    return {
        "depth": depth,
        "profit": found.profit,
        "profit_low": found.low,
        "profit_high": found.high,
    }


def _control(panel: Panel, levels: Mapping[str, LevelTable]) -> dict[str, Any]:
    """Return what contacts added over all campaigns that left some clients alone.

    Of clients with a score, as in the tables: those without one are of another kind.
    """
    answers = panel.answers
    found = answers_added(answers, panel.repeats_of_answers)
    controls = panel.strata.select("campaign", held=pl.Series(answers.control_contacts))
    held = controls.select((pl.col("held").sum() > 0).over("campaign")).to_series().to_numpy()
    alone = answers.weight == 0
    counts = {
        "without_control": int(answers.contacts[~held].sum()),
        "uncompared": int(answers.contacts[held & alone].sum()),
        "control_contacts": int(answers.control_contacts.sum()),
        "control_clients": len(np.unique(panel.clients.code[~panel.treated])),
        "control_rate": None,
    }
    if found is None:
        return counts
    together = sides(answers, np.zeros(len(alone), dtype=np.int64), 1)
    level = next(name for name in ("group", "segment", "cell") if levels[name].table.height)
    added = {
        "incremental": found.rate,
        "incremental_low": found.low,
        "incremental_high": found.high,
        "control_rate": float(together.control_mean[0]),
        "balance": balance_table(panel.contacts, level),
    }
    if panel.money is not None and panel.squares.any():
        money = cast(Shrunk, money_added(panel.money, panel.squares, panel.repeats_of_money))
        added |= {
            "incremental_spend": money.rate,
            "incremental_spend_low": money.low,
            "incremental_spend_high": money.high,
        }
    return counts | added


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
