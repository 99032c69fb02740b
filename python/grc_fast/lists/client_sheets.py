"""Client sheets made of sales and of whatever else is known of the clients."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, Unpack

import polars as pl

from grc_fast._typing import Day, Lang
from grc_fast._utils.checks import rate
from grc_fast._utils.dates import parse_day
from grc_fast._utils.panics import panics_as_errors
from grc_fast.errors import ColumnError, DataError, OptionError, SourceError
from grc_fast.facts.options import Reading, SalesReading
from grc_fast.facts.table import CLIENT
from grc_fast.io.ids import ids_as_held, same_ids, with_common_ids
from grc_fast.io.open import open_source
from grc_fast.io.small_tables import frame_of
from grc_fast.labels.catalogue import check_lang, text
from grc_fast.lists.allowed_contacts import AllowedContact, allowed_contacts
from grc_fast.lists.client_file import CLIENTS, CONTACT_COLUMNS, ClientColumns, read_clients
from grc_fast.lists.recent_purchases import recent_purchases
from grc_fast.lists.sheet import ClientSheet, ClientSheets, Gain, Habits, Interest, Purchase
from grc_fast.plan.permission import Tables
from grc_fast.plan.policy import Policy
from grc_fast.plan.tables import table_of
from grc_fast.rfm.rfm import RFM, RFMModel
from grc_fast.rfm.sales_facts import read_facts
from grc_fast.value.histories import VALUE_FACTS, Histories
from grc_fast.value.prediction import (
    BASKET,
    MARGIN,
    MODEL,
    fit_value,
    read_histories,
    value_clients,
)

#: The purchases that a sheet lists.
LAST_PURCHASES: Final = 5
_MONTHS: Final = 12
_HORIZON: Final = f"{_MONTHS}mo"
_LEVEL: Final = 0.9
_HABITS: Final = ("orders", "mean_gap", "mean_basket", "last_basket")
_SALES: Final = "the sales"
_PROFILE: Final = "the profile file"
_BEHAVIOUR: Final = "the behaviour scores"


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of clients beside their sales: tables or their files, None where there is none.

    Attributes
    ----------
    tables
        Consents, suppression list, past contacts, control group and signs of life.
    policy
        The rules of contacts: `fr`, a TOML file, or `none`.
    behaviour
        The scores of `score_behaviour`.
    profile
        A table with `client_id`, whose other columns are shown as they are.
    columns
        Which column of the client base is what.
    margin
        The share of an amount that is gain.
    """

    tables: Tables = field(default_factory=Tables)
    policy: str | Path = "fr"
    behaviour: Any = None
    profile: Any = None
    columns: ClientColumns = field(default_factory=ClientColumns)
    margin: float = MARGIN


@panics_as_errors()
def client_sheets(
    source: Any,
    client_ids: Sequence[int | str],
    *,
    as_of: Day | None = None,
    rfm: RFM | RFMModel | None = None,
    margin: float = MARGIN,
    policy: str | Path = "fr",
    consent: Any = None,
    suppress: Any = None,
    contacts: Any = None,
    control: Any = None,
    last_seen: Any = None,
    behaviour: Any = None,
    profile: Any = None,
    columns: Mapping[str, str] | None = None,
    lang: Lang = "en",
    **reading: Unpack[Reading],
) -> ClientSheets:
    """Say all that is known of some clients, and why, on a sheet each.

    Parameters
    ----------
    source
        Sales, as for `grc_fast.facts`; they are read several times, so not a stream.
    client_ids
        The clients, in the order of their sheets; who is named twice has one.
    as_of
        The day of the sheets; the day after the last sale by default.
    rfm
        How to score, or a model that was fitted before; `RFM()` by default.
    margin
        The share of an amount that is gain, 0 to 1 (0.3 by default: give your own).
    policy
        The rules of contacts: `fr` (the default), a TOML file, or `none`, which says that consent
        is handled elsewhere: the sheet then says nothing of contacts.
    consent, suppress, contacts, control, last_seen
        As for `plan_contacts`.
    behaviour
        The scores of `score_behaviour`: phase and score of each client.
    profile
        A table with `client_id`, whose other columns are shown as they are.
    columns
        What the columns of the client base are called, where it is not the name of their role:
        `{"phone": "mobile"}`.
    lang
        The language of the sheets: `en` or `fr`.
    **reading
        As for `grc_fast.facts`. Of `clients`, the client base, names and addresses are shown.

    Returns
    -------
    ClientSheets
        A sheet a client, with `to_dict`, `html`, and text by `str`.

    Raises
    ------
    DataError
        If there is no such client.
    SourceError
        If the source is a stream, or cannot be read.
    GrcError
        If a column, a value or an option is wrong.

    Examples
    --------
    >>> import grc_fast as grc
    >>> sales = grc.simulate_sales(20_000, 1_000, seed=7)
    >>> sheets = grc.client_sheets(sales, [421, 7], as_of="2025-12-31", policy="none")
    >>> [(sheet.client_id, sheet.score.segment) for sheet in sheets.sheets]
    [(421, 'potential loyalist'), (7, 'hibernating')]
    """
    scoring = RFM() if rfm is None else rfm
    returns = scoring.rfm.returns if isinstance(scoring, RFMModel) else scoring.returns
    known = Known(
        tables=Tables(consent, suppress, contacts, control, last_seen),
        policy=policy,
        behaviour=behaviour,
        profile=profile,
        columns=ClientColumns.of(columns),
        margin=rate("margin", margin, least=0, most=1),
    )
    return sheets_of_clients(
        source,
        client_ids,
        SalesReading.of(reading, returns=returns),
        scoring,
        known,
        as_of=None if as_of is None else parse_day(as_of),
        lang=lang,
    )


