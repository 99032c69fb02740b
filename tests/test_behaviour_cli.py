"""`grc-fast behaviour` and `grc-fast explain --rules`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from grc_fast.cli import main
from test_behaviour import EXAMPLE

RULES = """
[density]
min_dwell = "30s"
min_clicks = 2
[decay]
half_life = "30d"
[score]
min = 0
max = 100
[groups.web]
cap = 40
[groups.email]
cap = 10
[[rule]]
name = "search"
group = "web"
kind = "search"
points = 5
[[rule]]
name = "pricing"
group = "web"
kind = "page_view"
page = "/tarifs"
points = 10
repeat = "once_per_session"
category = "hot"
[[rule]]
name = "contact"
group = "web"
kind = "page_view"
page = "/contact"
points = 15
repeat = "once_per_session"
category = "hot"
[[rule]]
name = "open"
group = "email"
kind = "email_open"
points = 2
repeat = "every 24h"
[[rule]]
name = "white paper"
group = "web"
kind = "download"
points = 20
repeat = "once"
[[rule]]
name = "jobs"
group = "web"
kind = "page_view"
page = "/recrutement"
points = -10
repeat = "once_per_session"
category = "eliminatory"
"""
AS_OF = ("--as-of", "2025-03-31")
BASE = ("behaviour", "events.csv", "--rules", "rules.toml")

Runner = Callable[..., tuple[int, str, str]]


@pytest.fixture
def grc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> Runner:
    """Run the command line in a directory with the worked example."""
    monkeypatch.chdir(tmp_path)
    EXAMPLE.write_csv("events.csv")
    Path("rules.toml").write_text(RULES, "utf-8")

    def run(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main(arguments)
        shown = capfd.readouterr()
        return code, shown.out, shown.err

    return run


def test_the_worked_example(grc: Runner) -> None:
    code, out, err = grc(*BASE, *AS_OF, "-o", "scores.parquet")
    assert code == 0, err
    scores = pl.read_parquet("scores.parquet")
    assert f"{scores['score'][0]:.4f}" == "36.6066"
    assert scores["phase"].to_list() == ["decision"]
    assert scores["client_id"].to_list() == [7]
    assert "decision" in out
    assert "9 events read" in err
    assert "written: scores.parquet" in err


def test_scores_go_to_standard_output(grc: Runner) -> None:
    code, out, err = grc(*BASE, *AS_OF, "-o", "-", "--quiet")
    assert (code, err) == (0, "")
    header, line = out.splitlines()
    assert header.startswith("client_id,score,score_web,score_email,phase,last_event,visits")
    assert line.startswith("7,36.6066")


def test_explain_prints_the_ledger(grc: Runner) -> None:
    code, out, err = grc("explain", "events.csv", "--rules", "rules.toml", "--id", "7", *AS_OF)
    assert code == 0, err
    assert "score: 36.6066" in out
    assert "phase: decision" in out
    assert "limit: every 24h" in out
    code, out, _ = grc(
        "explain", "events.csv", "--rules", "rules.toml", "--id", "7", *AS_OF, "--json"
    )
    explained = json.loads(out)
    assert code == 0
    assert f"{explained['score']:.4f}" == "36.6066"
    assert sum(row["contribution"] for row in explained["ledger"]) == pytest.approx(
        36.6066, abs=1e-4
    )
    assert [visit["passed"] for visit in explained["visits"]] == [False, True, True, False]


def test_a_preset_is_printed_to_be_copied(grc: Runner) -> None:
    code, out, err = grc("behaviour", "--print-preset", "course")
    assert (code, err) == (0, "")
    assert len(tomllib.loads(out)["rule"]) > 10
    Path("mine.toml").write_text(out, "utf-8")
    code, _, err = grc("behaviour", "events.csv", "--rules", "mine.toml", *AS_OF, "-o", "a.csv")
    assert code == 0, err
    code, _, err = grc("behaviour", "events.csv", "--rules", "course", *AS_OF, "-o", "b.csv")
    assert code == 0, err
    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()


def test_two_runs_through_a_state_file_are_one(grc: Runner) -> None:
    for arguments in (
        ("--as-of", "2025-03-15T12:00:30", "--state-out", "state.parquet", "-o", "first.csv"),
        (*AS_OF, "--state-in", "state.parquet", "-o", "second.csv"),
        (*AS_OF, "-o", "whole.csv"),
    ):
        code, _, err = grc(*BASE, *arguments)
        assert code == 0, err
    assert Path("second.csv").read_bytes() == Path("whole.csv").read_bytes()
    assert Path("first.csv").read_bytes() != Path("whole.csv").read_bytes()


def test_all_outputs_are_written(grc: Runner) -> None:
    more = ("--ledger", "ledger.parquet", "--quality", "quality.json", "--memory", "1MB")
    code, _, err = grc(*BASE, *AS_OF, "-o", "scores.xlsx", *more)
    assert code == 0, err
    assert json.loads(Path("quality.json").read_text())["rows_used"] == 9
    assert pl.read_parquet("ledger.parquet").height == 9


def test_threads_give_the_same_bytes(grc: Runner) -> None:
    for threads in ("1", "2", "5"):
        assert grc(*BASE, *AS_OF, "-o", f"{threads}.csv", "--threads", threads)[0] == 0
    assert len({Path(f"{threads}.csv").read_bytes() for threads in "125"}) == 1


def test_as_of_is_the_midnight_after_the_last_event(grc: Runner) -> None:
    code, _, err = grc(*BASE, "-o", "late.csv")
    assert code == 0
    assert "note: as_of is the midnight after the last event" in err
    assert "as of 2025-03-31 00:00:00" in err


def test_columns_are_named_by_role(grc: Runner) -> None:
    renamed = EXAMPLE.rename(
        {"client_id": "who", "timestamp": "at", "kind": "what", "page": "url", "dwell": "s"}
    )
    renamed.write_parquet("renamed.parquet")
    named = ("--client", "who", "--timestamp", "at", "--kind", "what", "--page", "url")
    code, out, err = grc(
        "behaviour",
        "renamed.parquet",
        "--rules",
        "rules.toml",
        *AS_OF,
        "-o",
        "-",
        *named,
        "--dwell",
        "s",
    )
    assert code == 0, err
    assert out.splitlines()[1].startswith("7,36.6066")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--rules", "none.toml"), 1, "the rules 'none.toml' cannot be read"),
        (("--kind", "knid"), 1, "events.csv has no column 'knid' for the role kind"),
        (("--as-of", "soon"), 1, "as_of must be an instant"),
        (("--memory", "much"), 1, "memory must be a number of bytes"),
        (("--state-in", "rules.toml"), 1, "the state 'rules.toml' cannot be read"),
        (("-o", "events.csv"), 1, "is the input 'events.csv'"),
        (("-o", "scores.doc"), 1, "unknown extension"),
        (("--print-preset", "curse"), 1, "there is no preset 'curse'; did you mean 'course'?"),
        (("--threads", "0"), 2, "threads"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    grc: Runner, arguments: tuple[str, ...], code: int, said: str
) -> None:
    before = sorted(Path().iterdir())
    found, _, err = grc(*BASE, *AS_OF, "-o", "scores.csv", *arguments)
    assert found == code
    assert said in err
    assert "Traceback" not in err
    assert code == 2 or len(err.strip().splitlines()) == 1
    assert sorted(Path().iterdir()) == before


def test_a_wrong_value_names_its_line(grc: Runner) -> None:
    with Path("events.csv").open("a") as file:
        file.write("7,2025-03-30T19:00,page_view,/tarifs,-4,1\n")
    code, _, err = grc(*BASE, *AS_OF, "-o", "scores.csv")
    assert code == 1
    assert "the dwell -4 is below zero" in err
    assert "(column 'dwell' of events.csv, row 10, line 11)" in err


def test_a_file_without_rows_is_empty(grc: Runner) -> None:
    EXAMPLE.clear().write_csv("none.csv")
    code, _, err = grc("behaviour", "none.csv", "--rules", "rules.toml", *AS_OF, "-o", "scores.csv")
    assert (code, err) == (1, "error: none.csv is empty: it has no rows\n")
    code, _, err = grc("behaviour", "none.csv", "--rules", "rules.toml", "-o", "scores.csv")
    assert code == 1
    assert "as_of cannot be the midnight after the last event" in err


def test_a_temporary_directory_that_is_missing_is_one_sentence(
    grc: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", "/no/such/directory")
    code, _, err = grc(*BASE, *AS_OF, "-o", "scores.csv", "--memory", "1B")
    assert code == 1
    assert "a temporary file cannot be made" in err
    assert "TMPDIR" in err


def test_options_of_sales_do_not_go_with_rules(grc: Runner) -> None:
    explain = ("explain", "events.csv", "--rules", "rules.toml", "--id", "7")
    assert grc(*explain, *AS_OF, "--bins", "3")[0] == 2
    assert grc(*explain)[0] == 2


def test_a_ledger_read_back_is_that_of_python(grc: Runner) -> None:
    import grc_fast

    assert grc(*BASE, *AS_OF, "-o", "s.csv", "--ledger", "ledger.parquet")[0] == 0
    ledger = grc_fast.behaviour_ledger("events.csv", "rules.toml", as_of="2025-03-31")
    assert_frame_equal(pl.read_parquet("ledger.parquet"), ledger)


@pytest.mark.parametrize(
    "option",
    [
        ("--bins", "3"),
        ("--amount", "price"),
        ("--date", "day"),
        ("--order", "ticket"),
        ("--money-scale", "2"),
    ],
)
def test_an_option_of_sales_does_not_go_with_rules(grc: Runner, option: tuple[str, str]) -> None:
    code, _, err = grc(
        "explain", "events.csv", "--rules", "rules.toml", "--id", "7", *AS_OF, *option
    )
    assert code == 2
    assert f"{option[0]} cannot go with --rules" in err.replace("\n", " ")


@pytest.mark.parametrize("wanted", ["99999999999999999999", "-1"])
def test_an_id_that_no_column_holds_has_no_event(grc: Runner, wanted: str) -> None:
    EXAMPLE.write_parquet("events.parquet")
    run = ("explain", "events.parquet", "--rules", "rules.toml", *AS_OF, f"--id={wanted}")
    code, _, err = grc(*run)
    assert (code, err.splitlines()[-1]) == (
        1,
        f"error: there is no event of a client '{wanted}': check the id",
    )


def test_a_ledger_goes_on_from_a_state(grc: Runner) -> None:
    first = ("--as-of", "2025-03-15T12:00:30", "--state-out", "state.parquet", "-o", "first.csv")
    assert grc(*BASE, *first)[0] == 0
    more = ("--state-in", "state.parquet", "--ledger", "ledger.parquet", "-o", "scores.parquet")
    assert grc(*BASE, *AS_OF, *more)[0] == 0

    ledger, scores = pl.read_parquet("ledger.parquet"), pl.read_parquet("scores.parquet")

    assert ledger["contribution"].sum() == pytest.approx(scores["score"][0], abs=1e-12)
    assert ledger["outcome"].cast(pl.String).to_list().count("carried") == 1
