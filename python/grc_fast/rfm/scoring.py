"""Clients scored with frozen edges: frames through the kernels, LazyFrames by expressions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from grc_fast._typing import Day
from grc_fast._utils.checks import check_threads
from grc_fast._utils.dates import day_number, parse_day
from grc_fast.facts.table import CLIENT
from grc_fast.rfm.bands import FittedBands, apply_bands, bands_expr
from grc_fast.rfm.client_table import (
    ClientRows,
    check_columns,
    check_counts,
    keep_where,
    output_columns,
    output_names,
    plain_id,
    read_clients,
    refuse_float_ids,
    scored_expr,
    tenure_expr,
)
from grc_fast.rfm.criteria import LETTERS
from grc_fast.rfm.fitted import FittedModel

# Above this the clients are graded one by one: tables of cells are to stay small beside them.
_MOST_CELLS: Final = 1 << 22
# No column of the user's has this name.
_TENURE: Final = "__grc_fast_tenure"


def score_clients(
    model: FittedModel, clients: Any, *, as_of: Day | None, lang: str, threads: int | None
) -> pl.DataFrame | pl.LazyFrame:
    """Score clients with a model; `RFMModel.score` says what they may be."""
    threads = check_threads(threads)
    if isinstance(clients, pl.LazyFrame):
        return _score_lazy(model, clients, None if as_of is None else parse_day(as_of), lang)
    rows = read_clients(clients, model.rfm.criteria, as_of)
    return assemble(model, rows, _points(model, rows, threads), lang, threads)


def _points(model: FittedModel, rows: ClientRows, threads: int | None) -> dict[str, pl.Series]:
    """Return each criterion's points by its letter, null where the client is not scored."""
    points: dict[str, pl.Series] = {}
    for fitted in model.fitted:
        name = fitted.criterion.name
        bands = apply_bands(
            fitted, rows.frame[name], rows.ids, as_of=day_number(rows.as_of), threads=threads
        )
        letter = LETTERS[name]
        points[letter] = keep_where(fitted.points(bands), rows.scored).alias(letter)
    return points


def assemble(
    model: FittedModel,
    rows: ClientRows,
    points: Mapping[str, pl.Series],
    lang: str,
    threads: int | None,
) -> pl.DataFrame:
    """Put the contractual columns together, from each criterion's points."""
    check_counts(rows, model.rfm.criteria)
    schema, grades = rows.frame.schema, model.grades
    tenure = _tenure(model, schema, rows.as_of)
    before = output_columns(schema, model.rfm.criteria, nan_to_null=False)
    staged = [*before, *points.values(), *_others(model, schema, tenure)]
    # SQL sees clients, not cells; and a few clients are graded sooner than many cells.
    cells = grades.cells(with_tenure=tenure is not None)
    if model.rfm.table.uses_columns or cells > min(rows.frame.height, _MOST_CELLS):
        graded = _graded(model, rows.frame.lazy().select(staged), lang)
        return graded.select(_names(model, schema)).collect()
    scores = rows.frame.select(staged)
    days = None if tenure is None else scores[_TENURE]
    # An unscored client looks up any cell, and forgets what it found.
    filled = {
        letter: own.fill_null(1) if own.null_count() else own for letter, own in points.items()
    }
    found = grades.look_up(filled, days, lang=lang, threads=threads)
    scores = scores.with_columns(keep_where(column, rows.scored) for column in found)
    return scores.select(_names(model, schema))


def _score_lazy(
    model: FittedModel, clients: pl.LazyFrame, as_of: dt.date | None, lang: str
) -> pl.LazyFrame:
    """Score by expressions alone."""
    schema, criteria = clients.collect_schema(), model.rfm.criteria
    check_columns(schema, criteria)
    refuse_float_ids(schema)
    clients = clients.with_columns(plain_id(schema[CLIENT]))
    scored = scored_expr(schema, {criterion.name for criterion in criteria})
    points = [_points_expr(fitted, schema, as_of, scored) for fitted in model.fitted]
    before = output_columns(schema, criteria, nan_to_null=True)
    others = _others(model, schema, _tenure(model, schema, as_of))
    staged = clients.select(*before, *points, *others)
    return _graded(model, staged, lang).select(_names(model, schema)).sort(CLIENT)


def _points_expr(
    fitted: FittedBands,
    schema: pl.Schema,
    as_of: dt.date | None,
    scored: pl.Expr | None,
) -> pl.Expr:
    """Return one criterion's points over the clients' columns."""
    name = fitted.criterion.name
    bands = bands_expr(fitted, pl.col(name), schema[name], day_number(as_of))
    points = fitted.points_expr(bands)
    return (points if scored is None else pl.when(scored).then(points)).alias(LETTERS[name])


def _tenure(model: FittedModel, schema: pl.Schema, as_of: dt.date | None) -> pl.Expr | None:
    """Return the tenure if the segment table asks for it and the columns tell it."""
    return tenure_expr(schema, as_of) if model.rfm.table.tenure_limits else None


def _others(model: FittedModel, schema: pl.Schema, tenure: pl.Expr | None) -> list[pl.Expr]:
    """Return what the segment table reads beside the columns of scores."""
    ours = _names(model, schema)
    own = [name for name in model.rfm.table.columns if name in schema and name not in ours]
    return [*map(pl.col, own), *([] if tenure is None else [tenure.alias(_TENURE)])]


def _graded(model: FittedModel, staged: pl.LazyFrame, lang: str) -> pl.LazyFrame:
    """Add the code, the score, the group and the segment to the points."""
    columns = staged.collect_schema()
    if model.rfm.table.uses_columns:
        model.rfm.table.check_columns(model.grades.scored(staged).collect_schema())
    tenure = pl.col(_TENURE) if _TENURE in columns else None
    return model.grades.graded(staged, tenure, lang)


def _names(model: FittedModel, schema: pl.Schema) -> list[str]:
    """Return the names of the columns of scores."""
    return [*output_names(schema, model.rfm.criteria), *model.grades.names]
