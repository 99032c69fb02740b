"""Tables that lack a column which others of their set have: it is null there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from grc_fast.io.roles import Projection
from grc_fast.io.source import Part, WrappedPart
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase


@dataclass
class WidenedPart(WrappedPart):
    """A table, and columns of nulls beside its own.

    Attributes
    ----------
    nulls
        The columns that it lacks, and their types elsewhere.
    """

    nulls: Mapping[str, pl.DataType] = field(default_factory=dict)

    def select(self, projection: Projection) -> Iterator[pl.DataFrame]:
        """Give the projection's columns, batch by batch."""
        own = [name for name in projection.columns if name not in self.nulls]
        for batch in self.inner.select(Projection.of(map(pl.col, own), self.inner.schema)):
            yield self._widened(batch).select(projection.expressions)

    def first_rows(self, count: int) -> pl.DataFrame | None:
        """Give the first rows, with the columns of nulls."""
        first = self.inner.first_rows(count)
        return None if first is None else self._widened(first)

    @property
    def notes(self) -> Sequence[Wording]:
        """What is worth saying about the table, and that it lacks columns."""
        columns = ", ".join(map(repr, self.nulls))
        lacking = Phrase("note.lacking", place=self.place, columns=columns)
        return [*self.inner.notes, lacking]

    def _widened(self, batch: pl.DataFrame) -> pl.DataFrame:
        return batch.with_columns(
            pl.lit(None, dtype).alias(name) for name, dtype in self.nulls.items()
        )


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
