"""From the options of a command to scores: what `score`, `explain` and `demo` share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import polars as pl
import typer
from rich.table import Table

from grc_fast._typing import AnyPath, Lang
from grc_fast.cli.console import Messages, frame_table
from grc_fast.cli.options import ScoringOptions, SharedOptions, comma_list
from grc_fast.cli.reading import day_of, sales_reading, source_of
from grc_fast.errors import OptionError
from grc_fast.io.write import json_writer, write_result
from grc_fast.labels.catalogue import section
from grc_fast.rfm.criteria import Frequency, Monetary, Recency
from grc_fast.rfm.explanation import Explanation
from grc_fast.rfm.rfm import RFM, RFMModel, RFMResult, score_sales
from grc_fast.rfm.sales_facts import read_facts

# Scoring options that a saved model does not decide.
_BESIDE_A_MODEL: Final = {"lang", "model_in"}


def inputs(options: SharedOptions) -> list[str]:
    """Return what a run reads, to compare its outputs with."""
    named = (options.clients, options.model_in, options.segments)
    return [*options.source, *(path for path in named if path is not None)]


def run_score(options: SharedOptions, messages: Messages) -> RFMResult:
    """Read the sales and score their clients, with a new model or a saved one."""
    model, rfm = _model_and_specification(options)
    with messages.progress() as progress:
        source = source_of(options.source)
        reading = sales_reading(options, rfm.returns, options.threads, progress)
        return score_sales(
            rfm, source, reading, as_of=day_of(options), model=model, lang=options.lang
        )


def run_explain(options: SharedOptions, client: str, messages: Messages) -> Explanation:
    """Read the sales and take the score of one client apart."""
    model, rfm = _model_and_specification(options)
    with messages.progress() as progress:
        reading = sales_reading(options, rfm.returns, options.threads, progress)
        source = source_of(options.source)
        facts, _ = read_facts(rfm, source, reading, as_of=day_of(options))
    if model is None:
        model = rfm.fit(facts, threads=options.threads)
    client_id = _client_id(client, facts.frame["client_id"].dtype)
    return model.explain(facts, client_id=client_id, lang=options.lang)


def specification(options: ScoringOptions) -> RFM:
    """Return the specification that the options describe."""
    bands = options.recency_bands
    return RFM(
        Recency(None if bands is None else comma_list(bands), window=options.recency_window),
        Frequency(**_given(measure=options.frequency), window=options.frequency_window),
        Monetary(**_given(measure=options.monetary), window=options.monetary_window),
        **_given(
            bins=options.bins,
            ties=options.ties,
            edges=options.edges,
            groups=options.groups,
            segments=options.segments,
            returns=options.returns,
            lang=options.lang,
        ),
    )


def _given(**options: Any) -> dict[str, Any]:
    """Return the options that the user gave, choices as the plain text that they stand for."""
    return {
        name: str(value) if isinstance(value, str) else value
        for name, value in options.items()
        if value is not None
    }


def _model_and_specification(options: ScoringOptions) -> tuple[RFMModel | None, RFM]:
    if options.model_in is None:
        return None, specification(options)
    for field in fields(ScoringOptions):
        if field.name not in _BESIDE_A_MODEL and getattr(options, field.name) is not None:
            raise typer.BadParameter(
                f"--{field.name.replace('_', '-')} cannot go with --model-in: the model decides it"
            )
    model = RFMModel.load(options.model_in)
    return model, model.rfm


def _client_id(text: str, dtype: pl.DataType) -> int | str:
    """Return a client id as the sales hold it."""
    if not dtype.is_integer():
        return text
    try:
        return int(text)
    except ValueError:
        raise OptionError(
            f"--id {text!r} is no client of these sales, whose client ids are whole numbers"
        ) from None


def write(result: RFMResult, scores: str, *, model: str | None, quality: str | None) -> None:
    """Write the files of a run: all of them, or none."""
    files: dict[AnyPath, Callable[[Path], None]] = {}
    if model is not None:
        files[model] = json_writer(result.model.to_dict())
    if quality is not None:
        files[quality] = json_writer(result.quality.to_dict())
    write_result(result.scores, scores, files)


def report(result: RFMResult, messages: Messages, lang: Lang | None) -> None:
    """Say what was read, used and dropped, how large every band is, and what to beware of."""
    messages.note(str(result.quality))
    criteria = section("criterion", lang or result.model.rfm.lang)
    bands = result.model.bands.with_columns(pl.col("criterion").replace(criteria))
    messages.table(_captioned(bands, result, lang))
    for warning in result.model.warnings:
        messages.warn(warning)


def segment_table(result: RFMResult, lang: Lang | None) -> Table:
    """Return the segments with their clients, their money and the shares of both."""
    return _captioned(result.segments, result, lang)


def _captioned(frame: pl.DataFrame, result: RFMResult, lang: Lang | None) -> Table:
    return frame_table(frame, section("table", lang or result.model.rfm.lang))
