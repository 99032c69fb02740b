"""How well a score puts those first who bring most: shares of the top, and Gini coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from grc_fast.labels.catalogue import section


@dataclass(frozen=True)
class Ranking:
    """What the clients bring whom a score puts first.

    Attributes
    ----------
    gini
        Twice the area between the gains curve and the diagonal: 0 for a score that knows nothing.
        It is the area under the Lorenz curve of the outcome, taken in the order of the score.
    shares
        Of the outcome, by share of the clients taken from the top.
    curve
        `clients` and `outcome`: cumulative shares of both, from (0, 0) to (1, 1).
    """

    gini: float
    shares: dict[float, float]
    curve: pl.DataFrame


def rank(score: pl.Series, outcome: pl.Series, tops: Sequence[float]) -> Ranking | None:
    """Rank clients by a score, highest first, and sum what they brought.

    Clients of one score count as if they came in every order: each has the mean outcome of all of
    them, so that ties are neither luck nor merit.

    Parameters
    ----------
    score, outcome
        One element a client; nulls of the score come last.
    tops
        Shares of the clients, each above 0 and up to 1.

    Returns
    -------
    Ranking or None
        None where the outcomes do not sum to more than 0.

    Examples
    --------
    >>> import polars as pl

    from grc_fast.labels.catalogue import section
    >>> found = rank(pl.Series([3, 2, 1, 0]), pl.Series([6.0, 3.0, 1.0, 0.0]), [0.25, 0.5])
    >>> round(found.shares[0.25], 3), round(found.shares[0.5], 3), round(found.gini, 3)
    (0.6, 0.9, 0.5)
    """
    total = float(outcome.sum())
    if not total > 0:
        return None
    steps = (
        pl.DataFrame({"score": score.cast(pl.Float64), "outcome": outcome.cast(pl.Float64)})
        .sort("score", "outcome", descending=True, nulls_last=True)
        .group_by("score", maintain_order=True)
        .agg(clients=pl.len(), outcome=pl.col("outcome").sum())
        .select(
            clients=pl.col("clients").cum_sum() / len(score),
            outcome=pl.col("outcome").cum_sum() / total,
        )
    )
    start = pl.DataFrame({"clients": [0.0], "outcome": [0.0]})
    curve = pl.concat([start, steps])
    width = curve["clients"].diff().fill_null(0.0)
    height = (curve["outcome"] + curve["outcome"].shift(1, fill_value=0.0)) / 2
    return Ranking(
        gini=2 * float((width * height).sum()) - 1,
        shares={top: _height_at(curve, top) for top in tops},
        curve=curve,
    )


def _height_at(curve: pl.DataFrame, place: float) -> float:
    """Return the outcome at a share of the clients, on the line between two steps."""
    after = int((curve["clients"] < place).sum())
    (x0, y0), (x1, y1) = curve.row(after - 1), curve.row(min(after, curve.height - 1))
    return float(y1 if x1 <= x0 else y0 + (y1 - y0) * min((place - x0) / (x1 - x0), 1.0))


# What the report ranks by: the name in the report, and the words beside it.
SCORES: Final = section("ranking")


def words_of_scores(lang: str) -> dict[str, str]:
    """Return what a language calls scores, by the words that the report has for them."""
    words = section("ranking", lang)
    return {said: words[name] for name, said in SCORES.items()}
