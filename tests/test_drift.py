"""Frozen thresholds: the sizes of the bands today beside those of the fit, and what they mean."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import grc_fast as grc
from grc_fast.cli import main
from grc_fast.rfm.drift import stability_index, stability_phrase

MONEY = grc.RFM(None, None, grc.Monetary(), bins=4, groups=2)


def spenders(amounts: list[float | None]) -> pl.DataFrame:
    return pl.DataFrame({"client_id": range(len(amounts)), "monetary": amounts})


def test_the_index_is_that_worked_by_hand() -> None:
    # (0.5 - 0.2) ln(0.5 / 0.2) + (0.3 - 0.3) ln 1 + (0.2 - 0.5) ln(0.2 / 0.5) = 0.6 ln 2.5
    assert stability_index([20, 30, 50], [50, 30, 20]) == pytest.approx(0.6 * math.log(2.5))


def test_an_empty_band_counts_as_a_share_of_one_in_ten_thousand() -> None:
    expected = (1 - 0.5) * math.log(1 / 0.5) + (0.0001 - 0.5) * math.log(0.0001 / 0.5)
    assert stability_index([1, 1], [7, 0]) == pytest.approx(expected)


def test_there_is_no_index_of_nobody() -> None:
    assert stability_index([0, 0], [1, 1]) is None
    assert stability_index([1, 1], [0, 0]) is None


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1))
def test_the_index_is_never_negative_and_none_of_equal_shares(sizes: list[tuple[int, int]]) -> None:
    before, after = zip(*sizes, strict=True)
    assert stability_index(before, after) >= 0
    assert stability_index(before, [10 * size for size in before]) == pytest.approx(0)


@pytest.mark.parametrize(
    ("index", "lang", "said"),
    [
        (0.0999, "en", "0.100: little has changed"),
        (0.1, "en", "0.100: some have moved"),
        (0.25, "en", "0.250: some have moved"),
        (0.2501, "en", "0.250: much has changed"),
        (0.3, "fr", "0,300 : beaucoup de changement"),
    ],
)
def test_the_index_says_what_it_means(index: float, lang: str, said: str) -> None:
    assert said in stability_phrase(index).said(lang)


def test_todays_clients_are_counted_under_the_edges_of_the_fit() -> None:
    model = MONEY.fit(spenders([1.0, 2, 3, 4, 5, 6, 7, 8]))
    drift = model.drift(model.score(spenders([1.5, 1.6, 1.7, 7.5, None])))
    # Without a value: the worst band, as in the fit.
    assert drift.bands["clients_fit"].to_list() == [2, 2, 2, 2]
    assert drift.bands["clients_today"].to_list() == [4, 0, 0, 1]
    assert drift.bands["share_today"].to_list() == [0.8, 0.0, 0.0, 0.2]
    assert drift.indices == {"monetary": stability_index([2, 2, 2, 2], [4, 0, 0, 1])}


def test_scores_without_points_are_refused() -> None:
    model = MONEY.fit(spenders([1.0, 2, 3, 4]))
    with pytest.raises(grc.ColumnError, match="the scores have no column 'm'"):
        model.drift(pl.DataFrame({"client_id": [1]}))


def test_a_run_with_a_saved_model_shows_both_sizes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    days = [f"2026-01-{day:02}" for day in range(1, 11)]
    sales = pl.DataFrame({"client_id": range(10), "date": days, "amount": range(1, 11)})
    sales.write_csv("before.csv")
    sales.with_columns(amount=pl.lit(100)).write_csv("today.csv")
    options = ("-o", "-", "--as-of", "2026-01-31", "--frequency-bands", "2")
    assert main(["score", "before.csv", *options, "--model-out", "rfm.json"]) == 0
    assert "stability" not in capfd.readouterr().err

    code = main(
        ["score", "today.csv", "-o", "-", "--as-of", "2026-01-31", "--model-in", "rfm.json"]
    )

    err = capfd.readouterr().err
    assert code == 0
    money = [line.split() for line in err.splitlines() if line.startswith("monetary ")]
    # criterion, band, points, from, to, clients and share of the fit, and of today
    assert [row[-4::2] for row in money] == [["2", "0"]] * 4 + [["2", "10"]]
    index = 4 * (0.0001 - 0.2) * math.log(0.0001 / 0.2) + (1 - 0.2) * math.log(1 / 0.2)
    assert f"monetary: population stability index {index:.3f}: much has changed" in err
    assert "so fit the thresholds again" in err
    assert "frequency: population stability index 0.000: little has changed" in err
