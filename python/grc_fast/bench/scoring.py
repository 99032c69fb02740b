"""Three criteria scored from facts: bands, points, group and segment of every client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import polars as pl

import grc_fast as grc
from grc_fast.bench import polars_side
from grc_fast.bench.harness import OURS, Case, Goal, Measure, check_equal, clock
from grc_fast.bench.setting import AS_OF, Setting, in_words

__all__ = ["cases"]

CLIENTS: Final = 5_000_000
LINES_A_CLIENT: Final = 4
POLARS: Final = "Polars, in memory"


def cases(setting: Setting) -> list[Case]:
    """Return one case: the model is learnt and applied, as on the first night."""
    clients = setting.of(CLIENTS)

    @contextmanager
    def opened() -> Iterator[Mapping[str, Measure]]:
        sales = grc.simulate_sales(clients * LINES_A_CLIENT, clients).drop("order_id")
        spec = grc.RFM()
        facts = spec.facts(sales, as_of=AS_OF, threads=setting.threads)
        del sales

        def ours() -> pl.DataFrame:
            return spec.fit(facts, threads=setting.threads).score(facts, threads=setting.threads)

        def theirs() -> pl.DataFrame:
            return polars_side.score(facts.frame)

        ways = {OURS: ours, POLARS: theirs}
        check_equal(((name, way()) for name, way in ways.items()), _are_equal)
        yield {name: clock(way) for name, way in ways.items()}

    name = f"three criteria scored from facts, {in_words(clients)} clients"
    return [Case("scoring", name, opened, [Goal((POLARS,), must=3, aim=8)])]


def _are_equal(ours: pl.DataFrame, theirs: pl.DataFrame) -> bool:
    return ours.equals(theirs)
