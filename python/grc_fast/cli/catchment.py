"""`grc-fast catchment`: the nearest store of every client, and the zones around stores."""

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
    CsvStyleOption,
    LangOption,
    RunOptions,
    TextFileOptions,
    comma_list,
    output_option,
    taking,
)
from grc_fast.cli.reading import text_reading
from grc_fast.errors import OptionError
from grc_fast.io.output_checks import check_outputs
from grc_fast.io.output_style import OutputStyle
from grc_fast.io.text_options import TextOptions
from grc_fast.io.write import STDOUT, frame_writer, write_result
from grc_fast.segmentation.catchment.catchment import ZONES, catchment_of
from grc_fast.segmentation.catchment.zones import check_zones


@dataclass(kw_only=True)
class CatchmentOptions(RunOptions, TextFileOptions):
    """The options of `grc-fast catchment`."""

    clients: Annotated[
        str,
        typer.Argument(
            metavar="CLIENTS",
            show_default=False,
            help="Table of clients: client_id, and latitude and longitude, or postcode.",
        ),
    ]
    stores: Annotated[
        str,
        typer.Option(
            "--stores",
            metavar="FILE",
            show_default=False,
            help="Table of stores: store_id, and latitude and longitude, or postcode.",
        ),
    ]
    output: Annotated[str, output_option("clients with store, distance and zone")]
    postcodes: Annotated[
        str | None,
        typer.Option(
            "--postcodes",
            metavar="FILE",
            show_default=False,
            help="Table of where postcodes are: postcode, latitude, longitude, and households for "
            "penetration.",
        ),
    ] = None
    money: Annotated[
        str | None,
        typer.Option(
            "--money",
            metavar="COLUMN",
            show_default=False,
            help="Column of the clients' money that zones are shares of; shares of clients by "
            "default.",
        ),
    ] = None
    zones: Annotated[
        list[str] | None,
        typer.Option(
            "--zones",
            metavar="SHARES",
            show_default=False,
            help="Shares of a store's money that its zones reach, in per cent (60,80,95 by "
            "default).",
        ),
    ] = None
    by_zone: Annotated[
        str | None,
        typer.Option(
            "--by-zone",
            metavar="FILE",
            show_default=False,
            help="Write clients, money and share of each zone of each store.",
        ),
    ] = None
    csv_style: CsvStyleOption = "plain"
    lang: LangOption = "en"


@taking(CatchmentOptions)
def catchment(options: CatchmentOptions) -> None:
    """Find the store that every client is nearest to, as the crow flies, and in which zone.

    The clients and the money of the zones of all stores go to standard output (or the clients,
    with -o -); everything else goes to standard error.
    """
    messages = Messages.of(options, options.lang)
    if options.by_zone == STDOUT:
        raise OptionError("only -o takes - for standard output: give --by-zone a name")
    further = [] if options.by_zone is None else [options.by_zone]
    given = (options.clients, options.stores, options.postcodes)
    inputs = [path for path in given if path is not None]
    messages.notes(check_outputs([options.output, *further], [], inputs))
    with messages.step("compute"):
        found = catchment_of(
            options.clients,
            options.stores,
            options.postcodes,
            money=options.money,
            zones=_zones(options.zones),
            threads=options.threads,
            text=TextOptions(**text_reading(options)),
        )
    messages.notes(found.notes)
    messages.warnings(found.warnings)
    style = OutputStyle(csv=options.csv_style, lang=options.lang)
    beside: dict[AnyPath, Callable[[Path], None]] = {
        path: frame_writer(found.by_zone, path, style) for path in further
    }
    write_result(found.clients, options.output, beside, style)
    for path in (options.output, *further):
        if path != STDOUT:
            messages.written(path)
    table = frame_table(found.named_zones(options.lang), options.lang)
    messages.table(table) if options.output == STDOUT else show_table(table)


def _zones(given: list[str] | None) -> tuple[int, ...]:
    """Read `60,80,95`."""
    if given is None:
        return ZONES
    shares = comma_list(given)
    for share in shares:
        if not share.isdecimal():
            raise OptionError(
                f"--zones has {share!r}: write whole numbers of per cent, such as 60,80,95"
            )
    return check_zones([int(share) for share in shares])
