"""Behaviour scores: the worked example, what must not matter, what must be refused."""

from __future__ import annotations

import datetime as dt
import json
import time
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

import grc_fast as grc
from grc_fast.behaviour.rules import preset_text

ROOT = Path(__file__).resolve().parent.parent
CLICKSTREAM = ROOT / "../shared/data/retentioneering_ecom_SYNTHETIC.parquet"
HALF = 0.5**0.5

RULES: dict[str, Any] = {
    "density": {"min_dwell": "30s", "min_clicks": 2},
    "decay": {"half_life": "30d"},
    "score": {"min": 0, "max": 100},
    "groups": {"web": {"cap": 40}, "email": {"cap": 10}},
    "rule": [
        {"name": "search", "group": "web", "kind": "search", "points": 5, "repeat": "always"},
        *(
            {
                "name": page,
                "group": "web",
                "kind": "page_view",
                "page": page,
                "points": points,
                "repeat": "once_per_session",
                "category": category,
            }
            for page, points, category in [
                ("/tarifs", 10, "hot"),
                ("/contact", 15, "hot"),
                ("/recrutement", -10, "eliminatory"),
            ]
        ),
        {
            "name": "open",
            "group": "email",
            "kind": "email_open",
            "points": 2,
            "repeat": "every 24h",
        },
        {"name": "paper", "group": "web", "kind": "download", "points": 20, "repeat": "once"},
    ],
}
AS_OF = "2025-03-31"
EXAMPLE = pl.DataFrame(
    [
        ("2025-02-26T12:00", "page_view", "/tarifs", 8, 1),
        ("2025-02-28T12:00", "email_open", None, None, None),
        ("2025-02-28T20:00", "email_open", None, None, None),
        ("2025-03-15T12:00:00", "search", None, 20, 1),
        ("2025-03-15T12:00:20", "page_view", "/tarifs", 40, 2),
        ("2025-03-15T12:01:00", "page_view", "/tarifs", 15, 1),
        ("2025-03-30T09:00:00", "download", "/white-paper.pdf", 60, 1),
        ("2025-03-30T09:30:59", "page_view", "/contact", 30, 1),
        ("2025-03-30T18:00", "page_view", "/recrutement", 5, 0),
    ],
    schema=["timestamp", "kind", "page", "dwell", "clicks"],
    orient="row",
).select(pl.lit(7, dtype=pl.Int64).alias("client_id"), pl.all())
EXPECTED = 2 * 0.5 + (5 + 10) * HALF + 20 + 15 - 10


def one_rule(**changes: Any) -> dict[str, Any]:
    rule = {"name": "r", "group": "web", "points": 1} | changes
    return {"rule": [rule]}


def events_of(*rows: tuple[Any, ...]) -> pl.DataFrame:
    """Events of client 1: timestamp, kind, page."""
    frame = pl.DataFrame(list(rows), schema=["timestamp", "kind", "page"], orient="row")
    return frame.with_columns(client_id=pl.lit(1, dtype=pl.Int64))


def many_events(rows: int = 200_000, clients: int = 9_000, seed: int = 3) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    kinds = ["page_view", "page_view", "search", "email_open", "download", "form_submit", "other"]
    pages = [None, "/tarifs", "/contact", "/recrutement", "/a/long/page/beyond/the/view"]
    start = dt.datetime(2025, 1, 1)  # noqa: DTZ001
    return pl.DataFrame(
        {
            "client_id": rng.zipf(1.5, rows) % clients,
            "timestamp": pl.Series(rng.integers(0, 80 * 86_400, rows) * 1_000_000).cast(
                pl.Duration("us")
            )
            + start,
            "kind": pl.Series(kinds).gather(rng.integers(0, len(kinds), rows)),
            "page": pl.Series(pages).gather(rng.integers(0, len(pages), rows)),
            "dwell": np.where(rng.random(rows) < 0.2, None, rng.integers(0, 90, rows)).astype(
                float
            ),
            "clicks": rng.integers(0, 4, rows),
            "event_id": rng.integers(0, rows * 4, rows),
            "machine_open": rng.random(rows) < 0.02,
        },
        nan_to_null=True,
    )


