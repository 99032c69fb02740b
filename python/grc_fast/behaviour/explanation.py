"""One client's behaviour score taken apart."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from operator import index
from typing import Any, Final, Unpack

import polars as pl

from grc_fast._typing import Instant, Lang
from grc_fast._utils.panics import panics_as_errors
from grc_fast._utils.processes import check_process
from grc_fast.behaviour.events import EventRoles, open_events
from grc_fast.behaviour.ledger import readable
from grc_fast.behaviour.quality import EVENT_REASONS, reason_caption
from grc_fast.behaviour.rules import read_rules
from grc_fast.behaviour.run import BehaviourResult, EventReading, Run, run_events
from grc_fast.errors import DataError, OptionError
from grc_fast.facts.table import CLIENT
from grc_fast.io.ids import id_as_held
from grc_fast.labels.catalogue import check_lang, text
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase, Phrases
from grc_fast.labels.table import paragraphs
from grc_fast.labels.written import moment
from grc_fast.labels.written_frame import written_frame

#: The columns of a ledger that a reader sees.
SHOWN: Final = (
    "timestamp",
    "visit",
    "kind",
    "page",
    "group",
    "rule",
    "points",
    "outcome",
    "weight",
    "contribution",
    "reason",
)


@dataclass(frozen=True, eq=False)
class BehaviourExplanation:
    """One client's score, taken apart.

    Attributes
    ----------
    client_id
        The client.
    ledger
        The rows of `behaviour_ledger` of the client.
    visits
        `visit`, `begins`, `events`, `dwell`, `clicks`, `passed`.
    groups
        `group`, `sum` of the contributions, `floor`, `cap`, and the `score` within them.
    result
        The scores of a run over the events of this client alone.
    lang
        The language of what a reader sees.
    """

    client_id: Any
    ledger: pl.DataFrame
    visits: pl.DataFrame
    groups: pl.DataFrame
    result: BehaviourResult
    lang: Lang = "en"

    @property
    def score(self) -> float:
        """The score."""
        return float(self.result.scores["score"][0])

    @property
    def phase(self) -> str:
        """The phase."""
        return str(self.result.scores["phase"][0])

    def to_dict(self) -> dict[str, Any]:
        """Return everything in types that JSON knows."""
        check_process()
        row = self.result.scores.row(0, named=True)
        return {
            "client_id": self.client_id,
            "as_of": self.result.as_of.isoformat(),
            "score": self.score,
            "phase": self.phase,
            "hits": {name: row[name] for name in ("hot", "warm", "eliminatory")},
            "bounds": self.result.rules.score.model_dump(),
            "groups": self.groups.to_dicts(),
            "visits": [_plain(visit) for visit in self.visits.to_dicts()],
            "ledger": [_plain(row) for row in self.ledger.drop(CLIENT).to_dicts()],
        }

    def __str__(self) -> str:
        """Write the explanation for a reader: visits, events, sums."""
        lines = [*self._event_lines(), *self.sums]
        return "\n".join([self.title, *(f"  {line}" for line in lines)])

    def _repr_html_(self) -> str:
        shown = [self.visits] if self.visits.height else []
        shown.append(self.ledger.select(SHOWN))
        tables = [written_frame(frame, self.lang).html() for frame in shown]
        return paragraphs(self.title) + "".join(tables) + paragraphs("\n".join(self.sums))

    @property
    def title(self) -> str:
        """Who, seen from when."""
        as_of = self.result.as_of
        return text("behaviour.title", self.lang, client=str(self.client_id), as_of=as_of)

    def _event_lines(self) -> list[str]:
        lines, visits = [], {row["visit"]: row for row in self.visits.to_dicts()}
        seen: int | None = None
        last = None
        for row in self.ledger.to_dicts():
            if row["visit"] is not None and row["visit"] != seen:
                seen = row["visit"]
                lines.append(_visit_phrase(visits[seen]).said(self.lang))
            indent = "" if row["visit"] is None else "  "
            what = " ".join(str(part) for part in (row["kind"], row["page"]) if part is not None)
            same = text("behaviour.same", self.lang)
            shown = same if row["event"] == last else what
            last = row["event"]
            award = _award(row).said(self.lang)
            lines.append(f"{indent}{moment(row['timestamp'], self.lang)}  {shown}: {award}")
        return lines

    @property
    def sums(self) -> list[str]:
        """The sums of the groups, the score, and the phase, a line each."""
        lines: list[Wording] = []
        for row in self.groups.to_dicts():
            bound = _bound(row["sum"], row["score"], row["floor"], row["cap"])
            lines.append(
                Phrase("behaviour.sum", group=row["group"], sum=row["sum"], bound=Phrases(bound))
            )
        bounds = self.result.rules.score
        total = float(self.groups["score"].sum())
        bound = _bound(total, self.score, bounds.min, bounds.max)
        key = "behaviour.score_within" if bound else "behaviour.score"
        lines.append(Phrase(key, score=self.score, total=total, bound=Phrases(bound)))
        row = self.result.scores.row(0, named=True)
        hits = {name: row[name] for name in ("hot", "warm", "eliminatory")}
        lines.append(Phrase("behaviour.phase", phase=Phrase(f"phase.{self.phase}"), **hits))
        return [line.said(self.lang) for line in lines]


@panics_as_errors()
def explain_behaviour(
    source: object,
    rules: object,
    *,
    client_id: int | str,
    as_of: Instant,
    lang: Lang = "en",
    **reading: Unpack[EventReading],
) -> BehaviourExplanation:
    """Take one client's score apart: visits, events, rules, weights and sums.

    Parameters
    ----------
    source, rules, as_of
        As for `score_behaviour`.
    client_id
        The client.
    lang
        The language of what a reader sees, `en` or `fr`.
    **reading
        The columns, `where`, `timezone`, `tracking` and `threads`, as for `score_behaviour`.

    Raises
    ------
    DataError
        If the client has no event, or none that can be used.
    OptionError
        If `client_id` is neither an integer nor text.

    Examples
    --------
    >>> import polars as pl
    >>> import grc_fast as grc
    >>> events = pl.DataFrame({
    ...     "client_id": [7], "timestamp": ["2026-03-01T10:00"], "kind": ["email_open"],
    ... })
    >>> rules = {"rule": [{"name": "open", "group": "email", "kind": "email_open", "points": 2}]}
    >>> print(grc.explain_behaviour(events, rules, client_id=7, as_of="2026-03-02"))
    client 7, 2026-03-02 00:00:00
      2026-03-01 10:00:00  email_open: open, +2 × 1 = 2.0000
      email: 2.0000
      score: 2.0000
      phase: discovery (hits in the window: hot 0, warm 0, eliminatory 0)
    """
    check_lang(lang)
    run, read = Run.of(as_of, reading, ledger=True), read_rules(rules)
    run = replace(run, roles=replace(run.roles, with_message=True))
    if run.state is not None:
        raise OptionError("an explanation needs all events: state cannot go with it")
    own = _events_of(source, run, client_id)
    # The frame has the roles' own names; ids and conditions are settled already.
    plain = EventRoles(with_channel=True)
    result, ledger = run_events(own, read, _with_roles(run, plain))
    assert ledger is not None
    frame = readable(ledger, read, lang)
    if frame.is_empty():
        raise DataError(
            f"no event of the client {client_id!r} can be used: {_drops(result.quality.dropped)}"
        )
    return BehaviourExplanation(
        client_id=frame[CLIENT][0],
        ledger=frame,
        visits=_visits(frame),
        groups=_groups(frame, result),
        result=result,
        lang=lang,
    )


def _drops(dropped: Mapping[str, int]) -> str:
    """Say why events are dropped, and how many."""
    found = [(reason, dropped[reason]) for reason in EVENT_REASONS if dropped[reason]]
    return ", ".join(f"{rows:,} {reason_caption(reason)}" for reason, rows in found)


def _with_roles(run: Run, roles: EventRoles) -> Run:
    return Run(
        roles,
        run.as_of,
        timezone=run.timezone,
        tracking=run.tracking,
        ledger=True,
        threads=run.threads,
    )


def _events_of(source: object, run: Run, client_id: int | str) -> pl.DataFrame:
    """Read the events of one client, with the columns named by their roles."""
    client_id = _checked_id(client_id)
    _, opened = open_events(source, run.roles, run.text)
    found, rows = [], 0
    for batch in opened.batches():
        rows += batch.height
        ids = batch["client"]
        wanted = id_as_held(client_id, ids.dtype)
        own = batch.filter(ids == wanted if wanted is not None else pl.lit(value=False))
        if "keep" in own.columns:
            own = own.filter(pl.col("keep")).drop("keep")
        found.append(own.rename({"client": CLIENT}))
        if run.progress is not None:
            run.progress(rows)
    events = pl.concat(found, how="vertical_relaxed")
    if events.is_empty():
        raise DataError(f"there is no event of a client {client_id!r}: check the id")
    return events


def _checked_id(client_id: object) -> int | str:
    """Return an id that is an integer of any library, or text."""
    if isinstance(client_id, str):
        return client_id
    if not isinstance(client_id, bool):
        with suppress(TypeError):
            return index(client_id)  # type: ignore[arg-type]  # that is what is found out
    raise OptionError(f"client_id must be an integer or text, and {client_id!r} is neither")


def _visits(ledger: pl.DataFrame) -> pl.DataFrame:
    inside = ledger.filter(pl.col("visit").is_not_null())
    return inside.group_by("visit", maintain_order=True).agg(
        begins=pl.col("timestamp").first(),
        events=pl.col("event").n_unique(),
        dwell=pl.col("visit_dwell").first(),
        clicks=pl.col("visit_clicks").first(),
        passed=pl.col("visit_passed").first(),
        bot=(pl.col("outcome") == "bot").any(),
    )


def _groups(ledger: pl.DataFrame, result: BehaviourResult) -> pl.DataFrame:
    rules, rows = result.rules, []
    row = result.scores.row(0, named=True)
    for name in rules.group_names:
        bounds = rules.groups.get(name)
        # In the order of the events, as the score is summed.
        total = 0.0
        for contribution in ledger.filter(pl.col("group") == name)["contribution"]:
            total += contribution
        rows.append(
            {
                "group": name,
                "sum": total,
                "floor": None if bounds is None else bounds.floor,
                "cap": None if bounds is None else bounds.cap,
                "score": row[f"score_{name}"],
            }
        )
    schema = {"group": pl.String, **dict.fromkeys(("sum", "floor", "cap", "score"), pl.Float64)}
    return pl.DataFrame(rows, schema=schema)


def _visit_phrase(visit: Mapping[str, Any]) -> Wording:
    verdict = "passes" if visit["passed"] else "fails"
    told = Phrase(f"behaviour.{'of_program' if visit['bot'] else verdict}")
    number, dwell = visit["visit"], visit["dwell"]
    return Phrase(
        "behaviour.visit", number=number, dwell=dwell, clicks=visit["clicks"], verdict=told
    )


def _award(row: Mapping[str, Any]) -> Wording:
    if row["rule"] is None:
        return Phrases([row["reason"]])
    return Phrase(
        "behaviour.awarded" if row["outcome"] == "awarded" else "behaviour.nothing", **row
    )


def _bound(total: float, score: float, floor: float | None, cap: float | None) -> list[Wording]:
    if cap is not None and score < total:
        return [Phrase("behaviour.capped", cap=cap)]
    if floor is not None and score > total:
        return [Phrase("behaviour.raised", floor=floor)]
    return []


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value.isoformat() if isinstance(value, dt.datetime) else value
        for key, value in row.items()
    }
