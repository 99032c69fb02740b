"""Ledgers and explanations: ids as they came, what earlier runs awarded, events told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import grc_fast as grc
from test_behaviour import AS_OF, EXAMPLE, RULES, events_of, many_events, one_rule

BIG = 2**63 + 6


def with_ids(ids: list[Any], dtype: pl.DataType) -> pl.DataFrame:
    rows = [(f"2025-03-01T10:0{number}", "page_view", "/") for number in range(len(ids))]
    return events_of(*rows).with_columns(event_id=pl.Series(ids, dtype=dtype))


@pytest.mark.parametrize(
    ("ids", "dtype"),
    [
        ([5, BIG], pl.UInt64()),
        ([-5, 6], pl.Int64()),
        ([5, 6], pl.Int16()),
        ([5, 6], pl.UInt8()),
        (["b", "an id of many characters"], pl.String()),
    ],
)
@pytest.mark.parametrize("kind", ["polars", "pandas", "arrow"])
def test_event_ids_come_out_as_they_came_in(ids: list[Any], dtype: pl.DataType, kind: str) -> None:
    events = with_ids(ids, dtype)
    source = {"polars": events, "pandas": events.to_pandas(), "arrow": events.to_arrow()}[kind]

    ledger = grc.behaviour_ledger(source, one_rule(), as_of=AS_OF)

    assert ledger["event_id"].to_list() == ids
    if dtype == pl.UInt64:
        assert ledger.schema["event_id"] == pl.UInt64


def test_event_ids_of_files_of_several_types_come_out_as_they_are(tmp_path: Path) -> None:
    with_ids([5, 6], pl.UInt8()).write_parquet(tmp_path / "a.parquet")
    with_ids([-7, 6], pl.Int64()).write_parquet(tmp_path / "b.parquet")

    ledger = grc.behaviour_ledger(str(tmp_path / "*.parquet"), one_rule(), as_of=AS_OF)

    # 6 came twice, and once is enough; -7 is before 5 at the same instant.
    assert ledger["event_id"].to_list() == [-7, 5, 6]

    with_ids([5, BIG], pl.UInt64()).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(grc.ColumnError, match="signed in one file and UInt64 in another"):
        grc.behaviour_ledger(str(tmp_path / "*.parquet"), one_rule(), as_of=AS_OF)


def test_an_empty_id_is_none() -> None:
    events = with_ids(["", "", "a", "a", None], pl.String())

    result = grc.score_behaviour(events, one_rule(), as_of=AS_OF)
    ledger = grc.behaviour_ledger(events, one_rule(), as_of=AS_OF)

    assert result.quality.dropped["duplicate"] == 1
    assert result.scores["score"][0] == 4
    assert ledger["event_id"].to_list() == [None, None, "a", None]


@pytest.mark.parametrize(
    "decay", [{}, {"half_life": "30d"}, {"half_life": "1d"}, {"linear": "60d"}, {"window": "30d"}]
)
def test_a_ledger_that_goes_on_sums_to_the_score(decay: dict[str, str]) -> None:
    events = many_events(20_000, 900, seed=5)
    rules = {**RULES, "decay": decay, "groups": {}, "score": {}}
    before = grc.score_behaviour(events, rules, as_of="2025-02-10T12:00", keep_state=True)

    ledger = grc.behaviour_ledger(events, rules, as_of="2025-03-10", state=before.state)
    scores = grc.score_behaviour(events, rules, as_of="2025-03-10", state=before.state).scores

    assert (ledger["outcome"] == "carried").sum() > 1000
    sums: dict[tuple[int, str], float] = {}
    given = ledger.filter(pl.col("group").is_not_null())
    for client, group, contribution in given.select(
        "client_id", "group", "contribution"
    ).iter_rows():
        sums[client, group] = sums.get((client, group), 0.0) + contribution
    for client, *scored in scores.select("client_id", "score_web", "score_email").iter_rows():
        assert scored == [sums.get((client, group), 0.0) for group in ("web", "email")]
    carried = ledger.filter(pl.col("outcome") == "carried")
    assert carried["event"].null_count() == carried["kind"].null_count() == carried.height
    assert carried["clicks"].null_count() == carried.height
    assert carried["reason"].unique().to_list() == ["awarded in an earlier run"]
    assert (carried["timestamp"].null_count() == carried.height) == (decay == {})


def test_visits_go_on_after_those_of_earlier_runs() -> None:
    rows = [(f"2025-03-0{day}T10:00", "page_view", "/") for day in (1, 2, 3, 4)]
    before = grc.score_behaviour(events_of(*rows), one_rule(), as_of="2025-03-03", keep_state=True)

    ledger = grc.behaviour_ledger(
        events_of(*rows), one_rule(), as_of="2025-03-05", state=before.state
    )

    assert ledger["visit"].to_list() == [None, 3, 4]
    assert ledger["event"].to_list() == [None, 1, 2]


def test_equal_events_are_told_apart_and_groups_are_not_events() -> None:
    click = ("2025-03-01T10:00", "click", "/")
    both = [
        {"name": name, "group": name, "kind": "click", "points": 1} for name in ("one", "other")
    ]

    unruled = grc.explain_behaviour(
        events_of(click, click, click), one_rule(kind="search"), client_id=1, as_of=AS_OF
    )
    ruled = grc.explain_behaviour(events_of(click, click), {"rule": both}, client_id=1, as_of=AS_OF)

    assert unruled.visits.select("events", "clicks").row(0) == (3, 3)
    assert ruled.visits.select("events", "clicks").row(0) == (2, 2)
    assert ruled.ledger["event"].to_list() == [1, 1, 2, 2]
    assert str(ruled).count("same:") == 2
    assert "same:" not in str(unruled)


def test_a_client_whose_events_are_all_dropped_is_told_why() -> None:
    events = events_of(("2025-03-01T10:00", None, "/"), (None, "click", "/"), (None, "click", "/"))
    with pytest.raises(grc.DataError) as caught:
        grc.explain_behaviour(events, one_rule(), client_id=1, as_of=AS_OF)
    assert str(caught.value) == (
        "no event of the client 1 can be used: 2 without a timestamp, 1 without a kind"
    )


@pytest.mark.parametrize(
    ("client_id", "dtype"),
    [
        (2**70, pl.Int64),
        (-(2**70), pl.Int64),
        (2**63, pl.Int64),
        (-1, pl.UInt64),
        (2**64, pl.UInt64),
        ("99999999999999999999", pl.Int64),
        ("-1", pl.UInt64),
        ("seven", pl.Int64),
    ],
)
def test_an_id_that_cannot_be_there_has_no_event(client_id: Any, dtype: Any) -> None:
    events = EXAMPLE.with_columns(pl.col("client_id").cast(dtype))
    with pytest.raises(grc.DataError, match="there is no event of a client"):
        grc.explain_behaviour(events, RULES, client_id=client_id, as_of=AS_OF)


@pytest.mark.parametrize("client_id", [None, 7.0, 1.7, True, [7]])
def test_an_id_is_an_integer_or_text(client_id: Any) -> None:
    with pytest.raises(grc.OptionError, match="client_id must be an integer or text"):
        grc.explain_behaviour(EXAMPLE, RULES, client_id=client_id, as_of=AS_OF)


def test_an_explanation_goes_on_from_no_state() -> None:
    state = grc.score_behaviour(EXAMPLE, RULES, as_of="2025-03-01", keep_state=True).state
    with pytest.raises(grc.OptionError, match="state cannot go with it"):
        grc.explain_behaviour(EXAMPLE, RULES, client_id=7, as_of=AS_OF, state=state)
