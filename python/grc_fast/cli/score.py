"""`grc-fast score`: points, group and segment of every client."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from grc_fast._typing import AnyPath, Lang
from grc_fast._utils.dates import parse_day
from grc_fast.cli import scoring
from grc_fast.cli.console import Messages, show_table
from grc_fast.cli.options import (
    CsvStyleOption,
    QualityFile,
    SharedOptions,
    comma_list,
    output_option,
    taking,
)
from grc_fast.cli.reading import day_of, sales_reading, source_of, text_reading
from grc_fast.facts.quality import Quality
from grc_fast.io.output_checks import check_outputs
from grc_fast.io.output_style import OutputStyle
from grc_fast.io.small_tables import read_table
from grc_fast.io.text_options import TextOptions
from grc_fast.io.write import STDOUT, json_writer, text_writer, write_result
from grc_fast.report.page_file import check_page_path
from grc_fast.rfm.chart_tables import ChartTables
from grc_fast.rfm.rfm import RFM, RFMModel, score_sales
from grc_fast.rfm.segment_sums import segment_sums


@dataclass(kw_only=True)
class ScoreOptions(SharedOptions):
    """The options of `grc-fast score`."""

    output: Annotated[str, output_option("scores")]
    csv_style: CsvStyleOption = "plain"
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
    report: Annotated[
        str | None,
        typer.Option(
            "--report",
            metavar="FILE.html",
            show_default=False,
            help="Write the page to look at: headlines, charts, tables, and what they mean.",
        ),
    ] = None
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep",
            metavar="COLUMN,…",
            show_default=False,
            help="Columns of the client base that the scores are to have as well: name,email.",
        ),
    ] = None
    client_level: Annotated[
        bool,
        typer.Option(
            "--client-level",
            help="SOURCE is a table of one row a client with recency, frequency and monetary, and "
            "not of sales.",
        ),
    ] = False


@dataclass(frozen=True)
class _Scored:
    """What a run has scored, from sales or from a table of clients."""

    scores: pl.DataFrame
    model: RFMModel
    segments: pl.DataFrame
    as_of: dt.date | None = None
    quality: Quality | None = None
    money: pl.Series | None = None


@taking(ScoreOptions)
def score(options: ScoreOptions) -> None:
    """Score every client by recency, frequency and monetary value.

    The segment table goes to standard output (or the scores, with -o -); progress, the account
    of what was read and dropped and the size of every band go to standard error.
    """
    named = (options.model_out, options.quality, options.report)
    other_files = [path for path in named if path is not None]
    if options.report is not None:
        check_page_path(options.report)
    model, rfm = scoring.model_and_specification(options)
    lang = scoring.language(options, rfm)
    messages = Messages.of(options, lang)
    messages.notes(check_outputs([options.output], other_files, _inputs(options)))
    result = (
        _score_clients(options, model, rfm)
        if options.client_level
        else _score(options, model, rfm, messages)
    )
    if result.quality is not None:
        messages.account(result.quality.said(lang))
    frozen = None if options.model_in is None else result.scores
    scoring.report(result.model, messages, lang, frozen=frozen)
    segments = scoring.segment_table(result.segments, messages, lang)
    with messages.writing(options.output):
        _write(result, options, lang)
    if options.output == STDOUT:
        messages.table(segments)
        return
    for path in (options.output, *other_files):
        messages.written(path)
    show_table(segments)


def _inputs(options: ScoreOptions) -> list[str]:
    """Return what a run reads, to compare its outputs with."""
    named = (options.clients, options.model_in, options.segments)
    return [*options.source, *(path for path in named if path is not None)]


def _score_clients(options: ScoreOptions, model: RFMModel | None, rfm: RFM) -> _Scored:
    """Score the clients of a table that has their recency, frequency and monetary value."""
    for name in ("clients", "keep", "where", "order", "quality"):
        if getattr(options, name):
            raise typer.BadParameter(
                f"--{name} does not go with --client-level: it is of sales, not of clients"
            )
    table = read_table(source_of(options), TextOptions(**text_reading(options)), options.client)
    table = table.rename({options.client: "client_id"})
    as_of, lang, threads = options.as_of, options.lang, options.threads
    if model is None:
        model, scores = rfm.fit_score(table, as_of=as_of, lang=lang, threads=threads)
    else:
        scores = model.score(table, as_of=as_of, lang=lang, threads=threads)
    day = None if as_of is None else parse_day(as_of)
    return _Scored(scores, model, segment_sums(scores, None, 0), day)


def _score(options: ScoreOptions, model: RFMModel | None, rfm: RFM, messages: Messages) -> _Scored:
    """Read the sales and score their clients, with a new model or a saved one."""
    with messages.step("read", options.source) as progress:
        source = source_of(options)
        reading = sales_reading(options, rfm.returns, options.threads, progress)
        result = score_sales(
            rfm,
            source,
            reading,
            as_of=day_of(options),
            model=model,
            lang=options.lang,
            keep=comma_list(options.keep or []),
        )
    return _Scored(
        result.scores, result.model, result.segments, result.as_of, result.quality, result.money
    )


def _write(result: _Scored, options: ScoreOptions, lang: Lang) -> None:
    """Write the files of a run: all of them, or none."""
    files: dict[AnyPath, Callable[[Path], None]] = {}
    if options.model_out is not None:
        files[options.model_out] = json_writer(result.model.to_dict())
    if options.quality is not None and result.quality is not None:
        files[options.quality] = json_writer(result.quality.to_dict())
    if options.report is not None:
        files[options.report] = text_writer(_page(result, lang))
    style = OutputStyle(csv=options.csv_style, lang=lang)
    write_result(result.scores, options.output, files, style)


def _page(result: _Scored, lang: Lang) -> str:
    """Return the page of a run."""
    from grc_fast.rfm.report_page import report_html

    scale = 0 if result.quality is None else result.quality.money_scale
    tables = ChartTables(result.scores, result.segments, result.model, result.money, scale, lang)
    return report_html(tables, result.quality, result.as_of)
