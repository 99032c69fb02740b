"""`grc-fast segment`: every client in the first segment of ordered rules that takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from grc_fast.cli.console import Messages
from grc_fast.cli.figures import frame_table
from grc_fast.cli.options import (
    ClientColumn,
    CsvStyleOption,
    LangOption,
    MoneyColumn,
    RunOptions,
    TextFileOptions,
    output_option,
    taking,
)
from grc_fast.cli.reading import client_tables
from grc_fast.io.output_checks import check_outputs
from grc_fast.io.output_style import OutputStyle
from grc_fast.io.write import STDOUT, write_result
from grc_fast.segmentation.definition import Segmentation
from grc_fast.segmentation.segments import segment as put_into_segments


@dataclass(kw_only=True)
class SegmentOptions(RunOptions, TextFileOptions):
    """The options of `grc-fast segment`."""

    clients: Annotated[
        list[str],
        typer.Argument(
            metavar="CLIENTS",
            show_default=False,
            help="Tables of one row a client. Several with the same columns are parts of one; "
            "others are joined by client.",
        ),
    ]
    rules: Annotated[
        str,
        typer.Option(
            "--rules", metavar="FILE", show_default=False, help="TOML file of the segments."
        ),
    ]
    output: Annotated[str, output_option("clients and their segments")]
    csv_style: CsvStyleOption = "plain"
    client: ClientColumn = "client_id"
    bins: Annotated[
        int, typer.Option("--bins", metavar="N", help="Bands of the scores, as for score.")
    ] = 5
    groups: Annotated[
        int, typer.Option("--groups", metavar="N", help="Groups of the scores, as for score.")
    ] = 5
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="DATE",
            show_default=False,
            help="Day from which the tenure is counted, where the tables do not tell it.",
        ),
    ] = None
    money: MoneyColumn = None
    lang: LangOption = "en"


@taking(SegmentOptions)
def segment(options: SegmentOptions) -> None:
    """Put every client into the first segment whose conditions hold.

    The clients and the money of every segment go to standard error, with what is to beware of.
    """
    messages = Messages.of(options, options.lang)
    messages.notes(check_outputs([options.output], [], [*options.clients, options.rules]))
    definition = Segmentation.load(options.rules)
    with messages.step("compute"):
        found = put_into_segments(
            *client_tables(options.clients, options, options.client),
            rules=definition,
            bins=options.bins,
            groups=options.groups,
            as_of=options.as_of,
            money=options.money,
            lang=options.lang,
        )
    messages.account(definition.said(options.lang))
    messages.notes(found.notes)
    messages.warnings(found.warnings)
    style = OutputStyle(csv=options.csv_style, lang=options.lang)
    write_result(found.clients, options.output, {}, style)
    messages.table(frame_table(found.sizes, options.lang, total=True))
    if options.output != STDOUT:
        messages.written(options.output)
