"""Signals end every long call soon, and what it was at work on is not taken for a result."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from grc_fast.io.leftovers import clear_leftovers

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")

# Within so many, what the handler of a signal raises has ended the call: seconds of processor time,
# as a busy machine takes longer for everything.
SECONDS = 2

_PREPARED = """
import os, signal, sys, threading, time
import numpy as np
import polars as pl
import grc_fast as grc
from grc_fast import _core

draw = np.random.default_rng(1)


def sales(lines, clients):
    return pl.DataFrame(
        {
            "client_id": draw.integers(0, clients, lines),
            "date": pl.Series(draw.integers(18_000, 19_000, lines, dtype=np.int32)).cast(pl.Date),
            "amount": 1.5,
        }
    )


def send_soon(number):
    def send():
        time.sleep(0.3)
        print(time.process_time(), flush=True)
        os.kill(os.getpid(), number)

    threading.Thread(target=send).start()


def end(*_):
    raise SystemExit(7)


signal.signal(signal.SIGTERM, end)
"""

# Again and again, so that a fast machine has not ended before the signal comes.
_INTERRUPTED = """
def call_for_ever():
    while True:
        call()


send_soon(signal.SIGTERM)
try:
    call_for_ever()
except SystemExit:
    print(time.process_time(), flush=True)
send_soon(signal.SIGINT)
try:
    call_for_ever()
finally:
    print(time.process_time(), flush=True)
"""

# Each takes seconds on one thread: far longer than a signal may take.
CALLS = {
    "facts": """
table = sales(26_000_000, 6_000_000)
call = lambda: grc.facts(table, as_of="2023-01-01", threads=1)
""",
    "facts of texts": """
table = sales(8_000_000, 4_000_000).with_columns("client-" + pl.col("client_id").cast(pl.String))
call = lambda: grc.facts(table, as_of="2023-01-01", threads=1)
""",
    "quantiles": """
values = pl.Series(draw.random(70_000_000))
call = lambda: grc.quantile_scores(values, 100, threads=1)
""",
    "bands of three criteria": """
clients = 16_000_000
table = pl.DataFrame({"client_id": pl.int_range(clients, eager=True)}).with_columns(
    pl.Series(name, draw.random(clients)) for name in ("recency", "frequency", "monetary")
)
call = lambda: grc.RFM().fit(table, as_of="2023-01-01", threads=1)
""",
    "behaviour": """
events = 12_000_000
seconds = pl.Series(draw.integers(1_600_000_000, 1_700_000_000, events))
table = pl.DataFrame(
    {
        "client_id": draw.integers(0, 1_000_000, events),
        "timestamp": pl.from_epoch(seconds),
        "kind": "page_view",
    }
)
rule = {"name": "view", "group": "web", "kind": "page_view", "points": 1}
rules = grc.BehaviourRules.from_dict({"groups": {"web": {}}, "rule": [rule]})
call = lambda: grc.score_behaviour(table, rules, as_of="2024-01-01", threads=1, memory=memory)
""",
    "profile": """
table = sales(16_000_000, 1_000_000).with_columns(
    category=pl.Series(draw.integers(0, 50, 16_000_000)).cast(pl.String)
)
call = lambda: grc.profile(table, threads=1)
""",
    "fit": """
clients = pl.DataFrame(
    _core.simulate_clients(
        2_000_000, model="mbgnbd", regularity=1, purchases=[0.5, 6.0, 0.9, 1.6],
        spend=[6.0, 4.0, 15.0], unit=7.0, shortest=30, longest=2_000, horizon=1, seed=1,
    )
)
columns = [clients[name] for name in ("repeats", "last", "observed")]
call = lambda: _core.fit_purchases(
    *columns, model="mbgnbd", regularity=1, unit=7.0, threads=1
)
""",
    "predictions": """
