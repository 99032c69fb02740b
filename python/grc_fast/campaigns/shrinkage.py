"""Response rates of few contacts, moved towards those of their neighbours: empirical Bayes.

The rate of a cell with n contacts and s answers is Beta(κ μ + s, κ (1 − μ) + n − s) by Bayes' rule. μ
is the rate of its neighbours, without the cell itself, and κ, how many contacts that prior counts
for, is the one under which the answers of all cells are most likely (the beta-binomial law).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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


def near(one: Cell, other: Cell) -> bool:
    """Say whether two cells are neighbours: no digit differs by more than 1."""
    return all(abs(a - b) <= 1 for a, b in zip(one.place, other.place, strict=True))


def anywhere(one: Cell, other: Cell) -> bool:  # noqa: ARG001 (a rule for neighbours takes both)
    """Say that any two cells are neighbours: places without an order."""
    return True


def shrink(cells: Sequence[Cell], rule: Callable[[Cell, Cell], bool]) -> tuple[list[Shrunk], float]:
    """Shrink the rate of each cell to that of its neighbours.

    Returns
    -------
    tuple of list and float
        The rates, and κ: how many contacts the neighbours count for.

    Examples
    --------
    >>> cells = [Cell((1,), 1000, 100), Cell((2,), 10, 0), Cell((3,), 1000, 50)]
    >>> rates, _ = shrink(cells, near)
    >>> 0 < rates[1].rate < 0.075
    True
    """
    means = _neighbour_means(cells, rule)
    strength = _strength(cells, means)
    return [
        _posterior(cell, mean, strength) for cell, mean in zip(cells, means, strict=True)
    ], strength


def _posterior(cell: Cell, mean: float, strength: float) -> Shrunk:
    yes, no = strength * mean + cell.answers, strength * (1 - mean) + cell.contacts - cell.answers
    low, high = (_core.beta_quantile(yes, no, share) for share in (LOW, HIGH))
    return Shrunk(yes / (yes + no), low, high)


def _neighbour_means(cells: Sequence[Cell], rule: Callable[[Cell, Cell], bool]) -> list[float]:
    answers, contacts = sum(c.answers for c in cells), sum(c.contacts for c in cells)
    # Half an answer more and less keeps rates from 0 and 1, of which no prior can be made.
    base = (answers + 0.5) / (contacts + 1)
    means = []
    for cell in cells:
        others = [other for other in cells if other is not cell and rule(cell, other)]
        known = sum(other.contacts for other in others) + _BASE_CONTACTS
        means.append((sum(other.answers for other in others) + _BASE_CONTACTS * base) / known)
    return means


def _strength(cells: Sequence[Cell], means: Sequence[float]) -> float:
    """Return the κ of greatest likelihood: a coarse look, then the golden section."""

    def likelihood(log: float) -> float:
        strength = math.exp(log)
        return sum(
            _ln_beta(strength * mean + c.answers, strength * (1 - mean) + c.contacts - c.answers)
            - _ln_beta(strength * mean, strength * (1 - mean))
            for c, mean in zip(cells, means, strict=True)
        )

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
