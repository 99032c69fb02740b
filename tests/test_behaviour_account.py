"""What rules did, kinds of other names, limits by page and e-mail, and consents to tracking."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import grc_fast as grc
from grc_fast.cli import main
from test_behaviour import AS_OF, EXAMPLE, RULES, events_of, many_events, one_rule

DAY = "2025-03-01T10:0"
OPENS = {"name": "opens", "group": "email", "kind": "email_open", "points": 2}


# --- what rules did -------------------------------------------------------------------------------


def test_the_account_says_what_each_rule_did() -> None:
    quality = grc.score_behaviour(EXAMPLE, RULES, as_of=AS_OF).quality

    counts = {name: (count.won, count.awarded) for name, count in quality.rules.items()}
    assert counts == {
        "search": (1, 1),
        "/tarifs": (3, 1),
        "/contact": (1, 1),
        "/recrutement": (1, 1),
        "open": (2, 1),
        "paper": (1, 1),
    }
    assert not quality.warnings
    assert "rule '/tarifs': won 3 events, gave 1 award\n" in str(quality)
    written = json.loads(json.dumps(quality.to_dict()))
    assert written["rules"]["/tarifs"] == {"won": 3, "awarded": 1}


def test_a_rule_that_won_nothing_quotes_what_none_won() -> None:
    pages = ["/panier.html"] * 3 + ["/b", "/a", "/c", "/d", "/e", None]
    events = events_of(*((f"{DAY}{n}", "page_view", page) for n, page in enumerate(pages)))
    events = pl.concat([events, events_of((DAY + "9", "search", None))])
    rules = one_rule(name="basket", page="/panier")

    quality = grc.score_behaviour(events, rules, as_of=AS_OF).quality

    assert list(quality.unwon_pages) == ["/panier.html", "/a", "/b", "/c", "/d"]
    assert quality.unwon_pages["/panier.html"] == 3
    assert quality.unwon_kinds == {"page_view": 9, "search": 1}
    [warning] = quality.warnings
    assert warning == (
        "the rule 'basket' won no event; most events that no rule won are of pages "
        "/panier.html (3), /a (1), /b (1), /c (1), /d (1) and kinds page_view (9), search (1)"
    )
    assert f"\nwarning: {warning}" in str(quality)


def test_several_rules_that_won_nothing_are_one_warning() -> None:
    rules = one_rule(name="all")
    rules["rule"] += [
        {"name": name, "group": "web", "kind": "swipe", "points": 1} for name in ("a", "b")
    ]
    quality = grc.score_behaviour(EXAMPLE, rules, as_of=AS_OF).quality
    assert quality.warnings == (
        "the rules 'a', 'b' won no event; every event was won by another rule",
    )


def test_rules_of_a_run_without_an_event_are_not_warned_of() -> None:
    quality = grc.score_behaviour(EXAMPLE.clear(), RULES, as_of=AS_OF).quality
    assert not quality.warnings


def test_counts_depend_on_nothing_but_events() -> None:
    events, rules = many_events(30_000, 700, seed=5), one_rule(page="/tarifs", kind="search")
    results = [
        grc.score_behaviour(frame, rules, as_of=AS_OF, threads=threads, memory=memory).quality
        for frame, threads, memory in (
            (events, 1, None),
            (events.sample(fraction=1, shuffle=True, seed=1), 2, 1),
            (events, 5, 10**5),
        )
    ]
    told = [(found.rules, found.unwon_pages, found.unwon_kinds) for found in results]
    assert told[0] == told[1] == told[2]


def test_runs_through_a_state_count_each_event_once() -> None:
    events = many_events(20_000, 500, seed=6)
    whole = grc.score_behaviour(events, RULES, as_of=AS_OF).quality
    won = dict.fromkeys(whole.rules, 0)
    state = None
    for as_of in ("2025-01-20", "2025-02-03T11:07", AS_OF):
        result = grc.score_behaviour(events, RULES, as_of=as_of, state=state, keep_state=True)
        state = result.state
        for name, count in result.quality.rules.items():
            won[name] += count.won
    assert won == {name: count.won for name, count in whole.rules.items()}


# --- kinds of other names -------------------------------------------------------------------------


def test_a_kind_may_have_other_names() -> None:
    events = events_of(
        (DAY + "0", "commande", None), (DAY + "1", "purchase", None), (DAY + "2", "vue", None)
    )
    rules = one_rule(kind="purchase") | {"kinds": {"purchase": ["achat", "commande"]}}

    result = grc.score_behaviour(events, rules, as_of=AS_OF, keep_state=True)

    assert result.scores.select("score", "visits").row(0) == (2, 1)
    assert result.quality.kinds == {"purchase": 2, "vue": 1}
    assert result.quality.unknown_kinds == {"vue": 1}
    assert "commande" not in str(result.quality)


def test_a_name_of_a_default_may_be_that_of_another_kind() -> None:
    events = events_of((DAY + "0", "click", None))
    rules = one_rule(kind="email_click") | {"kinds": {"email_click": ["click"]}}
    scores = grc.score_behaviour(events, rules, as_of=AS_OF).scores
    assert scores.select("score", "visits").row(0) == (1, 0)


RULE = '[[rule]]\nname = "a"\ngroup = "web"\nkind = "buy"\npoints = 1\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[kinds]\npurchase = ["buy"]\n',
            (
                r"\[kinds\] \(line 6\): 'buy' is another name of 'purchase', and rule 'a' has it "
                r"as a kind: write 'purchase' there"
            ),
        ),
        (
            '[kinds]\npurchase = ["b"]\nsearch = ["b"]\n',
            r"\[kinds\] \(line 6\): 'b' is another name of both 'purchase' and 'search'",
        ),
        ('[kinds]\na = ["b"]\nb = ["c"]\n', r"'b' is another name of 'a', and \[kinds\] has it"),
        ('[session]\nkinds = ["b"]\n[kinds]\na = ["b"]\n', r"and \[session\] has it as a kind"),
        ('[density]\nbypass = ["b"]\n[kinds]\na = ["b"]\n', r"and \[density\] has it as a kind"),
        ('[kinds]\na = "b"\n', r"\[kinds\] \(line 6\): a: 'b' must be a list"),
        ("[kinds]\na = []\n", r"\[kinds\] \(line 6\): a: \[\] must not be empty"),
        ('[kinds]\na = [""]\n', r"\[kinds\] \(line 6\): a: '' must be text that is not empty"),
        ("[pages]\nignore_case = 1\n", r"\[pages\] \(line 6\): ignore_case: 1 must be true or"),
        ("[pages]\nignore = true\n", r"\[pages\] \(line 6\): there is no key 'ignore'"),
        ("[tracking]\nclick = true\n", r"there is no key 'click'; did you mean 'clicks'\?"),
    ],
)
def test_wrong_sections_say_where(text: str, said: str) -> None:
    with pytest.raises(grc.OptionError, match=said):
        grc.BehaviourRules.from_toml(RULE + text)


# --- limits ---------------------------------------------------------------------------------------


def test_events_without_a_page_have_one_page_together() -> None:
    pages = ["/a", None, "/a/", None, "/a", "/b"]
    events = events_of(*((f"{DAY}{n}", "search", page) for n, page in enumerate(pages)))
    scores = grc.score_behaviour(events, one_rule(repeat="once_per_page"), as_of=AS_OF).scores
    assert scores["score"].to_list() == [4]  # /a, none, /a/ as it stands, /b


def mails(*messages: str | None) -> pl.DataFrame:
    rows = [(f"2025-03-{day:02}T10:00", "email_open", None) for day in range(1, len(messages) + 1)]
    return events_of(*rows).with_columns(message=pl.Series(messages, dtype=pl.String))


def test_events_without_a_message_are_e_mails_of_their_own() -> None:
    events, rules = mails("m1", None, "m2", "m1", None), one_rule(repeat="once_per_message")
    result = grc.score_behaviour(events, rules, as_of=AS_OF)
    assert result.scores["score"].to_list() == [4]
    assert not result.quality.warnings


@pytest.mark.parametrize("decay", [{}, {"half_life": "30d"}, {"window": "2d"}])
@pytest.mark.parametrize("repeat", ["once_per_page", "once_per_message"])
def test_limits_hold_over_runs(repeat: str, decay: dict[str, str], tmp_path: Path) -> None:
    events = mails("m1", "m2", "m1", None, "m3", "m2", None, "m1")
    events = events.with_columns(page=pl.col("message"))
    rules = one_rule(repeat=repeat) | {"decay": decay}
    whole = grc.score_behaviour(events, rules, as_of=AS_OF)
    state: Path | None = None
    for day in range(1, 10):
        result = grc.score_behaviour(
            events, rules, as_of=f"2025-03-{day:02}T12:00", state=state, keep_state=True
        )
        state = tmp_path / f"{day}.parquet"
        result.state.save(state)
    result = grc.score_behaviour(events, rules, as_of=AS_OF, state=state)
    assert_frame_equal(result.scores, whole.scores, check_exact=True)
    ledger = grc.behaviour_ledger(events, rules, as_of=AS_OF)
    assert (ledger["outcome"] == "awarded").sum() == (5 if repeat == "once_per_message" else 4)


def test_a_table_without_messages_is_warned_of() -> None:
    events = mails("m1", "m1").drop("message")
    quality = grc.score_behaviour(events, one_rule(repeat="once_per_message"), as_of=AS_OF).quality
    assert quality.warnings == (
        (
            "the rule 'r' counts once per message, and the events have no column 'message' of it: "
            "every event counts"
        ),
    )


def test_messages_may_be_numbers_of_another_column() -> None:
    events = mails("1", "2", "1").with_columns(mail=pl.col("message").cast(pl.Int64))
    result = grc.score_behaviour(
        events.drop("message"), one_rule(repeat="once_per_message"), as_of=AS_OF, message="mail"
    )
    assert result.scores["score"].to_list() == [2]
    explained = grc.explain_behaviour(
        events, one_rule(repeat="once_per_message"), client_id=1, as_of=AS_OF
    )
    assert explained.score == 2


# --- consents to tracking -------------------------------------------------------------------------


def consents(*rows: tuple[Any, ...]) -> pl.DataFrame:
    columns = ["client_id", "scope", "status", "date"]
    return pl.DataFrame(list(rows), schema=columns, orient="row")


MAILED = pl.concat(
    [
        events_of((f"{DAY}0", "email_open", None), (f"{DAY}1", "email_click", None)).with_columns(
            client_id=pl.lit(client, dtype=pl.Int64)
        )
        for client in (1, 2, 3)
    ]
)
CONSENTS = consents(
    (1, "open", "granted", "2025-01-01"),
    (1, "open", "denied", "2024-01-01"),
    (2, "open", "granted", "2025-01-01T09:00"),
    (2, "open", "unknown", "2025-01-01T17:00"),
    (2, "click", "granted", "2025-01-01"),
)


@pytest.mark.parametrize(
    ("rules", "scores", "dropped"),
    [
        (one_rule(), [2, 1, 1], 2),
        (one_rule() | {"tracking": {"clicks": True}}, [1, 1], 4),
        (one_rule() | {"kinds": {"email_open": ["ouverture"]}}, [2, 1, 1], 2),
    ],
)
def test_opens_without_consent_are_dropped_and_counted(
    rules: dict[str, Any], scores: list[float], dropped: int
) -> None:
    events = MAILED
    if "kinds" in rules:
        events = events.with_columns(pl.col("kind").str.replace("email_open", "ouverture"))
    result = grc.score_behaviour(events, rules, as_of=AS_OF, tracking=CONSENTS)
    assert result.scores["score"].to_list() == scores
    assert result.quality.dropped["tracking"] == dropped
    assert result.quality.rows_read == result.quality.rows_used + dropped
    assert f"without consent to tracking: {dropped} " in str(result.quality)
    assert "was not checked" not in str(result.quality)


def test_a_row_counts_under_the_first_reason() -> None:
    result = grc.score_behaviour(
        MAILED, one_rule(), as_of=AS_OF, tracking=CONSENTS, where="client_id = 2"
    )
    dropped = result.quality.dropped
    assert (dropped["where"], dropped["tracking"]) == (4, 1)


def test_the_run_says_that_consents_were_not_checked() -> None:
    said = "note: whether clients agree to have opens of e-mails tracked was not checked"
    assert said in str(grc.score_behaviour(MAILED, one_rule(), as_of=AS_OF).quality)
    visits = MAILED.filter(pl.col("kind") != "email_open")
    assert said not in str(grc.score_behaviour(visits, one_rule(), as_of=AS_OF).quality)


@pytest.mark.parametrize("dtype", [pl.String, pl.Int32, pl.UInt64, pl.Float64])
@pytest.mark.parametrize("of_events", [pl.String, pl.Int64, pl.UInt64])
def test_ids_meet_whatever_their_type(dtype: Any, of_events: Any) -> None:
    events = MAILED.with_columns(pl.col("client_id").cast(of_events))
    tracking = CONSENTS.with_columns(pl.col("client_id").cast(dtype))
    run = {"as_of": AS_OF, "tracking": tracking}
    if dtype == pl.String and of_events != pl.String:
        with pytest.raises(grc.ColumnError, match="numbers in the frame and text in tracking"):
            grc.score_behaviour(events, one_rule(), **run)
        return
    result = grc.score_behaviour(events, one_rule(), **run)
    assert result.scores["score"].to_list() == [2, 1, 1]


def test_consents_of_a_file_meet_events_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    padded = pl.col("client_id").cast(pl.String).str.zfill(4)
    Path("rules.toml").write_text('[[rule]]\nname = "r"\ngroup = "g"\npoints = 1\n')
    command = ("behaviour", "events.csv", "--rules", "rules.toml", "--as-of", AS_OF, "-o")
    for ids in (pl.col("client_id"), padded):
        MAILED.with_columns(ids).write_csv("events.csv")
        CONSENTS.with_columns(ids).write_csv("tracking.csv")
        assert main((*command, "scores.csv", "--tracking", "tracking.csv")) == 0
        assert "without consent to tracking: 2 (33.3 %)" in capfd.readouterr().err
        assert pl.read_csv("scores.csv")["score"].to_list() == [2, 1, 1]
    assert main((*command, "tracking.csv", "--tracking", "tracking.csv")) == 1
    explain = ("explain", "events.csv", "--rules", "rules.toml", "--as-of", AS_OF, "--id", "0003")
    capfd.readouterr()
    assert main((*explain, "--tracking", "tracking.csv", "--quiet")) == 0
    assert "score: 1.0000" in capfd.readouterr().out


def test_dates_of_consents_may_be_of_any_type() -> None:
    moments = CONSENTS.with_columns(
        date=pl.Series([dt.datetime(2025, 1, 1, hour) for hour in (9, 8, 9, 17, 9)])  # noqa: DTZ001
    )
    zoned = moments.with_columns(pl.col("date").dt.replace_time_zone("Europe/Paris"))
    for tracking in (moments, zoned, CONSENTS.to_pandas(), CONSENTS.lazy()):
        result = grc.score_behaviour(MAILED, one_rule(), as_of=AS_OF, tracking=tracking)
        assert result.scores["score"].to_list() == [2, 1, 1]


@pytest.mark.parametrize(
    ("tracking", "kind", "said"),
    [
        (CONSENTS.drop("status"), grc.ColumnError, "tracking has no column 'status'"),
        (consents((1, "opens", "granted", "2025-01-01")), grc.DataError, "did you mean 'open'"),
        (consents((1, "open", 1, "2025-01-01")), grc.ColumnError, "in 'status': write text"),
        (consents((1, "open", "granted", "soon")), grc.ColumnError, "'soon' in 'date'"),
        (consents((1, "open", "granted", 5)), grc.ColumnError, "in 'date': write dates as"),
        (consents((1.5, "open", "granted", "2025-01-01")), grc.ColumnError, "has 1.5 in"),
        ("none.csv", grc.SourceError, "none.csv"),
        (5, grc.ColumnError, "tracking must be a table"),
    ],
)
def test_wrong_consents_say_so(tracking: Any, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        grc.score_behaviour(MAILED, one_rule(), as_of=AS_OF, tracking=tracking)


def test_nobody_has_agreed_in_an_empty_table() -> None:
    result = grc.score_behaviour(MAILED, one_rule(), as_of=AS_OF, tracking=CONSENTS.clear())
    assert result.quality.dropped["tracking"] == 3


def test_the_account_names_the_files_of_events(tmp_path):
    folder = tmp_path / "events"
    folder.mkdir()
    for name in ("1.parquet", "2.parquet"):
        EXAMPLE.write_parquet(folder / name)
    (folder / "_SUCCESS").touch()

    quality = grc.score_behaviour(folder, RULES, as_of=AS_OF).quality

    read = [f"{folder}/1.parquet", f"{folder}/2.parquet"]
    assert quality.to_dict()["files"] == read
    assert quality.to_dict()["skipped_files"] == [f"{folder}/_SUCCESS"]
    assert f"note: read from 2 files: {', '.join(read)}" in str(quality)
