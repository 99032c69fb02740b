"""Fitting and predicting purchases and spend, against the packages that others use for it.

The same million simulated clients, the same optimum, the same predictions; `lifetimes` predicts one
horizon, grc_fast the usual three. Rounds take minutes on the other side, so GRC_FAST_BENCH_ROUNDS=1
or a scale of 20 is a quick look.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import polars as pl
import pytest
from reached import reach

import grc_fast as grc
from grc_fast.bench.harness import Case, Measure, check_equal, clock
from grc_fast.bench.setting import in_words
from grc_fast.value.histories import PURCHASE_FACTS, histories
from grc_fast.value.purchases import PurchaseModel

AS_OF = "2026-01-01"
CLIENTS = 1_000_000
HORIZON = 365


def opponent(name: str) -> Any:
    return pytest.importorskip(name, reason=f"pip install {name} to compare with it")


def ours(clients: pl.DataFrame, threads: int) -> tuple[PurchaseModel, list[pl.Series]]:
    """Fit MBG/NBD, then predict three horizons."""
    model = grc.MBGNBD().fit(clients, as_of=AS_OF, threads=threads)
    known = histories(clients, PURCHASE_FACTS, AS_OF)
    _, purchases, _ = model.outcomes(known, ["90d", f"{HORIZON}d", "3y"], threads=threads)
    return model, purchases


def same_optimum(ours: tuple[PurchaseModel, list[pl.Series]], theirs: tuple[Any, Any]) -> bool:
    (model, purchases), (other, bought) = ours, theirs
    for name, value in model.parameters.items():
        assert other.params_[name] == pytest.approx(value, rel=5e-3), name
    assert purchases[1].to_numpy() == pytest.approx(bought, rel=0.05, abs=1e-3)
    return True


@pytest.mark.filterwarnings("ignore")
def test_fit_and_predict_against_lifetimes(threads: int, rounds: int, scale: int) -> None:
    opponent("lifetimes")
    fitter: Callable[..., Any] = importlib.import_module("lifetimes").ModifiedBetaGeoFitter
    number = CLIENTS // scale

    @contextmanager
    def opened() -> Iterator[Mapping[str, Measure]]:
        clients = grc.simulate_clients(number, as_of=AS_OF, seed=1)
        x, last, observed = (
            column.to_numpy() for column in histories(clients, PURCHASE_FACTS, AS_OF).columns
        )
        weeks = last / 7, observed / 7

        def theirs() -> tuple[Any, Any]:
            model = fitter().fit(x, *weeks)
            return model, model.conditional_expected_number_of_purchases_up_to_time(
                HORIZON / 7, x, *weeks
            )

        ways: dict[str, Callable[[], Any]] = {
            "grc_fast": lambda: ours(clients, threads),
            "lifetimes": theirs,
        }
        check_equal(((way, run()) for way, run in ways.items()), same_optimum)
        yield {way: clock(run) for way, run in ways.items()}

    name = f"fit and predict, MBG/NBD, {in_words(number)} clients"

    reach(Case("value", name, opened, {"lifetimes": ("lifetimes",)}), rounds, scale)


def test_value_of_five_million_clients(threads: int, rounds: int, scale: int) -> None:
    number = 5 * CLIENTS // scale

    @contextmanager
    def opened() -> Iterator[Mapping[str, Measure]]:
        facts = grc.simulate_clients(number, as_of=AS_OF, seed=1)
        facts = facts.drop("future_purchases", "future_money")

        def whole(discount: float) -> grc.ValueResult:
            return grc.predict_value(facts, as_of=AS_OF, discount=discount, threads=threads)

        ways = {
            "grc_fast": lambda: whole(0.0),
            "grc_fast, discounted by month": lambda: whole(0.1),
        }
        alive = ((way, run().values["p_alive"]) for way, run in ways.items())
        check_equal(alive, lambda first, other: first.equals(other))
        yield {way: clock(run) for way, run in ways.items()}

    name = f"fit and value from facts, {in_words(number)} clients"

    reach(Case("value", name, opened, {}), rounds, scale)
