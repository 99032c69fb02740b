"""`grc-fast behaviour`: points and phase of every client, from web and e-mail events."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import polars as pl
import typer
from rich.table import Table

from grc_fast._typing import AnyPath
from grc_fast.behaviour.ledger import readable
from grc_fast.behaviour.memory import parse_memory
from grc_fast.behaviour.rules import preset_text, read_rules
from grc_fast.behaviour.run import BehaviourResult, EventReading, Run, run_events
from grc_fast.behaviour.state import state_held
from grc_fast.cli.console import Messages, show_table
from grc_fast.cli.figures import frame_table
from grc_fast.cli.options import (
    ClientColumn,
    Condition,
    CsvStyleOption,
    EventColumns,
    LangOption,
    QualityFile,
    RunOptions,
    SourceOptions,
    TrackingFile,
    output_option,
    taking,
)
from grc_fast.cli.reading import event_columns, source_of
from grc_fast.io.output_checks import check_outputs
from grc_fast.io.output_style import OutputStyle
from grc_fast.io.write import STDOUT, frame_writer, json_writer, write_result, write_text


def _print_preset(name: str | None) -> None:
    """Print a rule file of the package, whatever else the command line says."""
    if name is None:
        return

    write_text(preset_text(name))
    raise typer.Exit


@dataclass(kw_only=True)
class BehaviourOptions(RunOptions, EventColumns, SourceOptions):
    """The options of `grc-fast behaviour`."""

    rules: Annotated[
        str,
        typer.Option(
            "--rules",
            metavar="FILE|PRESET",
            show_default=False,
            help="The rules: a TOML file, or course, the preset.",
        ),
    ]
    output: Annotated[str, output_option("scores")]
    csv_style: CsvStyleOption = "plain"
    print_preset: Annotated[
        str | None,
        typer.Option(
            "--print-preset",
            metavar="PRESET",
            show_default=False,
            is_eager=True,
            callback=_print_preset,
            help="Print the rules of a preset (course), to copy and edit, and exit.",
        ),
    ] = None
    client: ClientColumn = "client_id"
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="DATETIME",
            show_default=False,
            help="Instant from which ages are counted (2026-11-01, 2026-11-01T18:00); the "
            "midnight after the last event by default.",
        ),
    ] = None
    where: Condition = None
    timezone: Annotated[
        str,
        typer.Option(
            "--timezone",
            metavar="ZONE",
            help="For timestamps with a zone: the zone in which days begin and --as-of stands.",
        ),
    ] = "UTC"
    tracking: TrackingFile = None
    state_in: Annotated[
        str | None,
        typer.Option(
            "--state-in",
            metavar="FILE",
            show_default=False,
            help="Go on from the state of an earlier run: only later events are needed.",
        ),
    ] = None
    state_out: Annotated[
        str | None,
        typer.Option(
            "--state-out",
            metavar="FILE",
            show_default=False,
            help="Save the state for a later run, as Parquet; over that of --state-in, if wished.",
        ),
    ] = None
    ledger: Annotated[
        str | None,
        typer.Option(
            "--ledger",
            metavar="FILE",
            show_default=False,
            help="Write the ledger of every client: each event, the rule that won, what it gave "
            "and why; with --state-in also what earlier runs awarded.",
        ),
    ] = None
    memory: Annotated[
        str | None,
        typer.Option(
            "--memory",
            metavar="SIZE",
            show_default=False,
            help="What events may take in memory, such as 4GB, before they go to a temporary "
            "file; half of the machine's by default.",
        ),
    ] = None
    quality: QualityFile = None
    lang: LangOption = "en"


def _is_same(path: str, other: str | None) -> bool:
    return other is not None and os.path.realpath(path) == os.path.realpath(other)


@taking(BehaviourOptions)
def behaviour(options: BehaviourOptions) -> None:
    """Score every client by what they did on the web and with e-mails.

    The size of every phase goes to standard output (or the scores, with -o -); progress and the
    account of what was read and dropped go to standard error.
    """
    named = (options.state_out, options.ledger, options.quality)
    other_files = [path for path in named if path is not None]
    inputs = [*options.source, options.rules]
    if options.tracking is not None:
        inputs.append(options.tracking)
    if options.state_in is not None and not _is_same(options.state_in, options.state_out):
        # The state that a run replaces is read before, and stands until the run has succeeded.
        inputs.append(options.state_in)
    messages = Messages.of(options, options.lang)
    messages.notes(check_outputs([options.output], other_files, inputs))
    with ExitStack() as held:
        if options.state_out is not None:
            held.enter_context(state_held(options.state_out))
        result, ledger = _score(options, messages)
        messages.account(result.quality.said(options.lang))
        phases = _phase_table(result, options.lang)
        with messages.writing(options.output):
            _write(result, ledger, options)
    if options.output == STDOUT:
        messages.table(phases)
        return
    for path in (options.output, *other_files):
        messages.written(path)
    show_table(phases)


def _score(
    options: BehaviourOptions, messages: Messages
) -> tuple[BehaviourResult, pl.DataFrame | None]:
    """Read the rules and the events, and score; also the ledger where it is asked for."""
    rules = read_rules(options.rules)
    wants_ledger = options.ledger is not None
    source = source_of(options)
    with messages.step("read", options.source) as progress:
        reading = event_columns(options) | EventReading(
            client=options.client,
            where=options.where,
            timezone=options.timezone,
            state=options.state_in,
            tracking=options.tracking,
            threads=options.threads,
            progress=progress,
        )
        run = Run.of(
            options.as_of,
            reading,
            keep_state=options.state_out is not None,
            ledger=wants_ledger,
            memory=parse_memory(options.memory),
        )
        result, ledger = run_events(source, rules, run)
    if ledger is not None:
        ledger = readable(ledger, rules, options.lang)
    return result, ledger


def _write(result: BehaviourResult, ledger: pl.DataFrame | None, options: BehaviourOptions) -> None:
    """Write the files of a run: all of them, or none."""
    style = OutputStyle(csv=options.csv_style, lang=options.lang)
    files: dict[AnyPath, Callable[[Path], None]] = {}
    if options.state_out is not None and result.state is not None:
        result.state.check_not_before(options.state_out)
        files[options.state_out] = result.state.write
    if options.ledger is not None and ledger is not None:
        files[options.ledger] = frame_writer(ledger, options.ledger, style)
    if options.quality is not None:
        files[options.quality] = json_writer(result.quality.to_dict())
    write_result(result.scores, options.output, files, style)


def _phase_table(result: BehaviourResult, lang: str) -> Table:
    """Return the phases with their clients and mean scores."""
    return frame_table(result.phases, lang)
