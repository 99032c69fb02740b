"""MBG/CNBD-k: which regularity is found, what it predicts, and that k = 1 is MBG/NBD."""

from __future__ import annotations

import datetime as dt
import os

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy import integrate, special, stats

import grc_fast as grc
from grc_fast.cli import main
from grc_fast.value.histories import PURCHASE_FACTS

AS_OF = "2026-11-01"
DAY = dt.date.fromisoformat(AS_OF)
#: Simulations for each k and kind of client; 100 where the whole experiment is run.
SEEDS = int(os.environ.get("GRC_FAST_REGULARITY_SEEDS", "1"))
#: Clients as rare as those of a music shop, and as frequent as those of a grocer: r, alpha, a, b.
KINDS = {
    "rare": (0.525, 6.18, 0.89, 1.6),
    "weekly": (1.4, 1.36, 0.5, 9.0),
    "monthly": (1, 4, 0.5, 4),
}


def simulated_sales(kind: str, k: int, seed: int, clients: int = 5_000) -> pl.DataFrame:
    """Sales of clients by the definition of the model, on the days on which they fall."""
    rng = np.random.default_rng([seed, k])
    r, alpha, a, b = KINDS[kind]
    observed = rng.integers(180, 400, clients)
    rate = k * rng.gamma(r, 1 / alpha, clients) / 7
    leave = rng.beta(a, b, clients)
    time = rng.random(clients)
    here = np.arange(clients)
    rows = []
    while len(here):
        rows.append((here, np.floor(time[here]).astype(int)))
        here = here[rng.random(len(here)) >= leave[here]]
        time[here] += rng.gamma(k, 1, len(here)) / rate[here]
        here = here[time[here] < observed[here]]
    client, day = (np.concatenate(column) for column in zip(*rows, strict=True))
    return pl.DataFrame({"client_id": client, "ago": observed[client] - day}).select(
        "client_id",
        date=pl.lit(DAY) - pl.duration(days=pl.col("ago")),
        amount=pl.lit(10.0),
    )


# Which k


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_the_regularity_of_simulated_clients_is_found(kind, k):
    """Of 5,000 clients each, from sales on whole days: in at least nine of ten simulations."""
    found = []
    for seed in range(SEEDS):
        sales = simulated_sales(kind, k, seed)
        facts = grc.facts(sales, as_of=AS_OF, facts=[*PURCHASE_FACTS, "log_gaps"])
        found.append(grc.MBGNBD(regularity="auto").fit(facts).regularity)
    assert found.count(k) >= 0.9 * len(found), found


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_regularity_is_found_without_the_gaps_too(k):
    facts = grc.facts(simulated_sales("weekly", k, 1), as_of=AS_OF, facts=list(PURCHASE_FACTS))
    model = grc.MBGNBD(regularity="auto").fit(facts)
    assert model.regularity == k
    assert max(model.tried, key=model.tried.__getitem__) == model.title


def test_likelihoods_of_k_are_those_of_all_purchase_days():
    """The published density of purchase times, where days are fine enough to be times."""
    rng = np.random.default_rng(5)
    rows, gaps_of = [], {}
    for client in range(300):
        x = int(rng.integers(0, 5))
        gaps = rng.integers(4000, 9000, x)
        rows.append((client, x, int(gaps.sum()), int(gaps.sum() + rng.integers(0, 9000))))
        gaps_of[client] = gaps
    facts = pl.DataFrame(
        {
            "client_id": [row[0] for row in rows],
            "first_purchase": [DAY - dt.timedelta(days=row[3]) for row in rows],
            "last_purchase": [DAY - dt.timedelta(days=row[3] - row[2]) for row in rows],
            "active_days": [row[1] + 1 for row in rows],
            "log_gaps": [float(np.log(gaps_of[row[0]]).sum()) for row in rows],
        }
    )

    def by_definition(model: grc.PurchaseModel, unit: float) -> float:
        k, r, alpha, a, b = model.regularity, model.r, model.alpha, model.a, model.b
        whole = 0.0
        for client, x, last, end in rows:
            gaps, t, until = gaps_of[client] / unit, last / unit, end / unit
            density = (k - 1) * np.log(gaps).sum() - x * special.gammaln(k)
            s = r + k * x
            moment = lambda shape, time: special.gammaln(shape) - shape * np.log(alpha + time)  # noqa: E731
            left = special.betaln(a + 1, b + x) + moment(s, t)
            open_steps = [
                moment(s + j, until) + special.xlogy(j, until - t) - special.gammaln(j + 1)
                for j in range(k)
            ]
            stayed = special.betaln(a, b + x + 1) + special.logsumexp(open_steps)
            prior = r * np.log(alpha) - special.gammaln(r) - special.betaln(a, b)
            whole += density + prior + np.logaddexp(left, stayed)
        return whole

    for k in (1, 2, 3, 5):
        model = grc.MBGNBD(regularity=k, time_scaler=700).fit(facts, as_of=AS_OF)
        assert model.log_likelihood == pytest.approx(by_definition(model, 700), abs=0.05)