# --- the worked example ---------------------------------------------------------------------------


def test_the_worked_example() -> None:
    result = grc.score_behaviour(EXAMPLE, RULES, as_of=AS_OF)

    row = result.scores.row(0, named=True)
    assert row["score"] == pytest.approx(EXPECTED, abs=1e-12)
    assert f"{row['score']:.4f}" == "36.6066"
    assert row["phase"] == "decision"
    assert (row["score_web"], row["score_email"]) == (pytest.approx(EXPECTED - 1), 1.0)
    assert str(row["last_event"]) == "2025-03-30 18:00:00"
    assert (row["visits"], row["dense_visits"]) == (4, 2)
    assert (row["hot"], row["warm"], row["eliminatory"]) == (1, 0, 1)


def test_the_columns_are_those_of_the_contract() -> None:
    scores = grc.score_behaviour(EXAMPLE, RULES, as_of=AS_OF).scores

    counts = ["visits", "dense_visits", "hot", "warm", "eliminatory"]
    groups = ["score_web", "score_email"]
    assert scores.columns == ["client_id", "score", *groups, "phase", "last_event", *counts]
    assert scores.schema["score"] == pl.Float64
    assert scores.schema["phase"] == pl.Enum(
        ["inactive", "discovery", "consideration", "decision", "won", "excluded"]
    )


def test_explain_takes_the_worked_example_apart() -> None:
    explanation = grc.explain_behaviour(EXAMPLE, RULES, client_id=7, as_of=AS_OF)

    assert f"{explanation.score:.4f}" == "36.6066"
    assert explanation.phase == "decision"
    assert explanation.visits["dwell"].to_list() == [8, 75, 90, 5]
    assert explanation.visits["clicks"].to_list() == [1, 4, 2, 0]
    assert explanation.visits["passed"].to_list() == [False, True, True, False]
    outcomes = ["density", "awarded", "repeat", "awarded", "awarded", "repeat"]
    assert explanation.ledger["outcome"].to_list() == [*outcomes, "awarded", "awarded", "awarded"]
    given = [0, 1, 0, 5 * HALF, 10 * HALF, 0, 20, 15, -10]
    assert explanation.ledger["contribution"].to_list() == pytest.approx(given, abs=1e-12)
    text = str(explanation)
    assert "score: 36.6066" in text
    assert "phase: decision" in text
    assert "limit: every 24h" in text
    json.dumps(explanation.to_dict(), allow_nan=False)


def test_a_rule_file_and_a_dictionary_are_one() -> None:
    text = preset_text("course")
    assert grc.BehaviourRules.from_toml(text) == grc.BehaviourRules.from_dict(tomllib.loads(text))
    assert grc.BehaviourRules.from_toml(text) == grc.BehaviourRules.named("course")


def test_the_course_preset_rewards_a_subscription_to_social_networks_once() -> None:
    events = pl.DataFrame({"client_id": [1, 1], "kind": ["follow", "page_like"]}).with_columns(
        timestamp=pl.lit("2025-03-19").str.to_datetime()
    )
    rules = tomllib.loads(preset_text("course")) | {"kinds": {"follow": ["page_like"]}}

    found = grc.score_behaviour(events, rules, as_of="2025-03-19")

    assert found.scores["score_web"].to_list() == [10.0]


# --- what must not matter -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crowd() -> pl.DataFrame:
    return many_events()


@pytest.fixture(scope="module")
def crowd_scores(crowd: pl.DataFrame) -> grc.BehaviourResult:
    return grc.score_behaviour(crowd, RULES, as_of="2025-03-20T07:30")


@pytest.mark.parametrize(
    "options", [{"threads": 1}, {"threads": 3}, {"memory": 1}, {"memory": "2MB", "threads": 2}]
)
def test_threads_and_memory_do_not_matter(
    crowd: pl.DataFrame, crowd_scores: grc.BehaviourResult, options: dict[str, Any]
) -> None:
    found = grc.score_behaviour(crowd, RULES, as_of="2025-03-20T07:30", **options)

    assert_frame_equal(found.scores, crowd_scores.scores, check_exact=True)
    assert found.quality.dropped == crowd_scores.quality.dropped
    assert (found.quality.spilled > 0) == ("memory" in options)


