"""One run over events, for scores, ledger and state."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import polars as pl

from grc_fast import _core
from grc_fast._typing import Instant, Lang, Progress
from grc_fast._utils.checks import check_threads, known_options, text
from grc_fast._utils.dates import parse_instant
from grc_fast._utils.messages import with_short_quotes
from grc_fast._utils.processes import check_process
from grc_fast.behaviour.events import OPTIONAL, ROLES, EventRoles, has_role, open_events
from grc_fast.behaviour.memory import half_of_memory
from grc_fast.behaviour.quality import BehaviourQuality
from grc_fast.behaviour.rules import OPEN, BehaviourRules
from grc_fast.behaviour.state import BehaviourState
from grc_fast.behaviour.tracking import TrackingConsent
from grc_fast.errors import DataError, ModelError, OptionError
from grc_fast.facts.table import CLIENT
from grc_fast.io.locate import locate
from grc_fast.io.source import Opened, Source
from grc_fast.io.text_options import DETECTED, TextOptions, TextReading
from grc_fast.labels.catalogue import section
from grc_fast.labels.catalogue import text as label
from grc_fast.labels.phrases import Phrase, Phrases
from grc_fast.labels.written_frame import written_frame
from grc_fast.report.report_file import Drawn

#: Where a client stands, from nothing to lost.
PHASES: Final = pl.Enum(["inactive", "discovery", "consideration", "decision", "won", "excluded"])


@dataclass(frozen=True, eq=False)
class BehaviourResult(Drawn):
    """The scores of a run.

    Attributes
    ----------
    scores
        One row a client with an event, ascending by `client_id`: `score` (Float64), a
        `score_<group>` for each group, within its floor and cap (Float64), `phase` (Enum),
        `last_event` (Datetime), `visits` and `dense_visits` over all time, `hot`, `warm` and
        `eliminatory` hits within the phase window (UInt32).
    quality
        The account of the rows read.
    rules
        The rules.
    as_of
        The instant that ages are counted from.
    state
        What a later run goes on from, where it was asked for.
    """

    scores: pl.DataFrame
    quality: BehaviourQuality
    rules: BehaviourRules
    as_of: dt.datetime
    state: BehaviourState | None = None

    def _chart(self, lang: Lang) -> Any:
        from grc_fast.report.charts.shares import shares_chart

        phases = self.phases
        names = phases["phase"].cast(pl.String).replace(section("phase", lang))
        return shares_chart(names, {label("table.share", lang): phases["share"]})

    def _repr_html_(self) -> str:
        return written_frame(self.phases, self.lang).html()

    @property
    def phases(self) -> pl.DataFrame:
        """The size of every phase: `phase`, `clients`, `share` and mean `score`."""
        check_process()
        counted = self.scores.group_by("phase").agg(
            clients=pl.len().cast(pl.UInt32), score=pl.col("score").mean()
        )
        every = pl.DataFrame({"phase": pl.Series(PHASES.categories, dtype=PHASES)})
        return (
            every.join(counted, on="phase", how="left", maintain_order="left")
            .with_columns(pl.col("clients").fill_null(0))
            .select(
                "phase",
                "clients",
                share=pl.col("clients") / max(self.scores.height, 1),
                score=pl.col("score"),
            )
        )


class EventReading(TextReading, total=False):
    """The options that every function that reads events takes; `score_behaviour` describes them."""

    client: str
    timestamp: str
    kind: str
    page: str | None
    dwell: str | None
    clicks: str | None
    channel: str | None
    message: str | None
    event_id: str | None
    machine_open: str | None
    where: str | None
    timezone: str
    state: BehaviourState | str | Path | None
    tracking: object
    threads: int | None
    progress: Progress | None


@dataclass(frozen=True)
class Run:
    """How a run reads its events.

    Attributes
    ----------
    roles
        The columns.
    as_of
        The instant; None makes it the midnight after the last event.
    timezone
        The zone whose days count, and in which a naive `as_of` stands, for timestamps with a zone.
    state
        What an earlier run left.
    tracking
        Who agrees to be tracked; None where that is not known.
    keep_state, ledger
        What is wanted beside scores.
    memory
        Bytes that events may take in memory, or None: half of the machine's.
    threads, progress
        As for `score_behaviour`.
    text
        How text files are written, as far as the caller says so.
    """

    roles: EventRoles
    as_of: Instant | None
    timezone: str = "UTC"
    state: BehaviourState | None = None
    tracking: TrackingConsent | None = None
    keep_state: bool = False
    ledger: bool = False
    memory: int | None = None
    threads: int | None = None
    progress: Progress | None = None
    text: TextOptions = DETECTED

    @classmethod
    def of(cls, as_of: Instant | None, reading: EventReading, **wanted: Any) -> Run:
        """Check the options that a caller gave, beside what is wanted.

        Raises
        ------
        OptionError
            If one is unknown, or its value is wrong.
        """
        given: dict[str, Any] = dict(reading)
        roles = {role: given.pop(role) for role in ROLES if role in given}
        text_options = TextOptions.taken_from(given)
        known_options(given, EventReading.__annotations__, "reading events")
        state = saved_state(given.pop("state", None))
        tracking = given.pop("tracking", None)
        return cls(
            EventRoles(**roles, with_channel=wanted.get("ledger", False)),
            as_of,
            state=state,
            tracking=None if tracking is None else TrackingConsent.of(tracking),
            text=text_options,
            **given,
            **wanted,
        )


def run_events(
    source: object, rules: BehaviourRules, run: Run
) -> tuple[BehaviourResult, pl.DataFrame | None]:
    """Read events, and give the scores and, if asked for, the ledger as the extension makes it."""
    text("timezone", run.timezone, "a zone such as Europe/Paris")
    as_of, is_utc = (None, False) if run.as_of is None else parse_instant(run.as_of)
    if run.state is not None:
        run.state.check(rules.fingerprint, run.timezone)
    per_message = [rule.name for rule in rules.rule if rule.repeat == "once_per_message"]
    run = replace(run, roles=replace(run.roles, with_message=bool(per_message)))
    read, opened = open_events(source, run.roles, run.text)
    builder = _core.BehaviourBuilder(
        rules=rules.compiled(),
        as_of=as_of,
        as_of_is_utc=is_utc,
        resume_from=None if run.state is None else (run.state.as_of, run.state.zoned),
        timezone=run.timezone,
        plain_integer_ids=opened.plain_integer_ids,
        memory=half_of_memory() if run.memory is None else run.memory,
        threads=check_threads(run.threads),
        ledger=run.ledger,
        state=run.keep_state,
    )
    _push_all(builder, opened, run, rules, read.name)
    scores, ledger, state, account = builder.finish()
    _check_account(account, run, read)
    if is_utc and not account["zoned"]:
        raise OptionError(
            f"as_of {run.as_of!s} has a time zone and the timestamps have none: give it as they are"
        )
    groups = {str(n): f"score_{name}" for n, name in enumerate(rules.group_names)}
    phases = pl.Series("phase", PHASES.categories, dtype=PHASES)
    frame = pl.DataFrame(scores).rename(groups)
    frame = frame.with_columns(phases.gather(frame["phase"]))
    notes = opened.notes
    if as_of is None:
        notes += (Phrase("note.midnight_after_last_event"),)
    if run.tracking is None and dict(account["kinds"]).get(OPEN):
        notes += (Phrase("note.tracking_not_checked"),)
    warnings = []
    if per_message and not has_role(opened, "message"):
        without = Phrase(
            "events.without_message",
            rules=Phrases([repr(name) for name in per_message]),
            count=len(per_message),
            column=repr(run.roles.column("message")),
        )
        warnings.append(without)
    quality = BehaviourQuality.from_account(
        account,
        known_kinds=rules.known_kinds,
        rule_names=[rule.name for rule in rules.rule],
        timezone=run.timezone,
        notes=notes,
        warnings=tuple(warnings),
        files=opened.files,
    )
    kept = None
    if state is not None:
        kept = BehaviourState(
            pl.DataFrame(state),
            account["as_of"],
            account["zoned"],
            run.timezone,
            rules.fingerprint,
        )
    result = BehaviourResult(frame, quality, rules, quality.as_of, kept)
    return result, None if ledger is None else pl.DataFrame(ledger)


def saved_state(state: object) -> BehaviourState | None:
    """Return a state given as such, or as its file."""
    if state is None or isinstance(state, BehaviourState):
        return state
    if isinstance(state, (str, Path)):
        return BehaviourState.load(state)
    raise OptionError(
        f"state must be the state of a run or its file, and {type(state).__name__} is neither"
    )


def _push_all(
    builder: _core.BehaviourBuilder, opened: Opened, run: Run, rules: BehaviourRules, place: str
) -> None:
    """Push every batch; an error about a value gets the column and the row that hold it."""
    state = run.state
    need = {scope: rules.names_of(kind) for kind, scope in rules.consented_scopes.items()}
    try:
        for batch in opened.batches():
            optional = {name: batch[name] for name in (*OPTIONAL, "keep") if name in batch.columns}
            if run.tracking is not None:
                optional["consented"] = run.tracking.consented(batch, need, place)
            builder.push(batch["client"], batch["timestamp"], batch["kind"], **optional)
            if state is not None:
                builder.resume(_state_frame(state, batch["client"].dtype))
                state = None
            if run.progress is not None:
                run.progress(builder.rows_read)
    except DataError as error:
        role = getattr(error, "role", None)
        if role is None:
            raise
        place = locate(error, role, opened)
        told = with_short_quotes(str(error))
        raise DataError(f"{told} (column {run.roles.column(role)!r}{place})") from None


def _state_frame(state: BehaviourState, dtype: pl.DataType) -> pl.DataFrame:
    """Return a state with its ids as the events have them: text where they come as text."""
    if dtype == pl.String and state.frame[CLIENT].dtype.is_integer():
        return state.frame.with_columns(pl.col(CLIENT).cast(pl.String))
    return state.frame


def _check_account(account: Any, run: Run, read: Source) -> None:
    state = run.state
    if state is not None:
        if state.zoned != account["zoned"]:
            raise ModelError(
                "the timestamps have a time zone and those of the state have none, or the other "
                "way round: cast the column"
            )
        if account["as_of"] < state.as_of:
            raise ModelError(
                "as_of is earlier than that of the state: scores can only go on from it"
            )
    else:
        read.check_rows(account["rows_read"])
    dropped = account["dropped"]
    if account["rows_read"] and dropped["future"] == account["rows_read"]:
        raise DataError("as_of is before every event: take a later instant")
