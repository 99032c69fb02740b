"""`grc-fast lists`: a file for each channel of a plan, and the account of every offer."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Any

import polars as pl
import typer
from rich.table import Table

from grc_fast.cli.console import Messages, show_table
from grc_fast.cli.figures import frame_table
from grc_fast.cli.options import (
    ClientColumn,
    ControlFile,
    CsvStyleOption,
    LangOption,
    PermissionOptions,
    RunOptions,
    TextFileOptions,
    taking,
)
from grc_fast.cli.reading import text_reading
from grc_fast.cli.sellers import SellerOptions, check_sellers, lists_of_sellers
from grc_fast.io.ids import with_common_ids
from grc_fast.io.output_style import OutputStyle
from grc_fast.io.small_tables import read_table
from grc_fast.io.text_options import TextOptions
from grc_fast.lists.channel_lists import TopClients, as_lists, checked_plan
from grc_fast.lists.client_file import ClientColumns, read_clients
from grc_fast.lists.folder import ListFormat, check_folder, list_writers, write_folder
from grc_fast.lists.keyed_hashes import read_key
from grc_fast.lists.listed_offers import listed_offers
from grc_fast.plan.permission import Tables
from grc_fast.plan.tables import read_plan_table, read_tables


def _role(name: str, what: str) -> Any:
    return typer.Option(
        f"--{name}",
        metavar="COLUMN",
        show_default=False,
        help=f"Column of the client file with {what} ({name}, where there is one).",
    )


@dataclass(kw_only=True)
class ClientFileColumns:
    """Which column of the client file plays which role."""

    client: ClientColumn = "client_id"
    name: Annotated[str | None, _role("name", "the name")] = None
    email: Annotated[str | None, _role("email", "the e-mail address")] = None
    phone: Annotated[str | None, _role("phone", "the telephone number")] = None
    address: Annotated[str | None, _role("address", "the postal address")] = None
    postcode: Annotated[str | None, _role("postcode", "the postcode")] = None
    city: Annotated[str | None, _role("city", "the town")] = None
    seller: Annotated[str | None, _role("seller", "the client's seller")] = None
    latitude: Annotated[str | None, _role("latitude", "degrees north")] = None
    longitude: Annotated[str | None, _role("longitude", "degrees east")] = None

    def columns(self) -> ClientColumns:
        """Return the columns of the client file by role."""
        names = [field.name for field in fields(ClientFileColumns)]
        return ClientColumns(**{name: getattr(self, name) for name in names})


@dataclass(kw_only=True)
class ListsOptions(
    RunOptions, TextFileOptions, PermissionOptions, ClientFileColumns, SellerOptions
):
    """The options of `grc-fast lists`."""

    plan: Annotated[
        list[str],
        typer.Argument(
            metavar="PLAN",
            show_default=False,
            help="The plan, or the file of its --offers-out, which says what became of every "
            "offer; with --top a table of scores.",
        ),
    ]
    clients: Annotated[
        str,
        typer.Option(
            "--clients",
            metavar="FILE",
            show_default=False,
            help="The client file: client_id, name, email, phone, address, postcode, city.",
        ),
    ]
    out: Annotated[
        str,
        typer.Option(
            "--out",
            metavar="DIR",
            show_default=False,
            help="The folder of the lists and of manifest.json; it is made if it is not there.",
        ),
    ]
    format: Annotated[
        ListFormat,
        typer.Option(
            "--format", help="The format of the lists; Parquet is data and is left as it is."
        ),
    ] = "csv"
    csv_style: CsvStyleOption = "plain"
    lang: LangOption = "en"
    top: Annotated[
        int | None,
        typer.Option(
            "--top",
            metavar="N",
            show_default=False,
            help="List the N best clients of a table of scores instead of a plan; with --by and "
            "--channel.",
        ),
    ] = None
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="COLUMN",
            show_default=False,
            help="The column in which the best clients have the largest values; ties by client.",
        ),
    ] = None
    channel: Annotated[
        str | None,
        typer.Option(
            "--channel",
            metavar="NAME",
            show_default=False,
            help="The channel of the best clients: email, sms, phone, post, newsletter.",
        ),
    ] = None
    control: ControlFile = None
    campaign: Annotated[
        str,
        typer.Option(
            "--campaign",
            metavar="TEXT",
            show_default=False,
            help="Name of the campaign, from which codes are made with the clients.",
        ),
    ] = ""
    pseudonyms: Annotated[
        str | None,
        typer.Option(
            "--pseudonyms",
            metavar="KEYFILE",
            show_default=False,
            help="File of the key with which clients get pseudonyms; names and addresses are left "
            "out.",
        ),
    ] = None


@taking(ListsOptions)
def lists(options: ListsOptions) -> None:
    """Write one file a channel with whom to contact and why, and a manifest of every offer.

    Rows and refusals by reason add up to the offers. The rows of every channel go to standard
    output, everything else to standard error.
    """
    best = TopClients.of(options.top, options.by, options.channel)
    check_sellers(options, pseudonyms=options.pseudonyms, as_of=options.as_of)
    messages = Messages.of(options, options.lang)
    messages.notes(check_folder(options.out, options.format, _inputs(options)))
    key = None if options.pseudonyms is None else read_key(options.pseudonyms)
    text = TextOptions(**text_reading(options))
    columns = options.columns()
    base = read_clients(options.clients, columns, text)
    offers = checked_plan(_plan(options, best, text), best)
    tables = Tables(**read_tables(_tables(options), text))
    # As for a plan: no word on consent is no consent. A plan has had its word.
    policy = "fr" if options.policy is None and best is not None else options.policy
    with messages.step("compute"):
        found = listed_offers(offers, base, tables, policy, options.as_of)
        made = as_lists(found, best, options.campaign, key)
        style = OutputStyle(csv=options.csv_style, lang=options.lang)
        files = list_writers(made.tables, options.format, style)
        sold = lists_of_sellers(
            options,
            made,
            text=text,
            as_of=options.as_of,
            policy=options.policy,
            lang=options.lang,
        )
    files |= sold.writers(style)
    manifest = {**made.manifest, **sold.manifest}
    written, notes = write_folder(options.out, files, manifest, _inputs(options))
    messages.notes([*made.notes, *notes])
    for path in written:
        messages.written(str(path))
    refused = {reason: count for reason, count in made.manifest["refused"].items() if count}
    messages.table(_counts("reason", "refused", refused, options.lang))
    show_table(_counts("channel", "rows", made.manifest["rows"], options.lang))


def _plan(options: ListsOptions, best: TopClients | None, text: TextOptions) -> pl.DataFrame:
    source = options.plan[0] if len(options.plan) == 1 else options.plan
    table = read_plan_table(source, text) if best is None else read_table(source, text)
    return with_common_ids(table)[0]


def _tables(options: ListsOptions) -> dict[str, str | None]:
    return {**options.tables(), "control": options.control}


def _inputs(options: ListsOptions) -> list[str]:
    further = [options.clients, options.pseudonyms, *_tables(options).values()]
    further += [options.sellers, options.sales, *(options.scores or [])]
    return [*options.plan, *(path for path in further if path is not None)]


def _counts(name: str, what: str, counts: dict[str, int], lang: str) -> Table:
    frame = pl.DataFrame(
        {name: list(counts), what: list(counts.values())}, schema={name: pl.String, what: pl.Int64}
    )
    return frame_table(frame, lang)
