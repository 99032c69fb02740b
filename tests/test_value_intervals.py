"""Intervals of totals and of clients: they hold what comes as often as they say."""

from __future__ import annotations

import json
import os

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import grc_fast as grc
from grc_fast.cli import main

AS_OF = "2026-11-01"
#: Simulated bases; 200 where the whole experiment is run.
BASES = int(os.environ.get("GRC_FAST_INTERVAL_BASES", "16"))


def valued(clients: pl.DataFrame, **options) -> grc.ValueResult:
    return grc.predict_value(clients, as_of=AS_OF, horizons=["365d"], margin=1.0, **options)


@pytest.mark.parametrize("number", [400, 6_000])
@pytest.mark.parametrize("k", [1, 3])
def test_intervals_of_totals_hold_what_comes(number, k):
    """Of all clients simulated, and of a sample of them: purchases and money, at 90 %."""
    held = {"purchases": 0, "gain": 0}
    for seed in range(BASES):
        clients = grc.simulate_clients(
            number, as_of=AS_OF, seed=seed, regularity=k, parameters={"alpha": 8 / k}
        )
        row = valued(clients, regularity=k).summary.row(0, named=True)
        for what, came in (("purchases", "future_purchases"), ("gain", "future_money")):
            assert row[f"{what}_low"] <= row[what] <= row[f"{what}_high"]
            held[what] += row[f"{what}_low"] <= clients[came].sum() <= row[f"{what}_high"]
    # Three standard deviations of a count of so many.
    slack = 3 * (0.9 * 0.1 / BASES) ** 0.5
    for what, count in held.items():
        assert count / BASES == pytest.approx(0.9, abs=slack), what


def test_intervals_of_clients_hold_what_comes():
    clients = grc.simulate_clients(4_000, as_of=AS_OF, seed=5)
    values = valued(clients, intervals=0.8).values
    assert values.columns[-4:] == [
        "purchases_365d_low", "purchases_365d_high", "gain_365d_low", "gain_365d_high",
    ]  # fmt: skip
    came = clients["future_purchases"]
    held = (values["purchases_365d_low"] <= came) & (came <= values["purchases_365d_high"])
    # Numbers are whole, so that an interval holds more than its level, and never less.
    assert held.mean() >= 0.79
    several = values["purchases_365d_high"] > 4
    assert held.filter(several).mean() == pytest.approx(0.85, abs=0.06)
    money = clients["future_money"]
    assert ((values["gain_365d_low"] <= money) & (money <= values["gain_365d_high"])).mean() >= 0.79


def test_a_wider_level_has_wider_intervals():
    clients = grc.simulate_clients(500, as_of=AS_OF, seed=5)
    narrow, wide = (valued(clients, intervals=level) for level in (0.5, 0.95))
    for name in ("purchases_365d", "gain_365d"):
        assert (wide.values[f"{name}_low"] <= narrow.values[f"{name}_low"]).all()
        assert (wide.values[f"{name}_high"] >= narrow.values[f"{name}_high"]).all()
    assert (narrow.level, wide.level) == (0.5, 0.95)
    assert wide.summary["gain_high"][0] > narrow.summary["gain_high"][0]


@pytest.mark.parametrize("number", [300, 5_000])
def test_neither_order_nor_threads_change_a_bit(number):
    clients = grc.simulate_clients(number, as_of=AS_OF, seed=9)
    shuffled = clients.sample(fraction=1, shuffle=True, seed=1)
    one = valued(clients, intervals=0.9, threads=1)
    other = valued(shuffled, intervals=0.9, threads=3)
    # Sums of floats may differ by their last bits, where rows are in another order.
    assert_frame_equal(one.summary, other.summary, rel_tol=1e-12)
    assert one.values.equals(other.values.sort("client_id"))


def test_gains_at_their_present_worth_have_intervals_of_it():
    clients = grc.simulate_clients(2_000, as_of=AS_OF, seed=9)
    plain, present = (valued(clients, discount=rate).summary for rate in (0.0, 0.5))
    for name in ("purchases_low", "purchases_high"):
        assert present[name][0] == pytest.approx(plain[name][0], rel=0.05)
    for name in ("gain_low", "gain", "gain_high"):
        assert 0.7 * plain[name][0] < present[name][0] < 0.95 * plain[name][0]


def test_a_saved_model_knows_how_sure_it_is(tmp_path):
    clients = grc.simulate_clients(1_000, as_of=AS_OF, seed=9)
    first = valued(clients)
    first.model.save(tmp_path / "model.json")
    again = valued(clients, model=grc.ValueModel.load(tmp_path / "model.json"))
    assert again.summary.equals(first.summary)
    # One that does not know has chance alone in its intervals.
    written = json.loads((tmp_path / "model.json").read_text())
    del written["mbgnbd"]["covariance"], written["gamma_gamma"]["covariance"]
    unsure = valued(clients, model=grc.ValueModel.from_dict(written))
    width = [row["purchases_high"] - row["purchases_low"] for row in
             (unsure.summary.row(0, named=True), first.summary.row(0, named=True))]  # fmt: skip
    assert width[0] < width[1]
    assert any("chance alone" in note for note in unsure.notes)


@pytest.mark.parametrize("level", [0.3, 1.0, -1, "x", True, float("nan")])
def test_a_level_is_a_number_from_a_half_to_nearly_one(level):
    clients = grc.simulate_clients(200, as_of=AS_OF)
    with pytest.raises(grc.OptionError, match="intervals must be"):
        valued(clients, intervals=level)


def test_the_command_writes_intervals(tmp_path, capsys):
    sales = grc.simulate_sales(20_000, 1_000, seed=3)
    source, out = tmp_path / "sales.parquet", tmp_path / "value.parquet"
    sales.write_parquet(source)
    code = main(
        ["value", str(source), "-o", str(out), "--as-of", "2025-12-31", "--horizons", "3mo",
         "--intervals", "0.9"]
    )  # fmt: skip
    said = capsys.readouterr()
    assert code == 0
    assert {"purchases_3mo_low", "gain_3mo_high"} <= set(pl.read_parquet(out).columns)
    assert "purchases between" in said.out
    assert "within their intervals with a probability of 90%" in said.err
    code = main(["value", str(source), "-o", str(out), "--intervals", "0.1"])
    assert code == 1
