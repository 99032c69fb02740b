"""`grc-fast behaviour`: points and phase of every client, from web and e-mail events."""

import os
from dataclasses import dataclass
from typing import Annotated

import typer

from grc_fast.cli.options import (
    ClientColumn,
    Condition,
    EventColumns,
    Language,
    QualityFile,
    RunOptions,
    output_option,
    taking,
)
from grc_fast.cli.threads import limit_polars


def _print_preset(name: str | None) -> None:
    """Print a rule file of the package, whatever else the command line says."""
    if name is None:
        return
    from grc_fast.behaviour.rules import preset_text
    from grc_fast.output import write_text

    write_text(preset_text(name))
    raise typer.Exit


@dataclass(kw_only=True)
class BehaviourOptions(RunOptions, EventColumns):
    """The options of `grc-fast behaviour`."""

    source: Annotated[
        list[str],
        typer.Argument(
            metavar="EVENTS",
            show_default=False,
            help="Files, globs, directories, addresses of an object store.",
        ),
    ]
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
    lang: Annotated[Language, typer.Option("--lang", help="Language of the labels.")] = Language.EN


def _is_same(path: str, other: str | None) -> bool:
    return other is not None and os.path.realpath(path) == os.path.realpath(other)


@taking(BehaviourOptions)
def behaviour(options: BehaviourOptions) -> None:
    """Score every client by what they did on the web and with e-mails.

    The size of every phase goes to standard output (or the scores, with -o -); progress and the
    account of what was read and dropped go to standard error.
    """
    limit_polars(options.threads)
    # Imported when Polars may be: it reads its number of threads then.
    from grc_fast import output
    from grc_fast.cli import events
    from grc_fast.cli.console import Messages, show_table

    named = (options.state_out, options.ledger, options.quality)
    other_files = [path for path in named if path is not None]
    inputs = [*options.source, options.rules]
    if options.state_in is not None and not _is_same(options.state_in, options.state_out):
        # The state that a run replaces is read before, and stands until the run has succeeded.
        inputs.append(options.state_in)
    output.check_outputs([options.output], other_files, inputs)
    messages = Messages(quiet=options.quiet)
    result, ledger = events.run_behaviour(options, messages)
    messages.note(str(result.quality))
    phases = events.phase_table(result, options.lang.value)
    events.write(result, ledger, options)
    if options.output == output.STDOUT:
        messages.table(phases)
        return
    for path in (options.output, *other_files):
        messages.note(f"written: {path}")
    show_table(phases)
