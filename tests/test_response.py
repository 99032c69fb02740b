"""Response: rates counted by hand, attribution by its definition, calibration."""

from __future__ import annotations

import datetime as dt
import json
import math

import numpy as np
import polars as pl
import pytest

import grc_fast as grc
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
    for wrong in (math.nan, "a", None):
        with pytest.raises(grc.OptionError, match="rate must be a finite number"):
            grc.break_even_index(wrong, cost=1, margin=2)


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
        held = both.filter("control").group_by(level).len().sort(level)
        assert frame["control_contacts"].to_list() == held["len"].to_list()
        assert (frame["lift"] - frame["shrunk"] / report.rate).abs().max() < 1e-12
    assert report.cells["contacts"].sum() == report.contacts
    assert report.cells["cell"][0] == "555"
    assert report.kind == "incremental"


def test_without_a_control_group_every_figure_is_called_raw(base, tmp_path):
    table, campaigns = base
    raw = grc.response(table, campaigns.drop("control"))
    assert raw.kind == "raw, not incremental"
    assert raw.control_rate is None
    assert raw.incremental is None
    assert "raw, not incremental" in str(raw)
    raw.save(tmp_path / "raw.json")
    assert json.loads((tmp_path / "raw.json").read_text())["kind"] == "raw, not incremental"
    frames = [raw.cells, raw.groups, raw.segments, raw.table, raw.depth, raw.calibrate(table)]
    for frame in frames:
        assert frame["kind"].unique().to_list() == ["raw, not incremental"]
        assert "incremental" not in frame.columns


def test_with_a_control_group_the_raw_rate_is_still_called_raw(base):
    table, campaigns = base
    report = grc.response(table, campaigns)
    first, second = str(report).splitlines()[:2]
    assert f"{report.rate:.2%} (raw, not incremental)" in first
    assert second.startswith(f"incremental: {report.incremental:+.2%} (95 % interval")
    for frame in (report.cells, report.groups, report.segments, report.table, report.depth):
        assert frame["kind"].unique().to_list() == ["incremental"]


def test_charts_are_titled_for_what_they_draw(base):
    table, campaigns = base
    for report, title, rates in (
        (grc.response(table, campaigns), "(incremental)", "incremental"),
        (grc.response(table, campaigns.drop("control")), "(raw, not incremental)", "shrunk"),
    ):
        panel = report.plot.to_dict()["hconcat"][0]
        assert title in panel["title"]
        *_, points = panel["layer"]
        drawn = [row["rate"] for row in points["data"]["values"]]
        assert drawn == pytest.approx(report.groups[rates].to_list())


def test_a_contact_counts_once_a_campaign():
    twice = pl.concat([mailing([True, False]), mailing([False, False])])
    report = grc.response(scores([1, 1]), twice)
    assert (report.contacts, report.responses) == (2, 1)


def test_contacts_without_a_score_are_in_the_totals_and_counted():
    report = grc.response(scores([1, 2]), mailing([True, False, True, False]))
    assert (report.contacts, report.responses, report.unscored) == (4, 2, 2)
    assert report.groups["contacts"].sum() == 2


