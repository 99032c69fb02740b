"""RFM scores, client by client, against the oracle and against pandas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import grc_fast as grc
import oracle
from oracle import Criterion, Row, Spec
from strategies import AS_OF, client_frames, lines_of, messy_sales, rfm_of, sales_frames, specs

R, F, M = Criterion("recency"), Criterion("orders"), Criterion("total")

SPECS = {
    "default": Spec(),
    "two bins": Spec(bins=2),
    "seven bins": Spec(bins=7),
    "hundred bins": Spec(bins=100),
    "split": Spec(ties="split"),
    "split, seven bins": Spec(ties="split", bins=7),
    "linear": Spec(edges="linear"),
    "linear, ten bins": Spec(edges="linear", bins=10),
    "split descending": Spec(ties="split_descending"),
    "split descending, seven bins": Spec(ties="split_descending", bins=7),
    "r-rfm": Spec(edges="r-rfm"),
    "r-rfm, seven bins": Spec(edges="r-rfm", bins=7),
    "lines": Spec(frequency=replace(F, measure="lines")),
    "active days": Spec(frequency=replace(F, measure="active_days")),
    "mean gap": Spec(frequency=replace(F, measure="mean_gap")),
    "mean gap, split": Spec(frequency=replace(F, measure="mean_gap", ties="split")),
    "mean gap, linear": Spec(frequency=replace(F, measure="mean_gap", edges="linear")),
    "mean gap thresholds": Spec(frequency=Criterion("mean_gap", bands=(7, 30.5, 90))),
    "mean basket": Spec(monetary=replace(M, measure="mean_basket")),
    "last basket": Spec(monetary=replace(M, measure="last_basket")),
    "max basket": Spec(monetary=replace(M, measure="max_basket")),
    "recency thresholds": Spec(recency=replace(R, bands=("3w", "2mo", "6mo", "1y"))),
    "quarters and years": Spec(recency=replace(R, bands=("10d", "1q", "2q", "2y"))),
    "one threshold": Spec(recency=replace(R, bands=("6mo",))),
    "frequency thresholds": Spec(frequency=replace(F, bands=(2, 3, 5))),
    "money thresholds": Spec(monetary=replace(M, bands=(-5, 0, 9.99, 20.0, 100))),
    "whole weights": Spec(recency=replace(R, weight=3), monetary=replace(M, weight=2.0)),
    "fractional weights": Spec(
        recency=replace(R, weight=0.1),
        frequency=replace(F, weight=0.7),
        monetary=replace(M, weight=1.3),
    ),
    "two groups": Spec(groups=2),
    "ten groups": Spec(groups=10),
    "ten groups of a coarse score": Spec(groups=10, bins=2),
    "groups of a split score": Spec(ties="split", groups=7),
    "recency alone": Spec(frequency=None, monetary=None),
    "frequency alone": Spec(recency=None, monetary=None),
    "monetary alone": Spec(recency=None, frequency=None),
    "without recency": Spec(recency=None),
    "without frequency": Spec(frequency=None),
    "without monetary": Spec(monetary=None),
    "windows": Spec(
        frequency=replace(F, window="6mo"), monetary=replace(M, measure="mean_basket", window="1y")
    ),
    "a recency window": Spec(recency=replace(R, window="1y")),
    "three windows": Spec(
        recency=replace(R, window="2y"),
        frequency=replace(F, measure="mean_gap", window="1q"),
        monetary=replace(M, measure="last_basket", window="13mo"),
    ),
    "a split window": Spec(frequency=replace(F, window="6mo", ties="split", bins=4)),
    "own bins": Spec(
        recency=replace(R, bins=3), frequency=replace(F, bins=9), monetary=replace(M, bins=2)
    ),
    "own bins past nine": Spec(monetary=replace(M, bins=10)),
    "own ties and edges": Spec(
        recency=replace(R, ties="split"), monetary=replace(M, edges="linear", bins=8)
    ),
    "own order and edges": Spec(
        recency=replace(R, ties="split_descending"), monetary=replace(M, edges="r-rfm", bins=8)
    ),
    "returns dropped": Spec(returns="drop"),
    "returns kept": Spec(returns="keep"),
    "returns kept, last basket": Spec(returns="keep", monetary=replace(M, measure="last_basket")),
}


def expected_columns(spec: Spec) -> list[str]:
    """The columns of a score, in order."""
    letters = [letter for letter, _ in spec.criteria()]
    sizes = [spec.size(criterion) for _, criterion in spec.criteria()]
    dates = ["first_purchase", "last_purchase"]
    return [
        "client_id",
        *dates,
        *(oracle.COLUMNS[letter] for letter in letters),
        *letters,
        *(["rfm"] if max(sizes) <= 9 else []),
        "points",
        "group",
        "segment",
    ]


def assert_scores(found: pl.DataFrame, expected: Sequence[Row], spec: Spec) -> None:
    """Every client has the oracle's points, digits, sum, group and segment."""
    letters = [letter for letter, _ in spec.criteria()]
    columns = ["client_id", *letters, "points", "group", "segment"]
    rows = found.with_columns(pl.col("segment").cast(pl.String)).select(columns).to_dicts()
    assert rows == [{name: row[name] for name in columns} for row in expected]
    if "rfm" in found.columns:
        digits = [
            None if row["points"] is None else int("".join(str(row[letter]) for letter in letters))
            for row in expected
        ]
        assert found["rfm"].to_list() == digits


