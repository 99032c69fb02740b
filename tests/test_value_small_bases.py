"""Bases that are small or one-sided: none is refused, and totals are as near as can be."""

from __future__ import annotations

import datetime as dt
import os

import numpy as np
import polars as pl
import pytest

import grc_fast as grc
from grc_fast.value.prediction import ValueResult

AS_OF = "2026-11-01"
DAY = dt.date.fromisoformat(AS_OF)
#: Simulated bases of each kind; 200 where the whole experiment is run.
BASES = int(os.environ.get("GRC_FAST_SMALL_BASES", "12"))
KINDS = {
    "75 % buy once": ({"r": 0.2, "alpha": 8, "a": 0.9, "b": 3.0}, None),
    "93 % buy once": ({"r": 0.06, "alpha": 8, "a": 0.9, "b": 3.0}, None),
    "a common chance to leave": ({"r": 1.45, "alpha": 10.5, "a": 29_500.0, "b": 70_500.0}, None),
    "one price": ({}, 29.9),
}


def small_base(kind: str, seed: int) -> tuple[pl.DataFrame, dict[str, float]]:
    """200 clients, and the parameters that they were drawn with."""
    parameters, price = KINDS[kind]
    clients = grc.simulate_clients(200, as_of=AS_OF, seed=seed, parameters=parameters)
    if price is not None:
        clients = clients.with_columns(
            total=pl.col("active_days") * price, first_day_total=pl.lit(price)
        )
    truth = {"r": 0.5, "alpha": 8.0, "a": 0.9, "b": 3.0} | parameters
    return clients, truth


def off(bought: pl.Series, clients: pl.DataFrame) -> float:
    """How far a forecast of the purchases of a year is from what came."""
    return abs(float(bought.sum()) - float(clients["future_purchases"].sum()))


@pytest.mark.parametrize("kind", KINDS)
def test_no_small_base_is_refused_and_totals_are_near(kind):
    """Off by no more than 1.5 times what the true parameters are, in the median.

    Of few bases the medians vary, so that a small run allows for more.
    """
    errors, best, once = [], [], []
    for seed in range(BASES):
        clients, truth = small_base(kind, seed)
        result = grc.predict_value(clients, as_of=AS_OF, horizons=["365d"], margin=1.0)
        errors.append(off(result.values["purchases_365d"], clients))
        known = grc.PurchaseModel("mbgnbd", **truth)
        best.append(off(known.predict("365d", clients, as_of=AS_OF)["purchases_365d"], clients))
        once.append(float((clients["active_days"] == 1).mean()))
    most = 1.5 if BASES >= 100 else 2.5
    assert np.median(errors) <= most * np.median(best), (np.median(errors), np.median(best))
    if kind[0].isdigit():
        assert np.mean(once) == pytest.approx(float(kind[:2]) / 100, abs=0.03)


def facts_of(clients: list[tuple[int, int, int]]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "client_id": list(range(len(clients))),
            "first_purchase": [DAY - dt.timedelta(days=t) for _, _, t in clients],
            "last_purchase": [DAY - dt.timedelta(days=t - last) for _, last, t in clients],
            "active_days": [x + 1 for x, _, _ in clients],
            "total": [10.0 + 3.0 * i % 17 for i in range(len(clients))],
            "first_day_total": [5.0] * len(clients),
        },
        schema_overrides={"first_purchase": pl.Date, "last_purchase": pl.Date},
    )


@pytest.mark.parametrize(
    "clients",
    [
        [(1, 20, 90)],
        [(0, 0, 90)] * 30 + [(2, 50, 100)],
        [(0, 0, 7 * week) for week in range(1, 48)] + [(1, 30, 200), (2, 100, 150), (1, 9, 40)],
        [(2, 5, 9)] * 60,
    ],
    ids=["one client", "one who came back", "95 % of one purchase", "all alike"],
)
@pytest.mark.parametrize("model", ["mbgnbd", "bgnbd", "auto"])
def test_what_little_is_known_is_enough_for_a_model(clients, model):
    result = grc.predict_value(facts_of(clients), as_of=AS_OF, model=model)
    bought = result.values["purchases_12mo"]
    assert (bought > 0).all()
    assert bought.is_finite().all()
    assert result.values["gain_12mo"].is_finite().all()
    if result.model.purchases.prior:
        assert "what is usual of shops (a weak prior) fills the gap" in result.warnings[0]