def test_controls_without_a_score_are_compared_with_nobody():
    """Contacted are 1,000 with a score, who answer with 30 %, and 500 without, as are controls."""
    ids = pl.int_range(0, 2000, eager=True)
    base = pl.DataFrame({"client_id": ids, "responded": ids % 10 < 3, "control": ids >= 1500})
    base = base.with_columns(campaign=pl.lit("spring"), contacted_on=pl.lit(DAY))
    known = pl.DataFrame({"client_id": range(1000), "group": [1] * 1000})
    report = grc.response(known, base)
    assert (report.incremental, report.control_rate, report.control_contacts) == (None, None, 0)
    assert report.kind == report.groups["kind"][0] == "raw, not incremental"
    assert (report.unscored, report.unscored_control) == (500, 500)
    assert report.to_dict()["unscored_control"] == 500
    assert "clients of control groups without a score, left out: 500" in str(report)
    # With a score for half of the controls, the head counts those of the table.
    more = pl.concat([known, pl.DataFrame({"client_id": range(1500, 1750), "group": [1] * 250})])
    report = grc.response(more, base)
    assert report.control_contacts == report.groups["control_contacts"].sum() == 250
    assert report.incremental == pytest.approx(report.groups["difference"][0])
    assert report.unscored_control == 250


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


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_rows_does_not_change_a_bit(base, seed):
    table, campaigns = base
    campaigns = campaigns.with_columns(spend=pl.col("client_id") * 0.1)
    report = grc.response(table, campaigns, cost=0.5, margin=14)
    mixed = (frame.sample(fraction=1, shuffle=True, seed=seed) for frame in (table, campaigns))
    assert grc.response(*mixed, cost=0.5, margin=14).to_dict() == report.to_dict()


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


def test_a_control_group_takes_no_answer_away_from_a_mailing():
    """The client of a control group was not contacted: it is nobody's last contact."""
    campaigns = two_contacts().with_columns(control=pl.Series([False, True, False]))
    responses = pl.DataFrame({"client_id": [1], "date": [DAY + dt.timedelta(days=12)]})
    known = pl.DataFrame({"client_id": [1, 2], "group": [1, 1]})
    for overlap in ("last", "first", "all"):
        report = grc.response(known, campaigns, responses=responses, window="30d", overlap=overlap)
        assert (report.contacts, report.responses) == (2, 1)
        assert report.answers["attributed"] == 1


def test_any_answer_in_its_window_counts_against_a_control_group():
    """Even one that belongs to a later mailing to the same client."""
    days = pl.Series([DAY, DAY, DAY + dt.timedelta(days=5)])
    campaigns = pl.DataFrame(
        {
            "client_id": [1, 2, 1],
            "campaign": ["a", "a", "b"],
            "contacted_on": days,
            "control": [True, False, False],
        }
    )
    responses = pl.DataFrame({"client_id": [1], "date": [DAY + dt.timedelta(days=6)]})
    known = pl.DataFrame({"client_id": [1, 2], "group": [1, 1]})
    report = grc.response(known, campaigns, responses=responses, window="30d")
    assert report.responses == 1
    assert report.control_rate == 1.0
    assert report.incremental == -1.0


def test_every_answer_is_accounted_for():
    responses = pl.DataFrame(
        {
            "client_id": [1, 2, 2, 99, None, 1, 3],
            "date": [DAY, DAY, dt.date(2027, 1, 1), DAY, DAY, None, DAY],
        }
    )
    control = pl.DataFrame({"client_id": [3], "campaign": ["a"], "contacted_on": [DAY]})
    campaigns = pl.concat(
        [two_contacts().with_columns(control=False), control.with_columns(control=True)]
    )
    known = pl.DataFrame({"client_id": [1, 2, 3], "group": [1, 1, 1]})
    report = grc.response(known, campaigns, responses=responses, window="30d")
    assert report.answers == {
        "read": 7,
        "attributed": 2,
        "control": 1,
        "outside_window": 1,
        "not_contacted": 1,
        "incomplete": 2,
    }
    assert "answers read: 7: 2 attributed, 1 of control groups" in str(report)
    assert report.to_dict()["answers"]["read"] == 7


# Profit, depth, calibration


def test_the_judged_profit_is_that_of_the_truth_where_all_is_clear():
    """Every client of group 1 answers and none of group 2: each fold chooses group 1."""
    report = grc.response(
        scores([1] * 200 + [2] * 200), mailing([True] * 200 + [False] * 200), cost=1, margin=10
    )
    assert report.profit == pytest.approx(200 * 9)
    assert report.profit_low <= report.profit <= report.profit_high
    assert report.to_dict()["profit"] == report.profit
    assert "best depth: the first 50% of the contacts" in str(report)


