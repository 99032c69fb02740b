"""From the options of `grc-fast response` to files, tables and charts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from grc_fast import output
from grc_fast.campaigns import response
from grc_fast.cli.console import Messages, frame_table, show_table
from grc_fast.cli.response import ResponseOptions
from grc_fast.errors import SourceError
from grc_fast.report_file import check_report_path
from grc_fast.sources import open_source


def run(options: ResponseOptions) -> None:
    """Report who answered, from files to files."""
    inputs = [options.scores, options.campaigns]
    inputs += [options.responses] if options.responses is not None else []
    reports = [] if options.report is None else [options.report]
    output.check_outputs([options.output], reports, inputs)
    if options.report is not None:
        check_report_path(options.report)
    messages = Messages(quiet=options.quiet)
    found = response(
        read_table(options.scores),
        read_table(options.campaigns),
        responses=None if options.responses is None else read_table(options.responses),
        window=options.window,
        overlap=options.overlap.value,
        cost=options.cost,
        margin=options.margin,
    )
    messages.note(str(found))
    files: dict[output.AnyPath, Callable[[Path], None]] = {
        path: found.writer(path) for path in reports
    }
    output.write_result(found.table, options.output, files)
    to_stdout = options.output == output.STDOUT
    for path in reports if to_stdout else [*reports, options.output]:
        messages.note(f"written: {path}")
    for table in (found.groups, found.segments):
        if table.height:
            (messages.table if to_stdout else show_table)(frame_table(table, {}))


def read_table(path: str) -> pl.DataFrame:
    """Read a small table whole, in the format of its extension.

    Raises
    ------
    SourceError
        If it cannot be read, or its format is not known.
    """
    open_source(path)
    readers: dict[str, Callable[[str], pl.DataFrame]] = {
        ".parquet": pl.read_parquet,
        ".csv": lambda name: pl.read_csv(name, try_parse_dates=True),
        ".ndjson": pl.read_ndjson,
        ".jsonl": pl.read_ndjson,
        ".arrow": pl.read_ipc,
        ".ipc": pl.read_ipc,
        ".feather": pl.read_ipc,
    }
    for extension, read in readers.items():
        if path.lower().endswith(extension):
            try:
                return read(path)
            except (pl.exceptions.PolarsError, OSError) as error:
                reason = str(error).partition("\n")[0]
                raise SourceError(f"{path} cannot be read: {reason}") from None
    raise SourceError(f"{path} must be one file named {', '.join(readers)}")
