"""Which clients agree to have opens and clicks in e-mails tracked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from grc_fast._utils.messages import describe, nearest
from grc_fast.errors import ColumnError, DataError
from grc_fast.facts.table import CLIENT
from grc_fast.io.ids import id_expression, mixed_kinds, whole_floats
from grc_fast.io.small_tables import frame_of

#: What a consent to tracking is about.
SCOPES: Final = ("open", "click")
_GRANTED: Final = "granted"
_PLACE: Final = "tracking"
_COLUMNS: Final = (CLIENT, "scope", "status", "date")
# Dates, and dates with a time, as they are written in text.
_FORMS: Final = (
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
)


@dataclass(frozen=True, eq=False)
class TrackingConsent:
    """The clients who have granted a consent to tracking, by its scope.

    Attributes
    ----------
    granted
        For each scope the ids of the clients, of integer type or text.
    """

    granted: Mapping[str, pl.Series]

    @classmethod
    def of(cls, table: Any) -> TrackingConsent:
        """Read a table of consents, or its file.

        Parameters
        ----------
        table
            `client_id`, `scope` (`open` or `click`), `status` (`granted` is a consent; anything
            else is none) and `date` (a date, or a date and time). Of several rows of a client and
            scope the last by date counts; if some of that date say otherwise, they are no consent.
            Rows without a client or a scope say nothing; a row without a date comes first.

        Raises
        ------
        SourceError
            If a file cannot be read.
        ColumnError
            If it is no table, lacks a column, or has one of a wrong type.
        DataError
            If a scope is unknown.

        Examples
        --------
        >>> import polars as pl
        >>> from grc_fast.behaviour.tracking import TrackingConsent
        >>> table = pl.DataFrame({
        ...     "client_id": [1, 1, 2],
        ...     "scope": ["open", "open", "open"],
        ...     "status": ["granted", "denied", "granted"],
        ...     "date": ["2026-01-05", "2026-03-01", "2026-01-05"],
        ... })
        >>> TrackingConsent.of(table).granted["open"].to_list()
        [2]
        """
        frame = frame_of(table, _PLACE, _COLUMNS)
        ids = frame.select(
            id_expression(pl.col(CLIENT), CLIENT, CLIENT, frame[CLIENT].dtype, _PLACE)
        ).to_series()
        frame = frame.select(
            (whole_floats(ids, _PLACE) if ids.dtype.is_float() else ids).alias(CLIENT),
            _texts(frame, "scope"),
            _texts(frame, "status"),
            _moments(frame["date"]),
        ).drop_nulls([CLIENT, "scope"])
        strange = frame["scope"].filter(~frame["scope"].is_in(SCOPES))
        if len(strange):
            raise DataError(
                f"tracking has the scope {strange[0]!r}, which is none of {', '.join(SCOPES)}"
                f"{nearest(strange[0], SCOPES)}"
            )
        is_last = pl.col("date").eq_missing(pl.col("date").max().over(CLIENT, "scope"))
        says_yes = pl.col("status").eq_missing(pl.lit(_GRANTED)).all()
        last = frame.filter(is_last).group_by(CLIENT, "scope").agg(granted=says_yes)
        yes = last.filter("granted")
        return cls({scope: yes.filter(pl.col("scope") == scope)[CLIENT].sort() for scope in SCOPES})

    def consented(
        self, batch: pl.DataFrame, kinds: Mapping[str, list[str]], place: str
    ) -> pl.Series:
        """Tell which events of a batch may be used, given the kinds that need each scope."""
        kind, client = pl.col("kind").cast(pl.String), pl.col("client")
        may = pl.lit(value=True)
        for scope, names in kinds.items():
            granted = self._as_held(scope, batch["client"].dtype, place)
            may &= ~kind.is_in(names) | client.is_in(granted.implode())
        return batch.select(may.fill_null(value=True).alias("consented")).to_series()

    def _as_held(self, scope: str, dtype: pl.DataType, place: str) -> pl.Series:
        """Return the clients of a scope as the events hold ids."""
        ids = self.granted[scope]
        if ids.is_empty():
            return ids.clear().cast(dtype, strict=False)
        if dtype == ids.dtype:
            return ids
        if dtype.is_numeric() != ids.dtype.is_numeric():
            if dtype == pl.String:
                # Of a text file: an integer is the text that is its plain form.
                return ids.cast(pl.String)
            raise mixed_kinds(dtype, place, _PLACE)
        # An id that the type of the events does not hold is none of theirs.
        return ids.cast(dtype, strict=False).drop_nulls()


def _texts(frame: pl.DataFrame, name: str) -> pl.Expr:
    dtype = frame[name].dtype
    if isinstance(dtype, (pl.String, pl.Categorical, pl.Enum, pl.Null)):
        return pl.col(name).cast(pl.String)
    raise ColumnError(f"tracking has {describe(dtype)} in {name!r}: write text")


def _moments(dates: pl.Series) -> pl.Series:
    """Return dates, dates and times, or ISO text of either, as Datetime."""
    dtype = dates.dtype
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone is not None:
            dates = dates.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return dates.cast(pl.Datetime("us"))
    if isinstance(dtype, (pl.Date, pl.Null)):
        return dates.cast(pl.Datetime("us"))
    if dtype == pl.String:
        read = [dates.str.to_datetime(form, strict=False, time_unit="us") for form in _FORMS]
        found = pl.select(pl.coalesce(read).alias("date")).to_series()
        strange = dates.filter(found.is_null() & dates.is_not_null())
        if not len(strange):
            return found
        raise ColumnError(
            f"tracking has {strange[0]!r} in 'date', which is no date: write 2026-11-01"
        )
    raise ColumnError(f"tracking has {describe(dtype)} in 'date': write dates as 2026-11-01")
