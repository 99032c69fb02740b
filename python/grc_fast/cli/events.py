"""From the options of a command to behaviour scores: what `behaviour` and `explain` share."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.table import Table

from grc_fast import labels
from grc_fast.behaviour import BehaviourExplanation, BehaviourResult, BehaviourState
from grc_fast.behaviour.events import EventRoles
from grc_fast.behaviour.ledger import readable
from grc_fast.behaviour.rules import read_rules
from grc_fast.behaviour.scoring import Run, parse_memory, run_events
from grc_fast.cli.console import Messages, frame_table, show_table
from grc_fast.cli.options import EventColumns
from grc_fast.cli.reading import source_of
from grc_fast.output import AnyPath, frame_writer, json_writer, write_result, write_text

if TYPE_CHECKING:
    from grc_fast.cli.behaviour import BehaviourOptions

# The columns of a ledger that a reader sees.
_SHOWN = (
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


def columns_of(options: EventColumns) -> dict[str, Any]:
    """Return the columns of events by role."""
    return {field.name: getattr(options, field.name) for field in fields(EventColumns)}


def run_behaviour(
    options: "BehaviourOptions", messages: Messages
) -> tuple[BehaviourResult, pl.DataFrame | None]:
    """Read the rules and the events, and score; also the ledger where it is asked for."""
    rules = read_rules(options.rules)
    wants_ledger = options.ledger is not None
    roles = EventRoles(
        client=options.client,
        where=options.where,
        with_channel=wants_ledger,
        **columns_of(options),
    )
    source = source_of(options.source)
    with messages.progress() as progress:
        run = Run(
            roles,
            options.as_of,
            timezone=options.timezone,
            state=None if options.state_in is None else BehaviourState.load(options.state_in),
            keep_state=options.state_out is not None,
            ledger=wants_ledger,
            memory=parse_memory(options.memory),
            threads=options.threads,
            progress=progress,
        )
        result, ledger = run_events(source, rules, run)
    if ledger is not None:
        ledger = readable(ledger, rules)
    return result, ledger


def write(
    result: BehaviourResult, ledger: pl.DataFrame | None, options: "BehaviourOptions"
) -> None:
    """Write the files of a run: all of them, or none."""
    files: dict[AnyPath, Callable[[Path], None]] = {}
    if options.state_out is not None and result.state is not None:
        files[options.state_out] = result.state.write
    if options.ledger is not None and ledger is not None:
        files[options.ledger] = frame_writer(ledger, options.ledger)
    if options.quality is not None:
        files[options.quality] = json_writer(result.quality.to_dict())
    write_result(result.scores, options.output, files)


def phase_table(result: BehaviourResult, lang: str) -> Table:
    """Return the phases with their clients and mean scores."""
    words = labels.section("phase", lang)
    phase = pl.col("phase").cast(pl.String).replace(words)
    frame = result.phases.with_columns(phase, pl.col("score").round(2))
    return frame_table(frame, labels.section("table", lang))


def show_explanation(explanation: BehaviourExplanation) -> None:
    """Write one client's score taken apart on standard output: visits, ledger, sums."""
    moment = pl.col(pl.Datetime).dt.strftime("%Y-%m-%d %H:%M:%S")
    write_text(f"{explanation.title}\n\n")
    if explanation.visits.height:
        verdicts = pl.col("passed", "bot").replace_strict({True: "yes", False: "no"})
        show_table(frame_table(explanation.visits.with_columns(moment, verdicts), {}))
        write_text("\n")
    ledger = explanation.ledger.select(_SHOWN).with_columns(moment, pl.col("contribution").round(4))
    show_table(frame_table(ledger, {}))
    write_text("\n" + "\n".join(explanation.sums) + "\n")
