"""`grc-fast demo`: the whole of it on real sales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from grc_fast.cli import scoring
from grc_fast.cli.console import Messages, show_table
from grc_fast.cli.options import LangOption, RunOptions, taking
from grc_fast.datasets.groceries import run_demo
from grc_fast.labels.phrases import Phrase


@dataclass(kw_only=True)
class DemoOptions(RunOptions):
    """The options of `grc-fast demo`."""

    output_dir: Annotated[
        str,
        typer.Option(
            "--output-dir", "-o", metavar="DIRECTORY", help="Where scores, model and page go."
        ),
    ] = "grc-fast-demo"
    lang: LangOption = "en"


@taking(DemoOptions)
def demo(options: DemoOptions) -> None:
    """Score the 2,469 households of a real grocer: 1.5 million lines of the year 2017."""
    messages = Messages.of(options, options.lang)
    with messages.step("read") as progress:
        run = run_demo(
            options.output_dir, lang=options.lang, threads=options.threads, progress=progress
        )
    messages.account(run.result.quality.said(options.lang))
    scoring.report(run.result.model, messages, options.lang)
    for path in (run.scores, run.model):
        messages.written(str(path))
    show_table(scoring.segment_table(run.result.segments, messages, options.lang))
    if run.page is None:
        messages.note(Phrase("message.no_page"))
    else:
        messages.note(Phrase("message.page", name=str(run.page)))
