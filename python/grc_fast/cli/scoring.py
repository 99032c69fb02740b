"""From the options of a command to scores: what `score`, `explain` and `demo` share."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

import polars as pl
import typer
from rich.table import Table

from grc_fast._typing import Lang
from grc_fast.cli.console import Messages
from grc_fast.cli.figures import frame_table
from grc_fast.cli.options import ScoringOptions, comma_list, numbers
from grc_fast.labels.phrases import Phrase
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


def language(options: ScoringOptions, rfm: RFM) -> Lang:
    """Return the language that is asked for, or that of a saved model."""
    return options.lang or rfm.lang


def report(
    model: RFMModel, messages: Messages, lang: Lang, *, frozen: pl.DataFrame | None = None
) -> None:
    """Say how large every band is, and what to beware of.

    `frozen` has the scores of other clients than those of the fit, whose sizes go beside.
    """
    drift = None if frozen is None else model.drift(frozen)
    bands = model.bands if drift is None else drift.bands
    messages.table(frame_table(bands, lang))
    for phrase in () if drift is None else drift.phrases:
        messages.note(phrase)
    messages.warnings(model.warnings)


def segment_table(segments: pl.DataFrame, messages: Messages, lang: Lang) -> Table:
    """Return the segments with their clients, their money and both shares; say what money is."""
    if segments["money"].count():
        messages.note(Phrase("message.money"))
    return frame_table(segments, lang, total=True)
