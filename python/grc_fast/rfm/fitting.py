"""Bands and groups learnt from clients."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from grc_fast._utils.dates import day_number
from grc_fast._utils.side_by_side import side_by_side
from grc_fast._utils.version import __version__
from grc_fast.rfm.bands import Banding, FittedBands, fit_bands, require_clients, tie_runs
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
    ungrouped = Grades(spec, sizes_of(fitted))
    tally = ungrouped.tally(points, threads)
    grades = ungrouped.with_groups(tally)
    model = FittedModel(
        rfm=spec,
        fitted=tuple(_counted(bands, tally, rows) for bands in fitted),
        group_floors=grades.group_floors,
        clients=rows.height,
        as_of=rows.as_of,
        package=__version__,
        group_sizes=grades.group_sizes(tally),
    )
    return model, points


def _counted(fitted: FittedBands, tally: pl.DataFrame, rows: ClientRows) -> FittedBands:
    """Add to bands how many clients each holds, and the values that fill several."""
    name = fitted.criterion.name
    clients = tally.group_by(LETTERS[name]).agg(pl.col("clients").sum())
    fitted = fitted.counting(dict(clients.iter_rows()))
    if 0 not in fitted.counts:
        return fitted
    return replace(fitted, ties=tie_runs(fitted, rows.scored_only(rows.frame[name])))
