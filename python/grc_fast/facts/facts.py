"""Facts of each client, in one call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final, Unpack

from grc_fast._typing import Returns
from grc_fast._utils.checks import text
from grc_fast._utils.dates import parse_day
from grc_fast._utils.messages import suggestion
from grc_fast._utils.panics import panics_as_errors
from grc_fast.errors import OptionError
from grc_fast.facts.collect import Request, collect_facts
from grc_fast.facts.options import Reading, SalesReading
from grc_fast.facts.table import FACTS, Facts

#: The column of the last purchase in the window; no fact has this name.
OF_WINDOW: Final = "__last_purchase_of_window"


@panics_as_errors()
def facts(
    source: object,
    *,
    as_of: dt.date | str,
    facts: Sequence[str] = ("first_purchase", "last_purchase", "orders", "total"),
    window: str | None = None,
    returns: Returns = "net",
    **reading: Unpack[Reading],
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
        days), `log_gaps` (Float64, the sum of the natural logarithms of the days between active
        days, 0 without a second one), and in money (Float64, or Decimal if the amounts are)
        `total`, `mean_basket`, `last_basket`, `max_basket`, `first_day_total`, `returns_total`.
    window
        Only count the days d with ``as_of - window < d <= as_of``: a duration such as `12mo`.
        A client with no purchase in it has zero counts and totals and null means and dates.
    client, date, amount
        Columns of those roles, or SQL expressions over the table's columns.
    order
        Column, or columns together, of the order's id, or SQL. None: each row is an order.
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
        4 by default. Decimals of a finer scale are rounded to it only where it is given; integers
        are whole.
    encoding, separator, decimal, thousands, date_format, null_values, skip_rows, sheet
        How text files and workbooks are written, where it is not as it is detected: the name of a
        codec; one character each; `iso`, `dmy`, `mdy`, `ymd`, `excel`, `epoch-s`, `epoch-ms`,
        `epoch-us` or a pattern of `strptime`; words that stand for no value; lines before the
        header; the name of a sheet.
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
    how = SalesReading.of(reading, returns=returns)
    requests = named_requests(facts, window, based=how.clients is not None)
    scored_by = OF_WINDOW if OF_WINDOW in requests else None
    frame, quality = collect_facts(
        source, how, requests, as_of=parse_day(as_of), returns_only=True, scored_by=scored_by
    )
    frame = frame if scored_by is None else frame.drop(scored_by)
    return Facts(frame, quality, quality.as_of, _from_pass=True)


def named_requests(facts: Sequence[str], window: str | None, *, based: bool) -> dict[str, Request]:
    """Check names of facts and their window, and return what is asked of the pass.

    With a client base and a window there is a column more, `OF_WINDOW`: a client of the base whose
    purchases are all before the window is out of it.
    """
    names = _check_names(facts)
    if window is not None:
        text("window", window, "a duration such as 12mo")
    requests: dict[str, Request] = {name: (name, window) for name in names}
    if based and window is not None:
        requests[OF_WINDOW] = ("last_purchase", window)
    return requests


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
