"""Runs killed at any moment: each output is the old file or the new one, and leftovers are said."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runs_to_break import COMMANDS, make_inputs
from sizes import full_size, size

# The more there are, the more moments are tried.
KILLS = size("GRC_FAST_KILLS", quick=1, full=5)
OLD = b"what was there before"

# Says when it begins, so that it is killed while it works and not while it is being loaded.
RUN = """
import sys
import grc_fast.io.leftovers as leftovers
from grc_fast.cli import main

leftovers._SETTLED = -1.0
print("begun", flush=True)
status = main([*sys.argv[1:], "--as-of", "2026-11-01"])
print("done", flush=True)
sys.exit(status)
"""


def start(command: str, folder: Path) -> subprocess.Popen[str]:
    """Start a run of a command, up to where it begins to work."""
    run = subprocess.Popen(
        [sys.executable, "-c", RUN, *COMMANDS[command]],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder / "out")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    assert run.stdout.readline() == "begun\n"
    return run


def outputs(folder: Path) -> dict[str, bytes]:
    """Return the files of the outputs' folder, by name."""
    return {path.name: path.read_bytes() for path in sorted((folder / "out").iterdir())}


@full_size
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_killed_run_leaves_whole_files(tmp_path: Path, command: str) -> None:
    make_inputs(tmp_path)
    with start(command, tmp_path) as run:
        begun = time.perf_counter()
        assert run.communicate()[0].endswith("done\n")
    seconds = time.perf_counter() - begun
    new = outputs(tmp_path)
    chance = random.Random(command)

    for _ in range(KILLS):
        for name in new:
            (tmp_path / "out" / name).write_bytes(OLD)
        with start(command, tmp_path) as run:
            time.sleep(chance.uniform(0, 1.1 * seconds))
            run.send_signal(signal.SIGKILL)
        found = outputs(tmp_path)
        for name, content in new.items():
            assert found[name] in (OLD, content), name
        left = found.keys() - new.keys()
        assert all(any(name.startswith(f".{whole}.") for whole in new) for name in left), left

        with start(command, tmp_path) as run:
            said = run.communicate()[1]
        assert outputs(tmp_path) == new
        assert all(name in said for name in left), (left, said)
