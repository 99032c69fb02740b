"""Response rates of few contacts, moved towards those of their neighbours: empirical Bayes.

By Bayes' rule the rate of a cell with n contacts and s answers is Beta(κ μ + s, κ (1 − μ) + n − s).
There, μ is the rate of its neighbours, without the cell itself, and κ says how many contacts that
prior counts for. It is learnt from the answers of all cells (their beta-binomial likelihood under a
flat prior for κ^-½, the spread of the rates), but is at most the contacts that the neighbours had:
a prior knows no more than those it was learnt from.
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

# κ is searched from half a contact to a million, which is as good as one rate for all.
_LEAST, _MOST = math.log(0.5), math.log(1e6)
_COARSE: Final = 60
_GOLDEN: Final = (math.sqrt(5) - 1) / 2
# Neighbours of no contacts at all know as much as this many contacts at the rate of all.
_BASE_CONTACTS: Final = 10.0


@dataclass(frozen=True)
class Cell:
    """Contacts and answers at one place: of a cell of RFM digits, a group, a segment."""

    place: tuple[int, ...]
    contacts: int
    answers: int


@dataclass(frozen=True)
class Shrunk:
    """A rate with its 95 % interval."""

    rate: float
    low: float
    high: float


def shrink(cells: Sequence[Cell], *, ordered: bool) -> tuple[list[Shrunk], float]:
    """Shrink the rate of each cell to that of its neighbours.

    Parameters
    ----------
    cells
        Cells of different places.
    ordered
        Neighbours are the cells none of whose digits differs by more than 1; without an order any
        two cells are.

    Returns
    -------
    tuple of list and float
        The rates, and κ: how many contacts the neighbours count for, at most.

    Examples
    --------
    >>> cells = [Cell((1,), 1000, 100), Cell((2,), 10, 0), Cell((3,), 1000, 50)]
    >>> rates, _ = shrink(cells, ordered=True)
    >>> 0 < rates[1].rate < 0.075
    True
    """
    priors = _priors(cells, ordered=ordered)
    strength = _strength(cells, priors)
    both = zip(cells, priors, strict=True)
    return [_posterior(cell, mean, min(strength, most)) for cell, (mean, most) in both], strength


def _posterior(cell: Cell, mean: float, strength: float) -> Shrunk:
    yes, no = strength * mean + cell.answers, strength * (1 - mean) + cell.contacts - cell.answers
    low, high = (_core.beta_quantile(yes, no, share) for share in (LOW, HIGH))
    return Shrunk(yes / (yes + no), low, high)


def _priors(cells: Sequence[Cell], *, ordered: bool) -> list[tuple[float, float]]:
    """Return the rate of each cell's neighbours, and from how many contacts it is known."""
    answers, contacts = sum(c.answers for c in cells), sum(c.contacts for c in cells)
    # Half an answer more and less keeps rates from 0 and 1, of which no prior can be made.
    base = (answers + 0.5) / (contacts + 1)
    found = {cell.place: cell for cell in cells}
    priors = []
    for cell in cells:
        near = _neighbours(cell, found) if ordered else ()
        answered = sum(c.answers for c in near) if ordered else answers - cell.answers
        asked = sum(c.contacts for c in near) if ordered else contacts - cell.contacts
        known = asked + _BASE_CONTACTS
        priors.append(((answered + _BASE_CONTACTS * base) / known, known))
    return priors


def _neighbours(cell: Cell, found: Mapping[tuple[int, ...], Cell]) -> list[Cell]:
    steps = itertools.product((-1, 0, 1), repeat=len(cell.place))
    places = (tuple(p + d for p, d in zip(cell.place, step, strict=True)) for step in steps)
    return [found[place] for place in places if place != cell.place and place in found]


def _strength(cells: Sequence[Cell], priors: Sequence[tuple[float, float]]) -> float:
    """Return the most probable κ: a coarse look, then the golden section."""

    def likelihood(log: float) -> float:
        # A flat prior of the spread, in the logarithm of κ: large κ would be certain too soon.
        total = -0.5 * log
        for cell, (mean, most) in zip(cells, priors, strict=True):
            strength = min(math.exp(log), most)
            yes, no = strength * mean, strength * (1 - mean)
            refused = cell.contacts - cell.answers
            total += _ln_beta(yes + cell.answers, no + refused) - _ln_beta(yes, no)
        return total

    step = (_MOST - _LEAST) / _COARSE
    best = max(range(_COARSE + 1), key=lambda place: likelihood(_LEAST + place * step))
    low, high = _LEAST + max(best - 1, 0) * step, _LEAST + min(best + 1, _COARSE) * step
    for _ in range(40):
        one, two = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if likelihood(one) < likelihood(two):
            low = one
        else:
            high = two
    return math.exp((low + high) / 2)


def _ln_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def difference(treated: Cell, control: Cell) -> Shrunk:
    """Return what contacts add to the rate of those left alone, with a 95 % interval.

    The interval is that of Agresti and Caffo (2000): an answer and a refusal are added to either
    side, which keeps its promise for small numbers, too.
    """
    z = 1.959_963_984_540_054
    rates = [cell.answers / cell.contacts for cell in (treated, control)]
    near_rates = [(cell.answers + 1) / (cell.contacts + 2) for cell in (treated, control)]
    variance = sum(
        rate * (1 - rate) / (cell.contacts + 2)
        for rate, cell in zip(near_rates, (treated, control), strict=True)
    )
    middle, half = near_rates[0] - near_rates[1], z * math.sqrt(variance)
    return Shrunk(rates[0] - rates[1], middle - half, middle + half)