@pytest.mark.parametrize("cuts", [1, 7, 400])
def test_order_and_batches_do_not_matter(
    crowd: pl.DataFrame, crowd_scores: grc.BehaviourResult, cuts: int
) -> None:
    mixed = crowd.sample(fraction=1, shuffle=True, seed=cuts)
    size = mixed.height // cuts + 1
    table = pa.Table.from_batches(mixed.to_arrow().combine_chunks().to_batches(max_chunksize=size))

    found = grc.score_behaviour(table, RULES, as_of="2025-03-20T07:30")

    assert_frame_equal(found.scores, crowd_scores.scores, check_exact=True)


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum])
def test_texts_in_any_form_are_texts(
    crowd: pl.DataFrame, crowd_scores: grc.BehaviourResult, dtype: Any
) -> None:
    def typed(name: str) -> pl.Series:
        texts = crowd[name].unique().drop_nulls().sort()
        return crowd[name].cast(pl.Enum(texts) if dtype is pl.Enum else dtype)

    found = grc.score_behaviour(
        crowd.with_columns(typed("kind"), typed("page")), RULES, as_of="2025-03-20T07:30"
    )

    assert_frame_equal(found.scores, crowd_scores.scores, check_exact=True)


def test_text_ids_score_as_integers_do(
    crowd: pl.DataFrame, crowd_scores: grc.BehaviourResult
) -> None:
    text = crowd.with_columns(
        pl.col("client_id").cast(pl.String).str.zfill(20), pl.col("event_id").cast(pl.String)
    )

    found = grc.score_behaviour(text, RULES, as_of="2025-03-20T07:30").scores

    assert found["client_id"].is_sorted()
    assert_frame_equal(
        found.with_columns(pl.col("client_id").cast(pl.Int64)),
        crowd_scores.scores,
        check_exact=True,
    )


def test_files_score_as_frames_do(
    crowd: pl.DataFrame, crowd_scores: grc.BehaviourResult, tmp_path: Path
) -> None:
    crowd.write_csv(tmp_path / "events.csv")
    for number, piece in enumerate(crowd.iter_slices(60_000)):
        piece.write_parquet(tmp_path / f"part-{number}.parquet")
    crowd.write_ndjson(tmp_path / "events.ndjson")

    for source in ("events.csv", "part-*.parquet", "events.ndjson"):
        found = grc.score_behaviour(str(tmp_path / source), RULES, as_of="2025-03-20T07:30")
        assert_frame_equal(found.scores, crowd_scores.scores, check_exact=True)


def test_a_column_that_some_files_lack_is_null_there(tmp_path: Path) -> None:
    EXAMPLE.drop("dwell", "clicks").filter(pl.col("kind") == "email_open").write_parquet(
        tmp_path / "a.parquet"
    )
    EXAMPLE.filter(pl.col("kind") != "email_open").write_parquet(tmp_path / "b.parquet")

    found = grc.score_behaviour(str(tmp_path / "*.parquet"), RULES, as_of=AS_OF)

    assert found.scores["score"][0] == pytest.approx(EXPECTED, abs=1e-12)


def test_a_saved_state_goes_on(crowd: pl.DataFrame, tmp_path: Path) -> None:
    days = ["2025-01-20", "2025-02-03T11:07", "2025-03-20T07:30"]
    state: Path | None = None
    for number, as_of in enumerate(days):
        result = grc.score_behaviour(
            crowd.with_columns(event_id=None), RULES, as_of=as_of, state=state, keep_state=True
        )
        assert result.state is not None
        state = tmp_path / f"{number}.parquet"
        result.state.save(state)

    whole = grc.score_behaviour(crowd.with_columns(event_id=None), RULES, as_of=days[-1])

    assert_frame_equal(result.scores, whole.scores, check_exact=True)
    assert result.quality.dropped["before_state"] > 0


