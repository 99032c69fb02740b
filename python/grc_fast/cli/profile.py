"""`grc-fast profile`: how open, how active and how relational every client is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from grc_fast._typing import AnyPath
from grc_fast.cli.console import Messages, show_table
from grc_fast.cli.figures import frame_table
from grc_fast.cli.options import (
    CsvStyleOption,
    KindColumn,
    LangOption,
    QualityFile,
    RunOptions,
    SalesColumns,
    SourceOptions,
    TimestampColumn,
    output_option,
    taking,
)
from grc_fast.cli.reading import sales_columns, source_of
from grc_fast.facts.options import Reading
from grc_fast.io.output_checks import check_outputs
from grc_fast.io.output_style import OutputStyle
from grc_fast.io.write import STDOUT, json_writer, write_result, write_text
from grc_fast.labels.phrases import Phrase
from grc_fast.segmentation.profile.profile import ProfileResult
from grc_fast.segmentation.profile.profile import profile as profile_clients
from grc_fast.segmentation.profile.settings import settings_text


def _print_settings(asked: bool) -> None:  # noqa: FBT001 (the signature is Typer's)
    """Print the settings of the package, whatever else the command line says."""
    if asked:
        write_text(settings_text())
        raise typer.Exit


@dataclass(kw_only=True)
class ProfileOptions(RunOptions, SalesColumns, SourceOptions):
    """The options of `grc-fast profile`."""

    output: Annotated[str, output_option("profiles")]
    events: Annotated[
        str | None,
        typer.Option(
            "--events",
            metavar="SOURCE",
            show_default=False,
            help="Table of events, with the clients in the column that the sales have them in.",
        ),
    ] = None
    category: Annotated[
        str | None,
        typer.Option(
            "--category",
            metavar="COLUMN|SQL",
            show_default=False,
            help="Column of the sales, or SQL, of what was bought (category, where there is one).",
        ),
    ] = None
    channel: Annotated[
        str | None,
        typer.Option(
            "--channel",
            metavar="COLUMN|SQL",
            show_default=False,
            help="Column of the sales, or SQL, of where it was bought (channel, where there is "
            "one).",
        ),
    ] = None
    promo: Annotated[
        str | None,
        typer.Option(
            "--promo",
            metavar="COLUMN|SQL",
            show_default=False,
            help="Column of the sales, or SQL, that is true for lines on promotion (promo, where "
            "there is one).",
        ),
    ] = None
    timestamp: TimestampColumn = "timestamp"
    kind: KindColumn = "kind"
    settings: Annotated[
        str | None,
        typer.Option(
            "--settings",
            metavar="FILE",
            show_default=False,
            help="TOML file of the kinds of events that count, and of the channels that suit each "
            "label.",
        ),
    ] = None
    print_settings: Annotated[
        bool,
        typer.Option(
            "--print-settings",
            is_eager=True,
            callback=_print_settings,
            help="Print the settings that are the default, to copy and edit, and exit.",
        ),
    ] = False
    quality: QualityFile = None
    csv_style: CsvStyleOption = "plain"
    lang: LangOption = "en"


@taking(ProfileOptions)
def profile(options: ProfileOptions) -> None:
    """Say how open, how active and how relational every client is, and which channels suit.

    The clients of every profile, and the channels that suit them, go to standard output (or the
    profiles, with -o -); everything else goes to standard error.
    """
    messages = Messages.of(options, options.lang)
    further = [] if options.quality is None else [options.quality]
    given = (*options.source, options.events, options.settings)
    inputs = [path for path in given if path is not None]
    messages.notes(check_outputs([options.output], further, inputs))
    with messages.step("read", options.source) as progress:
        found = profile_clients(
            source_of(options),
            options.events,
            category=options.category,
            channel=options.channel,
            promo=options.promo,
            timestamp=options.timestamp,
            kind=options.kind,
            settings=options.settings,
            lang=options.lang,
            **(sales_columns(options) | Reading(threads=options.threads, progress=progress)),
        )
    _tell(found, messages)
    files: dict[AnyPath, Callable[[Path], None]] = {
        path: json_writer(found.to_dict()) for path in further
    }
    style = OutputStyle(csv=options.csv_style, lang=options.lang, metadata=found.metadata)
    write_result(found.scores, options.output, files, style)
    for path in (options.output, *further):
        if path != STDOUT:
            messages.written(path)
    table = frame_table(found.named_profiles(options.lang), options.lang)
    messages.table(table) if options.output == STDOUT else show_table(table)


def _tell(found: ProfileResult, messages: Messages) -> None:
    """Say which rows were read, how far the axes can be relied upon, and what looks wrong."""
    for rows in found.rows:
        messages.note(rows.wording)
    for axis, reliability in found.reliability.items():
        if reliability.value is not None:
            known, value = reliability.clients, reliability.value
            messages.note(Phrase("profiles.known", axis=axis, clients=known, reliability=value))
    messages.notes(found.notes)
    messages.warnings(found.warnings)
