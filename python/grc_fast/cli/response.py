"""`grc-fast response`: who answered past campaigns."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer

from grc_fast.cli.options import RunOptions, SalesColumns, output_option, taking
from grc_fast.cli.threads import limit_polars


class OverlapRule(StrEnum):
    """Which contact an answer goes to."""

    LAST = "last"
    FIRST = "first"
    ALL = "all"


class PlaceLevel(StrEnum):
    """What a response probability is that of."""

    CELL = "cell"
    GROUP = "group"
    SEGMENT = "segment"


@dataclass(kw_only=True)
class ResponseOptions(RunOptions, SalesColumns):
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
        PlaceLevel,
        typer.Option("--by", help="With --calibrate: whose rate a client gets."),
    ] = PlaceLevel.CELL
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
        OverlapRule,
        typer.Option("--overlap", help="Which contact an answer goes to where windows overlap."),
    ] = OverlapRule.LAST
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


@taking(ResponseOptions)
def response(options: ResponseOptions) -> None:
    """Say who answered past campaigns, by RFM cell, group and segment.

    The rates of the groups and of the segments go to standard output (or what is written, with
    -o -); everything else goes to standard error. The options from --client to --money-scale say
    how sales are read, and go with --from-sales.
    """
    limit_polars(options.threads)
    # Imported when Polars may be: it reads its number of threads then.
    from grc_fast.cli import responding

    responding.run(options)
