"""Saved states: event ids over runs, programs counted once, and damaged files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import grc_fast as grc
from grc_fast.behaviour.state import state_held
from grc_fast.cli import main
from test_behaviour import AS_OF, EXAMPLE, RULES, events_of, many_events, one_rule

DAYS = ("2025-01-20", "2025-02-03T11:07", "2025-02-20", "2025-03-20T07:30")


def rows_of(*ids: Any) -> pl.DataFrame:
    """One e-mail opened a day, with these ids."""
    rows = [(f"2025-03-{day:02}T10:00", "email_open", None) for day in range(1, len(ids) + 1)]
    return events_of(*rows).with_columns(event_id=pl.Series(list(ids)))


def chained(events: pl.DataFrame, rules: Any, days: tuple[str, ...], path: Path, **options: Any):
    """Score in as many runs as there are days, through files."""
    state: Path | None = None
    for number, as_of in enumerate(days):
        result = grc.score_behaviour(
            events, rules, as_of=as_of, state=state, keep_state=True, **options
        )
        assert result.state is not None
        state = path / f"{number}.parquet"
        result.state.save(state)
    return result


@pytest.mark.parametrize("decay", [{}, {"half_life": "30d"}, {"window": "10d"}])
@pytest.mark.parametrize("ids", ["few", "text", "unsigned"])
def test_ids_that_return_in_a_later_run_are_known(
    decay: dict[str, str], ids: str, tmp_path: Path
) -> None:
    events = many_events(30_000, 700, seed=9)
    few = pl.col("event_id") % 400  # most of them return, in the same run and in later ones
    wanted = {
        "few": few,
        "text": pl.lit("the event of number ") + few.cast(pl.String),
        "unsigned": few.cast(pl.UInt64) + 2**63,
    }[ids]
    some = pl.when(pl.int_range(pl.len()) % 3 > 0).then(wanted)
    events = events.with_columns(event_id=some)
    rules = {**RULES, "decay": decay}

    whole = grc.score_behaviour(events, rules, as_of=DAYS[-1])
    result = chained(events, rules, DAYS, tmp_path)

    assert_frame_equal(result.scores, whole.scores, check_exact=True)
    unaware = chained(events.with_columns(event_id=None), rules, DAYS, tmp_path)
    assert not result.scores["score"].equals(unaware.scores["score"])


def test_ids_are_kept_through_a_run_without_any(tmp_path: Path) -> None:
    first, second, third = rows_of("a", "b"), rows_of(None, None, None, None), rows_of(*"cdexa")
    results, state = [], None
    second = second.drop("event_id")
    for events, as_of in ((first, "2025-03-02T12"), (second, "2025-03-04T12"), (third, AS_OF)):
        result = grc.score_behaviour(events, one_rule(), as_of=as_of, state=state, keep_state=True)
        result.state.save(tmp_path / "state.parquet")
        state = tmp_path / "state.parquet"
        results.append((result.scores["score"][0], result.quality.dropped["duplicate"]))
    # Two of each run, but the fifth day's id is that of the first.
    assert results == [(2, 0), (4, 0), (4, 1)]


def test_signed_and_unsigned_ids_are_the_same_where_both_hold_them() -> None:
    state = grc.score_behaviour(rows_of(5, 6), one_rule(), as_of="2025-03-02T12", keep_state=True)
    events = rows_of(1, 2, 5).with_columns(pl.col("event_id").cast(pl.UInt64))
    found = grc.score_behaviour(events, one_rule(), as_of=AS_OF, state=state.state)
    assert (found.scores["score"][0], found.quality.dropped["duplicate"]) == (2, 1)


@pytest.mark.parametrize("ids", [("a", "b"), (-5, 6)])
def test_ids_of_another_type_than_those_of_the_state_are_refused(ids: tuple[Any, ...]) -> None:
    state = grc.score_behaviour(rows_of(*ids), one_rule(), as_of="2025-03-02T12", keep_state=True)
    events = rows_of(1, 2, 3).with_columns(pl.col("event_id").cast(pl.UInt64))
    with pytest.raises(grc.ColumnError, match="of another type than those of the events"):
        grc.score_behaviour(events, one_rule(), as_of=AS_OF, state=state.state)


@pytest.mark.parametrize("cut", [30, 55, 80])
def test_a_program_is_counted_by_one_run(cut: int) -> None:
    rows = [(f"2025-03-01T10:00:{n / 2:09.6f}", "page_view", "/") for n in range(100)]
    rows += [("2025-03-02T10:00", "page_view", "/")]
    rules = one_rule() | {"session": {"max_events_per_minute": 50}}
    events = events_of(*rows)

    before = grc.score_behaviour(
        events, rules, as_of=f"2025-03-01T10:00:{cut / 2:09.6f}", keep_state=True
    )
    after = grc.score_behaviour(events, rules, as_of=AS_OF, state=before.state)
    whole = grc.score_behaviour(events, rules, as_of=AS_OF)

    counts = [run.quality.bot_visits for run in (before, after)]
    assert counts == ([1, 0] if cut > 50 else [0, 1])
    assert whole.quality.bot_visits == 1
    assert_frame_equal(after.scores, whole.scores, check_exact=True)


def test_the_state_that_a_run_goes_on_from_may_be_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    EXAMPLE.write_csv("events.csv")
    run = ("behaviour", "events.csv", "--rules", "course", "--quiet", "-o")
    states = ("--state-in", "state.parquet", "--state-out", "./state.parquet")
    assert main((*run, "a.csv", "--as-of", "2025-03-15", "--state-out", "state.parquet")) == 0
    assert main((*run, "b.csv", "--as-of", AS_OF, *states)) == 0
    assert main((*run, "c.csv", "--as-of", AS_OF)) == 0
    assert Path("b.csv").read_bytes() == Path("c.csv").read_bytes()
    assert main((*run, "state.parquet", "--as-of", AS_OF, "--state-in", "state.parquet")) == 1


def saved(tmp_path: Path, about: Any, change: Any = None) -> Path:
    """A state file whose metadata is this, and whose columns are changed so."""
    state = grc.score_behaviour(EXAMPLE, RULES, as_of=AS_OF, keep_state=True).state
    assert state is not None
    frame = state.frame if change is None else change(state.frame)
    frame.write_parquet(tmp_path / "state.parquet", metadata={"grc_fast": json.dumps(about)})
    return tmp_path / "state.parquet"


ABOUT = {
    "format": "grc_fast.behaviour_state",
    "version": 4,
    "as_of": 0,
    "zoned": False,
    "timezone": "UTC",
    "rules": "",
}


@pytest.mark.parametrize(
    ("about", "change", "said"),
    [
        ([], None, "is no state"),
        ({}, None, "is no state"),
        (5, None, "is no state"),
        ({**ABOUT, "version": None}, None, "has no version"),
        ({**ABOUT, "version": 3}, None, "has format 3.*score all events again"),
        ({**ABOUT, "version": 5}, None, "has format 5.*install a newer one"),
        ({**ABOUT, "as_of": "soon"}, None, "what it says of 'as_of' is missing or wrong"),
        ({**ABOUT, "rules": None}, None, "what it says of 'rules'"),
        (ABOUT, lambda frame: frame.drop("seen"), "its columns are not those saved"),
        (ABOUT, lambda frame: frame.drop("client_id"), "its columns are not those saved"),
        (ABOUT, lambda frame: frame.cast({"part": pl.Int64}), "its columns are not those saved"),
        (ABOUT, lambda frame: frame.cast({"event_id": pl.Date}), "its columns are not those saved"),
        (ABOUT, None, "it does not hold what was saved"),
    ],
)
def test_a_damaged_state_says_so(about: Any, change: Any, said: str, tmp_path: Path) -> None:
    path = saved(tmp_path, about, change)
    with pytest.raises(grc.ModelError, match=said):
        grc.score_behaviour(EXAMPLE, RULES, as_of=AS_OF, state=path)


def test_a_state_is_a_state_or_its_file() -> None:
    with pytest.raises(grc.OptionError, match="int is neither"):
        grc.score_behaviour(EXAMPLE, RULES, as_of=AS_OF, state=5)  # type: ignore[arg-type]


def rewritten(tmp_path: Path, change: Any, **about: Any) -> Path:
    """A saved state whose rows or metadata are changed, and its digest left as it is."""
    path = tmp_path / "state.parquet"
    rows = rows_of("a", None, "", "b")
    state = grc.score_behaviour(rows, RULES, as_of=AS_OF, keep_state=True).state
    assert state is not None
    state.save(path)
    said = json.loads(pl.read_parquet_metadata(path)["grc_fast"]) | about
    change(pl.read_parquet(path)).write_parquet(
        path, metadata={"grc_fast": json.dumps(said)}, compression="gzip", row_group_size=2
    )
    return path


def test_a_state_may_be_encoded_anew(tmp_path: Path) -> None:
    path = rewritten(tmp_path, lambda frame: pl.concat([frame[:1], frame[1:]], rechunk=False))

    assert grc.BehaviourState.load(path).frame.height > 0


@pytest.mark.parametrize(
    ("change", "about"),
    [
        (lambda frame: frame.reverse(), {}),
        (lambda frame: frame.head(frame.height // 2), {}),
        (lambda frame: frame.clear(), {}),
        (lambda frame: pl.concat([frame, frame.tail(1)]), {}),
        (lambda frame: frame.with_columns(pl.col("value") * -1.0), {}),
        (lambda frame: frame.with_columns(pl.col("event_id").fill_null("")), {}),
        (lambda frame: frame.with_columns(pl.col("seen").list.reverse()), {}),
        (lambda frame: frame, {"as_of": 0}),
        (lambda frame: frame, {"zoned": True}),
    ],
    ids=["order", "half", "empty", "twice", "value", "null", "list", "as_of", "zoned"],
)
def test_a_state_that_is_not_what_was_saved_is_refused(
    change: Any, about: Any, tmp_path: Path
) -> None:
    path = rewritten(tmp_path, change, **about)

    with pytest.raises(grc.ModelError, match="it does not hold what was saved"):
        grc.BehaviourState.load(path)


def test_who_comes_second_to_a_state_is_told_to_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    EXAMPLE.write_csv("events.csv")
    run = ("behaviour", "events.csv", "--rules", "course", "--quiet", "-o", "a.csv")
    states = ("--state-in", "state.parquet", "--state-out", "state.parquet")
    assert main((*run, "--as-of", "2025-03-15", "--state-out", "state.parquet")) == 0
    before = Path("state.parquet").read_bytes()

    with state_held("state.parquet"):
        assert main((*run, "--as-of", AS_OF, *states)) == 1
    assert "another run goes on from the state 'state.parquet': wait" in capsys.readouterr().err
    assert Path("state.parquet").read_bytes() == before

    assert main((*run, "--as-of", AS_OF, *states)) == 0


def test_a_state_is_not_replaced_by_an_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    EXAMPLE.write_csv("events.csv")
    run = ("behaviour", "events.csv", "--rules", "course", "--quiet", "-o", "a.csv")
    assert main((*run, "--as-of", AS_OF, "--state-out", "state.parquet")) == 0
    before = Path("state.parquet").read_bytes()

    assert main((*run, "--as-of", "2025-03-15", "--state-out", "state.parquet")) == 1
    assert "is of a later instant than the one to be saved" in capsys.readouterr().err
    earlier = grc.score_behaviour(EXAMPLE, RULES, as_of="2025-03-15", keep_state=True).state
    assert earlier is not None
    with pytest.raises(grc.ModelError, match="is of a later instant"):
        earlier.save("state.parquet")
    assert Path("state.parquet").read_bytes() == before
