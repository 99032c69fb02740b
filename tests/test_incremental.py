"""What contacts add: compared within campaigns and places, and shrunk to a line in the score."""

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
from grc_fast.campaigns.empirical_bayes import Cell, Shrunk, shrink
from grc_fast.campaigns.levels import Level
from grc_fast.campaigns.line_shrinkage import shrink_to_line
from grc_fast.campaigns.repeats import Repeats
from grc_fast.campaigns.score_interval import answers_added, money_added
from grc_fast.campaigns.strata import Sides, Strata, sides

DAY = dt.date(2026, 3, 1)


def strata(rows) -> Strata:
    """Contacts, answers, and both of those left alone, a row a stratum."""
    return Strata(*np.array(rows, dtype=float).reshape(-1, 4).T)


def overall(rows) -> Shrunk | None:
    return answers_added(strata(rows), Repeats())


def together(rows) -> Sides:
    return sides(strata(rows), np.zeros(len(rows), dtype=np.int64), 1)


def added(places, *, ordered: bool = True) -> list[Shrunk]:
    """What contacts add at each place, from the rows of its strata."""
    count, rows = len(places), [row for place in places for row in place]
    one = np.ones(count)
    level = Level(
        "group",
        pl.Series(range(count)),
        [(place,) for place in range(count)],
        ordered,
        np.repeat(np.arange(count), [len(place) for place in places]),
        np.arange(count, dtype=float) if ordered else 0 * one,
        *(one,) * 5,
    )
    lines = level.answers_added(strata(rows))[1]
    ends = (lines.rate.tolist(), lines.low.tolist(), lines.high.tolist())
    return [Shrunk(*row) for row in zip(*ends, strict=True)]


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
    rows = [(900, 180, 100, 15), (200, 6, 800, 16)]
    weights = [900 * 100 / 1000, 200 * 800 / 1000]
    expected = (weights[0] * 0.05 + weights[1] * 0.01) / sum(weights)
    assert overall(rows).rate == pytest.approx(expected)
    assert together(rows).difference == pytest.approx(expected)


def test_one_campaign_has_the_score_interval():
    """An end is where the difference lies 1.96 deviations away, were that end true."""
    for n, x, m, y in ((500, 40, 250, 10), (30, 0, 20, 0), (7, 7, 9, 9), (90, 3, 10, 0)):
        found = overall([(n, x, m, y)])
        pooled, size = (x + y + 1) / (n + m + 2), (n + m) / (n + m - 1)

        def distance(end, *, n=n, m=m, pooled=pooled, size=size, seen=x / n - y / m):
            p, q = pooled + end * m / (n + m), pooled - end * n / (n + m)
            if q < 0:
                p, q = max(p, end), 0.0
            if p < 0:
                p, q = 0.0, max(q, -end)
            p, q = min(p, 1.0), min(q, 1.0)
            base = size * pooled * (1 - pooled)
            both = (
                base + (p - pooled) - (p**2 - pooled**2),
                base + (q - pooled) - (q**2 - pooled**2),
            )
            deviation = math.sqrt(max(both[0], 0) / n + max(both[1], 0) / m)
            return abs(end - seen) - stats.norm.ppf(0.975) * deviation

        for end in (found.low, found.high):
            assert abs(end) == 1 or distance(end) == pytest.approx(0, abs=1e-9)
        assert found.low < x / n - y / m < found.high or x / n == y / m
        assert found.high > found.low


RATES = [(0.02, 0.02), (0.05, 0.02), (0.01, 0.03)]


@pytest.mark.parametrize("rates", RATES)
@pytest.mark.parametrize("sizes", [(900, 100), (150, 150)])
def test_the_interval_of_few_answers_holds_the_truth_as_often_as_it_says(rates, sizes):
    """All that can happen, and how often it does: no simulation."""
    (p, q), (n, m) = rates, sizes
    share = 0.0
    answers = [
        range(int(stats.binom.ppf(1e-4, *law)), int(stats.binom.ppf(1 - 1e-4, *law)) + 1)
        for law in ((n, p), (m, q))
    ]
    for x in answers[0]:
        for y in answers[1]:
            found = overall([(n, x, m, y)])
            if found.low <= p - q <= found.high:
                share += stats.binom.pmf(x, n, p) * stats.binom.pmf(y, m, q)
    assert 0.925 <= share <= 0.985


