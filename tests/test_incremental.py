"""What contacts add: campaigns compared each with its own control group."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import polars as pl
import pytest
from scipy import stats

import grc_fast as grc
from grc_fast.campaigns.incremental import Stratum, added, arms, overall
from grc_fast.campaigns.shrinkage import shrink

DAY = dt.date(2026, 3, 1)


def campaign(name: str, size: int, *, treated: float, held: float | None) -> pl.DataFrame:
    """As many clients contacted as left alone (or no one), answering with fixed rates."""
    frames = []
    for control, rate in ((False, treated), (True, held)):
        if rate is not None:
            clients = range(10_000 * control, 10_000 * control + size)
            answers = [i < round(rate * size) for i in range(size)]
            frames.append(
                pl.DataFrame({"client_id": clients, "responded": answers, "control": control})
            )
    return pl.concat(frames).with_columns(campaign=pl.lit(name), contacted_on=pl.lit(DAY))


def everybody(*campaigns: pl.DataFrame) -> pl.DataFrame:
    ids = pl.concat(campaigns)["client_id"].unique().sort()
    return pl.DataFrame({"client_id": ids}).with_columns(group=pl.lit(1))


def test_contacts_without_a_control_group_say_nothing_about_what_contacts_add():
    """Pooled, a campaign of 2 % without control would turn a difference of 0 into one of −25 %."""
    first = campaign("a", 500, treated=0.4, held=0.4)
    second = campaign("b", 1000, treated=0.02, held=None)
    report = grc.response(everybody(first, second), pl.concat([first, second]))
    assert report.incremental == 0
    assert report.incremental_low < 0 < report.incremental_high
    assert report.without_control == 1000
    assert "contacts of campaigns without a control group: 1,000" in str(report)
    assert report.groups["difference"].to_list() == [0.0]
    assert report.groups["incremental"][0] == pytest.approx(0, abs=1e-12)
    assert report.rate == pytest.approx(220 / 1500)


def test_campaigns_of_unlike_rates_and_splits_are_compared_each_with_itself():
    """Mantel and Haenszel by hand: 5 points in one, 1 point in the other."""
    strata = [Stratum(900, 180, 100, 15), Stratum(200, 6, 800, 16)]
    weights = [900 * 100 / 1000, 200 * 800 / 1000]
    expected = (weights[0] * 0.05 + weights[1] * 0.01) / sum(weights)
    assert overall(strata).rate == pytest.approx(expected)
    assert arms((), strata).difference == pytest.approx(expected)


def test_one_campaign_has_the_interval_of_agresti_and_caffo():
    for n, x, m, y in ((500, 40, 250, 10), (30, 0, 20, 0), (7, 7, 9, 9), (90, 3, 10, 0)):
        found = overall([Stratum(n, x, m, y)])
        p, q = (x + 1) / (n + 2), (y + 1) / (m + 2)
        half = stats.norm.ppf(0.975) * math.sqrt(p * (1 - p) / (n + 2) + q * (1 - q) / (m + 2))
        assert found.low == pytest.approx(max(p - q - half, -1))
        assert found.high == pytest.approx(min(p - q + half, 1))
        assert found.high > found.low


@pytest.mark.parametrize("size", [4, 40, 400])
@pytest.mark.parametrize("effect", [0.0, 0.03])
def test_the_interval_over_campaigns_holds_the_truth_as_often_as_it_says(size, effect):
    """Sato's variance, for many small campaigns as for few large ones."""
    rng = np.random.default_rng(5)
    campaigns = 1600 // size
    bases = rng.uniform(0.005, 0.2, size=campaigns)
    held = 0
    for _ in range(1000):
        n = rng.integers(size // 2, size + size // 2 + 1, size=(2, campaigns))
        treated = rng.binomial(n[0], bases + effect)
        control = rng.binomial(n[1], bases)
        rows = zip(n[0].tolist(), treated.tolist(), n[1].tolist(), control.tolist(), strict=True)
        found = overall([Stratum(*row) for row in rows])
        held += found.low <= effect <= found.high
    assert 0.93 <= held / 1000 <= 0.985


@pytest.mark.parametrize("rate", [0.002, 0.01, 0.05])
@pytest.mark.parametrize("effect", [0.0, 0.01])
def test_what_is_added_by_place_lies_in_its_interval_as_often_as_it_says(rate, effect):
    """Groups of two campaigns, the control groups a fifth of the others."""
    rng = np.random.default_rng(6)
    held = total = 0
    for _ in range(200):
        sides = []
        for place in range(5):
            x = rng.binomial((400, 200), rate + effect)
            y = rng.binomial((80, 60), rate)
            counts = zip((400, 200), x.tolist(), (80, 60), y.tolist(), strict=True)
            sides.append(arms((place,), [Stratum(*row) for row in counts]))
        treated, _ = shrink([side.treated for side in sides], ordered=True)
        control, _ = shrink([side.control for side in sides], ordered=True)
        found = [added(*pair) for pair in zip(treated, control, strict=True)]
        held += sum(f.low <= effect <= f.high for f in found)
        total += len(found)
    assert held / total >= 0.93


def test_one_campaign_is_as_good_as_its_own_contacts():
    found = arms((1,), [Stratum(500, 40, 250, 10)])
    assert found.treated.contacts == pytest.approx(500)
    assert found.treated.answers == pytest.approx(40)
    assert found.control.contacts == pytest.approx(250)
    assert found.control.answers == pytest.approx(10)


def test_without_both_sides_there_is_no_difference():
    nothing = arms((1,), [Stratum(500, 40, 0, 0), Stratum(0, 0, 10, 1)])
    assert nothing.difference is None
    assert nothing.control_rate is None
    assert overall([Stratum(500, 40, 0, 0)]) is None


def test_a_control_group_of_a_campaign_without_contacts_makes_nothing_incremental():
    first = campaign("a", 100, treated=0.4, held=None)
    alone = campaign("b", 100, treated=0.4, held=0.1).filter("control")
    report = grc.response(everybody(first, alone), pl.concat([first, alone]))
    assert report.kind == "raw, not incremental"
    assert report.incremental is None
    assert report.control_contacts == 0


def test_few_contacts_of_a_place_do_not_decide_what_they_add():
    """Six contacts with two answers get no lift of 33 points; no control has the neighbours'."""
    rng = np.random.default_rng(2)
    cells = [(r, f) for r in range(1, 6) for f in range(1, 6)]
    sizes = {(3, 3): (6, 3), (1, 1): (80, 0)}
    rows = []
    for cell in cells:
        for control, size in enumerate(sizes.get(cell, (120, 60))):
            answered = rng.random(size) < (0.02 if control else 0.05)
            if cell == (3, 3):
                answered = np.arange(size) < (0 if control else 2)
            rows += [(*cell, bool(control), bool(answer)) for answer in answered]
    frame = pl.DataFrame(rows, schema=["r", "f", "control", "responded"], orient="row")
    frame = frame.with_row_index("client_id")
    scores = frame.select("client_id", "r", "f")
    mailing = frame.drop("r", "f").with_columns(campaign=pl.lit("a"), contacted_on=pl.lit(DAY))
    report = grc.response(scores, mailing, cost=1, margin=40)
    lucky = report.cells.row(by_predicate=pl.col("cell") == "33", named=True)
    alone = report.cells.row(by_predicate=pl.col("cell") == "11", named=True)
    assert lucky["difference"] == pytest.approx(1 / 3)
    assert lucky["incremental"] < 0.1
    assert alone["difference"] is None
    assert alone["control_contacts"] == 0
    assert alone["incremental_low"] < alone["incremental"] < alone["incremental_high"]
    assert alone["incremental"] == pytest.approx(0.03, abs=0.03)
