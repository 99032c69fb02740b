"""From counts to axes: shrunken shares, percentiles of the population, split-half reliability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

#: So many events of the mean client are added to everyone's.
SHRINKAGE: Final = 5
#: An axis rests on so many events, or is null.
LEAST_EVENTS: Final = 5
# The fewest clients among whom a correlation says anything at all.
_LEAST_CLIENTS: Final = 3
_HALVES: Final = ("odd", "even")
_DECIMALS: Final = 9


@dataclass(frozen=True)
class Reliability:
    """How far an axis would come out the same on other events of the same clients.

    Attributes
    ----------
    value
        The correlation of the axis on every second purchase (of `open`) or day (of the others) with
        the axis on the rest, stepped up to the whole by the formula of Spearman and Brown; 0 where
        they do not go together, None where it cannot be computed.
    clients
        The clients that it rests on: those whose axis is not null.
    """

    value: float | None
    clients: int


@dataclass(frozen=True)
class Axis:
    """An axis of the profile.

    Attributes
    ----------
    value
        By client, 0 to 100, null below five events.
    events
        By client, UInt32.
    reliability
        That of the values.
    """

    value: pl.Series
    events: pl.Series
    reliability: Reliability

    @property
    def is_unknown(self) -> bool:
        """Whether it is null for every client."""
        return self.value.null_count() == len(self.value)


def counts_of(counts: pl.DataFrame, axis: str) -> pl.DataFrame:
    """Return the counts of one axis: `events`, `hits`, `events_odd`, `hits_odd` (Int64).

    Parameters
    ----------
    counts
        As `Counts.frame` is.
    axis
        Its name.
    """
    names = ("events", "hits", "events_odd", "hits_odd")
    return counts.select(pl.col(f"{axis}_{name}").cast(pl.Int64).alias(name) for name in names)


def axis_of_shares(counts: pl.DataFrame, axis: str) -> Axis:
    """Return the axis of the share of hits among events.

    Where all events of all clients are hits, or none is, the axis tells nobody apart, and is null.

    Parameters
    ----------
    counts
        As `Counts.frame` is.
    axis
        Its name.
    """
    own = counts_of(counts, axis)
    shares = shrunken_shares(own)
    tells_apart = 0 < own["hits"].sum() < own["events"].sum()
    known = (pl.col("events") >= LEAST_EVENTS) & tells_apart
    frame = own.select("events").hstack(shares)
    value = percentile(frame.select(pl.when(known).then(pl.col("whole"))).to_series())
    return Axis(value, counts[f"{axis}_events"], reliability_of(frame.filter(known)))


def shrunken_shares(counts: pl.DataFrame) -> pl.DataFrame:
    """Return shares of hits, drawn to that of all clients: `whole`, and of halves `odd`, `even`.

    A share of n events is (kμ + hits) / (k + n), with k = 5 and μ the hits among all events.
    """
    events, hits = (int(counts[name].sum()) for name in ("events", "hits"))
    mean = hits / events if events else 0.0
    of_odd = pl.col("hits_odd"), pl.col("events_odd")
    of_even = pl.col("hits") - of_odd[0], pl.col("events") - of_odd[1]
    return counts.select(
        whole=_shrunken(pl.col("hits"), pl.col("events"), mean),
        odd=_shrunken(*of_odd, mean),
        even=_shrunken(*of_even, mean),
    )


def _shrunken(hits: pl.Expr, events: pl.Expr, mean: float) -> pl.Expr:
    return (SHRINKAGE * mean + hits) / (SHRINKAGE + events)


def percentile(values: pl.Series) -> pl.Series:
    """Place values among all that are known: 100 (rank - 1/2) / n, equal ones at their middle.

    The values of many clients are few, so each is ranked once.
    """
    name = values.name
    numbers = values.drop_nulls().to_frame().group_by(name).len("equal").sort(name)
    middle = pl.col("equal").cum_sum() - pl.col("equal") / 2
    places = numbers.select(name, place=100 * middle / pl.col("equal").sum())
    found = values.to_frame().join(places, on=name, how="left", maintain_order="left")
    return found["place"].alias(name)


def reliability_of(halves: pl.DataFrame) -> Reliability:
    """Correlate the columns `odd` and `even`, and step the correlation up to the whole."""
    # Values that differ in their last digits alone are the same.
    both = halves.select(pl.col(_HALVES).round(_DECIMALS)).drop_nulls()
    if both.height < _LEAST_CLIENTS or any(both[name].n_unique() < 2 for name in _HALVES):
        return Reliability(None, halves.height)
    correlation = max(float(both.select(pl.corr(*_HALVES)).item()), 0.0)
    # The last digits are those of the machine's arithmetic.
    return Reliability(round(2 * correlation / (1 + correlation), 6), halves.height)
