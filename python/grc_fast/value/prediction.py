"""The expected gain of every client, from sales or from facts, in one call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Final, Unpack, cast

import polars as pl

from grc_fast._typing import Lang, Returns
from grc_fast._utils.checks import check_threads
from grc_fast._utils.dates import parse_day
from grc_fast._utils.messages import nearest
from grc_fast._utils.panics import panics_as_errors
from grc_fast._utils.processes import check_process
from grc_fast.errors import OptionError, SourceError
from grc_fast.facts.collect import collect_facts, over_all_time
from grc_fast.facts.options import Reading, SalesReading
from grc_fast.facts.quality import Quality
from grc_fast.facts.table import Facts
from grc_fast.io.open import open_source
from grc_fast.io.tables import column_names
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase, Phrases
from grc_fast.labels.table import paragraphs
from grc_fast.labels.written import whole as whole_number
from grc_fast.labels.written_frame import written_frame
from grc_fast.value.histories import LOG_GAPS, VALUE_FACTS, Basket, Histories, histories
from grc_fast.value.horizons import HORIZONS, check_horizons
from grc_fast.value.intervals import LEVEL, Simulation, check_level
from grc_fast.value.left_truncation import crowd_at_the_start
from grc_fast.value.margins import (
    Margins,
    check_margin,
    margins_of_column,
    margins_of_lines,
)
from grc_fast.value.purchases import (
    MODEL_CHOICES,
    ModelChoice,
    PurchaseModel,
    Regularity,
    check_steps,
    fit_candidates,
)
from grc_fast.value.spend import GammaGamma
from grc_fast.value.value_model import ValueModel

#: The purchase model where nothing is said.
MODEL: Final[ModelChoice] = "mbgnbd"
#: Which purchase days tell what a client spends, where nothing is said.
BASKET: Final[Basket] = "all"
#: What is taken for the margin where nothing is said; a run that takes it says so.
MARGIN: Final = 0.3


@dataclass(frozen=True)
class ValueResult:
    """What valuing clients gives.

    Attributes
    ----------
    values
        One row a client, ascending by id: `client_id`, (`status`,) `p_alive`, `purchases_<h>`,
        `basket`, `gain_<h>`; Float64, null for clients without a purchase.
    model
        The models, to save or to apply to other clients.
    as_of
        The day from which horizons count.
    horizons
        The horizons, as written.
    quality
        The account of the rows; None if facts were given.
    notes
        What was assumed, and how many clients were valued in which way.
    level
        The level of intervals.
    crowded
        What to beware of where first purchases crowd at the start of the sales.
    clients_at_mean
        Clients whose basket is the population mean: those without a repeat purchase, where baskets
        learn from those alone, and those whose purchases come to no money above 0.
    """

    values: pl.DataFrame
    model: ValueModel
    as_of: dt.date
    horizons: tuple[str, ...]
    quality: Quality | None
    notes: tuple[Wording, ...] = ()
    clients_at_mean: Mapping[str, int] = field(default_factory=dict)
    level: float = LEVEL
    crowded: Wording | None = None
    _simulation: Simulation | None = field(default=None, repr=False, compare=False)

    @property
    def warnings(self) -> list[Wording]:
        """What to beware of."""
        crowd = [] if self.crowded is None else [self.crowded]
        return [*self.model.warnings, *crowd]

    @cached_property
    def totals(self) -> tuple[tuple[float, float], ...]:
        """The interval of each horizon's purchases, then of the gains; simulated when asked."""
        check_process()
        if self._simulation is None:
            return ()
        sums = [
            float(self.values[f"{what}_{horizon}"].sum())
            for what in ("purchases", "gain")
            for horizon in self.horizons
        ]
        return tuple(self._simulation.totals(sums, self.level))

    @cached_property
    def summary(self) -> pl.DataFrame:
        """Each horizon: its sums and their intervals.

        `horizon`, `clients`, `purchases` with `purchases_low` and `purchases_high`, `gain` with
        `gain_low` and `gain_high`, and `gain_per_client`.
        """
        check_process()
        valued = self.values.filter(pl.col("p_alive").is_not_null())
        rows = [
            (
                horizon,
                valued.height,
                valued[f"purchases_{horizon}"].sum(),
                *self.totals[place],
                valued[f"gain_{horizon}"].sum(),
                *self.totals[len(self.horizons) + place],
                valued[f"gain_{horizon}"].mean(),
            )
            for place, horizon in enumerate(self.horizons)
        ]
        schema = {
            "horizon": pl.String,
            "clients": pl.UInt64,
            "purchases": pl.Float64,
            "purchases_low": pl.Float64,
            "purchases_high": pl.Float64,
            "gain": pl.Float64,
            "gain_low": pl.Float64,
            "gain_high": pl.Float64,
            "gain_per_client": pl.Float64,
        }
        return pl.DataFrame(rows, schema=schema, orient="row")

    def readable_summary(self, lang: Lang = "en") -> pl.DataFrame:
        """Return the sums by horizon, with each interval in one column, as text."""
        summary = self.summary

        def between(what: str) -> pl.Series:
            ends = summary.select(f"{what}_low", f"{what}_high").iter_rows()
            told = [
                None if low is None else f"{whole_number(low, lang)} – {whole_number(high, lang)}"
                for low, high in ends
            ]
            return pl.Series(f"{what}_between", told, pl.String)

        return summary.with_columns(between("purchases"), between("gain")).select(
            "horizon",
            "clients",
            "purchases",
            "purchases_between",
            "gain",
            "gain_between",
            "gain_per_client",
        )

    def _repr_html_(self) -> str:
        told = "\n".join([*self.notes, *self.warnings])
        return written_frame(self.readable_summary(), "en").html() + paragraphs(told)


