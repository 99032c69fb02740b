"""Three criteria scored from facts: bands, points, group and segment of every client."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import polars as pl

import grc_fast as grc
from grc_fast.bench import duckdb_side, pandas_baseline, polars_side
from grc_fast.bench.harness import OURS, SAME, Case, Measure, check_equal, clock
from grc_fast.bench.setting import AS_OF, Setting, in_words

__all__ = ["cases"]

CLIENTS: Final = 5_000_000
LINES_A_CLIENT: Final = 4

#: Four quantiles a column in one query, or the edges found first by counting and sorting.
POLARS: Final = ("Polars, in memory", "Polars, streaming", "Polars, edges first")
DUCKDB: Final = "DuckDB, Arrow"
PANDAS: Final = "pandas"


def cases(setting: Setting) -> list[Case]:
    """Return one case: the model is learnt and applied, as on the first night."""
    clients = setting.of(CLIENTS)

    @contextmanager
    def opened() -> Iterator[Mapping[str, Measure]]:
        sales = grc.simulate_sales(clients * LINES_A_CLIENT, clients).drop("order_id")
        spec = grc.RFM()
        facts = spec.facts(sales, as_of=AS_OF, threads=setting.threads)
        del sales
        ways = _ways(spec, facts, setting)
        check_equal(((name, _alike(way())) for name, way in ways.items()), _are_equal)
        yield {name: clock(way) for name, way in ways.items()}

    name = f"three criteria scored from facts, {in_words(clients)} clients"
    opponents = {SAME: (*POLARS, DUCKDB), PANDAS: (PANDAS,)}
    return [Case("scoring", name, opened, opponents)]


def _ways(spec: grc.RFM, facts: grc.Facts, setting: Setting) -> dict[str, Callable[[], Any]]:
    frame = facts.frame
    pandas = frame.to_pandas(use_pyarrow_extension_array=False)
    connection = duckdb_side.connect(setting.threads, setting.directory)
    connection.register("clients", frame.to_arrow())
    return {
        OURS: lambda: spec.fit_score(facts, threads=setting.threads)[1],
        POLARS[0]: lambda: polars_side.score(frame.lazy()).collect(engine="in-memory"),
        POLARS[1]: lambda: polars_side.score(frame.lazy()).collect(engine="streaming"),
        POLARS[2]: lambda: polars_side.score_by_edges(frame),
        DUCKDB: lambda: duckdb_side.score(connection, "clients"),
        PANDAS: lambda: pandas_baseline.score_clients(pandas, AS_OF),
    }


def _alike(scores: Any) -> pl.DataFrame:
    """Bring what an engine gives to the types of ours: dates without a time, segments as text."""
    frame = scores if isinstance(scores, pl.DataFrame) else pl.DataFrame(scores)
    return frame.with_columns(
        pl.col("first_purchase", "last_purchase").cast(pl.Date), pl.col("segment").cast(pl.String)
    )


def _are_equal(ours: pl.DataFrame, theirs: pl.DataFrame) -> bool:
    return ours.equals(theirs)
