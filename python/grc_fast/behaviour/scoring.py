"""Behaviour scores of each client, in one call."""

from __future__ import annotations

from typing import Unpack

from grc_fast._typing import Instant
from grc_fast._utils.panics import panics_as_errors
from grc_fast.behaviour.memory import parse_memory
from grc_fast.behaviour.rules import read_rules
from grc_fast.behaviour.run import BehaviourResult, EventReading, Run, run_events
from grc_fast.errors import OptionError


@panics_as_errors()
def score_behaviour(
    source: object,
    rules: object,
    *,
    as_of: Instant,
    keep_state: bool = False,
    memory: int | str | None = None,
    **reading: Unpack[EventReading],
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
    page, dwell, clicks, channel, message, event_id, machine_open
        Columns of those roles: URL or id of the page; seconds on it (null: until the next web
        event of the visit); clicks (null: none; without the column, one for each web event); the
        channel; the id of the e-mail, for rules that count once for each (null: an e-mail of its
        own); the event's id, of which a client's second event is dropped (null or empty text:
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
    tracking
        Who agrees to have their opens tracked (and their clicks, with `[tracking] clicks = true`
        in the rules): a table or its file, with `client_id`, `scope` (`open` or `click`), `status`
        (`granted`; anything else is no consent) and `date`, of which the last counts. Events
        `email_open` (`email_click`) of all other clients are dropped and counted. Without it
        nothing is dropped, and a note says so.
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
    if as_of is None:
        raise OptionError("as_of is missing: give the instant from which ages are counted")
    run = Run.of(as_of, reading, keep_state=keep_state, memory=parse_memory(memory))
    return run_events(source, read_rules(rules), run)[0]
