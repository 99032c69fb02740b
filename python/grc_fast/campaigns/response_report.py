"""Response rates by RFM cell, group and segment, and what they say about the next campaign."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import polars as pl

from grc_fast.errors import ColumnError, DataError, OptionError
from grc_fast.labels import nearest
from grc_fast.report_file import ReportFile

from .attribution import Overlap, contacts_of, frame_of
from .profitability import break_even, break_even_index
from .shrinkage import Cell, Shrunk, difference, shrink

Level = Literal["cell", "group", "segment"]

RAW: Final = "raw, not incremental"
INCREMENTAL: Final = "incremental"

_DIGITS: Final = ("r", "f", "m")
_LEVELS: Final = ("cell", "group", "segment")


@dataclass(frozen=True)
class ResponseReport(ReportFile):
    """Who answered past campaigns.

    Attributes
    ----------
    kind
        `incremental` where some contacts were held out as a control group; else `raw, not
        incremental`: clients who would have bought anyway count as answers.
    contacts, responses, rate
        Of all contacts that are not control.
    control_rate
        Of the control group; None without one.
    unscored
        Contacts with clients without a score, which are in the totals alone.
    cells, groups, segments
        One row each, in the order of the score; the columns are those of `response`. Empty where
        the scores lack the columns.
    depth
        Cells (or groups, where there are no cells) by shrunk rate, the best first: `key`,
        `contacts`, `responses`, and cumulative `share` of the contacts and `caught` of the
        responses; with cost and margin `profit`, cumulative, and `best`, true at the best depth.
    break_even
        The rate at which a contact pays for itself; None without cost and margin.
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

    @property
    def table(self) -> pl.DataFrame:
        """All levels below each other: `level`, `key` (text), and the columns of `response`."""
        parts = []
        for level, frame in zip(_LEVELS, (self.cells, self.groups, self.segments), strict=True):
            if frame.height:
                key = pl.col(level).cast(pl.String).alias("key")
                parts.append(frame.select(pl.lit(level).alias("level"), key, pl.exclude(level)))
        return pl.concat(parts)

    def calibrate(self, scores: Any, *, by: Level = "cell") -> pl.DataFrame:
        """Give each client the response probability of their cell, group or segment.

        The same as `grc_fast.calibrate(report, scores, by=by)`.
        """
        return calibrate(self, scores, by=by)

    def to_dict(self) -> dict[str, Any]:
        """Return the report in types that JSON knows."""
        return {
            "kind": self.kind,
            "contacts": self.contacts,
            "responses": self.responses,
            "rate": self.rate,
            "control_rate": self.control_rate,
            "unscored": self.unscored,
            "break_even": self.break_even,
            "prior_contacts": dict(self.strengths),
            "table": self.table.to_dicts(),
            "depth": self.depth.with_columns(pl.col("key").cast(pl.String)).to_dicts(),
        }

    def _figure(self) -> Any:
        from grc_fast.charts import response_figure

        return response_figure(self)

    def __str__(self) -> str:
        counts = f"{self.contacts:,} contacts, {self.responses:,} responses"
        lines = [f"{counts}: {self.rate:.2%} ({self.kind})"]
        if self.control_rate is not None:
            lines.append(f"control group: {self.control_rate:.2%}")
        if self.unscored:
            lines.append(f"contacts with clients without a score: {self.unscored:,}")
        if self.break_even is not None:
            lines.append(f"break-even: {self.break_even:.3%}")
        return "\n".join(lines)


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
        `client_id` and any of `r`, `f` and `m`; `group`; `segment`: the scores of `score_rfm`. With
        a column `campaign` (as `score_before_campaigns` gives) each contact gets the score of its
        campaign, else all get the same: scores that know what came after flatter the rates.
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
        contact before it, to the `first`, or to `all` of them.
    cost, margin
        Of a contact, and on a sale, in money: for the break-even and the profit.

    Returns
    -------
    ResponseReport
        For each cell, group and segment: `contacts`, `responses`, `rate` as observed; `shrunk`, the
        rate moved towards that of its neighbours, with its 95 % interval `low` to `high`; `lift`
        = shrunk / the rate of all; where money is known, `spend` a contact; with cost and margin,
        the break-even `index` of the shrunk rate; with a control group, `control_contacts`,
        `control_rate`, `incremental` = rate − control rate and its 95 % interval
        `incremental_low` to `incremental_high`.

    Raises
    ------
    ColumnError, DataError, OptionError
        If a column is missing or of a wrong type, there is no contact, or an option is wrong.

    Notes
    -----
    Neighbours of a cell are those whose digits differ by 1 at most, those of a group the two beside
    it, those of a segment all others. How much they count is learnt from how alike they are
    (empirical Bayes). A contact, not a client, is the unit: one
    of several campaigns counts several times.

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
    even = _break_even(cost, margin)
    contacts = contacts_of(campaigns, responses, window=window, overlap=overlap)
    treated = contacts.filter(~pl.col("control"))
    if treated.is_empty():
        raise DataError("the table of campaigns has no contact, so there is no rate")
    scored = _scored(scores, contacts)
    known = scored.filter(pl.col("scored"))
    if known.filter(~pl.col("control")).is_empty():
        raise DataError(
            "no contact is with a client who has a score: client_id must be the same ids"
        )
    held = contacts.filter("control")
    total = int(treated["responded"].sum())
    rate = total / treated.height
    money = None if cost is None or margin is None else (cost, margin)
    tables, strengths = {}, {}
    for level in _LEVELS:
        tables[level], strengths[level] = _level(known, level, rate, money)
    best = "cell" if tables["cell"].height else "group" if tables["group"].height else "segment"
    return ResponseReport(
        kind=INCREMENTAL if held.height else RAW,
        contacts=treated.height,
        responses=total,
        rate=rate,
        control_rate=int(held["responded"].sum()) / held.height if held.height else None,
        unscored=int((~scored["scored"] & ~scored["control"]).sum()),
        cells=tables["cell"],
        groups=tables["group"],
        segments=tables["segment"],
        depth=_depth(tables[best], best, money),
        break_even=even,
        strengths={level: found for level, found in strengths.items() if found},
    )


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
        `client_id`, `probability`, `low`, `high` (Float64) and `kind` (`incremental` where the
        report has a control group: what a contact adds, not below 0; else `raw, not incremental`).
        A place that no campaign touched has the rate of all as `probability`, without an interval;
        a client without a score has nulls.

    Raises
    ------
    ColumnError
        If the scores, or the report, lack that level.

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
    if by not in _LEVELS:
        raise OptionError(f"by cannot be {by!r}{nearest(by, _LEVELS)}")
    table = {"cell": report.cells, "group": report.groups, "segment": report.segments}[by]
    if table.is_empty():
        raise ColumnError(f"the report has no {by}: the scores that it was made of had none")
    frame = frame_of(scores, "the table of scores", ("client_id",))
    key = _key(frame, by)
    if key is None:
        raise ColumnError(f"the table of scores has no {by}: it takes {_columns_of(by)}")
    incremental = report.kind == INCREMENTAL
    names = ("incremental", "incremental_low", "incremental_high") if incremental else (
        "shrunk", "low", "high"
    )  # fmt: skip
    rates = table.select(
        pl.col(by).cast(pl.String).alias("key"),
        *(
            pl.col(name).clip(0, 1).alias(as_name)
            for name, as_name in zip(names, ("probability", "low", "high"), strict=True)
        ),
    )
    base = report.rate - (report.control_rate or 0.0)
    return (
        frame.select("client_id", key=key.cast(pl.String))
        .join(rates, on="key", how="left", maintain_order="left")
        .select(
            "client_id",
            pl.when(pl.col("key").is_not_null()).then(
                pl.col("probability").fill_null(max(base, 0.0))
            ),
            "low",
            "high",
            kind=pl.lit(report.kind),
        )
    )