def test_no_profit_is_judged_without_money_or_by_a_single_client(base):
    assert grc.response(*base).profit is None
    alone = grc.response(scores([1]), mailing([True]), cost=1, margin=10)
    assert alone.profit is None


def test_folds_follow_the_id_as_text_and_nothing_else():
    ids = list(range(2000))
    answers = [i % 7 == 0 for i in ids]
    group = pl.Series([1 + i % 5 for i in ids])
    reports = []
    for clients in (pl.Series(ids), pl.Series(ids).cast(pl.Int16), pl.Series(ids).cast(pl.String)):
        known = pl.DataFrame({"client_id": clients, "group": group})
        contacts = mailing(answers).with_columns(client_id=clients)
        mixed = contacts.sample(fraction=1, shuffle=True, seed=1)
        reports.append(grc.response(known, mixed, cost=0.9, margin=6))
    assert len({report.profit for report in reports}) == 1
    assert reports[0].profit != 0


def test_campaigns_have_a_table_of_their_own(base):
    table, campaigns = base
    report = grc.response(table, campaigns)
    treated = campaigns.filter(~pl.col("control")).group_by("campaign").agg(
        contacts=pl.len().cast(pl.UInt64), responses=pl.col("responded").sum().cast(pl.UInt64)
    ).sort("campaign")  # fmt: skip
    assert report.campaigns.select("campaign", "contacts", "responses").equals(treated)
    assert "incremental_spend" in report.campaigns.columns
    both = report.table.filter(pl.col("level") == "campaign")
    assert both["key"].to_list() == ["spring", "summer"]


def test_the_total_is_the_weighted_mean_of_the_places(base):
    table, campaigns = base
    report = grc.response(table, campaigns)
    placed = campaigns.join(table, on="client_id").with_columns(cell=pl.concat_str("r", "f", "m"))
    strata = placed.group_by("campaign", "cell", "group", "segment").agg(
        n=(~pl.col("control")).sum(),
        x=(~pl.col("control") & pl.col("responded")).sum(),
        m=pl.col("control").sum(),
        y=(pl.col("control") & pl.col("responded")).sum(),
    ).filter((pl.col("n") > 0) & (pl.col("m") > 0))  # fmt: skip
    strata = strata.with_columns(
        w=pl.col("n") * pl.col("m") / (pl.col("n") + pl.col("m")),
        d=pl.col("x") / pl.col("n") - pl.col("y") / pl.col("m"),
    )
    expected = (strata["w"] * strata["d"]).sum() / strata["w"].sum()
    assert report.incremental == pytest.approx(expected)
    for name, frame in (("group", report.groups), ("segment", report.segments)):
        by = strata.group_by(name).agg(d=(pl.col("w") * pl.col("d")).sum() / pl.col("w").sum())
        assert frame["difference"].to_list() == pytest.approx(by.sort(name)["d"].to_list())


def test_no_curve_is_drawn_where_nothing_is_caught():
    report = grc.response(scores([1, 2, 2]), mailing([False, False, False]))
    [panel] = report.plot.to_dict()["hconcat"]
    assert panel["layer"][-1]["encoding"]["y"]["axis"]["format"] == "%"


def test_equal_shares_of_control_groups_are_not_reported(base):
    report = grc.response(*base)
    assert report.balance["p_value"].min() > 0.001
    assert "control groups differ" not in str(report)
    held = report.balance.filter(pl.col("campaign") == "spring")["control_contacts"].sum()
    assert held == base[1].filter(pl.col("control") & (pl.col("campaign") == "spring")).height


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
    assert found.columns == ["client_id", "probability", "low", "high", "kind", "basis"]
    assert found["basis"].unique().to_list() == [by]


def test_calibration_is_incremental_with_a_control_group(base):
    table, campaigns = base
    report = grc.response(table, campaigns)
    found = report.calibrate(table, by="group")
    assert found["kind"].unique().to_list() == ["incremental"]
    expected = dict(report.groups.select("group", pl.col("incremental").clip(0, 1)).iter_rows())
    assert found["probability"].to_list() == [expected[group] for group in table["group"]]


