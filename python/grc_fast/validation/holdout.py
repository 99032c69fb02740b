"""Whether expected gains come true: fit before a day, compare after it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Unpack, cast

import polars as pl

from grc_fast import _core
from grc_fast._typing import Lang, Returns
from grc_fast._utils.checks import rate
from grc_fast._utils.dates import day_number, day_of_number, parse_day
from grc_fast._utils.panics import panics_as_errors
from grc_fast.errors import DataError, OptionError, SourceError
from grc_fast.facts.collect import collect_facts, over_all_time
from grc_fast.facts.options import Reading, SalesReading
from grc_fast.facts.quality import Quality
from grc_fast.io.open import open_source
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase, Phrases, indented
from grc_fast.labels.table import paragraphs
from grc_fast.labels.written_frame import written_frame
from grc_fast.report.report_file import ReportFile
from grc_fast.rfm.rfm import RFM
from grc_fast.validation.gains import SCORES, Ranking, rank
from grc_fast.value.histories import VALUE_FACTS, Basket, Histories, histories
from grc_fast.value.horizons import HORIZONS, check_horizons
from grc_fast.value.prediction import (
    BASKET,
    MARGIN,
    MODEL,
    ValueResult,
    check_model,
    check_regularity,
    facts_for,
    value_clients,
)
from grc_fast.value.purchases import (
    ModelChoice,
    PurchaseModel,
    Regularity,
    fit_candidates,
)
from grc_fast.value.spend import GammaGamma
from grc_fast.value.value_model import ValueModel

_TOPS: Final = (0.1, 0.2, 0.4)
_PARTS: Final = 10


@dataclass(frozen=True)
class HoldoutReport(ReportFile):
    """What was expected before a day, and what came after it.

    Attributes
    ----------
    fitted_until, observed_until
        The last day that the models knew, and the last day of what came.
    clients
        Those who bought up to the first of them; new clients are nobody's prediction.
    deciles
        Ten equal parts of the clients by expected money, the best first: `decile`, `clients`,
        `expected_purchases`, `purchases` (days with a purchase), `expected_money`, `money`.
    totals
        `purchases` and `money`: `expected` with its interval of 90 %, `low` to `high`, `actual`,
        `error` (expected / actual − 1), and `mae`, the mean absolute error of a client.
    rankings
        How well expected gain, last year's spend and RFM points put those first who brought most
        money; empty if nobody brought any.
    result
        The values of the fit.
    models
        The models that there were to choose from, the one taken first: `model`, `log_likelihood`
        (by which it was), `error` and `mae` of its purchases in the holdout.
    """

    fitted_until: dt.date
    observed_until: dt.date
    clients: int
    deciles: pl.DataFrame
    totals: Mapping[str, Mapping[str, float | None]]
    rankings: Mapping[str, Ranking]
    result: ValueResult
    models: pl.DataFrame

    @property
    def ranking(self) -> pl.DataFrame:
        """The rankings: `score`, `gini`, and the share of money of the `top_10`, `top_20`, …."""
        rows = [
            {
                "score": SCORES[name],
                "gini": found.gini,
                **{f"top_{100 * top:.0f}": share for top, share in found.shares.items()},
            }
            for name, found in self.rankings.items()
        ]
        shares = {f"top_{100 * top:.0f}": pl.Float64 for top in _TOPS}
        return pl.DataFrame(rows, schema={"score": pl.String, "gini": pl.Float64, **shares})

    def to_dict(self) -> dict[str, Any]:
        """Return the report in types that JSON knows."""
        model = self.result.model
        return {
            "fitted_until": self.fitted_until.isoformat(),
            "observed_until": self.observed_until.isoformat(),
            "clients": self.clients,
            "model": model.to_dict(),
            "totals": {name: dict(total) for name, total in self.totals.items()},
            "deciles": self.deciles.to_dicts(),
            "rankings": self.ranking.to_dicts(),
            "models": self.models.to_dicts(),
            "warnings": self.result.warnings,
        }

    def _chart(self, lang: Lang) -> Any:
        from grc_fast.validation.holdout_chart import holdout_chart

        first, last = self.fitted_until, self.observed_until
        return holdout_chart(self.deciles, self.rankings, lang, first=first, last=last)

    def _repr_html_(self) -> str:
        return paragraphs(self.said(self.lang)) + written_frame(self.deciles, self.lang).html()

    def __str__(self) -> str:
        return self.said("en")

    def said(self, lang: str) -> str:
        """Return what was expected and what came for a reader, in a few lines."""
        lines: list[Wording] = [
            Phrase(
                "holdout.span",
                fitted=self.fitted_until,
                observed=self.observed_until,
                clients=self.clients,
            )
        ]
        for name, total in self.totals.items():
            key = "holdout.total" if total["error"] is None else "holdout.total_with_error"
            lines.append(indented(Phrase(key, what=Phrase(f"holdout.{name}"), **total)))
        if self.models.height > 1:
            lines.append(indented(self._choice()))
        if not self.rankings:
            lines.append(indented(Phrase("holdout.nobody")))
        return "\n".join(line.said(lang) for line in lines)

    def _choice(self) -> Wording:
        """Say which model was taken, and what the others would have expected."""
        found = [
            Phrase("holdout.model" if row["error"] is None else "holdout.model_with_error", **row)
            for row in self.models.iter_rows(named=True)
        ]
        closest = self.models.sort("mae", "model")["model"][0]
        taken = self.models["model"][0]
        held = "holdout.taken_and_closest" if closest == taken else "holdout.taken_though"
        return Phrase(held, taken=taken, closest=closest, found=Phrases(found, "; "))


@panics_as_errors()
def holdout_value(
    source: Any,
    *,
    as_of: dt.date | str,
    holdout: str = "6mo",
    horizons: Sequence[str] = HORIZONS,
    margin: float = MARGIN,
    discount: float = 0.0,
    time_scaler: float = 7.0,
    model: ModelChoice = MODEL,
    regularity: Regularity | None = None,
    basket: Basket = BASKET,
    returns: Returns = "net",
    **reading: Unpack[Reading],
) -> HoldoutReport:
    """Fit models before the last months of sales, and compare what they expect with what came.

    Parameters
    ----------
    source
        Sales, as for `grc_fast.facts`; they are read twice, so not a stream.
    as_of
        The last day of what came (on the command line, by default, the day after the last sale).
    holdout
        How long before `as_of` the fit ends: a duration.
    horizons, margin, discount, time_scaler, model, regularity, basket
        As for `predict_value`, for the values of the fit.
    client, date, amount, order, where, returns, timezone, money_scale, threads, progress
        As for `grc_fast.facts`.

    Returns
    -------
    HoldoutReport
        By decile and in total; and how well expected gain ranks clients against two scores that
        retailers use: the spend of the last year, and RFM points (quintiles, one score each for
        recency, orders and total).

    Raises
    ------
    DataError
        If there are too few sales before that day to fit models to.
    GrcError
        If the source cannot be read, or a column, a value or an option is wrong.

    Examples
    --------
    >>> import grc_fast as grc
    >>> sales = grc.simulate_sales(20_000, 1_000, seed=7)
    >>> report = grc.holdout_value(sales, as_of="2025-12-31", holdout="6mo")
    >>> report.fitted_until, report.deciles.height
    (datetime.date(2025, 6, 30), 10)
    """
    if isinstance(check_model(model), ValueModel):
        raise OptionError("a holdout fits models of its own: model must be mbgnbd, bgnbd or auto")
    return compare_holdout(
        source,
        SalesReading.of(reading, returns=returns),
        holdout,
        as_of=parse_day(as_of),
        model=model,
        regularity=check_regularity(regularity, model),
        basket=basket,
        time_scaler=time_scaler,
        horizons=check_horizons(horizons),
        margin=rate("margin", margin, least=0, most=1),
        discount=discount,
    )


def compare_holdout(
    source: Any,
    reading: SalesReading,
    holdout: str,
    *,
    as_of: dt.date | None,
    model: str,
    regularity: Regularity,
    basket: Basket,
    time_scaler: float,
    horizons: list[str],
    margin: float,
    discount: float,
) -> HoldoutReport:
    """Run the two passes, the fit and the comparison.

    Without `as_of` the last day of what came is the day after the last sale.
    """
    if reading.clients is not None:
        raise OptionError("clients cannot be given to a holdout, which is of those who bought")
    if not open_source(source, reading.text).replayable:
        raise SourceError(
            "a holdout reads the sales twice, and a stream can be read but once: collect it into a "
            "frame first"
        )
    end = _last_day(source, reading) if as_of is None else as_of
    cut = day_of_number(_core.window_start(day_number(end), holdout))
    try:
        before, quality = _before(source, reading, cut, facts_for(model, regularity))
    except DataError:
        first = _first_day(source, reading, end)
        if cut >= first:
            raise
        raise DataError(
            f"a holdout of {holdout} until {end} leaves no sales to fit models to, as the first is "
            f"on {first}: take a shorter one"
        ) from None
    known = histories(before, VALUE_FACTS, cut)
    candidates = fit_candidates(
        known, model, regularity=regularity, time_scaler=time_scaler, threads=reading.threads
    )
    spend = GammaGamma(basket).fit(known.frame, as_of=known.as_of, threads=reading.threads)
    fitted = ValueModel(candidates[0], spend)
    result = value_clients(
        known,
        fitted,
        horizons,
        margin,
        discount=discount,
        quality=quality,
        threads=reading.threads,
    )
    days = (end - cut).days
    ahead = value_clients(known, fitted, [f"{days}d"], 1.0, threads=reading.threads)
    expected = ahead.values
    after = _after(source, reading, end, days)
    table = (
        before.select("client_id", "recency", "orders", "total", "year")
        .with_columns(
            expected_purchases=expected[f"purchases_{days}d"],
            expected_money=expected[f"gain_{days}d"],
        )
        .join(after, on="client_id", how="left", maintain_order="left")
        .with_columns(pl.col("purchases", "money").fill_null(0))
    )
    return HoldoutReport(
        fitted_until=cut,
        observed_until=end,
        clients=table.height,
        deciles=_deciles(table),
        totals={
            name: _total(table, name) | {"low": low, "high": high}
            for name, (low, high) in zip(("purchases", "money"), ahead.totals, strict=True)
        },
        rankings=_rankings(table, reading.threads),
        result=result,
        models=_models(candidates, known, f"{days}d", table["purchases"], reading.threads),
    )


def _models(
    candidates: list[PurchaseModel],
    known: Histories,
    horizon: str,
    came: pl.Series,
    threads: int | None,
) -> pl.DataFrame:
    """Say what each model expected of the purchases that came, by client as in `known`."""
    rows = []
    for model in candidates:
        bought = known.spread(model.outcomes(known, [horizon], threads=threads)[1][0])
        total = _total(pl.DataFrame({"expected_purchases": bought, "purchases": came}), "purchases")
        rows.append((model.title, model.log_likelihood, total["error"], total["mae"]))
    schema = {"model": pl.String} | dict.fromkeys(("log_likelihood", "error", "mae"), pl.Float64)
    return pl.DataFrame(rows, schema=schema, orient="row")


def _last_day(source: Any, reading: SalesReading) -> dt.date:
    """Return the day after the last sale."""
    return collect_facts(source, reading, over_all_time(["last_purchase"]), as_of=None)[1].as_of


def _first_day(source: Any, reading: SalesReading, end: dt.date) -> dt.date:
    sold, _ = collect_facts(source, reading, over_all_time(["first_purchase"]), as_of=end)
    return cast(dt.date, sold["first_purchase"].min() or end)


def _before(
    source: Any, reading: SalesReading, cut: dt.date, facts: tuple[str, ...]
) -> tuple[pl.DataFrame, Quality]:
    """Return what is known on the last day of the fit, with the baseline's spend of a year."""
    requests = over_all_time((*facts, "recency", "orders")) | {"year": ("total", "1y")}
    table, quality = collect_facts(source, reading, requests, as_of=cut)
    if table.is_empty():
        raise DataError(f"nobody bought up to {cut}, where the holdout begins: take a shorter one")
    return table, quality


