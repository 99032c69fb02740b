"""What anyone can write has limits: beyond them there is one sentence, at once."""

from __future__ import annotations

import datetime as dt
import math
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

import grc_fast as grc
from grc_fast.value.horizons import outlook

AS_OF = "2026-02-01"
FRAME = pl.DataFrame(
    {"client_id": [1, 2], "date": ["2026-01-01", "2026-01-02"], "amount": [1.0, 2.0]}
)
NO_NUMBERS = [10**5_000, math.nan, math.inf, -math.inf, -1, 0, 1e-320, 1e308]


def str_of(number: float) -> str:
    return "thousands of digits" if number == 10**5_000 else str(number)


def refused(error: type[grc.GrcError], call: object, *arguments: object, **options: object) -> str:
    """Return the sentence of a call that must end at once."""
    begun = time.process_time()
    with pytest.raises(error) as caught:
        call(*arguments, **options)  # type: ignore[operator]
    assert time.process_time() - begun < 20
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1_000
    return str(caught.value)


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", NO_NUMBERS, ids=str_of)
def test_a_unit_of_time_that_no_model_has_is_refused(days):
    assert "time_scaler must be" in refused(grc.OptionError, grc.MBGNBD, time_scaler=days)
    assert "time_scaler must be" in refused(
        grc.OptionError, grc.simulate_clients, 10, as_of=AS_OF, time_scaler=days
    )


def test_a_tiny_unit_of_time_ends_the_command_line_at_once(tmp_path):
    grc.simulate_sales(2_000, 100, seed=7).write_csv(tmp_path / "sales.csv")
    command = "value sales.csv --as-of 2025-12-31 -o values.csv --time-scaler 1e-320"
    done = subprocess.run(
        [sys.executable, "-m", "grc_fast", *command.split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "error: time_scaler must be a number from 0.001 to 36525, not 1e-320" in done.stderr
    assert not Path(tmp_path, "values.csv").exists()


@pytest.mark.parametrize("number", NO_NUMBERS, ids=str_of)
@pytest.mark.parametrize("place", range(4))
def test_parameters_with_which_no_series_ends_are_refused(number, place):
    parameters = [0.5, 8.0, 0.9, 3.0]
    parameters[place] = number
    refused(grc.OptionError, grc.PurchaseModel, "mbgnbd", *parameters)


@pytest.mark.parametrize("size", [1e-12, 1e12])
def test_parameters_at_the_limits_still_predict(size):
    clients = pl.DataFrame(
        {
            "client_id": [1, 2, 3],
            "first_purchase": [dt.date(2020, 1, 1)] * 3,
            "last_purchase": [dt.date(2020, 1, 1), dt.date(2021, 1, 1), dt.date(2025, 12, 31)],
            "active_days": [1, 5, 2_000],
        }
    )
    for parameters in ([size, 1, 1, 1], [1, size, 1, 1], [1, 1, size, 1], [1, 1, 1, size]):
        model = grc.PurchaseModel("mbgnbd", *parameters)
        assert model.p_alive(clients, as_of="2026-01-01")["p_alive"].is_between(0, 1).all()
        assert model.predict("12mo", clients, as_of="2026-01-01").to_series(1).is_finite().all()


@pytest.mark.parametrize("number", NO_NUMBERS, ids=str_of)
def test_other_numbers_of_the_value_models_are_checked(number):
    refused(grc.OptionError, grc.SpendModel, number, 3.0, 15.0)
    refused(grc.OptionError, grc.SpendModel, 6.0, number, 15.0)
    refused(grc.OptionError, grc.SpendModel, 6.0, 3.0, number if number < 1e-30 else 10**5_000)
    if not 0 <= number <= 1:
        refused(grc.OptionError, grc.predict_value, FRAME, as_of=AS_OF, margin=number)
        refused(grc.OptionError, outlook, dt.date(2026, 2, 1), ["3mo"], number)
    refused(grc.OptionError, grc.break_even, cost=number, margin=5.0)
    refused(grc.OptionError, grc.Recency, weight=number)


def test_a_model_file_with_a_tiny_unit_of_time_is_refused():
    purchases = grc.PurchaseModel("mbgnbd", 0.525, 6.183, 0.891, 1.614)
    data = grc.ValueModel(purchases, grc.SpendModel(6.25, 3.74, 15.44)).to_dict()
    data["mbgnbd"]["time_scaler"] = 1e-320
    sentence = refused(grc.ModelError, grc.ValueModel.from_dict, data)
    assert "mbgnbd.time_scaler must be a number from 0.001 to 36525, not 1e-320" in sentence


def test_simulations_larger_than_memory_are_refused():
    assert "no memory" in refused(
        grc.OptionError, grc.simulate_sales, 2**45, 1_000, seed=1
    ) or "must be" in refused(grc.OptionError, grc.simulate_sales, 2**45, 1_000, seed=1)
    often = {"r": 1e12, "alpha": 1e-12}
    sentence = refused(grc.OptionError, grc.simulate_clients, 10, as_of=AS_OF, parameters=often)
    assert "raise alpha or lower r" in sentence


# --- SQL ------------------------------------------------------------------------------------------


SQL = {
    "terms": ("+".join(["amount"] * 3_000), "2,999 operators"),
    "more terms": ("+".join(["amount"] * 50_000), "49,999 operators"),
    "conditions": (" AND ".join(["amount > 0"] * 3_000), "5,999 operators"),
    "cases": (
        "CASE " + " ".join(f"WHEN amount = {i} THEN {i}" for i in range(5_000)) + " END",
        "operators",
    ),
    "minus": ("- " * 50_000 + "amount", "50,000 operators"),
    "brackets": ("(" * 100_000 + "amount" + ")" * 100_000, "nested more than 40 deep"),
    "lists": ("[" * 100_000 + "]" * 100_000, "nested more than 40 deep"),
    "calls": ("abs(" * 3_000 + "amount" + ")" * 3_000, "nested more than 40 deep"),
    "text": ("amount > 0 AND 'x' <> '" + "y" * 2_000_000 + "'", "characters"),
}


@pytest.mark.parametrize(("sql", "why"), SQL.values(), ids=SQL)
@pytest.mark.parametrize("role", ["where", "amount", "date"])
def test_sql_that_would_take_for_ever_is_refused(role, sql, why):
    sentence = refused(grc.GrcError, grc.facts, FRAME, as_of=AS_OF, **{role: sql})
    assert why in sentence or role == "date"


@pytest.mark.parametrize(("sql", "why"), SQL.values(), ids=SQL)
def test_sql_of_segments_that_would_take_for_ever_is_refused(sql, why):
    segments = {"name": "own", "segment": [{"name": "vip", "where": sql}, {"name": "other"}]}
    assert why in refused(grc.OptionError, grc.SegmentTable.from_dict, segments)


def test_sql_that_people_write_is_within_the_limits():
    ids = ", ".join(map(str, range(1, 20_000)))
    facts = grc.facts(FRAME, as_of=AS_OF, where=f"client_id IN ({ids})")
    assert facts.quality.rows_used == 2
    products = " ".join(f"WHEN amount = {i} THEN {i * 2}" for i in range(100))
    doubled = grc.facts(FRAME, as_of=AS_OF, amount=f"CASE {products} ELSE 0 END", facts=["total"])
    assert doubled.frame["total"].to_list() == [2.0, 4.0]


# --- page patterns --------------------------------------------------------------------------------


def with_pages(*pages: str) -> dict[str, object]:
    rules = [
        {"name": f"rule {i}", "group": "web", "points": 1, "page": page}
        for i, page in enumerate(pages)
    ]
    return {"rule": rules}


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ("re:" + "(" * 100_000 + ")" * 100_000, "nested parentheses"),
        ("*" + "{" * 100_000 + "a" + "}" * 100_000, "nested more than 50 deep"),
        ("re:\\pL{90000}", "too large"),
        ("re:" + "(" * 300 + "a" + "){9}" * 300, "nested parentheses"),
    ],
)
def test_a_pattern_that_nobody_wrote_is_refused(page, why):
    assert why in refused(grc.OptionError, grc.BehaviourRules.from_dict, with_pages("/a", page))


