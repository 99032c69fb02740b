"""One level of places, cells or groups say: what past campaigns let expect at each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from grc_fast.campaigns.empirical_bayes import Cell, Shrunk, shrink, shrunk_rates
from grc_fast.campaigns.line_shrinkage import Lines, shrink_to_line
from grc_fast.campaigns.panel import Panel, codes_of
from grc_fast.campaigns.repeats import Repeats, contrasts, design_effects, repetition
from grc_fast.campaigns.strata import Codes, Flags, Numbers, Sides, Strata, ratio, sides, summed

# The mean square of all sales counts for this many of a place's own.
_BASE_SALES: Final = 10.0


@dataclass(frozen=True)
class Level:
    """The places of a level.

    Attributes
    ----------
    name
        `cell`, `group`, `segment` or `campaign`.
    keys
        The places, in the order of the score.
    neighbours
        What the neighbours of each are found by.
    ordered
        Whether places beside each other are alike.
    place
        The place of each stratum, −1 for none.
    score
        The mean score of each place.
    effect
        By how much repeated contacts multiply the variance of a place's rate.
    treated_effect, control_effect
        The same of both sides of its difference in answers.
    treated_repetition, control_repetition
        How much contacts of either side repeat.
    """

    name: str
    keys: pl.Series
    neighbours: Sequence[tuple[int, ...]]
    ordered: bool
    place: Codes
    score: Numbers
    effect: Numbers
    treated_effect: Numbers
    control_effect: Numbers
    treated_repetition: Numbers
    control_repetition: Numbers

    @classmethod
    def of(cls, panel: Panel, counts: pl.DataFrame, name: str, *, ordered: bool) -> Level:
        """Take the places that were counted."""
        keys, count = counts[name], counts.height
        place = codes_of(panel.strata, name, keys)
        own = place[panel.stratum]
        size = np.abs(contrasts(panel.stratum, panel.treated, panel.answers))
        treated, control = (
            repetition(panel.clients, np.where(side, own, -1), count, size)
            for side in (panel.treated, ~panel.treated)
        )
        asked = repetition(
            panel.clients, np.where(panel.treated, own, -1), count, np.ones(len(own))
        )
        found = panel.repeats_of_answers
        return cls(
            name,
            keys,
            [tuple(row) for row in counts.select("place").unnest("place").iter_rows()],
            ordered,
            place,
            _mean_score(panel, own, count) if name != "campaign" else np.zeros(count),
            design_effects(panel.likeness_of_answers, asked),
            design_effects(found.likeness, treated),
            design_effects(found.control_likeness, control),
            treated,
            control,
        )

    def rates(self, contacts: Numbers, answers: Numbers) -> tuple[list[Shrunk], float]:
        """Shrink rates to those of their neighbours; repeated contacts count for fewer."""
        return shrink(
            self._cells(contacts / self.effect, answers / self.effect), ordered=self.ordered
        )

    def mean_rates(self, contacts: Numbers, answers: Numbers) -> Numbers:
        """Return the same rates without their intervals."""
        cells = self._cells(contacts / self.effect, answers / self.effect)
        return np.array(shrunk_rates(cells, ordered=self.ordered))

    def sides(self, strata: Strata) -> Sides:
        """Put the strata of each place together."""
        return sides(strata, self.place, len(self.keys))

    def answers_added(self, strata: Strata) -> tuple[Sides, Lines, Numbers]:
        """Return both sides of each place, what contacts add to its rate, and that of all."""
        found = self.sides(strata)
        size, held = found.size / self.treated_effect, found.control_size / self.control_effect
        together = self._cells(size + held, size * found.mean + held * found.control_mean)
        rate = np.array(shrunk_rates(together, ordered=self.ordered))
        spread, variance = np.sqrt(rate * (1 - rate)), _variance(found, size, held)
        lines = shrink_to_line(found.difference, variance, spread, self.score)
        limited = Lines(*(np.clip(ends, -1, 1) for ends in (lines.rate, lines.low, lines.high)))
        return found, limited, rate

    def money_added(
        self, money: Strata, squares: Numbers, rate: Numbers, repeated: Repeats
    ) -> Lines:
        """Return what contacts add to the spend of a contact, shrunk as the rates are.

        Parameters
        ----------
        money, squares
            Sums by stratum.
        rate
            Of answers of both sides at each place.
        repeated
            What repeated contacts do to the variance of money.
        """
        found = self.sides(money)
        size = found.size / design_effects(repeated.likeness, self.treated_repetition)
        held = found.control_size / design_effects(
            repeated.control_likeness, self.control_repetition
        )
        spread = np.sqrt(rate * self._mean_square(money, squares, rate))
        return shrink_to_line(found.difference, _variance(found, size, held), spread, self.score)

    def _mean_square(self, money: Strata, squares: Numbers, rate: Numbers) -> Numbers:
        """Return the mean square of the sale of an answer at each place."""
        used = self.place >= 0
        own, count = self.place[used], len(self.keys)
        sales = rate * summed(own, money.both[used], count)
        square = summed(own, squares[used], count)
        base = float(square.sum() / sales.sum())
        return (square + _BASE_SALES * base) / (sales + _BASE_SALES)

    def _cells(self, contacts: Numbers, answers: Numbers) -> list[Cell]:
        rows = zip(self.neighbours, contacts.tolist(), answers.tolist(), strict=True)
        return [Cell(*row) for row in rows]


def _variance(found: Sides, size: Numbers, held: Numbers) -> Numbers:
    """Return the variance of each difference, in squares of the deviation of an outcome."""
    one = np.ones(len(size))
    return np.where(found.known, ratio(one, size) + ratio(one, held), np.inf)


def _mean_score(panel: Panel, place: Codes, count: int) -> Numbers:
    used: Flags = (place >= 0) & ~np.isnan(panel.score)
    sums = summed(place[used], panel.score[used], count)
    return ratio(sums, np.bincount(place[used], minlength=count).astype(float))