def sheets_of_clients(
    source: Any,
    client_ids: Sequence[int | str],
    reading: SalesReading,
    scoring: RFM | RFMModel,
    known: Known,
    *,
    as_of: dt.date | None,
    lang: Lang,
) -> ClientSheets:
    """Read sales and all else, and make the sheets of some clients."""
    if isinstance(client_ids, str) or not list(client_ids):
        raise OptionError("client_ids must be a list of one client or more")
    check_lang(lang)
    if not open_source(source, reading.text).replayable:
        raise SourceError(
            "client sheets read the sales several times, and a stream can be read but once: "
            "collect it into a frame first"
        )
    rules = None if known.policy == "none" else Policy.load(known.policy)
    spec = scoring.rfm if isinstance(scoring, RFMModel) else scoring
    facts, _ = read_facts(spec, source, reading, as_of=as_of)
    day = facts.as_of
    model = scoring if isinstance(scoring, RFMModel) else spec.fit(facts, threads=reading.threads)
    explained = [model.explain(facts, client_id=client, lang=lang) for client in client_ids]
    scores = {score.client_id: score for score in explained}
    ids = list(scores)

    histories, _, _ = read_histories(source, reading, day, facts=(*VALUE_FACTS, *_HABITS))
    wanted = ids_as_held(ids, histories.frame[CLIENT].dtype)
    own = Histories(histories.frame.filter(pl.col(CLIENT).is_in(wanted.implode())), day)
    gains, notes = _gains(histories, own, known.margin, reading.threads, lang=lang)
    habits = {row[CLIENT]: _habits(row) for row in own.frame.iter_rows(named=True)}
    bought = recent_purchases(source, reading, ids, day, LAST_PURCHASES)
    purchases = _purchases(bought)
    identities = _identities(reading, known.columns, ids)
    allowed = {} if rules is None else _allowed(known.tables, rules, ids, identities, day)
    interests = _table_rows(known.behaviour, _BEHAVIOUR, ids, ("phase", "score"))
    profiles = _table_rows(known.profile, _PROFILE, ids)
    sheets = [
        ClientSheet(
            client_id=client,
            as_of=day,
            habits=habits[client],
            last_purchases=purchases.get(client, ()),
            score=score,
            identity=identities.get(client, {}),
            contacts=allowed.get(client, ()),
            interest=_interest(interests.get(client)),
            gain=gains.get(client),
            profile=_known_values(profiles.get(client, {})),
            notes=notes,
            lang=lang,
        )
        for client, score in scores.items()
    ]
    return ClientSheets(tuple(sheets), lang)


def _gains(
    histories: Histories, own: Histories, margin: float, threads: int | None, *, lang: Lang
) -> tuple[dict[int | str, Gain], tuple[str, ...]]:
    """Value some clients by models of all; where there is no model, say why."""
    try:
        model = fit_value(histories, MODEL, regularity=1, basket=BASKET, threads=threads)
    except DataError as error:
        return {}, (text("sheet.no_gain", lang, reason=error),)
    values = value_clients(
        own, model, [_HORIZON], margin, intervals=_LEVEL, threads=threads
    ).values.drop_nulls(f"gain_{_HORIZON}")
    return {
        row[CLIENT]: Gain(
            months=_MONTHS,
            margin=margin,
            expected=row[f"gain_{_HORIZON}"],
            low=row[f"gain_{_HORIZON}_low"],
            high=row[f"gain_{_HORIZON}_high"],
            level=_LEVEL,
            p_alive=row["p_alive"],
            purchases=row[f"purchases_{_HORIZON}"],
            basket=row["basket"],
        )
        for row in values.iter_rows(named=True)
    }, ()