def test_the_unit_of_time_changes_neither_the_choice_nor_the_predictions():
    facts = grc.facts(
        simulated_sales("monthly", 3, 2, 2000), as_of=AS_OF, facts=[*PURCHASE_FACTS, "log_gaps"]
    )
    weeks = grc.MBGNBD(regularity="auto").fit(facts)
    days = grc.MBGNBD(regularity="auto", time_scaler=1).fit(facts)
    assert weeks.regularity == days.regularity == 3
    # The density of t_x is one a unit of time, whatever k.
    apart = [weeks.tried[title] - days.tried[title] for title in weeks.tried]
    assert apart == pytest.approx([apart[0]] * len(apart), abs=1e-4)
    one, other = (model.predict("1y")["purchases_1y"].to_list() for model in (weeks, days))
    assert one == pytest.approx(other, rel=1e-4)


def test_one_step_to_a_purchase_is_mbgnbd_to_the_bit():
    clients = grc.simulate_clients(5_000, as_of=AS_OF, seed=3)
    plain = grc.MBGNBD().fit(clients, as_of=AS_OF)
    auto = grc.MBGNBD(regularity="auto").fit(clients, as_of=AS_OF)
    assert auto.regularity == 1
    assert auto.parameters == plain.parameters
    assert auto.log_likelihood == plain.log_likelihood
    assert auto.predict("1y").equals(plain.predict("1y"))


@pytest.mark.parametrize("k", [2, 3])
def test_order_and_threads_do_not_change_a_bit(k):
    clients = grc.simulate_clients(3_000, as_of=AS_OF, seed=9, regularity=k)
    shuffled = clients.sample(fraction=1, shuffle=True, seed=1)
    one, other = (
        grc.MBGNBD(regularity="auto").fit(frame, as_of=AS_OF, threads=threads)
        for frame, threads in ((clients, 1), (shuffled, 3))
    )
    assert one.tried == other.tried
    assert one.parameters == other.parameters
    assert one.predict("1y").equals(other.predict("1y").sort("client_id"))


# What is predicted


