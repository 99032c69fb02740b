"""The quantile kernel alone: a Series or an expression in, scores out."""

from __future__ import annotations

from typing import Any, Literal, get_args

import polars as pl

from grc_fast import _core
from grc_fast._typing import Edges, Ties
from grc_fast._utils.checks import check_threads, one_of
from grc_fast._utils.messages import describe
from grc_fast._utils.panics import panics_as_errors
from grc_fast.errors import ColumnError, OptionError
from grc_fast.rfm.bands import kernel_values, split_bands
from grc_fast.rfm.criteria import check_count, check_ties_and_edges

Best = Literal["high", "low"]


@panics_as_errors()
def quantile_scores(
    values: Any,
    bins: int = 5,
    *,
    best: Best = "high",
    ties: Ties = "together",
    edges: Edges = "inverted_cdf",
    threads: int | None = None,
) -> pl.Series:
    """Score values by quantiles: `bins` for the best band, down to 1.

    Parameters
    ----------
    values
        Numbers, as a Polars Series or anything that ``pl.Series`` takes. Decimals are compared
        as floats.
    bins
        How many bands, 2 to 100.
    best
        Which values earn the most: ``"high"`` or ``"low"``.
    ties
        ``"together"``: equal values score the same. ``"split"``: bands are equally large (SQL's
        NTILE), equal values are cut in the order they come in. ``"split_descending"``: the same,
        with values from high to low.
    edges
        ``"inverted_cdf"``: edge j of k is the value of rank ⌈jN/k⌉. ``"linear"``: interpolated,
        as ``pandas.qcut`` does. ``"r-rfm"``: those of R's package ``rfm``, interpolated plus 1,
        and the edge itself in the band above.
    threads
        Threads to use, 1 to 1024; all cores by default.

    Returns
    -------
    pl.Series
        UInt8, of the name and length of `values`. Null and NaN have no score, and do not count in
        N; infinities are ordinary values.

    Raises
    ------
    ColumnError
        If the values are not numbers.
    OptionError
        If an option is wrong.

    Notes
    -----
    Time is linear in N: edges are selected, not sorted out.

    Examples
    --------
    >>> import grc_fast as grc
    >>> import polars as pl
    >>> grc.quantile_scores(pl.Series([1, 1, 1, 50, 99, None]), bins=5).to_list()
    [1, 1, 1, 4, 5, None]
    >>> grc.quantile_scores([3, 40, 400], bins=3, best="low").to_list()
    [3, 2, 1]
    """
    _check_options(bins, best, ties, edges)
    threads = check_threads(threads)
    series = values if isinstance(values, pl.Series) else pl.Series(values)
    if not (series.dtype.is_numeric() or series.dtype == pl.Null):
        raise ColumnError(
            f"the values of {series.name!r} are {describe(series.dtype)}, and only numbers have "
            "quantiles: cast them"
        )
    numbers = kernel_values(series)
    if ties == "together":
        _, handed = _core.quantile_bands(numbers, bins, method=edges, threads=threads)
        scores = pl.Series(handed)
    else:
        places = pl.int_range(len(series), dtype=pl.Int64, eager=True)
        _, scores = split_bands(numbers, places, bins, ties=ties, threads=threads)
    return (scores if best == "high" else (bins + 1) - scores).alias(series.name)


@panics_as_errors()
def quantile_score(
    values: pl.Expr | str,
    bins: int = 5,
    *,
    best: Best = "high",
    edges: Edges = "inverted_cdf",
) -> pl.Expr:
    """Return `quantile_scores` as a Polars expression, equal values together.

    Parameters
    ----------
    values
        A column name or an expression of numbers.
    bins, best, edges
        As for `quantile_scores`.

    Returns
    -------
    pl.Expr
        UInt8, keeping the name; works inside ``over`` and in a LazyFrame, where it sees the whole
        column.

    Raises
    ------
    OptionError
        If an option is wrong, or `values` is a Series, which `quantile_scores` takes.

    Examples
    --------
    >>> import grc_fast as grc
    >>> import polars as pl
    >>> frame = pl.DataFrame({"spend": [5.0, 80.0, 20.0]})
    >>> frame.with_columns(score=grc.quantile_score("spend", bins=3))["score"].to_list()
    [1, 3, 2]
    >>> frame.select(pl.col("spend").grc.quantile_score(3))["spend"].to_list()
    [1, 3, 2]
    """
    _check_options(bins, best, "together", edges)
    expr = pl.col(values) if isinstance(values, str) else values
    if not isinstance(expr, pl.Expr):
        raise OptionError(
            "quantile_score takes a column name or an expression, and not a "
            f"{type(values).__name__}: give values to quantile_scores"
        )
    return expr.map_batches(
        lambda series: quantile_scores(series, bins, best=best, edges=edges),
        return_dtype=pl.UInt8,
    )


@pl.api.register_expr_namespace("grc")
class GrcNamespace:
    """The expressions of this package on a Polars expression: ``pl.col("x").grc``."""

    def __init__(self, expr: pl.Expr) -> None:
        self._expr = expr

    def quantile_score(
        self, bins: int = 5, *, best: Best = "high", edges: Edges = "inverted_cdf"
    ) -> pl.Expr:
        """Return `grc_fast.quantile_score` of the expression.

        Examples
        --------
        >>> import grc_fast
        >>> import polars as pl
        >>> pl.select(pl.lit(pl.Series([9, 7])).grc.quantile_score(2)).to_series().to_list()
        [2, 1]
        """
        return quantile_score(self._expr, bins, best=best, edges=edges)


def _check_options(bins: int, best: str, ties: str, edges: str) -> None:
    check_count("quantile_scores: bins", bins)
    check_ties_and_edges("quantile_scores", ties, edges)
    one_of("quantile_scores: best", best, get_args(Best))
