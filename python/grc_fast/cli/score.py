"""`grc-fast score`: points, group and segment of every client."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from grc_fast._typing import AnyPath
from grc_fast.cli import scoring
from grc_fast.cli.console import Messages, show_table
from grc_fast.cli.options import QualityFile, SharedOptions, option, output_option, taking
from grc_fast.cli.reading import day_of, sales_reading, source_of
from grc_fast.io.output_checks import check_outputs
from grc_fast.io.write import STDOUT, json_writer, write_result
from grc_fast.rfm.rfm import RFMResult, score_sales


@dataclass(kw_only=True)
class ScoreOptions(SharedOptions):
    """The options of `grc-fast score`."""

    output: Annotated[str, output_option("scores")]
    model_out: Annotated[
        str | None, option("FILE", "Save the specification and the thresholds as JSON.")
    ] = None
    quality: QualityFile = None


@taking(ScoreOptions)
def score(options: ScoreOptions) -> None:
    """Score every client by recency, frequency and monetary value.

    The segment table goes to standard output (or the scores, with -o -); progress, the account
    of what was read and dropped and the size of every band go to standard error.
    """
    other_files = [path for path in (options.model_out, options.quality) if path is not None]
    check_outputs([options.output], other_files, _inputs(options))
    messages = Messages(quiet=options.quiet)
    result = _score(options, messages)
    scoring.report(result, messages, options.lang)
    segments = scoring.segment_table(result, options.lang)
    _write(result, options)
    if options.output == STDOUT:
        messages.table(segments)
        return
    for path in (options.output, *other_files):
        messages.note(f"written: {path}")
    show_table(segments)


def _inputs(options: ScoreOptions) -> list[str]:
    """Return what a run reads, to compare its outputs with."""
    named = (options.clients, options.model_in, options.segments)
    return [*options.source, *(path for path in named if path is not None)]


def _score(options: ScoreOptions, messages: Messages) -> RFMResult:
    """Read the sales and score their clients, with a new model or a saved one."""
    model, rfm = scoring.model_and_specification(options)
    with messages.progress() as progress:
        source = source_of(options.source)
        reading = sales_reading(options, rfm.returns, options.threads, progress)
        return score_sales(
            rfm, source, reading, as_of=day_of(options), model=model, lang=options.lang
        )


def _write(result: RFMResult, options: ScoreOptions) -> None:
    """Write the files of a run: all of them, or none."""
    files: dict[AnyPath, Callable[[Path], None]] = {}
    if options.model_out is not None:
        files[options.model_out] = json_writer(result.model.to_dict())
    if options.quality is not None:
        files[options.quality] = json_writer(result.quality.to_dict())
    write_result(result.scores, options.output, files)
