"""Our own side of what is measured in processes of their own: nothing else is imported here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import polars as pl

import grc_fast as grc
from grc_fast.bench.setting import AS_OF
from grc_fast.io.write import write_frame

__all__ = ["band_values", "read_facts", "read_facts_of_each", "score_file"]


def score_file(
    sales: str, scores: str, threads: int, returns: Literal["net", "keep"] = "net"
) -> Callable[[], None]:
    """Return the whole job: sales in Parquet to scores in Parquet."""

    def job() -> None:
        result = grc.score_rfm(sales, as_of=AS_OF, returns=returns, threads=threads)
        write_frame(result.scores, scores)

    return job


def read_facts(sales: str, threads: int) -> Callable[[], pl.DataFrame]:
    """Return the facts pass over sales that are in memory."""
    held = pl.read_parquet(sales, columns=["client_id", "date", "amount"])
    return lambda: grc.facts(held, as_of=AS_OF, threads=threads).frame


def read_facts_of_each(sales: list[str], threads: int) -> tuple[Callable[[], pl.DataFrame], ...]:
    """Return the facts pass over each of several sales, all of which are in memory."""
    return tuple(read_facts(one, threads) for one in sales)


def band_values(number: int, threads: int) -> Callable[[], pl.Series]:
    """Return the quintiles of continuous values."""
    values = pl.Series("value", np.random.default_rng(7).lognormal(3.0, 1.0, number))
    return lambda: grc.quantile_scores(values, threads=threads)