def integrated(k: int, parameters, client, horizon: float) -> tuple[float, float]:
    """P(alive) and purchases of a client by quadrature over the rate and the chance to leave.

    For a given rate the steps of a horizon are Poisson, and j of the next purchase are made with
    the weights of a Poisson number below k.
    """
    r, alpha, a, b = parameters
    x, last, end = client[0], client[1] / 7, client[2] / 7
    nodes, weights = special.roots_jacobi(150, b - 1, a - 1)
    p, prior = (nodes + 1) / 2, weights / weights.sum()
    steps = np.arange(500)
    stays = prior * (1 - p) ** (x + 1)
    # Of n purchases a client makes 1 + q + … + q^(n − 1).
    made_of = stays @ ((1 - (1 - p[:, None]) ** steps[None, :]) / p[:, None])

    def of_rate(rate: float) -> tuple[float, float, float]:
        """The weights of having left and of staying, and the latter times purchases."""
        seen = np.exp(k * x * np.log(rate) - rate * last) * stats.gamma.pdf(
            rate, r, scale=1 / alpha
        )
        open_steps = stats.poisson.pmf(np.arange(k), rate * (end - last))
        made = stats.poisson.pmf(steps, rate * horizon)
        bought = sum(open_steps[j] * (made @ made_of[(j + steps) // k]) for j in range(k))
        left = float(np.sum(prior * p * (1 - p) ** x))
        return seen * left, seen * stays.sum() * open_steps.sum(), seen * bought

    grid, step = np.linspace(-22, np.log(60), 431, retstep=True)
    values = np.array([of_rate(float(np.exp(u))) for u in grid]) * np.exp(grid)[:, None]
    left, stayed, bought = (integrate.trapezoid(column, dx=step) for column in values.T)
    return stayed / (left + stayed), bought / (left + stayed)


@pytest.mark.parametrize("k", [1, 2, 3, 4])
@pytest.mark.parametrize("client", [(0, 0, 40), (2, 60, 95), (9, 250, 262)])
def test_predictions_are_bayes_rule_integrated_numerically(k, client):
    parameters = (1.3, 3.0 / k, 0.7, 1.9)
    model = grc.PurchaseModel("mbgnbd", *parameters, regularity=k)
    x, last, end = client
    facts = pl.DataFrame(
        {
            "client_id": [1],
            "first_purchase": [DAY - dt.timedelta(days=end)],
            "last_purchase": [DAY - dt.timedelta(days=end - last)],
            "active_days": [x + 1],
        }
    )
    alive, bought = integrated(k, parameters, client, 26.0)
    assert model.p_alive(facts, as_of=AS_OF)["p_alive"][0] == pytest.approx(alive, rel=1e-8)
    found = model.predict("182d", facts, as_of=AS_OF)["purchases_182d"][0]
    assert found == pytest.approx(bought, rel=1e-8)


@pytest.mark.parametrize("k", [2, 4])
def test_what_is_expected_of_regular_clients_comes_true(k):
    clients = grc.simulate_clients(
        60_000, as_of=AS_OF, seed=7, regularity=k, parameters={"alpha": 8 / k}
    )
    model = grc.MBGNBD(regularity=k).fit(clients, as_of=AS_OF)
    bought = model.predict("365d")["purchases_365d"]
    assert bought.sum() == pytest.approx(clients["future_purchases"].sum(), rel=0.02)
    table = clients.select("future_purchases", expected=bought).sort("expected")
    for part in table.iter_slices(20_000):
        assert part["expected"].sum() == pytest.approx(part["future_purchases"].sum(), rel=0.1)


# Models


def test_a_regular_model_is_saved_and_predicts_the_same(tmp_path):
    clients = grc.simulate_clients(2_000, as_of=AS_OF, seed=9, regularity=3)
    model = grc.MBGNBD(regularity=3).fit(clients, as_of=AS_OF)
    model.save(tmp_path / "model.json")
    again = grc.PurchaseModel.load(tmp_path / "model.json")
    assert again == model
    assert again.title == "MBG/CNBD-3"
    assert_frame_equal(again.predict("1y", clients, as_of=AS_OF), model.predict("1y"))


def test_bgnbd_has_no_regularity():
    with pytest.raises(grc.OptionError, match="regularity must be a whole number from 1 to 1"):
        grc.PurchaseModel("bgnbd", 1, 1, 1, 1, regularity=2)
    for wrong in (0, 21, 1.5, "often", True):
        with pytest.raises(grc.OptionError, match="regularity must be a whole number from 1 to 20"):
            grc.MBGNBD(regularity=wrong)


def test_the_likeliest_model_is_taken_and_the_run_says_why():
    sales = simulated_sales("monthly", 2, 4, 3000)
    priced = sales.with_columns(amount=10.0 + pl.int_range(pl.len()) % 7)
    result = grc.predict_value(priced, as_of=AS_OF, model="auto")
    model = result.model.purchases
    assert model.title == "MBG/CNBD-2"
    assert set(model.tried) == {"BG/NBD", "MBG/NBD", "MBG/CNBD-2", "MBG/CNBD-3"}
    assert model.tried["MBG/CNBD-2"] == max(model.tried.values()) == model.log_likelihood
    note = "purchases follow the MBG/CNBD-2 model, under which the purchase days are likeliest"
    assert any(said.startswith(note) for said in result.notes)
    fixed = grc.predict_value(priced, as_of=AS_OF, regularity=2)
    assert_frame_equal(fixed.values, result.values)


def test_models_are_compared_in_a_holdout(tmp_path, capsys):
    sales = simulated_sales("monthly", 3, 4, 3000)
    path, report = tmp_path / "sales.parquet", tmp_path / "report.json"
    sales.with_columns(amount=10.0 + pl.int_range(pl.len()) % 7).write_parquet(path)
    held = grc.holdout_value(str(path), as_of=AS_OF, holdout="3mo", model="auto")
    assert held.models["model"].to_list()[0] == "MBG/CNBD-3" == held.result.model.purchases.title
    assert set(held.models["model"]) == {"BG/NBD", "MBG/NBD", "MBG/CNBD-3"}
    assert held.models["log_likelihood"].is_sorted(descending=True)
    purchases = held.totals["purchases"]
    assert held.models.row(0)[2:] == (purchases["error"], purchases["mae"])
    assert "MBG/CNBD-3 is taken: its likelihood before the holdout is the highest" in str(held)
    code = main(
        ["value", str(path), "-o", str(tmp_path / "v.csv"), "--as-of", AS_OF, "--holdout", "3mo",
         "--model", "auto", "--report", str(report)]
    )  # fmt: skip
    assert code == 0
    assert "MBG/CNBD-3 is taken" in capsys.readouterr().err


# The fact that tells it


def test_log_gaps_are_logarithms_of_days_between_purchase_days():
    sales = pl.DataFrame(
        {
            "client_id": [1, 1, 1, 1, 2, 3],
            "date": [dt.date(2026, 1, 1) + dt.timedelta(days=ago) for ago in (0, 0, 7, 38, 4, 5)],
            "amount": [1.0, 2.0, 3.0, 4.0, 5.0, -6.0],
        }
    )  # fmt: skip
    for order in (sales, sales.reverse()):
        found = grc.facts(order, as_of="2026-03-01", facts=["log_gaps"]).frame
        expected = [np.log(7) + np.log(31), 0.0, 0.0]
        assert found["log_gaps"].to_list() == pytest.approx(expected, rel=1e-15)
        month = grc.facts(order, as_of="2026-03-01", facts=["log_gaps"], window="55d").frame
        assert month["log_gaps"].to_list() == pytest.approx([np.log(31), 0.0, 0.0], rel=1e-15)


def test_log_gaps_that_are_none_are_refused():
    clients = grc.simulate_clients(100, as_of=AS_OF)
    with pytest.raises(grc.DataError, match="log_gaps has 1000 for a client"):
        grc.MBGNBD().fit(clients.with_columns(log_gaps=pl.lit(1000.0)), as_of=AS_OF)
    with pytest.raises(grc.DataError, match="no log_gaps"):
        grc.MBGNBD().fit(clients.with_columns(log_gaps=pl.lit(None, pl.Float64)), as_of=AS_OF)
