"""`grc-fast value`: what every client is worth, and whether that came true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer

from grc_fast._typing import AnyPath, Lang, Returns
from grc_fast._utils.checks import rate
from grc_fast.cli.console import Messages, show_table
from grc_fast.cli.figures import frame_table
from grc_fast.cli.options import (
    CsvStyleOption,
    LangOption,
    QualityFile,
    RunOptions,
    SalesOptions,
    comma_list,
    output_option,
    taking,
)
from grc_fast.cli.reading import day_of, sales_reading, source_of
from grc_fast.errors import OptionError
from grc_fast.io.output_checks import check_outputs
from grc_fast.io.output_style import OutputStyle
from grc_fast.io.write import STDOUT, json_writer, write_result
from grc_fast.labels.phrases import Phrase
from grc_fast.report.report_file import check_report_path
from grc_fast.validation.gains import words_of_scores
from grc_fast.validation.holdout import HoldoutReport, compare_holdout
from grc_fast.value.histories import VALUE_FACTS, Basket
from grc_fast.value.horizons import HORIZONS, check_horizons
from grc_fast.value.intervals import check_level
from grc_fast.value.margins import check_margin
from grc_fast.value.prediction import (
    BASKET,
    MARGIN,
    MODEL,
    ValueResult,
    check_regularity,
    facts_for,
    fit_value,
    read_histories,
    value_clients,
)
from grc_fast.value.purchases import ModelChoice, Regularity
from grc_fast.value.value_model import ValueModel


@dataclass(kw_only=True)
class ValueOptions(RunOptions, SalesOptions):
    """The options of `grc-fast value`."""

    output: Annotated[str, output_option("values")]
    csv_style: CsvStyleOption = "plain"
    horizons: Annotated[
        list[str] | None,
        typer.Option(
            "--horizons",
            metavar="DURATIONS",
            show_default=False,
            help="Horizons, by commas (3mo,12mo,36mo by default).",
        ),
    ] = None
    margin: Annotated[
        str | None,
        typer.Option(
            "--margin",
            metavar="RATE|COLUMN|SQL",
            show_default=False,
            help="Share of an amount that is gain, 0 to 1 (0.3 by default), or the column or SQL "
            "of each line's margin in money.",
        ),
    ] = None
    discount: Annotated[
        float,
        typer.Option("--discount", metavar="RATE", help="Yearly rate at which money loses worth."),
    ] = 0.0
    intervals: Annotated[
        float | None,
        typer.Option(
            "--intervals",
            metavar="LEVEL",
            show_default=False,
            help="Write the interval of each client's purchases and gains at this level (0.9).",
        ),
    ] = None
    time_scaler: Annotated[
        float | None,
        typer.Option(
            "--time-scaler",
            metavar="DAYS",
            show_default=False,
            help="Days in the unit of time of the parameters (7 by default).",
        ),
    ] = None
    model: Annotated[
        ModelChoice | None,
        typer.Option(
            "--model",
            show_default=False,
            help="The purchase model (mbgnbd by default); auto takes the likeliest.",
        ),
    ] = None
    regularity: Annotated[
        str | None,
        typer.Option(
            "--regularity",
            metavar="K|auto",
            show_default=False,
            help="How regularly clients buy: steps to a purchase, 1 to 20, or the likeliest (1 by "
            "default).",
        ),
    ] = None
    basket: Annotated[
        Basket | None,
        typer.Option(
            "--basket",
            show_default=False,
            help="Which purchase days tell what a client spends (all by default).",
        ),
    ] = None
    returns: Annotated[
        Returns, typer.Option("--returns", help="What becomes of lines with a negative amount.")
    ] = "net"
    model_in: Annotated[
        str | None,
        typer.Option(
            "--model-in",
            metavar="FILE",
            show_default=False,
            help="Value with saved models instead of fitting new ones.",
        ),
    ] = None
    model_out: Annotated[
        str | None,
        typer.Option(
            "--model-out", metavar="FILE", show_default=False, help="Save the models as JSON."
        ),
    ] = None
    quality: QualityFile = None
    holdout: Annotated[
        str | None,
        typer.Option(
            "--holdout",
            metavar="DURATION",
            show_default=False,
            help="Fit before the last DURATION (6mo) of the sales, and compare what was expected "
            "with what came; the values written are those of the fit.",
        ),
    ] = None
    report: Annotated[
        str | None,
        typer.Option(
            "--report",
            metavar="FILE",
            show_default=False,
            help="With --holdout: save the report as .json, or its chart as .svg or .png (which "
            'need the extra "report").',
        ),
    ] = None
    lang: LangOption = "en"


@taking(ValueOptions)
def value(options: ValueOptions) -> None:
    """Say what every client is worth: purchases to come, their price, and the gain.

    The sums by horizon (with --holdout: what was expected and what came, by decile) go to
    standard output, or the values with -o -; everything else goes to standard error.
    """
    _check(options)
    messages = Messages.of(options, options.lang)
    files = [
        path for path in (options.model_out, options.quality, options.report) if path is not None
    ]
    inputs = [*options.source, *(p for p in (options.clients, options.model_in) if p is not None)]
    messages.notes(check_outputs([options.output], files, inputs))
    if options.report is not None:
        check_report_path(options.report)
    margin = _margin(options.margin)
    if options.margin is None:
        messages.note(Phrase("note.margin_assumed", margin=MARGIN))
    report = None if options.holdout is None else _holdout(options, margin, messages)
    result = _result(options, margin, messages) if report is None else report.result
    if result.quality is not None:
        messages.account(result.quality.said(options.lang))
    for note in result.notes:
        messages.note(note)
    messages.warnings(result.warnings)
    with messages.writing(options.output):
        _write(options, result, report)
    if options.output != STDOUT:
        for path in (options.output, *files):
            messages.written(path)
    tables = [result.readable_summary(options.lang)]
    if report is not None:
        messages.account(report.said(options.lang))
        tables = [report.deciles, _ranking(report, options.lang)]
    show = messages.table if options.output == STDOUT else show_table
    for table in tables:
        if table.height:
            show(frame_table(table, options.lang))


def _holdout(options: ValueOptions, margin: float | str, messages: Messages) -> HoldoutReport:
    if isinstance(margin, str):
        raise OptionError("--holdout takes a margin as a rate: it compares money, not gain")
    with messages.step("read", options.source) as progress:
        return compare_holdout(
            source_of(options),
            sales_reading(options, options.returns, options.threads, progress),
            options.holdout or "",
            as_of=day_of(options),
            **_fitting(options),
            horizons=check_horizons(_horizons(options)),
            margin=margin,
            discount=options.discount,
        )


def _result(options: ValueOptions, margin: float | str, messages: Messages) -> ValueResult:
    with messages.step("read", options.source) as progress:
        reading = sales_reading(options, options.returns, options.threads, progress)
        known, quality, shares = read_histories(
            source_of(options), reading, day_of(options), margin, facts=_facts(options)
        )
    with messages.step("compute"):
        if options.model_in is not None:
            model = ValueModel.load(options.model_in)
        else:
            model = fit_value(known, **_fitting(options), threads=options.threads)
        return value_clients(
            known,
            model,
            check_horizons(_horizons(options)),
            shares,
            discount=options.discount,
            intervals=check_level(options.intervals),
            quality=quality,
            threads=options.threads,
        )


def _horizons(options: ValueOptions) -> list[str]:
    """Return the horizons that the user chose."""
    return list(HORIZONS) if options.horizons is None else comma_list(options.horizons)


def _fitting(options: ValueOptions) -> dict[str, Any]:
    """Return which model is fitted, and in which unit of time."""
    return {
        "model": MODEL if options.model is None else options.model,
        "regularity": _regularity(options),
        "basket": options.basket or BASKET,
        "time_scaler": 7.0 if options.time_scaler is None else options.time_scaler,
    }


def _regularity(options: ValueOptions) -> Regularity:
    """Read a regularity: a whole number, or auto."""
    given = options.regularity
    steps = int(given) if given is not None and given.isdecimal() else given
    return check_regularity(steps, options.model or MODEL)


def _facts(options: ValueOptions) -> tuple[str, ...]:
    """Return the facts that the models need."""
    if options.model_in is not None:
        return VALUE_FACTS
    return facts_for(options.model or MODEL, _regularity(options))


def _margin(text: str | None) -> float | str:
    """Read a margin: a number is a rate, anything else a column or SQL."""
    if text is None:
        return MARGIN
    try:
        number = float(text)
    except ValueError:
        return check_margin(text)
    return rate("--margin", number, least=0, most=1)


def _check(options: ValueOptions) -> None:
    if options.model_in is not None and options.model_out is not None:
        raise typer.BadParameter("--model-out cannot go with --model-in: nothing new is fitted")
    if options.model_in is not None:
        for name, given in (
            ("--model", options.model),
            ("--regularity", options.regularity),
            ("--basket", options.basket),
            ("--time-scaler", options.time_scaler),
        ):
            if given is not None:
                raise typer.BadParameter(f"{name} cannot go with --model-in: the model decides it")
    if options.report is not None and options.holdout is None:
        raise typer.BadParameter("--report goes with --holdout: it is the report of one")
    if options.holdout is not None and options.model_in is not None:
        raise typer.BadParameter("--model-in cannot go with --holdout: it fits models of its own")
    if options.holdout is not None and options.intervals is not None:
        raise typer.BadParameter("--intervals cannot go with --holdout: totals have theirs there")
    if options.holdout is not None and options.clients is not None:
        raise typer.BadParameter("--clients cannot go with --holdout: it is of those who bought")


def _write(options: ValueOptions, result: ValueResult, report: HoldoutReport | None) -> None:
    """Write the files of a run: all of them, or none."""
    files: dict[AnyPath, Callable[[Path], None]] = {}
    if options.model_out is not None:
        files[options.model_out] = json_writer(result.model.to_dict())
    if options.quality is not None:
        files[options.quality] = json_writer(_quality(result))
    if options.report is not None and report is not None:
        files[options.report] = report.writer(options.report, options.lang)
    write_result(
        result.values, options.output, files, OutputStyle(csv=options.csv_style, lang=options.lang)
    )


def _quality(result: ValueResult) -> dict[str, Any]:
    return {} if result.quality is None else result.quality.to_dict()


def _ranking(report: HoldoutReport, lang: Lang) -> pl.DataFrame:
    """Return the rankings, by the names of the scores in a language."""
    return report.ranking.with_columns(pl.col("score").replace(words_of_scores(lang)))
