"""Facts: one row a client, computed in one pass over the sales."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

import polars as pl

from grc_fast import _core
from grc_fast.criteria import check_threads
from grc_fast.errors import ColumnError, DataError, OptionError, SourceError
from grc_fast.quality import Quality, day_of_number
from grc_fast.roles import Roles, suggestion
from grc_fast.sources import Opened, Part, Source, open_source

__all__ = ["FACTS", "STATUSES", "Facts", "collect_facts", "facts"]

#: Every fact that can be asked for.
FACTS: Final = (
    "first_purchase",
    "last_purchase",
    "recency",
    "orders",
    "lines",
    "active_days",
    "mean_gap",
    "total",
    "mean_basket",
    "last_basket",
    "max_basket",
    "first_day_total",
    "returns_total",
)

#: What is known of a client of the base; in the order of the codes that the extension gives.
STATUSES: Final = pl.Enum(["scored", "returns_only", "never_bought", "out_of_window"])

CLIENT: Final = "client_id"
STATUS: Final = "status"

_EPOCH: Final = dt.date(1970, 1, 1)
_RETURNS: Final = ("net", "drop", "keep")

Returns = Literal["net", "drop", "keep"]
Progress = Callable[[int], object]


@dataclass(frozen=True, eq=False)
class Facts:
    """What is known of each client, and how it came to be known.

    Attributes
    ----------
    frame
        One row a client, ascending by `client_id` (numbers by value, text by UTF-8 bytes).
    quality
        The account of the rows read.
    as_of
        The day from which recency is counted.
    """

    frame: pl.DataFrame
    quality: Quality
    as_of: dt.date
    #: Whether a pass made the frame, so that its order and its values need no check.
    _from_pass: bool = field(default=False, repr=False)


def facts(
    source: object,
    *,
    as_of: dt.date | str,
    facts: Sequence[str] = ("first_purchase", "last_purchase", "orders", "total"),
    window: str | None = None,
    client: str = "client_id",
    date: str = "date",
    amount: str = "amount",
    order: str | Sequence[str] | None = None,
    where: str | None = None,
    clients: object = None,
    returns: Returns = "net",
    timezone: str = "UTC",
    money_scale: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Facts:
    """Compute facts of each client in one streamed pass over sales.

    Parameters
    ----------
    source
        Sales: a path, a list of paths, a glob, a directory, the URL of an object store, a Polars,
        pandas or PyArrow table, or anything with `__arrow_c_stream__` (read once, batch by batch).
    as_of
        The day from which recency is counted: a date, a datetime (its date) or ISO text. Rows
        later than the end of that day are dropped and counted.
    facts
        Which facts, in the order of the columns: `first_purchase` and `last_purchase` (Date),
        `recency` (Int32, days), `orders`, `lines` and `active_days` (UInt32), `mean_gap` (Float64,
        days), and in money (Float64, or Decimal if the amounts are) `total`, `mean_basket`,
        `last_basket`, `max_basket`, `first_day_total`, `returns_total`.
    window
        Only count the days d with ``as_of - window < d <= as_of``: a duration such as `12mo`.
        A client with no purchase in it has zero counts and totals and null means and dates.
    client, date, amount
        Columns of those roles; the amount may be an SQL expression over the table's columns.
    order
        Column, or columns together, of the order's id. None: each row is an order.
    where
        SQL condition; rows for which it is false or null are dropped and counted.
    clients
        A source with the whole client base, in a column named as `client`, or `client_id`, or its
        only one. Each of its clients gets a row, and the frame a `status` (Enum: scored,
        returns_only, never_bought, out_of_window).
    returns
        What a negative amount is: `net` lowers the money but is no purchase, `drop` is not used,
        `keep` is a line like any other.
    timezone
        The zone in which instants with a zone fall on a day.
    money_scale
        Float amounts are rounded, each by itself, to 10^-money_scale and summed exactly; 0 to 18,
        4 by default. It applies to floats only: Decimals keep their own scale, integers are whole.
    threads
        Threads to use, 1 to 1024; all cores by default. They do not change the result.
    progress
        Called with the number of rows read so far, after each batch.

    Returns
    -------
    Facts
        The frame, with `client_id` first, the account of the rows, and the day.

    Raises
    ------
    SourceError
        If the source cannot be read: missing, empty, truncated, a broken line.
    ColumnError
        If a column is missing or of a wrong type.
    DataError
        If a value is wrong: a date that cannot be read or lies outside the years 1 to
        9999, an amount too large for 64 bits at the money scale, an `as_of` before all sales.
    OptionError
        If an option is wrong.

    Notes
    -----
    Time is linear in the rows. Memory grows with the clients (and with distinct orders or days
    where a fact counts them), not with the rows.

    Examples
    --------
    >>> import polars as pl
    >>> import grc_fast as grc
    >>> sales = pl.DataFrame(
    ...     {
    ...         "client_id": [7, 7, 9],
    ...         "date": ["2026-01-05", "2026-02-01", "2026-01-20"],
    ...         "amount": [10.0, 32.5, 8.0],
    ...     }
    ... )
    >>> found = grc.facts(sales, as_of="2026-02-28", facts=["last_purchase", "orders", "total"])
    >>> found.frame.rows()
    [(7, datetime.date(2026, 2, 1), 2, 42.5), (9, datetime.date(2026, 1, 20), 1, 8.0)]
    >>> found.quality.rows_used
    3
    """
    names = _check_names(facts)
    if window is not None and not isinstance(window, str):
        raise OptionError(f"window must be a duration such as 12mo, and {window!r} is not one")
    roles = Roles(client=client, date=date, amount=amount, order=order, where=where)
    requests: list[tuple[str, str | None]] = [(name, window) for name in names]
    scored_by = None
    if clients is not None and window is not None:
        # A client of the base whose purchases are all before the window is out of it.
        scored_by = len(requests)
        requests.append(("last_purchase", window))
    table, quality = collect_facts(
        source,
        roles,
        requests,
        as_of=parse_day(as_of),
        clients=clients,
        returns=returns,
        returns_only=True,
        timezone=timezone,
        money_scale=money_scale,
        threads=threads,
        progress=progress,
        scored_by=scored_by,
    )
    base = [STATUS] if clients is not None else []
    columns = [pl.col(str(position)).alias(name) for position, name in enumerate(names)]
    return Facts(table.select(CLIENT, *base, *columns), quality, quality.as_of, _from_pass=True)


def collect_facts(
    source: object,
    roles: Roles,
    requests: Sequence[tuple[str, str | None]],
    *,
    as_of: dt.date | None,
    clients: object = None,
    returns: str = "net",
    returns_only: bool = False,
    timezone: str = "UTC",
    money_scale: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    scored_by: int | None = None,
) -> tuple[pl.DataFrame, Quality]:
    """Run the pass over the sales for any mixture of facts and windows.

    Parameters
    ----------
    source, clients, returns, timezone, money_scale, threads, progress
        As for `facts`.
    roles
        The columns.
    requests
        Facts, each with its own window or None.
    as_of
        The day; None makes it the day after the last sale used, and a note says so.
    returns_only
        Whether clients with returns only have a row (they do with `clients` in any case).
    scored_by
        The position of a request that is null for clients who bought nothing in its window:
        such clients are out of the window, in `status` and in the account.

    Returns
    -------
    tuple of polars.DataFrame and Quality
        The table has `client_id`, `status` (Enum, with `clients` only) and one column a request,
        named by its position: "0", "1", …; ascending by client.
    """
    _check_options(returns, timezone, money_scale)
    threads = check_threads(threads)
    read = open_source(source)
    opened = read.open(roles)
    base = None if clients is None else _base_batches(clients, roles, opened)
    options: dict[str, Any] = {
        "returns": returns,
        "order": bool(roles.orders),
        "timezone": timezone,
        "plain_integer_ids": opened.plain_integer_ids,
        "threads": threads,
    }
    if money_scale is not None:
        options["money_scale"] = money_scale
    day = as_of
    if day is None and any(window is not None for _, window in requests):
        # Windows count back from a day that only a pass of its own can tell.
        opened = opened if opened.replayable else opened.held()
        scout = _core.FactsBuilder(facts=[], as_of=None, **(options | {"order": False}))
        _push_all(scout, opened, roles, progress)
        _, account = scout.finish(returns_only=True, base=False)
        day = _checked_day(read, account)
    builder = _core.FactsBuilder(facts=list(requests), as_of=_day_number(day), **options)
    _push_all(builder, opened, roles, progress)
    for ids in base or ():
        builder.add_clients(ids)
    table, account = builder.finish(returns_only=returns_only, base=base is not None)
    day = _checked_day(read, account)
    frame, out_of_window = _with_status(
        pl.DataFrame(table),
        based=base is not None,
        scored_by=scored_by,
        # Their rows, if they are in the table, are null in every window.
        returns_only=account["clients_returns_only"] if returns_only else 0,
    )
    notes = opened.notes
    if as_of is None:
        notes += (f"as_of is {day}, the day after the last sale",)
    quality = Quality.from_account(
        account, returns_dropped=returns == "drop", out_of_window=out_of_window, notes=notes
    )
    return frame, quality


def parse_day(day: object) -> dt.date:
    """Read an `as_of`: a date, a datetime (its date) or ISO text.

    Raises
    ------
    OptionError
        If it is none of these.

    Examples
    --------
    >>> from grc_fast.facts import parse_day
    >>> parse_day("2026-11-01T23:59")
    datetime.date(2026, 11, 1)
    """
    if isinstance(day, dt.datetime):
        return day.date()
    if isinstance(day, dt.date):
        return day
    if isinstance(day, str):
        try:
            return dt.datetime.fromisoformat(day.strip()).date()
        except ValueError:
            pass
    raise OptionError(f"as_of must be a date such as 2026-11-01, and {day!r} is not one")


# -- the pass --------------------------------------------------------------------------------


def _push_all(
    builder: _core.FactsBuilder, opened: Opened, roles: Roles, progress: Progress | None
) -> None:
    """Push every batch; an error about a value gets the column and the row that hold it."""
    try:
        for batch in opened.batches():
            orders = [batch[name] for name in batch.columns if name.startswith("order_")]
            builder.push(
                batch["client"],
                batch["date"],
                batch["amount"],
                order=orders or None,
                keep=batch["keep"] if "keep" in batch.columns else None,
            )
            if progress is not None:
                progress(builder.rows_read)
    except DataError as error:
        role = getattr(error, "role", None)
        if role is None:
            raise
        columns = ", ".join(roles.orders) if role == "order" else getattr(roles, role)
        place = locate(error, role, opened)
        raise DataError(f"{error} (column {columns!r}{place})") from None


def locate(error: DataError, role: str, opened: Opened) -> str:
    """Find the first row that holds the value an error is about, by a second ordered scan."""
    value = getattr(error, "value", None)
    if value is None or not opened.replayable:
        return ""
    for part, projection in opened.parts:
        before = 0
        for batch in part.select(projection):
            row = _first_row(batch, role, str(value))
            if row is not None:
                return f" of {_row_in_words(part, before + row + 1)}"
            before += batch.height
    return ""


def _first_row(batch: pl.DataFrame, role: str, value: str) -> int | None:
    """Find the first row, counted from 0, that holds the value in the role and is kept."""
    hits = pl.Series([False]).new_from_index(0, batch.height)
    for name in batch.columns:
        if role in (name, name.partition("_")[0]):
            hits |= _reads_as(batch[name], value).fill_null(value=False)
    if "keep" in batch.columns:
        hits &= batch["keep"].fill_null(value=False)
    return hits.arg_max() if hits.any() else None


def _reads_as(column: pl.Series, value: str) -> pl.Series:
    """Mark the rows whose value reads as the text."""
    if column.dtype.is_float():
        try:
            return column == float(value)
        except ValueError:
            pass
    return column.cast(pl.String, strict=False) == value


def _row_in_words(part: Part, row: int) -> str:
    line = part.line_of_row(row)
    words = f"row {row:,}" if line is None else f"row {row:,}, line {line:,}"
    return f"{part.place}, {words}"


def _checked_day(source: Source, account: _core._Account) -> dt.date:
    """Return the `as_of` of an account; files without rows and a day before every sale are not."""
    if source.is_file and account["rows_read"] == 0:
        raise SourceError(f"{source.name} is empty: it has no rows")
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


# -- the client base -------------------------------------------------------------------------


def _base_batches(clients: object, roles: Roles, sales: Opened) -> Iterator[pl.Series]:
    """Give the ids of the client base, batch by batch, as text or numbers as the sales' are."""
    base = open_source(clients).open_ids(tuple(dict.fromkeys((roles.client, CLIENT))))
    if base.text_ids == sales.text_ids:
        return (batch["client"] for batch in base.batches())
    if base.text_ids and base.plain_integer_ids:
        return (_as_integers(batch["client"]) for batch in base.batches())
    if sales.text_ids and sales.plain_integer_ids:
        return (batch["client"].cast(pl.String) for batch in base.batches())
    kinds = ("text", "numbers") if base.text_ids else ("numbers", "text")
    raise ColumnError(
        f"the clients' ids are {kinds[0]} in clients and {kinds[1]} in the sales: "
        "cast one of the columns"
    )