def test_the_ledger_of_every_client_sums_to_its_score_before_caps() -> None:
    events = many_events(1_000_000, 40_000, seed=11)
    rules = {**RULES, "groups": {}, "score": {}}

    ledger = grc.behaviour_ledger(events, rules, as_of="2025-03-20T07:30")
    scores = grc.score_behaviour(events, rules, as_of="2025-03-20T07:30").scores

    sums: dict[tuple[int, str], float] = {}
    given = ledger.filter(pl.col("rule").is_not_null()).select("client_id", "group", "contribution")
    for client, group, contribution in given.iter_rows():
        sums[client, group] = sums.get((client, group), 0.0) + contribution
    for client, *scored in scores.select("client_id", "score_web", "score_email").iter_rows():
        assert scored == [sums.get((client, group), 0.0) for group in ("web", "email")]
    assert (scores["score"] == scores["score_web"] + scores["score_email"]).all()
    assert scores["score"].abs().max() > 100


# --- roles and rows -------------------------------------------------------------------------------


def test_every_row_is_used_or_counted() -> None:
    events = EXAMPLE.with_columns(
        client_id=pl.Series([None, *[7] * 8], dtype=pl.Int64),
        timestamp=pl.when(pl.int_range(9) == 1).then(None).otherwise("timestamp"),
        kind=pl.when(pl.int_range(9) == 2).then(None).otherwise("kind"),
        event_id=pl.Series([0, 1, 2, 3, 3, 5, 6, 7, 8]),
        machine_open=pl.int_range(9) == 6,
    )

    quality = grc.score_behaviour(
        events, RULES, as_of="2025-03-30T12:00", where="page is null or page <> '/contact'"
    ).quality

    assert {reason: rows for reason, rows in quality.dropped.items() if rows} == {
        "where": 1,
        "client": 1,
        "timestamp": 1,
        "kind": 1,
        "future": 1,
        "duplicate": 1,
        "machine_open": 1,
    }
    assert quality.rows_read == 9
    assert quality.rows_used == 2
    assert "opened by a machine: 1" in str(quality)
    json.dumps(quality.to_dict())


def test_an_event_at_as_of_counts_and_one_after_it_does_not() -> None:
    events = events_of(
        ("2025-03-01T10:00", "email_open", None), ("2025-03-01T10:00:00.000001", "email_open", None)
    )
    result = grc.score_behaviour(events, one_rule(), as_of="2025-03-01T10:00")
    assert result.scores["score"].to_list() == [1.0]
    assert result.quality.dropped["future"] == 1


def test_kinds_that_no_rule_names_may_score_all_the_same() -> None:
    result = grc.score_behaviour(events_of(("2025-03-01", "swipe", None)), one_rule(), as_of=AS_OF)
    assert result.scores["score"][0] == 1
    assert "kinds that no rule names: swipe (1)" in str(result.quality)


@pytest.mark.parametrize(
    ("size", "said"), [(1, "1 byte"), (128, "128 bytes"), (1536, "1.5 KB"), (2**25, "32 MB")]
)
def test_what_was_spilled_has_a_size(size: int, said: str) -> None:
    quality = grc.score_behaviour(EXAMPLE, RULES, as_of=AS_OF).quality
    assert f"\n{said} went through a temporary file" in str(replace(quality, spilled=size))


def test_an_instant_with_a_zone_does_not_go_with_timestamps_without_one() -> None:
    with pytest.raises(grc.OptionError, match="has a time zone and the timestamps have none"):
        grc.score_behaviour(EXAMPLE, RULES, as_of="2025-03-31T00:00+02:00")


def test_timestamps_as_text_have_a_zone_all_or_none() -> None:
    moments = ["2025-03-01T10:00", "2025-03-01T10:00Z"]
    events = events_of(*((moment, "click", None) for moment in moments))
    with pytest.raises(grc.DataError, match="has a time zone and others have none") as caught:
        grc.score_behaviour(events, one_rule(), as_of=AS_OF)
    assert "(column 'timestamp' of the frame, row " in str(caught.value)


def test_unknown_kinds_are_listed() -> None:
    events = events_of(("2025-03-01", "swipe", None), ("2025-03-01", "page_view", "/"))
    quality = grc.score_behaviour(events, one_rule(kind="search"), as_of=AS_OF).quality
    assert quality.unknown_kinds == {"swipe": 1}
    assert "swipe (1)" in str(quality)


