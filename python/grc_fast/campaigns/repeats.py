"""How much less repeated contacts with a client tell than contacts with as many clients.

One client may be contacted by several campaigns, and one control group may serve them all. Contacts
of one client are alike, so they do not tell as much as those of different clients. The variance of
a sum over contacts is therefore that of the sums of clients (Liang and Zeger 1986, "Longitudinal
data analysis using generalized linear models", Biometrika 73), with residuals made wider for what
the fit took from them (HC2: MacKinnon and White 1985, Journal of Econometrics 29).

It is expressed as a design effect, the number by which repeats multiply the variance (Kish 1965,
"Survey sampling"): 1 + likeness × (K − 1), where K says how much contacts repeat, and likeness how
alike the outcomes of a client are. That is learnt from all contacts of a side, and K counted place
by place, so that no place owes a narrow interval to the luck of its own few answers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grc_fast.campaigns.strata import Codes, Flags, Numbers, Strata, ratio, summed


@dataclass(frozen=True)
class Repeats:
    """What repeats do to the variance of a difference between both sides.

    Attributes
    ----------
    treated, control
        The design effects of those contacted and of those left alone, 1 at least.
    shared
        The correlation between both sides, of clients whom one campaign contacts and another
        leaves alone.
    likeness, control_likeness
        How alike the outcomes of a client are, on either side: 0 to 1.
    """

    treated: float = 1.0
    control: float = 1.0
    shared: float = 0.0
    likeness: float = 0.0
    control_likeness: float = 0.0


@dataclass(frozen=True)
class Clients:
    """Whose contacts they are.

    Attributes
    ----------
    code
        A number for the client of each contact, from 0.
    count
        How many clients there are.
    """

    code: Codes
    count: int

    @property
    def repeat(self) -> bool:
        """Whether any client has several contacts."""
        return len(self.code) > self.count

    def sums(self, values: Numbers) -> Numbers:
        """Sum over the contacts of each client."""
        return summed(self.code, values, self.count)


def repeats(
    clients: Clients, stratum: Codes, treated: Flags, outcome: Numbers, strata: Strata
) -> Repeats:
    """Learn what repeats do to the variance of the Mantel-Haenszel difference.

    Parameters
    ----------
    clients, stratum, treated, outcome
        By contact.
    strata
        Their sums.
    """
    whole = float(strata.weight.sum())
    if not clients.repeat or not whole:
        return Repeats()
    contrast = contrasts(stratum, treated, strata)
    mean = ratio(strata.total + strata.control_total, strata.both)
    difference = float((strata.weight * strata.difference).sum()) / whole
    rest = outcome - mean[stratum] - difference * contrast
    taken = ratio(np.ones(len(strata.both)), strata.both)[stratum] + contrast**2 / whole
    scores = contrast * rest * np.sqrt(ratio(np.ones(len(taken)), np.maximum(1 - taken, 0.0)))
    spread = np.sqrt(np.maximum(mean * (1 - mean), 0.0) if _is_share(outcome) else 1.0 + 0 * mean)
    size = np.abs(contrast) * spread[stratum]
    sums = [clients.sums(np.where(side, scores, 0.0)) for side in (treated, ~treated)]
    own = [float((s**2).sum()) for s in sums]
    found = [
        _design(clients, np.where(side, scores, 0.0), np.where(side, size, 0.0))
        for side in (treated, ~treated)
    ]
    (effect, likeness), (control, control_likeness) = found
    shared = float((sums[0] * sums[1]).sum()) / np.sqrt(own[0] * own[1]) if all(own) else 0.0
    return Repeats(effect, control, shared, likeness, control_likeness)


def repeats_of_contacts(
    clients: Clients, stratum: Codes, outcome: Numbers, contacts: Numbers, total: Numbers
) -> float:
    """Return the likeness of the outcomes themselves, where all contacts count alike.

    Parameters
    ----------
    clients, stratum, outcome
        By contact with somebody.
    contacts, total
        Sums of them by stratum.
    """
    if not clients.repeat:
        return 0.0
    rest = outcome - ratio(total, contacts)[stratum]
    left = ratio(contacts, np.maximum(contacts - 1, 0.0))[stratum]
    return _design(clients, rest * np.sqrt(left), np.ones(len(outcome)))[1]


def contrasts(stratum: Codes, treated: Flags, strata: Strata) -> Numbers:
    """Return how each contact enters the difference of all strata, times the sum of weights."""
    part = ratio(strata.contacts, strata.both)
    own = treated.astype(float) - part[stratum]
    return np.where((strata.weight > 0)[stratum], own, 0.0)


def repetition(clients: Clients, place: Codes, count: int, size: Numbers) -> Numbers:
    """Return K of each place: 1 where all contacts are with different clients.

    Parameters
    ----------
    clients
        Of each contact.
    place
        Of each contact, below 0 for none.
    count
        How many places there are.
    size
        How much each contact counts.
    """
    used = (place >= 0) & (size > 0)
    own, kept = place[used], size[used]
    squares = summed(own, kept**2, count)
    if not clients.repeat:
        return np.ones(count)
    pairs, pair = np.unique(own * clients.count + clients.code[used], return_inverse=True)
    sums = summed(pair, kept, len(pairs))
    together = summed(pairs // clients.count, sums**2, count)
    return np.where(squares > 0, ratio(together, squares), 1.0)


def design_effects(likeness: float, repeated: Numbers) -> Numbers:
    """Return what repeats multiply the variance of each place by."""
    return 1 + likeness * np.maximum(repeated - 1, 0.0)


def _design(clients: Clients, scores: Numbers, size: Numbers) -> tuple[float, float]:
    """Return the design effect of a sum of scores, 1 at least, and the likeness."""
    alone = float((scores**2).sum())
    if not alone:
        return 1.0, 0.0
    effect = max(float((clients.sums(scores) ** 2).sum()) / alone, 1.0)
    repeated = float((clients.sums(size) ** 2).sum()) / float((size**2).sum())
    likeness = (effect - 1) / (repeated - 1) if repeated > 1 else 0.0
    return effect, min(likeness, 1.0)


def _is_share(outcome: Numbers) -> bool:
    return bool(((outcome == 0) | (outcome == 1)).all())