def _after(source: Any, reading: SalesReading, end: dt.date, days: int) -> pl.DataFrame:
    window = f"{days}d"
    requests = {"purchases": ("active_days", window), "money": ("total", window)}
    table, _ = collect_facts(source, reading, requests, as_of=end)
    return table.select("client_id", pl.col("purchases", "money").cast(pl.Float64))


def _deciles(table: pl.DataFrame) -> pl.DataFrame:
    """Ten equal parts by expected money; equals go by client id."""
    place = pl.int_range(pl.len())
    return (
        table.sort("expected_money", "client_id", descending=[True, False])
        .with_columns(decile=(place * _PARTS // pl.len() + 1).cast(pl.UInt8))
        .group_by("decile", maintain_order=True)
        .agg(
            pl.len().cast(pl.UInt64).alias("clients"),
            pl.col("expected_purchases", "purchases", "expected_money", "money").sum(),
        )
    )


def _total(table: pl.DataFrame, name: str) -> dict[str, float | None]:
    expected, actual = table[f"expected_{name}"], table[name]
    came = float(actual.sum())
    return {
        "expected": float(expected.sum()),
        "actual": came,
        "error": float(expected.sum()) / came - 1 if came > 0 else None,
        "mae": float((expected - actual).abs().sum()) / table.height,
    }


def _rankings(table: pl.DataFrame, threads: int | None) -> dict[str, Ranking]:
    facts = table.select(
        "client_id", "recency", frequency="orders", monetary=pl.col("total").cast(pl.Float64)
    )
    points = RFM().fit_score(facts, threads=threads)[1]["points"]
    scores = {
        "expected_gain": table["expected_money"],
        "last_year_spend": table["year"].cast(pl.Float64),
        "rfm_points": points,
    }
    found = {name: rank(score, table["money"], _TOPS) for name, score in scores.items()}
    return {name: ranking for name, ranking in found.items() if ranking is not None}