def test_index_depth_and_calibration_rest_on_one_rate(base):
    table, campaigns = base
    for contacts in (campaigns, campaigns.drop("control")):
        report = grc.response(table, contacts, cost=0.5, margin=14)
        name = "incremental" if report.kind == "incremental" else "shrunk"
        cells = report.cells.select("cell", "contacts", "index", rate=name)
        both = report.depth.join(cells, left_on="key", right_on="cell", maintain_order="left")
        assert both["expected"].equals(both["rate"])
        step = both["profit"].diff().fill_null(both["profit"][0])
        clear = step.abs() > 1e-9
        assert ((both["index"] > 0) == (step > 0)).filter(clear).all()
        given = report.calibrate(table).join(
            table.select("client_id", cell=pl.concat_str("r", "f", "m")), on="client_id"
        )
        rates = given.join(cells, on="cell")
        assert (rates["probability"] - rates["rate"].clip(0, 1)).abs().max() == 0
        assert report.depth["caught"][-1] == pytest.approx(1)


def test_a_place_that_no_campaign_reached_has_no_probability():
    report = grc.response(scores([1, 1, 2, 2]), mailing([True, False, False, False]))
    new = pl.DataFrame({"client_id": [7, 8, 9, 6], "group": [5, None, 1, 4]})
    with pytest.raises(
        grc.DataError, match=r"2 of 4 clients .* in a group that no past campaign reached \(4, 5\)"
    ):
        report.calibrate(new, by="group")
    found = report.calibrate(new, by="group", unreached="null")
    nothing = (None, None, None, "raw, not incremental", None)
    assert found.rows()[:2] == [(7, *nothing), (8, *nothing)]
    assert found["basis"].to_list() == [None, None, "group", None]
    with pytest.raises(grc.OptionError, match="unreached cannot be"):
        report.calibrate(new, by="group", unreached="all")


def test_scores_that_share_no_place_with_the_campaigns_are_refused():
    report = grc.response(scores([1, 1, 2, 2]), mailing([True, False, False, False]))
    with pytest.raises(grc.DataError, match=r"no client .* is in a group .* '5'"):
        report.calibrate(
            pl.DataFrame({"client_id": [7], "group": [5]}), by="group", unreached="null"
        )


def test_segments_meet_whatever_the_language_of_their_labels():
    english = scores([1, 2, 2]).select(
        "client_id", segment=pl.Series(["champions", "lost", "lost"])
    )
    report = grc.response(english, mailing([True, False, True]))
    french = english.with_columns(segment=pl.Series(["champions", "perdus", "perdus"]))
    assert report.calibrate(french, by="segment").equals(report.calibrate(english, by="segment"))
    assert report.calibrate(french, by="segment")["probability"].n_unique() == 2
    named = english.with_columns(segment=pl.Series(["champions", "lost", "perdu"]))
    with pytest.raises(grc.DataError, match=r"1 of 3 clients .* reached \(perdu\)"):
        report.calibrate(named, by="segment")


def test_segments_of_an_own_table_meet_in_both_languages_too(base):
    rules = [
        {"name": "active", "labels": {"en": "wide awake", "fr": "actifs"}, "r": [3, 5]},
        {"name": "others", "labels": {"en": "the others", "fr": "autres"}},
    ]
    sales = grc.simulate_sales(4_000, 300, seed=2)
    rfm = grc.RFM(segments=grc.SegmentTable(rules))
    result = rfm.score(sales, as_of="2025-12-31", order="order_id")
    clients = result.scores["client_id"]
    contacts = mailing([i % 3 == 0 for i in range(len(clients))]).with_columns(client_id=clients)
    report = grc.response(result, contacts)
    assert report.groups.equals(grc.response(result.scores, contacts).groups)
    french = result.model.score(rfm.facts(sales, as_of="2025-12-31", order="order_id"), lang="fr")
    assert set(french["segment"]) == {"actifs", "autres"}
    found = report.calibrate(french, by="segment")
    assert found.equals(report.calibrate(result, by="segment"))


