"""How far what comes may be from what is expected: intervals of totals, and of clients on request.

Parameters are drawn as their covariance says, and what clients do is simulated for each draw, with
one seed: the same clients have the same intervals in any order, on any number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

import polars as pl

from grc_fast import _core
from grc_fast._utils.checks import finite
from grc_fast.errors import OptionError
from grc_fast.value.histories import Histories
from grc_fast.value.horizons import outlook
from grc_fast.value.purchases import Covariance
from grc_fast.value.value_model import ValueModel

#: The level of intervals of totals, where nothing is said.
LEVEL: Final = 0.9
# Draws of the parameters: quantiles of 90 % are then within one or two per cent of the level.
_DRAWS: Final = 400
_SEED: Final = 20_050_101


def check_level(intervals: object) -> float | None:
    """Return the level of intervals, or None where none are asked for.

    Raises
    ------
    OptionError
        If it is no number from 0.5 to 0.99.
    """
    if intervals is None:
        return None
    level = finite("intervals", intervals, "a level from 0.5 to 0.99, such as 0.9", above=0)
    if not 0.5 <= level <= 0.99:
        raise OptionError(f"intervals must be a level from 0.5 to 0.99, such as 0.9, not {level:g}")
    return level


class Simulation:
    """What clients may do, given the models and what is known of each."""

    def __init__(
        self,
        known: Histories,
        model: ValueModel,
        horizons: Sequence[str],
        shares: pl.Series | float,
        *,
        discount: float,
        threads: int | None,
    ) -> None:
        spend = cast(Any, model.spend)
        purchases = model.purchases
        ahead = outlook(known.as_of, horizons, discount)
        counts, means = known.spends(spend.basket)
        if not isinstance(shares, pl.Series):
            shares = pl.repeat(shares, len(counts), dtype=pl.Float64, eager=True)
        self._columns: Final[tuple[pl.Series, ...]] = (*known.columns, counts, means, shares)
        self._horizons = len(horizons)
        self._threads = threads
        self._outlook = {
            "model": purchases.name,
            "regularity": purchases.regularity,
            "purchases": list(purchases.parameters.values()),
            "spend": list(spend.parameters.values()),
            "of_purchases": _rows(purchases.covariance, 4),
            "of_spend": _rows(spend.covariance, 3),
            "unit": purchases.time_scaler,
            "period_ends": list(ahead.edges),
            "discount_factors": list(ahead.worths),
            "horizons": list(ahead.ends),
            "draws": _DRAWS,
            "seed": _SEED,
        }

    def totals(self, expected: Sequence[float], level: float) -> list[tuple[float, float]]:
        """Return the interval of each total: purchases of each horizon, then gains.

        Where clients were sampled, the spread is taken apart: what parameters do is common to all
        clients, and grows as their number, while chance grows as its root.
        """
        if not len(self._columns[0]):
            return [(0.0, 0.0)] * (2 * self._horizons)
        simulate = cast(Any, _core.simulate_totals)
        first, second, scale = simulate(*self._columns, self._outlook, threads=self._threads)
        ends = []
        for column, total in enumerate(expected):
            one = pl.Series([draw[column] for draw in first])
            spread = 1.0
            if second:
                other = pl.Series([draw[column] for draw in second])
                spread = _spread(one, other, scale)
            away = (one - cast(float, one.mean())) * (scale * spread)
            low, high = (away.quantile(part, "linear") for part in _parts(level))
            ends.append((max(total + cast(float, low), 0.0), total + cast(float, high)))
        return ends

    def of_clients(self, level: float) -> list[tuple[pl.Series, pl.Series]]:
        """Return the interval of each client: purchases of each horizon, then gains."""
        series, simulate = cast(Any, pl.Series), cast(Any, _core.client_intervals)
        found = simulate(*self._columns, self._outlook, level=level, threads=self._threads)
        return [(series(low), series(high)) for low, high in found]


def _parts(level: float) -> tuple[float, float]:
    return (1 - level) / 2, (1 + level) / 2


def _spread(one: pl.Series, other: pl.Series, scale: float) -> float:
    """How much less the total of all varies than that of the sample times the scale."""
    both = (one - one.mean()) * (other - other.mean())
    whole = (float(cast(Any, one.var())) + float(cast(Any, other.var()))) / 2
    if whole <= 0:
        return 1.0
    common = min(max(float(cast(Any, both.mean())) / whole, 0.0), 1.0)
    return float((common + (1 - common) / scale) ** 0.5)


def _rows(covariance: Covariance, size: int) -> list[list[float]]:
    unknown = [[None] * size] * size
    return [
        [float("nan") if cell is None else cell for cell in row] for row in covariance or unknown
    ]