def test_programs_are_set_aside_and_counted() -> None:
    rows = [(f"2025-03-01T10:00:{second:02}", "page_view", "/") for second in range(60)]
    rules = one_rule(kind="page_view") | {"session": {"max_events_per_minute": 59}}

    set_aside = grc.score_behaviour(events_of(*rows), rules, as_of=AS_OF)
    rules["session"] = {"max_events_per_minute": 60}
    let_in = grc.score_behaviour(events_of(*rows), rules, as_of=AS_OF)

    assert set_aside.scores.select("score", "visits", "last_event").row(0) == (0.0, 0, None)
    assert (set_aside.quality.bot_visits, set_aside.quality.dropped["bot"]) == (1, 60)
    assert let_in.scores.select("score", "visits").row(0) == (60.0, 1)
    assert let_in.quality.bot_visits == 0


def test_without_clicks_each_web_event_is_one() -> None:
    rows = [(f"2025-03-01T10:0{minute}", "page_view", "/") for minute in range(3)]
    rules = one_rule() | {"density": {"min_clicks": 3}}
    assert grc.score_behaviour(events_of(*rows), rules, as_of=AS_OF).scores["score"][0] == 3
    nulls = events_of(*rows).with_columns(clicks=pl.lit(None, dtype=pl.Int64))
    assert grc.score_behaviour(nulls, rules, as_of=AS_OF).scores["score"][0] == 0


def test_zones_make_days() -> None:
    rules = one_rule(repeat="once_per_session")
    moments = ["2025-07-01T21:30", "2025-07-01T22:30"]  # one day in London's winter, two in Paris
    events = pl.DataFrame({"client_id": [1, 1], "kind": "email_open"}).with_columns(
        timestamp=pl.Series(moments).str.to_datetime(time_unit="us").dt.replace_time_zone("UTC")
    )

    def score(timezone: str, as_of: Any = "2025-07-03") -> grc.BehaviourResult:
        return grc.score_behaviour(events, rules, as_of=as_of, timezone=timezone)

    assert score("UTC").scores["score"][0] == 1
    assert score("Europe/Paris").scores["score"][0] == 2
    paris = score("Europe/Paris", "2025-07-02T00:30")
    assert paris.as_of == dt.datetime(2025, 7, 2, 0, 30, tzinfo=paris.as_of.tzinfo)
    assert paris.quality.dropped["future"] == 0
    assert score("UTC", dt.datetime(2025, 7, 1, 22, tzinfo=dt.UTC)).quality.dropped["future"] == 1
    assert str(paris.scores.schema["last_event"]).endswith("'Europe/Paris')")


def test_dwell_may_be_a_duration() -> None:
    events = EXAMPLE.with_columns(pl.duration(seconds=pl.col("dwell")).alias("dwell"))
    found = grc.score_behaviour(events, RULES, as_of=AS_OF)
    assert found.scores["score"][0] == pytest.approx(EXPECTED, abs=1e-12)


def test_no_events_are_no_clients() -> None:
    result = grc.score_behaviour(EXAMPLE.clear(), RULES, as_of=AS_OF)
    assert result.scores.height == 0
    assert result.phases["clients"].sum() == 0


# --- what is refused ------------------------------------------------------------------------------


