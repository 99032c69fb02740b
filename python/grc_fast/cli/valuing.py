"""From the options of `grc-fast value` to files, tables and charts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from grc_fast import output
from grc_fast.cli.console import Messages, frame_table, show_table
from grc_fast.cli.options import comma_list
from grc_fast.cli.reading import reading_of, source_of
from grc_fast.cli.value import ValueOptions
from grc_fast.errors import OptionError
from grc_fast.report_file import check_report_path
from grc_fast.value.holdout import HoldoutReport, compare_holdout
from grc_fast.value.horizons import HORIZONS, check_horizons
from grc_fast.value.margins import check_margin
from grc_fast.value.numbers import rate
from grc_fast.value.prediction import (
    MARGIN,
    ValueResult,
    fit_value,
    read_histories,
    value_clients,
)
from grc_fast.value.value_model import ValueModel


def run(options: ValueOptions) -> None:
    """Value the clients of the sales that the options name."""
    _check(options)
    messages = Messages(quiet=options.quiet)
    files = [
        path for path in (options.model_out, options.quality, options.report) if path is not None
    ]
    inputs = [*options.source, *(p for p in (options.clients, options.model_in) if p is not None)]
    output.check_outputs([options.output], files, inputs)
    if options.report is not None:
        check_report_path(options.report)
    margin = _margin(options.margin)
    if options.margin is None:
        messages.note(f"margin {MARGIN:.0%} is assumed: give your own with --margin")
    report = None if options.holdout is None else _holdout(options, margin, messages)
    result = _result(options, margin, messages) if report is None else report.result
    messages.note(str(result.quality))
    for note in result.notes:
        messages.note(note)
    for warning in result.warnings:
        messages.warn(warning)
    _write(options, result, report)
    if options.output != output.STDOUT:
        for path in (options.output, *files):
            messages.note(f"written: {path}")
    tables = [result.summary]
    if report is not None:
        messages.note(str(report))
        tables = [report.deciles, report.ranking]
    show = messages.table if options.output == output.STDOUT else show_table
    for table in tables:
        if table.height:
            show(frame_table(table, {}))


def _holdout(options: ValueOptions, margin: float | str, messages: Messages) -> HoldoutReport:
    if isinstance(margin, str):
        raise OptionError("--holdout takes a margin as a rate: it compares money, not gain")
    with messages.progress() as progress:
        return compare_holdout(
            source_of(options.source),
            reading_of(options, options.threads, progress),
            options.holdout or "",
            returns=options.returns.value,
            **fitting(options),
            horizons=check_horizons(horizons(options)),
            margin=margin,
            discount=options.discount,
        )


def _result(options: ValueOptions, margin: float | str, messages: Messages) -> ValueResult:
    with messages.progress() as progress:
        reading = reading_of(options, options.threads, progress)
        known, quality, shares = read_histories(
            source_of(options.source), reading, options.returns.value, margin
        )
    if options.model_in is not None:
        model = ValueModel.load(options.model_in)
    else:
        model = fit_value(known, **fitting(options), threads=options.threads)
    return value_clients(
        known,
        model,
        check_horizons(horizons(options)),
        shares,
        discount=options.discount,
        quality=quality,
        threads=options.threads,
    )


def horizons(options: ValueOptions) -> list[str]:
    """Return the horizons that the user chose."""
    return list(HORIZONS) if options.horizons is None else comma_list(options.horizons)


def fitting(options: ValueOptions) -> dict[str, Any]:
    """Return which model is fitted, and in which unit of time."""
    return {
        "model": "mbgnbd" if options.model is None else options.model.value,
        "time_scaler": 7.0 if options.time_scaler is None else options.time_scaler,
    }


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
        for name, given in (("--model", options.model), ("--time-scaler", options.time_scaler)):
            if given is not None:
                raise typer.BadParameter(f"{name} cannot go with --model-in: the model decides it")
    if options.report is not None and options.holdout is None:
        raise typer.BadParameter("--report goes with --holdout: it is the report of one")
    if options.holdout is not None and options.model_in is not None:
        raise typer.BadParameter("--model-in cannot go with --holdout: it fits models of its own")
    if options.holdout is not None and options.clients is not None:
        raise typer.BadParameter("--clients cannot go with --holdout: it is of those who bought")


def _write(options: ValueOptions, result: ValueResult, report: HoldoutReport | None) -> None:
    """Write the files of a run: all of them, or none."""
    files: dict[output.AnyPath, Callable[[Path], None]] = {}
    if options.model_out is not None:
        files[options.model_out] = output.json_writer(result.model.to_dict())
    if options.quality is not None:
        files[options.quality] = output.json_writer(_quality(result))
    if options.report is not None and report is not None:
        files[options.report] = report.writer(options.report)
    output.write_result(result.values, options.output, files)


def _quality(result: ValueResult) -> dict[str, Any]:
    return {} if result.quality is None else result.quality.to_dict()
