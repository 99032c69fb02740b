"""Lists whose run is killed at any moment: whole files or none, and a manifest of one run alone."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from sizes import full_size, size

KILLS = size("GRC_FAST_LIST_KILLS", quick=2, full=50)
CLIENTS = 60_000
# Says when it begins, so that it is killed while it works and not while it is being loaded.
RUN = """
import sys
import grc_fast.io.leftovers as leftovers
from grc_fast.cli import main

leftovers._SETTLED = -1.0
print("begun", flush=True)
status = main(["lists", sys.argv[1], "--clients", "clients.parquet", "--out", "out", "-q"])
print("done", flush=True)
sys.exit(status)
"""


def start(plan: str, folder: Path) -> subprocess.Popen[str]:
    """Start the lists of a plan, up to where the run begins to work."""
    run = subprocess.Popen(
        [sys.executable, "-c", RUN, plan], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    assert run.stdout.readline() == "begun\n"
    return run


def lists(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder of lists, but for what killed runs leave."""
    found = sorted(path for path in (folder / "out").glob("[!.]*"))
    return {path.name: path.read_bytes() for path in found}


@full_size
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_a_killed_run_leaves_whole_lists_and_no_manifest_of_two_runs(tmp_path: Path) -> None:
    row = pl.int_range(CLIENTS)
    pl.select(client_id=row, name=pl.format("Client {}", row)).write_parquet(
        tmp_path / "clients.parquet"
    )
    channels = [name for name in ("email", "phone", "post", "sms") for _ in range(CLIENTS // 4)]
    plan = pl.select(client_id=row, channel=pl.Series(channels), gain=row * 1.0, cost=0.0)
    plan.write_parquet(tmp_path / "old.parquet")
    plan.with_columns(gain=pl.col("gain") + 1).write_parquet(tmp_path / "new.parquet")
    of_run = {}
    for name in ("old", "new"):
        begun = time.perf_counter()
        with start(f"{name}.parquet", tmp_path) as run:
            assert run.communicate()[0].endswith("done\n")
        seconds = time.perf_counter() - begun
        of_run[name] = lists(tmp_path)
    chance = random.Random(7)

    for _ in range(KILLS):
        for path in (tmp_path / "out").iterdir():
            path.unlink()
        for name, content in of_run["old"].items():
            (tmp_path / "out" / name).write_bytes(content)
        with start("new.parquet", tmp_path) as run:
            time.sleep(chance.uniform(0, 1.1 * seconds))
            run.send_signal(signal.SIGKILL)
        found = lists(tmp_path)
        for name, content in found.items():
            assert content in (of_run["old"][name], of_run["new"][name]), name
        if "manifest.json" in found:
            # Both runs have one manifest: its lists are all of one of them.
            assert found in (of_run["old"], of_run["new"])
        assert found.keys() >= of_run["new"].keys() - {"manifest.json"}
