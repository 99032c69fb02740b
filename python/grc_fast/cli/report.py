"""`grc-fast report`: the page of everything that a folder of outputs holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from grc_fast._typing import Lang
from grc_fast.cli.console import Messages
from grc_fast.cli.options import taking
from grc_fast.io.output_checks import check_outputs
from grc_fast.io.write import text_writer, write_outputs
from grc_fast.labels.phrases import Phrase
from grc_fast.report.page_file import check_page_path


@dataclass(kw_only=True)
class ReportOptions:
    """The options of `grc-fast report`."""

    folder: Annotated[
        str,
        typer.Argument(metavar="FOLDER", show_default=False, help="Where other commands wrote to."),
    ]
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="FILE.html", show_default=False, help="Where the page goes."
        ),
    ]
    lang: Annotated[Lang, typer.Option("--lang", help="Language of the page.")] = "en"
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say nothing on standard error but errors.")
    ] = False


@taking(ReportOptions)
def report(options: ReportOptions) -> None:
    """Write the page to look at of all that a folder holds: scores, plans, responses and more.

    Each file is known by its columns or keys, whatever its name. Those that the page does not show
    are named on standard error.
    """
    check_page_path(options.output)
    messages = Messages(quiet=options.quiet, lang=options.lang)
    messages.notes(check_outputs([], [options.output], []))
    from grc_fast.pages.compose import folder_html

    html, others = folder_html(Path(options.folder), Path(options.output), options.lang)
    if others:
        messages.note(Phrase("message.not_shown", names=", ".join(others)))
    write_outputs({options.output: text_writer(html)})
    messages.written(options.output)
