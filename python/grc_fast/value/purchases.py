"""How often clients buy, and whether they still do: BG/NBD and MBG/NBD."""

from __future__ import annotations

import datetime as dt
import math
import os
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, ClassVar, Final, Literal, cast, get_args

import polars as pl

from grc_fast import _core
from grc_fast._utils.checks import check_threads, strictly_positive, whole
from grc_fast._utils.panics import panics_as_errors
from grc_fast.errors import ModelError
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase, Phrases
from grc_fast.value.histories import PURCHASE_FACTS, Histories, histories, histories_or_fitted
from grc_fast.value.horizons import outlook
from grc_fast.value.model_json import (
    MAX_REGULARITY,
    PARAMETERS,
    PURCHASE_PARAMETERS,
    TITLES,
    UNITS,
    Parts,
    load_parts,
    save_parts,
)

ModelName = Literal["mbgnbd", "bgnbd"]
#: What may be asked for: a model, or the one under which the purchase days are likeliest.
ModelChoice = Literal["mbgnbd", "bgnbd", "auto"]
#: Rows of a covariance; None where it is not known.
Covariance = tuple[tuple[float | None, ...], ...]
#: k, or the one under which the purchase days are likeliest.
Regularity = int | Literal["auto"]


def check_time_scaler(days: object) -> float:
    """Return the days in a unit of time.

    Raises
    ------
    OptionError
        If they are no number from 0.001 to 36,525.
    """
    least, most = UNITS
    return strictly_positive("time_scaler", days, least=least, most=most)


def check_steps(regularity: object) -> Regularity:
    """Return a number of steps to a purchase, or `auto`.

    Raises
    ------
    OptionError
        If it is neither.
    """
    if regularity == "auto":
        return "auto"
    otherwise = ", or auto"
    return whole("regularity", regularity, least=1, most=MAX_REGULARITY, otherwise=otherwise)


