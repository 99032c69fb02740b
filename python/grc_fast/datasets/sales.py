"""Sales to try, test and measure on: seeded, heavy-tailed, in cents."""

from __future__ import annotations

import datetime as dt

import polars as pl

from grc_fast import _core
from grc_fast._utils.checks import whole
from grc_fast._utils.dates import day_number
from grc_fast._utils.panics import panics_as_errors


@panics_as_errors()
def simulate_sales(
    lines: int,
    clients: int,
    *,
    first_day: dt.date = dt.date(2023, 1, 1),
    days: int = 1095,
    seed: int = 0,
) -> pl.DataFrame:
    """Simulate the sales lines of a retailer.

    Activity is heavy-tailed (a fifth of the clients has about half of the lines), prices go from
    0.50 to 128.00 in cents, 2 % of the lines are returns, and the lines of a client on one half
    day share an order.

    Parameters
    ----------
    lines
        Rows to make.
    clients
        Clients that may appear; a few of little activity stay without a line.
    first_day, days
        The first day, and over how many days lines are spread (three years by default).
    seed
        The same arguments give the same rows, on any number of threads.

    Returns
    -------
    polars.DataFrame
        `client_id` (Int64, with gaps), `date` (Datetime, µs), `amount` (Float64), `order_id`
        (Int64); in no particular order.

    Raises
    ------
    OptionError
        If a number is out of its range.

    Notes
    -----
    O(lines), in parallel.

    Examples
    --------
    >>> import grc_fast as grc
    >>> sales = grc.simulate_sales(1000, 50, seed=7)
    >>> sales.columns
    ['client_id', 'date', 'amount', 'order_id']
    >>> sales.equals(grc.simulate_sales(1000, 50, seed=7))
    True
    """
    for name, value, most in (
        ("lines", lines, 2**40),
        ("clients", clients, 2**32 - 1),
        ("days", days, 2**20 - 1),
        ("seed", seed, 2**64 - 1),
    ):
        whole(f"simulate_sales: {name}", value, least=0, most=most)
    table = _core.simulate_sales(
        lines=lines, clients=clients, first_day=day_number(first_day), days=days, seed=seed
    )
    return pl.DataFrame(table)