def test_patterns_that_are_large_together_are_refused():
    pages = [f"re:{i}\\pL{{100}}" for i in range(300)]
    sentence = refused(grc.OptionError, grc.BehaviourRules.from_dict, with_pages(*pages))
    assert "too large together" in sentence


def test_thousands_of_alternatives_and_patterns_are_matched():
    words = [f"word{i * 7919 % 100_003}" for i in range(5_000)]
    rules = with_pages("re:^/(" + "|".join(words) + ")/x$", *(f"*/{w}/y" for w in words[:2_000]))
    events = pl.DataFrame(
        {
            "client_id": range(2_000),
            "timestamp": ["2026-01-01T10:00"] * 2_000,
            "kind": ["page_view"] * 2_000,
            "page": [f"/{word}/{'xy'[i % 2]}" for i, word in enumerate(words[:2_000])],
        }
    )
    begun = time.process_time()
    scores = grc.score_behaviour(events, rules, as_of=AS_OF).scores
    assert scores["score"].to_list() == [1.0] * 2_000
    assert time.process_time() - begun < 30


def test_thousands_of_groups_are_looked_up():
    rules = [
        {"name": f"rule {i}", "group": f"{'ab'[i % 2]}{i}", "points": 1} for i in range(20_000)
    ]
    begun = time.process_time()
    compiled = grc.BehaviourRules.from_dict({"rule": rules}).compiled()
    assert [rule["group"] for rule in compiled["rules"]] == list(range(20_000))
    assert time.process_time() - begun < 20


# --- memory ---------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS is not kept everywhere")
def test_a_limit_of_addresses_is_warned_of(tmp_path):
    FRAME.write_csv(tmp_path / "sales.csv")
    done = subprocess.run(
        f"ulimit -v 8000000; '{sys.executable}' -m grc_fast score sales.csv --as-of {AS_OF} "
        "-o scores.csv",
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "warning: this process may have 7.6 GiB of addresses (ulimit -v)" in done.stderr
