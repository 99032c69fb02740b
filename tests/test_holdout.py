"""Holdout: what was expected before a day against what came after it, by plain arithmetic."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import grc_fast as grc
from grc_fast.cli import main
from grc_fast.validation.gains import rank

AS_OF = dt.date(2025, 12, 31)
CUT = dt.date(2025, 6, 30)
ONLINE_RETAIL = Path(__file__).parents[1] / "../shared/data/online_retail.parquet"


@pytest.fixture(scope="module")
def sales() -> pl.DataFrame:
    return grc.simulate_sales(40_000, 3_000, seed=3)


@pytest.fixture(scope="module")
def report(sales) -> grc.HoldoutReport:
    return grc.holdout_value(sales, as_of=AS_OF, holdout="6mo", order="order_id")


def truth(sales: pl.DataFrame) -> pl.DataFrame:
    """What came of those who had bought, from the rows themselves."""
    days = pl.col("date").dt.date()
    bought = pl.col("amount") > 0
    known = sales.filter(bought & (days <= CUT))["client_id"].unique()
    after = sales.filter((days > CUT) & (days <= AS_OF))
    sums = after.group_by("client_id").agg(
        purchases=days.filter(bought).n_unique(), money=pl.col("amount").sum()
    )
    # Returns alone bring no money: a client without a purchase in the window has money 0.
    sums = sums.with_columns(
        money=pl.when(pl.col("purchases") > 0).then(pl.col("money")).otherwise(0.0)
    )
    table = pl.DataFrame({"client_id": known}).join(sums, on="client_id", how="left")
    return table.with_columns(pl.col("purchases", "money").fill_null(0)).sort("client_id")


def test_what_came_is_what_the_rows_say(sales, report):
    came = truth(sales)
    assert report.fitted_until == CUT
    assert report.clients == came.height
    assert report.totals["purchases"]["actual"] == came["purchases"].sum()
    assert report.totals["money"]["actual"] == pytest.approx(came["money"].sum(), abs=0.01)


def test_what_was_expected_is_the_prediction_of_the_day(sales, report):
    before = sales.filter(pl.col("date").dt.date() <= CUT)
    expected = grc.predict_value(before, as_of=CUT, horizons=["184d"], margin=1.0).values
    assert report.totals["purchases"]["expected"] == pytest.approx(
        expected["purchases_184d"].sum(), rel=1e-12
    )
    assert report.totals["money"]["expected"] == pytest.approx(
        expected["gain_184d"].sum(), rel=1e-12
    )
    off = (expected["gain_184d"] - truth(sales)["money"]).abs().mean()
    assert report.totals["money"]["mae"] == pytest.approx(off, rel=1e-9)


def test_what_was_expected_has_the_interval_of_the_day(sales, report):
    before = sales.filter(pl.col("date").dt.date() <= CUT)
    ahead = grc.predict_value(before, as_of=CUT, horizons=["184d"], margin=1.0).summary
    for name, what in (("purchases", "purchases"), ("money", "gain")):
        total = report.totals[name]
        assert total["low"] == pytest.approx(ahead[f"{what}_low"][0], rel=1e-9)
        assert total["high"] == pytest.approx(ahead[f"{what}_high"][0], rel=1e-9)
        assert total["low"] < total["expected"] < total["high"]
        assert f"({total['low']:,.0f} to {total['high']:,.0f})" in str(report)


def test_deciles_share_out_all_clients_evenly(report):
    table = report.deciles
    assert table["decile"].to_list() == list(range(1, 11))
    assert table["clients"].max() - table["clients"].min() <= 1
    assert table["clients"].sum() == report.clients
    assert table["expected_money"].is_sorted(descending=True)
    for name in ("purchases", "money"):
        assert table[name].sum() == pytest.approx(report.totals[name]["actual"])
        assert table[f"expected_{name}"].sum() == pytest.approx(report.totals[name]["expected"])


def test_scores_are_ranked_beside_those_that_retailers_use(sales, report):
    assert list(report.rankings) == ["expected_gain", "last_year_spend", "rfm_points"]
    before = sales.filter(pl.col("date").dt.date() <= CUT)
    year = grc.facts(before, as_of=CUT, facts=["first_purchase", "total"], window="1y").frame
    both = truth(sales).join(year, on="client_id", how="left", maintain_order="left")
    assert report.rankings["last_year_spend"].gini == rank(both["total"], both["money"], []).gini
    points = grc.score_rfm(before, as_of=CUT, order="order_id").scores["points"]
    assert (
        report.rankings["rfm_points"].shares == rank(points, both["money"], [0.1, 0.2, 0.4]).shares
    )


def test_the_report_is_the_same_for_any_order_and_threads(sales, report):
    shuffled = sales.sample(fraction=1, shuffle=True, seed=1)
    again = grc.holdout_value(shuffled, as_of=AS_OF, holdout="6mo", order="order_id", threads=1)
    assert again.to_dict() == report.to_dict()


def test_a_report_is_saved_as_json_and_as_the_same_chart(report, tmp_path):
    report.save(tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text()) == report.to_dict()
    for name in ("one.svg", "two.svg", "one.png", "two.png"):
        report.save(tmp_path / name)
    for form in ("svg", "png"):
        one, two = ((tmp_path / f"{n}.{form}").read_bytes() for n in ("one", "two"))
        assert one == two
        assert len(one) > 10_000
    with pytest.raises(grc.OutputError, match="must be named"):
        report.save(tmp_path / "report.pdf")


def test_the_extra_that_charts_need_is_named(report, tmp_path, monkeypatch):
    monkeypatch.setattr("grc_fast.report.charts.chart_file.find_spec", lambda name: None)
    with pytest.raises(grc.OutputError, match=r'pip install "grc-fast\[report\]"'):
        report.save(tmp_path / "chart.svg")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "error", "why"),
    [
        ({"holdout": "soon"}, grc.OptionError, "not a duration"),
        ({"holdout": "10y"}, grc.DataError, "holdout of 10y until .* the first is on 2023-01-01"),
        ({"model": "x"}, grc.OptionError, "model must be mbgnbd, bgnbd"),
        ({"holdout": "1090d"}, grc.DataError, "at least|bought on one day|mean spend is infinite"),
        ({"margin": 2}, grc.OptionError, "margin must be"),
    ],
)
def test_what_cannot_be_held_out_is_one_sentence(sales, options, error, why):
    with pytest.raises(error, match=why):
        grc.holdout_value(sales, **{"as_of": AS_OF} | options)


def test_a_stream_cannot_be_read_twice(sales):
    class Stream:
        def __arrow_c_stream__(self, requested_schema=None):
            return sales.to_arrow().__arrow_c_stream__(requested_schema)

    with pytest.raises(grc.SourceError, match="reads the sales twice"):
        grc.holdout_value(Stream(), as_of=AS_OF)


def test_where_nobody_comes_there_is_no_ranking(sales, tmp_path):
    """Its chart and table are whole all the same: a warning would be an error here."""
    report = grc.holdout_value(sales, as_of="2027-12-31", holdout="6mo")
    assert report.totals["money"]["actual"] == 0
    assert report.ranking.columns == ["score", "gini", "top_10", "top_20", "top_40"]
    assert report.ranking.is_empty()
    assert "no ranking" in str(report)
    report.save(tmp_path / "empty.svg")
    assert (tmp_path / "empty.svg").stat().st_size > 5_000


def test_a_fitted_model_is_none_of_a_holdout(sales):
    model = grc.ValueModel(grc.PurchaseModel("mbgnbd", 1, 1, 1, 1), None)
    with pytest.raises(grc.OptionError, match="fits models of its own"):
        grc.holdout_value(sales, as_of=AS_OF, model=model)


def test_the_command_takes_the_day_after_the_last_sale(sales, tmp_path, capsys):
    source = tmp_path / "sales.parquet"
    sales.write_parquet(source)
    saved, out = tmp_path / "report.json", tmp_path / "value.csv"
    arguments = ["value", str(source), "-o", str(out), "--holdout", "6mo", "--report", str(saved)]
    assert main(arguments) == 0
    capsys.readouterr()
    last = sales["date"].dt.date().max()
    day = (last + dt.timedelta(days=1)).isoformat()
    assert json.loads(saved.read_text())["observed_until"] == day


# Rankings


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 100)), min_size=1, max_size=60).filter(
        lambda pairs: sum(money for _, money in pairs) > 0
    )
)
def test_ranking_is_the_mean_over_every_order_of_ties(pairs):
    score, money = (pl.Series(column) for column in zip(*pairs, strict=True))
    found = rank(score, money, [0.1, 0.5, 1.0])
    # Replace each outcome by the mean of its ties: no order of equals can then matter.
    table = pl.DataFrame({"s": score, "m": money}).with_columns(pl.col("m").mean().over("s"))
    ordered = table.sort("s", descending=True)["m"].to_numpy()
    curve = np.concatenate([[0], np.cumsum(ordered)]) / ordered.sum()
    places = np.linspace(0, 1, len(curve))
    for top, share in found.shares.items():
        assert share == pytest.approx(np.interp(top, places, curve), abs=1e-12)
    assert found.gini == pytest.approx(2 * np.trapezoid(curve, places) - 1, abs=1e-12)


def test_rankings_have_their_bounds():
    money = pl.Series([0.0] * 99 + [1.0])
    assert rank(money, money, [0.01]).gini == pytest.approx(0.99)
    assert rank(-money, money, [0.01]).gini == pytest.approx(-0.99)
    assert rank(pl.Series([1] * 100), money, [0.2]).shares == {0.2: pytest.approx(0.2)}
    assert rank(money, money * 0, [0.2]) is None


# The command line, on real sales


@pytest.mark.parametrize(("basket", "gini"), [("all", 0.647), ("repeat", 0.618)])
def test_the_command_reports_real_sales(tmp_path, capsys, basket, gini):
    if not ONLINE_RETAIL.exists():
        pytest.skip("online_retail.parquet is not in ../shared/data")
    out, saved = tmp_path / "value.parquet", tmp_path / "report.json"
    code = main(
        ["value", str(ONLINE_RETAIL), "-o", str(out), "--client", "CustomerID", "--date",
         "InvoiceDate", "--amount", "Quantity * UnitPrice", "--order", "InvoiceNo", "--as-of",
         "2011-12-09", "--holdout", "6mo", "--report", str(saved), "--margin", "0.3",
         "--basket", basket]
    )  # fmt: skip
    said = capsys.readouterr()
    assert code == 0
    report = json.loads(saved.read_text())
    assert report["clients"] == 2_800 == pl.read_parquet(out).height
    assert report["fitted_until"] == "2011-06-09"
    purchases = report["totals"]["purchases"]
    assert purchases["actual"] == 6_838
    assert purchases["error"] == pytest.approx(-0.09, abs=0.01)
    ranked = {row["score"]: row["gini"] for row in report["rankings"]}
    assert ranked["expected gain"] == pytest.approx(gini, abs=0.002)
    assert "nobody leaving" in said.err
    assert "spend of the last year" in said.out


@pytest.mark.parametrize(
    ("options", "code", "why"),
    [
        (["--report", "r.pdf"], 1, "must be named .json"),
        (["--model-in", "m.json"], 2, "--model-in cannot go with --holdout"),
        (["--clients", "c.csv"], 2, "--clients cannot go with --holdout"),
        (["--margin", "amount"], 1, "takes a margin as a rate"),
    ],
)
def test_what_goes_with_no_holdout_is_refused(sales, tmp_path, capsys, options, code, why):  # noqa: PLR0917
    source = tmp_path / "sales.parquet"
    sales.write_parquet(source)
    out = tmp_path / "value.csv"
    arguments = ["value", str(source), "-o", str(out), "--holdout", "6mo", *options]
    assert main(arguments) == code
    assert why in capsys.readouterr().err
    assert not out.exists()
