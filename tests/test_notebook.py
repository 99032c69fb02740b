"""Results show themselves in notebooks as tables that are escaped, and as charts that are drawn."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import grc_fast as grc
from grc_fast.report.charts.chart import svg

EXAMPLES = Path(__file__).resolve().parent.parent / "docs" / "examples"
HOSTILE = "<b>&'\""
SALES = grc.simulate_sales(4_000, 300, seed=7)
OFFERS = pl.DataFrame(
    {"client_id": [1, 1, 2], "channel": ["email", HOSTILE, "email"], "gain": 3.0, "cost": 0.5}
)


def read(name: str) -> str:
    return str(EXAMPLES / name)


def scored(lang: str = "en") -> pl.DataFrame:
    return grc.score_rfm(SALES, as_of="2026-01-01", lang=lang).scores


def behaviour() -> grc.BehaviourResult:
    return grc.score_behaviour(read("events.csv"), read("rules.toml"), as_of="2025-03-31")


def responded() -> grc.ResponseReport:
    scores = scored()
    told = {"campaign": pl.lit(HOSTILE), "contacted_on": pl.lit("2026-02-01")}
    campaign = scores.select("client_id", **told)
    return grc.response(scores, campaign.with_columns(responded=pl.col("client_id") % 3 == 0))


def explained() -> Any:
    facts = grc.RFM().facts(SALES, as_of="2026-01-01")
    return grc.RFM().fit(facts).explain(facts, client_id=SALES["client_id"][0])


RESULTS: dict[str, Callable[[], Any]] = {
    "explanation": explained,
    "behaviour": behaviour,
    "behaviour account": lambda: behaviour().quality,
    "behaviour explanation": lambda: grc.explain_behaviour(
        read("events.csv"), read("rules.toml"), client_id=103, as_of="2025-03-31"
    ),
    "grid": lambda: grc.grid(scored(), rows="r", columns="f"),
    "migration": lambda: grc.compare(scored(), scored()),
    "segments": lambda: grc.segment(scored(), rules=[{"name": "all", "labels": {"en": HOSTILE}}]),
    "catchment": lambda: grc.catchment(
        read("homes.csv"), read("stores.csv"), postcodes=read("postcodes.csv")
    ),
    "profile": lambda: grc.profile(read("sales.csv")),
    "value": lambda: grc.predict_value(SALES, as_of="2026-01-01"),
    "holdout": lambda: grc.holdout_value(SALES, as_of="2025-12-31"),
    "response": responded,
    "plan": lambda: grc.plan_contacts(OFFERS, budget=2),
    "sweep": lambda: grc.sweep_budgets(OFFERS, [1, 2]),
}
DRAWN = [
    "behaviour", "grid", "migration", "segments", "catchment", "profile", "holdout", "response",
    "sweep",
]  # fmt: skip


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    return {name: make() for name, make in RESULTS.items()}


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_shows_itself_as_html(name: str, results: dict[str, Any]) -> None:
    shown = results[name]._repr_html_()

    assert "<table>" in shown or "<p>" in shown
    assert HOSTILE not in shown
    assert "shape:" not in shown  # of the frames of Polars


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("name", DRAWN)
def test_a_result_has_a_chart_in_both_languages(
    name: str, lang: Any, results: dict[str, Any]
) -> None:
    drawing = svg(results[name].chart(lang).to_dict())

    assert drawing.startswith("<svg")
    assert HOSTILE not in drawing
    own = results[name].plot.to_dict()
    assert own == results[name].chart("en").to_dict()


def test_charts_of_both_languages_differ(results: dict[str, Any]) -> None:
    for name in DRAWN:
        english, french = (str(results[name].chart(lang).to_dict()) for lang in ("en", "fr"))
        assert english != french


def test_a_cross_tab_is_drawn_in_the_order_of_its_classes(results: dict[str, Any]) -> None:
    drawn = results["grid"].plot.to_dict()["layer"][0]["encoding"]

    assert drawn["x"]["sort"] == [str(points) for points in range(1, 6)]
    assert drawn["y"]["sort"] == [str(points) for points in range(1, 6)]


def test_shares_are_drawn_as_they_are(results: dict[str, Any]) -> None:
    panel = results["behaviour"].plot.to_dict()["hconcat"][0]
    rows = panel["layer"][0]["data"]["values"]

    assert sum(row["share"] for row in rows) == pytest.approx(1)
    assert [row["part"] for row in rows] == results["behaviour"].phases["phase"].to_list()


def test_a_chart_is_saved_in_the_language_of_the_reader(
    results: dict[str, Any], tmp_path: Path
) -> None:
    results["sweep"].save(tmp_path / "balayage.svg", lang="fr")

    assert "valeur du plan" in (tmp_path / "balayage.svg").read_text("utf-8")


def test_no_other_language_is_drawn(results: dict[str, Any]) -> None:
    with pytest.raises(grc.OptionError, match="not a language"):
        results["sweep"].chart("de")
