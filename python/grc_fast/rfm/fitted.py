"""A fitted RFM: the frozen edges, and what they say of the clients of the fit."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from grc_fast._typing import Number
from grc_fast._utils.dates import day_number
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase
from grc_fast.rfm.bands import FittedBands, band_warnings, join_numbers
from grc_fast.rfm.grades import Grades, sizes_of
from grc_fast.rfm.specification import Specification


@dataclass(frozen=True)
class FittedModel:
    """Frozen bands, groups and segments, which `RFMModel` documents."""

    rfm: Specification
    fitted: tuple[FittedBands, ...]
    group_floors: tuple[Number | None, ...]
    clients: int
    as_of: dt.date | None
    package: str
    group_sizes: tuple[int, ...] = ()

    @cached_property
    def bands(self) -> pl.DataFrame:
        """Every band of every criterion, and how many clients of the fit it holds.

        Columns: `criterion`, `band`, `points`, `from`, `to` (Float64, null where open; days for
        recency), `clients`, `share`. Quantile bands hold values above `from` and up to `to`;
        thresholds, and the bands of ``edges="r-rfm"``, those of `from` and up to below `to`.
        Bands of split ties share the values at their ends. Thresholds in months count back from
        the day of the fit. Clients without a value count in the worst band.
        """
        rows = [row for fitted in self.fitted for row in self._band_rows(fitted)]
        schema = {
            "criterion": pl.String,
            "band": pl.UInt8,
            "points": pl.UInt8,
            "from": pl.Float64,
            "to": pl.Float64,
            "clients": pl.UInt64,
            "share": pl.Float64,
        }
        return pl.DataFrame(rows, schema=schema, orient="row")

    @cached_property
    def warnings(self) -> list[Wording]:
        """Bands, groups and segments that nobody is in, or can be in, and why."""
        of_bands = [warning for fitted in self.fitted for warning in band_warnings(fitted)]
        return [*of_bands, *group_warnings(self.group_sizes), *self.rfm.table.warnings]

    @property
    def grades(self) -> Grades:
        """What points are worth."""
        return Grades(self.rfm, sizes_of(self.fitted), self.group_floors)

    def _band_rows(self, fitted: FittedBands) -> list[tuple[Any, ...]]:
        edges = [float(edge) for edge in fitted.edges_at(day_number(self.as_of))]
        # Fewer clients than bands, or none with a value, leave edges out.
        edges += [math.nan] * (fitted.size - 1 - len(edges))
        bounds = [None if math.isnan(edge) else edge for edge in edges]
        return [
            (
                fitted.criterion.name,
                band,
                fitted.points_of(band),
                low,
                high,
                clients,
                clients / self.clients,
            )
            for band, (low, high, clients) in enumerate(
                zip([None, *bounds], [*bounds, None], fitted.counts, strict=True), start=1
            )
        ]


def group_warnings(sizes: Sequence[int]) -> list[Wording]:
    """Say which groups nobody is in, and why."""
    empty = [group for group, clients in enumerate(sizes, start=1) if clients == 0]
    if not empty:
        return []
    total, groups = sum(sizes), len(sizes)
    if total < groups:
        return [
            Phrase("bands.few_for_groups", clients=total, groups=groups, empty=join_numbers(empty))
        ]
    largest = max(sizes)
    return [
        Phrase(
            "bands.nobody_in_group",
            empty=join_numbers(empty),
            groups=groups,
            share=100 * largest / total,
            largest=sizes.index(largest) + 1,
        )
    ]