@dataclass(frozen=True)
class _Specification:
    _: KW_ONLY
    time_scaler: float = 7.0

    name: ClassVar[ModelName]

    @property
    def _steps(self) -> Regularity:
        """How many steps a purchase takes."""
        return 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "time_scaler", check_time_scaler(self.time_scaler))

    @panics_as_errors()
    def fit(
        self, facts: Any, *, as_of: dt.date | str | None = None, threads: int | None = None
    ) -> PurchaseModel:
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        facts
            The facts `first_purchase`, `last_purchase` and `active_days` of `grc_fast.facts`, or a
            Polars, pandas or PyArrow frame of these columns. Clients without a purchase (nulls)
            take no part.
        as_of
            The day up to which purchases were seen; facts know theirs.
        threads
            Threads to use, all cores by default; the result does not depend on them.

        Returns
        -------
        PurchaseModel
            The parameters with their standard errors; it predicts these clients, or others.

        Raises
        ------
        DataError
            If all clients bought on one day only, so that nobody came back.
        ColumnError, OptionError
            If a column or `as_of` is missing or wrong.

        Notes
        -----
        Clients are collapsed to distinct (x, t_x, T), so that a search takes time linear in the
        cells; several starts are tried, and an end is believed only if the analytic gradient and
        Hessian say that it is a maximum. The same clients give the same bits in any order.

        Where the likelihood rises towards a limit that is a model itself, that one is estimated,
        `limits` names it, and a warning says what it means: nobody leaves (a goes to 0), all leave
        with one chance (a and b go to infinity, a / (a + b) does not), all buy at one rate (r and
        alpha go to infinity, r / alpha does not). The parameters that should be 0 or infinite are
        as good as that, and have no standard error.

        Where fewer than 60 clients came back, or the likelihood has no maximum even in a limit,
        the parameters are those of the highest posterior density under a weak prior: what is
        published of shops, within a factor of 4.5 and more. `prior` says so, and a warning.
        """
        clients = histories(facts, PURCHASE_FACTS, as_of)
        repeats, last, observed = clients.columns
        found = _core.fit_purchases(
            repeats,
            last,
            observed,
            model=self.name,
            unit=self.time_scaler,
            regularity=None if self._steps == "auto" else self._steps,
            log_gaps=clients.log_gaps,
            threads=check_threads(threads),
        )
        tried = found["tried"]
        return PurchaseModel(
            self.name,
            *found["parameters"],
            log_likelihood=found["log_likelihood"],
            standard_errors={
                name: error
                for name, error in zip(PURCHASE_PARAMETERS, found["standard_errors"], strict=True)
                if not math.isnan(error)
            },
            clients=found["clients"],
            limits=tuple(found["limits"]),
            regularity=found["regularity"],
            prior=found["prior"],
            covariance=known_covariance(found["covariance"]),
            tried={_title(self.name, k): tried[k] for k in sorted(tried) if len(tried) > 1},
            time_scaler=self.time_scaler,
            as_of=clients.as_of,
            fitted=clients,
        )


def known_covariance(rows: list[list[float]]) -> Covariance:
    """Return a covariance with None for what is not known."""
    return tuple(tuple(None if math.isnan(cell) else cell for cell in row) for row in rows)


def _title(name: ModelName, regularity: int) -> str:
    return TITLES[name] if regularity == 1 else f"MBG/CNBD-{regularity}"


@dataclass(frozen=True)
class MBGNBD(_Specification):
    """The MBG/NBD model: clients buy at a rate of their own, and may leave after any purchase.

    Parameters
    ----------
    regularity
        k, 1 to 20: how many steps a purchase takes, each at the client's rate (MBG/CNBD-k). With 1
        purchases fall anywhere; the higher k, the more they come by the clock. `auto` takes the k
        under which the purchase days are likeliest.
    time_scaler
        Days in the unit of time of the parameters, 0.001 to 36,525: 7 makes it weeks. It
        changes `alpha` alone, not the predictions.

    Notes
    -----
    Batislam, Denizel and Filiztekin (2007), "Empirical validation and comparison of models for
    customer base analysis", International Journal of Research in Marketing 24. Rates are
    Gamma(r, alpha), chances to leave Beta(a, b). With a regularity: Reutterer, Platzer and Schröder
    (2021), "Leveraging purchase regularity for predicting customer behavior the easy way",
    International Journal of Research in Marketing 38; rates are then those of steps, so that a
    client buys every k / rate units of time.

    Likelihoods of different k are those of the days of all purchases, relative to what k = 1 makes
    of them. Of the facts x, t_x and T they need the fact `log_gaps` beside; without it they are
    those of x, t_x and T alone, which tell k less surely.

    Examples
    --------
    >>> import grc_fast as grc
    >>> clients = grc.simulate_clients(2000, as_of="2026-11-01", seed=7)
    >>> model = grc.MBGNBD().fit(clients, as_of="2026-11-01")
    >>> chances = model.p_alive()
    >>> bool(chances["p_alive"].is_between(0, 1).all())
    True
    >>> model.predict("3mo").columns
    ['client_id', 'purchases_3mo']
    >>> grc.MBGNBD(regularity="auto").fit(clients, as_of="2026-11-01").title
    'MBG/NBD'
    """

    regularity: Regularity = 1

    name = "mbgnbd"

    @property
    def _steps(self) -> Regularity:
        return self.regularity

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        object.__setattr__(self, "regularity", check_steps(self.regularity))


class BGNBD(_Specification):
    """The BG/NBD model: clients buy at a rate of their own, and may leave after a repeat purchase.

    By construction a client who bought once is a client for ever, with `p_alive` 1; `MBGNBD` is
    free of that.

    Parameters
    ----------
    time_scaler
        Days in the unit of time of the parameters: 7 makes it weeks.

    Notes
    -----
    Fader, Hardie and Lee (2005), "Counting your customers the easy way: an alternative to the
    Pareto/NBD model", Marketing Science 24.

    Examples
    --------
    >>> import grc_fast as grc
    >>> clients = grc.simulate_clients(2000, as_of="2026-11-01", seed=7, model="bgnbd")
    >>> model = grc.BGNBD().fit(clients, as_of="2026-11-01")
    >>> model.p_alive().filter(clients["active_days"] == 1)["p_alive"].unique().to_list()
    [1.0]
    """

    name = "bgnbd"


SPECIFICATIONS: Final[Mapping[str, type[_Specification]]] = {"mbgnbd": MBGNBD, "bgnbd": BGNBD}
# Log-likelihoods that differ by less are equal, as far as clients can tell.
_EQUAL: Final = 0.01
MODEL_CHOICES: Final = get_args(ModelChoice)


def fit_candidates(
    known: Histories,
    model: str,
    *,
    regularity: Regularity,
    time_scaler: float = 7.0,
    threads: int | None = None,
) -> list[PurchaseModel]:
    """Fit the models that there are to choose from, the likeliest first."""

    def fit(specification: _Specification) -> PurchaseModel:
        return specification.fit(known.frame, as_of=known.as_of, threads=threads)

    if model == "bgnbd":
        return [fit(BGNBD(time_scaler=time_scaler))]
    fitted = [fit(MBGNBD(regularity=regularity, time_scaler=time_scaler))]
    if model == "mbgnbd":
        return fitted
    if fitted[0].regularity > 1:
        fitted.append(fit(MBGNBD(time_scaler=time_scaler)))
    fitted.append(fit(BGNBD(time_scaler=time_scaler)))
    # Likelihoods this near are equal: the first then stays before the others.
    fitted.sort(key=lambda each: -round((each.log_likelihood or 0.0) / _EQUAL))
    tried = {candidate.title: candidate.log_likelihood or 0.0 for candidate in fitted}
    every = {name: value for candidate in fitted for name, value in candidate.tried.items()} | tried
    return [replace(candidate, tried=every) for candidate in fitted]


@dataclass(frozen=True)
class PurchaseModel:
    """A BG/NBD, MBG/NBD or MBG/CNBD-k model with its parameters.

    Attributes
    ----------
    name
        `mbgnbd` or `bgnbd`.
    r, alpha, a, b
        Rates are Gamma(r, alpha) a unit of time, of purchases or of their steps; chances to leave
        are Beta(a, b).
    log_likelihood
        That of the clients it was fitted on; None if it was not.
    standard_errors
        Of each parameter, from the observed information; none of those in a limit.
    clients
        How many it was fitted on.
    limits
        In which limits of the model the likelihood is highest, if in any: `no_dropout` (a is 0),
        `common_dropout` (a and b are infinite), `one_rate` (r and alpha are infinite).
    regularity
        k, the steps of a purchase; 1 under BG/NBD.
    prior
        Whether what is usual of shops (a weak prior) had to help, as the clients alone do not tell
        every parameter.
    covariance
        Of the parameters in their order, row by row, from the observed information; None where one
        is given by a limit. Empty if it is not known.
    tried
        The log-likelihoods of the models that this one was chosen from, by their titles.
    time_scaler
        Days in a unit of time.
    as_of
        The day up to which those clients were seen.
    """

    name: ModelName
    r: float
    alpha: float
    a: float
    b: float
    _: KW_ONLY
    log_likelihood: float | None = None
    standard_errors: Mapping[str, float] = field(default_factory=dict)
    clients: int = 0
    limits: tuple[str, ...] = ()
    regularity: int = 1
    prior: bool = False
    covariance: Covariance = field(default=(), repr=False)
    tried: Mapping[str, float] = field(default_factory=dict, repr=False, compare=False)
    time_scaler: float = 7.0
    as_of: dt.date | None = None
    fitted: Histories | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the parameters, which may be the user's own."""
        least, most = PARAMETERS
        for name in PURCHASE_PARAMETERS:
            strictly_positive(name, getattr(self, name), least=least, most=most)
        check_time_scaler(self.time_scaler)
        most = 1 if self.name == "bgnbd" else MAX_REGULARITY
        whole("regularity", self.regularity, least=1, most=most)

    @property
    def title(self) -> str:
        """The name of the model as papers have it."""
        return _title(self.name, self.regularity)

    @property
    def parameters(self) -> dict[str, float]:
        """The parameters by name."""
        return {name: getattr(self, name) for name in PURCHASE_PARAMETERS}

    @property
    def warnings(self) -> list[Wording]:
        """What to beware of: parameters that the data hardly tell, or not at all."""
        warnings = [self._meaning(limit) for limit in self.limits]
        if self.prior:
            warnings.append(Phrase("value.prior", model=self.title))
        vague = [
            name for name, error in self.standard_errors.items() if error > getattr(self, name)
        ]
        if vague:
            names = Phrases(vague, last="list.and")
            warnings.append(Phrase("value.vague", parameters=names, model=self.title))
        return warnings

    def _meaning(self, limit: str) -> Wording:
        """Say what it means that the likelihood is highest in a limit."""
        if limit == "no_dropout":
            return Phrase("value.no_dropout")
        if limit == "common_dropout":
            return Phrase("value.common_dropout", chance=self.a / (self.a + self.b))
        rate = self.r / self.alpha / self.regularity
        return Phrase("value.common_rate", rate=rate, days=self.time_scaler)

    @panics_as_errors()
    def p_alive(
        self, facts: Any = None, *, as_of: dt.date | str | None = None, threads: int | None = None
    ) -> pl.DataFrame:
        """Say how likely it is that clients still are clients.

        Parameters
        ----------
        facts, as_of
            Clients as for `fit`; those of the fit by default.
        threads
            Threads to use, all cores by default.

        Returns
        -------
        polars.DataFrame
            `client_id` and `p_alive` (Float64, 0 to 1; null without a purchase).
        """
        clients = histories_or_fitted(facts, PURCHASE_FACTS, as_of, self.fitted)
        return clients.table(p_alive=self.outcomes(clients, [], threads=threads)[0])

    @panics_as_errors()
    def predict(
        self,
        horizon: str,
        facts: Any = None,
        *,
        as_of: dt.date | str | None = None,
        threads: int | None = None,
    ) -> pl.DataFrame:
        """Predict the number of purchase days in the time after `as_of`.

        Parameters
        ----------
        horizon
            A duration, such as `3mo`.
        facts, as_of
            Clients as for `fit`; those of the fit by default.
        threads
            Threads to use, all cores by default.

        Returns
        -------
        polars.DataFrame
            `client_id` and `purchases_<horizon>` (Float64; null without a purchase).
        """
        clients = histories_or_fitted(facts, PURCHASE_FACTS, as_of, self.fitted)
        _, purchases, _ = self.outcomes(clients, [horizon], threads=threads)
        return clients.table(**{f"purchases_{horizon}": purchases[0]})

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the parameters as JSON; clients are not kept.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        save_parts(self.part(), path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> PurchaseModel:
        """Read a model that `save` wrote, alone or with its spend model.

        Raises
        ------
        ModelError
            If the file is no such model.
        """
        return cls.of_parts(load_parts(path), os.fspath(path))

    def part(self) -> Parts:
        """Return the model as files hold it, by its name."""
        part = {
            **self.parameters,
            "log_likelihood": self.log_likelihood,
            "standard_errors": dict(self.standard_errors),
            "clients": self.clients,
            "limits": list(self.limits),
            "regularity": self.regularity,
            "prior": self.prior,
            "covariance": [list(row) for row in self.covariance],
            "time_scaler": self.time_scaler,
            "as_of": self.as_of,
        }
        return {self.name: part}

    @classmethod
    def of_parts(cls, parts: Parts, where: str) -> PurchaseModel:
        """Make the purchase model that a file holds; `where` is how errors name it."""
        for name in SPECIFICATIONS:
            if name in parts:
                part = parts[name]
                return cls(
                    cast(ModelName, name),
                    **part
                    | {
                        "limits": tuple(part["limits"]),
                        "covariance": tuple(tuple(row) for row in part["covariance"]),
                    },
                )
        raise ModelError(f"{where} holds no purchase model: fit MBGNBD() or BGNBD() and save it")

    def outcomes(
        self,
        clients: Histories,
        horizons: list[str],
        *,
        discount: object = 0.0,
        threads: int | None = None,
    ) -> tuple[pl.Series, list[pl.Series], list[pl.Series]]:
        """Return p_alive, and purchases by horizon, whole and discounted, of those who bought."""
        ahead = outlook(clients.as_of, horizons, discount) if horizons else None
        repeats, last, observed = clients.columns
        alive, purchases, present = _core.predict_purchases(
            repeats,
            last,
            observed,
            model=self.name,
            regularity=self.regularity,
            parameters=list(self.parameters.values()),
            unit=self.time_scaler,
            period_ends=ahead.edges if ahead else [],
            discount_factors=ahead.worths if ahead else [],
            horizons=ahead.ends if ahead else [],
            threads=check_threads(threads),
        )
        series = cast(Any, pl.Series)
        return series(alive), [series(p) for p in purchases], [series(p) for p in present]
