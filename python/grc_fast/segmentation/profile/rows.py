"""The rows of sales and events that a profile uses, and how many it does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from grc_fast import _core
from grc_fast.errors import DataError, OptionError
from grc_fast.facts.table import CLIENT
from grc_fast.io.ids import whole_floats
from grc_fast.io.locate import locate
from grc_fast.io.source import Opened
from grc_fast.labels.catalogue import text
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase, Phrases


@dataclass
class RowCount:
    """The account of the rows of a table.

    Attributes
    ----------
    name
        What the table is called.
    read
        Rows read.
    dropped
        Rows that are not used, by the first reason that held.
    """

    name: str
    read: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    @property
    def used(self) -> int:
        """Rows used."""
        return self.read - self.dropped.total()

    @property
    def wording(self) -> Wording:
        """What was read, and what was not used and why, for a reader."""
        name = Phrase(f"rows.{self.name}")
        read = Phrase("rows.read", name=name, read=self.read, used=self.used)
        reasons = [
            Phrase("rows.dropped", reason=Phrase(f"rows.{reason}"), rows=rows)
            for reason, rows in self.dropped.items()
        ]
        return Phrases([read, Phrases(reasons)], "; ") if reasons else read

    def to_dict(self) -> dict[str, object]:
        """Return the account in types that JSON knows."""
        return {
            "rows_read": self.read,
            "rows_used": self.used,
            "dropped": {text(f"rows.{reason}"): rows for reason, rows in self.dropped.items()},
        }

    def drop(self, batch: pl.DataFrame, reasons: Mapping[str, pl.Expr]) -> pl.DataFrame:
        """Count the rows of a batch, and return those for which no reason holds."""
        self.read += batch.height
        for reason, is_wrong in reasons.items():
            wrong = batch.select(is_wrong).to_series()
            if wrong.any():
                kept = batch.filter(~wrong)
                self.dropped[reason] += batch.height - kept.height
                batch = kept
        return batch


def with_client_and_instant(
    batch: pl.DataFrame, date: str, opened: Opened, timezone: str
) -> pl.DataFrame:
    """Return a batch with `client_id`, and `instant` in microseconds of the clocks of a zone.

    Raises
    ------
    ColumnError, DataError
        If a client is a fraction, or a text is no date.
    """
    ids, moments = batch["client"], batch[date]
    if ids.dtype.is_float():
        ids = whole_floats(ids, "the client column")
    if moments.dtype == pl.String:
        try:
            parsed, _, _ = _core.parse_dates(moments, form="iso", null_words=[])
        except DataError as error:
            raise DataError(f"{error} (column {date!r}{locate(error, date, opened)})") from None
        moments = pl.Series(parsed)
    if isinstance(moments.dtype, pl.Datetime) and moments.dtype.time_zone is not None:
        try:
            moments = moments.dt.convert_time_zone(timezone).dt.replace_time_zone(None)
        except pl.exceptions.PolarsError:
            raise OptionError(
                f"timezone cannot be {timezone!r}: write a zone such as Europe/Paris"
            ) from None
    moments = moments.cast(pl.Datetime("us"))
    instants = moments.dt.epoch("us")
    return batch.drop("client", date).with_columns(ids.alias(CLIENT), instants.alias("instant"))