repeats = draw.geometric(0.3, 4_000_000).astype(np.uint32) - 1
last = np.where(repeats == 0, 0, draw.integers(1, 100, repeats.size)).astype(np.int32)
observed = draw.integers(100, 2_000, repeats.size).astype(np.int32)
columns = [pl.Series(values) for values in (repeats, last, observed)]
call = lambda: _core.predict_purchases(
    *columns, model="mbgnbd", regularity=1, parameters=[0.5, 6.0, 0.9, 1.6], unit=7.0, threads=1,
    period_ends=[3.0 * number for number in range(1, 200)], discount_factors=[1.0] * 199,
    horizons=[198],
)
""",
}
CALLS["behaviour on disk"] = CALLS["behaviour"].replace("12_000_000", "9_000_000")
MEMORY = {"behaviour": "memory = None", "behaviour on disk": 'memory = "64MB"'}


@pytest.mark.parametrize("name", CALLS)
def test_a_signal_ends_a_call_within_two_seconds(name: str) -> None:
    script = "".join([_PREPARED, MEMORY.get(name, ""), CALLS[name], _INTERRUPTED])
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120
    )

    assert run.returncode == -signal.SIGINT, run.stderr
    assert run.stderr.endswith("KeyboardInterrupt\n")
    terminated, raised, interrupted, ended = map(float, run.stdout.split())
    assert raised - terminated < SECONDS
    assert ended - interrupted < SECONDS


_AFTER = """
table = sales(20_000_000, 1_000_000)
columns = (table["client_id"], table["date"], table["amount"])
builder = _core.FactsBuilder(facts=[("total", None)], as_of=20_000, threads=1)


def at_once(*_):
    raise KeyError("a reason of its own")


signal.signal(signal.SIGALRM, at_once)
signal.setitimer(signal.ITIMER_REAL, 0.1)
try:
    builder.push(*columns)
except KeyError as error:
    print(error.args[0])
for use in (
    lambda: builder.push(*columns),
    lambda: builder.add_clients(columns[0]),
    lambda: builder.finish(returns_only=False, base=False),
):
    try:
        use()
    except grc.DataError as error:
        print(error)
"""


def test_a_pass_that_a_signal_has_stopped_gives_no_results() -> None:
    run = subprocess.run(
        [sys.executable, "-c", _PREPARED + _AFTER], capture_output=True, text=True, check=True
    )
    refusal = "this pass has ended: make a new builder\n"
    assert run.stdout == f"a reason of its own\n{refusal * 3}"


_TWO_THREADS = """
values = pl.Series(draw.random(10_000_000))
expected = grc.quantile_scores(values)
found = []


def score():
    for _ in range(8):
        found.append(grc.quantile_scores(values))


other = threading.Thread(target=score)
other.start()
stops = 0
while other.is_alive():
    send_soon(signal.SIGTERM)
    try:
        while True:
            grc.quantile_scores(values)
    except SystemExit:
        stops += 1
print(stops > 0, len(found), all(scores.equals(expected) for scores in found))
"""


def test_a_signal_leaves_calls_of_other_threads_alone() -> None:
    run = subprocess.run(
        [sys.executable, "-c", _PREPARED + _TWO_THREADS],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert run.stdout.splitlines()[-1] == "True 8 True"


_LONG_STEP = """
import hashlib, sys, threading
from pathlib import Path
import grc_fast.cli
from grc_fast.io.atomic import atomic_path


def run(_):
    with atomic_path(sys.argv[1]) as temporary:
        temporary.write_text("half")
        threading.Timer(0.5, lambda: print("within it", flush=True)).start()
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)  # one call that lasts for minutes


grc_fast.cli._run = run
sys.exit(grc_fast.cli.main())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_command_within_a_step_that_does_not_look_for_signals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    output = tmp_path / "scores.csv"
    output.write_text("whole")
    command = [sys.executable, "-c", _LONG_STEP, output]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        assert run.stdout.readline() == b"within it\n"
        run.send_signal(number)
        assert run.wait(timeout=30) == 128 + number
        assert run.stderr.read().startswith(f"{number.name} ended this run".encode())

    assert output.read_text() == "whole"
    monkeypatch.setattr("grc_fast.io.leftovers._SETTLED", -1.0)
    assert len(clear_leftovers([output])) == 1
    assert list(tmp_path.iterdir()) == [output]