def rules_with(**sections: Any) -> dict[str, Any]:
    return one_rule() | sections


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (one_rule(ponits=2), "rule 'r': there is no key 'ponits'; did you mean 'points'?"),
        (rules_with(sesion={}), "there is no key 'sesion'; did you mean 'session'?"),
        (rules_with(session={"timeot": "1h"}), "[session]: there is no key 'timeot'; did you mean"),
        (rules_with(session={"timeout": "30x"}), '[session]: timeout: "30x" is not a duration'),
        (rules_with(session={"timeout": "1mo"}), "'1mo' is not always equally long"),
        (rules_with(session={"timeout": "0s"}), "must be above 0"),
        (rules_with(groups={"web": {"cap": -1}}), "[groups.web]: cap: -1"),
        (rules_with(groups={"web": {"cap": 1, "floor": 2}}), "floor (2) is above cap (1)"),
        (rules_with(score={"min": 5, "max": 1}), "min (5) is above max (1)"),
        (rules_with(decay={"half_life": "1d", "window": "2d"}), "half_life and window exclude"),
        (one_rule(page="re:("), "rule 'r': page: the page pattern \"re:(\" cannot be read"),
        (one_rule(page="*/a[b"), 'the page pattern "*/a[b" cannot be read'),
        (one_rule(repeat="daily"), "the repeat 'daily' is unknown: write once, "),
        (one_rule(repeat="every 2x"), "the repeat 'every 2x' cannot be read"),
        (one_rule(repeat="0 per 7d"), "the repeat '0 per 7d' is unknown"),
        (one_rule(category="hott"), "rule 'r': category: 'hott' is none of hot, warm, eliminatory"),
        (one_rule(points="ten"), "rule 'r': points: 'ten' must be a number"),
        (one_rule(points=float("nan")), "must be a finite number"),
        (one_rule(points=1e308), "points: 1e+308 points are more than can be summed"),
        (one_rule(points=-1e308), "points: -1e+308 points are more than can be summed"),
        (one_rule(kind=[]), "rule 'r': kind: [] is neither a kind of event nor a list of them"),
        (one_rule(kind=["a", 5]), "rule 'r': kind: 5 is no kind of event: it must be text"),
        (one_rule(kind=5), "rule 'r': kind: 5 is neither a kind of event nor a list of them"),
        (one_rule(name=""), "name: '' must be text that is not empty"),
        (one_rule(repeat=5), "rule 'r': repeat: 5 must be text"),
        (rules_with(session={"max_events_per_minute": 0}), "0 is neither false nor a whole number"),
        (rules_with(session={"max_events_per_minute": True}), "True is neither false nor a whole"),
        (rules_with(session={"max_events_per_minute": 10**7}), "number from 1 to 1,000,000"),
        (rules_with(session={"max_events_per_minute": "9"}), "'9' is neither false nor a whole"),
        (rules_with(session=5), "the rules: session: 5 must be a section of keys and values"),
        (rules_with(groups={"web": 5}), "[groups.web]: 5 must be a section of keys and values"),
        (rules_with(groups=5), "groups: 5 must be a section of keys and values"),
        (rules_with(density={"min_clicks": -1}), "[density]: min_clicks: -1 must not be below 0"),
        (rules_with(density={"min_clicks": 1.5}), "min_clicks: 1.5 must be a whole number"),
        (rules_with(density={"theme": "/a"}), "[density]: theme: '/a' must be a list"),
        ({"rule": 5}, "rule: 5 must be a list"),
        ({"rule": [5]}, "the 1st rule: 5 must be a section of keys and values"),
        ({"rule": [{"group": "web", "points": 1}]}, "the 1st rule: the key 'name' is missing"),
        ({"rule": one_rule()["rule"] * 2}, "two rules are named 'r' (the 1st and the 2nd)"),
        ({}, "there is no rule"),
        ({"rule": []}, "rule: [] must not be empty"),
        (
            one_rule(group="wbe") | {"groups": {"web": {}}},
            "rule 'r' is of group 'wbe', which [groups] does not declare; did you mean 'web'?",
        ),
    ],
)
def test_wrong_rules_say_where_and_what(rules: dict[str, Any], said: str) -> None:
    with pytest.raises(grc.OptionError) as caught:
        grc.score_behaviour(EXAMPLE, rules, as_of=AS_OF)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    for word in ("constrained", "pydantic", "instance", "Input", "validation"):
        assert word not in str(caught.value)


