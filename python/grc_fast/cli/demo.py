"""`grc-fast demo`: the whole of it on real sales."""

from dataclasses import dataclass
from typing import Annotated

import typer

from grc_fast.cli.options import Language, RunOptions, taking
from grc_fast.cli.threads import limit_polars


@dataclass(kw_only=True)
class DemoOptions(RunOptions):
    """The options of `grc-fast demo`."""

    output_dir: Annotated[
        str,
        typer.Option(
            "--output-dir", "-o", metavar="DIRECTORY", help="Where the scores and the model go."
        ),
    ] = "grc-fast-demo"
    lang: Annotated[Language, typer.Option("--lang", help="Language of the labels.")] = Language.EN


@taking(DemoOptions)
def demo(options: DemoOptions) -> None:
    """Score the 2,469 households of a real grocer: 1.5 million lines of the year 2017."""
    limit_polars(options.threads)
    # Imported when Polars may be: it reads its number of threads then.
    from grc_fast.cli import scoring
    from grc_fast.cli.console import Messages, show_table
    from grc_fast.demo import run_demo
    from grc_fast.rfm import Lang

    lang: Lang = options.lang.value
    messages = Messages(quiet=options.quiet)
    with messages.progress() as progress:
        run = run_demo(options.output_dir, lang=lang, threads=options.threads, progress=progress)
    scoring.report(run.result, messages, lang)
    for path in (run.scores, run.model):
        messages.note(f"written: {path}")
    show_table(scoring.segment_table(run.result, lang))
