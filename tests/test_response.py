"""Response: rates counted by hand, shrinkage and attribution by their definitions."""

from __future__ import annotations

import datetime as dt
import json
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

import grc_fast as grc
from grc_fast import _core
from grc_fast.campaigns.shrinkage import Cell, shrink
from grc_fast.cli import main

DAY = dt.date(2026, 3, 1)


def mailing(answers: list[bool], **columns) -> pl.DataFrame:
    """One campaign to clients 0, 1, 2, …."""
    frame = pl.DataFrame({"client_id": range(len(answers)), "responded": answers})
    return frame.with_columns(campaign=pl.lit("spring"), contacted_on=pl.lit(DAY), **columns)


def scores(groups: list[int]) -> pl.DataFrame:
    return pl.DataFrame({"client_id": range(len(groups)), "group": groups})


@pytest.fixture(scope="module")
def base() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Scores of 3,000 clients, and two campaigns with a control group, better groups answering."""
    rng = np.random.default_rng(4)
    digits = rng.integers(1, 6, size=(3000, 3))
    table = pl.DataFrame(digits, schema=dict.fromkeys(("r", "f", "m"), pl.UInt8))
    table = table.with_columns(
        client_id=pl.int_range(pl.len()),
        group=6 - ((pl.col("r") + pl.col("f") + pl.col("m")) / 3).round().cast(pl.UInt8),
        segment=pl.when(pl.col("r") > 3).then(pl.lit("active")).otherwise(pl.lit("asleep")),
    )
    rows = []
    for campaign, day in (("spring", DAY), ("summer", DAY + dt.timedelta(days=90))):
        chance = 0.01 + 0.04 * digits.mean(axis=1) / 5
        control = rng.random(3000) < 0.2
        answered = rng.random(3000) < np.where(control, 0.01, chance)
        rows.append(
            pl.DataFrame({"client_id": range(3000), "control": control, "responded": answered})
            .with_columns(campaign=pl.lit(campaign), contacted_on=pl.lit(day))
            .with_columns(spend=pl.when("responded").then(20.0).otherwise(0.0))
        )
    return table, pl.concat(rows)


# Break-even


def test_the_break_even_of_the_course():
    assert grc.break_even(cost=0.55, margin=40) == pytest.approx(0.01375)
    assert grc.break_even_index(0.025, cost=0.55, margin=40) == pytest.approx(81.82, abs=0.005)
    for wrong in (0, -1, math.nan, "3", True):
        with pytest.raises(grc.OptionError, match="cost must be"):
            grc.break_even(cost=wrong, margin=40)


# Rates


def test_rates_are_counts(base):
    table, campaigns = base
    report = grc.response(table, campaigns)
    both = campaigns.join(table, on="client_id")
    for level, frame in (("group", report.groups), ("segment", report.segments)):
        treated = both.filter(~pl.col("control")).group_by(level).agg(
            contacts=pl.len(), responses=pl.col("responded").sum(), spend=pl.col("spend").mean()
        ).sort(level)  # fmt: skip
        assert frame[level].to_list() == treated[level].to_list()
        assert frame["contacts"].to_list() == treated["contacts"].to_list()
        assert frame["responses"].to_list() == treated["responses"].to_list()
        assert frame["spend"].to_list() == pytest.approx(treated["spend"].to_list())
        held = both.filter("control").group_by(level).agg(pl.col("responded").mean()).sort(level)
        assert frame["control_rate"].to_list() == pytest.approx(held["responded"].to_list())
        assert (frame["incremental"] - (frame["rate"] - frame["control_rate"])).abs().max() < 1e-15
        assert (frame["lift"] - frame["shrunk"] / report.rate).abs().max() < 1e-12
    assert report.cells["contacts"].sum() == report.contacts
    assert report.cells["cell"][0] == "555"
    assert report.kind == "incremental"


def test_without_a_control_group_every_figure_is_called_raw(base, tmp_path):
    table, campaigns = base
    raw = grc.response(table, campaigns.drop("control"))
    assert raw.kind == "raw, not incremental"
    assert raw.control_rate is None
    assert "incremental" not in raw.groups.columns
    assert "raw, not incremental" in str(raw)
    assert raw.calibrate(table)["kind"].unique().to_list() == ["raw, not incremental"]
    raw.save(tmp_path / "raw.json")
    assert json.loads((tmp_path / "raw.json").read_text())["kind"] == "raw, not incremental"


def test_what_contacts_add_has_the_interval_of_agresti_and_caffo(base):
    table, campaigns = base
    row = grc.response(table, campaigns).groups.row(1, named=True)
    p = [
        (row["responses"] + 1) / (row["contacts"] + 2),
        (row["control_rate"] * row["control_contacts"] + 1) / (row["control_contacts"] + 2),
    ]
    n = [row["contacts"] + 2, row["control_contacts"] + 2]
    half = stats.norm.ppf(0.975) * math.sqrt(
        sum(x * (1 - x) / k for x, k in zip(p, n, strict=True))
    )
    assert row["incremental_low"] == pytest.approx(p[0] - p[1] - half)
    assert row["incremental_high"] == pytest.approx(p[0] - p[1] + half)


def test_a_contact_counts_once_a_campaign():
    twice = pl.concat([mailing([True, False]), mailing([False, False])])
    report = grc.response(scores([1, 1]), twice)
    assert (report.contacts, report.responses) == (2, 1)


def test_contacts_without_a_score_are_in_the_totals_and_counted():
    report = grc.response(scores([1, 2]), mailing([True, False, True, False]))
    assert (report.contacts, report.responses, report.unscored) == (4, 2, 2)
    assert report.groups["contacts"].sum() == 2


def test_scores_of_each_campaign_are_used_for_it():
    campaigns = pl.concat(
        [mailing([True]), mailing([False]).with_columns(campaign=pl.lit("summer"))]
    )
    known = pl.DataFrame({"client_id": [0, 0], "campaign": ["spring", "summer"], "group": [1, 3]})
    report = grc.response(known, campaigns)
    assert report.groups.select("group", "rate").rows() == [(1, 1.0), (3, 0.0)]


def test_scores_before_a_campaign_know_nothing_of_what_followed():
    sales = grc.simulate_sales(8_000, 400, seed=2)
    starts = [dt.date(2024, 3, 1), dt.date(2025, 3, 1), dt.date(2020, 1, 1)]
    campaigns = pl.DataFrame({"campaign": ["a", "b", "early"], "contacted_on": starts})
    found = grc.score_before_campaigns(sales, campaigns, order="order_id")
    assert found["campaign"].unique().sort().to_list() == ["a", "b"]
    for campaign, start in (("a", starts[0]), ("b", starts[1])):
        as_of = start - dt.timedelta(days=1)
        alone = grc.score_rfm(sales, as_of=as_of, order="order_id").scores
        assert found.filter(pl.col("campaign") == campaign).drop("campaign").equals(alone)
    with pytest.raises(grc.DataError, match="before every sale"):
        grc.score_before_campaigns(sales, campaigns.filter(pl.col("campaign") == "early"))


# Shrinkage


cells = st.lists(
    st.tuples(st.integers(1, 400), st.floats(0, 1)).map(lambda p: (p[0], round(p[0] * p[1]))),
    min_size=2,
    max_size=9,
)


@given(cells, st.booleans())
def test_shrunk_rates_are_those_of_the_most_likely_prior(counts, ordered):
    found, strength = shrink(
        [Cell((place,), *pair) for place, pair in enumerate(counts)], ordered=ordered
    )
    n, s = np.array(counts).T
    base = (s.sum() + 0.5) / (n.sum() + 1)
    place = np.arange(len(n))
    near = np.abs(place[:, None] - place[None, :])
    near = (near == 1) if ordered else (near > 0)
    known = near @ n + 10
    mean = (near @ s + 10 * base) / known

    def likelihood(log):
        k = np.minimum(np.exp(log), known)
        return -0.5 * log + np.sum(
            special.betaln(k * mean + s, k * (1 - mean) + n - s)
            - special.betaln(k * mean, k * (1 - mean))
        )

    best = max(likelihood(log) for log in np.linspace(math.log(0.5), math.log(1e6), 400))
    assert likelihood(math.log(strength)) >= best - 0.02
    k = np.minimum(strength, known)
    posterior = stats.beta(k * mean + s, k * (1 - mean) + n - s)
    assert [f.rate for f in found] == pytest.approx(posterior.mean())
    assert [f.low for f in found] == pytest.approx(posterior.ppf(0.025), abs=1e-8)
    assert [f.high for f in found] == pytest.approx(posterior.ppf(0.975), abs=1e-8)
    assert all(f.low <= f.rate <= f.high or f.rate < 1e-3 or f.rate > 0.999 for f in found)


def test_few_contacts_move_to_their_neighbours_and_many_stay():
    found, _ = shrink(
        [Cell((1,), 5000, 500), Cell((2,), 5, 0), Cell((3,), 5000, 250), Cell((4,), 5000, 100)],
        ordered=True,
    )
    assert found[0].rate == pytest.approx(0.1, abs=0.005)
    assert 0.03 < found[1].rate < 0.08
    assert found[1].high - found[1].low > found[0].high - found[0].low


def test_intervals_hold_the_true_rate_as_often_as_they_say():
    rng = np.random.default_rng(8)
    held = total = 0
    for _ in range(60):
        truth = rng.beta(20, 400, size=30)
        n = rng.integers(5, 400, size=30)
        s = rng.binomial(n, truth)
        found, _ = shrink(
            [Cell((i,), int(a), int(b)) for i, (a, b) in enumerate(zip(n, s, strict=True))],
            ordered=False,
        )
        held += sum(f.low <= t <= f.high for f, t in zip(found, truth, strict=True))
        total += 30
    assert 0.91 < held / total < 0.985


@given(st.floats(0.05, 1e4), st.floats(0.05, 1e4), st.floats(0.001, 0.999))
def test_beta_quantiles_are_those_of_scipy(a, b, share):
    expected = stats.beta.ppf(share, a, b)
    assert _core.beta_quantile(a, b, share) == pytest.approx(expected, rel=1e-7, abs=1e-12)


def test_beta_quantiles_of_nothing_are_refused():
    for a, b, share in ((0, 1, 0.5), (1, math.nan, 0.5), (1, 1, 1.5)):
        with pytest.raises(grc.OptionError, match="no quantile"):
            _core.beta_quantile(a, b, share)


# Attribution


def two_contacts() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "client_id": [1, 1, 2],
            "campaign": ["a", "b", "a"],
            "contacted_on": [DAY, DAY + dt.timedelta(days=10), DAY],
        }
    )


def answered(campaigns, responses, **options) -> dict[tuple[int, str], bool]:
    known = pl.DataFrame({"client_id": [1, 1, 2], "campaign": ["a", "b", "a"], "group": [1, 2, 3]})
    report = grc.response(known, campaigns, responses=responses, **options)
    rates = dict(report.groups.select("group", "rate").iter_rows())
    return {(1, "a"): rates[1] > 0, (1, "b"): rates[2] > 0, (2, "a"): rates[3] > 0}


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [("last", {(1, "b")}), ("first", {(1, "a")}), ("all", {(1, "a"), (1, "b")})],
)
def test_an_answer_to_overlapping_campaigns_goes_by_the_rule(overlap, expected):
    responses = pl.DataFrame({"client_id": [1], "date": [DAY + dt.timedelta(days=12)]})
    found = answered(two_contacts(), responses, window="30d", overlap=overlap)
    assert {key for key, value in found.items() if value} == expected


@pytest.mark.parametrize(
    ("day", "counts"), [(-1, False), (0, True), (9, True), (30, True), (31, False)]
)
def test_a_window_holds_both_of_its_ends(day, counts):
    responses = pl.DataFrame({"client_id": [2], "date": [DAY + dt.timedelta(days=day)]})
    assert answered(two_contacts(), responses, window="30d")[2, "a"] is counts


def test_an_answer_that_names_its_campaign_goes_there():
    responses = pl.DataFrame(
        {"client_id": [1], "date": [DAY + dt.timedelta(days=12)], "campaign": ["a"]}
    )
    found = answered(two_contacts(), responses, window="30d")
    assert {key for key, value in found.items() if value} == {(1, "a")}


def test_spend_of_attributed_answers_is_summed():
    responses = pl.DataFrame(
        {"client_id": [2, 2, 2], "date": [DAY, DAY, dt.date(2027, 1, 1)], "spend": [5, 7, 100]}
    )
    campaigns = two_contacts().filter(pl.col("client_id") == 2)
    known = pl.DataFrame({"client_id": [2], "group": [1]})
    report = grc.response(known, campaigns, responses=responses, window="1mo")
    assert report.groups["spend"].to_list() == [12.0]


# Profit, depth, calibration


def test_the_best_depth_is_where_no_further_contact_pays(base):
    table, campaigns = base
    campaigns = campaigns.filter(~pl.col("control"))
    report = grc.response(table, campaigns, cost=0.5, margin=14)
    depth = report.depth
    assert depth["share"][-1] == pytest.approx(1)
    assert depth["caught"][-1] == pytest.approx(1)
    assert depth["best"].sum() == 1
    best = int(depth["best"].arg_max())
    assert depth["profit"][best] == depth["profit"].max()
    rates = dict(report.cells.select("cell", "shrunk").iter_rows())
    ordered = [rates[key] for key in depth["key"]]
    assert ordered == sorted(ordered, reverse=True)
    assert ordered[best] > report.break_even > ordered[best + 1]
    index = report.cells["index"] - 100 * (report.cells["shrunk"] / report.break_even - 1)
    assert index.abs().max() < 1e-9


def test_no_depth_is_best_where_nothing_pays(base):
    table, campaigns = base
    report = grc.response(table, campaigns, cost=50, margin=1)
    assert not report.depth["best"].any()


@pytest.mark.parametrize("by", ["cell", "group", "segment"])
def test_calibration_gives_each_client_the_rate_of_their_place(base, by):
    table, campaigns = base
    report = grc.response(table, campaigns.drop("control"))
    found = grc.calibrate(report, table, by=by)
    rates = {"cell": report.cells, "group": report.groups, "segment": report.segments}[by]
    expected = dict(rates.select(pl.col(by).cast(pl.String), "shrunk").iter_rows())
    keys = table.select(
        cell=pl.concat_str("r", "f", "m"), group=pl.col("group").cast(pl.String), segment="segment"
    )[by]
    assert found["probability"].to_list() == [expected[key] for key in keys]
    assert found.columns == ["client_id", "probability", "low", "high", "kind"]


def test_calibration_is_incremental_with_a_control_group(base):
    table, campaigns = base
    report = grc.response(table, campaigns)
    found = report.calibrate(table, by="group")
    assert found["kind"].unique().to_list() == ["incremental"]
    expected = dict(report.groups.select("group", pl.col("incremental").clip(0, 1)).iter_rows())
    assert found["probability"].to_list() == [expected[group] for group in table["group"]]


def test_calibration_of_a_place_that_no_campaign_touched_is_the_rate_of_all():
    report = grc.response(scores([1, 1, 2, 2]), mailing([True, False, False, False]))
    new = pl.DataFrame({"client_id": [7, 8], "group": [5, None]})
    found = report.calibrate(new, by="group")
    assert found.rows() == [
        (7, 0.25, None, None, "raw, not incremental"),
        (8, None, None, None, "raw, not incremental"),
    ]


# What is wrong


@pytest.mark.parametrize(
    ("change", "options", "error", "why"),
    [
        (lambda c: c.drop("campaign"), {}, grc.ColumnError, "no column 'campaign'"),
        (lambda c: c.drop("responded"), {}, grc.ColumnError, "no column 'responded'"),
        (lambda c: c.with_columns(responded=pl.lit(2)), {}, grc.ColumnError, "true or false"),
        (lambda c: c.with_columns(responded=None), {}, grc.ColumnError, "true or false"),
        (lambda c: c.with_columns(contacted_on=pl.lit("soon")), {}, grc.ColumnError, "no days"),
        (lambda c: c.with_columns(client_id=None), {}, grc.DataError, "nulls in 'client_id'"),
        (lambda c: c.head(0), {}, grc.DataError, "has no contact"),
        (
            lambda c: c.with_columns(pl.col("client_id") + 9),
            {},
            grc.DataError,
            "no contact is with",
        ),
        (
            lambda c: c.with_columns(pl.col("client_id").cast(pl.String)),
            {},
            grc.ColumnError,
            "cast",
        ),
        (lambda c: c, {"window": "30d"}, grc.OptionError, "leave the window out"),
        (lambda c: c, {"responses": []}, grc.OptionError, "need a window"),
        (lambda c: c, {"cost": 1}, grc.OptionError, "go together"),
        (
            lambda c: c,
            {"responses": [], "window": "30d", "overlap": "best"},
            grc.OptionError,
            "overlap cannot be 'best'",
        ),
    ],
)
def test_wrong_tables_and_options_are_one_sentence(change, options, error, why):
    with pytest.raises(error, match=why):
        grc.response(scores([1, 2]), change(mailing([True, False])), **options)


def test_wrong_scores_are_one_sentence():
    campaigns = mailing([True, False])
    with pytest.raises(grc.ColumnError, match="none of r, f, m"):
        grc.response(scores([1, 2]).drop("group"), campaigns)
    with pytest.raises(grc.DataError, match="two rows for one client_id"):
        grc.response(pl.concat([scores([1]), scores([2])]), campaigns)
    with pytest.raises(grc.ColumnError, match="must be a table"):
        grc.response(7, campaigns)
    report = grc.response(scores([1, 2]), campaigns)
    with pytest.raises(grc.ColumnError, match="the report has no cell"):
        report.calibrate(scores([1]))
    with pytest.raises(grc.ColumnError, match="no group"):
        report.calibrate(scores([1]).drop("group"), by="group")
    with pytest.raises(grc.OptionError, match="by cannot be"):
        report.calibrate(scores([1]), by="row")


# The command line


def test_the_command_writes_what_the_library_gives(base, tmp_path, capsys):
    table, campaigns = base
    table.write_parquet(tmp_path / "scores.parquet")
    campaigns.write_csv(tmp_path / "campaigns.csv")
    out = tmp_path / "rates.parquet"
    code = main(
        ["response", str(tmp_path / "scores.parquet"), str(tmp_path / "campaigns.csv"), "-o",
         str(out), "--cost", "0.5", "--margin", "14", "--report", str(tmp_path / "r.svg")]
    )  # fmt: skip
    said = capsys.readouterr()
    report = grc.response(table, campaigns, cost=0.5, margin=14)
    assert code == 0
    assert pl.read_parquet(out).equals(report.table)
    assert "(incremental)" in said.err
    assert "control_rate" in said.out
    assert (tmp_path / "r.svg").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("scores_name", "options", "code", "why"),
    [
        ("absent.parquet", [], 1, "absent.parquet"),
        ("scores.parquet", ["--cost", "1"], 1, "cost and margin go together"),
        ("scores.parquet", ["--report", "r.pdf"], 1, "must be named"),
        ("scores.parquet", ["--overlap", "best"], 2, "best"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(  # noqa: PLR0917
    base, tmp_path, capsys, scores_name, options, code, why
):
    base[0].write_parquet(tmp_path / "scores.parquet")
    base[1].write_parquet(tmp_path / "campaigns.parquet")
    out = tmp_path / "rates.csv"
    arguments = [str(tmp_path / scores_name), str(tmp_path / "campaigns.parquet"), "-o", str(out)]
    assert main(["response", *arguments, *options]) == code
    assert why in capsys.readouterr().err
    assert not out.exists()
