"""The page of a folder of outputs, composed of the sections that each analysis brings."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from pathlib import Path

import polars as pl

from grc_fast._typing import Lang
from grc_fast.errors import DataError
from grc_fast.facts.exact_money import SCALE
from grc_fast.facts.quality import Quality
from grc_fast.labels.catalogue import LANGUAGES, text
from grc_fast.pages.folder import Folder, Output, broken, read_folder, sections_of
from grc_fast.pages.kinds import ACCOUNT, MODEL, SCORES, names_of_sections
from grc_fast.report.choice import ALL
from grc_fast.report.page import Page, html_of
from grc_fast.rfm.chart_tables import ChartTables
from grc_fast.rfm.report_page import account_part, page_of
from grc_fast.rfm.rfm import RFMModel
from grc_fast.rfm.segment_sums import segment_sums


def folder_html(path: Path, beside: Path, lang: Lang) -> tuple[str, tuple[str, ...]]:
    """Return the page of a folder, and the names of the files that it does not show.

    Raises
    ------
    SourceError, DataError
        See `read_folder`; also if there are scores without their model.
    """
    folder = read_folder(path, beside)
    head = _head(folder, lang)
    outputs = [folder.outputs[name] for name in names_of_sections() if name in folder.outputs]
    sections = list(sections_of(outputs, lang))
    terms = dict(chain(head.definitions, *(section.definitions for section in sections)))
    page = replace(head, sections=sections, definitions=list(terms.items()))
    return html_of(page, lang), folder.others


def _head(folder: Folder, lang: Lang) -> Page:
    """Return the page of the scored clients, or an empty one where there are none."""
    scores, model, account = (folder.outputs.get(kind) for kind in (SCORES, MODEL, ACCOUNT))
    quality = None if account is None else _quality(account)
    if scores is not None and model is None:
        raise DataError(
            f"{scores.name!r} has no model beside it: save it into the folder with "
            "grc-fast score --model-out rfm.json"
        )
    if scores is None or model is None:
        parts = [] if quality is None else [account_part(quality, lang)]
        title, every = text("report.folder", lang), text("report.every_segment", lang)
        return Page(title, "", (), (), parts, (), [(ALL, every)])
    return page_of(_tables(scores, RFMModel.from_dict(model.content), quality, lang), quality, None)


def _quality(account: Output) -> Quality:
    try:
        return Quality.from_dict(account.content)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        raise broken(account) from None


def _tables(output: Output, model: RFMModel, quality: Quality | None, lang: Lang) -> ChartTables:
    """Return the small tables of scores that were read from a file."""
    needed = [c.name for c in model.rfm.criteria]
    scores: pl.DataFrame = output.content
    missing = [name for name in needed if name not in scores.columns]
    if missing:
        raise DataError(
            f"{output.name!r} has no column {missing[0]!r}: the model beside it is of other scores"
        )
    scores = scores.with_columns(_segment(scores["segment"], output, model))
    # The sum of the sales of a client is in the scores only where it is a criterion.
    total = [c for c in model.rfm.criteria if c.name == "monetary"]
    is_total = bool(total) and total[0].measure == "total" and total[0].window is None
    money = scores["monetary"] if is_total else None
    scale = SCALE if quality is None else quality.money_scale
    sums = segment_sums(scores, money, scale)
    return ChartTables(scores, sums, model, money, scale, lang)


def _segment(found: pl.Series, output: Output, model: RFMModel) -> pl.Series:
    """Return segments as positions in the table of the model, in whatever language they are."""
    texts = found.cast(pl.String)
    used = set(texts.drop_nulls().unique())
    for lang in LANGUAGES:
        labels = model.rfm.table.labels(lang)
        if used <= set(labels):
            return texts.cast(pl.Enum(labels))
    raise DataError(
        f"{output.name!r} has a segment that the model beside it does not know: keep the scores "
        "and the model of one run in the folder"
    )
