"""What contacts add to the answers of those left alone, within strata that are alike.

Campaigns differ in what they offer and whom they reach, and control groups are often larger in some
cells than in others. So contacts are compared with those left alone within strata, a campaign and a
cell (group, segment) each, and the differences of strata are weighed by n₁ n₀ / (n₁ + n₀): Mantel
and Haenszel's difference (Greenland and Robins 1985, "Estimation of a common effect parameter from
sparse follow-up data", Biometrics 41), which is also that of a regression with a constant for each
stratum. A stratum without one of both sides says nothing, and weighs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Numbers: TypeAlias = npt.NDArray[np.float64]
Codes: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Strata:
    """Sums of one outcome, an answer or money, by stratum.

    Attributes
    ----------
    contacts, total
        Of those contacted: how many, and the sum of their outcomes.
    control_contacts, control_total
        The same of those left alone.
    """

    contacts: Numbers
    total: Numbers
    control_contacts: Numbers
    control_total: Numbers

    @classmethod
    def counted(cls, stratum: Codes, treated: Flags, outcome: Numbers, count: int) -> Strata:
        """Sum contacts, which are one number of a stratum each, in their order."""

        def sums(held: Flags) -> tuple[Numbers, Numbers]:
            own = stratum[held]
            contacts = np.bincount(own, minlength=count).astype(float)
            return contacts, summed(own, outcome[held], count)

        return cls(*sums(treated), *sums(~treated))

    def __sub__(self, other: Strata) -> Strata:
        """Leave out contacts that are among these."""
        return Strata(
            self.contacts - other.contacts,
            self.total - other.total,
            self.control_contacts - other.control_contacts,
            self.control_total - other.control_total,
        )

    @property
    def both(self) -> Numbers:
        """Contacts of either side."""
        return self.contacts + self.control_contacts

    @property
    def weight(self) -> Numbers:
        """How much the difference of each counts: 0 where either side is empty."""
        return ratio(self.contacts * self.control_contacts, self.both)

    @property
    def difference(self) -> Numbers:
        """That of the means of both sides; 0 where either is empty."""
        own = ratio(self.total, self.contacts) - ratio(self.control_total, self.control_contacts)
        return np.where(self.weight > 0, own, 0.0)


@dataclass(frozen=True)
class Sides:
    """Both sides of several strata together, weighed alike, by place.

    Attributes
    ----------
    difference
        The Mantel-Haenszel difference; not a number where no stratum has both sides.
    mean, control_mean
        Of either side.
    size, control_size
        As many contacts as either mean is as good as: a weighted mean of the means of n_h contacts
        varies as that of (Σ w)² / Σ (w² / n_h) contacts; 0 where no stratum has both sides.
    control_contacts
        Those left alone, in strata of both sides or not.
    weight
        The sum of the weights.
    """

    difference: Numbers
    mean: Numbers
    control_mean: Numbers
    size: Numbers
    control_size: Numbers
    control_contacts: Numbers
    weight: Numbers

    @property
    def known(self) -> Flags:
        """Where there is a difference."""
        return self.weight > 0


def sides(strata: Strata, place: Codes, count: int) -> Sides:
    """Put strata together.

    Parameters
    ----------
    strata
        The sums.
    place
        The place of each stratum, below 0 for none.
    count
        How many places there are.
    """
    weight = strata.weight
    used = (place >= 0) & (weight > 0)
    own, w = place[used], weight[used]

    def total(values: Numbers) -> Numbers:
        return summed(own, values, count)

    whole = total(w)

    def side(contacts: Numbers, sums: Numbers) -> tuple[Numbers, Numbers]:
        mean = ratio(total(w * (sums[used] / contacts[used])), whole)
        return mean, ratio(whole**2, total(w**2 / contacts[used]))

    mean, size = side(strata.contacts, strata.total)
    control_mean, control_size = side(strata.control_contacts, strata.control_total)
    difference = ratio(total(w * strata.difference[used]), whole)
    placed = place >= 0
    held = summed(place[placed], strata.control_contacts[placed], count)
    difference = np.where(whole > 0, difference, np.nan)
    return Sides(difference, mean, control_mean, size, control_size, held, whole)


def summed(codes: Codes, values: Numbers, count: int) -> Numbers:
    """Sum values by code, from 0 to below `count`, in their order."""
    return np.asarray(np.bincount(codes, weights=values, minlength=count), dtype=float)


def ratio(above: Numbers, below: Numbers) -> Numbers:
    """Divide, 0 where there is nothing to divide by."""
    return np.divide(above, below, out=np.zeros(np.shape(above)), where=np.asarray(below) != 0)
