"""Money summed exactly: the order of the rows must not show in the last digit."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import polars as pl

from grc_fast.errors import DataError

#: Decimals to which each float amount is rounded, unless sales were read with others.
SCALE: Final = 4
# 2^31 rows of so much are still far from what 128 bits hold.
_MOST: Final = 1e24


def exact_units(money: pl.Series, what: str, scale: int = SCALE) -> pl.Series:
    """Return money in a type whose sums are exact: floats become units of 10^-`scale`.

    Decimals stay as they are, whole numbers get 128 bits, nulls stay null.

    Raises
    ------
    DataError
        If a float is not finite, or too large to be an amount.

    Examples
    --------
    >>> import polars as pl
    >>> from grc_fast.facts.exact_money import exact_units, money_of
    >>> sum_of = exact_units(pl.Series([0.1, 0.2, None]), "the basket").sum()
    >>> sum_of
    3000
    >>> pl.select(money_of(pl.lit(sum_of), pl.Float64())).item()
    0.3
    """
    if money.dtype.is_float():
        if not (money.is_finite() & (money.abs() <= _MOST)).all():
            raise DataError(
                f"{what} holds an amount that is no finite number, or above {_MOST:g}: leave it "
                "empty"
            )
        units: pl.Series = (money.cast(pl.Float64) * 10**scale).round()
        return units.cast(pl.Int128)
    return money.cast(pl.Int128) if money.dtype.is_integer() else money


def money_of(sums: pl.Expr, dtype: pl.DataType, scale: int = SCALE) -> pl.Expr:
    """Return sums of `exact_units` as money of the type that the amounts had."""
    if dtype.is_float():
        # Through decimals: Polars divides by a constant by multiplying with its reciprocal, and
        # the last bit is then another.
        unit = pl.lit(Decimal(1).scaleb(-scale), pl.Decimal(38, scale))
        return (sums.cast(pl.Decimal(38, 0)) * unit).cast(pl.Float64)
    return sums.cast(pl.Int64) if dtype.is_integer() else sums
