"""From the options of a command to scores: what `score`, `explain` and `demo` share."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

import polars as pl
import typer
from rich.table import Table

from grc_fast._typing import Lang
from grc_fast.cli.console import Messages, frame_table
from grc_fast.cli.options import ScoringOptions, comma_list, numbers
from grc_fast.labels.catalogue import section
from grc_fast.rfm.criteria import Frequency, Monetary, Recency
from grc_fast.rfm.rfm import RFM, RFMModel

# Scoring options that a saved model does not decide.
_BESIDE_A_MODEL: Final = {"lang", "model_in"}


def specification(options: ScoringOptions) -> RFM:
    """Return the specification that the options describe."""
    bands = options.recency_bands
    return RFM(
        Recency(None if bands is None else comma_list(bands), window=options.recency_window),
        Frequency(
            **_given(measure=options.frequency),
            window=options.frequency_window,
            bands=numbers("--frequency-bands", options.frequency_bands),
        ),
        Monetary(
            **_given(measure=options.monetary),
            window=options.monetary_window,
            bands=numbers("--monetary-bands", options.monetary_bands),
        ),
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
    """Return the options that the user gave."""
    return {name: value for name, value in options.items() if value is not None}


def model_and_specification(options: ScoringOptions) -> tuple[RFMModel | None, RFM]:
    """Return the saved model that the options name, if any, and the specification."""
    if options.model_in is None:
        return None, specification(options)
    for field in fields(ScoringOptions):
        if field.name not in _BESIDE_A_MODEL and getattr(options, field.name) is not None:
            raise typer.BadParameter(
                f"--{field.name.replace('_', '-')} cannot go with --model-in: the model decides it"
            )
    model = RFMModel.load(options.model_in)
    return model, model.rfm


def report(
    model: RFMModel, messages: Messages, lang: Lang | None, *, frozen: pl.DataFrame | None = None
) -> None:
    """Say how large every band is, and what to beware of.

    `frozen` has the scores of other clients than those of the fit, whose sizes go beside.
    """
    criteria = section("criterion", lang or model.rfm.lang)
    drift = None if frozen is None else model.drift(frozen)
    bands = model.bands if drift is None else drift.bands
    named = bands.with_columns(pl.col("criterion").replace(criteria))
    messages.table(_captioned(named, model, lang))
    for sentence in [] if drift is None else drift.sentences(lang or model.rfm.lang):
        messages.note(sentence)
    for warning in model.warnings:
        messages.warn(warning)


def segment_table(segments: pl.DataFrame, model: RFMModel, lang: Lang | None) -> Table:
    """Return the segments with their clients, their money and the shares of both."""
    return _captioned(segments, model, lang)


def _captioned(frame: pl.DataFrame, model: RFMModel, lang: Lang | None) -> Table:
    return frame_table(frame, section("table", lang or model.rfm.lang))