def test_the_interval_of_money_is_that_of_the_means_where_sales_are_many():
    rng = np.random.default_rng(2)
    treated, held = rng.gamma(2.0, 10.0, 40_000) + 1, rng.gamma(2.0, 10.0, 40_000)
    money = strata([(40_000, treated.sum(), 40_000, held.sum())])
    squares = np.array([(treated**2).sum() + (held**2).sum()])
    found = money_added(money, squares, Repeats())
    half = stats.norm.ppf(0.975) * math.sqrt((treated.var() + held.var()) / 40_000)
    assert found.rate == pytest.approx(treated.mean() - held.mean())
    assert found.low == pytest.approx(found.rate - half, rel=0.02)
    assert found.high == pytest.approx(found.rate + half, rel=0.02)


@pytest.mark.parametrize("size", [4, 40, 400])
@pytest.mark.parametrize("effect", [0.0, 0.03])
def test_the_interval_over_campaigns_holds_the_truth_as_often_as_it_says(size, effect):
    """For many small campaigns as for few large ones."""
    rng = np.random.default_rng(5)
    campaigns = 1600 // size
    bases = rng.uniform(0.005, 0.2, size=campaigns)
    held = 0
    for _ in range(1000):
        n = rng.integers(size // 2, size + size // 2 + 1, size=(2, campaigns))
        treated = rng.binomial(n[0], bases + effect)
        control = rng.binomial(n[1], bases)
        rows = zip(n[0].tolist(), treated.tolist(), n[1].tolist(), control.tolist(), strict=True)
        found = overall(list(rows))
        held += found.low <= effect <= found.high
    assert 0.93 <= held / 1000 <= 0.985


# By place


def drawn(rng, bases, effects, treated: int, held: int) -> list[list[tuple]]:
    """Groups of one campaign, each with its own base rate and its own effect."""
    x = rng.binomial(treated, np.asarray(bases) + effects).tolist()
    y = rng.binomial(held, bases).tolist()
    return [[(treated, x[i], held, y[i])] for i in range(len(x))]


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
        found = added(drawn(rng, bases, effects, treated, held))
        inside += sum(f.low <= t <= f.high for f, t in zip(found, truth, strict=True))
    assert inside / (runs * len(bases)) >= 0.93


@pytest.mark.parametrize("rate", [0.002, 0.01])
def test_places_of_two_campaigns_lie_in_their_intervals_too(rate):
    """The control groups a fifth of the others, at most."""
    rng = np.random.default_rng(6)
    inside = 0
    for _ in range(200):
        places = []
        for _ in range(5):
            x, y = rng.binomial((400, 200), rate + 0.01), rng.binomial((80, 60), rate)
            counts = zip((400, 200), x.tolist(), (80, 60), y.tolist(), strict=True)
            places.append(list(counts))
        inside += sum(f.low <= 0.01 <= f.high for f in added(places))
    assert inside / 1000 >= 0.93


def test_nothing_is_promised_where_contacts_add_nothing_and_groups_differ():
    """Steep base rates, a control group of a tenth: noise is not taken for groups that pay."""
    rng = np.random.default_rng(5)
    found, plain, promised, of_plain = [], [], [], []
    for _ in range(200):
        places = drawn(rng, STEEP, 0.0, 360, 40)
        found.append([f.rate for f in added(places)])
        plain.append([x / n - y / m for [(n, x, m, y)] in places])
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
    for treated, held, off in ((20_000, 5_000, 0.15), (200_000, 50_000, 0.08)):
        runs = [
            [f.rate for f in added(drawn(rng, STEEP[:5], 0.3 * STEEP[:5], treated, held))]
            for _ in range(20)
        ]
        assert np.mean(runs, axis=0) == pytest.approx(0.3 * STEEP[:5], rel=off)
    alike = [f.rate for _ in range(60) for f in added(drawn(rng, [0.02] * 5, 0.03, 400, 100))]
    assert np.mean(alike) == pytest.approx(0.03, abs=0.003)
    one = added(drawn(rng, [0.05] * 11, [0.1] + [0] * 10, 20_000, 5_000))
    assert one[0].low > 0.07
    assert max(f.rate for f in one[1:]) < 0.02


counts = st.tuples(st.integers(1, 500), st.floats(0, 1), st.integers(0, 300), st.floats(0, 1))


@given(st.lists(counts, min_size=1, max_size=8), st.booleans())
def test_differences_are_those_of_the_mixture_over_lines(places, ordered):
    """The definition in NumPy, with matrices instead of sums."""
    rows = [(n, round(n * p), m, round(m * q)) for n, p, m, q in places]
    known = [i for i, (_, _, m, _) in enumerate(rows) if m]
    if not known:
        return
    found = added([[row] for row in rows], ordered=ordered)
    both = [
        Cell((i,), n + m, x + y) if m else Cell((i,), 0, 0) for i, (n, x, m, y) in enumerate(rows)
    ]
    rates = np.array([f.rate for f in shrink(both, ordered=ordered)[0]])
    scale = np.sqrt(rates * (1 - rates))
    v = np.array([1 / rows[i][0] + 1 / rows[i][2] for i in known])
    z = np.array([rows[i][1] / rows[i][0] - rows[i][3] / rows[i][2] for i in known]) / scale[known]
    typical = stats.hmean(v)
    score = np.arange(len(rows), dtype=float)
    middle = np.average(score[known], weights=1 / v)
    spread = math.sqrt(np.average((score[known] - middle) ** 2, weights=1 / v))
    slopes = [(0.0, 1.0)]
    if ordered and spread > 0:
        score = (score - middle) / spread
        slopes = [(0, 1 / 2), *((k * typical / len(v), 1 / 8) for k in (10, 30, 100, 300))]
    logs, means, variances = [], [], []
    for b in special.expit(np.linspace(-12, 12, 49)):
        for slope, prior in slopes:
            own = typical * (1 - b) / b
            apart = own * np.eye(len(rows)) + slope * np.outer(score, score)
            inverse = np.linalg.inv(np.diag(v) + apart[np.ix_(known, known)])
            ones = np.ones(len(v))
            doubt = 1 / (ones @ inverse @ ones)
            mean = doubt * (ones @ inverse @ z)
            law = stats.multivariate_normal(np.full(len(v), mean), np.linalg.inv(inverse))
            logs.append(law.logpdf(z) + math.log(doubt) / 2 + math.log(b**2 * (1 - b) * prior))
            drawn_to = apart[:, known] @ inverse
            means.append(mean + drawn_to @ (z - mean))
            rest = apart.diagonal() - (drawn_to * apart[:, known]).sum(axis=1)
            variances.append(rest + (1 - drawn_to.sum(axis=1)) ** 2 * doubt)
    weights = special.softmax(logs)
    middle = weights @ np.array(means)
    variance = weights @ np.array(variances) + weights @ (np.array(means) - middle) ** 2
    expected = np.clip(middle * scale, -1, 1)
    half = stats.norm.ppf(0.975) * np.sqrt(variance) * scale
    close = {"rel": 1e-6, "abs": 1e-7}
    assert [f.rate for f in found] == pytest.approx(expected, **close)
    assert [f.low for f in found] == pytest.approx(np.maximum(middle * scale - half, -1), **close)
    assert [f.high for f in found] == pytest.approx(np.minimum(middle * scale + half, 1), **close)
    assert all(-1 <= f.low <= f.rate <= f.high <= 1 and f.low < f.high for f in found)


def test_a_clear_slope_is_followed_and_one_of_luck_is_not():
    score = np.arange(10.0)
    steep = shrink_to_line(0.004 * score, np.full(10, 0.0022), np.full(10, 0.2), score)
    assert steep.rate == pytest.approx(0.004 * score, abs=0.0012)
    luck = 0.002 * np.array([1, -1, 1, -1, 1, 1, -1, 1, -1, 1.0])
    flat = shrink_to_line(luck, np.full(10, 0.0022), np.full(10, 0.2), score)
    assert np.ptp(flat.rate) < 0.0015


def test_one_campaign_is_as_good_as_its_own_contacts():
    found = together([(500, 40, 250, 10)])
    assert found.size == pytest.approx(500)
    assert found.mean == pytest.approx(0.08)
    assert found.control_size == pytest.approx(250)
    assert found.control_mean == pytest.approx(0.04)


def test_without_both_sides_there_is_no_difference():
    nothing = together([(500, 40, 0, 0), (0, 0, 10, 1)])
    assert np.isnan(nothing.difference).all()
    assert not nothing.known.any()
    assert overall([(500, 40, 0, 0)]) is None


def test_a_place_without_a_control_group_is_compared_with_nobody():
    """Two groups of one campaign, of which one has no control: pooled, 40 % would seem added."""
    first = campaign("a", 500, treated=0.4, held=None)
    second = campaign("a", 500, treated=0.02, held=0.02).with_columns(pl.col("client_id") + 1000)
    scores = pl.concat([first, second]).select(
        "client_id", group=1 + (pl.col("client_id") >= 1000).cast(pl.Int64)
    )
    report = grc.response(scores, pl.concat([first, second]))
    assert report.incremental == 0
    assert (report.uncompared, report.without_control) == (500, 0)
    assert "in places of a campaign where nobody was left alone: 500" in str(report)


def test_two_arms_have_one_control_group():
    """Arms of 10,000, fed as two campaigns with one control group of 5,000."""
    parts = []
    for name, clients in (("a", range(10_000)), ("b", range(10_000, 20_000))):
        mine = [*clients, *range(20_000, 25_000)]
        parts.append(
            pl.DataFrame({"client_id": mine, "control": [i >= 20_000 for i in mine]}).with_columns(
                campaign=pl.lit(name),
                contacted_on=pl.lit(DAY),
                responded=pl.col("client_id") % 50 == 0,
            )
        )
    report = grc.response(everybody(*parts), pl.concat(parts))
    right = math.sqrt(0.02 * 0.98 * (1 / 20_000 + 1 / 5_000))
    twice = math.sqrt(0.02 * 0.98 * (1 / 20_000 + 1 / 10_000))
    deviation = (report.incremental_high - report.incremental_low) / (2 * stats.norm.ppf(0.975))
    assert report.incremental == pytest.approx(0, abs=1e-12)
    assert deviation == pytest.approx(right, rel=0.02)
    assert deviation > 1.2 * twice
    assert (report.control_contacts, report.control_clients) == (10_000, 5_000)
    assert "against 10,000 control contacts with 5,000 clients" in str(report)
    # At the one place of the table the interval is as wide.
    row = report.groups.row(0, named=True)
    assert row["incremental_high"] - row["incremental_low"] == pytest.approx(
        2 * stats.norm.ppf(0.975) * right, rel=0.02
    )


def test_a_client_of_many_campaigns_counts_once():
    """The same answers fed as six campaigns say no more than as one."""
    once = pl.concat([campaign("a", 800, treated=0.1, held=0.05)])
    several = pl.concat([once.with_columns(campaign=pl.lit(name)) for name in "abcdef"])
    alone, repeated = (grc.response(everybody(once), part) for part in (once, several))
    for name in ("incremental", "incremental_low", "incremental_high"):
        assert getattr(repeated, name) == pytest.approx(getattr(alone, name), abs=0.003)
    assert (repeated.contacts, repeated.clients) == (4800, 800)
    one, six = (report.groups.row(0, named=True) for report in (alone, repeated))
    for name in ("low", "high", "incremental_low", "incremental_high"):
        assert six[name] == pytest.approx(one[name], abs=0.003)
    assert six["clients"] == 800


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
