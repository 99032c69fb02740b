"""The quantile kernel: exact order statistics, against a sort and against pandas."""

from __future__ import annotations

import math
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing.parametric import series

import grc_fast as grc
import oracle

INTEGERS = [
    pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64,
]  # fmt: skip
FLOATS = [pl.Float32, pl.Float64]
NUMBERS = [*INTEGERS, *FLOATS]
LIMITS = {dtype: tuple(pl.select(low=dtype.min(), high=dtype.max()).row(0)) for dtype in INTEGERS}
BINS = [2, 3, 4, 5, 7, 10, 64, 99, 100]
INF = float("inf")
NAN = float("nan")


# --- By hand -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "bins", "scores"),
    [
        # Ranks 2, 4, 6, 8 of 10: two values a band.
        ([10, 20, 30, 40, 50, 60, 70, 80, 90, 100], 5, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]),
        # Ranks ceil(7j/5) = 2, 3, 5, 6.
        ([1, 2, 3, 4, 5, 6, 7], 5, [1, 1, 2, 3, 3, 4, 5]),
        # Edges 1, 1, 1, 2: a tie stays together and the bands in between are empty.
        ([1, 1, 1, 1, 1, 1, 1, 2, 3, 4], 5, [1, 1, 1, 1, 1, 1, 1, 4, 5, 5]),
        # Fewer values than bands: edges 1, 1, 2, 2.
        ([2, 1], 5, [3, 1]),
        ([7], 5, [1]),
        ([7, 7, 7], 100, [1, 1, 1]),
        ([3, None, 1], 2, [2, None, 1]),
        ([None, None], 5, [None, None]),
        ([], 5, []),
    ],
)
def test_scores_worked_by_hand(
    values: list[int | None], bins: int, scores: list[int | None]
) -> None:
    found = grc.quantile_scores(pl.Series("x", values, dtype=pl.Int64), bins)

    assert found.to_list() == scores
    assert oracle.quantile_scores(values, bins) == scores


@pytest.mark.parametrize(
    ("values", "bins", "scores"),
    [
        ([1, 2, 3, 4, 5, 6, 7], 3, [1, 1, 1, 2, 2, 3, 3]),
        ([5, 5, 5, 5, 5], 2, [1, 1, 1, 2, 2]),
        ([9, 8, 7], 5, [3, 2, 1]),
        ([3, None, 3, 1], 3, [2, None, 3, 1]),
    ],
)
def test_split_scores_worked_by_hand(
    values: list[int | None], bins: int, scores: list[int | None]
) -> None:
    found = grc.quantile_scores(pl.Series(values), bins, ties="split")

    assert found.to_list() == scores
    assert oracle.quantile_scores(values, bins, ties="split") == scores


@pytest.mark.parametrize(
    ("values", "bins", "best", "scores"),
    [
        ([1, 2, 3, 4, 5, 6, 7], 3, "high", [1, 1, 2, 2, 3, 3, 3]),
        # NTILE(2) OVER (ORDER BY days DESC, client) as points: the longest ago has 1.
        ([5, 5, 5, 5, 5], 2, "low", [1, 1, 1, 2, 2]),
        ([9, None, 9, 1], 3, "low", [1, None, 2, 3]),
    ],
)
def test_split_scores_from_high_to_low_worked_by_hand(
    values: list[int | None], bins: int, best: Any, scores: list[int | None]
) -> None:
    found = grc.quantile_scores(pl.Series(values), bins, ties="split_descending", best=best)

    assert found.to_list() == scores


@pytest.mark.parametrize("dtype", NUMBERS, ids=str)
def test_split_scores_from_high_to_low_are_ntile_in_sql(dtype: Any) -> None:
    values = numbers(dtype, 400, seed=3)
    rows = pl.DataFrame({"place": range(400), "x": values}).filter(pl.col("x").is_not_nan())
    query = "SELECT ntile(7) OVER (ORDER BY x DESC, place) AS tile FROM rows ORDER BY place"
    expected = duckdb.sql(query).pl()["tile"]

    found = grc.quantile_scores(rows["x"], 7, ties="split_descending", best="low")

    assert found.to_list() == expected.to_list()


def test_the_output_is_uint8_under_the_name_of_the_input() -> None:
    found = grc.quantile_scores(pl.Series("spend", [1.0, 2.0, None]), 2)

    assert found.dtype == pl.UInt8
    assert found.name == "spend"


# --- Against a sort ----------------------------------------------------------------------------


