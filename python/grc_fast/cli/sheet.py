"""`grc-fast sheet`: what is known of some clients, for who stands before them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from grc_fast._typing import Lang
from grc_fast._utils.checks import rate
from grc_fast._utils.extras import import_extra
from grc_fast.cli.console import Messages, show_lines
from grc_fast.cli.options import ControlFile, PermissionOptions, SharedOptions, taking
from grc_fast.cli.reading import day_of, sales_reading, source_of
from grc_fast.cli.scoring import language, model_and_specification
from grc_fast.errors import OptionError, OutputError
from grc_fast.io.output_checks import check_outputs
from grc_fast.io.small_tables import frame_of
from grc_fast.io.write import json_writer, text_writer, write_outputs
from grc_fast.labels.phrases import Phrase
from grc_fast.lists.client_sheets import Known, sheets_of_clients
from grc_fast.lists.sheet import ClientSheets
from grc_fast.plan.permission import Tables
from grc_fast.rfm.rfm import RFM, RFMModel
from grc_fast.value.prediction import MARGIN

_IDS: Final = "the file of --ids"


@dataclass(kw_only=True)
class SheetOptions(SharedOptions, PermissionOptions):
    """The options of `grc-fast sheet`."""

    id: Annotated[
        list[str] | None,
        typer.Option(
            "--id",
            metavar="CLIENT",
            show_default=False,
            help="The client; may be repeated.",
        ),
    ] = None
    ids: Annotated[
        str | None,
        typer.Option(
            "--ids",
            metavar="FILE",
            show_default=False,
            help="Table of clients (client_id), a sheet for each.",
        ),
    ] = None
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            show_default=False,
            help="Where the sheets go: .json, or .html for a page to print; as text to standard "
            "output by default.",
        ),
    ] = None
    control: ControlFile = None
    behaviour: Annotated[
        str | None,
        typer.Option(
            "--behaviour",
            metavar="FILE",
            show_default=False,
            help="Scores of grc-fast behaviour, which tell the phase.",
        ),
    ] = None
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            metavar="FILE",
            show_default=False,
            help="What else is known: client_id, and columns that are shown as they are.",
        ),
    ] = None
    margin: Annotated[
        float | None,
        typer.Option(
            "--margin",
            metavar="RATE",
            show_default=False,
            help="Share of an amount that is gain, 0 to 1 (0.3 by default).",
        ),
    ] = None


@taking(SheetOptions)
def sheet(options: SheetOptions) -> None:
    """Say all that is known of a client: contacts allowed, purchases, segment, gain, and why.

    Names and addresses are those of --clients. The sheet goes to standard output as text, or into
    a file of JSON or HTML.
    """
    model, rfm = model_and_specification(options)
    lang = language(options, rfm)
    messages = Messages.of(options, lang)
    if options.output is not None:
        _check_output(options.output)
        messages.notes(check_outputs([], [options.output], _inputs(options)))
    if options.margin is None:
        messages.note(Phrase("note.margin_assumed", margin=MARGIN))
    clients = _clients(options)
    found = _sheets(options, clients, rfm if model is None else model, messages, lang)
    # A client who is asked for alone has a page, or a file, of their own.
    shown = found.sheets[0] if options.ids is None and len(clients) == 1 else found
    if options.output is None:
        show_lines(f"{shown}\n")
        return
    is_json = Path(options.output).suffix.lower() == ".json"
    write = json_writer(shown.to_dict()) if is_json else text_writer(shown.html())
    write_outputs({options.output: write})
    messages.written(options.output)


def _check_output(path: str) -> None:
    extension = Path(path).suffix.lower()
    if extension not in (".json", ".html"):
        raise OutputError(f"the sheet {path!r} must be named .json or .html")
    if extension == ".html":
        import_extra("jinja2", "lists", "a client sheet in HTML")


def _inputs(options: SheetOptions) -> list[str]:
    named = (
        options.clients,
        options.model_in,
        options.segments,
        options.ids,
        *options.tables().values(),
        options.control,
        options.behaviour,
        options.profile,
    )
    return [*options.source, *(path for path in named if path is not None)]


def _clients(options: SheetOptions) -> list[int | str]:
    """List the clients that are asked for."""
    found: list[int | str] = list(options.id or [])
    if options.ids is not None:
        found += frame_of(options.ids, _IDS, ["client_id"])["client_id"].drop_nulls().to_list()
    if not found:
        raise OptionError("a sheet is of a client: name one with --id, or several with --ids FILE")
    return found


def _sheets(
    options: SheetOptions,
    clients: list[int | str],
    model: RFM | RFMModel,
    messages: Messages,
    lang: Lang,
) -> ClientSheets:
    """Read the sales and all else that is given."""
    rfm = model if isinstance(model, RFM) else model.rfm
    margin = MARGIN if options.margin is None else options.margin
    known = Known(
        tables=Tables(**options.tables(), control=options.control),
        policy="fr" if options.policy is None else options.policy,
        behaviour=options.behaviour,
        profile=options.profile,
        margin=rate("--margin", margin, least=0, most=1),
    )
    with messages.step("read", options.source) as progress:
        reading = sales_reading(options, rfm.returns, options.threads, progress)
        return sheets_of_clients(
            source_of(options),
            clients,
            reading,
            model,
            known,
            as_of=day_of(options),
            lang=lang,
        )
