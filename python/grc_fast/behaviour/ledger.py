"""Ledgers: every event of a client, the rule that won, what it gave, and why."""

from __future__ import annotations

from typing import Final, Unpack

import polars as pl

from grc_fast._typing import Instant
from grc_fast._utils.panics import panics_as_errors
from grc_fast.behaviour.rules import BehaviourRules, read_rules
from grc_fast.behaviour.run import EventReading, Run, run_events
from grc_fast.facts.table import CLIENT
from grc_fast.labels.catalogue import section, text
from grc_fast.labels.phrases import Phrase, Phrases

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


def readable(ledger: pl.DataFrame, rules: BehaviourRules, lang: str = "en") -> pl.DataFrame:
    """Turn the extension's ledger into one for readers: names and words instead of numbers."""
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
            reason=_reason(rules, lang),
        )
    )


def _reason(rules: BehaviourRules, lang: str) -> pl.Expr:
    """Say in words why an event gave what it gave."""
    words = section("ledger", lang)
    demands = _demands(rules, lang)
    density = pl.format(
        text("ledger.density", lang, dwell="{}", clicks="{}") + (f"; {demands}" if demands else ""),
        pl.col("visit_dwell"),
        pl.col("visit_clicks"),
    )
    outcome = pl.col("outcome").cast(pl.String)
    limit = pl.format(text("ledger.repeat", lang, limit="{}"), pl.col("repeat"))
    plain = {name: words[name] for name in ("awarded", "no_rule", "machine_open", "bot", "carried")}
    return (
        pl.when(outcome == "repeat")
        .then(limit)
        .when(outcome.is_in(list(plain)))
        .then(outcome.replace(plain))
        .otherwise(density)
    )


def _demands(rules: BehaviourRules, lang: str) -> str:
    density = rules.density
    if density is None:
        return ""
    demands: list[object] = []
    if density.min_dwell is not None:
        demands.append(density.min_dwell)
    if density.min_clicks is not None:
        demands.append(Phrase("ledger.clicks", clicks=density.min_clicks))
    last = "list.and" if density.mode == "all" else "list.or"
    asked = Phrases(demands, last=last)
    return text("ledger.asked", lang, demands=asked) if demands else ""
