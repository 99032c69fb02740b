"""`grc-fast crosstab`: two facts of clients crossed, and what departs from chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from grc_fast._typing import AnyPath
from grc_fast.cli.console import Messages, show_table
from grc_fast.cli.figures import frame_table, matrix_table
from grc_fast.cli.options import (
    ClientColumn,
    CsvStyleOption,
    JsonFile,
    LangOption,
    RunOptions,
    TextFileOptions,
    numbers,
    output_option,
    taking,
)
from grc_fast.cli.reading import client_tables
from grc_fast.io.output_checks import check_outputs
from grc_fast.io.output_style import OutputStyle
from grc_fast.io.write import STDOUT, json_writer, write_result
from grc_fast.segmentation.grid import grid

# A wider matrix does not fit a screen.
_MOST_COLUMNS: Final = 12
# What says how far a cell departs from independence.
_DEPARTURES: Final = ("row", "column", "clients", "expected", "index", "residual")


@dataclass(kw_only=True)
class CrosstabOptions(RunOptions, TextFileOptions):
    """The options of `grc-fast crosstab`."""

    table: Annotated[
        str,
        typer.Argument(metavar="TABLE", show_default=False, help="Table of one row a client."),
    ]
    output: Annotated[str, output_option("cells")]
    csv_style: CsvStyleOption = "plain"
    rows: Annotated[
        str,
        typer.Option(
            "--rows", metavar="COLUMN|SQL", show_default=False, help="What makes the rows."
        ),
    ]
    columns: Annotated[
        str,
        typer.Option(
            "--columns", metavar="COLUMN|SQL", show_default=False, help="What makes the columns."
        ),
    ]
    values: Annotated[
        str | None,
        typer.Option(
            "--values",
            metavar="COLUMN|SQL",
            show_default=False,
            help="Money of a client, summed and averaged in each cell.",
        ),
    ] = None
    row_bands: Annotated[
        str | None,
        typer.Option(
            "--row-bands",
            metavar="NUMBERS",
            show_default=False,
            help="Thresholds that make classes of the rows, such as 20,50,100.",
        ),
    ] = None
    column_bands: Annotated[
        str | None,
        typer.Option(
            "--column-bands",
            metavar="NUMBERS",
            show_default=False,
            help="Thresholds that make classes of the columns.",
        ),
    ] = None
    min_cell: Annotated[
        int,
        typer.Option(
            "--min-cell",
            metavar="N",
            help="Hide cells of fewer clients, and the fewest others that would tell them (the "
            'extra "crosstab"); 0 hides nothing.',
        ),
    ] = 10
    client: ClientColumn = "client_id"
    json: JsonFile = None
    lang: LangOption = "en"


@taking(CrosstabOptions)
def crosstab(options: CrosstabOptions) -> None:
    """Cross two facts of clients: columns, SQL over them, or bands of a number.

    The clients of every cell, and the cells that depart most from independence, go to standard
    output (or the cells, with -o -); everything else goes to standard error.
    """
    messages = Messages.of(options, options.lang)
    files = [path for path in (options.json,) if path is not None]
    messages.notes(check_outputs([options.output], files, [options.table]))
    needed = [options.rows, options.columns, *([options.values] if options.values else [])]
    with messages.step("compute"):
        [table] = client_tables([options.table], options, options.client, needed)
        found = grid(
            table,
            rows=options.rows,
            columns=options.columns,
            values=options.values,
            row_bands=numbers("--row-bands", options.row_bands),
            column_bands=numbers("--column-bands", options.column_bands),
            min_cell=options.min_cell,
            lang=options.lang,
        )
    messages.notes(found.notes)
    messages.account(found.said(options.lang))
    written: dict[AnyPath, Callable[[Path], None]] = {
        path: json_writer(found.to_dict()) for path in files
    }
    style = OutputStyle(csv=options.csv_style, lang=options.lang)
    write_result(found.cells, options.output, written, style)
    if options.output != STDOUT:
        messages.written(options.output)
    for path in files:
        messages.written(path)
    shown: list[Table] = []
    clients = found.table()
    if clients.width <= _MOST_COLUMNS + 2:
        shown.append(matrix_table(clients, options.lang))
    if found.independence is not None:
        departures = found.departures().select(_DEPARTURES)
        shown.append(frame_table(departures, options.lang))
    for printed in shown:
        messages.table(printed) if options.output == STDOUT else show_table(printed)