def test_cells_are_written_as_in_the_report_whatever_the_next_scores_hold():
    ten = pl.DataFrame({"client_id": range(200), "r": [1 + i % 10 for i in range(200)]})
    ten = ten.with_columns(f=pl.col("r"))
    report = grc.response(ten, mailing([i % 10 == 8 for i in range(200)]))
    assert "9-9" in report.cells["cell"].to_list()
    expected = report.calibrate(ten).filter(pl.lit(ten["r"] < 10))
    assert report.calibrate(ten.filter(pl.col("r") < 10)).equals(expected)
    with pytest.raises(grc.ColumnError, match="no cell: it takes the columns r, f"):
        report.calibrate(ten.drop("f"))


def test_a_client_with_two_rows_would_be_contacted_twice():
    report = grc.response(scores([1, 1, 2, 2]), mailing([True, False, False, False]))
    twice = pl.concat([scores([1, 2]), scores([1])])
    with pytest.raises(grc.DataError, match="two rows for the client 0: keep one a client"):
        report.calibrate(twice, by="group")
    before = twice.with_columns(campaign=pl.Series(["a", "a", "b"]))
    with pytest.raises(grc.DataError, match="take those of one campaign"):
        report.calibrate(before, by="group")
    unknown = pl.DataFrame({"client_id": [None, None, 1], "group": [1, 1, 2]})
    assert report.calibrate(unknown, by="group").height == 3


def test_scores_of_more_bins_than_those_of_the_report_are_refused():
    def digits(most: int) -> pl.DataFrame:
        frame = pl.DataFrame({"client_id": range(200), "r": [1 + i % most for i in range(200)]})
        return frame.with_columns(f=pl.col("r"))

    for bins in (5, 9, 10):
        report = grc.response(digits(bins), mailing([i % 10 == 8 for i in range(200)]))
        assert report.calibrate(digits(bins))["basis"].unique().to_list() == ["cell"]
        assert report.calibrate(digits(bins - 1)).height == 200
        with pytest.raises(grc.DataError, match=rf"has {bins + 1} in 'r', .* up to {bins}: score"):
            report.calibrate(digits(bins + 1))


@pytest.mark.parametrize("dtype", [pl.Float64, pl.Int8, pl.UInt32, pl.String])
def test_places_meet_whatever_their_type(base, dtype):
    table, campaigns = base
    report = grc.response(table, campaigns)
    other = table.with_columns(pl.col("group").cast(dtype))
    assert report.calibrate(other, by="group").equals(report.calibrate(table, by="group"))


# What is wrong

ANSWERS = pl.DataFrame({"client_id": [0], "date": [DAY]})


@pytest.mark.parametrize(
    ("change", "error", "why"),
    [
        (lambda r: r.with_columns(pl.col("client_id").cast(pl.String)), grc.ColumnError,
         "client_id is .* and text in the table of responses"),
        (lambda r: r.with_columns(campaign=pl.lit(1)), grc.ColumnError,
         "campaign is text in the table of campaigns and integers"),
        (lambda r: r.with_columns(spend=pl.lit("a")), grc.ColumnError, "text in 'spend'"),
        (lambda r: r.with_columns(date=pl.lit("a")), grc.ColumnError, "no days"),
        (lambda r: r.with_columns(client_id=pl.lit(99)), grc.DataError, "no answer .* must be the"),
        (lambda r: r.drop("date"), grc.ColumnError, "no column 'date'"),
    ],
)  # fmt: skip
def test_wrong_responses_are_one_sentence(change, error, why):
    with pytest.raises(error, match=why) as caught:
        grc.response(
            scores([1, 2]), mailing([True, False]), responses=change(ANSWERS), window="30d"
        )
    assert "\n" not in str(caught.value)


