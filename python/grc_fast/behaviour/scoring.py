"""Scores of clients from their events."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from grc_fast import _core, labels
from grc_fast.behaviour.account import BehaviourQuality
from grc_fast.behaviour.events import OPTIONAL, EventRoles, open_events
from grc_fast.behaviour.rules import BehaviourRules, read_rules
from grc_fast.behaviour.state import BehaviourState
from grc_fast.criteria import check_threads
from grc_fast.errors import DataError, ModelError, OptionError, SourceError
from grc_fast.facts import locate
from grc_fast.sources import Opened, Source

__all__ = ["PHASES", "BehaviourResult", "Run", "run_events", "score_behaviour"]

#: Where a client stands, from nothing to lost.
PHASES: Final = pl.Enum(["inactive", "discovery", "consideration", "decision", "won", "excluded"])
CLIENT: Final = "client_id"
_EPOCH: Final = dt.datetime(1970, 1, 1)  # noqa: DTZ001 (instants without a zone are wall times)
_MICRO: Final = dt.timedelta(microseconds=1)

Progress = Callable[[int], object]
Instant = dt.datetime | dt.date | str


@dataclass(frozen=True, eq=False)
class BehaviourResult:
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

    @property
    def phases(self) -> pl.DataFrame:
        """The size of every phase: `phase`, `clients`, `share` and mean `score`."""
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
    keep_state, ledger
        What is wanted beside scores.
    memory
        Bytes that events may take in memory, or None: half of the machine's.
    threads, progress
        As for `score_behaviour`.
    """

    roles: EventRoles
    as_of: Instant | None
    timezone: str = "UTC"
    state: BehaviourState | None = None
    keep_state: bool = False
    ledger: bool = False
    memory: int | None = None
    threads: int | None = None
    progress: Progress | None = None