def scored_by_oracle(rows: Sequence[Row], spec: Spec, as_of: date = AS_OF) -> list[Row]:
    """Fit and score by the oracle."""
    return oracle.score(oracle.fit(spec, rows, as_of), rows, as_of)


# --- The oracle itself, by hand ----------------------------------------------------------------


def test_the_oracle_scores_a_base_worked_by_hand() -> None:
    # Ten clients: recency 10 .. 100 days, one order but for two, money 1 .. 10.
    rows = [
        {
            "client_id": i,
            "first_purchase": AS_OF - timedelta(days=400),
            "last_purchase": AS_OF - timedelta(days=10 * i),
            "recency": 10 * i,
            "frequency": {9: 2, 10: 3}.get(i, 1),
            "monetary": float(i),
        }
        for i in range(1, 11)
    ]

    scores = scored_by_oracle(rows, Spec())

    # Frequency edges are 1, 1, 1, 1: one order is band 1, two and three are band 5.
    assert [row["r"] for row in scores] == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
    assert [row["f"] for row in scores] == [1, 1, 1, 1, 1, 1, 1, 1, 5, 5]
    assert [row["m"] for row in scores] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert [row["points"] for row in scores] == [7, 7, 7, 7, 7, 7, 7, 7, 11, 11]
    # The eight are of the ranks 3 to 10, whose middle, 6.5, is after the ends 2, 4 and 6.
    assert [row["group"] for row in scores] == [4] * 8 + [1, 1]
    assert [row["segment"] for row in scores] == (
        ["new"] * 4 + ["about to sleep"] * 2 + ["at risk"] * 2 + ["can't lose"] * 2
    )


CODES_WON = {
    "champions": 8,
    "can't lose": 8,
    "loyal": 22,
    "new": 4,
    "potential loyalist": 20,
    "promising": 6,
    "need attention": 6,
    "about to sleep": 9,
    "lost": 6,
    "hibernating": 12,
    "at risk": 24,
}


def every_code(tenure: int) -> pl.DataFrame:
    """A client for each of the 125 codes, so placed that quintiles give it that code."""
    codes = [(r, f, m) for r in range(1, 6) for f in range(1, 6) for m in range(1, 6)]
    recency = [(6 - r) * 10 for r, _, _ in codes]
    return pl.DataFrame(
        {
            "client_id": [100 * r + 10 * f + m for r, f, m in codes],
            "first_purchase": [AS_OF - timedelta(days=max(tenure, days)) for days in recency],
            "last_purchase": [AS_OF - timedelta(days=days) for days in recency],
            "recency": pl.Series(recency, dtype=pl.Int32),
            "frequency": pl.Series([f for _, f, _ in codes], dtype=pl.UInt32),
            "monetary": [float(m) for _, _, m in codes],
        }
    )


def test_the_classic_table_wins_the_published_number_of_codes() -> None:
    frame = every_code(tenure=91)

    scores = grc.RFM().fit(frame).score(frame)

    assert scores["rfm"].to_list() == frame["client_id"].to_list()
    won = dict(scores["segment"].cast(pl.String).value_counts().rows())
    assert won == CODES_WON
    assert_scores(scores, scored_by_oracle(frame.to_dicts(), Spec()), Spec())


