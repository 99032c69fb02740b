"""The facts pass, by kind of client id, with a line an order and with distinct orders."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

import grc_fast as grc
from grc_fast.bench.sales import IDS
from grc_fast.bench.setting import AS_OF


@pytest.fixture(scope="module", params=IDS)
def bought(request: pytest.FixtureRequest, sales: pl.DataFrame) -> pl.DataFrame:
    return sales.with_columns(IDS[request.param])


@pytest.mark.parametrize("order", [None, "order_id"], ids=["lines", "distinct orders"])
def test_facts(benchmark: Any, threads: int, bought: pl.DataFrame, order: str | None) -> None:
    benchmark.group = "facts"
    benchmark(grc.facts, bought, as_of=AS_OF, order=order, threads=threads)
