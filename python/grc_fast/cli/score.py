"""`grc-fast score`: points, group and segment of every client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from grc_fast.cli import scoring
from grc_fast.cli.console import Messages, show_table
from grc_fast.cli.options import QualityFile, SharedOptions, output_option, taking
from grc_fast.io.output_checks import check_outputs
from grc_fast.io.write import STDOUT


@dataclass(kw_only=True)
class ScoreOptions(SharedOptions):
    """The options of `grc-fast score`."""

    output: Annotated[str, output_option("scores")]
    model_out: Annotated[
        str | None,
        typer.Option(
            "--model-out",
            metavar="FILE",
            show_default=False,
            help="Save the specification and the thresholds as JSON.",
        ),
    ] = None
    quality: QualityFile = None


@taking(ScoreOptions)
def score(options: ScoreOptions) -> None:
    """Score every client by recency, frequency and monetary value.

    The segment table goes to standard output (or the scores, with -o -); progress, the account
    of what was read and dropped and the size of every band go to standard error.
    """
    other_files = [path for path in (options.model_out, options.quality) if path is not None]
    check_outputs([options.output], other_files, scoring.inputs(options))
    messages = Messages(quiet=options.quiet)
    result = scoring.run_score(options, messages)
    scoring.report(result, messages, options.lang)
    segments = scoring.segment_table(result, options.lang)
    scoring.write(result, options.output, model=options.model_out, quality=options.quality)
    if options.output == STDOUT:
        messages.table(segments)
        return
    for path in (options.output, *other_files):
        messages.note(f"written: {path}")
    show_table(segments)