def test_rules_that_are_made_directly_are_refused_alike() -> None:
    with pytest.raises(grc.OptionError, match="rule 'r': there is no key 'ponits'; did you mean"):
        grc.BehaviourRules(**one_rule(ponits=1))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[density]\nmin_click = 1\n", r"\[density\] \(line 2\): there is no key 'min_click'"),
        ("[groups.web]\ncap = -1\n", r"\[groups.web\] \(line 2\): cap: -1"),
        ("[groups]\nweb = {cap = -1}\n", r"\[groups.web\] \(line 2\): cap: -1"),
        ("decai = 5\n", r"line 2: there is no key 'decai'; did you mean 'decay'"),
        (
            '[[rule]]\nname = "a"\ngroup = "g"\npoints = 2\n',
            r"two rules are named 'a' \(on lines 2 and 6\)",
        ),
    ],
)
def test_a_fault_of_a_file_has_its_line(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(f'# rules\n{text}[[rule]]\nname = "a"\ngroup = "g"\npoints = 1\n')
    with pytest.raises(grc.OptionError, match=rf"rules\.toml: {said}"):
        grc.BehaviourRules.load(path)


def test_a_wrong_rule_file_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('[score]\nmax = 9\n\n[[rule]]\nname = "a"\ngroup = "g"\npoint = 1\n')
    with pytest.raises(grc.OptionError, match=r"rules\.toml: rule 'a' \(line 4\): there is no key"):
        grc.BehaviourRules.load(path)
    path.write_text("[score\n")
    with pytest.raises(grc.OptionError, match=r"rules\.toml: this is not TOML: .*line 1"):
        grc.BehaviourRules.load(path)
    with pytest.raises(grc.OptionError, match=r"cannot be read: No such file"):
        grc.BehaviourRules.load(tmp_path / "none.toml")
    with pytest.raises(grc.OptionError, match=r"no preset 'curse'; did you mean 'course'\?"):
        grc.score_behaviour(EXAMPLE, "curse", as_of=AS_OF)
    with pytest.raises(grc.OptionError, match="int is none of them"):
        grc.score_behaviour(EXAMPLE, 5, as_of=AS_OF)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dwell": pl.lit(-1.0)}, "the dwell -1 is below zero"),
        ({"dwell": pl.lit(2e10)}, "more than 203 days"),
        ({"clicks": pl.lit(0.5)}, "the clicks 0.5 are no number of clicks"),
        ({"clicks": pl.lit(-3)}, "the clicks -3 are no number of clicks"),
        ({"timestamp": pl.lit("31/03/2025")}, "is ambiguous"),
        ({"timestamp": pl.lit("soon")}, "cannot be read"),
        ({"client_id": pl.lit(1.5)}, "the client id 1.5 is no whole number"),
    ],
)
def test_wrong_values_say_column_and_row(change: dict[str, pl.Expr], said: str) -> None:
    ((name, wrong),) = change.items()
    frame = EXAMPLE.with_columns(pl.col(name).cast(pl.Float64)) if name == "client_id" else EXAMPLE
    events = pl.concat([frame, frame[:1].with_columns(wrong.alias(name))], how="vertical_relaxed")
    with pytest.raises(grc.DataError) as caught:
        grc.score_behaviour(events, RULES, as_of=AS_OF)
    assert said in str(caught.value)
    assert f"(column '{name}' of the frame, row 10)" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({"kind": "knid"}, grc.ColumnError, "no column 'knid' for the role kind (did you mean"),
        ({"page": "url"}, grc.ColumnError, "no column 'url' for the role page"),
        ({"timestamp": "clicks"}, grc.ColumnError, "the timestamp column 'clicks' of the frame"),
        ({"dwell": "kind"}, grc.ColumnError, "it must hold a number of seconds"),
        ({"machine_open": "kind"}, grc.ColumnError, "it must hold true or false"),
        ({"as_of": "2025-13-01"}, grc.OptionError, "as_of must be an instant"),
        ({"as_of": None}, grc.OptionError, "as_of"),
        ({"as_of": "2020-01-01"}, grc.DataError, "as_of is before every event"),
        ({"memory": "lots"}, grc.OptionError, "memory must be a number of bytes"),
        ({"memory": 0}, grc.OptionError, "memory must be"),
        ({"timezone": "Europe/Lyon"}, grc.OptionError, "no time zone"),
        ({"threads": 0}, grc.OptionError, "threads"),
        ({"client": ""}, grc.OptionError, "client must be a column name"),
        ({"state": "none.parquet"}, grc.ModelError, "the state 'none.parquet' cannot be read"),
    ],
)
def test_wrong_options_say_so(options: dict[str, Any], kind: type[Exception], said: str) -> None:
    with pytest.raises(kind) as caught:
        grc.score_behaviour(EXAMPLE, RULES, **({"as_of": AS_OF} | options))
    assert said in str(caught.value)


