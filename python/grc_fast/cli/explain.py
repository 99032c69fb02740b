"""`grc-fast explain`: how one client came to its score."""

from dataclasses import dataclass
from typing import Annotated

import typer

from grc_fast.cli.options import SharedOptions, taking
from grc_fast.cli.threads import limit_polars


@dataclass(kw_only=True)
class ExplainOptions(SharedOptions):
    """The options of `grc-fast explain`."""

    id: Annotated[
        str,
        typer.Option("--id", metavar="CLIENT", show_default=False, help="The client to explain."),
    ]
    json: Annotated[
        bool, typer.Option("--json", help="Print the explanation as JSON instead of text.")
    ] = False


@taking(ExplainOptions)
def explain(options: ExplainOptions) -> None:
    """Take one client's score apart: values, thresholds, points and the rule of its segment."""
    limit_polars(options.threads)
    # Imported when Polars may be: it reads its number of threads then.
    from grc_fast.cli import scoring
    from grc_fast.cli.console import Messages, show_text
    from grc_fast.output import json_text, write_text

    explanation = scoring.run_explain(options, options.id, Messages(quiet=options.quiet))
    if options.json:
        write_text(json_text(explanation.to_dict()))
    else:
        show_text(str(explanation))