@panics_as_errors()
def predict_value(
    source: Any,
    *,
    as_of: dt.date | str | None = None,
    horizons: Sequence[str] = HORIZONS,
    margin: float | str = MARGIN,
    discount: float = 0.0,
    time_scaler: float = 7.0,
    model: ModelChoice | ValueModel = MODEL,
    regularity: Regularity | None = None,
    basket: Basket = BASKET,
    intervals: float | None = None,
    returns: Returns = "net",
    **reading: Unpack[Reading],
) -> ValueResult:
    """Say what each client is worth: purchases to come, their price, and the gain from them.

    Parameters
    ----------
    source
        Sales (anything that `grc_fast.facts` reads), or `Facts` with `first_purchase`,
        `last_purchase`, `active_days`, `total` and `first_day_total`, or a table of them
        (which needs `as_of`).
    as_of
        The day up to which purchases are known, and from which horizons count. Facts know theirs.
    horizons
        Durations; months and years follow the calendar.
    margin
        The share of an amount that is gain, 0 to 1 (0.3 by default: give your own); or, of sales,
        the column (or SQL) of each line's margin in money, from which every client's own share is
        computed; or, of facts, a column with each client's share, 0 to 1.
    discount
        Yearly rate: a purchase u years after `as_of` is worth (1 + discount)^-u today, u being
        taken at the middle of its calendar month.
    time_scaler
        Days in the unit of time of the parameters.
    model
        `mbgnbd`, `bgnbd`, `auto`, which takes the one under which the purchase days are likeliest,
        or a `ValueModel` fitted before, which then decides `regularity`, `time_scaler` and
        `basket`.
    regularity
        How regularly clients of `mbgnbd` buy: k steps to a purchase, 1 to 20 (1 by default), or
        `auto`, the k under which the purchase days are likeliest.
    basket
        Which purchase days tell what a client spends: `all` (the default) or `repeat`, those after
        the first.
    intervals
        A level, such as 0.9: each client gets the lower and the upper end of purchases and gain,
        within which they fall with that probability. Totals have intervals at any rate, of that
        level or 0.9.
    client, date, amount, order, where, clients, returns, timezone, money_scale, threads, progress
        As for `grc_fast.facts`; not for facts, which were read already. `order` has no effect but
        on the account: purchases are counted in days.

    Returns
    -------
    ValueResult
        The values, the models, and the account of what was read.

    Raises
    ------
    DataError
        If the models cannot be fitted: the sentence says why.
    GrcError
        If the source cannot be read, or a column, a value or an option is wrong.

    Notes
    -----
    gain = margin × basket × expected purchases, each purchase at its present worth. A client of one
    purchase is valued as any other; with `basket="repeat"` at the population's mean basket.

    A client's own share of margin is (margin + k share) / (money + k), where k is the mean money of
    a purchase day and share that of all clients: what a client paid counts beside one such day of
    all. It is kept within 0 and 1, and is that of all where the money is not above 0. The margins
    are those of the lines whose amounts are used; of a line without a margin it is 0. Both are
    counted in the notes.

    Examples
    --------
    >>> import grc_fast as grc
    >>> sales = grc.simulate_sales(20_000, 1_000, seed=7)
    >>> result = grc.predict_value(sales, as_of="2025-12-31", margin=0.25)
    >>> result.values.columns[:4]
    ['client_id', 'p_alive', 'purchases_3mo', 'purchases_12mo']
    >>> result.model.purchases.name
    'mbgnbd'
    """
    durations = check_horizons(horizons)
    threads = check_threads(reading.get("threads"))
    chosen = check_model(model)
    share = check_margin(margin)
    steps = check_regularity(regularity, chosen)
    level = check_level(intervals)
    if _holds_facts(source, reading.get("date", SalesReading.date)):
        _refuse_reading({**reading, "returns": returns})
        known = histories(source, VALUE_FACTS, as_of)
        quality = source.quality if isinstance(source, Facts) else None
        shares = share if isinstance(share, float) else margins_of_column(known, share)
    else:
        if as_of is None:
            raise OptionError("as_of is needed: the library never reads the clock")
        how = SalesReading.of(reading, returns=returns)
        facts = facts_for(chosen, steps)
        known, quality, shares = read_histories(source, how, parse_day(as_of), share, facts=facts)
    fitted = (
        chosen
        if isinstance(chosen, ValueModel)
        else fit_value(
            known,
            chosen,
            regularity=steps,
            basket=basket,
            time_scaler=time_scaler,
            threads=threads,
        )
    )
    return value_clients(
        known,
        fitted,
        durations,
        shares,
        discount=discount,
        intervals=level,
        quality=quality,
        threads=threads,
    )


