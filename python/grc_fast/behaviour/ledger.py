"""Ledgers: every event of a client, the rule that won, what it gave, and why."""

from __future__ import annotations

from typing import Final, Unpack

import polars as pl

from grc_fast._typing import Instant
from grc_fast._utils.panics import panics_as_errors
from grc_fast.behaviour.rules import BehaviourRules, read_rules
from grc_fast.behaviour.run import EventReading, Run, run_events
from grc_fast.facts.table import CLIENT

#: What became of an event under a rule.
OUTCOMES: Final = pl.Enum(
    ["awarded", "no_rule", "density", "repeat", "machine_open", "bot", "carried"]
)
_SECOND: Final = 1_000_000


@panics_as_errors()
def behaviour_ledger(
    source: object, rules: object, *, as_of: Instant, **reading: Unpack[EventReading]
) -> pl.DataFrame:
    """Return the ledger of every client: a row for each event, and rule that won for it.

    Parameters
    ----------
    source, rules, as_of
        As for `score_behaviour`.
    **reading
        The columns, `where`, `timezone`, `state`, `tracking` and `threads`, as for
        `score_behaviour`.

    Returns
    -------
    polars.DataFrame
        In the order of clients and of their events: `client_id`, `timestamp`, `event` (its number
        among the client's, from 1), `event_id`, `kind`, `page`, `channel`, `dwell` (Float64,
        seconds), `clicks`, `visit` (its number, from 1; null outside visits), `visit_dwell`,
        `visit_clicks`, `visit_passed`, `group`, `rule`, `points`, `outcome` (Enum: awarded,
        no_rule, density, repeat, machine_open, bot, carried), `weight`, `contribution`, `reason`.
        The contributions of a client sum to the score before floors, caps and bounds.

    Notes
    -----
    With a `state` the events are those since then, and what came before is in rows of the outcome
    `carried`, which come first: each award of then with its weight of now, or, without decay, one
    sum a group. They have no `event`. Visits go on after those that the state counts.

    Examples
    --------
    >>> import polars as pl
    >>> import grc_fast as grc
    >>> events = pl.DataFrame({
    ...     "client_id": [7, 7],
    ...     "timestamp": ["2026-03-01T10:00", "2026-03-01T10:02"],
    ...     "kind": ["email_open", "email_open"],
    ... })
    >>> rules = {"rule": [{"name": "open", "group": "email", "kind": "email_open", "points": 2,
    ...                    "repeat": "every 24h"}]}
    >>> ledger = grc.behaviour_ledger(events, rules, as_of="2026-03-02")
    >>> ledger.select("rule", "outcome", "contribution", "reason").rows()
    [('open', 'awarded', 2.0, 'awarded'), ('open', 'repeat', 0.0, 'limit: every 24h')]
    """
    run, read = Run.of(as_of, reading, ledger=True), read_rules(rules)
    _, ledger = run_events(source, read, run)
    assert ledger is not None
    return readable(ledger, read)


def readable(ledger: pl.DataFrame, rules: BehaviourRules) -> pl.DataFrame:
    """Turn the extension's ledger into one for readers: names instead of numbers."""
    table = pl.DataFrame(
        {
            "rule": pl.Series(range(len(rules.rule)), dtype=pl.UInt32),
            "rule_name": pl.Series([rule.name for rule in rules.rule], dtype=pl.String),
            "points": pl.Series([rule.points for rule in rules.rule], dtype=pl.Float64),
            "repeat": pl.Series([rule.repeat for rule in rules.rule], dtype=pl.String),
        }
    )
    outcomes = pl.Series("outcome", OUTCOMES.categories, dtype=OUTCOMES)
    groups = pl.Series("group", rules.group_names, dtype=pl.String)
    return (
        ledger.with_columns(outcomes.gather(ledger["outcome"]), groups.gather(ledger["group"]))
        .join(table, on="rule", how="left", maintain_order="left")
        .with_columns(
            dwell=pl.col("dwell") / _SECOND,
            visit_dwell=pl.col("visit_dwell") / _SECOND,
        )
        .select(
            CLIENT,
            "timestamp",
            "event",
            "event_id",
            "kind",
            "page",
            "channel",
            "dwell",
            "clicks",
            "visit",
            "visit_dwell",
            "visit_clicks",
            "visit_passed",
            "group",
            pl.col("rule_name").alias("rule"),
            "points",
            "outcome",
            "weight",
            "contribution",
            reason=_reason(rules),
        )
    )


def _reason(rules: BehaviourRules) -> pl.Expr:
    """Say in words why an event gave what it gave."""
    outcome = pl.col("outcome")
    demands = "" if rules.density is None else _demands(rules)
    density = pl.format(
        "the visit does not pass: {} s on pages, clicks: {}" + (f"; {demands}" if demands else ""),
        pl.col("visit_dwell"),
        pl.col("visit_clicks"),
    )
    return (
        pl.when(outcome == "awarded")
        .then(pl.lit("awarded"))
        .when(outcome == "no_rule")
        .then(pl.lit("no rule is about it"))
        .when(outcome == "repeat")
        .then(pl.format("limit: {}", pl.col("repeat")))
        .when(outcome == "machine_open")
        .then(pl.lit("opened by a machine"))
        .when(outcome == "bot")
        .then(pl.lit("a program made the visit"))
        .when(outcome == "carried")
        .then(pl.lit("awarded in an earlier run"))
        .otherwise(density)
    )


def _demands(rules: BehaviourRules) -> str:
    density = rules.density
    assert density is not None
    demands = []
    if density.min_dwell is not None:
        demands.append(density.min_dwell)
    if density.min_clicks is not None:
        demands.append(f"{density.min_clicks} clicks")
    between = " and " if density.mode == "all" else " or "
    return f"asked for: {between.join(demands)}" if demands else ""