def _as_integers(ids: pl.Series) -> pl.Series:
    """Turn text ids into integers, provided each is the plain form of one."""
    numbers = ids.cast(pl.Int64, strict=False)
    strange = ids.filter(ids.is_not_null() & ~numbers.cast(pl.String).eq_missing(ids))
    if not strange.is_empty():
        raise ColumnError(
            f"the client {strange[0]!r} of clients is text, and the clients of the sales are "
            "integers: cast one of the columns"
        )
    return numbers


def _with_status(
    table: pl.DataFrame, *, based: bool, scored_by: int | None, returns_only: int
) -> tuple[pl.DataFrame, int]:
    """Name the statuses, and count the clients who bought before the window only.

    `returns_only` says how many rows of the table are clients with returns only, whose windows
    are empty too.
    """
    outside = pl.Series(STATUS, [False]).new_from_index(0, table.height)
    if scored_by is not None:
        outside = table[str(scored_by)].is_null()
    if not based:
        return table, max(int(outside.sum()) - returns_only, 0)
    codes = table[STATUS]
    outside &= codes == 0
    codes = codes.zip_with(~outside, pl.Series([3], dtype=codes.dtype))
    names = pl.Series(STATUS, STATUSES.categories, dtype=STATUSES)
    return table.with_columns(names.gather(codes)), int(outside.sum())


