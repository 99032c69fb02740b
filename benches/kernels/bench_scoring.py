"""Three criteria scored from facts: a model learnt and applied, and applied alone."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

import grc_fast as grc
from grc_fast.bench.setting import AS_OF


@pytest.fixture(scope="module")
def facts(sales: pl.DataFrame) -> grc.Facts:
    return grc.RFM().facts(sales, as_of=AS_OF)


def test_fit_and_score(benchmark: Any, threads: int, facts: grc.Facts) -> None:
    benchmark.group = "scoring"
    benchmark(grc.RFM().fit_score, facts, threads=threads)


def test_score(benchmark: Any, threads: int, facts: grc.Facts) -> None:
    benchmark.group = "scoring"
    benchmark(grc.RFM().fit(facts).score, facts, threads=threads)
