"""The options of lists for sellers: calls, visits and agendas."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated

import polars as pl
import typer

from grc_fast._typing import Lang
from grc_fast._utils.dates import parse_day
from grc_fast.errors import OptionError
from grc_fast.io.text_options import TextOptions
from grc_fast.lists.agenda import ZONE, check_zone
from grc_fast.lists.calls import PHONE, calling_hours
from grc_fast.lists.channel_lists import ChannelLists
from grc_fast.lists.rounds import VISIT, Travel
from grc_fast.lists.seller_lists import SellerDay, SellerLists, seller_lists
from grc_fast.lists.sellers import read_sellers
from grc_fast.lists.talking_points import with_talking_points
from grc_fast.plan.policy import Policy


@dataclass(kw_only=True)
class SellerOptions:
    """How calls and visits are shared among sellers."""

    sellers: Annotated[
        str | None,
        typer.Option(
            "--sellers",
            metavar="FILE",
            show_default=False,
            help="Table of sellers: seller, minutes of the day, and where there are, latitude and "
            "longitude of where they start. Each gets a list of calls, a round of visits and an "
            "agenda; --as-of says for which day.",
        ),
    ] = None
    minutes: Annotated[
        int, typer.Option("--minutes", metavar="N", help="With --sellers: minutes of a call.")
    ] = 6
    visit_minutes: Annotated[
        int,
        typer.Option("--visit-minutes", metavar="N", help="With --sellers: minutes of a visit."),
    ] = 30
    speed: Annotated[
        float,
        typer.Option("--speed", metavar="KMH", help="With --sellers: kilometres an hour."),
    ] = 40.0
    detour: Annotated[
        float,
        typer.Option(
            "--detour",
            metavar="FACTOR",
            help="With --sellers: how much longer roads are than great circles.",
        ),
    ] = 1.3
    agenda_zone: Annotated[
        str,
        typer.Option(
            "--agenda-zone", metavar="ZONE", help="With --sellers: time zone of the agendas."
        ),
    ] = ZONE
    scores: Annotated[
        list[str] | None,
        typer.Option(
            "--scores",
            metavar="FILE",
            show_default=False,
            help="With --sellers: scores of grc-fast score, behaviour or combine, which tell "
            "sellers segment, phase and why; may be repeated.",
        ),
    ] = None
    sales: Annotated[
        str | None,
        typer.Option(
            "--sales",
            metavar="SOURCE",
            show_default=False,
            help="With --sellers: sales (client_id, date, amount), of which sellers are told the "
            "last purchases.",
        ),
    ] = None


def check_sellers(options: SellerOptions, *, pseudonyms: str | None, as_of: str | None) -> None:
    """Refuse options for sellers that have no meaning, before any work.

    Raises
    ------
    OptionError
        If one is given without sellers, or what sellers need is missing.
    """
    if options.sellers is None:
        for field in fields(SellerOptions):
            if getattr(options, field.name) != field.default:
                raise OptionError(
                    f"--{field.name.replace('_', '-')} goes with --sellers, the table of sellers"
                )
        return
    if pseudonyms is not None:
        raise OptionError(
            "--sellers cannot go with --pseudonyms: who calls and visits clients must know them"
        )
    if as_of is None:
        raise OptionError("--sellers needs --as-of, the day of the calls and visits")


def lists_of_sellers(
    options: SellerOptions,
    made: ChannelLists,
    *,
    text: TextOptions,
    as_of: str | None,
    policy: str | None,
    lang: Lang,
) -> SellerLists:
    """Share the calls and visits of lists among sellers; none where there are no sellers."""
    if options.sellers is None or as_of is None or made.rows is None:
        return SellerLists({}, {}, {}, {}, {})
    date = parse_day(as_of)
    rules = None if policy == "none" else Policy.load(policy or "fr")
    day = SellerDay(
        day=date,
        minutes=options.minutes,
        hours=calling_hours(rules, date),
        travel=Travel(minutes=options.visit_minutes, speed=options.speed, detour=options.detour),
        zone=check_zone(options.agenda_zone),
        lang=lang,
    )
    sellers = read_sellers(options.sellers, text)
    rows = made.rows.filter(pl.col("channel").is_in([PHONE, VISIT]))
    rows = with_talking_points(rows, options.scores or [], options.sales, date, lang)
    return seller_lists(rows, sellers, day)