# -- what is counted -------------------------------------------------------------------------


def _scored(scores: Any, contacts: pl.DataFrame) -> pl.DataFrame:
    """Give each contact the score of its client, at its campaign if scores tell."""
    title = "the table of scores"
    frame = frame_of(scores, title, ("client_id",))
    by = ["client_id", "campaign"] if "campaign" in frame.columns else ["client_id"]
    levels = {level: _key(frame, level) for level in _LEVELS}
    known = {level: key for level, key in levels.items() if key is not None}
    if not known:
        raise ColumnError(
            f"{title} has none of r, f, m, group and segment: give the scores of score_rfm"
        )
    if frame.select(by).is_duplicated().any():
        raise DataError(f"{title} has two rows for one {' and '.join(by)}: keep one")
    digits = [name for name in _DIGITS if name in frame.columns]
    some = pl.any_horizontal(key.is_not_null() for key in known.values())
    keys = frame.select(
        *by,
        *(pl.col(name).cast(pl.Int64).alias(f"digit_{name}") for name in digits),
        *(key.alias(level) for level, key in known.items()),
        scored=some,
    )
    try:
        joined = contacts.join(keys, on=by, how="left", maintain_order="left")
    except pl.exceptions.PolarsError as error:
        raise ColumnError(
            f"the ids of {title} and of the table of campaigns differ in type: cast one of them"
        ) from error
    return joined.with_columns(pl.col("scored").fill_null(value=False))


def _columns_of(level: str) -> str:
    return "some of r, f and m" if level == "cell" else f"the column {level!r}"


def _key(frame: pl.DataFrame, level: str) -> pl.Expr | None:
    """Return what names the place of a client at a level; None where columns are missing."""
    if level != "cell":
        return pl.col(level) if level in frame.columns else None
    digits = [name for name in _DIGITS if name in frame.columns]
    if not digits:
        return None
    separator = "" if all((frame[name].max() or 0) <= 9 for name in digits) else "-"  # type: ignore[operator]
    texts = [pl.col(name).cast(pl.String) for name in digits]
    return pl.concat_str(texts, separator=separator)


