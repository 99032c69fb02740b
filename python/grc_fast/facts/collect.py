"""The pass over sales, for any mixture of facts and windows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import polars as pl

from grc_fast import _core
from grc_fast._utils.dates import day_number, day_of_number
from grc_fast._utils.messages import quoted_sql, with_short_quotes
from grc_fast.errors import DataError
from grc_fast.facts.client_base import base_batches, with_status
from grc_fast.facts.options import SalesReading
from grc_fast.facts.plausibility import (
    FIRST_ROWS,
    notes_of_ids,
    notes_of_shares,
    warning_of_base,
    warning_of_ids,
    warnings_of_rows,
)
from grc_fast.facts.quality import Quality
from grc_fast.facts.table import CLIENT, STATUS
from grc_fast.io.ids import ids_as_they_are
from grc_fast.io.locate import locate
from grc_fast.io.open import open_source
from grc_fast.io.source import Opened, Source, among_the_first
from grc_fast.io.sql import roots_or_nothing
from grc_fast.labels.phrases import Phrase

#: A fact, over all time or over a window.
Request: TypeAlias = tuple[str, str | None]


def collect_facts(
    source: object,
    reading: SalesReading,
    requests: Mapping[str, Request],
    *,
    as_of: dt.date | None,
    returns_only: bool = False,
    scored_by: str | None = None,
) -> tuple[pl.DataFrame, Quality]:
    """Run the pass over the sales for any mixture of facts and windows.

    Parameters
    ----------
    source
        As for `grc_fast.facts`.
    reading
        How it is read.
    requests
        The columns to compute: by name, the fact, and its window or None.
    as_of
        The day; None makes it the day after the last sale used, and a note says so.
    returns_only
        Whether clients with returns only have a row (they do with a client base in any case).
    scored_by
        The column that is null for clients who bought nothing in its window: such clients are out
        of the window, in `status` and in the account.

    Returns
    -------
    tuple of polars.DataFrame and Quality
        The table has `client_id`, `status` (Enum, with a client base only) and the columns asked
        for; ascending by client.
    """
    # The extension drops lines whose id is empty itself.
    roles = replace(reading.roles, take_ids=ids_as_they_are)
    read = open_source(source, reading.text)
    opened = read.open(roles)
    base = (
        None
        if reading.clients is None
        else base_batches(reading.clients, reading.text, roles, opened)
    )
    options = _builder_options(reading, opened)
    day = as_of
    if day is None and any(window is not None for _, window in requests.values()):
        # Windows count back from a day that only a pass of its own can tell.
        opened = opened if opened.replayable else opened.held()
        first_pass = _core.FactsBuilder(facts=[], as_of=None, **(options | {"order": False}))
        push_batches(first_pass, opened, reading)
        _, account = first_pass.finish(returns_only=True, base=False)
        day = checked_day(read, account)
    builder = new_builder(reading, requests, opened, as_of=day)
    push_batches(builder, opened, reading)
    for ids in base or ():
        builder.add_clients(ids)
    frame, account, out_of_window = facts_frame(
        builder, requests, based=base is not None, scored_by=scored_by, returns_only=returns_only
    )
    check_condition(opened, reading, account)
    day = checked_day(read, account)
    notes = [*opened.notes, *notes_of_ids(frame)]
    warnings = [*warnings_of_rows(opened), *warning_of_ids(frame)]
    counts = [name for name in ("orders", "lines") if name in frame.columns]
    warnings += notes_of_shares(frame, counts)
    if base is not None:
        outside = account["clients_outside_base"]
        warnings += warning_of_base(frame[STATUS], frame[CLIENT], outside)
    if as_of is None:
        notes.append(Phrase("note.day_after_last_sale", day=day))
    quality = Quality.from_account(
        account,
        returns_dropped=reading.returns == "drop",
        out_of_window=out_of_window,
        notes=tuple(notes),
        files=opened.files,
        warnings=tuple(warnings),
    )
    return frame, quality


def new_builder(
    reading: SalesReading, requests: Mapping[str, Request], opened: Opened, *, as_of: dt.date | None
) -> _core.FactsBuilder:
    """Prepare a pass for facts and windows, over sales that are opened."""
    return _core.FactsBuilder(
        facts=list(requests.values()),
        as_of=day_number(as_of),
        **_builder_options(reading, opened),
    )


def _builder_options(reading: SalesReading, opened: Opened) -> dict[str, Any]:
    options: dict[str, Any] = {
        "returns": reading.returns,
        "order": bool(reading.roles.orders),
        "timezone": reading.timezone,
        "plain_integer_ids": opened.plain_integer_ids,
        "threads": reading.threads,
    }
    if reading.money_scale is not None:
        options["money_scale"] = reading.money_scale
    return options


def facts_frame(
    builder: _core.FactsBuilder,
    requests: Mapping[str, Request],
    *,
    based: bool,
    scored_by: str | None,
    returns_only: bool,
) -> tuple[pl.DataFrame, _core._Account, int]:
    """End a pass: its table with the columns asked for, its account, and who is out of the window.

    `based` says whether the client base was entered; the others are as for `collect_facts`.
    """
    table, account = builder.finish(returns_only=returns_only, base=based)
    frame = pl.DataFrame(table)
    # The core names the columns by their positions.
    frame.columns = [*frame.columns[: frame.width - len(requests)], *requests]
    frame, out_of_window = with_status(
        frame,
        based=based,
        scored_by=scored_by,
        # Their rows, if they are in the table, are null in every window.
        returns_only=account["clients_returns_only"] if returns_only else 0,
    )
    return frame, account, out_of_window


def check_condition(opened: Opened, reading: SalesReading, account: _core._Account) -> None:
    """Raise if no row meets the condition; with the values that do occur."""
    rows = account["rows_read"]
    if not rows or account["dropped"]["where"][0] < rows:
        return
    first = opened.parts[0][0].first_rows(FIRST_ROWS) if opened.replayable else None
    shown = among_the_first(first, sorted(roots_or_nothing(reading.where or "")))
    raise DataError(
        f"no row of {rows:,} meets the condition {quoted_sql(reading.where or '')}{shown}"
    )


def over_all_time(names: Iterable[str]) -> dict[str, Request]:
    """Return requests of facts over all time, under their own names."""
    return {name: (name, None) for name in names}


def push_batches(builder: _core.FactsBuilder, opened: Opened, reading: SalesReading) -> None:
    """Push every batch; an error about a value gets the column and the row that hold it."""
    try:
        for batch in opened.batches():
            orders = [batch[name] for name in batch.columns if name.startswith("order_")]
            builder.push(
                batch["client"],
                batch["date"],
                _at_scale(batch["amount"], reading.money_scale),
                order=orders or None,
                keep=batch["keep"] if "keep" in batch.columns else None,
            )
            if reading.progress is not None:
                reading.progress(builder.rows_read)
    except DataError as error:
        role = getattr(error, "role", None)
        if role is None:
            raise
        columns = ", ".join(reading.roles.orders) if role == "order" else getattr(reading, role)
        told = with_short_quotes(str(error))
        raise DataError(f"{told} (column {columns!r}{locate(error, role, opened)})") from None


def _at_scale(amounts: pl.Series, scale: int | None) -> pl.Series:
    """Round decimals to the scale that was asked for, where they have a finer one."""
    dtype = amounts.dtype
    if scale is None or not isinstance(dtype, pl.Decimal) or dtype.scale <= scale:
        return amounts
    return amounts.cast(pl.Decimal(38, scale))


def checked_day(source: Source, account: _core._Account) -> dt.date:
    """Return the `as_of` of an account; files without rows and a day before every sale are not."""
    source.check_rows(account["rows_read"])
    if account["as_of"] is None:
        raise DataError(
            f"as_of cannot be the day after the last sale, as no row of {source.name} can be used"
        )
    try:
        as_of = day_of_number(account["as_of"])
    except DataError as error:
        # Only the day after the last sale can be out of the calendar: one that is given is a date.
        raise DataError(
            f"as_of cannot be the day after the last sale of {source.name}: {error}, or give as_of"
        ) from None
    if account["rows_used"] == 0 and account["dropped"]["future"][0] > 0:
        first = account["first_day_read"]
        when = "" if first is None else f" (the first is on {day_of_number(first)})"
        raise DataError(f"as_of {as_of} is before every sale{when}: take a later day")
    return as_of
