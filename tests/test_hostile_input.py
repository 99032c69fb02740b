"""What nobody writes on purpose: it ends in a sentence, and steers no terminal."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

import grc_fast as grc
from grc_fast._utils.messages import harmless
from grc_fast.cli import main

LINES = "client_id,date,amount\n1,2026-01-01,1\n2,2026-01-02,2\n"
AS_OF = "2026-02-01"
DEEP = "[" * 100_000 + "]" * 100_000
STEERING = "a\x1b[2J\x9b31m\r\u202eb"
SHOWN = "a\\x1b[2J\\x9b31m\\r\\u202eb"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("sales.csv").write_text(LINES)
    return tmp_path


def grc_fast(arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a shell, with the redirections that stand in it."""
    command = f"'{sys.executable}' -m grc_fast {arguments}"
    return subprocess.run(
        command, shell=True, capture_output=True, text=True, check=False, timeout=120
    )


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 1
    sentence = capsys.readouterr().err
    assert "unexpected" not in sentence
    return sentence


# --- nested too deeply ----------------------------------------------------------------------------


@pytest.mark.parametrize("amount", ["1", '"much"'])
def test_a_line_nested_too_deeply_is_named(amount: str) -> None:
    line = f'{{"client_id": 1, "date": "2026-01-01", "amount": {amount}, "x": {DEEP}}}\n'
    Path("sales.ndjson").write_text(line)

    with pytest.raises(grc.SourceError, match=r"sales\.ndjson, line 1 is nested too deeply"):
        grc.facts("sales.ndjson", as_of=AS_OF)


def test_toml_nested_too_deeply_is_named() -> None:
    Path("deep.toml").write_text(f"a = {DEEP}\n")

    with pytest.raises(grc.OptionError, match=r"deep\.toml: they are nested too deeply"):
        grc.BehaviourRules.load("deep.toml")
    with pytest.raises(grc.OptionError, match=r"deep\.toml: it is nested too deeply"):
        grc.RFM(segments="deep.toml")


# --- names of files -------------------------------------------------------------------------------


def test_a_circle_of_links_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    Path("one.csv").symlink_to("two.csv")
    Path("two.csv").symlink_to("one.csv")

    said = refused(capsys, "score", "one.csv", "-o", "scores.csv")
    assert "one.csv is a link to 'two.csv', which leads to no file" in said
    refused(capsys, "score", "sales.csv", "-o", "scores.csv", "--clients", "one.csv")
    refused(capsys, "score", "sales.csv", "-o", "one.csv")


@pytest.mark.parametrize("suffix", ["csv", "ndjson", "parquet", "arrow"])
def test_a_name_that_is_no_utf8_is_one_sentence(suffix: str) -> None:
    name = os.fsdecode(b"sal\xe9s." + suffix.encode())
    try:
        Path(name).write_text(LINES)
    except OSError:
        pytest.skip("the file system takes UTF-8 alone")

    with pytest.raises(grc.SourceError, match=r"'sal\\udce9s.*' is not UTF-8: rename it"):
        grc.facts(name, as_of=AS_OF)


@pytest.mark.parametrize("rows", [2, 50_000])
def test_a_pipe_is_read_whole_however_short_it_is(rows: int) -> None:
    os.mkfifo("pipe.csv")
    text = "client_id,date,amount\n" + "1,2026-01-01,1\n" * rows
    writer = threading.Thread(target=Path("pipe.csv").write_text, args=(text,), daemon=True)
    writer.start()
    assert grc.facts("pipe.csv", as_of=AS_OF).quality.rows_read == rows
    writer.join(timeout=60)


# --- values ---------------------------------------------------------------------------------------


def test_a_date_that_is_long_is_not_quoted_whole() -> None:
    days = ["2026-01-01", "z" * 1_000_000]
    frame = pl.DataFrame({"client_id": [1, 2], "date": days, "amount": [1.0, 1.0]})

    with pytest.raises(grc.DataError) as caught:
        grc.facts(frame, as_of=AS_OF)
    assert len(str(caught.value)) < 400
    assert "row 2" in str(caught.value)


def test_nat_among_texts_is_no_date() -> None:
    days = pd.Series(["2026-01-01", pd.NaT], dtype=object)
    frame = pd.DataFrame({"client_id": [1, 2], "date": days, "amount": [1.0, 2.0]})

    assert grc.facts(frame, as_of=AS_OF).quality.dropped["date"] == 1


def test_nat_is_no_as_of() -> None:
    with pytest.raises(grc.OptionError, match=r"as_of must be a date such as .*, and NaT is not"):
        grc.facts("sales.csv", as_of=pd.NaT)  # type: ignore[arg-type]


# --- closed outputs -------------------------------------------------------------------------------


def test_what_is_shown_goes_nowhere_where_standard_output_is_closed() -> None:
    done = grc_fast("score sales.csv -o scores.csv >&-")

    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert pl.read_csv("scores.csv").height == 2
    assert grc_fast("--help >&-").returncode == 0


def test_a_result_for_a_closed_standard_output_is_refused() -> None:
    done = grc_fast("score sales.csv -o - >&-")

    assert done.returncode == 1
    assert done.stderr == "error: standard output is closed: name a file for the result\n"


def test_a_closed_standard_error_loses_no_result() -> None:
    done = grc_fast("score sales.csv -o scores.csv 2>&-")

    assert done.returncode == 0
    assert "segment" in done.stdout
    assert pl.read_csv("scores.csv").height == 2
    assert grc_fast("score absent.csv -o scores.csv >&- 2>&-").returncode == 1


# --- what steers a terminal -----------------------------------------------------------------------


def test_what_steers_a_terminal_is_shown_as_an_escape() -> None:
    assert harmless(STEERING) == SHOWN
    assert harmless("one\ntwo, größe, 1 234, 👩‍🚀") == "one\ntwo, größe, 1 234, 👩‍🚀"


def steering_events() -> None:
    rows = pl.DataFrame(
        {
            "client_id": [STEERING] * 2,
            "timestamp": ["2026-01-01T10:00", "2026-01-01T10:01"],
            "kind": ["page_view", STEERING],
            "page": [f"/{STEERING}", None],
        }
    )
    rows.write_parquet("events.parquet")


def test_ids_pages_and_kinds_reach_no_terminal_raw(capsys: pytest.CaptureFixture[str]) -> None:
    steering_events()
    rules = ("--rules", "course", "--as-of", AS_OF)

    assert main(["explain", "events.parquet", *rules, "--id", STEERING]) == 0
    assert main(["behaviour", "events.parquet", *rules, "-o", "scores.csv"]) == 0

    shown = capsys.readouterr()
    assert SHOWN in shown.out
    assert SHOWN in shown.err
    assert not set("\x1b\x9b\r\u202e") & set(shown.out + shown.err)


def test_names_of_files_and_columns_reach_no_terminal_raw(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("a\x1b[2J.csv").write_text(LINES)
    Path("folder").mkdir()
    for name in ("a\x1b[2J.csv", "b.csv", "c\x1b[2J"):
        Path("folder", name).write_text(LINES)

    assert main(["score", "folder", "-o", "scores.csv"]) == 0
    assert main(["score", "a\x1b[2J.csv", "-o", "scores.csv", "--client", "x\x1b[2J"]) == 1

    shown = capsys.readouterr()
    assert "\\x1b[2J" in shown.err
    assert "\x1b" not in shown.out + shown.err
