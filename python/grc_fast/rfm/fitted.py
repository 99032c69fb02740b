"""A fitted RFM: the frozen edges, and what they say of the clients of the fit."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from grc_fast._typing import Number
from grc_fast._utils.dates import day_number
from grc_fast.rfm.bands import FittedBands, band_warnings
from grc_fast.rfm.grades import Grades, sizes_of
from grc_fast.rfm.specification import Specification


@dataclass(frozen=True)
class FittedModel:
    """Frozen bands, groups and segments, which `RFMModel` documents."""

    rfm: Specification
    fitted: tuple[FittedBands, ...]
    group_floors: tuple[Number, ...]
    clients: int
    as_of: dt.date | None
    package: str

    @cached_property
    def bands(self) -> pl.DataFrame:
        """Every band of every criterion, and how many clients of the fit it holds.

        Columns: `criterion`, `band`, `points`, `from`, `to` (Float64, null where open; days for
        recency), `clients`, `share`. Quantile bands hold values above `from` and up to `to`;
        thresholds those of `from` and up to below `to`. Thresholds in months count back from the
        day of the fit. Clients without a value count in the worst band.
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
    def warnings(self) -> list[str]:
        """Where one value fills several bands, so that nobody has some points."""
        return [warning for fitted in self.fitted for warning in band_warnings(fitted)]

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
