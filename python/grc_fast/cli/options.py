"""The options that commands share, each defined once.

A command takes one dataclass of options; `taking` turns its fields into the command line.
Options of the scoring have no default here: None means that the user said nothing, which is what
`--model-in` needs to know.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from grc_fast._typing import CsvStyle, Edges, Lang, Number, Returns, Ties
from grc_fast.cli.threads import limit_polars
from grc_fast.rfm.criteria import FrequencyMeasure, MonetaryMeasure

Options = TypeVar("Options")


#: Options that several commands take, each defined once.
ClientColumn = Annotated[
    str,
    typer.Option("--client", metavar="COLUMN", help="Column of the client's id."),
]
TimestampColumn = Annotated[
    str,
    typer.Option("--timestamp", metavar="COLUMN", help="Column of the instant of an event."),
]
KindColumn = Annotated[
    str,
    typer.Option("--kind", metavar="COLUMN", help="Column of the kind of an event."),
]
Condition = Annotated[
    str | None,
    typer.Option(
        "--where",
        metavar="SQL",
        show_default=False,
        help="Condition that a row must meet to be used.",
    ),
]
MoneyColumn = Annotated[
    str | None,
    typer.Option(
        "--money",
        metavar="COLUMN|SQL",
        show_default=False,
        help="Money of a client (monetary, where there is one).",
    ),
]
QualityFile = Annotated[
    str | None,
    typer.Option(
        "--quality",
        metavar="FILE",
        show_default=False,
        help="Save the account of what was read, used and dropped as JSON.",
    ),
]
JsonFile = Annotated[
    str | None,
    typer.Option(
        "--json", metavar="FILE", show_default=False, help="Save the result as JSON as well."
    ),
]
ControlFile = Annotated[
    str | None,
    typer.Option(
        "--control",
        metavar="FILE",
        show_default=False,
        help="The control group: client_id, control.",
    ),
]
TrackingFile = Annotated[
    str | None,
    typer.Option(
        "--tracking",
        metavar="FILE",
        show_default=False,
        help="Table of consents to tracking (client_id, scope open or click, status, date): opens "
        "of all other clients are dropped and counted.",
    ),
]
CsvStyleOption = Annotated[
    CsvStyle,
    typer.Option(
        "--csv-style",
        help="CSV for programs, or what French Excel opens: semicolons, decimal commas, dates as "
        "31/12/2026, and no text that runs as a formula.",
    ),
]


def output_option(what: str) -> Any:
    """Return the option that says where a result goes."""
    return typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        show_default=False,
        help=f"Where the {what} go: .parquet, .csv, .ndjson, .arrow or .xlsx; - writes CSV to "
        "standard output.",
    )


LangOption = Annotated[
    Lang, typer.Option("--lang", help="Language of labels, messages, figures and dates.")
]


@dataclass(kw_only=True)
class RunOptions:
    """How a command runs."""

    threads: Annotated[
        int | None,
        typer.Option(
            "--threads",
            min=1,
            max=1024,
            metavar="N",
            show_default=False,
            help="Threads to use, 1 to 1024; every core by default. The result does not depend "
            "on it.",
        ),
    ] = None
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            "-q",
            help="Say nothing on standard error but errors.",
        ),
    ] = False
    json_progress: Annotated[
        bool,
        typer.Option(
            "--json-progress",
            help="Say on standard error how far the run is as lines of JSON, for a scheduler.",
        ),
    ] = False


@dataclass(kw_only=True)
class TextFileOptions:
    """How text files are written, where it is not as they seem."""

    encoding: Annotated[
        str | None,
        typer.Option(
            "--encoding",
            metavar="NAME",
            show_default=False,
            help="Encoding of text files, such as cp1252; detected by default.",
        ),
    ] = None
    separator: Annotated[
        str | None,
        typer.Option(
            "--separator",
            metavar="CHARACTER",
            show_default=False,
            help="What stands between the fields of CSV files, tab for a tab; detected by default.",
        ),
    ] = None
    decimal: Annotated[
        str | None,
        typer.Option(
            "--decimal",
            metavar="MARK",
            show_default=False,
            help="Decimal mark, a point or a comma; detected by default.",
        ),
    ] = None
    thousands: Annotated[
        str | None,
        typer.Option(
            "--thousands",
            metavar="MARK",
            show_default=False,
            help="Mark between thousands; detected by default.",
        ),
    ] = None
    date_format: Annotated[
        str | None,
        typer.Option(
            "--date-format",
            metavar="FORM",
            show_default=False,
            help="iso, dmy, mdy, ymd, excel, epoch-s, epoch-ms, epoch-us, or a pattern such as "
            '"%d %b %Y"; the first four are detected by default.',
        ),
    ] = None
    null_values: Annotated[
        list[str] | None,
        typer.Option(
            "--null-values",
            metavar="WORD",
            show_default=False,
            help="A word that stands for no value, instead of NULL, NA and the like; may be "
            "repeated.",
        ),
    ] = None
    skip_rows: Annotated[
        int,
        typer.Option(
            "--skip-rows", metavar="N", show_default=False, help="Lines before the header."
        ),
    ] = 0
    sheet: Annotated[
        str | None,
        typer.Option(
            "--sheet",
            metavar="NAME",
            show_default=False,
            help="Sheet of a workbook; by default the first that has the columns.",
        ),
    ] = None


@dataclass(kw_only=True)
class PermissionOptions:
    """What says whom not to contact."""

    policy: Annotated[
        str | None,
        typer.Option(
            "--policy",
            metavar="FILE|fr|none",
            show_default=False,
            help="The rules of contacts: fr (the default), a TOML file, or none, which says that "
            "consent is handled elsewhere.",
        ),
    ] = None
    consent: Annotated[
        str | None,
        typer.Option(
            "--consent",
            metavar="FILE",
            show_default=False,
            help="Table of consents: client_id, channel, status, collected_at, and basis, expires, "
            "proof, scope.",
        ),
    ] = None
    suppress: Annotated[
        str | None,
        typer.Option(
            "--suppress",
            metavar="FILE",
            show_default=False,
            help="Whom never to contact: client_id, email or phone.",
        ),
    ] = None
    contacts: Annotated[
        str | None,
        typer.Option(
            "--contacts",
            metavar="FILE",
            show_default=False,
            help="Past contacts: client_id, channel, contacted_on, and refused.",
        ),
    ] = None
    last_seen: Annotated[
        str | None,
        typer.Option(
            "--last-seen",
            metavar="FILE",
            show_default=False,
            help="Signs of life: client_id, last_seen, and kind where rows are of several. Clients "
            "who have given none for as long as the policy says are left out.",
        ),
    ] = None
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="DATE",
            show_default=False,
            help="The day of the contacts, or their time; needed with a policy.",
        ),
    ] = None

    def tables(self) -> dict[str, str | None]:
        """Return the paths of the tables, by what they are."""
        names = ("consent", "suppress", "contacts", "last_seen")
        return {name: getattr(self, name) for name in names}


@dataclass(kw_only=True)
class SourceOptions:
    """Where the rows are."""

    source: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE",
            show_default=False,
            help="Files, globs, directories, addresses of an object store, a table of a lake, or a "
            "database (postgresql://host/base#table, base.duckdb#table, base.sqlite#table).",
        ),
    ]
    table: Annotated[
        str | None,
        typer.Option(
            "--table",
            metavar="NAME",
            show_default=False,
            help="Table or view of the database that SOURCE is.",
        ),
    ] = None
    query: Annotated[
        str | None,
        typer.Option(
            "--query",
            metavar="SQL",
            show_default=False,
            help="Query of the database that SOURCE is, in its own dialect, instead of a table.",
        ),
    ] = None


@dataclass(kw_only=True)
class SalesColumns(TextFileOptions):
    """Which column of the sales plays which role, and which of their rows count."""

    client: ClientColumn = "client_id"
    date: Annotated[
        str,
        typer.Option(
            "--date", metavar="COLUMN", help="Column of the day, or the date and time, of a line."
        ),
    ] = "date"
    amount: Annotated[
        str,
        typer.Option(
            "--amount",
            metavar="COLUMN|SQL",
            help='Column of the amount of a line, or SQL such as "Quantity * UnitPrice".',
        ),
    ] = "amount"
    order: Annotated[
        list[str] | None,
        typer.Option(
            "--order",
            metavar="COLUMN",
            show_default=False,
            help="Column of the order id, or several, by commas or by repeating the option; "
            "without it each row is an order.",
        ),
    ] = None
    where: Condition = None
    timezone: Annotated[
        str,
        typer.Option(
            "--timezone",
            metavar="ZONE",
            help="Time zone in which the day of a zoned timestamp is taken.",
        ),
    ] = "UTC"
    money_scale: Annotated[
        int | None,
        typer.Option(
            "--money-scale",
            metavar="N",
            show_default=False,
            help="Decimals to which each float amount is rounded before the sums (4 by default); "
            "decimal amounts keep their own scale, and integers are whole.",
        ),
    ] = None


@dataclass(kw_only=True)
class SalesOptions(SalesColumns, SourceOptions):
    """Where the sales are, and which column plays which role."""

    clients: Annotated[
        str | None,
        typer.Option(
            "--clients",
            metavar="FILE",
            show_default=False,
            help="Table of the whole client base: each of its clients gets a row and a status.",
        ),
    ] = None
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="DATE",
            show_default=False,
            help="Day from which recency is counted (2026-11-01); the day after the last sale by "
            "default.",
        ),
    ] = None


@dataclass(kw_only=True)
class EventColumns(TextFileOptions):
    """Which column of a table of events plays which role."""

    timestamp: TimestampColumn = "timestamp"
    kind: KindColumn = "kind"
    page: Annotated[
        str | None,
        typer.Option(
            "--page",
            metavar="COLUMN",
            show_default=False,
            help="Column of the page, its URL or id (page, where there is one).",
        ),
    ] = None
    dwell: Annotated[
        str | None,
        typer.Option(
            "--dwell",
            metavar="COLUMN",
            show_default=False,
            help="Column of the seconds on the page (dwell, where there is one).",
        ),
    ] = None
    clicks: Annotated[
        str | None,
        typer.Option(
            "--clicks",
            metavar="COLUMN",
            show_default=False,
            help="Column of the clicks (clicks, where there is one).",
        ),
    ] = None
    channel: Annotated[
        str | None,
        typer.Option(
            "--channel",
            metavar="COLUMN",
            show_default=False,
            help="Column of the channel, which ledgers show (channel, where there is one).",
        ),
    ] = None
    message: Annotated[
        str | None,
        typer.Option(
            "--message",
            metavar="COLUMN",
            show_default=False,
            help="Column of the id of the e-mail, for rules that count once for each (message, "
            "where there is one).",
        ),
    ] = None
    event_id: Annotated[
        str | None,
        typer.Option(
            "--event-id",
            metavar="COLUMN",
            show_default=False,
            help="Column of the event's id, by which duplicates are dropped (event_id, where "
            "there is one).",
        ),
    ] = None
    machine_open: Annotated[
        str | None,
        typer.Option(
            "--machine-open",
            metavar="COLUMN",
            show_default=False,
            help="Column that is true for opens by a machine (machine_open, where there is one).",
        ),
    ] = None


@dataclass(kw_only=True)
class ScoringOptions:
    """How clients are scored: every option of the specification, None where not given."""

    bins: Annotated[
        int | None,
        typer.Option(
            "--bins",
            metavar="N",
            show_default=False,
            help="Quantile bands of each criterion, 2 to 100 (5 by default).",
        ),
    ] = None
    ties: Annotated[
        Ties | None,
        typer.Option(
            "--ties",
            show_default=False,
            help="Equal values share a band (together, the default) or fill bands evenly: SQL's "
            "NTILE over values and clients (split), or with values from high to low "
            "(split_descending).",
        ),
    ] = None
    edges: Annotated[
        Edges | None,
        typer.Option(
            "--edges",
            show_default=False,
            help="Order statistics (inverted_cdf, the default), interpolated as pandas does "
            "(linear), or those of R's package rfm (r-rfm).",
        ),
    ] = None
    recency_bands: Annotated[
        str | None,
        typer.Option(
            "--recency-bands",
            metavar="DURATIONS",
            show_default=False,
            help="Thresholds of recency instead of quantiles, such as 3w,2mo,6mo,1y.",
        ),
    ] = None
    recency_window: Annotated[
        str | None,
        typer.Option(
            "--recency-window",
            metavar="DURATION",
            show_default=False,
            help="Only purchases this near to the as-of date count for recency.",
        ),
    ] = None
    frequency: Annotated[
        FrequencyMeasure | None,
        typer.Option(
            "--frequency",
            show_default=False,
            help="What frequency counts (orders by default).",
        ),
    ] = None
    frequency_bands: Annotated[
        str | None,
        typer.Option(
            "--frequency-bands",
            metavar="NUMBERS",
            show_default=False,
            help="Thresholds of frequency instead of quantiles, such as 2,4,8.",
        ),
    ] = None
    frequency_window: Annotated[
        str | None,
        typer.Option(
            "--frequency-window",
            metavar="DURATION",
            show_default=False,
            help="Only purchases this near to the as-of date count for frequency.",
        ),
    ] = None
    monetary: Annotated[
        MonetaryMeasure | None,
        typer.Option(
            "--monetary",
            show_default=False,
            help="What the money is (total by default).",
        ),
    ] = None
    monetary_bands: Annotated[
        str | None,
        typer.Option(
            "--monetary-bands",
            metavar="NUMBERS",
            show_default=False,
            help="Thresholds of money instead of quantiles, such as 50,200,1000.",
        ),
    ] = None
    monetary_window: Annotated[
        str | None,
        typer.Option(
            "--monetary-window",
            metavar="DURATION",
            show_default=False,
            help="Only purchases this near to the as-of date count for the money.",
        ),
    ] = None
    groups: Annotated[
        int | None,
        typer.Option(
            "--groups",
            metavar="N",
            show_default=False,
            help="Groups of clients by score, 1 answering best (5 by default).",
        ),
    ] = None
    segments: Annotated[
        str | None,
        typer.Option(
            "--segments",
            metavar="NAME|FILE",
            show_default=False,
            help="Segment table: classic (the default), response, or a .toml file.",
        ),
    ] = None
    returns: Annotated[
        Returns | None,
        typer.Option(
            "--returns",
            show_default=False,
            help="Negative amounts lower the money (net, the default), are ignored (drop), or are "
            "lines like any other (keep).",
        ),
    ] = None
    lang: Annotated[
        Lang | None,
        typer.Option(
            "--lang",
            show_default=False,
            help="Language of labels, messages, figures and dates (en by default).",
        ),
    ] = None
    model_in: Annotated[
        str | None,
        typer.Option(
            "--model-in",
            metavar="FILE",
            show_default=False,
            help="Score with the thresholds of a saved model, which decides everything above but "
            "the language.",
        ),
    ] = None


@dataclass(kw_only=True)
class SharedOptions(RunOptions, ScoringOptions, SalesOptions):
    """What every command that scores sales takes."""


def taking(options: type[Options]) -> Callable[[Callable[[Options], None]], Callable[..., None]]:
    """Make a command of a function of one dataclass: its fields become the command line."""
    hints = get_type_hints(options, include_extras=True)
    parameters = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.signature(options).parameters[field.name].default,
            annotation=hints[field.name],
        )
        for field in fields(options)  # type: ignore[arg-type]  # a dataclass, by contract
    ]

    def decorate(command: Callable[[Options], None]) -> Callable[..., None]:
        def run(**values: Any) -> None:
            limit_polars(values.get("threads"))
            command(options(**values))

        run.__name__, run.__doc__ = command.__name__, command.__doc__
        run.__annotations__ = {}
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return run

    return decorate


def comma_list(texts: str | list[str]) -> list[str]:
    """Return the items of an option that is given by commas, several times, or both."""
    given = [texts] if isinstance(texts, str) else texts
    return [item.strip() for text in given for item in text.split(",") if item.strip()]


def numbers(option: str, text: str | None) -> list[Number] | None:
    """Read the thresholds of an option."""
    if text is None:
        return None
    try:
        return [int(part) if part.isdecimal() else float(part) for part in comma_list(text)]
    except ValueError:
        raise typer.BadParameter(f"{option} {text!r} must be numbers, such as 2,4,8") from None
