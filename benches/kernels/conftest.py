"""Sizes of the kernels: a second a case at most, so that all of them take a few minutes."""

from __future__ import annotations

import polars as pl
import pytest

import grc_fast as grc

LINES, CLIENTS = 1_000_000, 100_000


@pytest.fixture(scope="session")
def sales() -> pl.DataFrame:
    """Simulated sales, two lines an order."""
    return grc.simulate_sales(LINES, CLIENTS, seed=7).with_columns(pl.col("order_id") // 2)


@pytest.fixture(scope="session")
def clients() -> pl.DataFrame:
    """Simulated clients of whom purchases and spend are known."""
    return grc.simulate_clients(CLIENTS, as_of="2026-01-01", seed=7)
