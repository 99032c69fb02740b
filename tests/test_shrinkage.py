"""Shrinkage against its definition in SciPy, and its intervals against the truth."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

import grc_fast as grc
from grc_fast import _core
from grc_fast.campaigns.empirical_bayes import Cell, shrink, shrunk_rates

cells = st.lists(
    st.tuples(st.integers(1, 400), st.floats(0, 1)).map(lambda p: (p[0], round(p[0] * p[1]))),
    min_size=2,
    max_size=9,
)


@given(cells, st.booleans())
def test_shrunk_rates_are_those_of_the_mixture_over_priors(counts, ordered):
    found, strength = shrink(
        [Cell((place,), *pair) for place, pair in enumerate(counts)], ordered=ordered
    )
    n, s = np.array(counts).T
    place = np.arange(len(n))
    near = np.abs(place[:, None] - place[None, :])
    near = (near == 1) if ordered else (near > 0)
    known = near @ n + 10
    mean = (near @ s + 10 * (s.sum() + 0.5) / (n.sum() + 1)) / known
    uneven = near @ n**2 / known**2
    kappa = np.exp(np.linspace(math.log(0.5), math.log(1e6), 41))[:, None]
    k = 1 / ((1 + uneven) / kappa + 1 / known)
    yes, no = k * mean, k * (1 - mean)
    a, b = yes + s, no + n - s
    logs = (special.betaln(a, b) - special.betaln(yes, no)).sum(axis=1) - np.log(kappa[:, 0])
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    rate = weights @ (a / (a + b))
    # The interval's mixture has half an answer at least, and its variance is the total one.
    each = stats.beta(np.maximum(yes, 0.5) + s, np.maximum(no, 0.5) + n - s)
    middle = weights @ each.mean()
    variance = weights @ each.var() + weights @ (each.mean() - middle) ** 2
    size = middle * (1 - middle) / variance - 1
    law = stats.beta(size * middle, size * (1 - middle))
    assert strength == pytest.approx((weights @ (yes + no)).mean())
    places = [Cell((place,), *pair) for place, pair in enumerate(counts)]
    assert shrunk_rates(places, ordered=ordered) == pytest.approx([f.rate for f in found])
    assert [f.rate for f in found] == pytest.approx(rate)
    low, high = np.where(s == 0, 0, law.ppf(0.025)), np.where(s == n, 1, law.ppf(0.975))
    assert [f.low for f in found] == pytest.approx(np.minimum(low, rate), abs=1e-8)
    assert [f.high for f in found] == pytest.approx(np.maximum(high, rate), abs=1e-8)
    assert all(0 <= f.low <= f.rate <= f.high <= 1 and f.low < f.high for f in found)


def test_few_contacts_move_to_their_neighbours_and_many_stay():
    found, _ = shrink(
        [Cell((1,), 5000, 500), Cell((2,), 5, 0), Cell((3,), 5000, 250), Cell((4,), 5000, 100)],
        ordered=True,
    )
    assert found[0].rate == pytest.approx(0.1, abs=0.005)
    assert 0.03 < found[1].rate < 0.08
    assert found[1].high - found[1].low > found[0].high - found[0].low


def test_a_place_without_contacts_has_what_its_neighbours_have():
    found, _ = shrink([Cell((1,), 1000, 100), Cell((2,), 0, 0), Cell((3,), 1000, 80)], ordered=True)
    assert found[1].rate == pytest.approx(0.09, abs=1e-3)
    assert found[1].low < 0.09 < found[1].high


def test_rates_add_up_to_about_the_answers_there_were():
    """A floor under the prior would give small places answers that nobody gave."""
    rng = np.random.default_rng(3)
    n = rng.integers(3, 60, size=125)
    counts = rng.binomial(n, 0.01)
    cube = list(itertools.product(range(5), repeat=3))
    found, _ = shrink(
        [Cell(*row) for row in zip(cube, n.tolist(), counts.tolist(), strict=True)], ordered=True
    )
    expected = sum(f.rate * k for f, k in zip(found, n, strict=True))
    assert expected == pytest.approx(counts.sum(), rel=0.15)


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("contacts", [[1], [100], [100, 100], [5, 200, 3000]])
def test_intervals_do_not_collapse_where_nobody_or_everybody_answered(contacts, ordered):
    for answered in (0, 1):
        found, _ = shrink(
            [Cell((i,), n, answered * n) for i, n in enumerate(contacts)], ordered=ordered
        )
        for rate, n in zip(found, contacts, strict=True):
            # As wide as half the exact interval of all contacts together, at the very least.
            exact = 1 - 0.025 ** (1 / sum(contacts))
            assert rate.high - rate.low > exact / 2, n
            assert (rate.low == 0) if answered == 0 else (rate.high == 1)


GRID = list(itertools.product(range(5), range(5)))
FIVE = [(i,) for i in range(5)]
COVERAGE = [
    *((GRID, [rate] * 25, n, True) for rate in (0.002, 0.005, 0.01, 0.02, 0.05) for n in (50, 300)),
    *((FIVE[:2], [rate] * 2, n, True) for rate in (0.002, 0.005, 0.01, 0.02, 0.05)
      for n in (100, 1000)),
    *((FIVE, [rate] * 5, 200, False) for rate in (0.002, 0.005, 0.01, 0.02, 0.05)),
    (FIVE, [0.03, 0.01, 0.005, 0.003, 0.002], 300, True),
    (FIVE, [0.15, 0.11, 0.08, 0.04, 0.02], 300, True),
    # One place unlike all others: its own interval holds less often, those of all hold.
    *((GRID, [0.02] * 12 + [0.1] + [0.02] * 12, n, True) for n in (100, 1000)),
]  # fmt: skip


@pytest.mark.parametrize(("places", "truth", "n", "ordered"), COVERAGE)
def test_intervals_hold_the_true_rate_as_often_as_they_say(places, truth, n, ordered):
    rng = np.random.default_rng(8)
    held, runs = 0, 1200 // len(places)
    for _ in range(runs):
        counts = rng.binomial(n, truth)
        found, _ = shrink(
            [Cell(place, n, int(s)) for place, s in zip(places, counts, strict=True)],
            ordered=ordered,
        )
        held += sum(f.low <= t <= f.high for f, t in zip(found, truth, strict=True))
    assert held / (runs * len(places)) >= 0.93


@pytest.mark.parametrize(("mean", "size"), [(0.02, 5), (0.02, 50), (0.1, 10), (0.048, 420)])
def test_intervals_hold_rates_that_vary_as_often_as_they_say(mean, size):
    rng = np.random.default_rng(9)
    held = total = 0
    for _ in range(60):
        truth = rng.beta(mean * size, (1 - mean) * size, size=25)
        n = rng.integers(20, 400, size=25)
        counts = rng.binomial(n, truth)
        found, _ = shrink(
            [Cell(*row) for row in zip(GRID, n.tolist(), counts.tolist(), strict=True)],
            ordered=True,
        )
        held += sum(f.low <= t <= f.high for f, t in zip(found, truth, strict=True))
        total += 25
    assert held / total >= 0.93


@given(st.floats(0.05, 1e4), st.floats(0.05, 1e4), st.floats(0.001, 0.999))
def test_beta_quantiles_are_those_of_scipy(a, b, share):
    expected = stats.beta.ppf(share, a, b)
    assert _core.beta_quantile(a, b, share) == pytest.approx(expected, rel=1e-7, abs=1e-12)


def test_beta_quantiles_of_nothing_are_refused():
    for a, b, share in ((0, 1, 0.5), (1, math.nan, 0.5), (1, 1, 1.5)):
        with pytest.raises(grc.OptionError, match="no quantile"):
            _core.beta_quantile(a, b, share)