def numbers(dtype: Any, n: int, seed: int) -> pl.Series:
    """Values over the whole range of a type, with ties, missing ones and every odd float."""
    rng = np.random.default_rng(seed)
    if dtype in FLOATS:
        wide = rng.standard_cauchy(n) * 1e3
        tied = rng.integers(-3, 4, n) / 2
        odd = rng.choice([0.0, -0.0, INF, -INF, NAN, 5e-324, -5e-324, 1e38], n)
        values = np.select([rng.random(n) < 0.3, rng.random(n) < 0.6], [tied, odd], wide)
        listed: list[Any] = values.tolist()
    else:
        low, high = LIMITS[dtype]
        wide_list = [low + int(x * (high - low)) for x in rng.random(n)]
        near = rng.integers(0, 5, n).tolist()
        edge = [low, high, low + 1, high - 1]
        listed = [wide_list[i] if i % 3 else (near[i] if i % 2 else edge[i % 4]) for i in range(n)]
        rng.shuffle(listed)
    listed = [None if x < 0.07 else v for x, v in zip(rng.random(n), listed, strict=True)]
    return pl.Series("x", listed, dtype=dtype)


@pytest.mark.parametrize("dtype", NUMBERS, ids=str)
@pytest.mark.parametrize("ties", ["together", "split", "split_descending"])
@pytest.mark.parametrize("best", ["high", "low"])
def test_scores_of_every_number_type_match_a_sort(dtype: Any, ties: Any, best: Any) -> None:
    for n, bins in [(1000, 5), (257, 100), (50, 7), (3, 5), (1, 2), (0, 5)]:
        values = numbers(dtype, n, seed=n)

        found = grc.quantile_scores(values, bins, ties=ties, best=best)

        assert found.to_list() == oracle.quantile_scores(
            values.to_list(), bins, ties=ties, best=best
        )


@pytest.mark.parametrize("bins", range(2, 101))
def test_scores_of_every_number_of_bins_match_a_sort(bins: int) -> None:
    values = numbers(pl.Float64, 401, seed=bins)

    found = grc.quantile_scores(values, bins)

    assert found.to_list() == oracle.quantile_scores(values.to_list(), bins)


@given(
    series(dtype=pl.Float64, max_size=60), st.sampled_from(BINS), st.sampled_from(["high", "low"])
)
def test_scores_of_any_floats_match_a_sort(values: pl.Series, bins: int, best: Any) -> None:
    found = grc.quantile_scores(values, bins, best=best)

    assert found.to_list() == oracle.quantile_scores(values.to_list(), bins, best=best)


@given(
    series(allowed_dtypes=[*INTEGERS, pl.Float32], max_size=60),
    st.sampled_from(BINS),
    st.sampled_from(["together", "split", "split_descending"]),
)
def test_scores_of_any_numbers_match_a_sort(values: pl.Series, bins: int, ties: Any) -> None:
    found = grc.quantile_scores(values, bins, ties=ties)

    assert found.to_list() == oracle.quantile_scores(values.to_list(), bins, ties=ties)


