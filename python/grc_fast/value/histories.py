"""Facts in the terms of the value models: repeat purchases, when the last was, and what they cost.

x is the number of active days less one, t_x the days from the first purchase to the last, T those
from the first purchase to `as_of`, and m_x the mean money of the repeat purchase days.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal, get_args

import polars as pl

from grc_fast._utils.dates import parse_day
from grc_fast._utils.messages import describe, listing, suggestion
from grc_fast._utils.processes import check_process
from grc_fast.errors import ColumnError, DataError, ModelError, OptionError
from grc_fast.facts.table import CLIENT, STATUS, Facts
from grc_fast.io.small_tables import as_frame

#: Which purchase days tell what a client spends: all of them, or those after the first.
Basket = Literal["all", "repeat"]
BASKETS: Final = get_args(Basket)
#: The facts from which clients are valued.
PURCHASE_FACTS: Final = ("first_purchase", "last_purchase", "active_days")
SPEND_FACTS: Final = ("active_days", "total", "first_day_total")
VALUE_FACTS: Final = ("first_purchase", "last_purchase", "active_days", "total", "first_day_total")
#: The fact that tells how regularly clients buy, beside `t_x` and x; models do without it.
LOG_GAPS: Final = "log_gaps"
_PLACE: Final = "the frame of facts"
# Totals are sums of exact integers, divided once; their difference is 0 within these roundings.
_ROUNDINGS: Final = 4 * 2.0**-52


@dataclass(frozen=True, eq=False)
class Histories:
    """Clients in the terms of the models.

    Attributes
    ----------
    frame
        The facts, one row a client.
    as_of
        The day they are seen from.
    """

    frame: pl.DataFrame
    as_of: dt.date

    @cached_property
    def bought(self) -> pl.Series:
        """Which clients have a purchase (Boolean); the others cannot be valued."""
        dates = self.frame["first_purchase"].is_not_null()
        return dates & self.frame["last_purchase"].is_not_null()

    @cached_property
    def columns(self) -> tuple[pl.Series, pl.Series, pl.Series]:
        """X (UInt32), t_x and T (Int32, days) of the clients who bought."""
        first, last = pl.col("first_purchase"), pl.col("last_purchase")
        found = self.frame.filter(self.bought).select(
            repeats=pl.col("active_days").cast(pl.Int64) - 1,
            last=(last - first).dt.total_days().cast(pl.Int32),
            observed=(pl.lit(self.as_of) - first).dt.total_days().cast(pl.Int32),
        )
        if found["repeats"].null_count() or (found["repeats"] < 0).any():
            raise DataError(
                f"{_PLACE} has a client with purchases and no active_days: it is 1 or more then"
            )
        if found["observed"].min() is not None and int(found["observed"].min()) < 0:  # type: ignore[arg-type]
            raise DataError(f"as_of {self.as_of} is before a first purchase: take a later day")
        return (found["repeats"].cast(pl.UInt32), found["last"], found["observed"])

    def spends(self, basket: Basket) -> tuple[pl.Series, pl.Series]:
        """Return how many purchase days tell the spend of each client who bought, and their mean.

        The days after the first and their mean m_x (NaN without one), or all days and theirs.
        """
        if basket == "repeat":
            return self.repeats, self._repeat_means
        days, total = pl.col("active_days"), pl.col("total").cast(pl.Float64)
        found = self._with_money.select(days=days.cast(pl.UInt32), mean=total / days)
        return found["days"], found["mean"]

    @cached_property
    def _with_money(self) -> pl.DataFrame:
        """The clients who bought, whose money must be known."""
        bought = self.frame.filter(self.bought)
        if bought["total"].null_count():
            raise DataError(f"{_PLACE} has a client with purchases and no total")
        return bought

    @cached_property
    def _repeat_means(self) -> pl.Series:
        """m_x (Float64) of the clients who bought; NaN without a repeat purchase."""
        whole, first = (pl.col(name).cast(pl.Float64) for name in ("total", "first_day_total"))
        rest = whole - first
        rest = (
            pl.when(rest.abs() > _ROUNDINGS * (whole.abs() + first.abs())).then(rest).otherwise(0)
        )
        repeats = pl.col("active_days").cast(pl.Float64) - 1
        mean = pl.when(repeats > 0).then(rest / repeats).fill_null(float("nan"))
        return self._with_money.select(mean.alias("mean"))["mean"]

    @cached_property
    def log_gaps(self) -> pl.Series | None:
        """The sum of the logarithms of days between purchases (Float64) of those who bought.

        None if it is not known.
        """
        if LOG_GAPS not in self.frame.columns:
            return None
        found = self.frame.filter(self.bought)[LOG_GAPS].cast(pl.Float64)
        if found.null_count():
            raise DataError(f"{_PLACE} has a client with purchases and no {LOG_GAPS}")
        return found

    @cached_property
    def repeats(self) -> pl.Series:
        """X (UInt32) of the clients who bought."""
        return self.frame.filter(self.bought)["active_days"].cast(pl.UInt32) - 1

    def table(self, **columns: pl.Series) -> pl.DataFrame:
        """Return who the clients are, and columns of those who bought, null for the others."""
        who = self.frame.select(client_columns(self.frame))
        return who.with_columns(**{name: self.spread(own) for name, own in columns.items()})

    def spread(self, values: pl.Series) -> pl.Series:
        """Return values of the clients who bought as a column of all, null for the others."""
        if len(values) == self.frame.height:
            return values
        if values.is_empty():
            return pl.repeat(None, self.frame.height, dtype=values.dtype, eager=True)
        place = self.bought.cum_sum().cast(pl.Int64) - 1
        return pl.select(
            pl.when(self.bought).then(pl.lit(values).gather(pl.lit(place).clip(0)))
        ).to_series()


def histories(facts: Any, names: tuple[str, ...], as_of: dt.date | str | None = None) -> Histories:
    """Take facts of `grc_fast.facts`, or any frame with the columns `names`, for valuing.

    Raises
    ------
    ColumnError
        If a column is missing or of a wrong type.
    OptionError
        If no `as_of` is known, or two are.
    """
    frame, day = _frame_and_day(facts, as_of)
    for name in names:
        if name not in frame.columns:
            raise ColumnError(
                f"{_PLACE} has no column {name!r}{suggestion(name, frame.columns)}"
                f"{listing(frame.columns)}; compute it with "
                f"grc_fast.facts(…, facts={list(VALUE_FACTS)})"
            )
    known = (*names, LOG_GAPS) if LOG_GAPS in frame.columns else names
    taken = frame.with_columns(_as_fact(name, frame[name]) for name in known)
    return Histories(taken, day)


def histories_or_fitted(
    facts: Any,
    names: tuple[str, ...],
    as_of: dt.date | str | None,
    fitted: Histories | None,
) -> Histories:
    """Take the facts that are given, or else the clients that a model was fitted on.

    Raises
    ------
    ModelError
        If there are neither.
    GrcError
        If the facts cannot be taken, as `histories` says.
    """
    check_process()
    if facts is not None:
        return histories(facts, names, as_of)
    if fitted is None:
        raise ModelError(
            "this model was not fitted here, so it knows no clients: give it facts of some"
        )
    return fitted


def _frame_and_day(facts: Any, as_of: dt.date | str | None) -> tuple[pl.DataFrame, dt.date]:
    check_process()
    if isinstance(facts, Facts):
        if as_of is not None and parse_day(as_of) != facts.as_of:
            raise OptionError(
                f"as_of is {as_of}, and the facts were computed for {facts.as_of}: leave it out"
            )
        return facts.frame, facts.as_of
    if as_of is None:
        raise OptionError("a frame does not know its day: give as_of, or the Facts it came from")
    frame = as_frame(facts, _PLACE)
    if frame is None:
        raise ColumnError(
            f"facts must be those of grc_fast.facts or a frame, and {type(facts).__name__} is not"
        )
    return frame, parse_day(as_of)


def _as_fact(name: str, column: pl.Series) -> pl.Series:
    """Take a fact as it is, or as pandas holds it: days as midnights, integers as whole floats.

    Raises
    ------
    ColumnError
        If it holds anything else.
    """
    dtype = column.dtype
    if name.endswith("_purchase"):
        wanted, fits = "dates", dtype == pl.Date
        if isinstance(dtype, pl.Datetime) and dtype.time_zone is None:
            days = column.cast(pl.Date)
            column, fits = days, bool((days.cast(dtype) == column).all())
    elif name == "active_days":
        wanted, fits = "integers", dtype.is_integer()
        if dtype.is_float():
            known = column.fill_nan(None)
            column, fits = known.cast(pl.Int64, strict=False), bool((known == known.floor()).all())
    else:
        wanted, fits = "numbers", dtype.is_numeric()
    if not fits:
        raise ColumnError(f"{_PLACE} has {describe(dtype)} in {name!r}, where {wanted} are needed")
    return column


def client_columns(frame: pl.DataFrame) -> list[str]:
    """Return the columns that say who a client is: the id, and the status if there is one."""
    return [name for name in (CLIENT, STATUS) if name in frame.columns]