def _level(
    known: pl.DataFrame, level: str, rate: float, money: tuple[float, float] | None
) -> tuple[pl.DataFrame, float]:
    """Return the table of one level, and how many contacts its neighbours count for."""
    if level not in known.columns:
        return pl.DataFrame(), 0.0
    digits = [name for name in known.columns if name.startswith("digit_")]
    places = digits if level == "cell" else [level]
    counts = (
        known.filter(pl.col(level).is_not_null())
        .group_by(level, *(digits if level == "cell" else []))
        .agg(
            contacts=(~pl.col("control")).sum().cast(pl.Int64),
            responses=(pl.col("responded") & ~pl.col("control")).sum().cast(pl.Int64),
            control_contacts=pl.col("control").sum().cast(pl.Int64),
            control_responses=(pl.col("responded") & pl.col("control")).sum().cast(pl.Int64),
            spend=pl.when(~pl.col("control")).then(pl.col("spend")).drop_nulls().sort().sum(),
        )
        .filter(pl.col("contacts") > 0)
        .sort(places, descending=level == "cell")
    )
    if counts.is_empty():
        return pl.DataFrame(), 0.0
    ordered = level == "cell" or (level == "group" and counts[level].dtype.is_integer())
    if not ordered:
        counts = counts.with_row_index("place")
    cells = _cells(counts, places if ordered else ["place"], "contacts", "responses")
    shrunk, strength = shrink(cells, ordered=ordered)
    table = counts.select(
        level,
        pl.col("contacts", "responses").cast(pl.UInt64),
        rate=pl.col("responses") / pl.col("contacts"),
        shrunk=pl.Series([found.rate for found in shrunk]),
        low=pl.Series([found.low for found in shrunk]),
        high=pl.Series([found.high for found in shrunk]),
    ).with_columns(lift=pl.col("shrunk") / rate if rate > 0 else pl.lit(None, pl.Float64))
    if known["spend"].null_count() < known.height:
        table = table.with_columns(spend=counts["spend"] / counts["contacts"])
    if money is not None:
        indices = [break_even_index(r.rate, cost=money[0], margin=money[1]) for r in shrunk]
        table = table.with_columns(index=pl.Series(indices))
    if known["control"].any():
        table = table.with_columns(_control(counts, cells))
    return table, strength


def _cells(counts: pl.DataFrame, places: Sequence[str], contacts: str, answers: str) -> list[Cell]:
    rows = counts.select(*places, contacts, answers).iter_rows()
    return [Cell(tuple(row[:-2]), row[-2], row[-1]) for row in rows]


def _control(counts: pl.DataFrame, treated: Sequence[Cell]) -> list[pl.Series]:
    """Return the columns about the control group; null where a place has none."""
    held = _cells(counts, [], "control_contacts", "control_responses")
    added = [
        difference(cell, control) if control.contacts else None
        for cell, control in zip(treated, held, strict=True)
    ]
    rates = [cell.answers / cell.contacts if cell.contacts else None for cell in held]

    def column(name: str, take: Callable[[Shrunk], float]) -> pl.Series:
        return pl.Series(name, [None if a is None else take(a) for a in added], dtype=pl.Float64)

    return [
        counts["control_contacts"].cast(pl.UInt64),
        pl.Series("control_rate", rates, dtype=pl.Float64),
        column("incremental", lambda a: a.rate),
        column("incremental_low", lambda a: a.low),
        column("incremental_high", lambda a: a.high),
    ]


def _depth(table: pl.DataFrame, level: str, money: tuple[float, float] | None) -> pl.DataFrame:
    """Return what mailing the best places only would have caught, and brought.

    The profit is that of the shrunk rates, or, with a control group, of what contacts add: observed
    rates would pick places for their luck.
    """
    added = pl.col("incremental") if "incremental" in table.columns else pl.col("shrunk")
    ordered = table.with_columns(added=added.fill_null(0.0)).sort(
        "added", "contacts", pl.col(level).cast(pl.String), descending=[True, True, False]
    )
    depth = ordered.select(
        pl.col(level).cast(pl.String).alias("key"),
        "contacts",
        "responses",
        share=pl.col("contacts").cum_sum() / pl.col("contacts").sum(),
        caught=pl.col("responses").cum_sum()
        / pl.when(pl.col("responses").sum() > 0).then(pl.col("responses").sum()),
    )
    if money is None:
        return depth
    cost, margin = money
    gains = ordered.select(
        profit=((pl.col("added") * margin - cost) * pl.col("contacts")).cum_sum()
    )["profit"]
    best = gains.arg_max() if (gains > 0).any() else None
    return depth.with_columns(
        profit=gains, best=pl.int_range(pl.len()) == pl.lit(best)
    ).with_columns(pl.col("best").fill_null(value=False))


def _break_even(cost: float | None, margin: float | None) -> float | None:
    if (cost is None) != (margin is None):
        raise OptionError("cost and margin go together: give both, or neither")
    return None if cost is None or margin is None else break_even(cost=cost, margin=margin)
