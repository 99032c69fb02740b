"""Forked processes end with a result or a sentence, and wait for no thread that they lack."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

_PREPARED = """
import multiprocessing, os, signal, sys, traceback
import polars as pl
import grc_fast as grc
from grc_fast import _core

sales = pl.DataFrame({"client_id": [1, 2, 3], "date": ["2026-01-05"] * 3, "amount": [1.0, 2, 3]})


def said_by_child(call):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(15)
        try:
            said = f"found {call()}"
        except grc.GrcError as error:
            said = str(error)
        except BaseException:
            said = traceback.format_exc()
        os.write(write, said.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    return said if os.waitpid(child, 0)[1] == 0 else "it was waiting for ever"
"""
_REFUSAL = (
    "this process was forked from one in which Polars had started its threads, and would wait for "
    'them for ever: start processes by "spawn" or "forkserver", or fork before any function is '
    "called"
)


def shown(script: str) -> list[str]:
    """Run a script; the lines that it prints."""
    command = [sys.executable, "-W", "ignore", "-c", _PREPARED + script]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    return run.stdout.splitlines()


_AFTER_QUERIES = """
scored = grc.score_rfm(sales, as_of="2026-02-01")
facts = grc.facts(sales, as_of="2026-02-01")
rule = {"name": "view", "group": "web", "kind": "page_view", "points": 1}
rules = grc.BehaviourRules.from_dict({"groups": {"web": {}}, "rule": [rule]})
events = pl.DataFrame({"client_id": [1], "timestamp": ["2026-01-05"], "kind": ["page_view"]})
behaviour = grc.score_behaviour(events, rules, as_of="2026-02-01", keep_state=True)
explained = grc.explain_behaviour(events, rules, client_id=1, as_of="2026-02-01")
segments = grc.SegmentTable.named("classic").to_dict()
many = grc.simulate_sales(20_000, 2_000)
valued = grc.predict_value(many, as_of="2026-01-01")
points = pl.DataFrame({"client_id": [1], "points": [15], "group": [1]})
interest = pl.DataFrame({"client_id": [2], "score": [4.0], "phase": ["decision"]})
calls = {
    "facts": lambda: grc.facts(sales, as_of="2026-02-01"),
    "facts on one thread": lambda: grc.facts(sales, as_of="2026-02-01", threads=1),
    "score": lambda: grc.score_rfm(sales, as_of="2026-02-01"),
    "score again": lambda: scored.model.score(facts),
    "fit": lambda: grc.RFM().fit(facts),
    "explain": lambda: scored.model.explain(facts, client_id=1),
    "model": lambda: grc.RFMModel.from_dict(scored.model.to_dict()),
    "segments": lambda: scored.segments,
    "segment table": lambda: grc.SegmentTable.from_dict(segments),
    "combine": lambda: grc.combine(points, interest),
    "quantiles": lambda: grc.quantile_scores(pl.Series([1.0, 2, 3])),
    "behaviour": lambda: grc.score_behaviour(events, rules, as_of="2026-02-01"),
    "phases": lambda: behaviour.phases,
    "state": lambda: behaviour.state.save("state.parquet"),
    "explained": lambda: explained.to_dict(),
    "value": lambda: grc.predict_value(many, as_of="2026-01-01"),
    "value model": lambda: grc.BGNBD().fit(facts),
    "value again": lambda: valued.model.purchases.p_alive(facts),
    "value summary": lambda: valued.summary,
}
for name, call in calls.items():
    print(name, said_by_child(call), sep=": ")
try:
    with multiprocessing.get_context("fork").Pool(1) as pool:
        pool.apply(grc.facts, (sales,), {"as_of": "2026-02-01"})
except grc.GrcError as error:
    print("pool", error, sep=": ")
"""


def test_a_child_of_a_process_that_has_run_a_query_says_so_and_does_not_hang() -> None:
    told = dict(line.split(": ", 1) for line in shown(_AFTER_QUERIES))

    assert len(told) == 20
    assert {name for name, said in told.items() if said != _REFUSAL} == set()


_AFTER_IMPORTS = """
scores = lambda: grc.score_rfm(sales, as_of="2026-02-01").scores["rfm"].to_list()
print(said_by_child(scores))
print(f"found {scores()}")
"""


def test_a_child_works_like_its_parent_where_no_query_ran_before() -> None:
    of_child, of_parent = shown(_AFTER_IMPORTS)

    assert of_child.startswith("found [")
    assert of_child == of_parent


_AFTER_KERNELS = """
def counted(threads):
    bands = pl.Series([1, 2, 2] * 100_000, dtype=pl.UInt8)
    return _core.cell_counts([bands], [3], threads=threads)


def simulated():
    table = _core.simulate_sales(lines=50_000, clients=9, first_day=0, days=9, seed=1)
    return pl.DataFrame(table)["amount"].to_list()[-1]


columns = [
    pl.Series([1, 2, 2]), pl.Series([9, 9, 8], dtype=pl.Int32).cast(pl.Date), pl.Series([1, 2, 3])
]
builder = _core.FactsBuilder(facts=[("total", None)], as_of=10)
builder.push(*columns)


def finished():
    builder.push(*columns)
    table, account = builder.finish(returns_only=False, base=False)
    return pl.DataFrame(table).rows(), account["rows_read"]


for call in (lambda: counted(1), lambda: counted(None), simulated, finished):
    said = said_by_child(call)
    print(said == f"found {call()}" or said)
"""


def test_a_child_runs_kernels_on_threads_of_its_own() -> None:
    assert shown(_AFTER_KERNELS) == ["True"] * 4


_SPAWNED = """
if __name__ == "__main__":
    scores = grc.score_rfm(sales, as_of="2026-02-01").scores
    for method in ("spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(1) as pool:
            result = pool.apply(grc.score_rfm, (sales,), {"as_of": "2026-02-01"})
        print(result.scores.equals(scores))
"""


def test_processes_that_are_spawned_or_forked_by_a_server_work() -> None:
    assert shown(_SPAWNED) == ["True", "True"]