def _check_options(returns: object, timezone: object, money_scale: object) -> None:
    if returns not in _RETURNS:
        raise OptionError(f"returns must be one of {', '.join(_RETURNS)}, and not {returns!r}")
    if not isinstance(timezone, str):
        raise OptionError(f"timezone must be a zone such as Europe/Paris, not {timezone!r}")
    if money_scale is None:
        return
    whole = isinstance(money_scale, int) and not isinstance(money_scale, bool)
    if not (whole and 0 <= cast(int, money_scale) <= 18):
        raise OptionError(f"money_scale must be a whole number from 0 to 18, not {money_scale!r}")


def _check_names(names: Sequence[str]) -> list[str]:
    try:
        wanted = [names] if isinstance(names, str) else list(names)
    except TypeError:
        raise OptionError(
            f"facts must be a list of some of {', '.join(FACTS)}, and {names!r} is not one"
        ) from None
    if not wanted:
        raise OptionError(f"facts is empty: take some of {', '.join(FACTS)}")
    for position, name in enumerate(wanted):
        if name not in FACTS:
            near = suggestion(str(name), FACTS)
            raise OptionError(f"there is no fact {name!r}{near}: take some of {', '.join(FACTS)}")
        if name in wanted[:position]:
            raise OptionError(f"the fact {name!r} is asked for twice")
    return wanted


def _day_number(day: dt.date | None) -> int | None:
    return None if day is None else (day - _EPOCH).days
