"""`grc-fast explain`: how one client came to its score."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Any

import polars as pl
import typer

from grc_fast._typing import Lang
from grc_fast.behaviour.explanation import SHOWN, BehaviourExplanation, explain_behaviour
from grc_fast.behaviour.run import EventReading
from grc_fast.cli.console import Messages, show_lines, show_table, show_text
from grc_fast.cli.figures import frame_table
from grc_fast.cli.options import (
    EventColumns,
    SalesOptions,
    ScoringOptions,
    SharedOptions,
    SourceOptions,
    TextFileOptions,
    TrackingFile,
    taking,
)
from grc_fast.cli.reading import day_of, event_columns, sales_reading, source_of
from grc_fast.cli.scoring import language, model_and_specification
from grc_fast.errors import OptionError
from grc_fast.io.write import json_text, write_text
from grc_fast.rfm.explanation import Explanation
from grc_fast.rfm.sales_facts import read_facts


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
    tracking: TrackingFile = None
    json: Annotated[
        bool, typer.Option("--json", help="Print the explanation as JSON instead of text.")
    ] = False


@taking(ExplainOptions)
def explain(options: ExplainOptions) -> None:
    """Take one client's score apart: values, thresholds, points and the rule of its segment.

    With --rules the score is that of behaviour: visits, events, rules, weights and sums.
    """
    if options.rules is not None:
        _explain_events(options, options.rules)
        return

    explanation = _explain_score(options)
    if options.json:
        write_text(json_text(explanation.to_dict()))
    else:
        show_text(str(explanation))


def _explain_score(options: ExplainOptions) -> Explanation:
    """Read the sales and take the score of one client apart."""
    model, rfm = model_and_specification(options)
    lang = language(options, rfm)
    with Messages.of(options, lang).step("read", options.source) as progress:
        reading = sales_reading(options, rfm.returns, options.threads, progress)
        source = source_of(options)
        facts, _ = read_facts(rfm, source, reading, as_of=day_of(options))
    if model is None:
        model = rfm.fit(facts, threads=options.threads)
    client_id = _client_id(options.id, facts.frame["client_id"].dtype)
    return model.explain(facts, client_id=client_id, lang=lang)


def _client_id(text: str, dtype: pl.DataType) -> int | str:
    """Return a client id as the sales hold it."""
    if not dtype.is_integer():
        return text
    try:
        return int(text)
    except ValueError:
        raise OptionError(
            f"--id {text!r} is no client of these sales, whose client ids are whole numbers"
        ) from None


def _options_of_sales() -> dict[str, Any]:
    """Return the options that are about sales alone, with their values where not given."""
    shared = {"client", "as_of", "where", "timezone"}
    shared |= {field.name for part in (SourceOptions, TextFileOptions) for field in fields(part)}
    shared.add("lang")
    own = (*fields(SalesOptions), *fields(ScoringOptions))
    return {field.name: field.default for field in own if field.name not in shared}


def _explain_events(options: ExplainOptions, rules: str) -> None:
    """Take one client's behaviour score apart."""
    for name, default in _options_of_sales().items():
        if getattr(options, name) != default:
            raise typer.BadParameter(
                f"--{name.replace('_', '-')} cannot go with --rules: it is about sales"
            )
    if options.as_of is None:
        raise typer.BadParameter("--rules needs --as-of, the instant that ages are counted from")

    lang: Lang = options.lang or "en"
    with Messages.of(options, lang).step("read", options.source) as progress:
        explanation = explain_behaviour(
            source_of(options),
            rules,
            client_id=options.id,
            as_of=options.as_of,
            lang=lang,
            **(
                event_columns(options)
                | EventReading(
                    client=options.client,
                    where=options.where,
                    timezone=options.timezone,
                    tracking=options.tracking,
                    threads=options.threads,
                    progress=progress,
                )
            ),
        )
    if options.json:
        write_text(json_text(explanation.to_dict()))
    else:
        _show_explanation(explanation)


def _show_explanation(explanation: BehaviourExplanation) -> None:
    """Write one client's score taken apart on standard output: visits, ledger, sums."""
    lang = explanation.lang
    show_lines(f"{explanation.title}\n\n")
    if explanation.visits.height:
        show_table(frame_table(explanation.visits, lang))
        write_text("\n")
    show_table(frame_table(explanation.ledger.select(SHOWN), lang))
    show_lines("\n" + "\n".join(explanation.sums) + "\n")
