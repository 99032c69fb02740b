"""The small tables that charts of scores are drawn from: sums over clients, never a client."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Final

import polars as pl

from grc_fast._typing import Lang
from grc_fast.facts.exact_money import exact_units, money_of
from grc_fast.report.choice import ALL
from grc_fast.rfm.fitted import FittedModel
from grc_fast.rfm.segments.evaluate import on_five

# What a reader still tells apart, and what a page has room for.
_MOST_BARS: Final = 40
_MOST_POINTS: Final = 10
#: Points of a Lorenz curve beside the origin.
STEPS: Final = 100
# Extreme values would leave all others in one bar: so many of the clients lie within the bars.
_WITHIN: Final = 0.99
# Below it, a value and a segment are kept in one number of 64 bits.
_MOST_PACKED: Final = 2**62
# All clients but the best fifth.
_LOWER: Final = 0.8


@dataclass(frozen=True)
class ChartTables:
    """The tables of one run.

    In all of them `segment` is the position in the table of segments, and clients that are not
    scored are left out.

    Attributes
    ----------
    scores
        A row a client, as `RFMModel.score` returns it.
    segments
        The clients and the money of each segment, as `RFMResult.segments`.
    model
        What scored them.
    money
        What each client spent, in the order of the scores; None without money.
    scale
        The decimals of the money.
    lang
        The language of what is drawn.
    """

    scores: pl.DataFrame
    segments: pl.DataFrame
    model: FittedModel
    money: pl.Series | None
    scale: int
    lang: Lang

    @cached_property
    def measures(self) -> dict[str, str]:
        """The measure of each criterion by its name."""
        return {criterion.name: criterion.measure for criterion in self.model.rfm.criteria}

    @cached_property
    def labels(self) -> list[str]:
        """What the segments are called."""
        return self.model.rfm.table.labels(self.lang)

    @property
    def has_money(self) -> bool:
        """Whether it is known what clients spent."""
        return self.money is not None

    @property
    def has_grid(self) -> bool:
        """Whether clients have points both for recency and for frequency."""
        return {"recency", "frequency"} <= self.measures.keys()

    @property
    def share_of_best(self) -> float | None:
        """The share of money of the fifth of clients who spent most."""
        if self.curve is None:
            return None
        lower = self.curve.filter((pl.col("segment") == ALL) & (pl.col("clients") >= _LOWER))
        return 1.0 - float(lower["money"][0])

    @cached_property
    def profile(self) -> pl.DataFrame:
        """The segments, their mean `recency` and `frequency`, and the money of an order: `basket`.

        A criterion left out has no column, nor has the basket where orders are not counted over
        all sales.
        """
        names = [name for name in ("recency", "frequency") if name in self.measures]
        sums = [self._sums(name) for name in names]
        means = [
            (money_of(pl.col(f"{name} sum"), pl.Float64()) / pl.col(f"{name} count")).alias(name)
            for name in names
        ]
        table = self.segments.with_row_index("position").cast({"position": pl.Int64})
        for of_criterion in sums:
            table = table.join(
                of_criterion,
                left_on="position",
                right_on="segment",
                how="left",
                maintain_order="left",
            )
        if self._counts_orders:
            orders = money_of(pl.col("frequency sum"), pl.Float64())
            basket = pl.when(orders > 0).then(pl.col("money").cast(pl.Float64) / orders)
            means.append(basket.alias("basket"))
        return table.select(*self.segments.columns, *means)

    @cached_property
    def cells(self) -> pl.DataFrame:
        """The `clients` and the `money` of each `segment` and points `r` and `f`.

        Points of more than ten bands are brought to five, as segment tables do it.
        """
        sizes = {fitted.criterion.name: fitted.size for fitted in self.model.fitted}
        points = [
            on_five(pl.col(letter), size).alias(letter) if size > _MOST_POINTS else pl.col(letter)
            for letter, size in (("r", sizes["recency"]), ("f", sizes["frequency"]))
        ]
        sums = (
            self._clients.with_columns(points)
            .group_by("segment", "r", "f")
            .agg(clients=pl.len(), money=pl.col("money").sum())
            .sort("segment", "r", "f")
        )
        kind = pl.Float64() if self.money is None else self.money.dtype
        return sums.with_columns(money_of(pl.col("money"), kind, self.scale).cast(pl.Float64))

    @cached_property
    def bars(self) -> dict[str, pl.DataFrame]:
        """The `clients` of each `segment` from `start` to below `end`, for each criterion.

        About one client in a hundred has a value beyond the last bar, or below the first where
        there are negative ones; those are counted in it, and `below` and `beyond` say so.
        """
        return {name: self._bars(name) for name in self.measures}

    @cached_property
    def curve(self) -> pl.DataFrame | None:
        """The share of `money` of the `clients` who spent least: of each `segment`, and of `ALL`.

        None without money, or where there is none in total.
        """
        if self.money is None:
            return None
        spent = self._money_counts
        every = _curve(spent, ALL)
        if every is None:
            return None
        parts = [
            _curve(spent.filter(pl.col("segment") == position), position)
            for position in range(self.segments.height)
        ]
        return pl.concat([every, *(part for part in parts if part is not None)])

    def _bars(self, criterion: str) -> pl.DataFrame:
        counts = self._counts[criterion].with_columns(pl.col("value").cast(pl.Float64))
        values = counts["value"]
        edges = _edges(counts.filter(pl.col("value").is_finite()))
        last = len(edges) - 2
        places = pl.Series(edges).search_sorted(values, side="right").cast(pl.Int64) - 1
        counted = (
            counts.select("segment", "clients", bar=places.clip(0, last))
            .group_by("segment", "bar")
            .agg(pl.col("clients").sum())
            .sort("segment", "bar")
        )
        ends = pl.DataFrame(
            {
                "bar": range(last + 1),
                "start": edges[:-1],
                "end": edges[1:],
            },
            schema_overrides={"bar": pl.Int64},
        ).with_columns(
            below=(pl.col("bar") == 0) & bool((values < edges[0]).any()),
            beyond=(pl.col("bar") == last) & bool((values >= edges[-1]).any()),
        )
        return counted.join(ends, on="bar", how="left", maintain_order="left").drop("bar")

    def _sums(self, criterion: str) -> pl.DataFrame:
        """Return the sum and the count of a criterion's values in each segment."""
        counts = self._counts[criterion]
        units = exact_units(counts["value"].cast(pl.Float64), criterion)
        return (
            counts.select("segment", "clients", sum=units * counts["clients"].cast(pl.Int128))
            .group_by("segment")
            .agg(
                pl.col("sum").sum().alias(f"{criterion} sum"),
                pl.col("clients").sum().alias(f"{criterion} count"),
            )
        )

    @cached_property
    def _counts(self) -> dict[str, pl.DataFrame]:
        """How many `clients` of each `segment` have which `value`, for each criterion."""
        return {name: self._counts_of(name) for name in self.measures}

    def _counts_of(self, criterion: str) -> pl.DataFrame:
        money = self.money
        if money is None or money.dtype.is_decimal() or not self.scores[criterion].equals(money):
            return _counted(self._clients, criterion, self.segments.height)
        amounts = money_of(pl.col("value"), money.dtype, self.scale)
        return self._money_counts.with_columns(amounts)

    @cached_property
    def _money_counts(self) -> pl.DataFrame:
        """How many clients of each segment spent how many exact units."""
        # The units of decimals are their physical numbers.
        units = self._clients.with_columns(pl.col("money").to_physical())
        return _counted(units, "money", self.segments.height)

    @property
    def _counts_orders(self) -> bool:
        """Whether frequency counts the orders of all sales."""
        counted = [c for c in self.model.rfm.criteria if c.name == "frequency"]
        return (
            self.money is not None
            and bool(counted)
            and counted[0].measure == "orders"
            and counted[0].window is None
        )

    @cached_property
    def _clients(self) -> pl.DataFrame:
        """The scored clients: segment, points, the values of the criteria, and exact money."""
        scores = self.scores
        if self.money is None:
            money: pl.Expr | pl.Series = pl.lit(None, pl.Int128)
        else:
            money = exact_units(self.money, "money", self.scale)
        return scores.select(
            pl.col("segment").to_physical().cast(pl.Int64),
            pl.col([letter for letter in ("r", "f") if letter in scores.columns]),
            pl.col(list(self.measures)),
            money.alias("money"),
        ).drop_nulls("segment")