def check_regularity(regularity: object, model: str | ValueModel) -> Regularity:
    """Return how regularly clients of a model buy: as is said, or as is usual of it.

    Raises
    ------
    OptionError
        If it is no number of steps, or the model has none to choose.
    """
    if regularity is None:
        return "auto" if model == "auto" else 1
    if isinstance(model, ValueModel) or (model == "bgnbd" and regularity != 1):
        raise OptionError("regularity goes with the model mbgnbd, or auto, which is fitted anew")
    return check_steps(regularity)


def facts_for(model: str | ValueModel, regularity: Regularity) -> tuple[str, ...]:
    """Return the facts that a model is fitted on: that of regularity is needed where it is told."""
    if model == "auto" or (model == "mbgnbd" and regularity != 1):
        return (*VALUE_FACTS, LOG_GAPS)
    return VALUE_FACTS


def read_histories(
    source: Any,
    reading: SalesReading,
    as_of: dt.date | None,
    margin: float | str = MARGIN,
    *,
    facts: tuple[str, ...] = VALUE_FACTS,
) -> tuple[Histories, Quality, float | Margins]:
    """Read sales into what the models need, and each client's share of margin if it is a column."""
    if isinstance(margin, str) and not open_source(source, reading.text).replayable:
        raise SourceError(
            "margins of lines take a second reading, and a stream can be read but once: collect it "
            "into a frame first, or give the margin as a rate"
        )
    frame, quality = collect_facts(source, reading, over_all_time(facts), as_of=as_of)
    known = histories(frame, VALUE_FACTS, quality.as_of)
    if not isinstance(margin, str):
        return known, quality, margin
    return known, quality, margins_of_lines(known, source, reading, margin, quality)


def _holds_facts(source: Any, date: str) -> bool:
    """Tell facts from sales: a table with every fact, and without the date of a sale."""
    if isinstance(source, Facts):
        return True
    names = column_names(source)
    return names is not None and date not in names and set(VALUE_FACTS) <= set(names)


def _refuse_reading(given: Mapping[str, Any]) -> None:
    """Refuse options that have no effect on facts, which were read already."""
    for option in fields(SalesReading):
        name = option.name
        if name != "threads" and given.get(name, option.default) != option.default:
            raise OptionError(
                f"{name} cannot be given with facts, which were read already: leave it out"
            )


def fit_value(
    known: Histories,
    model: str,
    *,
    regularity: Regularity,
    basket: Basket = BASKET,
    time_scaler: float = 7.0,
    threads: int | None = None,
) -> ValueModel:
    """Fit the purchase model, the likeliest of those to choose from, and the spend model."""
    candidates = fit_candidates(
        known, model, regularity=regularity, time_scaler=time_scaler, threads=threads
    )
    spend = GammaGamma(basket).fit(known.frame, as_of=known.as_of, threads=threads)
    return ValueModel(candidates[0], spend)


