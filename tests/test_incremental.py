"""What contacts add: campaigns compared each with its own control group."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

import grc_fast as grc
from grc_fast.campaigns.empirical_bayes import Cell, shrink
from grc_fast.campaigns.uplift import Arms, Stratum, arms, overall
from grc_fast.campaigns.uplift_bayes import shrink_differences

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


# By place


def drawn(rng, bases, effects, treated: int, held: int) -> list[Arms]:
    """Groups of one campaign, each with its own base rate and its own effect."""
    x = rng.binomial(treated, np.asarray(bases) + effects).tolist()
    y = rng.binomial(held, bases).tolist()
    return [arms((i,), [Stratum(treated, x[i], held, y[i])]) for i in range(len(x))]


STEEP = 0.25 * 0.6 ** np.arange(11)
PLACES = [
    *(([rate] * 5, effect, 400, 80) for rate in (0.002, 0.01, 0.05) for effect in (0.0, 0.01)),
    ([0.05] * 5, -0.02, 400, 80),
    (STEEP, 0.0, 360, 40),
    (STEEP, 0.3 * STEEP, 360, 40),
    (STEEP, 0.01, 720, 80),
    (STEEP[:5], 0.3 * STEEP[:5], 7200, 800),
    ([0.1, 0.02], [0.03, 0.0], 400, 100),
    ([0.3, 0.23, 0.16, 0.09, 0.02], 0.0, 270, 30),
    ([0.05], 0.02, 400, 100),
]


@pytest.mark.parametrize(("bases", "effects", "treated", "held"), PLACES)
def test_what_is_added_by_place_lies_in_its_interval_as_often_as_it_says(
    bases, effects, treated, held
):
    rng = np.random.default_rng(6)
    truth = np.broadcast_to(effects, len(bases))
    inside, runs = 0, 1000 // len(bases)
    for _ in range(runs):
        found = shrink_differences(drawn(rng, bases, effects, treated, held), ordered=True)
        inside += sum(f.low <= t <= f.high for f, t in zip(found, truth, strict=True))
    assert inside / (runs * len(bases)) >= 0.93


@pytest.mark.parametrize("rate", [0.002, 0.01])
def test_places_of_two_campaigns_lie_in_their_intervals_too(rate):
    """The control groups a fifth of the others, at most."""
    rng = np.random.default_rng(6)
    inside = 0
    for _ in range(200):
        sides = []
        for place in range(5):
            x, y = rng.binomial((400, 200), rate + 0.01), rng.binomial((80, 60), rate)
            counts = zip((400, 200), x.tolist(), (80, 60), y.tolist(), strict=True)
            sides.append(arms((place,), [Stratum(*row) for row in counts]))
        inside += sum(f.low <= 0.01 <= f.high for f in shrink_differences(sides, ordered=True))
    assert inside / 1000 >= 0.93


def test_nothing_is_promised_where_contacts_add_nothing_and_groups_differ():
    """Steep base rates, a control group of a tenth: noise is not taken for groups that pay."""
    rng = np.random.default_rng(5)
    found, plain, promised, of_plain = [], [], [], []
    for _ in range(200):
        sides = drawn(rng, STEEP, 0.0, 360, 40)
        found.append([f.rate for f in shrink_differences(sides, ordered=True)])
        plain.append([side.difference for side in sides])
        for rates, sums in ((found[-1], promised), (plain[-1], of_plain)):
            gains = np.cumsum(360 * (40 * np.sort(rates)[::-1] - 0.5))
            sums.append(max(0.0, gains.max()))
    assert abs(np.mean(found, axis=0)[0]) < 0.005
    assert np.abs(np.mean(found, axis=0)).max() < 0.005
    rmse, of_difference = (np.sqrt(np.mean(np.square(rates))) for rates in (found, plain))
    assert rmse < of_difference / 2
    assert np.mean(promised) < 300
    assert np.mean(of_plain) > 1000


def test_a_report_promises_no_profit_of_groups_that_answer_anyway():
    promised = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        group = np.repeat(np.arange(11), 400)
        frame = pl.DataFrame(
            {
                "client_id": np.arange(4400),
                "group": group + 1,
                "control": rng.random(4400) < 0.1,
                "responded": rng.random(4400) < STEEP[group],
            }
        )
        mailing = frame.drop("group").with_columns(campaign=pl.lit("a"), contacted_on=pl.lit(DAY))
        report = grc.response(frame.select("client_id", "group"), mailing, cost=0.5, margin=40)
        promised.append(max(0.0, report.depth["profit"].max()))
    # Contacts cost about 2,000.
    assert np.mean(promised) < 300


def test_a_difference_that_is_there_is_found():
    """Contacts add 30 % to steep base rates; many contacts show it, place by place."""
    rng = np.random.default_rng(5)
    for treated, held, off in ((20_000, 5_000, 0.15), (200_000, 50_000, 0.05)):
        runs = [
            [
                f.rate
                for f in shrink_differences(
                    drawn(rng, STEEP[:5], 0.3 * STEEP[:5], treated, held), ordered=True
                )
            ]
            for _ in range(20)
        ]
        assert np.mean(runs, axis=0) == pytest.approx(0.3 * STEEP[:5], rel=off)
    alike = [
        f.rate
        for _ in range(60)
        for f in shrink_differences(drawn(rng, [0.02] * 5, 0.03, 400, 100), ordered=True)
    ]
    assert np.mean(alike) == pytest.approx(0.03, abs=0.003)
    one = shrink_differences(drawn(rng, [0.05] * 11, [0.1] + [0] * 10, 20_000, 5_000), ordered=True)
    assert one[0].low > 0.07
    assert max(f.rate for f in one[1:]) < 0.02


counts = st.tuples(st.integers(1, 500), st.floats(0, 1), st.integers(0, 300), st.floats(0, 1))


@given(st.lists(counts, min_size=1, max_size=8), st.booleans())
def test_differences_are_those_of_the_mixture_over_spreads(places, ordered):
    """The definition in NumPy, with matrices instead of sums."""
    sides = [
        arms((i,), [Stratum(n, round(n * p), m, round(m * q))])
        for i, (n, p, m, q) in enumerate(places)
    ]
    known = [i for i, side in enumerate(sides) if side.difference is not None]
    if not known:
        return
    found = shrink_differences(sides, ordered=ordered)
    both = [
        Cell((i,), n + m, round(n * p) + round(m * q)) if m else Cell((i,), 0, 0)
        for i, (n, p, m, q) in enumerate(places)
    ]
    rates = np.array([f.rate for f in shrink(both, ordered=ordered)[0]])
    scale = np.sqrt(rates * (1 - rates))
    v = np.array([1 / places[i][0] + 1 / places[i][2] for i in known])
    z = np.array([sides[i].difference for i in known]) / scale[known]
    logit = np.linspace(-12, 12, 49)
    typical = stats.hmean(v)
    logs, means, variances = [], [], []
    for b in special.expit(logit):
        spread = typical * (1 - b) / b
        inverse = np.linalg.inv(np.diag(v + spread))
        ones = np.ones(len(v))
        doubt = 1 / (ones @ inverse @ ones)
        mean = doubt * (ones @ inverse @ z)
        law = stats.multivariate_normal(np.full(len(v), mean), np.diag(v + spread))
        logs.append(law.logpdf(z) + math.log(doubt) / 2 + math.log(b * (1 - b)))
        own = spread * inverse.diagonal()
        full_mean, full_var = np.full(len(places), mean), np.full(len(places), spread + doubt)
        full_mean[known] = own * z + (1 - own) * mean
        full_var[known] = own * v + (1 - own) ** 2 * doubt
        means.append(full_mean)
        variances.append(full_var)
    weights = special.softmax(logs)
    middle = weights @ np.array(means)
    variance = weights @ np.array(variances) + weights @ (np.array(means) - middle) ** 2
    expected = np.clip(middle * scale, -1, 1)
    half = stats.norm.ppf(0.975) * np.sqrt(variance) * scale
    assert [f.rate for f in found] == pytest.approx(expected, abs=1e-9)
    assert [f.low for f in found] == pytest.approx(np.maximum(expected - half, -1), abs=1e-7)
    assert [f.high for f in found] == pytest.approx(np.minimum(expected + half, 1), abs=1e-7)
    assert all(-1 <= f.low <= f.rate <= f.high <= 1 and f.low < f.high for f in found)


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
