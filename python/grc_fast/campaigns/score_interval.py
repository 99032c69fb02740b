"""The interval of a difference: all differences that the data do not speak against.

A difference δ belongs to it if the one observed lies within 1.96 standard deviations of δ, *were δ
true* (Miettinen and Nurminen 1985, "Comparative analysis of two rates", Statistics in Medicine 4).
For the variance is then that of both sides together: a control group of a few hundred clients with
four answers cannot say how much its own mean varies, and by the luck of drawing no large sale it
would look more certain the lower it is. This matters most for money, a few large sums among many
zeros. There, the mean square of a sale is taken to be the same on both sides, so that the variance
of a side goes up and down with its mean, as that of a compound Poisson sum does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from grc_fast.campaigns.empirical_bayes import Shrunk
from grc_fast.campaigns.repeats import Repeats
from grc_fast.campaigns.strata import Numbers, Strata, ratio

#: Standard deviations to either end of a 95 % interval.
Z: Final = 1.959_963_984_540_054
# Halvings of a bracket until its ends are neighbouring floats.
_HALVINGS: Final = 80


@dataclass(frozen=True)
class _Side:
    """One side of all strata: how its mean and variance depend on the difference.

    The mean is `mean` + `share` × δ, and the variance of a contact `variance` + `slope` × what the
    mean moved, less what the square of the mean moved where outcomes are shares.
    """

    size: float
    mean: float
    share: float
    variance: float


def answers_added(strata: Strata, repeated: Repeats) -> Shrunk | None:
    """Return what contacts added to the rate over all strata, with its 95 % interval.

    An answer and a refusal are shared out over the strata, by weight, so that the interval does not
    collapse where nobody answered, as Agresti and Caffo (2000) do.

    Examples
    --------
    >>> import numpy as np
    >>> groups = [np.array(column, float) for column in ((3800, 2000), (760, 40), (200, 2000),
    ...                                                  (40, 40))]
    >>> found = answers_added(Strata(*groups), Repeats())
    >>> found.rate, found.low < 0 < found.high
    (0.0, True)
    """
    whole = float(strata.weight.sum())
    if not whole:
        return None
    more = strata.weight / whole
    rate = ratio(strata.total + strata.control_total + more, strata.both + 2 * more)
    scale = ratio(strata.both, np.maximum(strata.both - 1, 0.0))
    found = _estimate(strata, rate, rate * (1 - rate) * scale, 1.0, repeated, top=1.0)
    return Shrunk(found.rate, max(found.low, -1.0), min(found.high, 1.0))


def money_added(strata: Strata, squares: Numbers, repeated: Repeats) -> Shrunk | None:
    """Return what contacts added to the spend of a contact, with its 95 % interval.

    Parameters
    ----------
    strata
        Sums of money.
    squares
        Sums of its squares, of both sides together.
    repeated
        What repeats do to its variance.
    """
    if not strata.weight.sum():
        return None
    used = strata.weight > 0
    money = float((strata.total + strata.control_total)[used].sum())
    slope = float(squares[used].sum()) / money if money > 0 else 0.0
    mean = ratio(strata.total + strata.control_total, strata.both)
    around = np.maximum(squares - strata.both * mean**2, 0.0)
    variance = ratio(around, np.maximum(strata.both - 1, 0.0))
    return _estimate(strata, mean, variance, slope, repeated, top=math.inf)


def _estimate(
    strata: Strata, mean: Numbers, variance: Numbers, slope: float, repeated: Repeats, *, top: float
) -> Shrunk:
    """Find both ends of the interval.

    Parameters
    ----------
    strata, mean, variance
        By stratum: sums, and the mean and the variance of both sides together.
    slope
        How the variance moves with the mean.
    repeated
        What repeats do to it.
    top
        The largest that an outcome can be.
    """
    weight = strata.weight
    whole = float(weight.sum())
    middle = float((weight * strata.difference).sum()) / whole
    treated = _side(weight, strata.contacts, strata.control_contacts, mean, variance)
    control = _side(weight, strata.control_contacts, strata.contacts, mean, variance)

    def deviation(difference: float) -> float:
        high, low = (
            treated.mean + treated.share * difference,
            (control.mean - control.share * difference),
        )
        if low < 0:
            high, low = max(high, difference), 0.0
        if high < 0:
            high, low = 0.0, max(low, -difference)
        high, low = min(high, top), min(low, top)
        own = repeated.treated * _variance(treated, high, slope, top)
        other = repeated.control * _variance(control, low, slope, top)
        both = own + other + 2 * repeated.shared * math.sqrt(own * other)
        return Z * math.sqrt(max(both, 0.0))

    reach = max(deviation(middle), abs(middle), 1e-12)
    low = middle - _end(lambda away: deviation(middle - away) - away, reach)
    high = middle + _end(lambda away: deviation(middle + away) - away, reach)
    return Shrunk(middle, low, high)


def _side(
    weight: Numbers, contacts: Numbers, others: Numbers, mean: Numbers, variance: Numbers
) -> _Side:
    used = weight > 0
    share = weight[used] ** 2 / contacts[used]
    whole = float(share.sum())
    part = others[used] / (contacts[used] + others[used])
    return _Side(
        float(weight.sum()) ** 2 / whole,
        float((share * mean[used]).sum()) / whole,
        float((share * part).sum()) / whole,
        float((share * variance[used]).sum()) / whole,
    )


def _variance(side: _Side, mean: float, slope: float, top: float) -> float:
    """Return the variance of the mean of a side, were that its mean."""
    moved = slope * (mean - side.mean)
    if math.isfinite(top):
        moved -= mean**2 - side.mean**2
    return max(side.variance + moved, 0.0) / side.size


def _end(beyond: Callable[[float], float], reach: float) -> float:
    """Return how far the interval reaches: where `beyond` passes from above 0 to below."""
    while beyond(reach) > 0:
        reach *= 2
    low, high = 0.0, reach
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if beyond(middle) > 0 else (low, middle)
    return high
