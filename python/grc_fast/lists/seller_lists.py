"""What each seller does on a day: calls, then visits, and both in an agenda."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from grc_fast._typing import Lang
from grc_fast._utils.checks import whole
from grc_fast.errors import ColumnError
from grc_fast.io.output_style import OutputStyle
from grc_fast.io.write import frame_writer, text_writer
from grc_fast.labels.catalogue import section, text
from grc_fast.lists.agenda import ZONE, Appointment, agenda, check_zone
from grc_fast.lists.calls import OFFICE_HOURS, PHONE, call_list, clock, minutes_of
from grc_fast.lists.cell_text import as_cells
from grc_fast.lists.client_file import CLIENTS, PLACE
from grc_fast.lists.folder import file_stems
from grc_fast.lists.round_map import round_map
from grc_fast.lists.rounds import VISIT, Travel, VisitRound, visit_round
from grc_fast.lists.sellers import SELLERS, check_places
from grc_fast.lists.talking_points import TALKING_POINTS

_NO_SELLER: Final = "no_seller"
_CLIENT: Final = ("client_id", "name", "phone", "address", "postcode", "city")
_OFFER: Final = ("offer", "basis", "consent_collected_at", "pressure", "gain", "code")


@dataclass(frozen=True, kw_only=True)
class SellerDay:
    """The day of the sellers, and how they work.

    Attributes
    ----------
    day
        The day.
    minutes
        How long a call takes.
    hours
        When calls may be made; none on a day without calls.
    travel
        How sellers get around.
    zone
        The time zone of their agendas.
    lang
        The language of agendas and maps.
    """

    day: dt.date
    minutes: int = 6
    hours: tuple[str, ...] = OFFICE_HOURS
    travel: Travel = field(default_factory=Travel)
    zone: ZoneInfo = field(default_factory=lambda: check_zone(ZONE))
    lang: Lang = "en"

    def __post_init__(self) -> None:
        """Check the minutes of a call."""
        whole("minutes", self.minutes, least=1, most=24 * 60)


@dataclass(frozen=True)
class SellerLists:
    """What each seller does.

    Attributes
    ----------
    calls, rounds
        The calls and the visits of each seller, in their order; sellers without any are not named.
    maps, agendas
        The drawing of each round, and each agenda.
    manifest
        `calls` and `rounds`: the `rows` of each seller and what is `left_out` by reason, which add
        up to the rows of the channel.
    """

    calls: Mapping[str, pl.DataFrame]
    rounds: Mapping[str, pl.DataFrame]
    maps: Mapping[str, str]
    agendas: Mapping[str, bytes]
    manifest: Mapping[str, Any]

    def writers(self, style: OutputStyle) -> dict[str, Callable[[Path], None]]:
        """Return the functions that write the files, by their names.

        Raises
        ------
        DataError
            If a seller's name cannot be that of a file, or two cannot be told apart by every
            system.
        """
        stems = file_stems([*self.calls, *self.rounds], "seller")
        files: dict[str, Callable[[Path], None]] = {}
        for kind, tables in (("calls", self.calls), ("rounds", self.rounds)):
            for seller, table in tables.items():
                name = f"{kind}-{stems[seller]}.csv"
                files[name] = frame_writer(as_cells(table), name, style)
        for seller, drawing in self.maps.items():
            files[f"rounds-{stems[seller]}.svg"] = text_writer(drawing)
        for seller, written in self.agendas.items():
            files[f"agenda-{stems[seller]}.ics"] = _bytes_writer(written)
        return files


def seller_lists(rows: pl.DataFrame, sellers: pl.DataFrame, day: SellerDay) -> SellerLists:
    """Share the calls and visits of a plan among the sellers of their clients.

    A seller's minutes are spent on calls, the largest gain per minute first, and what is left of
    them on visits, which begin when the calls are over.

    Parameters
    ----------
    rows
        The offers that are listed, with `seller`, the columns of the client file by role, and what
        to say.
    sellers
        The sellers as `read_sellers` gives them.
    day
        The day, and how sellers work.

    Raises
    ------
    ColumnError
        If the client file does not say who the seller of a client is.
    DataError
        If a client's place is none.
    """
    if "seller" not in rows.columns:
        raise ColumnError(
            f"{CLIENTS} has no column 'seller', and {SELLERS} was given: add whose client each is"
        )
    if set(PLACE) <= set(rows.columns):
        check_places(rows, CLIENTS)
    known = pl.col("seller").is_in(sellers["seller"].implode()).fill_null(value=False)
    to_call, to_visit = (rows.filter(pl.col("channel") == name) for name in (PHONE, VISIT))
    left_out = {
        "calls": {_NO_SELLER: to_call.filter(~known).height},
        "rounds": {_NO_SELLER: to_visit.filter(~known).height},
    }
    calls, rounds, maps, agendas = {}, {}, {}, {}
    for seller, minutes, *place in sellers.iter_rows():
        made = call_list(
            to_call.filter(pl.col("seller") == seller), minutes, day.minutes, day.hours
        )
        _count(left_out["calls"], made.left_out)
        appointments = _appointments(made.rows, PHONE, day)
        if made.rows.height:
            calls[seller] = _call_table(made.rows)
        visits = to_visit.filter(pl.col("seller") == seller)
        if visits.height:
            found = visit_round(
                _with_places(visits),
                None if place[0] is None else (place[0], place[1]),
                minutes - made.rows.height * day.minutes,
                day.travel,
            )
            _count(left_out["rounds"], found.left_out)
            timed = _after_calls(found, made.rows)
            appointments += _appointments(timed, VISIT, day)
            if timed.height:
                rounds[seller] = _round_table(timed)
                maps[seller] = round_map(found, seller, day.lang)
        if appointments:
            agendas[seller] = agenda(seller, day.day, day.zone, appointments)
    manifest = {
        kind: {"rows": {name: table.height for name, table in tables.items()}, "left_out": out}
        for (kind, out), tables in zip(left_out.items(), (calls, rounds), strict=True)
    }
    return SellerLists(calls, rounds, maps, agendas, manifest)


def _with_places(visits: pl.DataFrame) -> pl.DataFrame:
    missing = [name for name in PLACE if name not in visits.columns]
    return visits.with_columns(pl.lit(None, pl.Float64).alias(name) for name in missing)


def _count(counts: dict[str, int], more: Mapping[str, int]) -> None:
    for reason, count in more.items():
        counts[reason] = counts.get(reason, 0) + count


def _after_calls(found: VisitRound, calls: pl.DataFrame) -> pl.DataFrame:
    """Return the visits with seconds of the day: a round begins when the last call has ended."""
    first = minutes_of(OFFICE_HOURS[0])[0] if calls.is_empty() else calls["ends"][-1]
    return found.rows.with_columns(pl.col("begins", "ends") + 60 * first)


def _call_table(calls: pl.DataFrame) -> pl.DataFrame:
    times = calls.with_columns(
        pl.int_range(1, pl.len() + 1).alias("call"), clock(pl.col("begins")), clock(pl.col("ends"))
    )
    wanted = ("call", "begins", "ends", *_CLIENT, *TALKING_POINTS, *_OFFER, "gain_per_minute")
    return times.select(name for name in wanted if name in times.columns)


def _round_table(visits: pl.DataFrame) -> pl.DataFrame:
    times = visits.with_columns(
        pl.int_range(1, pl.len() + 1).alias("stop"),
        clock(pl.col("begins") // 60),
        clock(pl.col("ends") // 60),
    )
    wanted = ("stop", "begins", "ends", "kilometres", *_CLIENT, *PLACE, *TALKING_POINTS, *_OFFER)
    return times.select(name for name in wanted if name in times.columns)


def _appointments(rows: pl.DataFrame, channel: str, day: SellerDay) -> list[Appointment]:
    words = section("appointment", day.lang)
    seconds = 60 if channel == PHONE else 1
    space = " " if day.lang == "fr" else ""
    found = []
    for row in rows.iter_rows(named=True):
        client = str(row["client_id"])
        told = [f"{words[name]}{space}: {row[name]}" for name in TALKING_POINTS if row.get(name)]
        address = ("phone",) if channel == PHONE else ("address", "postcode", "city")
        found.append(
            Appointment(
                client=client,
                channel=channel,
                title=text(f"appointment.{channel}", day.lang, client=row.get("name") or client),
                told="\n".join(told),
                place=", ".join(row[name] for name in address if row.get(name)),
                begins=row["begins"] * seconds,
                ends=row["ends"] * seconds,
            )
        )
    return found


def _bytes_writer(content: bytes) -> Callable[[Path], None]:
    def write(temporary: Path) -> None:
        temporary.write_bytes(content)

    return write
