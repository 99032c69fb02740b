"""`grc-fast explain`: how one client came to its score."""

from dataclasses import dataclass, fields
from typing import Annotated, Any

import typer

from grc_fast.cli.options import (
    EventColumns,
    SalesOptions,
    ScoringOptions,
    SharedOptions,
    taking,
)
from grc_fast.cli.threads import limit_polars


@dataclass(kw_only=True)
class ExplainOptions(SharedOptions, EventColumns):
    """The options of `grc-fast explain`."""

    id: Annotated[
        str,
        typer.Option("--id", metavar="CLIENT", show_default=False, help="The client to explain."),
    ]
    rules: Annotated[
        str | None,
        typer.Option(
            "--rules",
            metavar="FILE|PRESET",
            show_default=False,
            help="Explain a behaviour score under these rules: the source then holds events.",
        ),
    ] = None
    json: Annotated[
        bool, typer.Option("--json", help="Print the explanation as JSON instead of text.")
    ] = False


@taking(ExplainOptions)
def explain(options: ExplainOptions) -> None:
    """Take one client's score apart: values, thresholds, points and the rule of its segment.

    With --rules the score is that of behaviour: visits, events, rules, weights and sums.
    """
    limit_polars(options.threads)
    if options.rules is not None:
        explain_events(options, options.rules)
        return
    # Imported when Polars may be: it reads its number of threads then.
    from grc_fast.cli import scoring
    from grc_fast.cli.console import Messages, show_text
    from grc_fast.output import json_text, write_text

    explanation = scoring.run_explain(options, options.id, Messages(quiet=options.quiet))
    if options.json:
        write_text(json_text(explanation.to_dict()))
    else:
        show_text(str(explanation))


def _options_of_sales() -> dict[str, Any]:
    """Return the options that are about sales alone, with their values where not given."""
    shared = {"source", "client", "as_of", "where", "timezone"}
    own = [field for field in fields(SalesOptions) if field.name not in shared]
    return {field.name: field.default for field in (*own, *fields(ScoringOptions))}


def explain_events(options: ExplainOptions, rules: str) -> None:
    """Take one client's behaviour score apart."""
    for name, default in _options_of_sales().items():
        if getattr(options, name) != default:
            raise typer.BadParameter(
                f"--{name.replace('_', '-')} cannot go with --rules: it is about sales"
            )
    if options.as_of is None:
        raise typer.BadParameter("--rules needs --as-of, the instant that ages are counted from")
    from grc_fast.behaviour import explain_behaviour
    from grc_fast.cli import events
    from grc_fast.cli.console import Messages
    from grc_fast.cli.reading import source_of
    from grc_fast.output import json_text, write_text

    with Messages(quiet=options.quiet).progress() as progress:
        explanation = explain_behaviour(
            source_of(options.source),
            rules,
            client_id=options.id,
            as_of=options.as_of,
            client=options.client,
            where=options.where,
            timezone=options.timezone,
            threads=options.threads,
            progress=progress,
            **events.columns_of(options),
        )
    if options.json:
        write_text(json_text(explanation.to_dict()))
    else:
        events.show_explanation(explanation)
