"""How a cross-tab departs from independence: expected counts, residuals, chi-square."""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

from grc_fast._utils.extras import import_extra
from grc_fast.segmentation.suppression import EXTRA


@dataclass(frozen=True)
class Independence:
    """Pearson's test of independence.

    Attributes
    ----------
    chi_square
        The sum over the cells of (clients - expected)² / expected.
    degrees_of_freedom
        (rows - 1) × (columns - 1).
    cramers_v
        sqrt(chi-square / (clients × min(rows - 1, columns - 1))): 0 where the rows say nothing of
        the columns, 1 where they say all; None with a single row or column.
    """

    chi_square: float
    degrees_of_freedom: int
    cramers_v: float | None

    @classmethod
    def of(cls, inner: pl.DataFrame, rows: int, columns: int) -> Independence:
        """Test the cells of a table, with their `clients` and `expected`."""
        clients, expected = inner["clients"].cast(pl.Float64), inner["expected"]
        chi_square = math.fsum((clients - expected) ** 2 / expected)
        everyone, least = float(inner["clients"].sum()), min(rows, columns) - 1
        return cls(
            chi_square=chi_square,
            degrees_of_freedom=(rows - 1) * (columns - 1),
            cramers_v=math.sqrt(chi_square / (everyone * least)) if least else None,
        )

    @property
    def p_value(self) -> float | None:
        """The chance of so large a chi-square under independence (extra `crosstab`)."""
        if not self.degrees_of_freedom:
            return None
        special = import_extra("scipy.special", EXTRA, "the p-value of a cross-tab")
        return float(special.chdtrc(self.degrees_of_freedom, self.chi_square))


def with_expectations(cells: pl.DataFrame) -> pl.DataFrame:
    """Add what independence would give to cells with their `row_clients`, `column_clients`, `all`.

    `expected`; `index`, 100 times clients by expected; and `residual`, the adjusted one: how many
    standard deviations the clients are from what is expected, so that beyond 2 is rare by chance;
    null where a row or a column holds everyone.
    """
    row, column, everyone = (
        pl.col(name).cast(pl.Float64) for name in ("row_clients", "column_clients", "all")
    )
    clients, expected = pl.col("clients").cast(pl.Float64), row * column / everyone
    variance = expected * (1 - row / everyone) * (1 - column / everyone)
    return cells.with_columns(
        index=100 * clients / expected,
        expected=expected,
        residual=pl.when(variance > 0).then((clients - expected) / variance.sqrt()),
    )
