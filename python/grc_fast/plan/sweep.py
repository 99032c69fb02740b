"""What a plan would come to at each of several budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from grc_fast._typing import Lang
from grc_fast._utils.checks import check_threads
from grc_fast._utils.panics import panics_as_errors
from grc_fast.errors import OptionError
from grc_fast.labels.written_frame import written_frame
from grc_fast.plan.contact_plan import Certificate, PlanLimits, check_budget
from grc_fast.plan.offers import SortedOffers, checked_offers, sorted_offers
from grc_fast.report.report_file import ReportFile

#: Budgets that one sweep may have.
MOST_BUDGETS: Final = 1000


@dataclass(frozen=True)
class SweepResult(ReportFile):
    """Plans of several budgets.

    Attributes
    ----------
    budgets
        The budgets, ascending.
    certificates
        What the plan of each comes to.
    """

    budgets: tuple[float, ...]
    certificates: tuple[Certificate, ...]

    @property
    def table(self) -> pl.DataFrame:
        """One row a budget, ascending.

        `budget`, `value`, `bound`, `gap`, `cost`, `marginal_return` (what one more of budget
        earns there), and `contacts_<channel>` for every channel.
        """
        return pl.DataFrame(
            {
                "budget": pl.Series(self.budgets, dtype=pl.Float64),
                **{
                    name: pl.Series(
                        [getattr(one, name) for one in self.certificates], dtype=pl.Float64
                    )
                    for name in ("value", "bound", "gap", "cost")
                },
                "marginal_return": pl.Series(
                    [one.shadow_prices["budget"] for one in self.certificates], dtype=pl.Float64
                ),
                **{
                    f"contacts_{channel}": [one.contacts[channel] for one in self.certificates]
                    for channel in self.certificates[0].contacts
                },
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the sweep in types that JSON knows."""
        return {
            "sweep": [
                {"budget": budget, **certificate.to_dict()}
                for budget, certificate in zip(self.budgets, self.certificates, strict=True)
            ]
        }

    def _chart(self, lang: Lang) -> Any:
        from grc_fast.plan.sweep_chart import sweep_chart

        return sweep_chart(self.table, lang)

    def _repr_html_(self) -> str:
        return written_frame(self.table, self.lang).html()


@panics_as_errors()
def sweep_budgets(
    offers: Any,
    budgets: Sequence[float],
    *,
    capacity: Mapping[str, int] | None = None,
    minimum: Mapping[str, int] | None = None,
    max_contacts: int | None = None,
    threads: int | None = None,
) -> SweepResult:
    """Say what the plan would be worth at each of several budgets.

    Parameters
    ----------
    offers, capacity, minimum, max_contacts, threads
        As for `plan_contacts`.
    budgets
        1 to 1,000 budgets, in any order.

    Returns
    -------
    SweepResult
        Value, contacts and marginal return at each budget, ascending.

    Raises
    ------
    OptionError
        If a limit has no meaning, or the minimums cannot be met with the least budget.
    GrcError
        If the offers cannot be read, or a column or a value is wrong.

    Notes
    -----
    Each search for prices begins where the last one ended. The value never falls when the budget
    rises: a plan of a smaller budget is kept where none better is found.

    Examples
    --------
    >>> import grc_fast as grc
    >>> import polars as pl
    >>> offers = pl.DataFrame(
    ...     {"client_id": [1, 2, 3], "channel": "post", "gain": [5.0, 3.0, 2.0], "cost": 1.0}
    ... )
    >>> grc.sweep_budgets(offers, [1, 2, 3]).table.select("budget", "value").rows()
    [(1.0, 4.0), (2.0, 6.0), (3.0, 7.0)]
    """
    limits = PlanLimits.of(None, capacity, minimum, max_contacts)
    checked = check_budgets(budgets)
    frame = checked_offers(offers)
    return swept(sorted_offers(frame, limits.channels, check_threads(threads)), limits, checked)


def check_budgets(budgets: Any) -> tuple[float, ...]:
    """Return budgets ascending.

    Raises
    ------
    OptionError
        If there are none or too many, or one is no amount.
    """
    if isinstance(budgets, str) or not 1 <= len(budgets) <= MOST_BUDGETS:
        raise OptionError(f"a sweep takes from 1 to {MOST_BUDGETS:,} budgets, such as [1000, 2000]")
    return tuple(sorted({check_budget(budget) for budget in budgets}))


def swept(offers: SortedOffers, limits: PlanLimits, budgets: tuple[float, ...]) -> SweepResult:
    """Plan the contacts of offers that are sorted, at several budgets."""
    found = offers.kernel.sweep(budgets, **limits.of_channels(offers.channels))
    return SweepResult(budgets, tuple(Certificate.of(one, offers.channels) for one in found))
