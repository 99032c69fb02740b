"""`grc-fast combine`: scores of both commands, by path, in one table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from grc_fast.cli import main
from test_behaviour import EXAMPLE

SALES = pl.DataFrame(
    {
        "client_id": ["7", "8", "9", "10"],
        "date": ["2025-03-30", "2025-03-01", "2024-06-01", "2024-05-01"],
        "amount": [90.0, 60.0, 5.0, 4.0],
    }
)

Runner = Callable[..., tuple[int, str, str]]


@pytest.fixture
def grc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> Runner:
    """Run the command line in a directory with sales and events."""
    monkeypatch.chdir(tmp_path)
    SALES.write_csv("sales.csv")
    EXAMPLE.write_csv("events.csv")

    def run(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main(arguments)
        shown = capfd.readouterr()
        return code, shown.out, shown.err

    return run


def score(grc: Runner, form: str, *more: str) -> None:
    as_of = ("--as-of", "2025-03-31", "-q")
    assert grc("score", "sales.csv", "-o", f"rfm.{form}", *as_of, *more)[0] == 0
    run = ("behaviour", "events.csv", "--rules", "course", "-o", f"interest.{form}")
    assert grc(*run, *as_of)[0] == 0


@pytest.mark.parametrize("form", ["csv", "parquet", "ndjson", "arrow"])
def test_both_scores_are_joined_whatever_their_format(grc: Runner, form: str) -> None:
    score(grc, form)
    code, out, err = grc("combine", f"rfm.{form}", f"interest.{form}", "-o", "both.parquet")
    assert code == 0, err
    found = pl.read_parquet("both.parquet")
    assert found["client_id"].to_list() == [7, 8, 9, 10]
    assert found["phase"].to_list() == ["decision", None, None, None]
    assert found["action"].to_list()[0] == "call now"
    assert {"points", "segment", "score", "visits"} <= set(found.columns)
    assert "call now" in out
    assert out.split()[:5] == ["action", "clients", "share", "of", "clients"]
    assert "4 clients: 4 in RFM scores, 1 in behaviour scores, 1 in both" in err
    assert "the actions of 3 without an event rest on purchases alone" in err
    assert "written: both.parquet" in err


def test_the_table_may_go_to_standard_output_in_french(grc: Runner) -> None:
    score(grc, "csv")
    code, out, err = grc("combine", "rfm.csv", "interest.csv", "-o", "-", "--lang", "fr", "-q")
    assert (code, err) == (0, "")
    header, first, *_ = out.splitlines()
    assert header.startswith("client_id,")
    assert header.endswith(",action")
    assert first.startswith("7,")
    assert first.endswith(",appeler sans attendre")


def test_other_numbers_of_groups_are_said(grc: Runner) -> None:
    score(grc, "csv", "--groups", "10")
    run = ("combine", "rfm.csv", "interest.csv", "-o", "both.csv")
    code, _, err = grc(*run)
    assert code == 1
    assert "--groups" in err
    assert grc(*run, "--groups", "10")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rfm.csv", "none.csv", "-o", "both.csv"), "none.csv"),
        (("rfm.csv", "rfm.csv", "-o", "both.csv"), "behaviour has no column 'phase'"),
        (("rfm.csv", "interest.csv", "-o", "rfm.csv"), "is the input 'rfm.csv'"),
        (("rfm.csv", "interest.csv", "-o", "both.doc"), "unknown extension"),
    ],
)
def test_what_is_wrong_is_one_sentence(grc: Runner, arguments: tuple[str, ...], said: str) -> None:
    score(grc, "csv")
    before = sorted(Path().iterdir())
    code, out, err = grc("combine", *arguments)
    assert (code, out) == (1, "")
    assert said in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1
    assert sorted(Path().iterdir()) == before
