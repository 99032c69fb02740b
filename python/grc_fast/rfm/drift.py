"""How far the clients of today are from those of a fit: sizes of bands under frozen edges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from grc_fast.errors import ColumnError
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase
from grc_fast.rfm.criteria import LETTERS
from grc_fast.rfm.fitted import FittedModel

# The share of a part that is empty, whose logarithm would be infinite.
_EMPTY: Final = 0.0001
# The usual reading of the index: below the first little has changed, above the second much.
_SOME: Final = 0.1
_MUCH: Final = 0.25


@dataclass(frozen=True, eq=False)
class Drift:
    """The bands of a model: the clients of its fit beside those of today.

    Attributes
    ----------
    bands
        `criterion`, `band`, `points`, `from`, `to` as in `RFMModel.bands`; `clients_fit` and
        `share_fit` (of the fit), `clients_today` and `share_today`.
    indices
        The population stability index of each criterion; None where nobody is scored today.
    """

    bands: pl.DataFrame
    indices: dict[str, float | None]

    def sentences(self, lang: str = "en") -> list[str]:
        """Return a sentence for each criterion: its index, and what it means."""
        return [phrase.said(lang) for phrase in self.phrases]

    @property
    def phrases(self) -> list[Wording]:
        """A phrase for each criterion: its index, and what it means."""
        return [
            Phrase("stability.of", what=Phrase(f"criterion.{name}"), said=stability_phrase(index))
            for name, index in self.indices.items()
            if index is not None
        ]


def band_drift(model: FittedModel, scores: pl.DataFrame) -> Drift:
    """Count the clients of scores in each band of the model that scored them."""
    today: list[int] = []
    indices: dict[str, float | None] = {}
    for fitted in model.fitted:
        name = fitted.criterion.name
        letter = LETTERS[name]
        if letter not in scores.columns:
            raise ColumnError(f"the scores have no column {letter!r}: give what the model scored")
        points = scores[letter].drop_nulls().value_counts(name="clients")
        counted = fitted.counting(dict(points.iter_rows())).counts
        today += counted
        indices[name] = stability_index(fitted.counts, counted)
    clients = pl.Series(today, dtype=pl.UInt64)
    bands = (
        model.bands.rename({"clients": "clients_fit", "share": "share_fit"})
        .with_columns(clients_today=clients)
        .with_columns(
            share_today=pl.col("clients_today")
            / pl.when(pl.col("clients_today").sum() > 0)
            .then(pl.col("clients_today").sum())
            .over("criterion")
        )
    )
    return Drift(bands, indices)


def stability_index(before: Sequence[int], after: Sequence[int]) -> float | None:
    """Return the population stability index of two counts of the same parts.

    The sum over the parts of (a - b) ln(a / b), b and a being the shares before and after; an
    empty part has the share 0.0001. None if either has no clients.

    Examples
    --------
    >>> round(stability_index([50, 50], [60, 40]), 6)
    0.040547
    """
    totals = sum(before), sum(after)
    if 0 in totals:
        return None
    shares = (
        (first / totals[0] or _EMPTY, last / totals[1] or _EMPTY)
        for first, last in zip(before, after, strict=True)
    )
    return math.fsum((last - first) * math.log(last / first) for first, last in shares)


def stability_phrase(index: float) -> Wording:
    """Say an index, and what it means."""
    word = "stable" if index < _SOME else "shifted" if index <= _MUCH else "changed"
    return Phrase("stability.index", index=index, meaning=Phrase(f"stability.{word}"))
