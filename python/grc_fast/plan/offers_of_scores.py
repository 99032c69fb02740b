"""Offers made of scores: what an answer is worth, times how likely a contact brings it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import polars as pl
from pydantic import Field, ValidationError

from grc_fast._utils.messages import first_clause, listing, suggestion
from grc_fast._utils.panics import panics_as_errors
from grc_fast._utils.validation import Section, lines_of, sentence, toml_of
from grc_fast.errors import ColumnError, DataError, OptionError
from grc_fast.io.small_tables import frame_of, money

_SCORES: Final = "the table of scores"
_INCREMENTAL: Final = "incremental"
_RAW: Final = "raw, not incremental"
_Money = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _ChannelOffer(Section):
    """What a contact through a channel costs and brings."""

    cost: _Money
    margin: _Money | str | None = None
    probability: str = "probability"
    factor: _Money = 1.0


class _Channels(Section):
    """Channels and what an answer earns."""

    margin: _Money | str | None = None
    channels: dict[str, _ChannelOffer] = Field(min_length=1)


@panics_as_errors()
def offers(scores: Any, channels: str | Path | Mapping[str, Any]) -> pl.DataFrame:
    """Make offers of scores, one for each client and channel.

    Parameters
    ----------
    scores
        A table, or the path of its file: `client_id`, `probability` (as `calibrate` gives it), and
        `kind`, which says whether that is what a contact adds.
    channels
        A TOML file, or the same as a dictionary: `margin`, what an answer earns, as money or the
        name of a column of the scores; and for each of `channels` its `cost`, and, where they
        differ from the others', `margin`, `probability` (the name of a column) and `factor`, by
        which answers are more frequent through this channel.

    Returns
    -------
    polars.DataFrame
        `client_id`, `channel`, `gain` (probability × factor × margin, the probability not above 1),
        `cost` and `kind`: `incremental` where the scores say what a contact adds, else
        `raw, not incremental`. Clients without a probability or a margin get no offer.

    Raises
    ------
    OptionError
        If the channels are not written as they should be: the sentence says where.
    ColumnError, DataError
        If the scores lack a column, or have a value that is no probability or margin.

    Examples
    --------
    >>> import grc_fast as grc
    >>> import polars as pl
    >>> scores = pl.DataFrame({"client_id": [1, 2], "probability": [0.04, 0.01]})
    >>> channels = {"margin": 50.0, "channels": {"email": {"cost": 0.02}, "post": {"cost": 0.9}}}
    >>> grc.offers(scores, channels).select("client_id", "channel", "gain").rows()
    [(1, 'email', 2.0), (1, 'post', 2.0), (2, 'email', 0.5), (2, 'post', 0.5)]
    """
    found = _read(channels)
    frame = frame_of(scores, _SCORES, ["client_id"])
    kind = pl.col("kind") if "kind" in frame.columns else pl.lit(None, pl.String)
    tables = [
        frame.select(
            "client_id",
            pl.lit(channel).alias("channel"),
            _gain(frame, channel, offer, found.margin).alias("gain"),
            pl.lit(float(offer.cost)).alias("cost"),
            pl.when(kind.eq_missing(pl.lit(_INCREMENTAL)))
            .then(pl.lit(_INCREMENTAL))
            .otherwise(pl.lit(_RAW))
            .alias("kind"),
        )
        for channel, offer in found.channels.items()
    ]
    return pl.concat(tables).drop_nulls(["client_id", "gain"]).sort("client_id", "channel")


def _read(channels: str | Path | Mapping[str, Any]) -> _Channels:
    place, lines = "the channels", None
    given: Any = channels
    if not isinstance(channels, Mapping):
        place = str(channels)
        try:
            text = Path(channels).read_text("utf-8")
            given, lines = toml_of(text), lines_of(text)
        except (OSError, ValueError, RecursionError, TypeError) as error:
            raise OptionError(f"{place}: no TOML can be read: {first_clause(error)}") from None
    try:
        return _Channels.model_validate(dict(given))
    except ValidationError as error:
        raise OptionError(f"{place}: {sentence(error, given, lines, _Channels)}") from None


def _gain(
    frame: pl.DataFrame, channel: str, offer: _ChannelOffer, common: float | str | None
) -> pl.Expr:
    """Return what contacts through a channel earn before their cost."""
    margin = common if offer.margin is None else offer.margin
    if margin is None:
        raise OptionError(
            f"the channel {channel!r} has no margin: write what an answer earns, as margin = 12.5 "
            "for all channels or for this one"
        )
    probability = _column(frame, offer.probability, most=1.0)
    earned = pl.lit(float(margin)) if not isinstance(margin, str) else _column(frame, margin)
    return (probability * offer.factor).clip(upper_bound=1.0) * earned


def _column(frame: pl.DataFrame, name: str, most: float = float("inf")) -> pl.Expr:
    """Return a column of numbers from 0."""
    if name not in frame.columns:
        raise ColumnError(
            f"{_SCORES} has no column {name!r}{suggestion(name, frame.columns)}"
            f"{listing(frame.columns)}"
        )
    column = money(frame, name, _SCORES)
    values = frame.select(column).to_series()
    if not ((values >= 0) & (values <= most)).all():
        wrong = values.filter((values < 0) | (values > most))[0]
        raise DataError(
            f"{_SCORES} has {wrong:g} in {name!r}: write numbers from 0"
            f"{' to 1' if most == 1 else ''}"
        )
    return column
