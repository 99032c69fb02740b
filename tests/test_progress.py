"""How far a run is: a bar on a terminal, lines in a log, or JSON; nothing on standard output."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest

import grc_fast as grc
from grc_fast.cli import main, progress
from grc_fast.cli.progress import Lines, Step
from grc_fast.io.expected_rows import expected_rows

ON_POSIX = pytest.mark.skipif(sys.platform == "win32", reason="terminals and signals of POSIX")


@pytest.fixture(scope="module")
def sales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sales") / "sales.parquet"
    grc.simulate_sales(5_000, 200, seed=1).write_parquet(path)
    return path


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.parametrize(
    ("command", "steps"),
    [("score", ["read", "write"]), ("value", ["read", "compute", "write"])],
)
def test_a_scheduler_reads_each_step_as_json(
    command: str,
    steps: list[str],
    sales: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ["--as-of", "2026-01-01", "--json-progress", "--quiet"]

    code = main([command, str(sales), "-o", str(tmp_path / "o.parquet"), *options])

    lines = told(capsys)
    assert code == 0
    assert [line["step"] for line in lines if line["state"] == "begun"] == steps
    assert [line["step"] for line in lines if line["state"] == "done"] == steps
    read = next(line for line in lines if line["state"] == "done")
    assert read["rows"] == read["expected_rows"] == 5_000


def test_a_step_that_fails_is_not_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "sales.csv"
    path.write_text("client_id,date,amount\n1,2026-01-01,5\n2,someday,7\n")

    code = main(["score", str(path), "-o", str(tmp_path / "o.csv"), "--json-progress", "-q"])

    *lines, error = capsys.readouterr().err.splitlines()
    assert code == 1
    assert error.startswith("error: ")
    assert [json.loads(line)["state"] for line in lines] == ["begun"]


def test_standard_output_is_the_same_with_progress(
    sales: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    outputs = []
    for told in ([], ["--json-progress"]):
        main(["score", str(sales), "-o", "-", "--as-of", "2026-01-01", *told])
        outputs.append(capsysbinary.readouterr().out)

    assert outputs[0] == outputs[1]


def test_a_log_gets_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    step = Step("read", began=0.0)
    step.expected = 1_000

    with Lines("fr").showing(step) as moved:
        for now[0] in range(25):
            step.count(20 * int(now[0]))
            moved()

    assert capsys.readouterr().err.splitlines() == [
        "lecture : 200 lignes, 20/s, encore 40 s",
        "lecture : 400 lignes, 20/s, encore 30 s",
        "lecture : fini en 24 s",
    ]


def test_a_second_pass_counts_anew() -> None:
    step = Step("read")
    step.count(500)
    step.count(20)

    assert step.rows == 20
    assert step.seconds < 1


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a.csv", "a.ndjson"])
def test_files_tell_about_how_many_rows_they_have(name: str, tmp_path: Path) -> None:
    frame = pl.DataFrame({"client_id": range(100_000, 160_000), "amount": [12.5] * 60_000})
    path = tmp_path / name
    write = {"parquet": frame.write_parquet, "arrow": frame.write_ipc, "csv": frame.write_csv}
    write.get(path.suffix[1:], frame.write_ndjson)(path)

    assert expected_rows([str(path)]) == pytest.approx(60_000, rel=0.01)
    assert expected_rows([str(tmp_path)]) == expected_rows([str(path)])


@pytest.mark.parametrize("path", ["-", "none.csv", "s3://bucket/sales.parquet", "base.duckdb"])
def test_what_cannot_be_told_is_not(path: str) -> None:
    assert expected_rows([path]) is None


@ON_POSIX
def test_a_pipe_is_not_read_for_its_size(tmp_path: Path) -> None:
    pipe = tmp_path / "sales.csv"
    os.mkfifo(pipe)

    assert expected_rows([str(pipe)]) is None


@ON_POSIX
def test_a_terminal_has_a_bar_that_a_signal_takes_away(tmp_path: Path) -> None:
    source, sink = tmp_path / "sales.csv", tmp_path / "out.csv"
    source.write_text("client_id,date,amount\n" + "1,2026-01-01,5\n" * 200_000)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "grc_fast", "score", str(source), "-o", str(sink)]
    screen = Screen(ours)

    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs)
    try:
        os.close(theirs)
        assert screen.appears.wait(timeout=120)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        screen.reader.join(timeout=60)
    finally:
        process.kill()
        os.close(ours)

    # The cursor, which a bar hides, is there again.
    assert screen.shown.rfind(b"\x1b[?25h") > screen.shown.rfind(b"\x1b[?25l")
    if process.returncode == 130:
        assert out == b""
        assert not sink.exists()


class Screen:
    """What is written on a terminal, which is read all the time: else its writer would wait."""

    def __init__(self, terminal: int) -> None:
        self.shown = b""
        self.appears = threading.Event()
        self.reader = threading.Thread(target=self._read, args=(terminal,), daemon=True)
        self.reader.start()

    def _read(self, terminal: int) -> None:
        with suppress(OSError):  # the other end is closed
            while part := os.read(terminal, 1 << 16):
                self.shown += part
                if b"reading" in self.shown:
                    self.appears.set()
