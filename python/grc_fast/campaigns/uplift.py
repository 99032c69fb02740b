"""What contacts add to the answers of those left alone, campaign by campaign.

Campaigns differ in what they offer and whom they reach, so that contacts of one say nothing against
the control group of another: only campaigns with both are compared, each with itself, and the
differences are weighed by n₁ n₀ / (n₁ + n₀) (Mantel and Haenszel's risk difference; Greenland and
Robins 1985, "Estimation of a common effect parameter from sparse follow-up data", Biometrics 41).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from grc_fast.campaigns.empirical_bayes import Cell, Shrunk

#: Standard deviations to either end of a 95 % interval.
Z: Final = 1.959_963_984_540_054


@dataclass(frozen=True)
class Stratum:
    """Contacts and answers of one campaign, of those contacted and of those left alone."""

    contacts: float
    answers: float
    control_contacts: float
    control_answers: float

    @property
    def weight(self) -> float:
        """How much its difference counts: 0 where either side is empty."""
        both = self.contacts + self.control_contacts
        return self.contacts * self.control_contacts / both if both else 0.0


@dataclass(frozen=True)
class Arms:
    """Both sides of several campaigns, weighed alike: as many contacts as they are as good as."""

    treated: Cell
    control: Cell
    control_contacts: int

    @property
    def difference(self) -> float | None:
        """The risk difference of Mantel and Haenszel; None where no campaign has both sides."""
        if not self.treated.contacts:
            return None
        return _share(self.treated) - _share(self.control)

    @property
    def control_rate(self) -> float | None:
        """The rate of those left alone; None where no campaign has both sides."""
        return _share(self.control) if self.control.contacts else None


def with_both_arms(contacts: pl.DataFrame) -> pl.DataFrame:
    """Keep the contacts of campaigns in which some were contacted and some left alone."""
    both = pl.col("control").any().over("campaign") & (~pl.col("control")).any().over("campaign")
    return contacts.filter(both)


def strata(contacts: pl.DataFrame) -> list[Stratum]:
    """Count contacts by campaign, in the order of their names."""
    held, answered = pl.col("control"), pl.col("responded")
    counts = (
        contacts.group_by("campaign")
        .agg((~held).sum(), (answered & ~held).sum().alias("x"), held.sum().alias("n0"),
             (answered & held).sum().alias("x0"))
        .sort("campaign")
        .drop("campaign")
    )  # fmt: skip
    return [Stratum(*row) for row in counts.iter_rows()]


def arms(place: tuple[int, ...], campaigns: Sequence[Stratum]) -> Arms:
    """Put campaigns together: the rate of each side is the weighted mean of theirs.

    A weighted mean of rates of n_h contacts each varies as a rate of (Σ w)² / Σ (w² / n_h) contacts
    does; with one campaign these are its own contacts.
    """
    used = [c for c in campaigns if c.weight > 0]
    total = math.fsum(c.weight for c in used)
    held = sum(int(c.control_contacts) for c in campaigns)
    if not total:
        return Arms(Cell(place, 0, 0), Cell(place, 0, 0), held)

    def side(counts: Sequence[tuple[float, float, float]]) -> Cell:
        rate = math.fsum(w * answers / n for w, n, answers in counts) / total
        size = total**2 / math.fsum(w**2 / n for w, n, _ in counts)
        return Cell(place, size, min(rate, 1.0) * size)

    return Arms(
        side([(c.weight, c.contacts, c.answers) for c in used]),
        side([(c.weight, c.control_contacts, c.control_answers) for c in used]),
        held,
    )


def overall(campaigns: Sequence[Stratum]) -> Shrunk | None:
    """Return what contacts added over all campaigns with both sides, with a 95 % interval.

    The interval has the variance of Sato (1989, "On the variance estimator for the Mantel-Haenszel
    risk difference", Biometrics 45), which holds for few large campaigns and for many small ones.
    For it an answer and a refusal are shared out over the campaigns of either side, by weight: with
    one campaign this is the interval of Agresti and Caffo (2000), which does not collapse where
    nobody answered.
    """
    used = [c for c in campaigns if c.weight > 0]
    total = math.fsum(c.weight for c in used)
    if not total:
        return None
    plain = math.fsum(c.weight * _difference(c) for c in used) / total
    wider = [_with_answer_and_refusal(c, c.weight / total) for c in used]
    total = math.fsum(c.weight for c in wider)
    middle = math.fsum(c.weight * _difference(c) for c in wider) / total
    half = Z * math.sqrt(max(_sato(wider, middle), 0.0)) / total
    return Shrunk(plain, max(middle - half, -1.0), min(middle + half, 1.0))


def _sato(campaigns: Sequence[Stratum], difference: float) -> float:
    """Return the variance of the difference, times the square of the sum of weights."""
    terms = []
    for c in campaigns:
        n1, x, n0, y = c.contacts, c.answers, c.control_contacts, c.control_answers
        both = n1 + n0
        skew = (n1**2 * y - n0**2 * x + n1 * n0 * (n0 - n1) / 2) / both**2
        spread = (x * (n0 - y) + y * (n1 - x)) / (2 * both)
        terms.append(difference * skew + spread)
    return math.fsum(terms)


def _with_answer_and_refusal(campaign: Stratum, part: float) -> Stratum:
    return Stratum(
        campaign.contacts + 2 * part,
        campaign.answers + part,
        campaign.control_contacts + 2 * part,
        campaign.control_answers + part,
    )


def _difference(campaign: Stratum) -> float:
    control = campaign.control_answers / campaign.control_contacts
    return campaign.answers / campaign.contacts - control


def _share(cell: Cell) -> float:
    return cell.answers / cell.contacts
