"""Disks that fill up or fail in the middle of a run: one sentence, and what was there before."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runs_to_break import COMMANDS, make_inputs
from sizes import full_size, size

# The more there are, the more places are tried at which a write fails.
PLACES = size("GRC_FAST_FAILING_WRITES", quick=3, full=8)

# Runs one command with a fault at each of some writes, in one process: starting one takes longer.
RUNS = """
import ctypes, errno, json, os, sys
from pathlib import Path
from grc_fast.cli import main

disk = ctypes.CDLL(None)
disk.writes_so_far.restype = ctypes.c_long
never = 2**62
arguments, places = json.loads(sys.argv[1]), int(sys.argv[2])
out = Path("out")

def run(first, last, code):
    disk.fail_writes(ctypes.c_long(first), ctypes.c_long(last), code)
    said = os.open("said", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    before = os.dup(2)
    os.dup2(said, 2)
    status = main([*arguments, "--as-of", "2026-11-01", "--quiet"])
    writes = disk.writes_so_far()
    disk.fail_writes(ctypes.c_long(never), ctypes.c_long(never), 0)
    os.dup2(before, 2)
    files = {path.name: path.read_bytes().hex()[:200] for path in sorted(out.rglob("*"))}
    return {"status": status, "said": Path("said").read_text(), "files": files, "writes": writes}

whole = run(never, never, 0)
runs = []
for name, code in [("ENOSPC", errno.ENOSPC), ("EIO", errno.EIO)]:
    for place in range(places):
        number = 1 + place * (whole["writes"] - 1) // max(places - 1, 1)
        # A full disk stays full; a failing one may fail once.
        last = never if code == errno.ENOSPC else number
        runs.append({"fault": f"{name} from write {number}", **run(number, last, code)})
print(json.dumps({"whole": whole, "runs": runs}))
"""


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile what lets writes fail."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip(
            "writes are made to fail by a library that is compiled for Linux, by a C compiler"
        )
    library = tmp_path_factory.mktemp("shim") / "failing_disk.so"
    source = Path(__file__).with_name("failing_disk.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", source, "-o", library, "-ldl"], check=True)
    return library


@full_size
@pytest.mark.parametrize("command", COMMANDS)
def test_a_disk_that_fails_leaves_what_was_there(shim: Path, tmp_path: Path, command: str) -> None:
    make_inputs(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", RUNS, json.dumps(COMMANDS[command]), str(PLACES)],
        cwd=tmp_path,
        env={
            **os.environ,
            "LD_PRELOAD": str(shim),
            "FAILING_DIRECTORY": str(tmp_path / "out"),
            "TMPDIR": str(tmp_path / "out"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])

    whole = found["whole"]
    assert (whole["status"], whole["said"]) == (0, "")
    assert whole["writes"] >= len(whole["files"])
    for run in found["runs"]:
        assert run["files"] == whole["files"], run["fault"]
        assert run["status"] == 1, run
        code = errno.ENOSPC if run["fault"].startswith("ENOSPC") else errno.EIO
        assert run["said"].startswith("error: "), run
        assert run["said"].count("\n") == 1, run
        # Polars does not say why the footer of a Parquet file could not be written.
        said = {os.strerror(code).lower(), "see whether the disk is full or fails"}
        assert any(words in run["said"].lower() for words in said), run
