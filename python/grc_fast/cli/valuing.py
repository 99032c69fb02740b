"""From the options of `grc-fast value` to files, tables and charts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import typer

from grc_fast import output
from grc_fast.cli.console import Messages, frame_table, show_table
from grc_fast.cli.options import comma_list
from grc_fast.cli.value import ValueOptions
from grc_fast.facts import Progress
from grc_fast.rfm import Reading
from grc_fast.roles import Roles
from grc_fast.value.horizons import HORIZONS
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
    result = _result(options, messages)
    messages.note(str(result.quality))
    for note in result.notes:
        messages.note(note)
    for warning in result.warnings:
        messages.warn(warning)
    _write(options, result)
    if options.output != output.STDOUT:
        for path in (options.output, *files):
            messages.note(f"written: {path}")
    summary = frame_table(result.summary, {})
    if options.output == output.STDOUT:
        messages.table(summary)
    else:
        show_table(summary)


def _result(options: ValueOptions, messages: Messages) -> ValueResult:
    margin = _margin(options.margin)
    if options.margin is None:
        messages.note(f"margin {MARGIN:.0%} is assumed: give your own with --margin")
    with messages.progress() as progress:
        known, quality, shares = read_histories(
            source(options), reading(options, progress), options.returns.value, margin
        )
    if options.model_in is not None:
        model = ValueModel.load(options.model_in)
    else:
        model = fit_value(
            known,
            options.model.value,
            time_scaler=options.time_scaler,
            threads=options.threads,
        )
    return value_clients(
        known,
        model,
        horizons(options),
        shares,
        discount=options.discount,
        quality=quality,
        threads=options.threads,
    )


def source(options: ValueOptions) -> str | list[str]:
    """Return the source as the readers take it."""
    return options.source[0] if len(options.source) == 1 else options.source


def horizons(options: ValueOptions) -> list[str]:
    """Return the horizons that the user chose."""
    return list(HORIZONS) if options.horizons is None else comma_list(options.horizons)


def reading(options: ValueOptions, progress: Progress | None) -> Reading:
    """Return how the sales are read."""
    return Reading(
        as_of=options.as_of,
        roles=Roles(
            client=options.client,
            date=options.date,
            amount=options.amount,
            order=comma_list(options.order) if options.order else None,
            where=options.where,
        ),
        clients=options.clients,
        timezone=options.timezone,
        money_scale=options.money_scale,
        threads=options.threads,
        progress=progress,
    )


def _margin(text: str | None) -> float | str:
    """Read a margin: a number is a rate, anything else a column or SQL."""
    if text is None:
        return MARGIN
    try:
        number = float(text)
    except ValueError:
        return text
    return rate("--margin", number, least=0, most=1)


def _check(options: ValueOptions) -> None:
    if options.model_in is not None and options.model_out is not None:
        raise typer.BadParameter("--model-out cannot go with --model-in: nothing new is fitted")
    if options.report is not None and options.holdout is None:
        raise typer.BadParameter("--report goes with --holdout: it is the report of one")


def _write(options: ValueOptions, result: ValueResult) -> None:
    """Write the files of a run: all of them, or none."""
    files: dict[output.AnyPath, Callable[[Path], None]] = {}
    if options.output != output.STDOUT:
        files[options.output] = output.frame_writer(result.values, options.output)
    if options.model_out is not None:
        files[options.model_out] = output.json_writer(result.model.to_dict())
    if options.quality is not None:
        files[options.quality] = output.json_writer(_quality(result))
    to_stdout = partial(output.write_frame, result.values, output.STDOUT)
    output.write_outputs(files, last=to_stdout if options.output == output.STDOUT else None)


def _quality(result: ValueResult) -> dict[str, Any]:
    return {} if result.quality is None else result.quality.to_dict()
