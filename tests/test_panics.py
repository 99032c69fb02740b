"""A kernel that gives up is an error of the package, not a panic, which is no `Exception`."""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import grc_fast as grc
from grc_fast.cli import main

SALES = pl.DataFrame(
    {
        "client_id": [1, 1, 2, 2, 3, 3],
        "date": [dt.date(2026, month, 5) for month in (1, 3, 2, 4, 1, 5)],
        "amount": [10.0, 20.0, 30.0, 5.0, 7.0, 8.0],
    }
)
EVENTS = pl.DataFrame(
    {
        "client_id": [1, 2],
        "timestamp": ["2026-01-05T12:00:00", "2026-01-06T12:00:00"],
        "kind": ["page_view", "open"],
        "page": ["/panier", None],
    }
)
SCORES = pl.DataFrame({"client_id": [1, 2, 3], "group": [1, 1, 2], "points": [3, 4, 5]})
MAILING = pl.DataFrame(
    {
        "client_id": [1, 2, 3],
        "campaign": ["spring"] * 3,
        "contacted_on": [dt.date(2026, 6, 1)] * 3,
        "responded": [True, False, True],
    }
)
INTEREST = pl.DataFrame({"client_id": [1, 2], "score": [4.0, 2.0], "phase": ["hot", "cold"]})
DAY = "2026-06-01"
SPEC = grc.RFM(None, None, grc.Monetary(), bins=2, groups=2)
OF_CLIENTS = ["first_purchase", "last_purchase", "active_days", "total", "first_day_total"]
FACTS = grc.facts(SALES, as_of=DAY, facts=OF_CLIENTS)
CLIENTS = FACTS.frame.with_columns(monetary="total")
MODEL = SPEC.fit(CLIENTS)


def lazily(frame: pl.DataFrame) -> pl.LazyFrame:
    return frame.lazy()


CALLS: dict[str, Callable[[], object]] = {
    "facts": lambda: grc.facts(lazily(SALES), as_of=DAY),
    "score_rfm": lambda: grc.score_rfm(lazily(SALES), as_of=DAY),
    "RFM.facts": lambda: SPEC.facts(lazily(SALES), as_of=DAY),
    "RFM.score": lambda: SPEC.score(lazily(SALES), as_of=DAY),
    "RFM.fit": lambda: SPEC.fit(lazily(CLIENTS)),
    "RFM.fit_score": lambda: SPEC.fit_score(lazily(CLIENTS)),
    "RFMModel.score": lambda: MODEL.score(CLIENTS),
    "RFMModel.explain": lambda: MODEL.explain(lazily(CLIENTS), client_id=1),
    "score_behaviour": lambda: grc.score_behaviour(lazily(EVENTS), "course", as_of="2026-02-01"),
    "behaviour_ledger": lambda: grc.behaviour_ledger(lazily(EVENTS), "course", as_of="2026-02-01"),
    "explain_behaviour": lambda: grc.explain_behaviour(
        lazily(EVENTS), "course", client_id=1, as_of="2026-02-01"
    ),
    "response": lambda: grc.response(lazily(SCORES), lazily(MAILING)),
    "score_before_campaigns": lambda: grc.score_before_campaigns(lazily(SALES), lazily(MAILING)),
    "combine": lambda: grc.combine(lazily(SCORES), lazily(INTEREST)),
    "predict_value": lambda: grc.predict_value(lazily(SALES), as_of=DAY),
    "holdout_value": lambda: grc.holdout_value(lazily(SALES), as_of=DAY, holdout="1mo"),
    "quantile_scores": lambda: grc.quantile_scores(pl.Series([1, 2, 3]), bins=2),
    "MBGNBD.fit": lambda: grc.MBGNBD().fit(lazily(CLIENTS), as_of=DAY),
    "GammaGamma.fit": lambda: grc.GammaGamma().fit(lazily(CLIENTS), as_of=DAY),
}


def panic(*_: object, **__: object) -> Any:
    raise pl.exceptions.PanicException("attempt to add with overflow")


@pytest.fixture
def panicking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whatever computes in Polars give up."""
    for owner, name in [
        (pl.LazyFrame, "collect"),
        (pl.LazyFrame, "collect_batches"),
        (pl.DataFrame, "select"),
        (pl.DataFrame, "with_columns"),
        (pl.DataFrame, "iter_slices"),
        (pl.Series, "to_frame"),
    ]:
        monkeypatch.setattr(owner, name, panic)
    monkeypatch.setattr("grc_fast.rfm.quantile_scores.kernel_values", panic)


@pytest.mark.parametrize("name", CALLS)
def test_a_panic_leaves_as_an_error(name: str, panicking: None) -> None:
    with pytest.raises(grc.GrcError, match="attempt to add with overflow") as raised:
        CALLS[name]()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("command", ["score", "value"])
def test_the_command_line_says_a_panic_in_a_sentence(
    command: str, panicking: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sales.csv"
    path.write_text("client_id,date,amount\n1,2026-01-05,1\n")
    assert main([command, str(path), "--as-of", DAY, "-o", str(tmp_path / "out.csv")]) == 1
    said = capsys.readouterr().err
    assert "attempt to add with overflow" in said
    assert "PanicException" not in said
    assert said.splitlines()[-1].startswith("error: ")
    assert not (tmp_path / "out.csv").exists()


COMPUTES_NOTHING = {"break_even", "break_even_index", "demo_sales"}
METHODS_THAT_COMPUTE = {
    *("facts", "fit", "fit_score", "score", "explain", "predict", "p_alive", "expected_spend"),
    "calibrate",
}


def public_functions() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in grc.__all__:
        item = getattr(grc, name)
        if inspect.isfunction(item) and name not in COMPUTES_NOTHING:
            found[name] = item
        if inspect.isclass(item):
            methods = inspect.getmembers(item, inspect.isfunction)
            found |= {f"{name}.{m}": f for m, f in methods if m in METHODS_THAT_COMPUTE}
    return found


@pytest.mark.parametrize("name", sorted(public_functions()))
def test_every_function_that_computes_lets_no_panic_out(name: str) -> None:
    assert hasattr(public_functions()[name], "__wrapped__")
