"""What contacts add at each place, moved towards a line in the score: empirical Bayes.

Scores are made so that better places answer better, and what contacts add mostly goes up or down
with them. So each place is shrunk towards a line through all, not towards one mean, which would
take from the best what it gives to the worst (Fay and Herriot 1979, "Estimates of income for small
places", JASA 74, shrink to a regression so).

- Differences are compared where their noise is alike (Efron and Morris 1975, "Data analysis using
  Stein's estimator and its generalizations", JASA 70, do so with the arcsine of rates): divided by
  the standard deviation s of an outcome at the place, which for rates is √(p (1 − p)), with p the
  answers of both sides together, shrunk to those of the neighbours. So z = d / s has the variance
  v = 1/n₁ + 1/n₀, which luck has no part in.
- Each z is a draw around what is true of its place, which is a draw of variance A around
  the line: a place is moved by the share B = v / (v + A) towards the line (Morris 1983,
  "Parametric empirical Bayes inference", JASA 78).
- A is not chosen but summed over, so that not knowing it makes intervals wider (Daniels 1999, "A
  prior for the variance in hierarchical models", Canadian Journal of Statistics 27, whose prior is
  flat in the B of a place of mean precision; the one here is proportional to it, since the line
  already tells places apart).
- The prior of the mean is flat. The slope is 0 with the chance of one half, and else normal, with a
  variance of 10 to 300 times that of its estimate by luck alone: a slope that is not there is not
  followed, and one that is clear is not shrunk (a spike and a slab; Mitchell and Beauchamp 1988,
  "Bayesian variable selection in linear regression", JASA 83).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from grc_fast.campaigns.score_interval import Z
from grc_fast.campaigns.strata import Flags, Numbers

# The logarithm of B / (1 − B), from all but no place keeping its own to all but every one.
_LOGITS: Final = np.arange(-24, 25) / 2
# Twice B, on a grid that is even in its logit.
_LOG_PRIOR: Final = -np.log1p(np.exp(_LOGITS)) - 2 * np.log1p(np.exp(-_LOGITS))
# The variance of the slope, in those of its estimate were there none, and how probable each is.
_SLOPES: Final = np.array([0.0, 10.0, 30.0, 100.0, 300.0])
_LOG_SLOPES: Final = np.log([1 / 2, 1 / 8, 1 / 8, 1 / 8, 1 / 8])


@dataclass(frozen=True)
class Lines:
    """What contacts add at each place, with its 95 % interval."""

    rate: Numbers
    low: Numbers
    high: Numbers


@dataclass(frozen=True)
class _Mixture:
    """Every pair of an A and a variance of the slope, A along the first axis.

    Attributes
    ----------
    spread
        A.
    weight
        How probable a pair is.
    mean, doubt
        The line at a score of 0, and its variance there.
    slope, slope_doubt
        Its slope, which is measured where it is independent of the mean: around `centre`.
    centre
        The mean score.
    """

    spread: Numbers
    weight: Numbers
    mean: Numbers
    doubt: Numbers
    slope: Numbers
    slope_doubt: Numbers
    centre: Numbers


def shrink_to_line(difference: Numbers, variance: Numbers, scale: Numbers, score: Numbers) -> Lines:
    """Shrink the difference at each place to a line in the score.

    Parameters
    ----------
    difference
        Of each place, one at least; not a number where there is none: it gets what is said of a
        place of that score of which nothing is known.
    variance
        Of each difference, in squares of `scale`.
    scale
        The standard deviation of an outcome.
    score
        Of each place; where all have one, they are shrunk to their mean.

    Returns
    -------
    Lines
        O(places) with a factor of 245.

    Examples
    --------
    >>> import numpy as np
    >>> added = np.array([0.01, 0.022, 0.028, 0.042, np.nan])
    >>> found = shrink_to_line(added, np.full(5, 1e-3), np.full(5, 0.2), np.arange(5.0))
    >>> found.rate.round(3).tolist()
    [0.012, 0.021, 0.029, 0.04, 0.047]
    """
    known = ~np.isnan(difference) & np.isfinite(variance)
    z = np.where(known, difference, 0.0) / scale
    x = _standard(score, variance, known)
    mixture = _mixture(z[known], variance[known], x[known])
    rate, deviation = _posterior(z, np.where(known, variance, np.inf), x, mixture)
    half = Z * deviation * scale
    return Lines(rate * scale, rate * scale - half, rate * scale + half)


def _standard(score: Numbers, variance: Numbers, known: Flags) -> Numbers:
    """Return scores of mean 0 and variance 1, weighed by what is known of places."""
    weight = 1 / variance[known]
    middle = np.average(score[known], weights=weight)
    deviation = np.sqrt(np.average((score[known] - middle) ** 2, weights=weight))
    # Places that hardly differ have no line.
    if not deviation > 1e-9 * max(1.0, abs(float(middle))):
        return np.zeros(len(score))
    return np.asarray((score - middle) / deviation, dtype=float)


def _mixture(z: Numbers, v: Numbers, x: Numbers) -> _Mixture:
    """Return how probable each A and each variance of the slope is, given all places."""
    typical = len(z) / float((1 / v).sum())
    spread = (typical * np.exp(-_LOGITS))[:, None]
    slopes = _SLOPES * typical / len(z) if x.any() else np.zeros(1)
    log_slopes = _LOG_SLOPES if x.any() else np.zeros(1)
    weight = 1 / (v + spread)
    total = weight.sum(axis=1, keepdims=True)
    mean = (weight * z).sum(axis=1, keepdims=True) / total
    centre = (weight * x).sum(axis=1, keepdims=True) / total
    away = x - centre
    known = (weight * away**2).sum(axis=1, keepdims=True)
    along = (weight * away * (z - mean)).sum(axis=1, keepdims=True)
    slope_doubt = slopes / (1 + slopes * known)
    misfit = (weight * (z - mean) ** 2 - np.log(weight)).sum(axis=1, keepdims=True)
    logs = _LOG_PRIOR[:, None] + log_slopes
    logs = logs - (misfit + np.log(total) + np.log1p(slopes * known) - slope_doubt * along**2) / 2
    raw = np.exp(logs - logs.max())
    return _Mixture(
        spread, raw / raw.sum(), mean, 1 / total, slope_doubt * along, slope_doubt, centre
    )


def _posterior(z: Numbers, v: Numbers, x: Numbers, mixture: _Mixture) -> tuple[Numbers, Numbers]:
    """Return the mean of a mixture of normals, and its standard deviation."""
    spread, weight = mixture.spread[..., None], mixture.weight[..., None]
    sure = np.isfinite(v)
    finite = np.where(sure, v, 1.0)
    moved = np.where(sure, finite / (finite + spread), 1.0)
    away = x - mixture.centre[..., None]
    line = mixture.mean[..., None] + mixture.slope[..., None] * away
    doubt = mixture.doubt[..., None] + mixture.slope_doubt[..., None] * away**2
    means = z + moved * (line - z)
    own = spread * moved + moved**2 * doubt
    middle = (weight * means).sum(axis=(0, 1))
    variance = (weight * (own + (means - middle) ** 2)).sum(axis=(0, 1))
    return middle, np.sqrt(variance)
