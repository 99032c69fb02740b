"""Behaviour scores of events, by thirty rules."""

from __future__ import annotations

from typing import Any

import grc_fast as grc
from grc_fast.bench.events import AS_OF, rules, simulate_events

EVENTS, CLIENTS = 1_000_000, 50_000


def test_score_behaviour(benchmark: Any, threads: int) -> None:
    benchmark.group = "behaviour"
    events = simulate_events(EVENTS, CLIENTS)
    benchmark(grc.score_behaviour, events, rules(), as_of=AS_OF, threads=threads)
