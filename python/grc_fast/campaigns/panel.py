"""Contacts with clients who have a score, as numbers: whose, which stratum, what outcome."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from grc_fast.campaigns.cell_keys import DIGITS, LEVELS
from grc_fast.campaigns.repeats import Clients, Repeats, repeats, repeats_of_contacts
from grc_fast.campaigns.strata import Codes, Flags, Numbers, Strata, summed


@dataclass(frozen=True)
class Panel:
    """Contacts, and clients left alone by campaigns that contacted others.

    Attributes
    ----------
    contacts
        The rows, ascending by campaign and client.
    strata
        Campaign and place of each stratum, in the order of their numbers.
    stratum
        The stratum of each row.
    clients
        Whose they are.
    treated, answered, spend
        Whether they were contacted, whether they answered (1 or 0), and what they spent; None where
        no money is known.
    """

    contacts: pl.DataFrame
    strata: pl.DataFrame
    stratum: Codes
    clients: Clients
    treated: Flags
    answered: Numbers
    spend: Numbers | None

    @classmethod
    def of(cls, placed: pl.DataFrame) -> Panel:
        """Take contacts that have a place.

        Parameters
        ----------
        placed
            `client_id`, `campaign`, `control`, `responded`, `spend` and the levels.
        """
        contacts = placed.filter((~pl.col("control")).any().over("campaign"))
        keys = ["campaign", *(level for level in LEVELS if level in contacts.columns)]
        strata = contacts.select(keys).unique().sort(keys).with_row_index("stratum")
        numbers = contacts.join(
            strata, on=keys, how="left", nulls_equal=True, maintain_order="left"
        )["stratum"]
        clients = contacts["client_id"].rank("dense").cast(pl.Int64).to_numpy() - 1
        money = contacts["spend"].null_count() < contacts.height
        return cls(
            contacts,
            strata.drop("stratum"),
            numbers.cast(pl.Int64).to_numpy(),
            Clients(clients, int(clients.max(initial=-1)) + 1),
            (~contacts["control"]).to_numpy(),
            contacts["responded"].cast(pl.Float64).to_numpy(),
            contacts["spend"].fill_null(0.0).to_numpy() if money else None,
        )

    @cached_property
    def answers(self) -> Strata:
        """Answers by stratum."""
        return self.sums(self.answered)

    @cached_property
    def money(self) -> Strata | None:
        """Money by stratum."""
        return None if self.spend is None else self.sums(self.spend)

    @cached_property
    def squares(self) -> Numbers:
        """Squares of the money by stratum, of both sides."""
        spend = np.zeros(len(self.stratum)) if self.spend is None else self.spend
        return summed(self.stratum, spend**2, self.strata.height)

    def sums(self, outcome: Numbers, rows: Flags | None = None) -> Strata:
        """Sum an outcome by stratum, of all rows or of some."""
        count = self.strata.height
        if rows is None:
            return Strata.counted(self.stratum, self.treated, outcome, count)
        return Strata.counted(self.stratum[rows], self.treated[rows], outcome[rows], count)

    @cached_property
    def repeats_of_answers(self) -> Repeats:
        """What repeated contacts do to what is known of answers."""
        return repeats(self.clients, self.stratum, self.treated, self.answered, self.answers)

    @cached_property
    def repeats_of_money(self) -> Repeats:
        """What repeated contacts do to what is known of money."""
        if self.spend is None or self.money is None:
            return Repeats()
        return repeats(self.clients, self.stratum, self.treated, self.spend, self.money)

    @cached_property
    def contacted(self) -> Clients:
        """Whose the contacts are that were made."""
        known, code = np.unique(self.clients.code[self.treated], return_inverse=True)
        return Clients(code, len(known))

    @cached_property
    def likeness_of_answers(self) -> float:
        """How alike the answers of one client to several contacts are."""
        if not self.clients.repeat:
            return 0.0
        return repeats_of_contacts(
            self.contacted,
            self.stratum[self.treated],
            self.answered[self.treated],
            self.answers.contacts,
            self.answers.total,
        )

    @cached_property
    def score(self) -> Numbers:
        """Points of each row: the sum of the digits, or the group counted from below."""
        digits = [name for name in DIGITS if name in self.contacts.columns]
        if digits:
            points = pl.sum_horizontal(pl.col(digits), ignore_nulls=False)
        elif "group" in self.contacts.columns and self.contacts["group"].dtype.is_integer():
            points = -pl.col("group").cast(pl.Int64)
        else:
            return np.zeros(self.contacts.height)
        found = self.contacts.select(points.cast(pl.Float64).alias("score")).to_series()
        return found.to_numpy()


def codes_of(strata: pl.DataFrame, level: str, places: pl.Series) -> Codes:
    """Return the number of the place of each stratum, −1 where it is none of those given."""
    numbers = pl.DataFrame({level: places}).with_row_index("number")
    joined = strata.select(level).join(numbers, on=level, how="left", maintain_order="left")
    return joined["number"].cast(pl.Int64).fill_null(-1).to_numpy()
