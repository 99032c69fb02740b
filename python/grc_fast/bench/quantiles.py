"""The quantile kernel: quintiles of one column, in the shapes that real columns have."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import pandas as pd
import polars as pl

import grc_fast as grc
from grc_fast.bench import duckdb_side, polars_side
from grc_fast.bench.harness import OURS, SAME, Case, Measure, check_equal, clock
from grc_fast.bench.polars_side import Engine, quintile
from grc_fast.bench.setting import Setting, in_words

__all__ = ["cases"]

SIZES: Final = (1_000_000, 5_000_000, 10_000_000)

#: The same bands written out: four quantiles and comparisons, or the edges of a sorted copy, or of
#: counted values where these are few.
BY_HAND: Final = (
    "Polars by hand, in memory",
    "Polars by hand, streaming",
    "Polars by hand, sorted",
    "DuckDB by hand",
)
COUNTED: Final = "Polars by hand, counted"
FEW_VALUES: Final = ("cents", "small integers", "constant")
#: What libraries offer in one call: by order statistics, as is our default, or by edges that are
#: interpolated between them. Each is measured against the same edges of ours.
ONE_CALL: Final = "one call"
BY_RANK: Final = ("Polars, rank", "Polars, bin_quantiles")
INTERPOLATED: Final = ("Polars, qcut", "pandas.qcut")
#: Reads every value and does nothing with it: the floor, and no opponent.
FLOOR: Final = "numpy.sum"

Values = Callable[[np.random.Generator, int], np.ndarray]


def continuous(chance: np.random.Generator, number: int) -> np.ndarray:
    """Make money without ties."""
    return chance.lognormal(3.0, 1.0, number)


def cents(chance: np.random.Generator, number: int) -> np.ndarray:
    """Make money in cents: millions of clients, thousands of values."""
    return np.round(chance.lognormal(2.0, 0.7, number), 2)


def small_integers(chance: np.random.Generator, number: int) -> np.ndarray:
    """Make counts of orders: 60 % of the clients have one."""
    return np.minimum(chance.geometric(0.6, number), 200).astype(np.uint32)


def ascending(chance: np.random.Generator, number: int) -> np.ndarray:
    """Make money without ties, sorted already."""
    return np.sort(chance.lognormal(3.0, 1.0, number))


def constant(chance: np.random.Generator, number: int) -> np.ndarray:
    """Make one value over and over."""
    return np.full(number, round(chance.uniform(10, 20), 2))


#: The columns by what a reader calls them.
COLUMNS: Final[dict[str, Values]] = {
    "continuous": continuous,
    "cents": cents,
    "small integers": small_integers,
    "sorted": ascending,
    "constant": constant,
}


def cases(setting: Setting) -> list[Case]:
    """Return every kind of column at every size, and interpolated edges of continuous values."""
    return [
        case
        for size in SIZES
        for case in (
            *(_case(setting, size, kind) for kind in COLUMNS),
            _interpolated(setting, size),
        )
    ]


def _case(setting: Setting, size: int, kind: str) -> Case:
    number = setting.of(size)

    @contextmanager
    def opened() -> Iterator[Mapping[str, Measure]]:
        array = COLUMNS[kind](np.random.default_rng(7), number)
        values = pl.Series("value", array)
        ways = _ways(values, setting)
        if kind in FEW_VALUES:
            ways[COUNTED] = lambda: polars_side.band_by_counting(values)
        with _quiet():
            check_equal(((name, way()) for name, way in ways.items()), _are_equal)
            if kind == "continuous":
                ready_made = _by_ranks(values)
                _check_ranks(ways[OURS](), ready_made)
                ways |= ready_made
            measures = {name: clock(way) for name, way in ways.items()}
            yield measures | {FLOOR: clock(lambda: np.sum(array))}

    name = f"quantile kernel, {in_words(number)} values, {kind}"
    if kind != "continuous":
        return Case("quantiles", name, opened, {SAME: (*BY_HAND, COUNTED)})
    return Case("quantiles", name, opened, {ONE_CALL: BY_RANK, SAME: BY_HAND, FLOOR: (FLOOR,)})


def _interpolated(setting: Setting, size: int) -> Case:
    number = setting.of(size)

    @contextmanager
    def opened() -> Iterator[Mapping[str, Measure]]:
        values = pl.Series("value", continuous(np.random.default_rng(7), number))
        ways = _ways_of_interpolated(values, setting.threads)
        with _quiet():
            check_equal(((name, _codes(way())) for name, way in ways.items()), _are_equal)
            yield {name: clock(way) for name, way in ways.items()}

    name = f"quantile kernel, {in_words(number)} values, continuous, interpolated edges"
    return Case("quantiles", name, opened, {ONE_CALL: INTERPOLATED})


def _ways(values: pl.Series, setting: Setting) -> dict[str, Callable[[], Any]]:
    """Return the ways that keep ties together at any column."""
    connection = duckdb_side.connect(setting.threads, setting.directory)
    connection.register("clients", values.to_frame().to_arrow())
    return {
        OURS: lambda: grc.quantile_scores(values, threads=setting.threads),
        BY_HAND[0]: lambda: _by_hand(values, "in-memory"),
        BY_HAND[1]: lambda: _by_hand(values, "streaming"),
        BY_HAND[2]: lambda: polars_side.band_by_sorting(values),
        BY_HAND[3]: lambda: pl.Series(duckdb_side.band(connection, "clients")["band"]),
    }


def _by_hand(values: pl.Series, engine: Engine) -> pl.Series:
    """Four exact quantiles, then comparisons."""
    return values.to_frame().lazy().select(quintile("value")).collect(engine=engine).to_series()


def _by_ranks(values: pl.Series) -> dict[str, Callable[[], Any]]:
    """Return what libraries offer in one call, by order statistics."""
    ways: dict[str, Callable[[], Any]] = {BY_RANK[0]: lambda: _by_rank(values)}
    if hasattr(pl.Expr, "bin_quantiles"):
        ways[BY_RANK[1]] = lambda: _by_bin_quantiles(values)
    return ways


def _ways_of_interpolated(values: pl.Series, threads: int) -> dict[str, Callable[[], Any]]:
    """Return ours with interpolated edges, and what libraries offer in one call."""
    array = values.to_numpy()
    return {
        OURS: lambda: grc.quantile_scores(values, edges="linear", threads=threads),
        INTERPOLATED[0]: lambda: values.qcut(5, labels=list("12345"), allow_duplicates=True),
        INTERPOLATED[1]: lambda: pd.qcut(array, 5, labels=False, duplicates="drop") + 1,
    }


def _by_rank(values: pl.Series) -> pl.Series:
    """⌊5 (rank − 1) / N⌋, with the least rank of equals, is how many edges are below."""
    rank = values.rank("min").cast(pl.UInt64)
    return (rank - 1) * 5 // len(values)


def _by_bin_quantiles(values: pl.Series) -> pl.Series:
    band = pl.col("value").bin_quantiles(5, labels=False, right_closed=True)
    return values.to_frame().lazy().select(band).collect().to_series()


def _check_ranks(ours: pl.Series, ways: Mapping[str, Callable[[], Any]]) -> None:
    """Compare what is counted from 0 with ours."""
    for name, way in ways.items():
        # Edges of bin_quantiles are the values of rank ⌊j (N − 1) / 5⌋ + 1: one off at the most.
        equal = _are_alike if name == BY_RANK[1] else _are_equal
        check_equal(((OURS, ours), (name, pl.Series(way()) + 1)), equal)


def _codes(bands: Any) -> pl.Series:
    """Return bands as numbers: labels are text."""
    found = pl.Series(bands)
    return found.cast(pl.String).cast(pl.UInt8) if found.dtype == pl.Categorical else found


def _are_equal(ours: pl.Series, theirs: pl.Series) -> bool:
    return bool((ours == theirs).all())


def _are_alike(ours: pl.Series, theirs: pl.Series) -> bool:
    return int((ours != theirs).sum()) <= 4


@contextmanager
def _quiet() -> Iterator[None]:
    """Let Polars say elsewhere that `qcut` will go and that `bin_quantiles` is new."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", pl.exceptions.UnstableWarning)
        yield
