"""Bands and groups learnt from clients."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import polars as pl

from grc_fast._typing import Number
from grc_fast._utils.dates import day_number
from grc_fast._utils.side_by_side import side_by_side
from grc_fast._utils.version import __version__
from grc_fast.rfm.bands import (
    Banding,
    FittedBands,
    clients_with,
    fit_bands,
    require_clients,
    tie_runs,
)
from grc_fast.rfm.client_table import ClientRows, keep_where
from grc_fast.rfm.criteria import LETTERS
from grc_fast.rfm.fitted import FittedModel
from grc_fast.rfm.grades import Grades, sizes_of
from grc_fast.rfm.specification import Specification

# From so many on, criteria are cut into bands side by side: starting threads takes time, too.
_MANY_CLIENTS: Final = 100_000


def fit_edges(
    spec: Specification, rows: ClientRows, threads: int | None
) -> tuple[FittedModel, dict[str, pl.Series]]:
    """Learn a model, and return with it the points of the clients it learnt from."""
    require_clients(rows.height)
    as_of = day_number(rows.as_of)

    def learn(banding: Banding) -> tuple[FittedBands, pl.Series]:
        values = rows.scored_only(rows.frame[banding.criterion.name])
        fitted, bands = fit_bands(banding, values, rows.ids, as_of=as_of, threads=threads)
        return fitted, keep_where(fitted.points(bands), rows.scored)

    if rows.height < _MANY_CLIENTS:
        learnt = list(map(learn, spec.bandings))
    else:
        # What one thread of a kernel does alone, the others spend on another criterion.
        learnt = side_by_side(learn, spec.bandings)
    fitted = [bands for bands, _ in learnt]
    points = {(letter := LETTERS[bands.criterion.name]): own.alias(letter) for bands, own in learnt}
    tally = Grades(spec, sizes_of(fitted)).tally(points, threads)

    def clients_at(name: str, value: Number) -> int:
        return clients_with(rows.scored_only(rows.frame[name]), value)

    return model_of_counts(spec, fitted, tally, clients_at, rows.as_of), points


def model_of_counts(
    spec: Specification,
    fitted: Sequence[FittedBands],
    tally: pl.DataFrame,
    clients_at: Callable[[str, Number], int],
    as_of: dt.date | None,
) -> FittedModel:
    """Learn groups, and make the model, of bands and of how many clients are where.

    Parameters
    ----------
    spec
        The specification.
    fitted
        The bands of each criterion.
    tally
        The clients of each cell (see `Grades.tally`).
    clients_at
        How many of them have a value of a criterion.
    as_of
        The day of the fit, where known.
    """
    grades = Grades(spec, sizes_of(fitted)).with_groups(tally)
    return FittedModel(
        rfm=spec,
        fitted=tuple(_counted(bands, tally, clients_at) for bands in fitted),
        group_floors=grades.group_floors,
        clients=int(tally["clients"].sum()),
        as_of=as_of,
        package=__version__,
        group_sizes=grades.group_sizes(tally),
    )


def _counted(
    fitted: FittedBands, tally: pl.DataFrame, clients_at: Callable[[str, Number], int]
) -> FittedBands:
    """Add to bands how many clients each holds, and the values that fill several."""
    name = fitted.criterion.name
    clients = tally.group_by(LETTERS[name]).agg(pl.col("clients").sum())
    fitted = fitted.counting(dict(clients.iter_rows()))
    if 0 not in fitted.counts:
        return fitted
    return replace(fitted, ties=tie_runs(fitted, partial(clients_at, name)))
