"""`grc-fast plan`: whom to contact, through which channel, for what gain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from grc_fast._typing import AnyPath, Lang
from grc_fast.cli.console import Messages, show_table
from grc_fast.cli.figures import frame_table
from grc_fast.cli.options import (
    CsvStyleOption,
    LangOption,
    PermissionOptions,
    RunOptions,
    TextFileOptions,
    comma_list,
    output_option,
    taking,
)
from grc_fast.cli.reading import text_reading
from grc_fast.errors import OptionError
from grc_fast.io.ids import with_common_ids
from grc_fast.io.output_checks import check_outputs
from grc_fast.io.output_style import OutputStyle
from grc_fast.io.text_options import TextOptions
from grc_fast.io.write import STDOUT, frame_writer, json_writer, write_result
from grc_fast.labels.catalogue import text as label
from grc_fast.plan.contact_plan import PlanLimits, PlanResult, planned
from grc_fast.plan.control import check_draw, drawn_control
from grc_fast.plan.offers import checked_offers, sorted_offers
from grc_fast.plan.permission import Tables, permitted_offers
from grc_fast.plan.sweep import MOST_BUDGETS, SweepResult, check_budgets, swept
from grc_fast.plan.tables import read_plan_table, read_tables
from grc_fast.report.report_file import check_report_path

_REPORTS = {".json", ".svg", ".png"}


@dataclass(kw_only=True)
class PlanOptions(RunOptions, TextFileOptions, PermissionOptions):
    """The options of `grc-fast plan`."""

    offers: Annotated[
        list[str],
        typer.Argument(
            metavar="OFFERS",
            show_default=False,
            help="Tables of offers: client_id (or zone), channel, gain, cost, and where there are, "
            "household, offer, pressure_cost.",
        ),
    ]
    output: Annotated[str, output_option("chosen offers")]
    csv_style: CsvStyleOption = "plain"
    budget: Annotated[
        float | None,
        typer.Option(
            "--budget",
            metavar="MONEY",
            show_default=False,
            help="What all contacts may cost together; no limit by default.",
        ),
    ] = None
    capacity: Annotated[
        list[str] | None,
        typer.Option(
            "--capacity",
            metavar="CHANNEL=N,…",
            show_default=False,
            help="The most contacts of channels: email=1000000,phone=2000.",
        ),
    ] = None
    minimum: Annotated[
        list[str] | None,
        typer.Option(
            "--minimum",
            metavar="CHANNEL=N,…",
            show_default=False,
            help="The fewest contacts of channels: phone=500.",
        ),
    ] = None
    max_contacts: Annotated[
        int | None,
        typer.Option(
            "--max-contacts",
            metavar="N",
            show_default=False,
            help="The most contacts of a client, and of a household; no limit by default.",
        ),
    ] = None
    control: Annotated[
        str | None,
        typer.Option(
            "--control",
            metavar="FILE",
            show_default=False,
            help="The control group: client_id, control. Drawn and written with --control-share.",
        ),
    ] = None
    control_share: Annotated[
        float | None,
        typer.Option(
            "--control-share",
            metavar="SHARE",
            show_default=False,
            help="The share of clients to hold out, of each group where offers have a group. "
            "Clients in the file stay as they are.",
        ),
    ] = None
    salt: Annotated[
        str | None,
        typer.Option(
            "--salt",
            metavar="TEXT",
            show_default=False,
            help="Text that decides the draw of the control group.",
        ),
    ] = None
    certificate: Annotated[
        str | None,
        typer.Option(
            "--certificate",
            metavar="FILE",
            show_default=False,
            help="Save value, bound, gap, shadow prices and clients by reason as JSON.",
        ),
    ] = None
    offers_out: Annotated[
        str | None,
        typer.Option(
            "--offers-out",
            metavar="FILE",
            show_default=False,
            help="Write every offer, with whether it is chosen and the reason.",
        ),
    ] = None
    sweep: Annotated[
        str | None,
        typer.Option(
            "--sweep",
            metavar="budget=FROM:TO:N",
            show_default=False,
            help="Plan at N budgets as well, evenly from one to another: budget=10000:200000:20.",
        ),
    ] = None
    sweep_out: Annotated[
        list[str] | None,
        typer.Option(
            "--sweep-out",
            metavar="FILE",
            show_default=False,
            help="Where the sweep goes: a table, .json, or its chart as .svg or .png (which need "
            'the extra "report"); may be repeated.',
        ),
    ] = None
    lang: LangOption = "en"


@taking(PlanOptions)
def plan(options: PlanOptions) -> None:
    """Choose the contacts that earn most within a budget and the capacities of channels.

    The contacts by channel, and the sweep if one is asked for, go to standard output (or the chosen
    offers, with -o -); everything else goes to standard error.
    """
    limits = PlanLimits.of(
        options.budget,
        _contacts("--capacity", options.capacity),
        _contacts("--minimum", options.minimum),
        options.max_contacts,
    )
    budgets = None if options.sweep is None else _budgets(options.sweep)
    messages = Messages.of(options, options.lang)
    _check_outputs(options, messages)
    source = options.offers[0] if len(options.offers) == 1 else options.offers
    text = TextOptions(**text_reading(options))
    [table] = with_common_ids(read_plan_table(source, text))
    table = checked_offers(table)
    control = _control(options, table, text)
    tables = Tables(**read_tables(options.tables(), text), control=control)
    # No word on consent is no consent: who handles it elsewhere says so.
    policy = "fr" if options.policy is None else options.policy
    with messages.step("compute"):
        table, notes = permitted_offers(table, tables, policy, options.as_of)
        offers = sorted_offers(table, limits.channels, options.threads)
        found = planned(offers, limits, notes)
        sweep = None if budgets is None else swept(offers, limits, budgets)
    messages.notes(found.notes)
    messages.account(found.said(options.lang))
    further = _further_outputs(options, found, sweep)
    if control is not None and options.control_share is not None and options.control is not None:
        further[options.control] = frame_writer(control, options.control)
    write_result(
        found.plan, options.output, further, OutputStyle(csv=options.csv_style, lang=options.lang)
    )
    to_stdout = options.output == STDOUT
    results = [found.channels]
    if sweep is not None:
        results.append(_sweep_table(sweep, options.lang))
    for name in _named(options):
        messages.written(name)
    for one in results:
        shown = frame_table(one, options.lang)
        messages.table(shown) if to_stdout else show_table(shown)


def _control(options: PlanOptions, offers: pl.DataFrame, text: TextOptions) -> pl.DataFrame | None:
    """Read the control group, or draw it among the clients who are not in it yet."""
    path = options.control
    if options.control_share is None:
        if options.salt is not None:
            raise OptionError("--salt goes with --control-share: give both, or neither")
        return None if path is None else read_plan_table(path, text)
    if path is None or options.salt is None:
        raise OptionError(
            "--control-share needs --control, the file that keeps who is held out, and --salt"
        )
    share, salt = check_draw(options.control_share, options.salt)
    known = read_plan_table(path, text) if Path(path).exists() else None
    return drawn_control(offers, share, salt, known)


def _named(options: PlanOptions) -> list[str]:
    """List the files that are written."""
    further = [options.certificate, options.offers_out, *(options.sweep_out or [])]
    first = [] if options.output == STDOUT else [options.output]
    return [*first, *(name for name in further if name is not None)]


def _is_report(path: str) -> bool:
    return Path(path).suffix.lower() in _REPORTS


def _check_outputs(options: PlanOptions, messages: Messages) -> None:
    """Refuse what could not be written, before any work."""
    sweeps = options.sweep_out or []
    if sweeps and options.sweep is None:
        raise OptionError("--sweep-out takes a sweep: add --sweep budget=10000:200000:20")
    reports = [path for path in sweeps if _is_report(path)]
    tables = [path for path in sweeps if not _is_report(path)]
    for name in (options.offers_out, *tables):
        if name == STDOUT:
            raise OptionError("only -o takes - for standard output: give the other files names")
    frames = [options.output, *tables]
    if options.offers_out is not None:
        frames.append(options.offers_out)
    if options.control is not None and options.control_share is not None:
        frames.append(options.control)
    files = [*([] if options.certificate is None else [options.certificate]), *reports]
    given = [path for path in options.tables().values() if path is not None]
    messages.notes(check_outputs(frames, files, [*options.offers, *given]))
    for path in reports:
        check_report_path(path)


def _further_outputs(
    options: PlanOptions, found: PlanResult, sweep: SweepResult | None
) -> dict[AnyPath, Callable[[Path], None]]:
    """Return what is written beside the plan."""
    style = OutputStyle(csv=options.csv_style, lang=options.lang)
    written: dict[AnyPath, Callable[[Path], None]] = {}
    if options.certificate is not None:
        written[options.certificate] = json_writer(found.to_dict())
    if options.offers_out is not None:
        written[options.offers_out] = frame_writer(found.offers, options.offers_out, style)
    if sweep is not None:
        for path in options.sweep_out or []:
            written[path] = (
                sweep.writer(path, options.lang)
                if _is_report(path)
                else frame_writer(sweep.table, path, style)
            )
    return written


def _contacts(option: str, given: list[str] | None) -> dict[str, int] | None:
    """Read `email=1000,phone=20`."""
    if given is None:
        return None
    found: dict[str, int] = {}
    for item in comma_list(given):
        channel, _, count = item.rpartition("=")
        if not channel.strip() or not count.strip().isdecimal():
            raise OptionError(
                f"{option} {item!r} is not understood: write a channel and a number of contacts, "
                "such as phone=2000"
            )
        if channel.strip() in found:
            raise OptionError(f"{option} names {channel.strip()!r} twice: name each channel once")
        found[channel.strip()] = int(count)
    return found


def _budgets(sweep: str) -> tuple[float, ...]:
    """Read `budget=10000:200000:20`."""
    name, _, bounds = sweep.partition("=")
    try:
        first, last, number = bounds.split(":")
        low, high, count = float(first), float(last), int(number)
    except ValueError:
        count = 0
    if name.strip() != "budget" or not 2 <= count <= MOST_BUDGETS or not low < high:
        raise OptionError(
            f"--sweep {sweep!r} is not understood: write the first budget, the last and how many, "
            f"2 to {MOST_BUDGETS:,}, such as budget=10000:200000:20"
        )
    return check_budgets([low + (high - low) * step / (count - 1) for step in range(count)])


def _sweep_table(sweep: SweepResult, lang: Lang) -> pl.DataFrame:
    """Return what plans come to by budget, with the contacts of each channel."""
    table, prefix = sweep.table.drop("bound", "gap"), "contacts_"
    caption = label("table.contacts", lang)
    names = [name for name in table.columns if name.startswith(prefix)]
    return table.rename({name: f"{caption}: {name.removeprefix(prefix)}" for name in names})
