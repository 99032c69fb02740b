"""Behaviour scores against plain loops, for every client of many event sets and rule files."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import behaviour_oracle as oracle
import grc_fast as grc

DAY, SECOND = oracle.DAY, oracle.SECOND
START = 20_000 * DAY

KINDS = [*oracle.WEB, "email_open", "email_click", "unheard_of"]
PAGES = [None, "/", "/tarifs", "/tarifs/pro", "/tarifs/pro/x", "/fr/tarifs", "/jobs", "/aide/été"]
PAGES += ["/s?q=a", "/s?q=ab", "/sXq=a", "/[x]", "/x", "/{fr,en}", "/en/tarifs"]
PAGES += ["https://h.fr/tarifs/?utm=1", "//h.fr/Tarifs/Pro#top", "HTTPS://h.fr/s/?q=a", "lettre-1"]
PAGES += ["https://h.fr", "mailto:x", "/tarifs/", "/Jobs?x#y", "/tarifs#pro", ""]
PATTERNS = [
    "/tarifs",
    "/tarifs/*",
    "/tarifs/p*",
    "*",
    "/*/tarifs",
    "*tarifs*",
    "re:tarif",
    "re:^/(jobs|aide)",
    "/jobs",
    "/nowhere",
    # Signs of globs are signs only beside a star that is not the only one, at the end.
    "/s?q=a",
    "/s?q=*",
    "*/s?q=a",
    "/[x]",
    "/[x]*",
    "*/[xy]",
    "/{fr,en}",
    "/{fr,en}*",
    "*/{fr,en}/*",
    # What speaks of more than the path.
    "https://h.fr/*",
    "HTTPS://h.fr/s/?q=a",
    "*?utm=1",
    "/tarifs/?*",
    "/tarifs#pro",
    "*/tarifs/",
    "lettre-1",
    "mailto:*",
    "/",
]
REPEATS = [
    "always",
    "once",
    "once_per_session",
    "once_per_page",
    "once_per_message",
    "every 24h",
    "every 90m",
    "2 per 7d",
    "1 per 30m",
    "3 per 1d",
]


@st.composite
def rule_files(draw: st.DrawFn) -> dict[str, Any]:
    groups = draw(st.lists(st.sampled_from(["web", "email", "third"]), min_size=1, unique=True))
    rules = [
        {
            "name": f"rule {number}",
            "group": draw(st.sampled_from(groups)),
            "points": draw(st.sampled_from([10.0, 5.0, 2.5, 0.1, 0.0, -3.0, -10.0])),
            "repeat": draw(st.sampled_from(REPEATS)),
        }
        | draw(
            optional("kind", st.sampled_from(KINDS) | st.lists(st.sampled_from(KINDS), min_size=1))
        )
        | draw(optional("page", st.sampled_from(PATTERNS)))
        | draw(optional("category", st.sampled_from(["hot", "warm", "eliminatory"])))
        for number in range(draw(st.integers(1, 9)))
    ]
    session = (
        draw(optional("timeout", st.sampled_from(["30m", "1m", "1h"])))
        | draw(optional("last_dwell", st.sampled_from(["0s", "20s"])))
        | draw(optional("max_events_per_minute", st.sampled_from([2, 4, False])))
        | draw(optional("kinds", st.lists(st.sampled_from(KINDS), unique=True)))
    )
    density = (
        draw(optional("min_dwell", st.sampled_from(["30s", "1m", "0s"])))
        | draw(optional("min_clicks", st.integers(0, 4)))
        | draw(optional("mode", st.sampled_from(["all", "any"])))
        | draw(optional("bypass", st.lists(st.sampled_from(KINDS), max_size=2)))
        | draw(optional("theme", st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=2)))
    )
    decay = draw(
        st.sampled_from(
            [{}, {"half_life": "30d"}, {"half_life": "36h"}, {"linear": "20d"}, {"window": "5d"}]
        )
    )
    bounds = {
        group: draw(optional("cap", st.sampled_from([0, 4.5, 40])))
        | draw(optional("floor", st.sampled_from([-5, 0])))
        for group in groups
    }
    # Other names of kinds that nothing speaks of by them.
    spoken = {kind for rule in rules for kind in _as_list(rule.get("kind", []))}
    spoken |= {*session.get("kinds", []), *density.get("bypass", [])}
    free = [kind for kind in KINDS if kind not in spoken and kind != "purchase"]
    names = draw(st.lists(st.sampled_from(free), unique=True, max_size=2)) if free else []
    kinds = {"purchase": names} if names else {}
    return (
        {"rule": rules, "decay": decay, "session": session, "kinds": kinds}
        | draw(optional("pages", st.just({"ignore_case": True})))
        | draw(optional("tracking", st.just({"clicks": True})))
        | draw(optional("density", st.just(density)))
        | draw(optional("groups", st.just(bounds)))
        | draw(optional("score", st.sampled_from([{"min": 0, "max": 100}, {"max": 7}, {}])))
        | draw(optional("phase", st.sampled_from([{"window": "14d"}, {"window": "36h"}])))
    )


def _as_list(kind: str | list[str]) -> list[str]:
    return [kind] if isinstance(kind, str) else kind


def optional(key: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.just({}) | values.map(lambda value: {key: value})


def random_events(seed: int, rows: int, clients: int) -> list[dict[str, Any]]:
    """Events that crowd around the boundaries: visits at 30 minutes, days, equal instants."""
    rng = random.Random(seed)
    events: list[dict[str, Any]] = []
    steps = [
        0,
        0,
        SECOND,
        20 * SECOND,
        30 * SECOND,
        1800 * SECOND - 1,
        1800 * SECOND,
        2000 * SECOND,
    ]
    steps += [3600 * SECOND, 8 * 3600 * SECOND, DAY - 1, DAY, 3 * DAY, 7 * DAY]
    now = dict.fromkeys(range(clients), START)
    for number in range(rows):
        client = rng.randrange(clients)
        now[client] += rng.choice(steps)
        ident = rng.choice([None, number, rng.randrange(rows)])
        events.append(
            {
                "client_id": client,
                "ts": now[client],
                "kind": rng.choice(KINDS),
                "page": rng.choice(PAGES),
                "dwell": rng.choice([None, 0, 500_000, 29 * SECOND, 30 * SECOND, 1900 * SECOND]),
                "clicks": rng.choice([0, 0, 1, 1, 2, 5]),
                "message": rng.choice([None, "m1", "m2", "m3"]),
                "event_id": ident,
                "machine_open": rng.random() < 0.05,
            }
        )
    rng.shuffle(events)
    return events


def frame_of(events: list[dict[str, Any]]) -> pl.DataFrame:
    schema = {
        "client_id": pl.Int64,
        "ts": pl.Int64,
        "kind": pl.String,
        "page": pl.String,
        "dwell": pl.Float64,
        "clicks": pl.Int64,
        "message": pl.String,
        "event_id": pl.Int64,
        "machine_open": pl.Boolean,
    }
    return (
        pl.DataFrame(events, schema=schema)
        .with_columns(
            timestamp=pl.col("ts").cast(pl.Datetime("us")), dwell=pl.col("dwell") / SECOND
        )
        .drop("ts")
    )


def instant(micros: int) -> Any:
    return pl.Series([micros]).cast(pl.Datetime("us"))[0]


#: What the oracle says beside the scores.
BESIDE = ("ledger", "won", "awarded", "unwon")


def expected_frame(expected: dict[Any, dict[str, Any]]) -> pl.DataFrame:
    rows = [
        {"client_id": client, **{key: value for key, value in row.items() if key not in BESIDE}}
        for client, row in expected.items()
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def assert_agree(result: grc.BehaviourResult, expected: dict[Any, dict[str, Any]]) -> None:
    if not expected:
        assert result.scores.height == 0
        return
    found = result.scores.with_columns(
        pl.col("last_event").cast(pl.Int64), pl.col("phase").cast(pl.String)
    )
    wanted = expected_frame(expected).cast(
        {name: found.schema[name] for name in found.columns if name != "client_id"}
    )
    assert_frame_equal(found, wanted, rel_tol=1e-12, abs_tol=1e-12)


@given(
    rules=rule_files(),
    seed=st.integers(0, 10**9),
    rows=st.integers(0, 150),
    late=st.integers(0, 40 * DAY),
)
def test_scores_and_phases_are_those_of_plain_loops(
    rules: dict[str, Any], seed: int, rows: int, late: int
) -> None:
    events = random_events(seed, rows, clients=4)
    last = max((event["ts"] for event in events), default=START)
    as_of = max(min((event["ts"] for event in events), default=START), last + 10 * DAY - late)

    result = grc.score_behaviour(frame_of(events), rules, as_of=instant(as_of))

    assert_agree(result, oracle.score(events, rules, as_of))


@given(rules=rule_files(), seed=st.integers(0, 10**9))
def test_ledgers_are_those_of_plain_loops(rules: dict[str, Any], seed: int) -> None:
    events = random_events(seed, 80, clients=3)
    as_of = max(event["ts"] for event in events)

    ledger = grc.behaviour_ledger(frame_of(events), rules, as_of=instant(as_of))

    expected = oracle.score(events, rules, as_of)
    with_rule = ledger.filter(pl.col("rule").is_not_null())
    for client, row in expected.items():
        own = with_rule.filter(pl.col("client_id") == client)
        found = own.select(
            pl.col("timestamp").cast(pl.Int64), "rule", pl.col("outcome").cast(pl.String)
        )
        assert found.rows() == [line[:3] for line in row["ledger"]]
        assert own["contribution"].to_list() == pytest.approx(
            [line[3] for line in row["ledger"]], abs=1e-12
        )


@given(rules=rule_files(), seed=st.integers(0, 10**9), threads=st.integers(1, 3))
def test_what_rules_did_is_that_of_plain_loops(
    rules: dict[str, Any], seed: int, threads: int
) -> None:
    events = random_events(seed, 100, clients=4)
    as_of = max(event["ts"] for event in events)

    result = grc.score_behaviour(
        frame_of(events), rules, as_of=instant(as_of), threads=threads, memory=1 + seed % 2 * 10**6
    )

    expected = oracle.score(events, rules, as_of).values()
    for rule in rules["rule"]:
        count = result.quality.rules[rule["name"]]
        assert count.won == sum(row["won"][rule["name"]] for row in expected)
        assert count.awarded == sum(row["awarded"].get(rule["name"], 0) for row in expected)
    unwon = [event for row in expected for event in row["unwon"]]
    for found, role in (
        (result.quality.unwon_pages, "page"),
        (result.quality.unwon_kinds, "kind"),
    ):
        wanted = oracle.most_frequent([event[role] for event in unwon])
        assert list(found.items()) == list(wanted.items())


CONSENTS = st.lists(
    st.fixed_dictionaries(
        {
            "client_id": st.integers(0, 3),
            "scope": st.sampled_from(["open", "click"]),
            "status": st.sampled_from(["granted", "denied", "unknown"]),
            "date": st.dates(dt.date(2024, 1, 1), dt.date(2024, 1, 4)),
        }
    ),
    max_size=12,
)


@given(rules=rule_files(), seed=st.integers(0, 10**9), consents=CONSENTS, text=st.booleans())
def test_opens_without_consent_are_no_events(
    rules: dict[str, Any], seed: int, consents: list[dict[str, Any]], text: bool
) -> None:
    events = random_events(seed, 100, clients=4)
    as_of = max(event["ts"] for event in events)
    schema = {"client_id": pl.Int64, "scope": pl.String, "status": pl.String, "date": pl.Date}
    tracking, frame = pl.DataFrame(consents, schema=schema), frame_of(events)
    if text:
        ids = pl.col("client_id").cast(pl.String)
        tracking, frame = tracking.with_columns(ids), frame.with_columns(ids)
    kept = oracle.consented(events, rules, consents)

    result = grc.score_behaviour(frame, rules, as_of=instant(as_of), tracking=tracking)

    quality = result.quality
    assert quality.dropped["tracking"] == len(events) - len(kept)
    assert quality.rows_read == quality.rows_used + sum(quality.dropped.values())
    scores = result.scores.with_columns(pl.col("client_id").cast(pl.Int64))
    assert_agree(replace(result, scores=scores), oracle.score(kept, rules, as_of))


@given(rules=rule_files(), seed=st.integers(0, 10**9))
def test_other_names_are_names_replaced(rules: dict[str, Any], seed: int) -> None:
    events = random_events(seed, 100, clients=4)
    as_of = instant(max(event["ts"] for event in events))
    own = {key: value for key, value in rules.items() if key != "kinds"}

    found = grc.score_behaviour(frame_of(events), rules, as_of=as_of)
    wanted = grc.score_behaviour(frame_of(oracle.renamed(events, rules)), own, as_of=as_of)

    assert_frame_equal(found.scores, wanted.scores, check_exact=True)
    assert found.quality.kinds == wanted.quality.kinds


@given(
    pattern=st.text("/*?#:aÀé.", max_size=8),
    page=st.text("/?#:aAÀàé.%", max_size=12)
    | st.just("https://h/").flatmap(
        lambda host: st.text("/?#:aAÀàé.", max_size=8).map(lambda rest: host + rest)
    ),
    ignore_case=st.booleans(),
)
def test_pages_are_matched_as_the_standard_library_reads_addresses(
    pattern: str, page: str, ignore_case: bool
) -> None:
    events = pl.DataFrame(
        {"client_id": [1], "timestamp": ["2024-01-01"], "kind": ["x"], "page": [page]}
    )
    rules = {"rule": [{"name": "a", "group": "g", "page": pattern, "points": 1}]}
    rules["pages"] = {"ignore_case": ignore_case}

    found = grc.score_behaviour(events, rules, as_of="2024-01-02").scores["score"][0]

    assert found == oracle.matches(pattern, page, ignore_case)
    if "*" not in pattern:
        events = events.with_columns(page=pl.lit(pattern))
        assert grc.score_behaviour(events, rules, as_of="2024-01-02").scores["score"][0] == 1


@given(rules=rule_files(), seed=st.integers(0, 10**9), cut=st.floats(0, 1), text=st.booleans())
def test_two_runs_through_a_state_are_one_to_the_bit(
    rules: dict[str, Any], seed: int, cut: float, text: bool
) -> None:
    events = random_events(seed, 120, clients=4)
    frame = frame_of(events)
    if text:
        frame = frame.with_columns(pl.col("client_id", "event_id").cast(pl.String))
    first, last = (pick(event["ts"] for event in events) for pick in (min, max))
    middle = first + int((last - first) * cut)

    whole = grc.score_behaviour(frame, rules, as_of=instant(last))
    before = grc.score_behaviour(frame, rules, as_of=instant(middle), keep_state=True)
    after = grc.score_behaviour(frame, rules, as_of=instant(last), state=before.state)

    assert_frame_equal(after.scores, whole.scores, check_exact=True)
    assert before.quality.bot_visits + after.quality.bot_visits == whole.quality.bot_visits


@given(
    rules=rule_files(),
    seed=st.integers(0, 10**9),
    ids=st.sampled_from([pl.UInt64, pl.Int32, pl.String]),
    without=st.sets(
        st.sampled_from(["clicks", "dwell", "page", "message", "event_id", "machine_open"])
    ),
)
def test_columns_may_be_of_other_types_or_missing(
    rules: dict[str, Any], seed: int, ids: Any, without: set[str]
) -> None:
    events = random_events(seed, 100, clients=4)
    for event in events:
        if seed % 3 == 0 and event["ts"] % 3 == 0:
            event["clicks"] = None
    frame = frame_of(events).with_columns(pl.col("client_id").cast(ids)).drop(without)
    as_of = max(event["ts"] for event in events)

    result = grc.score_behaviour(frame, rules, as_of=instant(as_of))
    assert result.scores.schema["client_id"] == ids
    shown = pl.col("client_id").cast(pl.String if ids == pl.String else pl.Int64)
    result = replace(result, scores=result.scores.with_columns(shown))

    # A missing column is a column of nulls, but for clicks: each event is one then.
    absent = {"clicks": 1, "machine_open": False}
    for event in events:
        event.update({name: absent.get(name) for name in without})
        event["clicks"] = event["clicks"] or 0  # a null is none
        event["client_id"] = str(event["client_id"]) if ids == pl.String else event["client_id"]
    assert_agree(result, oracle.score(events, rules, as_of))


@given(
    rules=rule_files(), seed=st.integers(0, 10**9), zone=st.sampled_from(["Europe/Paris", "UTC"])
)
def test_days_are_those_of_the_zone(rules: dict[str, Any], seed: int, zone: str) -> None:
    # A zone of one offset all year, so that the oracle's days are shifted by it, is the definition.
    events = random_events(seed, 100, clients=4)
    frame = frame_of(events).with_columns(pl.col("timestamp").dt.replace_time_zone("UTC"))
    hours = {"Europe/Paris": 2, "UTC": 0}[zone]  # summer, when the instants of the tests begin
    summer = dt.datetime(2024, 4, 1)  # noqa: DTZ001
    shift = (summer - dt.datetime(1970, 1, 1)) // dt.timedelta(microseconds=1) - START  # noqa: DTZ001
    frame = frame.with_columns(pl.col("timestamp") + pl.duration(microseconds=shift))
    as_of = max(event["ts"] for event in events)
    if as_of > START + 200 * DAY:
        return

    result = grc.score_behaviour(
        frame,
        rules,
        as_of=instant(as_of + shift).replace(tzinfo=dt.UTC),
        timezone=zone,
    )

    wall = shift + hours * 3600 * SECOND
    for event in events:
        event["ts"] += wall
    expected = oracle.score(events, rules, as_of + wall)
    found = result.scores.with_columns(pl.col("last_event").dt.replace_time_zone(None))
    assert_agree(replace(result, scores=found), expected)


def test_a_purchase_at_the_instant_of_a_hot_hit() -> None:
    # Equal instants: kinds order by their text, so a purchase comes after the page view.
    rules = {
        "rule": [
            {"name": "buy", "group": "a", "kind": "purchase", "points": 1, "category": "hot"},
            {"name": "see", "group": "b", "page": "/tarifs", "points": 1, "category": "hot"},
        ]
    }
    event = {"client_id": 1, "ts": START, "page": "/tarifs", "dwell": None, "clicks": 1}
    event |= {"message": None, "event_id": None, "machine_open": False}
    for kinds, phase in [
        (["page_view", "purchase"], "won"),  # its own hot hit is not after it
        (["purchase", "search"], "decision"),  # a hot hit comes after it
        (["purchase"], "won"),
    ]:
        events = [event | {"kind": kind} for kind in kinds]
        result = grc.score_behaviour(frame_of(events), rules, as_of=instant(START + DAY))
        assert result.scores["phase"].to_list() == [phase]
        assert_agree(result, oracle.score(events, rules, START + DAY))


@pytest.mark.parametrize("halvings", [63, 64, 65, 200, 2000])
def test_what_is_left_after_64_half_lives_is_below_the_last_bit(halvings: int) -> None:
    points = 1e15
    rules = {
        "decay": {"half_life": "1d"},
        "rule": [{"name": "a", "group": "a", "points": points}],
    }
    event = {"client_id": 1, "ts": START, "kind": "click", "page": None, "dwell": None}
    events = [event | {"clicks": 1, "message": None, "event_id": None, "machine_open": False}]
    as_of = START + halvings * DAY

    found = grc.score_behaviour(frame_of(events), rules, as_of=instant(as_of)).scores["score"][0]

    expected = oracle.score(events, rules, as_of)[1]["score"]
    assert abs(found - expected) <= points * 2.0**-64
    assert (found == expected) == (halvings < 64 or expected == 0)


@pytest.mark.parametrize("seed", range(3))
def test_a_larger_base_agrees_client_by_client(seed: int) -> None:
    rules = grc.BehaviourRules.named("course").model_dump(exclude_none=True)
    pages = ["/contact", "/tarifs", "/recrutement", "/a-propos", "/guide.pdf", None]
    events = random_events(seed, 6000, clients=700)
    for number, event in enumerate(events):
        event["page"] = pages[number % len(pages)]
    as_of = START + 30 * DAY + 12_345

    result = grc.score_behaviour(frame_of(events), rules, as_of=instant(as_of))

    expected = oracle.score(events, rules, as_of)
    phases = {row["phase"] for row in expected.values()}
    assert phases >= {"inactive", "discovery", "decision", "won"}
    assert_agree(result, expected)
