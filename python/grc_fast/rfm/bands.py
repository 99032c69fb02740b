"""From values to bands: quantiles and thresholds, through the kernels or as Polars expressions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias, cast

import polars as pl

from grc_fast import _core
from grc_fast._typing import Edges, Number, Ties
from grc_fast.errors import DataError, ModelError
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase, Phrases
from grc_fast.rfm.criteria import Criterion, Recency, small_is_best, threshold_days

Kind = Literal["quantiles", "r-rfm", "split", "split_descending", "thresholds"]
Pair: TypeAlias = tuple[Number, int | str]
# Which end of a band belongs to it. Split bands end with the last client that each was dealt.
_CLOSED: Final = {
    "quantiles": "right",
    "r-rfm": "left",
    "split": "right",
    "split_descending": "left",
    "thresholds": "left",
}


@dataclass(frozen=True)
class FittedBands:
    """The bands of one criterion, frozen.

    Attributes
    ----------
    criterion
        What is banded.
    size
        How many bands.
    kind
        ``"quantiles"``, ``"r-rfm"`` (those of R's package), ``"split"`` or ``"split_descending"``
        (quantiles that cut ties by client id) or ``"thresholds"``.
    edges
        Of quantiles: the ``size - 1`` edges, ascending. Empty otherwise.
    pairs
        Of split quantiles: the last (value, client id) of each tile but the last, in the order in
        which clients were dealt out: ascending by value, or descending.
    counts
        Scored clients of the fit in each band, those without a value in the worst.
    ties
        Of the fit: the value that filled a run of bands by itself, and how many clients have it,
        for each run (first band, last band).
    """

    criterion: Criterion
    size: int
    kind: Kind
    edges: tuple[Number, ...] = ()
    pairs: tuple[Pair, ...] = ()
    counts: tuple[int, ...] = ()
    ties: tuple[TieRun, ...] = field(default=())

    @property
    def closed(self) -> Literal["left", "right"]:
        """Which end of a band belongs to it."""
        return cast(Literal["left", "right"], _CLOSED[self.kind])

    def edges_at(self, as_of: int | None) -> tuple[Number, ...]:
        """Return the edges between the bands, as numbers; of split quantiles their values."""
        if self.is_split:
            values = [value for value, _ in self.pairs]
            return tuple(values if self.kind == "split" else reversed(values))
        if self.kind in ("quantiles", "r-rfm"):
            return self.edges
        if isinstance(self.criterion, Recency):
            return threshold_days(self.criterion.bands or (), as_of)
        return tuple(self.criterion.bands or ())

    def points(self, bands: pl.Series) -> pl.Series:
        """Return the points of bands: as many as there are bands for the best, 1 without value."""
        scored = bands.fill_null(self.worst_band) if bands.null_count() else bands
        return (self.size + 1) - scored if small_is_best(self.criterion) else scored

    def points_expr(self, bands: pl.Expr) -> pl.Expr:
        """Return `points` as an expression."""
        scored = bands.fill_null(self.worst_band)
        if small_is_best(self.criterion):
            scored = pl.lit(self.size + 1, dtype=pl.UInt8) - scored
        return scored.cast(pl.UInt8)

    def counting(self, clients: Mapping[int, int]) -> FittedBands:
        """Return the same bands with their sizes, from clients by points."""
        bands = range(1, self.size + 1)
        return replace(self, counts=tuple(clients.get(self.points_of(band), 0) for band in bands))

    def points_of(self, band: int) -> int:
        """Return the points of one band."""
        return self.size + 1 - band if small_is_best(self.criterion) else band

    @property
    def is_split(self) -> bool:
        """Whether equal values are cut by client id."""
        return self.kind in ("split", "split_descending")

    @property
    def worst_band(self) -> int:
        """The band that earns one point."""
        return self.size if small_is_best(self.criterion) else 1


@dataclass(frozen=True)
class TieRun:
    """One value that fills several quantile bands by itself."""

    first: int
    last: int
    value: Number
    clients: int


@dataclass(frozen=True)
class Banding:
    """How a criterion is to be cut into bands."""

    criterion: Criterion
    bins: int
    ties: Ties
    edges: Edges

    @property
    def kind(self) -> Kind:
        """Thresholds where the criterion has some, else the sort of quantiles."""
        if self.criterion.bands is not None:
            return "thresholds"
        if self.ties != "together":
            return self.ties
        return "r-rfm" if self.edges == "r-rfm" else "quantiles"

    @property
    def size(self) -> int:
        """How many bands."""
        return self.bins if self.criterion.bands is None else len(self.criterion.bands) + 1


def fit_bands(
    banding: Banding, values: pl.Series, ids: pl.Series, *, as_of: int | None, threads: int | None
) -> tuple[FittedBands, pl.Series]:
    """Learn the bands of `values` and return them with each value's band (null: no value).

    `values` holds the scored clients' values and null elsewhere; `ids` ascends and is unique.
    """
    values = kernel_values(values)
    fitted = FittedBands(banding.criterion, banding.size, banding.kind)
    if banding.kind == "thresholds":
        return fitted, apply_bands(fitted, values, ids, as_of=as_of, threads=threads)
    if fitted.is_split:
        pairs, bands = split_bands(values, ids, banding.bins, ties=banding.ties, threads=threads)
        return replace(fitted, pairs=pairs), bands
    edges, handed = _core.quantile_bands(
        values, banding.bins, method=banding.edges, threads=threads
    )
    return replace(fitted, edges=tuple(edges)), pl.Series(handed)


def split_bands(
    values: pl.Series, ids: pl.Series, bins: int, *, ties: Ties, threads: int | None
) -> tuple[tuple[Pair, ...], pl.Series]:
    """Deal clients out to bands of equal size, equal values by client id: SQL's NTILE.

    Returns the last (value, client id) of each tile but the last, and each value's band, from the
    smallest values up in either order.
    """
    if ties == "split":
        pairs, handed = _core.split_bands(values, ids, bins, threads=threads)
        return tuple(pairs), pl.Series(handed)
    pairs, handed = _core.split_bands(_mirrored(values), ids, bins, threads=threads)
    ends = tuple((_mirrored_edge(value, values.dtype), client) for value, client in pairs)
    return ends, (bins + 1) - pl.Series(handed)


def apply_bands(
    fitted: FittedBands,
    values: pl.Series,
    ids: pl.Series,
    *,
    as_of: int | None,
    threads: int | None = None,
) -> pl.Series:
    """Return the band of each value by the kernels (UInt8, null where there is no value)."""
    values = kernel_values(values)
    if fitted.is_split:
        check_pair_ids(fitted, ids.dtype)
        if fitted.kind == "split":
            handed = _core.bands_by_pair(values, ids, list(fitted.pairs), threads=threads)
            return pl.Series(handed)
        if not all(float(value).is_integer() for value, _ in fitted.pairs):
            values = values.cast(pl.Float64)
        ends = [(_mirrored_edge(value, values.dtype), client) for value, client in fitted.pairs]
        handed = _core.bands_by_pair(_mirrored(values), ids, ends, threads=threads)
        return (fitted.size + 1) - pl.Series(handed)
    below, edges = edges_for(fitted.edges_at(as_of), values.dtype, fitted.closed)
    bands = pl.Series(_core.bands(values, edges, closed=fitted.closed, threads=threads))
    return bands + below if below else bands


def bands_expr(
    fitted: FittedBands, values: pl.Expr, dtype: pl.DataType, as_of: int | None
) -> pl.Expr:
    """Return the band of each value as an expression; the same as `apply_bands`."""
    if fitted.is_split:
        raise ModelError(
            f"{fitted.criterion.name}: ties={fitted.kind!r} cuts equal values by client id, which "
            "an expression over a LazyFrame cannot do: collect the frame and score that, or fit "
            "with ties='together'"
        )
    # A float of 32 bits is compared as one of 64, as the edges are.
    dtype = dtype if dtype in _INTEGERS else pl.Float64()
    below, edges = edges_for(fitted.edges_at(as_of), dtype, fitted.closed)
    values = values.cast(dtype)
    if dtype.is_float():
        values = values.fill_nan(None)
    first = pl.when(values.is_not_null()).then(pl.lit(1 + below, dtype=pl.UInt8))
    if not edges:
        return first
    passed = (
        values > pl.lit(edge, dtype=dtype)
        if fitted.closed == "right"
        else values >= pl.lit(edge, dtype=dtype)
        for edge in edges
    )
    return first + pl.sum_horizontal(above.cast(pl.UInt8) for above in passed).cast(pl.UInt8)


# The integers that the kernels compare as they are, with their ranges.
_INTEGERS: Final[dict[pl.DataType, tuple[int, int]]] = {
    pl.Int8(): (-(2**7), 2**7 - 1),
    pl.Int16(): (-(2**15), 2**15 - 1),
    pl.Int32(): (-(2**31), 2**31 - 1),
    pl.Int64(): (-(2**63), 2**63 - 1),
    pl.UInt8(): (0, 2**8 - 1),
    pl.UInt16(): (0, 2**16 - 1),
    pl.UInt32(): (0, 2**32 - 1),
    pl.UInt64(): (0, 2**64 - 1),
}
_FLOATS: Final = (pl.Float32(), pl.Float64())


def kernel_values(values: pl.Series) -> pl.Series:
    """Return values in a type that the kernels take, without a copy where theirs is one."""
    if values.dtype in _INTEGERS or values.dtype in _FLOATS:
        return values
    return values.cast(pl.Float64)


def _mirrored(values: pl.Series) -> pl.Series:
    """Return values that ascend where the given ones descend, without loss or overflow."""
    return -values if values.dtype.is_float() else ~values


def _mirrored_edge(edge: Number, dtype: pl.DataType) -> Number:
    """Return the same of an edge, whole where the values are."""
    return sum(_INTEGERS[dtype]) - int(edge) if dtype in _INTEGERS else -edge


def edges_for(
    edges: Sequence[Number], dtype: pl.DataType, closed: Literal["left", "right"]
) -> tuple[int, list[int] | list[float]]:
    """Return edges in the type of the values, and how many lie below every value of that type.

    Exact also where a float could not hold the values (integers beyond 2^53): among integers,
    2.5 separates as 2 does where bands hold their upper edge, and as 3 does where they do not.
    """
    if dtype not in _INTEGERS:
        return 0, [float(edge) for edge in edges]
    low, high = _INTEGERS[dtype]
    round_edge = math.floor if closed == "right" else math.ceil
    below = 0
    kept: list[int] = []
    for edge in edges:
        whole = round_edge(edge) if math.isfinite(edge) else edge
        if whole < low:
            below += 1
        elif whole <= high:
            kept.append(int(whole))
    return below, kept


def tie_runs(
    fitted: FittedBands, clients_with_value: Callable[[Number], int]
) -> tuple[TieRun, ...]:
    """Return the runs of bands that one value fills by itself (`ties="together"` only)."""
    if fitted.kind != "quantiles":
        return ()
    runs = [
        TieRun(bands[0], bands[-1], value, clients_with_value(value))
        for value, bands in _equal_edges(fitted)
        if len(bands) > 1
    ]
    return tuple(run for run in runs if run.clients > 1)


def clients_with(values: pl.Series, value: Number) -> int:
    """Return how many of the values of clients are one value, such as an edge."""
    values = kernel_values(values)
    dtype = values.dtype if isinstance(value, int) else pl.Float64()
    return int((values == pl.select(pl.lit(value, dtype=dtype)).to_series()).sum())


def _equal_edges(fitted: FittedBands) -> list[tuple[Number, list[int]]]:
    """Return each distinct edge and the bands it closes, with the bands above it if empty."""
    groups: list[tuple[Number, list[int]]] = []
    for band, edge in enumerate(fitted.edges, start=1):
        if groups and groups[-1][0] == edge:
            groups[-1][1].append(band)
        else:
            groups.append((edge, [band]))
    if groups and fitted.counts[-1] == 0:
        groups[-1][1].append(fitted.size)
    return groups


def check_pair_ids(fitted: FittedBands, dtype: pl.DataType) -> None:
    """Refuse to compare numbers with text where ties are cut by client id."""
    if not fitted.pairs:
        return
    text = isinstance(fitted.pairs[0][1], str)
    if text != (dtype == pl.String):
        there, here = ("text", "numbers") if text else ("numbers", "text")
        raise ModelError(
            f"{fitted.criterion.name}: this model cuts ties by client ids that are {there}, and "
            f"here client_id holds {here}: give it the ids of the fit's kind"
        )


def band_warnings(fitted: FittedBands) -> list[Wording]:
    """Say which bands nobody is in, and why."""
    empty = [band for band, clients in enumerate(fitted.counts, start=1) if clients == 0]
    if fitted.kind == "thresholds" or not empty:
        return []
    name, total = Phrase(f"criterion.{fitted.criterion.name}"), sum(fitted.counts)
    if total < fitted.size:
        few = Phrase(
            "bands.few_clients",
            criterion=name,
            clients=total,
            bands=fitted.size,
            points=_points_list(fitted, empty),
        )
        return [few]
    warnings = [_tie_warning(fitted, run, empty, total) for run in fitted.ties]
    explained = {band for run in fitted.ties for band in range(run.first, run.last + 1)}
    others = [band for band in empty if band not in explained]
    if others:
        nobody = Phrase(
            "bands.nobody",
            criterion=name,
            count=len(others),
            empty=join_numbers(others),
            bands=fitted.size,
            points=_points_list(fitted, others),
        )
        warnings.append(nobody)
    return warnings


def _tie_warning(fitted: FittedBands, run: TieRun, empty: list[int], total: int) -> Wording:
    merged = [band for band in empty if run.first <= band <= run.last]
    return Phrase(
        "bands.merged",
        criterion=Phrase(f"criterion.{fitted.criterion.name}"),
        share=100 * run.clients / total,
        value=run.value,
        first=run.first,
        last=run.last,
        bands=fitted.size,
        points=_points_list(fitted, merged),
    )


def _points_list(fitted: FittedBands, bands: Sequence[int]) -> Wording:
    best_first = small_is_best(fitted.criterion)
    points = sorted(fitted.size + 1 - band if best_first else band for band in bands)
    # A list of one number has that number's plural.
    return Phrase("bands.points", numbers=join_numbers(points), count=max(points[0], len(points)))


def join_numbers(numbers: Sequence[int]) -> Wording:
    """Write 1, 2, 3, 7 as "1 to 3 or 7"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts: list[object] = []
    for run in runs:
        span = Phrase("list.to", first=run[0], last=run[-1])
        parts += [span] if len(run) > 2 else run
    return Phrases(parts, last="list.or")


def format_number(value: Number) -> str:
    """Write a number for a reader: 1, 2.5, 1,234.5."""
    if isinstance(value, int) or value.is_integer():
        return f"{int(value):,}"
    return f"{value:,.10g}"


def require_clients(scored: int) -> None:
    """Refuse to learn bands from nobody."""
    if scored == 0:
        raise DataError("there is no client to learn bands from: no row has a purchase to score")