# 87 codes are neither champions, can't lose nor loyal.
@pytest.mark.parametrize(("tenure", "new"), [(90, 87), (91, 4)])
@pytest.mark.parametrize("as_of", [None, AS_OF])
@pytest.mark.parametrize("lazy", [False, True])
def test_a_young_client_is_new_unless_it_buys_often(
    tenure: int, new: int, as_of: date | None, lazy: bool
) -> None:
    frame = every_code(tenure)
    model = grc.RFM().fit(frame, as_of=as_of)

    scores = model.score(frame.lazy() if lazy else frame, as_of=as_of).lazy().collect()

    segments = scores["segment"].cast(pl.String).to_list()
    assert segments == [row["segment"] for row in scored_by_oracle(frame.to_dicts(), Spec())]
    assert segments.count("new") == new


@pytest.mark.parametrize(("days", "segment"), [(90, "new"), (91, "about to sleep")])
def test_the_tenure_of_sales_is_counted_from_the_first_purchase(days: int, segment: str) -> None:
    # The client in question buys twice: in the middle of the base by recency.
    rows = [(c, AS_OF - timedelta(days=10 * c), 1.0 * c) for c in range(1, 6)]
    rows += [(3, AS_OF - timedelta(days=days), 1.0), *[(c, AS_OF, 9.0) for c in (1, 2) * 3]]
    sold = pl.DataFrame(rows, schema=["client_id", "date", "amount"], orient="row")
    rfm = grc.RFM(frequency=grc.Frequency(bands=[2, 3, 4, 5]))

    scores = grc.score_rfm(sold, as_of=AS_OF, rfm=rfm).scores

    found = scores.with_columns(pl.col("segment").cast(pl.String)).row(2, named=True)
    assert (found["r"], found["f"]) == (3, 2)
    assert found["segment"] == segment


def test_without_dates_nobody_is_young() -> None:
    frame = every_code(tenure=1).drop("first_purchase", "last_purchase")

    segments = grc.RFM().fit(frame).score(frame)["segment"].cast(pl.String)

    assert dict(segments.value_counts().rows()) == CODES_WON


# --- Messy sales -------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [None, "ticket"])
@pytest.mark.parametrize("name", SPECS)
def test_scores_of_messy_sales_match_the_oracle(name: str, order: str | None) -> None:
    spec = SPECS[name]
    frame = messy_sales(11 + (order is None))
    rows = oracle.rfm_rows(
        lines_of(frame, order=order), spec, as_of=AS_OF, has_order=order is not None
    )

    result = grc.score_rfm(frame, as_of=AS_OF, order=order, rfm=rfm_of(spec))

    assert len(rows) > 40
    assert result.scores.columns == expected_columns(spec)
    assert_scores(result.scores, scored_by_oracle(rows, spec), spec)
    for column in [oracle.COLUMNS[letter] for letter, _ in spec.criteria()]:
        assert result.scores[column].to_list() == [row[column] for row in rows]


@pytest.mark.parametrize("name", SPECS)
def test_the_steps_and_the_one_line_agree(name: str) -> None:
    rfm = rfm_of(SPECS[name])
    frame = messy_sales(13)
    one_line = grc.score_rfm(frame, as_of=AS_OF, order="ticket", rfm=rfm)

    facts = rfm.facts(frame, as_of=AS_OF, order="ticket")
    model = rfm.fit(facts)

    assert_frame_equal(model.score(facts), one_line.scores, check_exact=True)
    assert_frame_equal(
        rfm.score(frame, as_of=AS_OF, order="ticket").scores, one_line.scores, check_exact=True
    )


@settings(max_examples=2 * settings.default.max_examples)
@given(sales_frames(min_size=3, max_size=60), specs(), st.sampled_from([None, "ticket"]))
def test_scores_of_any_sales_match_the_oracle(
    frame: pl.DataFrame, spec: Spec, order: str | None
) -> None:
    rows = oracle.rfm_rows(
        lines_of(frame, order=order), spec, as_of=AS_OF, has_order=order is not None
    )
    rfm = rfm_of(spec)

    facts = rfm.facts(frame, as_of=AS_OF, order=order)
    if not rows:
        assert facts.frame.height == 0
        return
    scores = rfm.fit(facts).score(facts)

    assert_scores(scores, scored_by_oracle(rows, spec), spec)


# --- Small bases -------------------------------------------------------------------------------

