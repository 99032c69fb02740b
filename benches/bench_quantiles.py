"""The quantile kernel, against every way to the same bands in Polars and pandas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from side_by_side import SCALE, THREADS, compare

import grc_fast as grc

N = 5_000_000 // SCALE


def continuous(rng: np.random.Generator) -> np.ndarray:
    return rng.lognormal(3.0, 1.0, N)


def cents(rng: np.random.Generator) -> np.ndarray:
    return np.round(rng.lognormal(2.0, 0.7, N), 2)


def small_integers(rng: np.random.Generator) -> np.ndarray:
    return np.minimum(rng.geometric(0.6, N), 200).astype(np.uint32)


def ascending(rng: np.random.Generator) -> np.ndarray:
    return np.sort(rng.lognormal(3.0, 1.0, N))


def constant(rng: np.random.Generator) -> np.ndarray:
    return np.full(N, 19.9)


INPUTS = [continuous, cents, small_integers, ascending, constant]


def by_rank(values: pl.Series) -> pl.Series:
    """⌈k · rank / N⌉ of the largest rank of equals: right where no band is merged."""
    rank = values.rank("max").cast(pl.UInt64)
    return ((rank * 5 + len(values) - 1) // len(values)).cast(pl.UInt8)


def by_qcut(values: pl.Series) -> pl.Series:
    return values.qcut(5, allow_duplicates=True).to_physical().cast(pl.UInt8) + 1


def by_bin_quantiles(values: pl.Series) -> pl.Series:
    band = pl.col("v").bin_quantiles(5, labels=False, right_closed=True)
    return values.to_frame("v").lazy().select(band).collect().to_series()


def by_pandas(values: pl.Series) -> object:
    return pd.qcut(values.to_numpy(), 5, labels=False, duplicates="drop")


def by_hand(
    values: pl.Series, engine: Literal["in-memory", "streaming"] = "in-memory"
) -> pl.Series:
    """Four exact quantiles, then comparisons: the best pipeline of Polars."""
    frame = values.to_frame("v").lazy()
    edges = [pl.col("v").quantile(j / 5, "equiprobable") for j in range(1, 5)]
    band = pl.lit(1, pl.UInt8)
    for edge in edges:
        band = band + (pl.col("v") > edge).cast(pl.UInt8)
    return frame.select(band).collect(engine=engine).to_series()


# Polars 2.1 announces the end of `qcut`.
@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::polars.exceptions.UnstableWarning"
)
@pytest.mark.parametrize("make", INPUTS, ids=lambda make: make.__name__)
def test_quantile_kernel(make: Callable[[np.random.Generator], np.ndarray]) -> None:
    array = make(np.random.default_rng(7))
    values = pl.Series("v", array)

    def ours() -> pl.Series:
        return grc.quantile_scores(values, threads=THREADS)

    assert (ours() == by_hand(values)).all()
    ways: dict[str, Callable[[], object]] = {
        "grc_fast": ours,
        "Polars, by hand, in memory": lambda: by_hand(values),
        "Polars, by hand, streaming": lambda: by_hand(values, "streaming"),
        "numpy.sum": lambda: np.sum(array),
    }
    if make is continuous:
        assert (by_rank(values) == ours()).mean() > 0.999_99
        ways |= {
            "Polars, rank": lambda: by_rank(values),
            "Polars, qcut": lambda: by_qcut(values),
            "pandas.qcut": lambda: by_pandas(values),
        }
        if hasattr(pl.Expr, "bin_quantiles"):
            ways["Polars, bin_quantiles"] = lambda: by_bin_quantiles(values)

    comparison = compare(f"quantile kernel, {make.__name__}, {N:,} values", ways)

    assert comparison.ratio() > 0
