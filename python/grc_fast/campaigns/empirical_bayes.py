"""Response rates of few contacts, moved towards those of their neighbours: empirical Bayes.

The rate of a cell is taken for a draw around the rate μ of its neighbours (without the cell), which
is worth k contacts: by Bayes' rule, s answers of n contacts make it Beta(kμ + s, k(1 − μ) + n − s).

- k knows no more than the neighbours do. With κ, which says how alike cells are, one rate varies
  around another as 1/κ; the mean of neighbours of n_j contacts as Σ n_j² / (Σ n_j)² of that, and
  by chance as one of Σ n_j contacts; so 1/k = (1 + Σ n_j² / (Σ n_j)²) / κ + 1 / Σ n_j.
- κ is not chosen but summed over: each value of a grid counts for the likelihood of all cells'
  answers (beta-binomial), under a prior that is flat in the variance 1/κ (Morris 1983, "Parametric
  empirical Bayes inference", JASA 78). The posterior is summed up by the Beta of its mean and
  variance, so that not knowing κ makes intervals wider.
- No interval collapses where nobody or everybody answered: for it, neither side of the prior is
  below Jeffreys' half an answer, and it reaches 0 (1) where nobody (everybody) did (Brown, Cai and
  DasGupta 2001, "Interval estimation for a binomial proportion", Statistical Science 16).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from grc_fast import _core

#: Ends of a 95 % interval.
LOW: Final = 0.025
HIGH: Final = 0.975
# κ runs from half a contact to a million, which is as good as one rate for all.
_LEAST, _MOST = math.log(0.5), math.log(1e6)
_STEPS: Final = 40
_GRID: Final = tuple(math.exp(_LEAST + i * (_MOST - _LEAST) / _STEPS) for i in range(_STEPS + 1))
# The rate of all counts for this many contacts beside those of the neighbours, if there are any.
_BASE_CONTACTS: Final = 10.0
# Jeffreys' prior of a rate is Beta(½, ½).
_JEFFREYS: Final = 0.5


@dataclass(frozen=True)
class Cell:
    """Contacts and answers at one place: of a cell of RFM digits, a group, a segment.

    Of several campaigns together, contacts and answers need not be whole.
    """

    place: tuple[int, ...]
    contacts: float
    answers: float


@dataclass(frozen=True)
class Shrunk:
    """A rate with its 95 % interval."""

    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class _Prior:
    """What the neighbours of a cell say: their rate, and how much they know of it."""

    mean: float
    contacts: float
    unevenness: float

    def shapes(self, kappa: float) -> tuple[float, float]:
        """Return both parameters of the Beta prior, and so how many contacts it is worth."""
        worth = 1 / ((1 + self.unevenness) / kappa + 1 / self.contacts)
        return worth * self.mean, worth * (1 - self.mean)


def shrink(cells: Sequence[Cell], *, ordered: bool) -> tuple[list[Shrunk], float]:
    """Shrink the rate of each cell to that of its neighbours.

    Parameters
    ----------
    cells
        Cells of different places; one without contacts gets what its neighbours say.
    ordered
        Neighbours are the cells none of whose digits differs by more than 1; without an order any
        two cells are.

    Returns
    -------
    tuple of list and float
        The rates, and how many contacts the neighbours of a cell count for, in the mean.

    Examples
    --------
    >>> cells = [Cell((1,), 1000, 100), Cell((2,), 10, 0), Cell((3,), 1000, 50)]
    >>> rates, _ = shrink(cells, ordered=True)
    >>> 0 < rates[1].rate < 0.075
    True
    """
    priors = _priors(cells, ordered=ordered)
    shapes = [[prior.shapes(kappa) for prior in priors] for kappa in _GRID]
    weights = _weights(cells, shapes)
    found, worth = [], 0.0
    for place, cell in enumerate(cells):
        own = [row[place] for row in shapes]
        found.append(_posterior(cell, own, weights))
        worth += math.fsum(w * (yes + no) for w, (yes, no) in zip(weights, own, strict=True))
    return found, worth / len(cells) if cells else 0.0


def shrunk_rates(cells: Sequence[Cell], *, ordered: bool) -> list[float]:
    """Return the rates that `shrink` gives, without their intervals."""
    priors = _priors(cells, ordered=ordered)
    shapes = [[prior.shapes(kappa) for prior in priors] for kappa in _GRID]
    weights = _weights(cells, shapes)
    return [
        math.fsum(
            weight * (yes + cell.answers) / (yes + no + cell.contacts)
            for weight, (yes, no) in zip(weights, (row[place] for row in shapes), strict=True)
        )
        for place, cell in enumerate(cells)
    ]


def _weights(cells: Sequence[Cell], shapes: Sequence[Sequence[tuple[float, float]]]) -> list[float]:
    """Return how probable each κ of the grid is, given the answers of all cells."""
    logs = []
    for kappa, row in zip(_GRID, shapes, strict=True):
        # Flat in 1/κ, on a grid that is even in the logarithm of κ.
        likelihoods = [
            _ln_beta(yes + cell.answers, no + cell.contacts - cell.answers) - _ln_beta(yes, no)
            for cell, (yes, no) in zip(cells, row, strict=True)
        ]
        logs.append(math.fsum(likelihoods) - math.log(kappa))
    return normed(logs)


def _posterior(
    cell: Cell, shapes: Sequence[tuple[float, float]], weights: Sequence[float]
) -> Shrunk:
    """Return the mean of the mixture, and the interval of the Beta that is as wide as it."""
    refused = cell.contacts - cell.answers
    rate, _ = _moments([(yes + cell.answers, no + refused) for yes, no in shapes], weights)
    held = [(max(yes, _JEFFREYS), max(no, _JEFFREYS)) for yes, no in shapes]
    middle, variance = _moments([(yes + cell.answers, no + refused) for yes, no in held], weights)
    size = middle * (1 - middle) / variance - 1
    yes, no = size * middle, size * (1 - middle)
    low, high = (_core.beta_quantile(yes, no, end) for end in (LOW, HIGH))
    if cell.contacts > 0:
        # No contact speaks against a rate of 0 where nobody answered, nor against 1 where all did.
        low = 0.0 if cell.answers <= 0 else low
        high = 1.0 if cell.answers >= cell.contacts else high
    return Shrunk(rate, min(low, rate), max(high, rate))


def _moments(
    shapes: Sequence[tuple[float, float]], weights: Sequence[float]
) -> tuple[float, float]:
    """Return the mean and the variance of a mixture of Betas."""
    means = [yes / (yes + no) for yes, no in shapes]
    whole = math.fsum(w * mean for w, mean in zip(weights, means, strict=True))
    variance = math.fsum(
        w * (mean * (1 - mean) / (yes + no + 1) + (mean - whole) ** 2)
        for w, mean, (yes, no) in zip(weights, means, shapes, strict=True)
    )
    return whole, variance


def _priors(cells: Sequence[Cell], *, ordered: bool) -> list[_Prior]:
    """Return what the neighbours of each cell say; without any, what all together say."""
    answers, contacts, squares = _sums(cells)
    # Half an answer more and less keeps rates from 0 and 1, of which no prior can be made.
    base = (answers + 0.5) / (contacts + 1)
    found = {cell.place: cell for cell in cells}
    priors = []
    for cell in cells:
        if ordered:
            answered, asked, uneven = _sums(_neighbours(cell, found))
        else:
            answered, asked = answers - cell.answers, contacts - cell.contacts
            uneven = squares - cell.contacts**2
        known = asked + _BASE_CONTACTS
        mean = (answered + _BASE_CONTACTS * base) / known
        priors.append(_Prior(min(max(mean, 0.0), 1.0), known, max(uneven, 0.0) / known**2))
    return priors


def _sums(cells: Sequence[Cell]) -> tuple[float, float, float]:
    """Return the answers, the contacts, and the squares of the contacts."""
    return (
        math.fsum(c.answers for c in cells),
        math.fsum(c.contacts for c in cells),
        math.fsum(c.contacts**2 for c in cells),
    )


def _neighbours(cell: Cell, found: Mapping[tuple[int, ...], Cell]) -> list[Cell]:
    steps = itertools.product((-1, 0, 1), repeat=len(cell.place))
    places = (tuple(p + d for p, d in zip(cell.place, step, strict=True)) for step in steps)
    return [found[place] for place in places if place != cell.place and place in found]


def normed(logs: Sequence[float]) -> list[float]:
    """Return weights that sum to 1, from their logarithms."""
    most = max(logs)
    raw = [math.exp(log - most) for log in logs]
    total = math.fsum(raw)
    return [weight / total for weight in raw]


def _ln_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