def test_ids_of_any_integer_type_meet():
    campaigns = mailing([True, False]).with_columns(pl.col("client_id").cast(pl.UInt64))
    report = grc.response(
        scores([1, 2]).with_columns(pl.col("client_id").cast(pl.Int16)), campaigns
    )
    assert report.unscored == 0


def test_scores_before_campaigns_take_the_options_of_reading_alone():
    campaigns = pl.DataFrame({"campaign": ["a"], "contacted_on": [DAY]})
    with pytest.raises(grc.OptionError, match="as_of cannot be given"):
        grc.score_before_campaigns("sales.parquet", campaigns, as_of="2025-01-01")
    with pytest.raises(grc.OptionError, match=r"'orders' is no option .* did you mean 'order'"):
        grc.score_before_campaigns("sales.parquet", campaigns, orders="x")


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
            lambda c: c.head(0).with_columns(pl.col("responded").cast(pl.String)),
            {},
            grc.DataError,
            "has no contact",
        ),
        (
            lambda c: c.with_columns(control=pl.Series([None, True])),
            {},
            grc.DataError,
            "nulls in 'control': write false for who was contacted",
        ),
        (lambda c: c, {"overlap": "first"}, grc.OptionError, "no effect without responses"),
        (
            lambda c: c,
            {
                "responses": ANSWERS.with_columns(campaign=pl.lit("spring")),
                "window": "30d",
                "overlap": "all",
            },
            grc.OptionError,
            "overlap='all' has no effect where responses name their campaign",
        ),
        (
            lambda c: c.with_columns(pl.col("client_id") + 9),
            {},
            grc.DataError,
            r"no contact is with .* \(the first contact is with 9, the first score of 0\)",
        ),
        (
            lambda c: c.with_columns(pl.col("client_id").cast(pl.String)),
            {},
            grc.ColumnError,
            r"client_id is integers \(Int64\) in the table of scores and text in the table of camp",
        ),
        (
            lambda c: pl.concat(
                [c, c.with_columns(control=pl.lit(1))], how="diagonal_relaxed"
            ).with_columns(pl.col("control").fill_null(0)),
            {},
            grc.DataError,
            "client 0 both contacted and in the control group of the campaign 'spring'",
        ),
        (lambda c: c.with_columns(spend=pl.lit("x")), {}, grc.ColumnError, "text in 'spend'"),
        (lambda c: c.with_columns(spend=math.nan), {}, grc.DataError, "no finite number"),
        (lambda c: c, {"window": "30d"}, grc.OptionError, "leave the window out"),
        (lambda c: c, {"responses": ANSWERS}, grc.OptionError, "need a window"),
        (lambda c: c, {"cost": 1}, grc.OptionError, "go together"),
        (
            lambda c: c,
            {"responses": ANSWERS, "window": "30d", "overlap": "best"},
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
    with pytest.raises(grc.DataError, match="has a score: the table of scores has nulls where"):
        grc.response(scores([1, 2]).with_columns(group=pl.lit(None, pl.Int64)), campaigns)
    with pytest.raises(grc.DataError, match="has a score: the table of scores has no client"):
        grc.response(scores([1]).head(0), campaigns)
    with pytest.raises(grc.ColumnError, match="must be a table"):
        grc.response(7, campaigns)
    for name in ("r", "f", "m"):
        with pytest.raises(grc.ColumnError, match=f"text in '{name}': write whole numbers"):
            grc.response(scores([1, 2]).with_columns(pl.lit("x").alias(name)), campaigns)
    with pytest.raises(grc.ColumnError, match=r"1.5 in 'group', where whole numbers"):
        grc.response(scores([1, 2]).with_columns(group=pl.lit(1.5)), campaigns)
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
    assert "(raw, not incremental)" in said.err
    assert "incremental: +" in said.err
    assert "added by contacts" in said.out
    assert pl.read_parquet(out)["kind"].unique().to_list() == ["incremental"]
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