def test_a_state_of_other_rules_or_of_later_is_refused(tmp_path: Path) -> None:
    state = grc.score_behaviour(EXAMPLE, RULES, as_of=AS_OF, keep_state=True).state
    assert state is not None
    with pytest.raises(grc.ModelError, match="saved with other rules"):
        grc.score_behaviour(EXAMPLE, one_rule(), as_of=AS_OF, state=state)
    with pytest.raises(grc.ModelError, match="earlier than that of the state"):
        grc.score_behaviour(EXAMPLE, RULES, as_of="2025-03-30", state=state)
    EXAMPLE.write_parquet(tmp_path / "events.parquet")
    with pytest.raises(grc.ModelError, match="is no state"):
        grc.BehaviourState.load(tmp_path / "events.parquet")
    about = {"format": "grc_fast.behaviour_state", "version": 99}
    state.frame.write_parquet(tmp_path / "newer.parquet", metadata={"grc_fast": json.dumps(about)})
    with pytest.raises(grc.ModelError, match="install a newer one"):
        grc.BehaviourState.load(tmp_path / "newer.parquet")


def test_an_unknown_client_has_no_explanation() -> None:
    with pytest.raises(grc.DataError, match="no event of a client 8"):
        grc.explain_behaviour(EXAMPLE, RULES, client_id=8, as_of=AS_OF)


# --- real events ----------------------------------------------------------------------------------


@pytest.mark.skipif(not CLICKSTREAM.exists(), reason=f"there is no {CLICKSTREAM}")
def test_the_click_stream_of_a_web_shop() -> None:
    result = grc.score_behaviour(
        str(CLICKSTREAM),
        ROOT / "examples/web_shop_rules.toml",
        as_of="2024-07-01",
        client="user_id",
        kind="event",
    )

    assert result.quality.rows_read == result.quality.rows_used == 31_106
    assert result.scores.height == 600
    assert not result.quality.unknown_kinds
    assert result.scores["score"].is_between(0, 100).all()
    # The figures of the guide.
    bought = (
        pl.scan_parquet(CLICKSTREAM)
        .group_by(client_id="user_id")
        .agg(purchases=(pl.col("event") == "purchase").sum())
        .collect()
    )
    table = (
        result.scores.join(bought, on="client_id")
        .group_by("phase")
        .agg(pl.len(), pl.col("score").mean(), pl.col("purchases").mean())
        .sort("phase")
    )
    guide = (ROOT / "docs/behaviour.md").read_text("utf-8")
    for phase, clients, score, purchases in table.iter_rows():
        assert f"| {phase} | {clients} | {score:.1f} | {purchases:.2f} |" in guide
    assert table.height == 6
    visits, dense = result.scores["visits"].sum(), result.scores["dense_visits"].sum()
    assert f"It finds {visits:,} visits" in guide
    assert f"{dense:,} pass" in guide


def test_as_many_rules_as_a_shop_has_products_take_seconds() -> None:
    products, pages = 20_000, 5_000
    rules = grc.BehaviourRules.from_dict(
        {
            "groups": {"web": {}},
            "rule": [
                {
                    "name": f"product {number}",
                    "group": "web",
                    "kind": "page_view",
                    "page": f"/p/{number}/*",
                    "points": number,
                }
                for number in range(products)
            ],
        }
    )
    events = pl.DataFrame(
        {
            "client_id": range(pages),
            "timestamp": "2025-03-01T00:00:00",
            "kind": "page_view",
            "page": [f"/p/{client * 3}/photo" for client in range(pages)],
        }
    )
    begun = time.process_time()
    scored = grc.score_behaviour(events, rules, as_of="2025-03-01")
    assert time.process_time() - begun < 20  # a comparison of each with each took minutes
    assert scored.scores["score"].to_list() == [client * 3.0 for client in range(pages)]
