"""The break-even of direct marketing."""

from __future__ import annotations

from dataclasses import dataclass

from grc_fast._utils.checks import finite, strictly_positive


@dataclass(frozen=True)
class Money:
    """What a contact costs, and what a sale brings."""

    cost: float
    margin: float


def break_even(*, cost: float, margin: float) -> float:
    """Return the response rate at which a contact pays for itself.

    Parameters
    ----------
    cost
        Of one contact, in money.
    margin
        On one sale, in money.

    Returns
    -------
    float
        cost / margin, as a share: 0.01375 is 1.375 %. Above 1 no response rate pays.

    Raises
    ------
    OptionError
        If either is not a number above 0.

    Examples
    --------
    >>> import grc_fast as grc
    >>> round(grc.break_even(cost=0.55, margin=40), 5)
    0.01375
    """
    return strictly_positive("cost", cost) / strictly_positive("margin", margin)


def break_even_index(rate: float, *, cost: float, margin: float) -> float:
    """Return how far above the break-even a response rate is, in percent of the break-even.

    Parameters
    ----------
    rate
        A response rate, as a share; below 0 where contacts lose answers.
    cost, margin
        As for `break_even`.

    Returns
    -------
    float
        100 (rate − BE) / BE: 0 pays its cost, −100 is no response at all.

    Raises
    ------
    OptionError
        If the rate is no finite number, or cost or margin is not above 0.

    Examples
    --------
    >>> import grc_fast as grc
    >>> round(grc.break_even_index(0.025, cost=0.55, margin=40), 2)
    81.82
    """
    even = break_even(cost=cost, margin=margin)
    return 100 * (finite("rate", rate) - even) / even