def test_a_prior_is_said_saved_and_gone_where_clients_tell_enough(tmp_path):
    few = grc.simulate_clients(120, as_of=AS_OF, seed=3)
    many = grc.simulate_clients(3_000, as_of=AS_OF, seed=3)
    model = grc.MBGNBD().fit(few, as_of=AS_OF)
    assert model.prior
    assert len(model.standard_errors) == 4
    model.save(tmp_path / "model.json")
    assert grc.PurchaseModel.load(tmp_path / "model.json") == model
    assert grc.PurchaseModel.load(tmp_path / "model.json").warnings == model.warnings
    assert not grc.MBGNBD().fit(many, as_of=AS_OF).prior


def test_the_unit_of_time_is_none_of_the_prior():
    few = grc.simulate_clients(80, as_of=AS_OF, seed=3)
    weeks, days = (grc.MBGNBD(time_scaler=unit).fit(few, as_of=AS_OF) for unit in (7, 1))
    assert weeks.prior
    assert days.alpha == pytest.approx(7 * weeks.alpha, rel=1e-4)
    assert days.r == pytest.approx(weeks.r, rel=1e-4)


def test_the_currency_is_none_of_the_prior():
    few = grc.simulate_clients(40, as_of=AS_OF, seed=3)
    rial = few.with_columns(pl.col("total", "first_day_total") * 1e6)
    one, other = (grc.predict_value(frame, as_of=AS_OF) for frame in (few, rial))
    assert one.model.spend.prior
    gains = (one.values["gain_12mo"] * 1e6).to_list()
    assert other.values["gain_12mo"].to_list() == pytest.approx(gains, rel=1e-10)


@pytest.mark.parametrize("basket", ["all", "repeat"])
@pytest.mark.parametrize("model", ["bgnbd", "mbgnbd", "auto"])
def test_a_million_times_the_money_is_a_million_times_the_gain(model, basket):
    clients = grc.simulate_clients(900, as_of=AS_OF, seed=3, regularity=2)
    rial = clients.with_columns(pl.col("total", "first_day_total") * 1e6)
    one, other = (
        grc.predict_value(frame, as_of=AS_OF, model=model, basket=basket, discount=0.1)
        for frame in (clients, rial)
    )
    gains = (one.values["gain_12mo"] * 1e6).to_list()
    assert other.values["gain_12mo"].to_list() == pytest.approx(gains, rel=1e-10)


def test_where_nobody_came_back_there_is_no_model():
    with pytest.raises(grc.DataError, match="bought on one day only, so nothing tells"):
        grc.predict_value(facts_of([(0, 0, day) for day in range(80)]), as_of=AS_OF)


# Clients from before the sales


def old_clients(from_day: int, seed: int = 1) -> ValueResult:
    """A shop of four years, whose sales are known from some day on."""
    rng = np.random.default_rng(seed)
    rows = []
    for client in range(3_000):
        at, rate, leave = rng.uniform(0, 1460), rng.gamma(1.0, 1 / 60), rng.beta(0.5, 4.0)
        while at < 1460:
            rows.append((client, int(at)))
            if rng.random() < leave:
                break
            at += rng.exponential(1 / rate)
    sales = pl.DataFrame(rows, schema=["client_id", "day"], orient="row")
    sales = sales.filter(pl.col("day") >= from_day).select(
        "client_id",
        date=pl.lit(DAY) - pl.duration(days=1460 - pl.col("day")),
        amount=10.0 + pl.int_range(pl.len()) % 7,
    )
    return grc.predict_value(sales, as_of=AS_OF)


@pytest.mark.parametrize("from_day", [730, 1095])
def test_clients_from_before_the_sales_are_warned_of(from_day):
    result = old_clients(from_day)
    assert result.crowded in result.warnings
    assert "would be usual" in result.crowded
    assert "forecasts are likely too high" in result.crowded


def test_a_shop_whose_sales_are_all_known_is_not_warned_of():
    assert old_clients(0).crowded is None


def test_a_cohort_that_came_in_the_first_months_is_no_crowd():
    clients = grc.simulate_clients(3_000, as_of=AS_OF, days=(190, 273), seed=2)
    assert grc.predict_value(clients, as_of=AS_OF).crowded is None
