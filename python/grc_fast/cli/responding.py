"""From the options of `grc-fast response` to files, tables and charts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import polars as pl
import typer

from grc_fast import output
from grc_fast.campaigns import ResponseReport, response, score_before_campaigns
from grc_fast.cli.console import Messages, frame_table, show_table
from grc_fast.cli.options import SalesColumns, comma_list
from grc_fast.cli.response import ResponseOptions
from grc_fast.cli.tables import read_table, with_common_ids
from grc_fast.report_file import check_report_path


def run(options: ResponseOptions) -> None:
    """Report who answered, from files to files."""
    _check(options)
    given = (options.scores, options.campaigns, options.responses, options.calibrate)
    inputs = [path for path in given if path is not None]
    reports = [] if options.report is None else [options.report]
    output.check_outputs([options.output], reports, inputs)
    if options.report is not None:
        check_report_path(options.report)
    messages = Messages(quiet=options.quiet)
    scores, campaigns, responses, clients = _tables(options, messages)
    found = response(
        scores,
        campaigns,
        responses=responses,
        window=options.window,
        overlap=options.overlap.value,
        cost=options.cost,
        margin=options.margin,
    )
    messages.note(str(found))
    written = found.table if clients is None else _calibrated(found, clients, options, messages)
    files: dict[output.AnyPath, Callable[[Path], None]] = {
        path: found.writer(path) for path in reports
    }
    output.write_result(written, options.output, files)
    to_stdout = options.output == output.STDOUT
    for path in reports if to_stdout else [*reports, options.output]:
        messages.note(f"written: {path}")
    for table in (found.groups, found.segments):
        if table.height:
            (messages.table if to_stdout else show_table)(frame_table(table, {}))


def _check(options: ResponseOptions) -> None:
    """Refuse options that would have no effect."""
    if options.calibrate is None and options.by.value != "cell":
        raise typer.BadParameter("--by goes with --calibrate: it says whose rate a client gets")
    if options.from_sales:
        return
    for field in fields(SalesColumns):
        if getattr(options, field.name) != field.default:
            raise typer.BadParameter(
                f"--{field.name.replace('_', '-')} goes with --from-sales: scores have their "
                "columns by name"
            )


def _tables(
    options: ResponseOptions, messages: Messages
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame | None, pl.DataFrame | None]:
    """Read the scores, or make them of the sales; and the other tables, with ids that can meet."""
    campaigns = read_table(options.campaigns)
    scores = _scores(options, campaigns, messages) if options.from_sales else None
    scores = read_table(options.scores) if scores is None else scores
    others = [read_table(path) for path in (options.responses, options.calibrate) if path]
    scores, campaigns, *others = with_common_ids(scores, campaigns, *others)
    responses = others.pop(0) if options.responses else None
    return scores, campaigns, responses, others.pop(0) if options.calibrate else None


def _scores(options: ResponseOptions, campaigns: pl.DataFrame, messages: Messages) -> pl.DataFrame:
    with messages.progress() as progress:
        scores = score_before_campaigns(
            options.scores,
            campaigns,
            client=options.client,
            date=options.date,
            amount=options.amount,
            order=comma_list(options.order) if options.order else None,
            where=options.where,
            timezone=options.timezone,
            money_scale=options.money_scale,
            threads=options.threads,
            progress=progress,
        )
    count = scores["campaign"].n_unique()
    read = campaigns.drop_nulls(["campaign", "contacted_on"])["campaign"].n_unique()
    early = f" ({read - count:,} more began before the first sale)" if read > count else ""
    messages.note(f"clients were scored as of the day before each of {count:,} campaigns{early}")
    return scores


def _calibrated(
    report: ResponseReport, clients: pl.DataFrame, options: ResponseOptions, messages: Messages
) -> pl.DataFrame:
    chances = report.calibrate(clients, by=options.by.value)
    own, of_all = ((chances["basis"] == basis).sum() for basis in (options.by.value, "all"))
    messages.note(
        f"probabilities ({chances['kind'][0]}): {own:,} clients have that of their "
        f"{options.by.value}, {of_all:,} that of all contacts, since no campaign reached their "
        f"{options.by.value}; {chances['basis'].null_count():,} have no score"
    )
    return chances