def value_clients(
    known: Histories,
    model: ValueModel,
    horizons: list[str],
    margin: float | Margins,
    *,
    discount: float = 0.0,
    intervals: float | None = None,
    quality: Quality | None = None,
    threads: int | None = None,
) -> ValueResult:
    """Value clients with fitted models; with intervals of each, where a level is given."""
    if model.spend is None:
        raise OptionError("the model has no spend model, and a gain needs one: fit GammaGamma too")
    alive, purchases, present = model.purchases.outcomes(
        known, horizons, discount=discount, threads=threads
    )
    basket = model.spend.baskets(known, threads=threads)
    shares = margin.shares if isinstance(margin, Margins) else margin
    worth = basket * shares
    found = {
        "p_alive": alive,
        **{f"purchases_{h}": bought for h, bought in zip(horizons, purchases, strict=True)},
        "basket": basket,
        **{f"gain_{h}": worth * bought for h, bought in zip(horizons, present, strict=True)},
    }
    simulation = Simulation(known, model, horizons, shares, discount=discount, threads=threads)
    if intervals is not None:
        ends = iter(simulation.of_clients(intervals))
        for name in [f"{what}_{h}" for what in ("purchases", "gain") for h in horizons]:
            found[f"{name}_low"], found[f"{name}_high"] = next(ends)
    level = LEVEL if intervals is None else intervals
    at_mean = _clients_at_mean(known, model.spend.basket)
    return ValueResult(
        known.table(**found),
        model,
        known.as_of,
        tuple(horizons),
        quality,
        (*_notes(model, margin, at_mean), _sureness(model, level)),
        at_mean,
        level,
        crowd_at_the_start(known),
        simulation,
    )


def _clients_at_mean(known: Histories, basket: Basket) -> dict[str, int]:
    days, means = known.spends(basket)
    once = days == 0
    worthless = ~once & ~(means > 0).fill_null(value=False)
    return {"without_repeat": int(once.sum()), "without_money": int(worthless.sum())}


def _notes(
    model: ValueModel, margin: float | Margins, at_mean: Mapping[str, int]
) -> tuple[Wording, ...]:
    spend = cast(Any, model.spend)
    once, worthless = at_mean.values()
    known = margin if isinstance(margin, Margins) else None
    said = Phrase("value.margin_rate", rate=margin) if known is None else known.said
    more = () if known is None else known.notes
    baskets = Phrase(
        f"value.baskets_of_{spend.basket}",
        once=once,
        worthless=worthless,
        mean=spend.population_mean,
    )
    found = Phrase("value.correlation_unknown")
    if spend.correlation is not None:
        found = Phrase("value.correlation_found", correlation=spend.correlation)
    independence = Phrase("value.independence", found=found)
    return (
        Phrase("value.gain_at", margin=said),
        *more,
        *_choice(model.purchases),
        baskets,
        independence,
    )


def _sureness(model: ValueModel, level: float) -> Wording:
    """Say what the intervals of totals are."""
    parts = (model.purchases, *(() if model.spend is None else (model.spend,)))
    sure = all(part.covariance or getattr(part, "one_price", False) for part in parts)
    return Phrase("value.sure" if sure else "value.of_chance_alone", level=level)


def _choice(model: PurchaseModel) -> list[Wording]:
    """Say which model was taken of several, and why."""
    if not model.tried:
        return []
    ranked = sorted(model.tried.items(), key=lambda tried: -tried[1])
    found = [
        Phrase("value.log_likelihood", model=title, likelihood=value) for title, value in ranked
    ]
    return [Phrase("value.chosen", model=model.title, found=Phrases(found))]


def check_model(model: object) -> str | ValueModel:
    """Return the name of a purchase model, or a model that was fitted.

    Raises
    ------
    OptionError
        If it is neither.
    """
    if isinstance(model, ValueModel) or (isinstance(model, str) and model in MODEL_CHOICES):
        return model
    near = nearest(model, MODEL_CHOICES)
    raise OptionError(f"model must be mbgnbd, bgnbd, auto or a ValueModel, not {model!r}{near}")
