"""`grc-fast compare`: what moved between two scored dates."""

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
    ClientColumn,
    CsvStyleOption,
    JsonFile,
    LangOption,
    MoneyColumn,
    RunOptions,
    TextFileOptions,
    output_option,
    taking,
)
from grc_fast.cli.reading import client_tables
from grc_fast.errors import OptionError
from grc_fast.io.output_checks import check_outputs
from grc_fast.io.output_style import OutputStyle
from grc_fast.io.write import STDOUT, frame_writer, json_writer, write_result
from grc_fast.segmentation.migration import By, Migration
from grc_fast.segmentation.migration import compare as compare_scores


@dataclass(kw_only=True)
class CompareOptions(RunOptions, TextFileOptions):
    """The options of `grc-fast compare`."""

    before: Annotated[
        str,
        typer.Argument(metavar="BEFORE", show_default=False, help="Scores of the first date."),
    ]
    after: Annotated[
        str,
        typer.Argument(metavar="AFTER", show_default=False, help="Scores of the second date."),
    ]
    output: Annotated[str, output_option("moves")]
    csv_style: CsvStyleOption = "plain"
    client: ClientColumn = "client_id"
    by: Annotated[By, typer.Option("--by", help="What is compared.")] = "segment"
    money: MoneyColumn = None
    left_best: Annotated[
        str | None,
        typer.Option(
            "--left-best",
            metavar="FILE",
            show_default=False,
            help="Write who was in group 1 or 2 before and is not after.",
        ),
    ] = None
    json: JsonFile = None
    lang: LangOption = "en"


@taking(CompareOptions)
def compare(options: CompareOptions) -> None:
    """Compare two tables of scores: who moved where, with which money.

    The flows of every segment go to standard output (or the moves, with -o -); how many stayed,
    moved, entered and left, and the population stability index, go to standard error.
    """
    messages = Messages.of(options, options.lang)
    if options.left_best == STDOUT:
        raise OptionError("only -o takes - for standard output: give --left-best a file name")
    frames = [path for path in (options.output, options.left_best) if path is not None]
    files = [path for path in (options.json,) if path is not None]
    inputs = [options.before, options.after]
    messages.notes(check_outputs(frames, files, inputs))
    needed = [options.by, "group", options.money or "monetary"]
    with messages.step("compute"):
        before, after = client_tables(inputs, options, options.client, needed)
        found = compare_scores(before, after, by=options.by, money=options.money, lang=options.lang)
    messages.notes(found.notes)
    messages.account(found.said(options.lang))
    style = OutputStyle(csv=options.csv_style, lang=options.lang)
    write_result(found.moves, options.output, _beside(options, found, style), style)
    flows = frame_table(found.flows, options.lang)
    if options.output != STDOUT:
        messages.written(options.output)
    for path in (options.left_best, options.json):
        if path is not None:
            messages.written(path)
    messages.table(flows) if options.output == STDOUT else show_table(flows)


def _beside(
    options: CompareOptions, found: Migration, style: OutputStyle
) -> dict[AnyPath, Callable[[Path], None]]:
    """Return what is written beside the moves."""
    files: dict[AnyPath, Callable[[Path], None]] = {}
    if options.json is not None:
        files[options.json] = json_writer(found.to_dict())
    if options.left_best is not None:
        if found.left_best is None:
            raise OptionError(
                "--left-best needs the groups of both dates: a table has no column 'group'"
            )
        files[options.left_best] = frame_writer(found.left_best, options.left_best, style)
    return files
