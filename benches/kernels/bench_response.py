"""Response of past campaigns by cell, group and segment: rates, and their empirical Bayes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest

import grc_fast as grc

CLIENTS, CAMPAIGNS = 50_000, 4

Tables = tuple[pl.DataFrame, pl.DataFrame]


@pytest.fixture(scope="module")
def past() -> Tables:
    """Scores, and campaigns with a control group that better digits answer more."""
    rng = np.random.default_rng(7)
    digits = rng.integers(1, 6, size=(CLIENTS, 3))
    scores = pl.DataFrame(digits, schema=dict.fromkeys(("r", "f", "m"), pl.UInt8)).with_columns(
        client_id=pl.int_range(pl.len()),
        group=6 - (pl.sum_horizontal("r", "f", "m") / 3).round().cast(pl.UInt8),
        segment=pl.when(pl.col("r") > 3).then(pl.lit("active")).otherwise(pl.lit("asleep")),
    )
    chance = 0.04 * digits.mean(axis=1) / 5
    campaigns = [
        pl.DataFrame({"client_id": np.arange(CLIENTS), "control": rng.random(CLIENTS) < 0.1})
        .with_columns(
            campaign=pl.lit(f"campaign {number}"),
            contacted_on=pl.lit(dt.date(2025, 1 + number, 1)),
            responded=pl.Series(rng.random(CLIENTS) < chance) & ~pl.col("control"),
        )
        .with_columns(spend=pl.when("responded").then(20.0).otherwise(0.0))
        for number in range(CAMPAIGNS)
    ]
    return scores, pl.concat(campaigns)


@pytest.mark.parametrize("arms", ["with control", "without control"])
def test_response(benchmark: Any, past: Tables, arms: str) -> None:
    benchmark.group = "response"
    scores, campaigns = past
    given = campaigns if arms == "with control" else campaigns.filter(~pl.col("control"))
    benchmark(grc.response, scores, given, cost=0.5, margin=0.4)
