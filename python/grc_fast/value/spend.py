"""What a purchase is worth: the Gamma-Gamma model."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Final, cast

import polars as pl

from grc_fast import _core
from grc_fast._utils.checks import check_threads, finite, one_of, strictly_positive
from grc_fast._utils.panics import panics_as_errors
from grc_fast.errors import ModelError
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase
from grc_fast.value.histories import (
    BASKETS,
    SPEND_FACTS,
    Basket,
    Histories,
    histories,
    histories_or_fitted,
)
from grc_fast.value.model_json import (
    MONEY,
    PARAMETERS,
    SPEND,
    SPEND_PARAMETERS,
    Parts,
    load_parts,
    save_parts,
)
from grc_fast.value.purchases import Covariance, known_covariance

#: Beyond this correlation the model's assumption, that spend and frequency are independent, is
#: doubtful (the rule of thumb that goes with Fader and Hardie's own 0.11 for CDNOW).
MOST_CORRELATION: Final = 0.3
_FACTS: Final = ("first_purchase", "last_purchase", *SPEND_FACTS)


@dataclass(frozen=True)
class GammaGamma:
    """The Gamma-Gamma model: purchases vary around a mean that each client has.

    Parameters
    ----------
    basket
        Which purchase days tell what a client spends: `repeat`, those after the first, as
        published; or `all`, by which clients of one purchase tell, and have, a spend of their own.

    Notes
    -----
    Fader and Hardie (2013), "The Gamma-Gamma model of monetary value". A purchase is Gamma(p, nu),
    and nu is Gamma(q, v) over clients; the spend is taken to be independent of the frequency.

    Examples
    --------
    >>> import grc_fast as grc
    >>> clients = grc.simulate_clients(2000, as_of="2026-11-01", seed=7)
    >>> model = grc.GammaGamma().fit(clients, as_of="2026-11-01")
    >>> baskets = model.expected_spend()
    >>> baskets.columns, bool((baskets["basket"] > 0).all())
    (['client_id', 'basket'], True)
    """

    basket: Basket = "repeat"

    def __post_init__(self) -> None:
        """Check the choice of days."""
        one_of("basket", self.basket, BASKETS)

    @panics_as_errors()
    def fit(
        self, facts: Any, *, as_of: dt.date | str | None = None, threads: int | None = None
    ) -> SpendModel:
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        facts
            The facts `first_purchase`, `last_purchase`, `active_days`, `total` and
            `first_day_total`, as for `BGNBD.fit`. Clients without a purchase day that counts, or
            whose days come to no money above 0, take no part.
        as_of
            The day the facts were computed for; facts know theirs.
        threads
            Threads to use, all cores by default; the result does not depend on them.

        Returns
        -------
        SpendModel
            The parameters with their standard errors.

        Raises
        ------
        DataError
            If no client takes part, or q is up to 1, which makes the mean spend infinite.

        Notes
        -----
        Amounts are divided by their mean before the search, so that the result does not depend on
        the currency. Where all clients spend the same, or so nearly that nothing tells them apart,
        the basket of each is that price: q and v are as good as infinite, and a warning says so.
        Of fewer than 50 clients, or where the likelihood has no maximum, a weak prior (p and q
        around 4, within a factor of 2.7) helps, and a warning says so.
        """
        clients = histories(facts, _FACTS, as_of)
        found = _core.fit_spend(*clients.spends(self.basket), threads=check_threads(threads))
        errors = dict(zip(SPEND_PARAMETERS, found["standard_errors"], strict=True))
        one_price = found["one_price"]
        return SpendModel(
            *found["parameters"],
            log_likelihood=None if one_price else found["log_likelihood"],
            standard_errors={} if one_price else errors,
            clients=found["clients"],
            correlation=found["correlation"],
            one_price=one_price,
            basket=self.basket,
            prior=found["prior"],
            covariance=() if one_price else known_covariance(found["covariance"]),
            fitted=clients,
        )