def _counted(clients: pl.DataFrame, column: str, segments: int) -> pl.DataFrame:
    """Return how many `clients` of each `segment` have which `value`, from the least on.

    Many clients share a value, so that what follows has few rows to go through.
    """
    frame = clients.select("segment", value=column).drop_nulls()
    if frame["value"].dtype.is_integer() and _fit(frame["value"], _MOST_PACKED // segments):
        # Both in one number: sorting those takes a fifth of the time.
        key = pl.col("value").cast(pl.Int64) * segments + pl.col("segment")
        runs = frame.select(key=key)["key"].sort().rle().struct.unnest()
        return runs.select(
            segment=pl.col("value") % segments,
            value=pl.col("value") // segments,
            clients=pl.col("len").cast(pl.Int64),
        )
    counts = frame.group_by("segment", "value").agg(clients=pl.len().cast(pl.Int64))
    return counts.sort("value", "segment")


def _fit(values: pl.Series, limit: int) -> bool:
    """Say whether all values lie within a limit on either side of zero."""
    least, most = values.to_frame().select(least=pl.first().min(), most=pl.first().max()).row(0)
    return least is not None and -limit <= least and most <= limit


def _edges(counts: pl.DataFrame) -> list[float]:
    """Return the round edges of bars, which nearly all of the values lie between."""
    if counts.is_empty():
        return [0.0, 1.0]
    values, reached = counts["value"], counts["clients"].cum_sum()

    def value_of(client: int) -> float:
        """Return the value of a client, counted from the least on, from 0."""
        return float(values[reached.search_sorted(client, side="right")])

    last = reached[-1] - 1
    least, high = value_of(0), value_of(math.ceil(_WITHIN * last))
    low = min(value_of(math.floor((1 - _WITHIN) * last)), 0.0) if least < 0 else least
    step = _round_step((high - low) / _MOST_BARS, whole=bool((values == values.floor()).all()))
    first = math.floor(low / float(step))
    last_edge = math.floor(high / float(step)) + 1
    return [float(step * place) for place in range(first, last_edge + 1)]


def _round_step(least: float, *, whole: bool) -> Decimal:
    """Return the least of 1, 2, 5, 10, 20, … (or 0.1, 0.2, …) that is not below `least`."""
    if least <= 0:
        return Decimal(1)
    power = math.floor(math.log10(least))
    steps = (Decimal(digit).scaleb(power) for digit in (1, 2, 5, 10))
    step = next((step for step in steps if float(step) >= least), Decimal(1).scaleb(power + 1))
    return max(step, Decimal(1)) if whole else step


def _curve(counts: pl.DataFrame, position: int) -> pl.DataFrame | None:
    """Return the Lorenz curve of amounts counted; None where their sum is not positive."""
    amounts, reached = counts["value"].cast(pl.Int128), counts["clients"].cum_sum()
    sums = (amounts * counts["clients"].cast(pl.Int128)).cum_sum()
    clients, whole = (reached[-1], sums[-1]) if len(sums) else (0, 0)
    if whole <= 0:
        return None
    # So many clients at each step, rounded up, without a step twice.
    steps = sorted({-(-step * clients // STEPS) for step in range(1, STEPS + 1)})
    places = reached.search_sorted(pl.Series(steps))
    # Of the amount that a step is in the midst of, the clients beyond it do not count yet.
    brought = [
        sums[place] - (reached[place] - count) * amounts[place]
        for place, count in zip(places, steps, strict=True)
    ]
    return pl.DataFrame(
        {
            "segment": position,
            "clients": [0.0, *(count / clients for count in steps)],
            "money": [0.0, *(money / whole for money in brought)],
        },
        schema_overrides={"segment": pl.Int64},
    )
