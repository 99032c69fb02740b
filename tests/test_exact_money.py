"""Money is summed to the last digit, whatever the order, and comes back as the nearest float."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import grc_fast as grc
from grc_fast.facts.exact_money import exact_units, money_of

AMOUNTS = st.lists(st.integers(-(10**13), 10**13).map(lambda units: units / 10_000), max_size=40)


@given(AMOUNTS)
def test_a_sum_is_the_nearest_float_in_any_order(amounts: list[float]) -> None:
    units = exact_units(pl.Series(amounts, dtype=pl.Float64), "money")
    exact = sum(round(amount * 10_000) for amount in amounts)
    for ordered in (units, units.sort()):
        total = pl.DataFrame({"units": ordered}).select(
            money_of(pl.col("units").sum(), pl.Float64())
        )
        assert total.item() == exact / 10_000


def test_whole_and_decimal_money_keep_their_types() -> None:
    whole = pl.Series([2**62, 2**62 - 1], dtype=pl.Int64)
    total = pl.select(money_of(pl.lit(exact_units(whole, "money")).sum(), whole.dtype))
    assert total.item() == 2**63 - 1
    cents = pl.Series([Decimal("0.10"), Decimal("0.20")])
    total = pl.select(money_of(pl.lit(exact_units(cents, "money")).sum(), cents.dtype))
    assert total.item() == Decimal("0.30")


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), 1e30])
def test_what_is_no_amount_is_refused(amount: float) -> None:
    with pytest.raises(grc.DataError, match="the basket holds an amount that is no finite number"):
        exact_units(pl.Series([1.0, amount]), "the basket")
