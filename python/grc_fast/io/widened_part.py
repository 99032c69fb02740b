"""Tables that lack a column which others of their set have: it is null there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from grc_fast.io.roles import Projection
from grc_fast.io.source import Part


@dataclass
class WidenedPart(Part):
    """A table, and columns of nulls beside its own.

    Attributes
    ----------
    inner
        The table.
    nulls
        The columns that it lacks, and their types elsewhere.
    """

    inner: Part | None = None
    nulls: Mapping[str, pl.DataType] = field(default_factory=dict)

    @property
    def dates_are_written(self) -> bool:  # type: ignore[override]
        """Whether dates that are text are written as those of text files may be."""
        return self._inner().dates_are_written

    def select(self, projection: Projection) -> Iterator[pl.DataFrame]:
        """Give the projection's columns, batch by batch."""
        own = [name for name in projection.columns if name not in self.nulls]
        nulls = [pl.lit(None, dtype).alias(name) for name, dtype in self.nulls.items()]
        inner = self._inner()
        for batch in inner.select(Projection.of(map(pl.col, own), inner.schema)):
            yield batch.with_columns(nulls).select(projection.expressions)

    @property
    def notes(self) -> Sequence[str]:
        """What is worth saying about the table, and that it lacks columns."""
        lacking = ", ".join(map(repr, self.nulls))
        return [*self._inner().notes, f"{self.place} lacks {lacking}, which is null there"]

    def line_of_row(self, row: int) -> int | None:
        """Find the line of a text file that holds data row `row`, or None."""
        return self._inner().line_of_row(row)

    def _inner(self) -> Part:
        assert self.inner is not None
        return self.inner


def with_all_columns(parts: Sequence[Part], names: frozenset[str]) -> list[Part]:
    """Give every table of a set those of some columns that any of them has."""
    there = {name: part.schema[name] for part in parts for name in names if name in part.schema}
    found: list[Part] = []
    for part in parts:
        nulls = {name: dtype for name, dtype in there.items() if name not in part.schema}
        if nulls:
            schema = pl.Schema({**part.schema, **nulls})
            part = WidenedPart(part.place, schema, part.text_names, inner=part, nulls=nulls)  # noqa: PLW2901
        found.append(part)
    return found
