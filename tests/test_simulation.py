"""Simulated clients: possible for any parameters, and as many purchases as the models expect."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

import grc_fast as grc

AS_OF = dt.date(2026, 11, 1)

parameters = st.fixed_dictionaries(
    {
        "r": st.floats(0.1, 5),
        "alpha": st.floats(0.5, 50),
        "a": st.floats(0.1, 5),
        "b": st.floats(0.1, 5),
        "p": st.floats(0.5, 20),
        "q": st.floats(1.5, 20),
        "v": st.floats(0.5, 50),
    }
)
days = st.tuples(st.integers(0, 900), st.integers(0, 900)).map(lambda pair: tuple(sorted(pair)))
models = st.sampled_from(["bgnbd", "mbgnbd"])


@given(parameters, models, days, st.integers(0, 400), st.integers(0, 2**64 - 1), st.integers(1, 90))
def test_clients_are_possible_whatever_the_parameters(given, model, span, horizon, seed, number):  # noqa: PLR0917
    asked = {"as_of": AS_OF, "model": model, "parameters": given, "days": span, "seed": seed}
    made = grc.simulate_clients(number, horizon=horizon, **asked)
    assert made["client_id"].to_list() == list(range(1, number + 1))
    assert made.null_count().sum_horizontal().item() == 0
    observed = (AS_OF - made["first_purchase"]).dt.total_days()
    last = (made["last_purchase"] - made["first_purchase"]).dt.total_days()
    repeats = made["active_days"].cast(pl.Int64) - 1
    assert observed.is_between(*span).all()
    assert last.is_between(0, observed).all()
    assert (repeats >= 0).all()
    # Who is seen for no day has had no time to come back.
    assert ((repeats == 0) == (last == 0)).filter(observed > 0).all()
    assert (repeats.filter(observed == 0) == 0).all()
    for money in ("total", "first_day_total", "future_money"):
        assert made[money].is_finite().all()
        assert (made[money] >= 0).all()
    assert (made["total"] >= made["first_day_total"]).all()
    assert (made["total"] == made["first_day_total"]).filter(repeats == 0).all()
    assert (made["future_money"] == 0).filter(made["future_purchases"] == 0).all()
    if horizon == 0:
        assert made["future_purchases"].sum() == 0


@given(models, st.integers(0, 2**64 - 1), st.integers(1, 200), st.integers(0, 200))
def test_a_client_depends_on_the_seed_and_its_number_alone(model, seed, number, more):
    asked = {"as_of": AS_OF, "model": model, "seed": seed}
    made = grc.simulate_clients(number, threads=1, **asked)
    assert grc.simulate_clients(number + more, threads=3, **asked).head(number).equals(made)


@given(models, st.integers(0, 2**63), st.integers(0, 900))
def test_a_longer_horizon_changes_nothing_before_it(model, seed, horizon):
    asked = {"as_of": AS_OF, "model": model, "seed": seed}
    short, long = (grc.simulate_clients(50, horizon=h, **asked) for h in (horizon, horizon + 300))
    known = pl.exclude("future_purchases", "future_money", "total", "first_day_total")
    assert short.select(known).equals(long.select(known))
    assert (short["future_purchases"] <= long["future_purchases"]).all()


def expected_purchases(model: str, given: dict[str, float], time: float) -> float:
    """Of a new client: equation 9 of Fader, Hardie and Lee (2005), and its MBG/NBD counterpart.

    The latter is Batislam, Denizel and Filiztekin's (2007).
    """
    r, alpha, a, b = (given[name] for name in ("r", "alpha", "a", "b"))
    z, stays = time / (alpha + time), (alpha / (alpha + time)) ** r
    if model == "bgnbd":
        # The product of c and the function of c has a limit where c is 0, and next to it no digits.
        c = a + b - 1
        c = 1e-9 if abs(c) < 1e-9 else c
        return c / (a - 1) * (1 - stays * special.hyp2f1(r, b, c, z))
    return b / (a - 1) * (1 - stays * special.hyp2f1(r, b + 1, a + b, z))


@settings(max_examples=5 * settings.default.max_examples // 8)
@given(
    st.fixed_dictionaries(
        {
            "r": st.floats(0.3, 3),
            "alpha": st.floats(2, 20),
            "a": st.floats(0.2, 0.9) | st.floats(1.1, 3),
            "b": st.floats(0.5, 4),
            "p": st.floats(1, 10),
            "q": st.floats(5, 10),
            "v": st.floats(1, 30),
        }
    ),
    models,
    st.integers(1, 700),
    st.integers(0, 400),
    st.sampled_from([1.0, 7.0, 30.0]),
    st.integers(0, 2**32),
)
def test_means_are_those_of_the_models(given, model, seen, horizon, unit, seed):  # noqa: PLR0917
    """Within six standard errors of 4,000 clients: less than one in a million is further off."""
    made = grc.simulate_clients(
        4_000, as_of=AS_OF, model=model, parameters=given, days=(seen, seen), horizon=horizon,
        time_scaler=unit, seed=seed,
    )  # fmt: skip
    repeats = made["active_days"].cast(pl.Int64).to_numpy() - 1
    basket = given["p"] * given["v"] / (given["q"] - 1)
    for found, expected in (
        (repeats, expected_purchases(model, given, seen / unit)),
        (
            repeats + made["future_purchases"].to_numpy(),
            expected_purchases(model, given, (seen + horizon) / unit),
        ),
        (made["first_day_total"].to_numpy(), basket),
    ):
        # Where next to nobody buys, the sample's own spread would be too small.
        error = np.sqrt(max(found.var(), expected) / len(found))
        assert found.mean() == pytest.approx(expected, abs=6 * error)


@pytest.mark.parametrize("number", ["lines", "clients", "days", "seed"])
@pytest.mark.parametrize("wrong", [-1, 1.5, "x", None, True, 2**64])
def test_simulated_sales_refuse_what_is_no_number_of_theirs(number, wrong):
    options = {"lines": 10, "clients": 3} | {number: wrong}
    with pytest.raises(grc.OptionError, match=f"{number} must be a whole number from 0 to .* not"):
        grc.simulate_sales(**options)
