"""`grc-fast score`: points, group and segment of every client."""

from dataclasses import dataclass
from typing import Annotated

import typer

from grc_fast.cli.options import QualityFile, SharedOptions, output_option, taking
from grc_fast.cli.threads import limit_polars


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
    limit_polars(options.threads)
    # Imported when Polars may be: it reads its number of threads then.
    from grc_fast import output
    from grc_fast.cli import scoring
    from grc_fast.cli.console import Messages, show_table

    other_files = [path for path in (options.model_out, options.quality) if path is not None]
    output.check_outputs([options.output], other_files, scoring.inputs(options))
    messages = Messages(quiet=options.quiet)
    result = scoring.run_score(options, messages)
    lang = scoring.language(options)
    scoring.report(result, messages, lang)
    segments = scoring.segment_table(result, lang)
    scoring.write(result, options.output, model=options.model_out, quality=options.quality)
    if options.output == output.STDOUT:
        messages.table(segments)
        return
    for path in (options.output, *other_files):
        messages.note(f"written: {path}")
    show_table(segments)