@given(series(dtype=pl.Float64, min_size=3, max_size=60), st.data())
def test_a_slice_is_scored_as_a_copy_of_it(values: pl.Series, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, values.len() - 1))
    part = values.slice(start, data.draw(st.integers(1, values.len())))

    found = grc.quantile_scores(part, 5)

    assert found.to_list() == oracle.quantile_scores(part.to_list(), 5)


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 4])
def test_large_series_match_a_sort(exponent: int) -> None:
    # Sizes around the steps of a histogram and of a thread's share.
    n = 3**exponent * 4096 + exponent
    rng = np.random.default_rng(exponent)
    values = np.round(rng.lognormal(3, 2, n), 2)

    found = grc.quantile_scores(pl.Series(values), 5).to_numpy()

    ordered = np.sort(values)
    edges = ordered[[-(-j * n // 5) - 1 for j in range(1, 5)]]
    np.testing.assert_array_equal(found, 1 + np.searchsorted(edges, values, side="left"))


def test_minus_zero_and_zero_share_a_band() -> None:
    found = grc.quantile_scores(pl.Series([-0.0, 0.0, -0.0, 0.0, 1.0, -1.0]), 6)

    assert found.to_list() == [2, 2, 2, 2, 6, 1]


def test_infinities_are_ordinary_values() -> None:
    found = grc.quantile_scores(pl.Series([INF, -INF, 0.0, INF, -INF]), 5)

    assert found.to_list() == oracle.quantile_scores([INF, -INF, 0.0, INF, -INF], 5)
    assert found.to_list() == [4, 1, 3, 4, 1]


@pytest.mark.parametrize(
    "step", [np.exp, np.cbrt, lambda x: 3 * x - 7], ids=["exp", "cbrt", "affine"]
)
def test_an_increasing_transform_changes_nothing(step: Any) -> None:
    values = np.random.default_rng(8).integers(-40, 40, 500).astype(float)

    found = grc.quantile_scores(pl.Series(step(values)), 10)

    assert found.to_list() == grc.quantile_scores(pl.Series(values), 10).to_list()


# --- linear edges: pandas.qcut -----------------------------------------------------------------


def qcut_codes(values: pl.Series, bins: int) -> list[int | None] | None:
    """pandas.qcut's codes from 1, or None where its edges are not distinct."""
    try:
        codes = pd.qcut(values.to_numpy(), bins, labels=False)
    except ValueError:
        return None
    return [None if math.isnan(c) else int(c) + 1 for c in np.asarray(codes, dtype=float)]


@pytest.mark.parametrize("bins", BINS)
@pytest.mark.parametrize("n", [101, 128, 1000, 1023])
def test_linear_edges_are_pandas_qcut_value_by_value(bins: int, n: int) -> None:
    rng = np.random.default_rng(n * bins)
    compared = 0
    for values in (
        rng.normal(size=n),
        rng.lognormal(3, 2, n).round(2),
        rng.permutation(n) * 1.0,
        rng.permutation(n) * 0.1,
        np.where(rng.random(n) < 0.1, np.nan, rng.uniform(-1, 1, n)),
    ):
        codes = qcut_codes(pl.Series(values), bins)
        if codes is None:
            continue
        compared += 1
        found = grc.quantile_scores(pl.Series(values), bins, edges="linear")
        assert found.to_list() == codes
    assert compared >= 4


@given(
    series(dtype=pl.Float64, min_size=2, max_size=60, strategy=st.floats(-1e6, 1e6)),
    st.sampled_from([2, 3, 5, 10]),
)
def test_linear_edges_of_any_floats_are_pandas_qcut(values: pl.Series, bins: int) -> None:
    codes = qcut_codes(values, bins)
    if codes is None:
        codes = oracle.quantile_scores(values.to_list(), bins, edges="linear")  # type: ignore[assignment]

    found = grc.quantile_scores(values, bins, edges="linear")

    assert found.to_list() == codes


@pytest.mark.parametrize("dtype", NUMBERS, ids=str)
def test_linear_edges_of_every_number_type_are_pandas_qcut(dtype: Any) -> None:
    values = pl.Series(np.random.default_rng(5).permutation(100)).cast(dtype)

    found = grc.quantile_scores(values, 7, edges="linear")

    assert found.to_list() == qcut_codes(values, 7)


# --- The edges of R's package rfm --------------------------------------------------------------


def r_rfm_bands(values: np.ndarray[Any, Any], bins: int) -> list[int]:
    """The definition: quantiles of type 7 plus 1, and a band holds its lower edge."""
    probabilities = np.linspace(0, 1, bins + 1)[1:-1]
    edges = np.quantile(values, probabilities, method="linear") + 1
    return (1 + np.searchsorted(edges, values, side="right")).tolist()


@given(
    st.one_of(
        st.lists(st.integers(0, 12), min_size=1, max_size=80),
        st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.5, 19.99, 20.99]), min_size=1, max_size=80),
        st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=80),
    ),
    st.integers(2, 100),
)
def test_r_rfm_edges_are_their_definition_on_random_data_with_ties(
    values: list[float], bins: int
) -> None:
    found = grc.quantile_scores(pl.Series(values), bins, edges="r-rfm")

    assert found.to_list() == r_rfm_bands(np.array(values), bins)


@pytest.mark.parametrize("bins", range(2, 101))
def test_r_rfm_edges_of_every_number_of_bins_are_their_definition(bins: int) -> None:
    rng = np.random.default_rng(bins)
    for values in (rng.poisson(3, 1000), rng.lognormal(3, 2, 999).round(0), rng.permutation(997)):
        found = grc.quantile_scores(pl.Series(values), bins, edges="r-rfm")

        assert found.to_list() == r_rfm_bands(values, bins)


# --- As an expression --------------------------------------------------------------------------