def score_behaviour(
    source: object,
    rules: object,
    *,
    as_of: Instant,
    client: str = "client_id",
    timestamp: str = "timestamp",
    kind: str = "kind",
    page: str | None = None,
    dwell: str | None = None,
    clicks: str | None = None,
    channel: str | None = None,
    event_id: str | None = None,
    machine_open: str | None = None,
    where: str | None = None,
    timezone: str = "UTC",
    state: BehaviourState | str | Path | None = None,
    keep_state: bool = False,
    memory: int | str | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> BehaviourResult:
    """Score clients by what they did on the web and with e-mails.

    Parameters
    ----------
    source
        Events: a path, a list of paths, a glob, a directory, the URL of an object store, a Polars,
        pandas or PyArrow table, or anything with `__arrow_c_stream__` (read once, batch by batch).
    rules
        A rule file (TOML), the name of a preset (`course`), a dictionary, or `BehaviourRules`.
    as_of
        The instant from which ages are counted: a datetime, a date (its 00:00) or ISO text. Later
        events are dropped and counted.
    client, timestamp, kind
        Columns of those roles: ids as for sales; Datetime, Date or ISO text; text. Rows without
        one are dropped and counted.
    page, dwell, clicks, channel, event_id, machine_open
        Columns of those roles: URL or id of the page; seconds on it (null: until the next web
        event of the visit); clicks (null: none; without the column, one for each web event); the
        channel; the event's id, of which a client's second event is dropped (null or empty text:
        none); true for opens by a machine, which are worth nothing. By default the columns of these
        names, where present.
    where
        SQL condition; rows for which it is false or null are dropped and counted.
    timezone
        For timestamps with a zone: the zone in which days begin and a naive `as_of` stands.
    state
        The state of an earlier run, or its file: scoring goes on from its `as_of`, with the same
        bits as if all events had been scored in one run. Events not later than that are dropped
        and counted, and so are later ones with the id of an event of then.
    keep_state
        Whether the result has a `state` for a later run.
    memory
        What events may take in memory: bytes, or text such as `4GB`. Beyond it they go to a
        temporary file. Half of the machine's memory by default. The result does not depend on it.
    threads
        Threads to use, 1 to 1024; all cores by default. They do not change the result.
    progress
        Called with the number of rows read so far, after each batch.

    Returns
    -------
    BehaviourResult
        The scores, the account of the rows, the rules.

    Raises
    ------
    SourceError
        If the source cannot be read.
    ColumnError
        If a column is missing or of a wrong type.
    DataError
        If a value is wrong: a timestamp that cannot be read, a dwell below zero.
    OptionError
        If an option or a rule is wrong: an `as_of` with a zone for timestamps without one.
    ModelError
        If the state is damaged, not one of these rules, or later than `as_of`.

    Notes
    -----
    Time is linear in the events (and each client's events are sorted). Memory grows with the
    events, 32 bytes each, up to `memory`; beyond that with clients and distinct pages.

    Examples
    --------
    >>> import polars as pl
    >>> import grc_fast as grc
    >>> events = pl.DataFrame({
    ...     "client_id": [7, 7, 9],
    ...     "timestamp": ["2026-03-01T10:00", "2026-03-01T10:02", "2026-02-01T09:00"],
    ...     "kind": ["page_view", "page_view", "email_open"],
    ...     "page": ["/pricing", "/contact", None],
    ... })
    >>> rules = {
    ...     "decay": {"half_life": "28d"},
    ...     "rule": [
    ...         {"name": "pricing", "group": "web", "page": "/pricing", "points": 10,
    ...          "category": "hot"},
    ...         {"name": "open", "group": "email", "kind": "email_open", "points": 2},
    ...     ],
    ... }
    >>> result = grc.score_behaviour(events, rules, as_of="2026-03-01T12:00")
    >>> result.scores.select("client_id", "score", "score_web", "score_email", "phase").rows()
    [(7, 10.0, 10.0, 0.0, 'decision'), (9, 1.0, 0.0, 1.0, 'inactive')]
    """
    roles = EventRoles(
        client=client,
        timestamp=timestamp,
        kind=kind,
        page=page,
        dwell=dwell,
        clicks=clicks,
        channel=channel,
        event_id=event_id,
        machine_open=machine_open,
        where=where,
    )
    if as_of is None:
        raise OptionError("as_of is missing: give the instant from which ages are counted")
    run = Run(
        roles,
        as_of,
        timezone=timezone,
        state=saved_state(state),
        keep_state=keep_state,
        memory=parse_memory(memory),
        threads=threads,
        progress=progress,
    )
    return run_events(source, read_rules(rules), run)[0]


def run_events(
    source: object, rules: BehaviourRules, run: Run
) -> tuple[BehaviourResult, pl.DataFrame | None]:
    """Read events, and give the scores and, if asked for, the ledger as the extension makes it."""
    if not isinstance(run.timezone, str):
        raise OptionError(f"timezone must be a zone such as Europe/Paris, not {run.timezone!r}")
    as_of, is_utc = (None, False) if run.as_of is None else parse_instant(run.as_of)
    if run.state is not None:
        run.state.check(rules.fingerprint, run.timezone)
    read, opened = open_events(source, run.roles)
    builder = _core.BehaviourBuilder(
        rules=rules.scheme(),
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
    _push_all(builder, opened, run)
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
        notes += ("as_of is the midnight after the last event",)
    quality = BehaviourQuality.from_account(
        account, known_kinds=rules.known_kinds, timezone=run.timezone, notes=notes
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


def _push_all(builder: _core.BehaviourBuilder, opened: Opened, run: Run) -> None:
    """Push every batch; an error about a value gets the column and the row that hold it."""
    state = run.state
    try:
        for batch in opened.batches():
            optional = {name: batch[name] for name in (*OPTIONAL, "keep") if name in batch.columns}
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
        raise DataError(f"{error} (column {run.roles.column(role)!r}{place})") from None


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
    elif account["rows_read"] == 0 and read.is_file:
        raise SourceError(f"{read.name} is empty: it has no rows")
    dropped = account["dropped"]
    if account["rows_read"] and dropped["future"] == account["rows_read"]:
        raise DataError("as_of is before every event: take a later instant")


def parse_instant(instant: object) -> tuple[int, bool]:
    """Read an `as_of`: microseconds since 1970, and whether they are of UTC.

    Raises
    ------
    OptionError
        If it is no datetime, date or ISO text.

    Examples
    --------
    >>> from grc_fast.behaviour.scoring import parse_instant
    >>> parse_instant("1970-01-02")
    (86400000000, False)
    >>> parse_instant("1970-01-01T02:00+02:00")
    (0, True)
    """
    found = instant
    if isinstance(found, str):
        try:
            found = dt.datetime.fromisoformat(found.strip())
        except ValueError:
            found = None
    if isinstance(found, dt.date) and not isinstance(found, dt.datetime):
        found = dt.datetime(found.year, found.month, found.day)  # noqa: DTZ001 (a wall time)
    if not isinstance(found, dt.datetime):
        raise OptionError(
            f"as_of must be an instant such as 2026-11-01 or 2026-11-01T18:00, and {instant!r} is "
            "not one"
        )
    if found.tzinfo is None:
        return (found - _EPOCH) // _MICRO, False
    return (found - _EPOCH.replace(tzinfo=dt.UTC)) // _MICRO, True


def parse_memory(memory: int | str | None) -> int | None:
    """Read a memory budget: bytes, or text such as `512MB`, `4GB`.

    Raises
    ------
    OptionError
        If it is neither, or nothing.

    Examples
    --------
    >>> from grc_fast.behaviour.scoring import parse_memory
    >>> parse_memory("4GB")
    4000000000
    """
    units = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
    found: object = memory
    if isinstance(memory, str):
        text = memory.strip().upper().replace(" ", "")
        number = text.rstrip("KMGTB")
        unit = text[len(number) :] or "B"
        try:
            found = int(float(number) * units[unit if unit.endswith("B") else f"{unit}B"])
        except (ValueError, KeyError, OverflowError):
            found = -1
    if found is None:
        return None
    if not isinstance(found, int) or isinstance(found, bool) or not 0 < found < 2**63:
        raise OptionError(
            f"memory must be a number of bytes, or text such as 512MB or 4GB, and {memory!r} is "
            "neither"
        )
    return found


def half_of_memory() -> int | None:
    """Return half of the machine's memory in bytes, or None where it does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, OSError, ValueError):
        return None


def phase_captions(lang: str) -> dict[str, str]:
    """Return the words for the phases in a language."""
    return labels.section("phase", lang)
