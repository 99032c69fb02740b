"""Files that another process makes shorter while they are read: no signal ends the run."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

ROWS = 300_000
# The file is shortened when its first batch has been read, or its columns are known.
READ = """
import os, sys
import grc_fast as grc
from grc_fast.io import source

path, when = sys.argv[1:]
source.BATCH_ROWS = 20_000

def shorten(*_):
    os.truncate(path, os.path.getsize(path) // 10)

if when == "columns are known":
    opened = source.Source.open
    source.Source.open = lambda self, roles: (opened(self, roles), shorten())[0]

options = {} if when == "columns are known" else {"progress": shorten}
try:
    print(grc.facts(path, as_of="2026-02-01", facts=["lines"], **options).frame["lines"].sum())
except grc.GrcError as error:
    sys.exit(str(error))
"""


def write(frame: pl.DataFrame, path: Path) -> None:
    if path.suffix == ".arrow":
        frame.write_ipc(path, record_batch_size=10_000, compression="uncompressed")
    elif path.suffix == ".parquet":
        frame.write_parquet(path, row_group_size=10_000, compression="uncompressed")
    elif path.suffix == ".csv":
        frame.write_csv(path)
    else:
        frame.write_ndjson(path)


@pytest.mark.parametrize("when", ["columns are known", "a batch is read"])
@pytest.mark.parametrize("suffix", [".arrow", ".parquet", ".ndjson", ".csv"])
def test_a_file_shortened_while_it_is_read_is_no_crash(
    suffix: str, when: str, tmp_path: Path
) -> None:
    frame = pl.DataFrame(
        {
            "client_id": range(ROWS),
            "date": [dt.date(2026, 1, 5)] * ROWS,
            "amount": [1.25] * ROWS,
            "other": [0.5] * ROWS,
        }
    )
    path = tmp_path / f"sales{suffix}"
    write(frame, path)
    command = [sys.executable, "-c", READ, str(path), when]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode in (0, 1), (run.returncode, run.stderr)
    assert "Traceback" not in run.stderr
    if run.returncode == 0:
        assert run.stdout.strip() == str(ROWS)
    else:
        # What stands before it was written by a thread of Polars.
        sentence = run.stderr.strip().splitlines()[-1]
        assert str(path) in sentence
        assert len(sentence) < 400
