"""Quantile bands of one column, by kind of column and by how edges and ties are treated."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

import grc_fast as grc
from grc_fast.bench.quantiles import COLUMNS

VALUES = 1_000_000

TREATED = {
    "inverted_cdf": {},
    "linear": {"edges": "linear"},
    "split": {"ties": "split"},
}


@pytest.fixture(scope="module", params=COLUMNS)
def values(request: pytest.FixtureRequest) -> pl.Series:
    return pl.Series("value", COLUMNS[request.param](np.random.default_rng(7), VALUES))


@pytest.mark.parametrize("treated", TREATED)
def test_quantile_scores(benchmark: Any, threads: int, values: pl.Series, treated: str) -> None:
    benchmark.group = "quantiles"
    benchmark(grc.quantile_scores, values, threads=threads, **TREATED[treated])
