"""The value models: fits of purchases and of spend, and what they predict."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

import grc_fast as grc
from grc_fast.bench.setting import AS_OF

PURCHASES = {"bgnbd": grc.BGNBD, "mbgnbd": grc.MBGNBD}


@pytest.mark.parametrize("model", PURCHASES)
def test_fit_of_purchases(benchmark: Any, threads: int, clients: pl.DataFrame, model: str) -> None:
    benchmark.group = "value"
    benchmark(PURCHASES[model]().fit, clients, as_of=AS_OF, threads=threads)


def test_fit_of_spend(benchmark: Any, threads: int, clients: pl.DataFrame) -> None:
    benchmark.group = "value"
    benchmark(grc.GammaGamma().fit, clients, as_of=AS_OF, threads=threads)


def test_predict_value(benchmark: Any, threads: int, clients: pl.DataFrame) -> None:
    benchmark.group = "value"
    facts = clients.drop("future_purchases", "future_money")
    benchmark(grc.predict_value, facts, as_of=AS_OF, threads=threads)
