"""BG/NBD, MBG/NBD and Gamma-Gamma: the published figures, independent oracles, and recovery."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

import grc_fast as grc

AS_OF = "2026-11-01"


def cdnow_file() -> Path:
    """The public CDNOW sample, as the package `lifetimes` ships it; it is read, not imported."""
    package = find_spec("lifetimes")
    for directory in (package and package.submodule_search_locations) or ():
        path = Path(directory, "datasets", "CDNOW_sample.txt")
        if path.is_file():
            return path
    pytest.skip("CDNOW_sample.txt is not here: pip install --no-deps lifetimes==0.11.3")


@pytest.fixture(scope="module")
def cdnow() -> grc.Facts:
    rows = [line.split() for line in cdnow_file().read_text().splitlines()]
    sales = pl.DataFrame(
        {
            "client_id": [int(row[1]) for row in rows],
            "date": [dt.datetime.strptime(row[2], "%Y%m%d").date() for row in rows],  # noqa: DTZ007
            "amount": [float(row[4]) for row in rows],
        }
    )
    names = ["first_purchase", "last_purchase", "active_days", "total", "first_day_total"]
    return grc.facts(sales, as_of="1997-09-30", facts=names)


def facts_of(clients: list[tuple[int, int, int]]) -> pl.DataFrame:
    """Facts of clients given by x, t_x and T in days."""
    day = dt.date.fromisoformat(AS_OF)
    return pl.DataFrame(
        {
            "client_id": list(range(len(clients))),
            "first_purchase": [day - dt.timedelta(days=t) for _, _, t in clients],
            "last_purchase": [day - dt.timedelta(days=t - last) for _, last, t in clients],
            "active_days": [x + 1 for x, _, _ in clients],
        },
        schema_overrides={
            "first_purchase": pl.Date,
            "last_purchase": pl.Date,
            "active_days": pl.UInt32,
        },
    )


# The published figures


def test_bgnbd_on_cdnow_is_what_was_published(cdnow):
    """Fader, Hardie and Lee (2005), table 2 and section 4."""
    model = grc.BGNBD().fit(cdnow)
    found = [round(value, 4) for value in model.parameters.values()]
    assert found == pytest.approx([0.2426, 4.4136, 0.7929, 2.4259], abs=1.01e-4)
    assert model.log_likelihood == pytest.approx(-9582.43, abs=0.01)
    assert model.clients == 2357
    # Client 1: x = 2, t_x = 30.43, T = 38.86.
    assert model.predict("39w")["purchases_39w"][0] == pytest.approx(1.226, abs=5e-4)


def test_mbgnbd_on_cdnow_is_what_was_published(cdnow):
    """The figures that come with the R package BTYDplus."""
    model = grc.MBGNBD().fit(cdnow)
    found = [round(value, 3) for value in model.parameters.values()]
    assert found == pytest.approx([0.525, 6.183, 0.891, 1.614], abs=1.01e-3)


def test_gamma_gamma_on_cdnow_is_what_was_published(cdnow):
    """Fader and Hardie (2013), and the conditional spends of their first ten clients."""
    model = grc.GammaGamma().fit(cdnow)
    assert model.clients == 946
    found = [round(value, 2) for value in model.parameters.values()]
    assert found == pytest.approx([6.25, 3.74, 15.44], abs=0.0101)
    published = [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]
    spends = model.expected_spend()["basket"].head(10).to_list()
    assert spends == pytest.approx(published, abs=0.0051)
    assert model.correlation == pytest.approx(0.11, abs=0.005)


def test_no_search_of_scipy_finds_a_better_fit(cdnow):
    """The likelihood of the paper, written again, from a grid of starts."""
    from scipy.optimize import minimize

    frame = cdnow.frame
    x = frame["active_days"].to_numpy().astype(float) - 1
    first = frame["first_purchase"].to_physical().to_numpy() / 7
    last = frame["last_purchase"].to_physical().to_numpy() / 7 - first
    end = (dt.date(1997, 9, 30) - dt.date(1970, 1, 1)).days / 7 - first

    def negative(logs):
        r, alpha, a, b = np.exp(logs)
        whole = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha)
        stayed = special.betaln(a, b + x + 1) - (r + x) * np.log(alpha + end)
        left = special.betaln(a + 1, b + x) - (r + x) * np.log(alpha + last)
        return -np.sum(whole - special.betaln(a, b) + np.logaddexp(stayed, left))

    model = grc.MBGNBD().fit(cdnow)
    best = min(
        minimize(negative, start, method="L-BFGS-B").fun
        for start in ([0, 0, 0, 0], [-1, 2, 0, 1], [1, 1, -2, 1])
    )
    assert -negative(np.log(list(model.parameters.values()))) == pytest.approx(
        model.log_likelihood, abs=1e-7
    )
    assert -best <= model.log_likelihood + 1e-6


# Expectations, against integrals over the rates and chances themselves


@pytest.mark.parametrize("name", ["bgnbd", "mbgnbd"])
@pytest.mark.parametrize("a", [0.4, 1.0, 2.3])
@pytest.mark.parametrize("client", [(0, 0, 40), (1, 30, 45), (6, 180, 400)])
def test_predictions_are_bayes_rule_integrated_numerically(name, a, client):
    x, last, end = client
    r, alpha, b, horizon = 0.6, 5.0, 1.7, 26.0
    t, t_end = last / 7, end / 7

    # Gauss-Jacobi nodes for the prior of p, and Gauss-Laguerre nodes for the prior of rates.
    nodes, weights = special.roots_jacobi(80, b - 1, a - 1)
    p, prior_p = (nodes[:, None] + 1) / 2, weights[:, None]

    def mean(until, what):
        """Of what happens to clients who bought x times until some instant."""
        rates, prior_rate = special.roots_genlaguerre(60, r + x - 1)
        rate = rates[None, :] / (alpha + until)
        return np.sum(prior_p * prior_rate * what(p, rate)) / (alpha + until) ** (r + x)

    chances = x if name == "bgnbd" else x + 1
    alive = mean(t_end, lambda p, rate: (1 - p) ** chances)
    gone = mean(t, lambda p, rate: p * (1 - p) ** (chances - 1)) if chances else 0.0
    bought = mean(t_end, lambda p, rate: (1 - p) ** chances * -np.expm1(-rate * p * horizon) / p)

    model = grc.PurchaseModel(name, r, alpha, a, b)
    facts = facts_of([client])
    assert model.p_alive(facts, as_of=AS_OF)["p_alive"][0] == pytest.approx(
        alive / (alive + gone), rel=1e-9
    )
    assert model.predict("26w", facts, as_of=AS_OF)["purchases_26w"][0] == pytest.approx(
        bought / (alive + gone), rel=1e-6
    )


def test_a_equal_to_one_is_no_singularity():
    facts = facts_of([(3, 80, 120), (0, 0, 200)])
    values = [
        grc.PurchaseModel("mbgnbd", 0.5, 6.0, a, 1.6)
        .predict("1y", facts, as_of=AS_OF)["purchases_1y"]
        .to_list()
        for a in (1 - 1e-9, 1.0, 1 + 1e-9)
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-7)
    assert values[2] == pytest.approx(values[1], rel=1e-7)


def test_bgnbd_keeps_one_time_buyers_for_ever_and_mbgnbd_does_not():
    facts = facts_of([(0, 0, 30), (0, 0, 700)])
    bgnbd = grc.PurchaseModel("bgnbd", 0.5, 6.0, 0.9, 1.6).p_alive(facts, as_of=AS_OF)
    mbgnbd = grc.PurchaseModel("mbgnbd", 0.5, 6.0, 0.9, 1.6).p_alive(facts, as_of=AS_OF)
    assert bgnbd["p_alive"].to_list() == [1.0, 1.0]
    assert 0 < mbgnbd["p_alive"][1] < mbgnbd["p_alive"][0] < 1


parameters = st.floats(0.05, 20)


@given(
    st.sampled_from(["bgnbd", "mbgnbd"]),
    st.tuples(parameters, parameters, parameters, parameters),
    st.lists(
        st.tuples(st.integers(0, 400), st.integers(1, 900), st.integers(0, 900)),
        min_size=1,
        max_size=20,
    ),
)
def test_probabilities_and_horizons_keep_their_bounds(name, values, drawn):
    clients = [(x, 0 if x == 0 else last, last + more) for x, last, more in drawn]
    model = grc.PurchaseModel(name, *values)
    facts = facts_of(clients)
    alive = model.p_alive(facts, as_of=AS_OF)["p_alive"]
    assert alive.is_between(0, 1).all()
    counts = [
        model.predict(h, facts, as_of=AS_OF)[f"purchases_{h}"] for h in ("1d", "3mo", "12mo", "20y")
    ]
    assert (counts[0] >= 0).all()
    for short, long in itertools.pairwise(counts):
        assert (long >= short * (1 - 1e-12)).all()


# Where nobody leaves


def test_sales_that_show_nobody_leaving_are_fitted_in_that_limit():
    """Purchases at constant rates, the last one today: a negative binomial, by its own law."""
    rng = np.random.default_rng(6)
    end = rng.integers(100, 700, size=4000)
    counts = rng.poisson(rng.gamma(2.0, 1 / 80, size=4000) * end)
    numbers = [(int(x), int(t)) for x, t in zip(counts, end, strict=True)]
    facts = facts_of([(x, t if x else 0, t) for x, t in numbers])
    for specification in (grc.MBGNBD(time_scaler=1), grc.BGNBD(time_scaler=1)):
        model = specification.fit(facts, as_of=AS_OF)
        assert model.standard_errors.keys() == {"r", "alpha"}
        assert "nobody leaving" in model.warnings[0]
        assert model.p_alive()["p_alive"].min() > 0.999
        chance = model.alpha / (model.alpha + end)
        binomial = stats.nbinom.logpmf(counts, model.r, chance)
        densities = special.gammaln(counts + 1) - counts * np.log(end)
        assert model.log_likelihood == pytest.approx(np.sum(binomial + densities), abs=0.01)
        assert abs(model.r - 2.0) < 3 * model.standard_errors["r"]
        # A year more at the rate that each client is known for.
        expected = (model.r + counts) / (model.alpha + end) * 365
        found = model.predict("365d")["purchases_365d"].to_list()
        assert found == pytest.approx(expected.tolist(), rel=1e-3)


# Other limits


# Draws of which the likelihood is highest in some limits; about half of all draws are.
@pytest.mark.parametrize(
    ("model", "one_rate", "seed", "limits"),
    [
        ("mbgnbd", False, 2, ("common_dropout",)),
        ("mbgnbd", True, 1, ("one_rate", "common_dropout")),
        ("bgnbd", False, 1, ("common_dropout",)),
        ("bgnbd", True, 4, ("one_rate", "common_dropout")),
    ],
)
def test_a_common_chance_to_leave_is_fitted_in_that_limit(model, one_rate, seed, limits, tmp_path):
    """Against the likelihood and the expectation of the limit, written out."""
    drawn = simulated_in_a_limit(model, one_rate=one_rate, chance=0.2, clients=600, seed=seed)
    facts = facts_of(drawn)
    specification = {"mbgnbd": grc.MBGNBD, "bgnbd": grc.BGNBD}[model](time_scaler=1)
    found = specification.fit(facts, as_of=AS_OF)
    assert found.limits == limits
    assert len(found.warnings) >= len(limits)
    chance = found.a / (found.a + found.b)
    x, last, end = (np.array(column, dtype=float) for column in zip(*drawn, strict=True))

    # Of the process, with and without having left after the last purchase.
    def process(until):
        if "one_rate" in found.limits:
            rate = found.r / found.alpha
            return x * np.log(rate) - rate * until
        shape = special.gammaln(found.r + x) - special.gammaln(found.r)
        return shape + found.r * np.log(found.alpha) - (found.r + x) * np.log(found.alpha + until)

    chances = x + 1 if model == "mbgnbd" else x
    stayed = chances * np.log1p(-chance) + process(end)
    left = np.log(chance) + (chances - 1) * np.log1p(-chance) + process(last)
    whole = np.where(chances > 0, np.logaddexp(stayed, left), stayed)
    assert found.log_likelihood == pytest.approx(whole.sum(), rel=1e-7)

    alive = np.where(chances > 0, np.exp(stayed - whole), 1.0)
    assert found.p_alive()["p_alive"].to_numpy() == pytest.approx(alive, rel=1e-5, abs=1e-9)
    year = 365.0
    if "one_rate" in found.limits:
        stays = np.exp(-found.r / found.alpha * chance * year)
    else:
        age = found.alpha + end
        stays = (age / (age + chance * year)) ** (found.r + x)
    expected = alive * (1 - stays) / chance
    predicted = found.predict("365d")["purchases_365d"].to_numpy()
    assert predicted == pytest.approx(expected, rel=1e-5, abs=1e-9)

    found.save(tmp_path / "model.json")
    assert grc.PurchaseModel.load(tmp_path / "model.json") == found


def simulated_in_a_limit(model, *, one_rate, chance, clients, seed):
    """Draw histories of clients who all leave with one chance, in days."""
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(clients):
        rate = 1 / 40 if one_rate else rng.gamma(1.5, 1 / 60)
        end = int(rng.integers(200, 700))
        alive = model == "bgnbd" or rng.random() > chance
        days, now = set(), 0.0
        while alive:
            now += rng.exponential(1 / rate)
            if now >= end:
                break
            days.add(int(now) + 1)
            alive = rng.random() > chance
        drawn.append((len(days), max(days, default=0), end))
    return drawn


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("specification", [grc.MBGNBD(), grc.BGNBD()])
def test_clients_without_differences_are_never_refused(seed, specification):
    drawn = simulated_in_a_limit(
        specification.name, one_rate=True, chance=0.2, clients=200, seed=seed
    )
    model = specification.fit(facts_of(drawn), as_of=AS_OF)
    assert model.predict("1y")["purchases_1y"].is_between(0, 100).all()


# Recovery


@pytest.mark.parametrize("name", ["bgnbd", "mbgnbd"])
def test_parameters_are_recovered_within_three_standard_errors(name):
    truth = {"r": 0.6, "alpha": 9.0, "a": 0.8, "b": 3.0, "p": 5.0, "q": 4.0, "v": 20.0}
    clients = grc.simulate_clients(100_000, as_of=AS_OF, model=name, parameters=truth, seed=3)
    bought = {"bgnbd": grc.BGNBD, "mbgnbd": grc.MBGNBD}[name]().fit(clients, as_of=AS_OF)
    spent = grc.GammaGamma().fit(clients, as_of=AS_OF)
    for model in (bought, spent):
        for parameter, error in model.standard_errors.items():
            found = model.parameters[parameter]
            assert abs(found - truth[parameter]) < 3 * error, parameter


@pytest.mark.parametrize("process", ["bgnbd", "mbgnbd"])
def test_intervals_cover_the_truth_as_often_as_they_say(process):
    """95 % intervals of 200 simulations; on the logarithm, as the parameters are positive."""
    truth = {"r": 0.9, "alpha": 6.0, "a": 0.8, "b": 2.5, "p": 5.0, "q": 4.0, "v": 20.0}
    specification = {"bgnbd": grc.BGNBD, "mbgnbd": grc.MBGNBD}[process]
    covered = dict.fromkeys(truth, 0)
    for seed in range(200):
        clients = grc.simulate_clients(
            2_000, as_of=AS_OF, model=process, parameters=truth, days=(200, 700), seed=seed
        )
        for model in (
            specification().fit(clients, as_of=AS_OF),
            grc.GammaGamma().fit(clients, as_of=AS_OF),
        ):
            for name, error in model.standard_errors.items():
                found = model.parameters[name]
                covered[name] += abs(math.log(found / truth[name])) < 1.96 * error / found
    assert all(180 <= count <= 198 for count in covered.values()), covered


def test_what_is_expected_of_simulated_clients_comes_true():
    clients = grc.simulate_clients(100_000, as_of=AS_OF, horizon=365, seed=5)
    value = grc.ValueModel(
        grc.MBGNBD().fit(clients, as_of=AS_OF), grc.GammaGamma().fit(clients, as_of=AS_OF)
    )
    bought = value.purchases.predict("365d")["purchases_365d"]
    spent = bought * value.spend.expected_spend()["basket"]
    assert bought.sum() == pytest.approx(clients["future_purchases"].sum(), rel=0.02)
    assert spent.sum() == pytest.approx(clients["future_money"].sum(), rel=0.02)
    # Of every tenth by what was expected, too.
    table = clients.select("future_purchases", expected=bought).sort("expected")
    for part in table.iter_slices(10_000):
        assert part["expected"].sum() == pytest.approx(part["future_purchases"].sum(), rel=0.12)


# Reproducibility


@given(st.integers(0, 2**32 - 1))
def test_order_and_threads_do_not_change_a_bit(seed):
    clients = grc.simulate_clients(3_000, as_of=AS_OF, seed=9)
    shuffled = clients.sample(fraction=1, shuffle=True, seed=seed)
    one = grc.MBGNBD().fit(clients, as_of=AS_OF, threads=1)
    other = grc.MBGNBD().fit(shuffled, as_of=AS_OF, threads=3)
    assert one.parameters == other.parameters
    assert one.standard_errors == other.standard_errors
    spends = [grc.GammaGamma().fit(frame, as_of=AS_OF) for frame in (clients, shuffled)]
    assert spends[0].parameters == spends[1].parameters
    assert spends[0].correlation == spends[1].correlation
    assert one.predict("1y").equals(other.predict("1y").sort("client_id"))


def test_a_seed_has_one_outcome_on_any_number_of_threads():
    made = [grc.simulate_clients(5_000, as_of=AS_OF, seed=4, threads=n) for n in (1, 2, 5)]
    assert made[0].equals(made[1])
    assert made[0].equals(made[2])
    assert not made[0].equals(grc.simulate_clients(5_000, as_of=AS_OF, seed=5))


def test_the_unit_of_time_does_not_change_predictions():
    clients = grc.simulate_clients(3_000, as_of=AS_OF, seed=9)
    weeks = grc.MBGNBD().fit(clients, as_of=AS_OF)
    days = grc.MBGNBD(time_scaler=1).fit(clients, as_of=AS_OF)
    assert days.alpha == pytest.approx(7 * weeks.alpha, rel=1e-4)
    assert days.predict("1y")["purchases_1y"].to_numpy() == pytest.approx(
        weeks.predict("1y")["purchases_1y"].to_numpy(), rel=1e-4
    )


# What cannot be fitted


@pytest.mark.parametrize(
    ("clients", "why"),
    [
        ([], "there are no clients who bought"),
        ([(0, 0, day) for day in range(80)], "bought on one day only"),
    ],
)
def test_data_that_tell_nothing_are_refused_with_the_reason(clients, why):
    for model in (grc.BGNBD(), grc.MBGNBD()):
        with pytest.raises(grc.DataError, match=why):
            model.fit(facts_of(clients), as_of=AS_OF)


def test_clients_who_all_buy_alike_have_one_rate():
    # Each buys every week, without a difference in rate that a likelihood could see.
    clients = [(weeks, 7 * weeks, 7 * weeks + 1) for weeks in range(1, 100)]
    model = grc.BGNBD().fit(facts_of(clients), as_of=AS_OF)
    assert set(model.limits) == {"one_rate", "no_dropout"}
    assert model.r / model.alpha == pytest.approx(1.0, rel=0.01)


def spends(means: list[float], repeats: int = 2) -> pl.DataFrame:
    base = facts_of([(repeats, 9, 20)] * len(means))
    return base.with_columns(
        total=pl.Series([10 + repeats * mean for mean in means]),
        first_day_total=pl.Series([10.0] * len(means)),
    )


@pytest.mark.parametrize(
    ("means", "why"),
    [
        ([0.0] * 60, "no client has purchases to learn from"),
    ],
)
def test_spends_that_tell_nothing_are_refused_with_the_reason(means, why):
    with pytest.raises(grc.DataError, match=why):
        grc.GammaGamma().fit(spends(means), as_of=AS_OF)


@pytest.mark.parametrize("means", [[5.0] * 60, [10.1, 10.2] * 30])
def test_spends_that_hardly_differ_are_one_price(means, tmp_path):
    facts = spends(means)
    model = grc.GammaGamma().fit(facts, as_of=AS_OF)
    price = np.mean(means)

    assert model.one_price
    assert f"there is one price: a purchase of each client costs {price:.2f}" in model.warnings[0]
    assert (model.log_likelihood, model.standard_errors) == (None, {})
    assert model.expected_spend()["basket"].to_list() == pytest.approx([price] * 60, rel=1e-7)
    model.save(tmp_path / "model.json")
    assert grc.SpendModel.load(tmp_path / "model.json") == model


def test_spends_without_a_mean_are_refused():
    # The model's own draws, with q = 0.7.
    rng = np.random.default_rng(1)
    drawn = rng.gamma(4 * 2, size=4000) / (2 * rng.gamma(0.7, 1 / 10, size=4000))
    with pytest.raises(grc.DataError, match="mean spend is infinite"):
        grc.GammaGamma().fit(spends([float(value) for value in drawn]), as_of=AS_OF)