SMALL = {
    "one client": [(1, 10, 1, 5.0)],
    "two clients": [(1, 10, 1, 5.0), (2, 20, 2, 6.0)],
    "all equal": [(i, 10, 1, 5.0) for i in range(20)],
    "fewer clients than bands": [(i, i, i, float(i)) for i in range(1, 4)],
    "money without end": [
        (1, 1, 1, float("inf")),
        (2, 2, 1, float("-inf")),
        (3, 3, 1, float("nan")),
        (4, 4, 1, None),
        (5, 5, 1, 0.0),
        (6, 6, 1, -0.0),
        (7, 7, 1, float("inf")),
    ],
    "no recency": [(1, None, 1, 5.0), (2, 3, 2, 6.0), (3, None, 3, 7.0), (4, 5, 4, 8.0)],
}


def client_level(rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    """A table of clients with their criteria."""
    return pl.DataFrame(
        rows,
        schema={
            "client_id": pl.Int64,
            "recency": pl.Int32,
            "frequency": pl.UInt32,
            "monetary": pl.Float64,
        },
        orient="row",
    )


@pytest.mark.parametrize("ties", ["together", "split", "split_descending"])
@pytest.mark.parametrize("bins", [2, 5, 100])
@pytest.mark.parametrize("name", SMALL)
def test_small_bases_match_the_oracle(name: str, bins: int, ties: str) -> None:
    spec = Spec(bins=bins, ties=ties)
    frame = client_level(SMALL[name])

    scores = rfm_of(spec).fit(frame).score(frame)

    assert_scores(scores, scored_by_oracle(frame.to_dicts(), spec), spec)


ID_KINDS = {
    "negative": [-5, -(2**63), 3, 0, 2**63 - 1, 7, -1],
    "beyond 2^63": [2**63, 2**64 - 1, 0, 5, 2**63 - 1, 2**53 + 1, 2**53],
    "text": ["b", "é", "Z", "a longer one than twelve", "", "a\0", "a longer one than eleven"],
}


@pytest.mark.parametrize("ties", ["split", "split_descending"])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("kind", ID_KINDS)
def test_split_bands_cut_ties_by_client_id(kind: str, shuffle: bool, ties: str) -> None:
    dtype = {"beyond 2^63": pl.UInt64, "text": pl.String}.get(kind, pl.Int64)
    frame = pl.DataFrame(
        {
            "client_id": pl.Series(ID_KINDS[kind], dtype=dtype),
            "recency": [4, 4, 4, 4, 4, 4, 4],
            "frequency": [1, 1, 1, 2, 2, 2, 2],
            "monetary": [3.0, 3.0, 3.0, 3.0, 1.0, 1.0, float("inf")],
        }
    )
    spec = Spec(ties=ties, bins=3)
    rows = sorted(frame.to_dicts(), key=lambda row: oracle.client_order(row["client_id"]))

    model = rfm_of(spec).fit(frame[::-1] if shuffle else frame)
    loaded = grc.RFMModel.from_dict(model.to_dict())

    assert_scores(model.score(frame), scored_by_oracle(rows, spec), spec)
    assert_scores(loaded.score(frame), scored_by_oracle(rows, spec), spec)


@pytest.mark.parametrize("form", ["polars", "pandas", "pyarrow"])
def test_client_level_input_may_be_any_table(form: str) -> None:
    frame = client_level([(i, i % 7, i % 3, float(i % 5)) for i in range(40)])
    given_table: Any = {
        "polars": frame,
        "pandas": frame.to_pandas(),
        "pyarrow": frame.to_arrow(),
    }[form]

    scores = grc.RFM().fit(given_table).score(given_table)

    assert_scores(scores, scored_by_oracle(frame.to_dicts(), Spec()), Spec())


# --- Decimal money -----------------------------------------------------------------------------


def decimal_sales(totals: Sequence[str], scale: int) -> pl.DataFrame:
    """One purchase a client."""
    amounts = pl.Series([Decimal(total) for total in totals], dtype=pl.Decimal(38, scale))
    return pl.DataFrame(
        {"client_id": range(len(totals)), "date": [AS_OF] * len(totals), "amount": amounts}
    )


def test_decimal_money_stays_decimal_and_is_scored_as_money() -> None:
    totals = ["1.10", "22.00", "3.30", "4.44", "0.05"]

    scores = grc.score_rfm(decimal_sales(totals, 2), as_of=AS_OF).scores

    assert scores["monetary"].dtype == pl.Decimal(38, 2)
    assert scores["monetary"].to_list() == [Decimal(total) for total in totals]
    assert scores["m"].to_list() == [2, 5, 3, 4, 1]


def test_a_mean_basket_of_decimals_is_divided_once() -> None:
    sold = pl.concat([decimal_sales(["0.33", "1.00"], 2)] * 2 + [decimal_sales(["0.34"], 2)])
    rfm = grc.RFM(monetary=grc.Monetary("mean_basket"))

    means = grc.score_rfm(sold, as_of=AS_OF, rfm=rfm).scores["monetary"].to_list()

    assert float(means[0]) == pytest.approx(1 / 3, abs=1e-6)
    assert means[1] == 1


# --- The client base ---------------------------------------------------------------------------

BASE_SALES = pl.DataFrame(
    [
        (1, date(2026, 8, 1), 5.0),
        (1, date(2025, 1, 1), 7.0),
        (2, date(2025, 1, 1), 5.0),
        (3, date(2026, 8, 30), -1.0),
        (5, date(2026, 8, 2), 9.0),
    ],
    schema=["client_id", "date", "amount"],
    orient="row",
)
BASE = pl.DataFrame({"client_id": [4, 3, 2, 1]})


def test_the_base_gets_a_row_each_and_only_the_scored_have_points() -> None:
    rfm = grc.RFM(recency=grc.Recency(window="1y"), bins=2, groups=2)

    result = grc.score_rfm(BASE_SALES, as_of=AS_OF, rfm=rfm, clients=BASE)

    assert result.scores.columns[:3] == ["client_id", "status", "first_purchase"]
    assert result.scores.with_columns(pl.col("status").cast(pl.String)).select(
        "client_id", "status", "recency", "r", "f", "m", "points", "group"
    ).rows() == [
        (1, "scored", 30, 1, 2, 2, 5, 1),
        (2, "out_of_window", None, None, None, None, None, None),
        (3, "returns_only", None, None, None, None, None, None),
        (4, "never_bought", None, None, None, None, None, None),
        (5, "scored", 29, 2, 1, 1, 4, 2),
    ]


def test_the_base_changes_no_score() -> None:
    sold = messy_sales(28)
    base = pl.DataFrame({"client_id": range(-100, 300)})
    alone = grc.score_rfm(sold, as_of=AS_OF, order="ticket").scores

    based = grc.score_rfm(sold, as_of=AS_OF, order="ticket", clients=base).scores

    scored = based.filter(pl.col("status").cast(pl.String) == "scored").drop("status")
    assert_frame_equal(scored, alone, check_exact=True)


def test_without_a_base_only_scored_clients_have_rows() -> None:
    rfm = grc.RFM(recency=grc.Recency(window="1y"))

    facts = rfm.facts(BASE_SALES, as_of=AS_OF)

    assert facts.frame["client_id"].to_list() == [1, 5]
    assert "status" not in facts.frame.columns
    assert facts.quality.clients_out_of_window == 1
    assert facts.quality.clients_returns_only == 1


@settings(max_examples=3 * settings.default.max_examples // 2)
@given(client_frames(), specs())
def test_scores_of_any_clients_match_the_oracle(frame: pl.DataFrame, spec: Spec) -> None:
    # Interpolation between infinities has no meaning.
    interpolated = any((c.edges or spec.edges) in ("linear", "r-rfm") for _, c in spec.criteria())
    assume(not (interpolated and frame["monetary"].is_infinite().any()))
    rows = frame.sort("client_id").to_dicts()
    assume(any(oracle.is_scored(spec, row) for row in rows))

    model = rfm_of(spec).fit(frame, as_of=AS_OF)
    scores = model.score(frame, as_of=AS_OF)

    assert_scores(scores, scored_by_oracle(rows, spec), spec)
    if not is_split(spec):
        lazy = model.score(frame.sort("client_id").lazy(), as_of=AS_OF).collect()
        assert_frame_equal(lazy, scores, check_exact=True)


# --- pandas.qcut -------------------------------------------------------------------------------


@pytest.mark.parametrize("bins", [2, 3, 5, 10, 64])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_linear_bands_are_pandas_qcut_client_by_client(bins: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 700
    table = pd.DataFrame(
        {
            "client_id": np.arange(n),
            "recency": rng.permutation(n).astype(np.int32),
            "frequency": rng.permutation(n).astype(np.uint32),
            "monetary": rng.lognormal(3, 1.5, n).round(2),
        }
    )

    scores = grc.RFM(bins=bins, edges="linear").fit(table).score(table)

    codes = {c: pd.qcut(table[c], bins, labels=False) for c in table.columns[1:]}
    assert scores["r"].to_list() == (bins - codes["recency"]).to_list()
    assert scores["f"].to_list() == (1 + codes["frequency"]).to_list()
    assert scores["m"].to_list() == (1 + codes["monetary"]).to_list()


# --- Thresholds --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "last_purchase", "points"),
    [
        # 31 May - 3mo = 28 February: a purchase after it is less than three months old.
        (date(2026, 5, 31), date(2026, 3, 1), 2),
        (date(2026, 5, 31), date(2026, 2, 28), 1),
        (date(2024, 5, 31), date(2024, 3, 1), 2),
        (date(2024, 5, 31), date(2024, 2, 29), 1),
        (date(2024, 5, 31), date(2024, 2, 28), 1),
        (date(2026, 5, 15), date(2026, 2, 16), 2),
        (date(2026, 5, 15), date(2026, 2, 15), 1),
    ],
)
def test_months_count_back_from_as_of(as_of: date, last_purchase: date, points: int) -> None:
    frame = pl.DataFrame({"client_id": [1], "date": [last_purchase], "amount": [1.0]})
    rfm = grc.RFM(grc.Recency(["3mo"]), frequency=None, monetary=None)

    scores = grc.score_rfm(frame, as_of=as_of, rfm=rfm).scores

    assert scores["r"].to_list() == [points]


def test_a_threshold_belongs_to_the_band_above_it() -> None:
    frame = client_level([(i, i, i, i / 2) for i in (19, 20, 21, 22)])
    rfm = grc.RFM(grc.Recency(["3w"]), grc.Frequency(bands=[21]), grc.Monetary(bands=[10, 10.5]))

    scores = rfm.fit(frame, as_of=AS_OF).score(frame, as_of=AS_OF)

    assert scores["r"].to_list() == [2, 2, 1, 1]
    assert scores["f"].to_list() == [1, 1, 2, 2]
    assert scores["m"].to_list() == [1, 2, 3, 3]


def test_calendar_thresholds_move_with_the_day_of_the_score() -> None:
    # Two months before 31 August is 30 June, 62 days; before 31 March 31 January, 59 days.
    frame = client_level([(days, days, 1, 1.0) for days in (58, 59, 60, 61, 62)])
    model = grc.RFM(grc.Recency(["2mo"]), None, None).fit(frame, as_of=AS_OF)

    august, march = (
        model.score(frame, as_of=day)["r"].to_list() for day in (AS_OF, date(2026, 3, 31))
    )

    assert august == [2, 2, 2, 2, 1]
    assert march == [2, 1, 1, 1, 1]


# --- A frozen model ----------------------------------------------------------------------------

FROZEN = [name for name in SPECS if "returns" not in name]


@pytest.mark.parametrize("name", FROZEN)
def test_a_frozen_model_scores_other_clients_as_the_oracle(name: str) -> None:
    spec = SPECS[name]
    learnt, later = (
        oracle.rfm_rows(
            lines_of(messy_sales(seed), order="ticket"), spec, as_of=AS_OF, has_order=True
        )
        for seed in (21, 22)
    )
    model = rfm_of(spec).fit(rfm_of(spec).facts(messy_sales(21), as_of=AS_OF, order="ticket"))

    scores = model.score(rfm_of(spec).facts(messy_sales(22), as_of=AS_OF, order="ticket"))

    expected = oracle.score(oracle.fit(spec, learnt, AS_OF), later, AS_OF)
    assert_scores(scores, expected, spec)


def is_split(spec: Spec) -> bool:
    return any(
        (criterion.ties or spec.ties) != "together" and not criterion.bands
        for _, criterion in spec.criteria()
    )


@pytest.mark.parametrize("name", [name for name in FROZEN if not is_split(SPECS[name])])
def test_the_lazy_form_is_the_eager_one(name: str) -> None:
    rfm = rfm_of(SPECS[name])
    facts = rfm.facts(messy_sales(23), as_of=AS_OF, order="ticket")
    other = rfm.facts(messy_sales(24), as_of=AS_OF, order="ticket")
    model = rfm.fit(facts)

    lazy = model.score(other.frame.lazy(), as_of=AS_OF)

    assert isinstance(lazy, pl.LazyFrame)
    assert_frame_equal(lazy.collect(), model.score(other), check_exact=True)


@pytest.mark.parametrize("name", [name for name in FROZEN if is_split(SPECS[name])])
def test_a_split_model_has_no_lazy_form(name: str) -> None:
    rfm = rfm_of(SPECS[name])
    facts = rfm.facts(messy_sales(23), as_of=AS_OF, order="ticket")

    with pytest.raises(grc.ModelError):
        rfm.fit(facts).score(facts.frame.lazy(), as_of=AS_OF)


@pytest.mark.parametrize("name", SPECS)
def test_a_saved_model_gives_the_same_bits(name: str, tmp_path: Path) -> None:
    rfm = rfm_of(SPECS[name])
    model = rfm.fit(rfm.facts(messy_sales(25), as_of=AS_OF, order="ticket"))
    other = rfm.facts(messy_sales(26), as_of=AS_OF, order="ticket")
    model.save(tmp_path / "rfm.json")

    loaded = grc.RFMModel.load(tmp_path / "rfm.json")
    loaded.save(tmp_path / "again.json")

    assert_frame_equal(loaded.score(other), model.score(other), check_exact=True)
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "rfm.json").read_bytes()
    assert grc.RFMModel.from_dict(model.to_dict()).to_dict() == model.to_dict()


# --- Explanations ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SPECS)
def test_an_explanation_adds_up(name: str) -> None:
    rfm = rfm_of(SPECS[name])
    facts = rfm.facts(messy_sales(27), as_of=AS_OF, order="ticket")
    model = rfm.fit(facts)

    for row in model.score(facts).gather_every(6).iter_rows(named=True):
        told = model.explain(facts, client_id=row["client_id"])

        assert told.points == sum(part.contribution for part in told.criteria) == row["points"]
        assert (told.rfm, told.group, told.segment) == (
            row.get("rfm"),
            row["group"],
            row["segment"],
        )
        assert lies_between(told.group_low, told.points, told.group_high, closed="left")
        for (letter, criterion), part in zip(SPECS[name].criteria(), told.criteria, strict=True):
            assert part.points == row[letter]
            assert part.weight == criterion.weight
            assert part.contribution == criterion.weight * row[letter]
            assert part.value == row[oracle.COLUMNS[letter]]
            small = oracle.smaller_is_better(criterion)
            assert part.points == (part.bands + 1 - part.band if small else part.band)
            if part.value is not None:
                closed = "both" if is_split(SPECS[name]) else part.closed
                assert lies_between(part.low, part.value, part.high, closed=closed)


def lies_between(low: Any, value: Any, high: Any, *, closed: str) -> bool:
    """Whether a value lies in a range, None being an open end."""
    above = low is None or low < value or (low == value and closed in ("left", "both"))
    below = high is None or value < high or (value == high and closed in ("right", "both"))
    return above and below


def test_an_explanation_of_a_client_worked_by_hand() -> None:
    frame = client_level([(1, 3, 9, 80.0), (2, 90, 1, 20.0), (3, 30, 4, 50.0)])
    rfm = grc.RFM(monetary=grc.Monetary(bands=[50], weight=2), bins=3, groups=3)

    told = rfm.fit(frame).explain(frame, client_id=3)

    recency, frequency, monetary = told.criteria
    assert (recency.value, recency.low, recency.high, recency.points) == (30, 3, 30, 2)
    assert (frequency.value, frequency.low, frequency.high, frequency.points) == (4, 1, 4, 2)
    assert (monetary.value, monetary.low, monetary.high, monetary.points) == (50, 50, None, 2)
    assert (monetary.weight, monetary.contribution) == (2, 4)
    assert (told.points, told.group, told.group_low, told.group_high) == (8, 2, 8, 10)
    # Points 2, 2 of three and 2 of two are 3, 3 and 4 of five.
    assert told.segment == "need attention"


def test_an_explanation_of_nobody_is_an_error() -> None:
    frame = client_level([(1, 3, 9, 80.0)])

    with pytest.raises(grc.DataError, match="77"):
        grc.RFM().fit(frame).explain(frame, client_id=77)