@dataclass(frozen=True)
class SpendModel:
    """A Gamma-Gamma model with its parameters.

    Attributes
    ----------
    p, q, v
        A purchase is Gamma(p, nu), nu is Gamma(q, v); q is above 1.
    log_likelihood
        That of the clients it was fitted on; None if it was not.
    standard_errors
        Of each parameter, from the observed information.
    clients
        How many it was fitted on.
    correlation
        Of the number of purchase days with their mean money, over these clients; the model
        takes them for independent. None if either is the same for all.
    one_price
        Whether a purchase costs everybody the same, which is then `population_mean`.
    basket
        Which purchase days of a client tell the spend: `repeat` or `all`.
    prior
        Whether what is usual of shops (a weak prior) had to help.
    covariance
        Of p, q and v, row by row; empty if it is not known.
    """

    p: float
    q: float
    v: float
    _: KW_ONLY
    log_likelihood: float | None = None
    standard_errors: Mapping[str, float] = field(default_factory=dict)
    clients: int = 0
    correlation: float | None = None
    one_price: bool = False
    basket: Basket = "repeat"
    prior: bool = False
    covariance: Covariance = field(default=(), repr=False)
    fitted: Histories | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the parameters, which may be the user's own."""
        for name, (least, most) in (("p", PARAMETERS), ("q", PARAMETERS), ("v", MONEY)):
            strictly_positive(name, getattr(self, name), least=least, most=most)
        finite("q", self.q, "above 1, or the mean spend is infinite", above=1)
        one_of("basket", self.basket, BASKETS)

    @property
    def parameters(self) -> dict[str, float]:
        """The parameters by name."""
        return {name: getattr(self, name) for name in SPEND_PARAMETERS}

    @property
    def population_mean(self) -> float:
        """The mean spend of a purchase over all clients, p v / (q - 1)."""
        return self.p * self.v / (self.q - 1)

    @property
    def warnings(self) -> list[Wording]:
        """What to beware of."""
        if self.one_price:
            return [Phrase("value.one_price", price=self.population_mean)]
        warnings: list[Wording] = [Phrase("value.spend_prior")] if self.prior else []
        if self.correlation is None or abs(self.correlation) <= MOST_CORRELATION:
            return warnings
        sign = "positive" if self.correlation > 0 else "negative"
        correlated = Phrase(
            f"value.{sign}_correlation", correlation=self.correlation, most=MOST_CORRELATION
        )
        return [*warnings, correlated]

    @panics_as_errors()
    def expected_spend(
        self, facts: Any = None, *, as_of: dt.date | str | None = None, threads: int | None = None
    ) -> pl.DataFrame:
        """Return what a purchase of each client is expected to cost.

        Parameters
        ----------
        facts, as_of
            Clients as for `fit`; those of the fit by default.
        threads
            Threads to use, all cores by default.

        Returns
        -------
        polars.DataFrame
            `client_id` and `basket` (Float64, money; null without a purchase). A client without a
            purchase day that counts, or whose days come to no money above 0, gets the population
            mean.
        """
        clients = histories_or_fitted(facts, _FACTS, as_of, self.fitted)
        return clients.table(basket=self.baskets(clients, threads=threads))

    def baskets(self, clients: Histories, *, threads: int | None = None) -> pl.Series:
        """Return the expected spend of each client who bought."""
        found = _core.expected_spend(
            *clients.spends(self.basket),
            parameters=list(self.parameters.values()),
            threads=check_threads(threads),
        )
        return cast(pl.Series, cast(Any, pl.Series)(found))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the parameters as JSON; clients are not kept.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        save_parts(self.part(), path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> SpendModel:
        """Read a model that `save` wrote, alone or with its purchase model.

        Raises
        ------
        ModelError
            If the file holds no such model.
        """
        return cls.of_parts(load_parts(path), os.fspath(path))

    def part(self) -> Parts:
        """Return the model as files hold it, by its name."""
        part = {
            **self.parameters,
            "log_likelihood": self.log_likelihood,
            "standard_errors": dict(self.standard_errors),
            "clients": self.clients,
            "correlation": self.correlation,
            "one_price": self.one_price,
            "basket": self.basket,
            "prior": self.prior,
            "covariance": [list(row) for row in self.covariance],
        }
        return {SPEND: part}

    @classmethod
    def of_parts(cls, parts: Parts, where: str) -> SpendModel:
        """Make the spend model that a file holds; `where` is how errors name it."""
        if SPEND not in parts:
            raise ModelError(f"{where} holds no Gamma-Gamma model: fit one and save it")
        part = parts[SPEND]
        rows = tuple(tuple(row) for row in part["covariance"])
        return cls(**part | {"covariance": rows})
