"""`grc-fast combine`: purchases and interest in one table, with the action for every client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import polars as pl
import typer
from rich.table import Table

from grc_fast.cli.console import Messages, show_table
from grc_fast.cli.figures import frame_table
from grc_fast.cli.options import (
    CsvStyleOption,
    LangOption,
    RunOptions,
    TextFileOptions,
    output_option,
    taking,
)
from grc_fast.cli.reading import text_reading
from grc_fast.io.ids import with_common_ids
from grc_fast.io.output_checks import check_outputs
from grc_fast.io.output_style import OutputStyle
from grc_fast.io.small_tables import read_table
from grc_fast.io.text_options import TextOptions
from grc_fast.io.write import STDOUT, write_result
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase
from grc_fast.segmentation.purchase_interest import action_sizes
from grc_fast.segmentation.purchase_interest import combine as combine_scores


@dataclass(kw_only=True)
class CombineOptions(RunOptions, TextFileOptions):
    """The options of `grc-fast combine`."""

    rfm: Annotated[
        str,
        typer.Argument(metavar="RFM", show_default=False, help="Scores of grc-fast score."),
    ]
    behaviour: Annotated[
        str,
        typer.Argument(
            metavar="BEHAVIOUR", show_default=False, help="Scores of grc-fast behaviour."
        ),
    ]
    output: Annotated[str, output_option("both scores and the actions")]
    csv_style: CsvStyleOption = "plain"
    groups: Annotated[
        int,
        typer.Option("--groups", metavar="N", help="Groups of the RFM scores, as for score."),
    ] = 5
    lang: LangOption = "en"


@taking(CombineOptions)
def combine(options: CombineOptions) -> None:
    """Join RFM scores and behaviour scores by client, with the action that a grid of both gives.

    The clients of either table get a row. The number of clients of every action goes to standard
    output (or the table, with -o -).
    """
    messages = Messages.of(options, options.lang)
    messages.notes(check_outputs([options.output], [], [options.rfm, options.behaviour]))
    text = TextOptions(**text_reading(options))
    rfm, behaviour = with_common_ids(
        read_table(options.rfm, text), read_table(options.behaviour, text)
    )
    with messages.step("compute"):
        combined = combine_scores(rfm, behaviour, groups=options.groups, lang=options.lang)
    messages.note(_account(combined, rfm, behaviour))
    style = OutputStyle(csv=options.csv_style, lang=options.lang)
    write_result(combined, options.output, {}, style)
    table = _action_table(combined, options.lang)
    if options.output == STDOUT:
        messages.table(table)
        return
    messages.written(options.output)
    show_table(table)


def _account(combined: pl.DataFrame, rfm: pl.DataFrame, behaviour: pl.DataFrame) -> Wording:
    """Say how many clients each table has, and how many have no event."""
    return Phrase(
        "note.combined",
        clients=combined.height,
        rfm=rfm.height,
        behaviour=behaviour.height,
        both=rfm.height + behaviour.height - combined.height,
        without_event=combined["phase"].null_count(),
    )


def _action_table(combined: pl.DataFrame, lang: str) -> Table:
    """Return the actions with their clients."""
    return frame_table(action_sizes(combined), lang)
