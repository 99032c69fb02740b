"""`grc-fast response`: who answered past campaigns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Final, cast

import polars as pl
import typer

from grc_fast._typing import AnyPath
from grc_fast.campaigns import response as campaign_response
from grc_fast.campaigns.attribution import Overlap
from grc_fast.campaigns.calibration import Unreached
from grc_fast.campaigns.campaign_files import (
    CampaignColumns,
    CampaignReading,
    campaigns_table,
    responses_table,
    scores_table,
)
from grc_fast.campaigns.cell_keys import Level
from grc_fast.campaigns.scores_before import score_before_campaigns
from grc_fast.cli.console import Messages, show_table
from grc_fast.cli.figures import frame_table
from grc_fast.cli.options import (
    CsvStyleOption,
    LangOption,
    RunOptions,
    SalesColumns,
    TextFileOptions,
    output_option,
    taking,
)
from grc_fast.cli.reading import sales_columns, text_reading
from grc_fast.facts.options import Reading
from grc_fast.io.ids import with_common_ids
from grc_fast.io.output_checks import check_outputs
from grc_fast.io.output_style import OutputStyle
from grc_fast.io.write import STDOUT, write_result
from grc_fast.labels.phrases import Phrase
from grc_fast.report.report_file import check_report_path


@dataclass(kw_only=True)
class ContactColumns:
    """Which column of the campaigns, and of the responses, plays which role."""

    campaign: Annotated[
        str,
        typer.Option("--campaign", metavar="COLUMN", help="Column of the campaign of a contact."),
    ] = "campaign"
    contacted: Annotated[
        str,
        typer.Option("--contacted", metavar="COLUMN", help="Column of the day of a contact."),
    ] = "contacted_on"
    responded: Annotated[
        str,
        typer.Option(
            "--responded",
            metavar="COLUMN",
            help="Column that says whether the client responded: true, 1, yes or oui.",
        ),
    ] = "responded"
    control: Annotated[
        str,
        typer.Option(
            "--control",
            metavar="COLUMN",
            help="Column that says whether the client was left alone, in the control group "
            "(control, where there is one).",
        ),
    ] = "control"
    spend: Annotated[
        str,
        typer.Option(
            "--spend",
            metavar="COLUMN",
            help="Column of the money spent (spend, where there is one).",
        ),
    ] = "spend"
    answered: Annotated[
        str,
        typer.Option(
            "--answered", metavar="COLUMN", help="With --responses: column of the day of an answer."
        ),
    ] = "date"


@dataclass(kw_only=True)
class ResponseOptions(RunOptions, ContactColumns, SalesColumns):
    """The options of `grc-fast response`."""

    scores: Annotated[
        str,
        typer.Argument(
            metavar="SCORES",
            show_default=False,
            help="Scores of grc-fast score; with a column campaign, those before each campaign. "
            "With --from-sales, the sales.",
        ),
    ]
    campaigns: Annotated[
        str,
        typer.Argument(
            metavar="CAMPAIGNS",
            show_default=False,
            help="Contacts: client_id, campaign, contacted_on, and responded, control, spend.",
        ),
    ]
    output: Annotated[str, output_option("rates (with --calibrate, the probabilities)")]
    csv_style: CsvStyleOption = "plain"
    from_sales: Annotated[
        bool,
        typer.Option(
            "--from-sales",
            help="Take sales instead of scores, and score clients as of the day before each "
            "campaign: scores that know what came after flatter the rates.",
        ),
    ] = False
    calibrate: Annotated[
        str | None,
        typer.Option(
            "--calibrate",
            metavar="SCORES",
            show_default=False,
            help="Write the response probability of each client of these scores, not the rates.",
        ),
    ] = None
    by: Annotated[
        Level,
        typer.Option("--by", help="With --calibrate: whose rate a client gets."),
    ] = "cell"
    unreached: Annotated[
        Unreached,
        typer.Option(
            "--unreached",
            help="With --calibrate: clients where no past campaign reached anybody are an error, "
            "or have no probability (null).",
        ),
    ] = "error"
    responses: Annotated[
        str | None,
        typer.Option(
            "--responses",
            metavar="FILE",
            show_default=False,
            help="Answers to attribute: client_id, date, and spend, campaign.",
        ),
    ] = None
    window: Annotated[
        str | None,
        typer.Option(
            "--window",
            metavar="DURATION",
            show_default=False,
            help="With --responses: how long after a contact an answer counts (30d).",
        ),
    ] = None
    overlap: Annotated[
        Overlap,
        typer.Option("--overlap", help="Which contact an answer goes to where windows overlap."),
    ] = "last"
    cost: Annotated[
        float | None,
        typer.Option("--cost", metavar="MONEY", show_default=False, help="Of one contact."),
    ] = None
    margin: Annotated[
        float | None,
        typer.Option("--margin", metavar="MONEY", show_default=False, help="On one sale."),
    ] = None
    report: Annotated[
        str | None,
        typer.Option(
            "--report",
            metavar="FILE",
            show_default=False,
            help="Save the report as .json, or its chart as .svg or .png (which need the extra "
            '"report").',
        ),
    ] = None
    lang: LangOption = "en"


@taking(ResponseOptions)
def response(options: ResponseOptions) -> None:
    """Say who answered past campaigns, by RFM cell, group and segment.

    The rates of the groups and of the segments go to standard output (or what is written, with
    -o -); everything else goes to standard error. --client names the client's column in every
    table; the options from --date to --money-scale say how sales are read, with --from-sales.
    """
    _check(options)
    given = (options.scores, options.campaigns, options.responses, options.calibrate)
    inputs = [path for path in given if path is not None]
    reports = [] if options.report is None else [options.report]
    messages = Messages.of(options, options.lang)
    messages.notes(check_outputs([options.output], reports, inputs))
    if options.report is not None:
        check_report_path(options.report)
    scores, campaigns, responses, clients = _tables(options, messages)
    with messages.step("compute"):
        found = campaign_response.response(
            scores,
            campaigns,
            responses=responses,
            window=options.window,
            overlap=options.overlap,
            cost=options.cost,
            margin=options.margin,
        )
    messages.account(found.said(options.lang))
    written = found.table if clients is None else _calibrated(found, clients, options, messages)
    files: dict[AnyPath, Callable[[Path], None]] = {
        path: found.writer(path, options.lang) for path in reports
    }
    write_result(
        written, options.output, files, OutputStyle(csv=options.csv_style, lang=options.lang)
    )
    to_stdout = options.output == STDOUT
    for path in reports if to_stdout else [*reports, options.output]:
        messages.written(path)
    show = messages.table if to_stdout else show_table
    for table in (found.groups, found.segments, found.campaigns):
        if table.height:
            show(frame_table(on_screen(table), options.lang))


# What is left out stands in the file: intervals of spends, controls, and what indices are of.
_SHOWN: Final = (
    "contacts",
    "responses",
    "shrunk",
    "low",
    "high",
    "lift",
    "index",
    "incremental",
    "incremental_low",
    "incremental_high",
)


def on_screen(table: pl.DataFrame) -> pl.DataFrame:
    """Return the columns of a table that a reader needs first: all of them are in the file."""
    return table.select(table.columns[0], *(n for n in _SHOWN if n in table.columns[1:]))


def _check(options: ResponseOptions) -> None:
    """Refuse options that would have no effect."""
    if options.calibrate is None:
        for name, value, default in (
            ("--by", options.by, "cell"),
            ("--unreached", options.unreached, "error"),
        ):
            if value != default:
                raise typer.BadParameter(f"{name} goes with --calibrate: it says what clients get")
    if options.responses is None and options.answered != "date":
        raise typer.BadParameter("--answered goes with --responses: it is a column of theirs")
    if options.from_sales:
        return
    shared = {field.name for field in fields(TextFileOptions)} | {"client"}
    for field in fields(SalesColumns):
        if field.name not in shared and getattr(options, field.name) != field.default:
            raise typer.BadParameter(
                f"--{field.name.replace('_', '-')} goes with --from-sales: scores have their "
                "columns by name"
            )


def _tables(
    options: ResponseOptions, messages: Messages
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame | None, pl.DataFrame | None]:
    """Read the scores, or make them of the sales; and the other tables, with ids that can meet."""
    columns = _columns(options)
    campaigns = campaigns_table(options.campaigns, columns)
    scores = (
        _scores(options, campaigns, messages)
        if options.from_sales
        else scores_table(options.scores, columns)
    )
    others = []
    if options.responses is not None:
        others.append(responses_table(options.responses, columns))
    if options.calibrate is not None:
        others.append(scores_table(options.calibrate, columns))
    scores, campaigns, *others = with_common_ids(scores, campaigns, *others)
    responses = others.pop(0) if options.responses else None
    return scores, campaigns, responses, others.pop(0) if options.calibrate else None


def _columns(options: ResponseOptions) -> CampaignColumns:
    """Return the columns of the tables; the client's is that of sales where these are scored."""
    roles = {field.name: getattr(options, field.name) for field in fields(ContactColumns)}
    reading = {"client": options.client, **roles, **text_reading(options)}
    columns = CampaignColumns.of(cast(CampaignReading, reading))
    return replace(columns, strict=not options.from_sales)


def _scores(options: ResponseOptions, campaigns: pl.DataFrame, messages: Messages) -> pl.DataFrame:
    with messages.step("read", [options.scores]) as progress:
        scores = score_before_campaigns(
            options.scores,
            campaigns,
            **(sales_columns(options) | Reading(threads=options.threads, progress=progress)),
        )
    count = scores["campaign"].n_unique()
    read = campaigns.drop_nulls(["campaign", "contacted_on"])["campaign"].n_unique()
    key = "note.scored_before_some" if read > count else "note.scored_before"
    messages.note(Phrase(key, campaigns=count, early=read - count))
    return scores


def _calibrated(
    report: campaign_response.ResponseReport,
    clients: pl.DataFrame,
    options: ResponseOptions,
    messages: Messages,
) -> pl.DataFrame:
    chances = report.calibrate(clients, by=options.by, unreached=options.unreached)
    nothing = int(chances["basis"].null_count())
    calibrated = Phrase(
        f"response.calibrated{'_or_unreached' if options.unreached == 'null' else ''}",
        kind=chances["kind"][0],
        clients=chances.height - nothing,
        level=Phrase(f"response.{options.by}"),
        nothing=nothing,
    )
    messages.note(calibrated)
    return chances