def _habits(row: Mapping[str, Any]) -> Habits:
    money = ("mean_basket", "last_basket")
    return Habits(
        orders=row["orders"] or 0,
        active_days=row["active_days"] or 0,
        first_purchase=row["first_purchase"],
        last_purchase=row["last_purchase"],
        mean_gap=row["mean_gap"],
        total=float(row["total"] or 0),
        **{name: None if row[name] is None else float(row[name]) for name in money},
    )


def _purchases(bought: pl.DataFrame) -> dict[int | str, tuple[Purchase, ...]]:
    return {
        client: tuple(Purchase(*row) for row in rows.select("date", "amount", "lines").iter_rows())
        for (client,), rows in bought.group_by(CLIENT, maintain_order=True)
    }


def _identities(
    reading: SalesReading, columns: ClientColumns, ids: Sequence[int | str]
) -> dict[int | str, dict[str, str]]:
    """Return names and addresses of some clients, of the client base."""
    if reading.clients is None:
        return {}
    clients = _client_file(reading, columns)
    rows = _met(clients, CLIENTS, ids)
    names = [name for name in (*CONTACT_COLUMNS, "seller") if name in clients.columns]
    return {
        client: {name: row[name] for name in names if row[name] is not None}
        for client, row in rows.items()
    }


def _client_file(reading: SalesReading, columns: ClientColumns) -> pl.DataFrame:
    """Read the client base, whose ids may be called as those of the sales."""
    if columns.client == ClientColumns.client != reading.client:
        with suppress(ColumnError):
            named = replace(columns, client=reading.client)
            return read_clients(reading.clients, named, reading.text)
    return read_clients(reading.clients, columns, reading.text)


def _allowed(
    given: Tables,
    policy: Policy,
    ids: Sequence[int | str],
    identities: Mapping[int | str, Mapping[str, str]],
    day: dt.date,
) -> Mapping[int | str, tuple[AllowedContact, ...]]:
    """Say through which channels some clients may be contacted."""
    addresses = {
        name: [identities.get(client, {}).get(name) for client in ids]
        for name in ("email", "phone")
        if any(name in identity for identity in identities.values())
    }
    types = dict.fromkeys(addresses, pl.String)
    clients = pl.DataFrame({CLIENT: ids, **addresses}, schema_overrides=types)
    tables = {
        part.name: None if table is None else table_of(table, part.name, ())
        for part in fields(Tables)
        for table in [getattr(given, part.name)]
    }
    return allowed_contacts(clients, Tables(**tables), policy, day)


def _table_rows(
    table: Any, what: str, ids: Sequence[int | str], needed: Sequence[str] = ()
) -> dict[int | str, dict[str, Any]]:
    """Return what a table says of some clients, without their ids."""
    if table is None:
        return {}
    return _met(frame_of(table, what, [CLIENT, *needed]), what, ids)


def _met(
    frame: pl.DataFrame, what: str, ids: Sequence[int | str]
) -> dict[int | str, dict[str, Any]]:
    """Return the rows of some clients by their ids in the sales."""
    wanted, frame = with_common_ids(pl.DataFrame({CLIENT: ids}), frame)
    met = same_ids(CLIENT, {_SALES: wanted, what: frame})
    rows = met[what].filter(pl.col(CLIENT).is_in(met[_SALES][CLIENT].implode()))
    twice = rows.filter(rows[CLIENT].is_duplicated())[CLIENT]
    if len(twice):
        raise DataError(f"{what} has several rows of client {twice[0]!r}: keep one")
    found = {row.pop(CLIENT): row for row in rows.iter_rows(named=True)}
    return {
        client: found[held]
        for client, held in zip(ids, met[_SALES][CLIENT], strict=True)
        if held in found
    }


def _interest(row: Mapping[str, Any] | None) -> Interest | None:
    if row is None:
        return None
    parts = {
        name.removeprefix("score_"): float(value)
        for name, value in row.items()
        if name.startswith("score_") and value is not None
    }
    score = row["score"]
    return Interest(row["phase"], None if score is None else float(score), parts)


def _known_values(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}
