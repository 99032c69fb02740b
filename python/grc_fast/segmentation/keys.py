"""The keys of a cross-tab: values of a column or of SQL, or bands of a fact, in reading order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import polars as pl

from grc_fast._typing import Number
from grc_fast._utils.checks import finite
from grc_fast._utils.messages import describe, quoted_sql
from grc_fast.errors import ColumnError, OptionError
from grc_fast.io.roles import Table
from grc_fast.labels.catalogue import text
from grc_fast.rfm.bands import format_number

# More are no classes, but values that want bands.
_MOST: Final = 1_000


@dataclass(frozen=True)
class Keys:
    """What tells the rows, or the columns, of a cross-tab apart.

    Attributes
    ----------
    role
        `rows` or `columns`.
    name
        The column or the SQL.
    values
        The expression, null where the value is missing.
    bands
        Thresholds, of which the values are the numbers of those reached; empty without bands.
    """

    role: str
    name: str
    values: pl.Expr
    bands: tuple[Number, ...]

    @classmethod
    def of(cls, table: Table, role: str, name: str, bands: Sequence[Number] | None) -> Keys:
        """Find the column or read the SQL, and check the bands."""
        values, dtype = table.column_or_sql(name, role)
        if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
            raise ColumnError(
                f"the {role} {quoted_sql(name)} are {describe(dtype)} on {table.place}: give "
                "numbers, dates, text, or true and false"
            )
        if dtype.is_float():
            # -0.0 is 0.
            values = values.fill_nan(None) + 0.0
        elif dtype == pl.String:
            values = pl.when(values != "").then(values)
        if bands is None:
            return cls(role, name, values, ())
        if not dtype.is_numeric():
            raise ColumnError(
                f"the {role} {quoted_sql(name)} are {describe(dtype)} on {table.place}, and bands "
                "are of numbers: leave the bands out"
            )
        checked = _checked_bands(f"the bands of the {role}", bands)
        reached = pl.sum_horizontal((values >= edge).cast(pl.UInt16) for edge in checked)
        return cls(role, name, pl.when(values.is_not_null()).then(reached), checked)

    def labels(self, found: pl.Series, lang: str) -> pl.DataFrame:
        """Return the distinct values in reading order, missing ones last, with their labels.

        Columns: `value`, `label`.
        """
        values = found.unique().sort(nulls_last=True)
        if len(values) > _MOST:
            raise OptionError(
                f"the {self.role} {quoted_sql(self.name)} have {len(values):,} different values, "
                f"and {_MOST:,} are the most: give bands, or SQL that makes classes of them"
            )
        known = values.drop_nulls()
        labels = (
            [self._band(int(value), lang) for value in known]
            if self.bands
            else known.cast(pl.String).to_list()
        )
        missing = text("key.missing", lang)
        if missing in labels:
            raise ColumnError(
                f"the {self.role} {quoted_sql(self.name)} have the value {missing!r}, which stands "
                "for missing ones: rename it"
            )
        labels += [missing] * values.null_count()
        return pl.DataFrame({"value": values, "label": pl.Series(labels, dtype=pl.String)})

    def _band(self, reached: int, lang: str) -> str:
        edges = [format_number(edge) for edge in self.bands]
        if reached == 0:
            return text("band.below", lang, high=edges[0])
        if reached == len(edges):
            return text("band.from", lang, low=edges[-1])
        return text("band.between", lang, low=edges[reached - 1], high=edges[reached])


def _checked_bands(what: str, bands: Sequence[Number]) -> tuple[Number, ...]:
    found = tuple(finite(what, edge, "finite numbers") for edge in bands)
    if not found or any(high <= low for low, high in pairwise(found)):
        raise OptionError(f"{what} must be numbers that go up, such as 20, 50, 100, not {bands}")
    return found