@pytest.mark.parametrize("edges", ["inverted_cdf", "linear", "r-rfm"])
@pytest.mark.parametrize("best", ["high", "low"])
@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("dtype", [pl.Float64, pl.Float32, pl.Int64, pl.Int8, pl.UInt64], ids=str)
def test_the_expression_scores_as_the_function(
    edges: Any, best: Any, lazy: bool, dtype: Any
) -> None:
    values = pl.Series("x", [*range(60), None, *range(30, 90)], dtype=pl.Int64).cast(dtype)
    frame = pl.DataFrame({"x": values})
    expected = grc.quantile_scores(values, 7, best=best, edges=edges)
    expressions = {
        "by_name": grc.quantile_score("x", 7, best=best, edges=edges),
        "by_expr": grc.quantile_score(pl.col("x"), 7, best=best, edges=edges),
        "by_namespace": pl.col("x").grc.quantile_score(7, best=best, edges=edges),  # type: ignore[attr-defined]
    }

    selected = (frame.lazy() if lazy else frame).select(
        expression.alias(name) for name, expression in expressions.items()
    )

    found = selected.collect() if isinstance(selected, pl.LazyFrame) else selected
    for name in expressions:
        assert found[name].dtype == pl.UInt8
        assert found[name].to_list() == expected.to_list()


@given(series(dtype=pl.Float64, max_size=50), st.sampled_from([2, 5, 100]))
def test_the_expression_of_any_floats_matches_a_sort(values: pl.Series, bins: int) -> None:
    frame = values.alias("x").to_frame()

    found = frame.lazy().select(grc.quantile_score("x", bins)).collect()["x"]

    assert found.to_list() == oracle.quantile_scores(values.to_list(), bins)


def test_the_expression_works_within_groups() -> None:
    frame = pl.DataFrame({"shop": ["a"] * 6 + ["b"] * 4, "x": [1, 2, 3, 4, 5, 6, 10, 20, 30, 40]})

    found = frame.with_columns(grc.quantile_score("x", 2).over("shop").alias("score"))

    assert found["score"].to_list() == [1, 1, 1, 2, 2, 2, 1, 1, 2, 2]


# --- Threads and options -----------------------------------------------------------------------


@pytest.mark.parametrize("ties", ["together", "split"])
def test_threads_do_not_change_a_score(ties: Any) -> None:
    values = pl.Series(np.random.default_rng(1).lognormal(3, 2, 60_000).round(1))

    found = [grc.quantile_scores(values, 5, ties=ties, threads=t).to_list() for t in (1, 2, 7)]

    assert found[0] == found[1] == found[2]


def test_chunks_do_not_change_a_score() -> None:
    whole = pl.Series("x", np.random.default_rng(2).normal(size=5000))
    parts = [whole[i : i + 617] for i in range(0, 5000, 617)]
    chunked = pl.concat(parts, rechunk=False)
    assert chunked.n_chunks() > 1

    found = grc.quantile_scores(chunked, 5)

    assert found.to_list() == grc.quantile_scores(whole, 5).to_list()


@pytest.mark.parametrize("bins", [1, 0, -1, 101, 5.5, "5", True])
def test_bins_out_of_range_are_refused(bins: Any) -> None:
    with pytest.raises(grc.OptionError, match="bins"):
        grc.quantile_scores(pl.Series([1, 2, 3]), bins)


@pytest.mark.parametrize(
    "options",
    [
        {"best": "up"},
        {"ties": "split2"},
        {"edges": "median"},
        {"ties": "split", "edges": "linear"},
        {"ties": "split_descending", "edges": "r-rfm"},
    ],
)
def test_unknown_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(grc.OptionError):
        grc.quantile_scores(pl.Series([1, 2, 3]), 5, **options)


@pytest.mark.parametrize("threads", [0, -1, 1025, 10**30, True, 2.5, "2"])
def test_threads_out_of_range_are_refused(threads: Any) -> None:
    with pytest.raises(grc.OptionError, match=f"threads must be .* 1 to 1024.* not {threads!r}"):
        grc.quantile_scores(pl.Series([1, 2, 3]), 3, threads=threads)


@pytest.mark.parametrize("values", [pl.Series([1, 2, 3]), [1, 2, 3], None], ids=str)
def test_the_expression_of_values_names_the_function(values: Any) -> None:
    with pytest.raises(grc.OptionError, match="give values to quantile_scores"):
        grc.quantile_score(values, 3)


@pytest.mark.parametrize("values", [["a"], [True, False], [[1]]], ids=str)
def test_values_that_are_no_numbers_are_refused(values: list[Any]) -> None:
    with pytest.raises(grc.GrcError):
        grc.quantile_scores(pl.Series(values), 5)
