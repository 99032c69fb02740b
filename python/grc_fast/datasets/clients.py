"""Clients who behave as the models say, to try and to test on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import polars as pl

from grc_fast import _core
from grc_fast._utils.checks import check_threads, strictly_positive, whole
from grc_fast._utils.dates import parse_day
from grc_fast._utils.panics import panics_as_errors
from grc_fast.errors import OptionError
from grc_fast.value.model_json import MAX_REGULARITY, PURCHASE_PARAMETERS, SPEND_PARAMETERS
from grc_fast.value.purchases import ModelName, check_time_scaler

_PURCHASES = {"r": 0.5, "alpha": 8.0, "a": 0.9, "b": 3.0}
_SPEND = {"p": 6.0, "q": 4.0, "v": 15.0}


@panics_as_errors()
def simulate_clients(
    clients: int,
    *,
    as_of: dt.date | str,
    model: ModelName = "mbgnbd",
    regularity: int = 1,
    parameters: Mapping[str, float] | None = None,
    days: tuple[int, int] = (30, 730),
    horizon: int = 365,
    time_scaler: float = 7.0,
    seed: int = 0,
    threads: int | None = None,
) -> pl.DataFrame:
    """Simulate the facts of clients who behave as a purchase model and the Gamma-Gamma model say.

    Parameters
    ----------
    clients
        How many.
    as_of
        The day from which they are seen.
    model
        `mbgnbd` or `bgnbd`.
    regularity
        Steps to a purchase, 1 to 20; 1 under `bgnbd`. Rates are then those of steps.
    parameters
        Any of r, alpha, a, b, p, q, v; 0.5, 8, 0.9, 3, 6, 4 and 15 where not given.
    days
        Fewest and most days since the first purchase; every number between is as likely.
    horizon
        Days after `as_of` of which the truth is told.
    time_scaler
        Days in the unit of time of the parameters.
    seed
        The same arguments give the same clients, on any number of threads and any machine.
    threads
        Threads to use, all cores by default.

    Returns
    -------
    polars.DataFrame
        `client_id` (Int64), `first_purchase` and `last_purchase` (Date), `active_days` (UInt32),
        `log_gaps`, `total` and `first_day_total` (Float64), and what is to come within `horizon`
        days: `future_purchases` (UInt32) and `future_money` (Float64). Every purchase counts as an
        active day of its own, be it the second of a day.

    Raises
    ------
    OptionError
        If a parameter or a number is out of its range.

    Examples
    --------
    >>> import grc_fast as grc
    >>> clients = grc.simulate_clients(1000, as_of="2026-11-01", seed=7)
    >>> clients.height, clients["active_days"].min()
    (1000, 1)
    """
    day = parse_day(as_of)
    given = dict(parameters or {})
    values = {**_PURCHASES, **_SPEND}
    unknown = [name for name in given if name not in values]
    if unknown:
        raise OptionError(
            f"simulate_clients: there is no parameter {unknown[0]!r}: take {', '.join(values)}"
        )
    values |= {name: strictly_positive(name, value) for name, value in given.items()}
    shortest, longest = days
    for name, number, most in (
        ("clients", clients, 2**31),
        ("days", shortest, 2**21),
        ("days", longest, 2**21),
        ("horizon", horizon, 2**21),
        ("seed", seed, 2**64 - 1),
    ):
        whole(f"simulate_clients: {name}", number, least=0, most=most)
    table = _core.simulate_clients(
        clients,
        model=model,
        regularity=whole("simulate_clients: regularity", regularity, least=1, most=MAX_REGULARITY),
        purchases=[values[name] for name in PURCHASE_PARAMETERS],
        spend=[values[name] for name in SPEND_PARAMETERS],
        unit=check_time_scaler(time_scaler),
        shortest=shortest,
        longest=longest,
        horizon=horizon,
        seed=seed,
        threads=check_threads(threads),
    )
    first = pl.lit(day) - pl.duration(days=pl.col("observed"))
    spent = pl.when(pl.col("repeats") > 0).then(pl.col("mean") * pl.col("repeats")).otherwise(0)
    return pl.DataFrame(table).select(
        client_id=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
        first_purchase=first.cast(pl.Date),
        last_purchase=(first + pl.duration(days=pl.col("last"))).cast(pl.Date),
        active_days=pl.col("repeats") + 1,
        log_gaps=pl.col("log_gaps"),
        total=pl.col("first") + spent,
        first_day_total=pl.col("first"),
        future_purchases=pl.col("future"),
        future_money=pl.col("future_money"),
    )
