"""Sales scored in one call."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any, Final, Unpack, cast

from grc_fast._typing import Day, Edges, Lang, Returns, Ties
from grc_fast._utils.dates import parse_day
from grc_fast._utils.panics import panics_as_errors
from grc_fast.errors import OptionError
from grc_fast.facts.options import Reading, SalesReading
from grc_fast.rfm.criteria import Frequency, Monetary, Recency
from grc_fast.rfm.rfm import RFM, RFMResult, score_sales
from grc_fast.rfm.segments.table import SegmentTable

_READING: Final = tuple(Reading.__annotations__)


class ScoringOptions(Reading, total=False):
    """The options of `RFM`, beside those of reading sales."""

    recency: Recency | None
    frequency: Frequency | None
    monetary: Monetary | None
    bins: int
    ties: Ties
    edges: Edges
    groups: int
    segments: str | PathLike[str] | SegmentTable
    returns: Returns
    lang: Lang


@panics_as_errors()
def score_rfm(
    source: Any,
    *,
    as_of: Day,
    rfm: RFM | None = None,
    keep: Sequence[str] = (),
    **options: Unpack[ScoringOptions],
) -> RFMResult:
    """Score the clients of a table of sales, in one call.

    Parameters
    ----------
    source
        Sales: a path, several, a glob, a directory, or a table.
    as_of
        The day from which recency is counted; later rows are dropped and counted.
    client, date, amount, order, where
        Which column plays which part; `amount` and `where` may be SQL. Without `order` each row
        is an order.
    clients
        A table of the whole client base, each of whose clients gets a row and a `status`.
    timezone, money_scale, threads, progress
        As for `grc_fast.facts`.
    rfm
        A specification made before, instead of its options.
    keep
        Columns of `clients` that the scores are to have as well, such as `["name", "email"]`.
    **options
        The options of `RFM`: `recency`, `frequency`, `monetary`, `bins`, `ties`, `edges`,
        `groups`, `segments`, `returns`, `lang`.

    Returns
    -------
    RFMResult
        The scores (whose columns `RFMModel.score` lists), the account of what was read, the
        model, and a table of the segments.

    Raises
    ------
    GrcError
        If the source cannot be read, or a column, a value or an option is wrong.

    Examples
    --------
    >>> import datetime as dt
    >>> import grc_fast as grc
    >>> import polars as pl
    >>> sales = pl.DataFrame(
    ...     {
    ...         "client_id": ["ann", "ann", "bob", "eve"],
    ...         "date": [dt.date(2026, 10, day) for day in (1, 28, 9, 15)],
    ...         "amount": [40.0, 35.5, 9.9, 20.0],
    ...     }
    ... )
    >>> result = grc.score_rfm(sales, as_of="2026-11-01", bins=3, groups=3)
    >>> result.scores.select("client_id", "recency", "frequency", "monetary", "rfm").rows()
    [('ann', 4, 2, 75.5, 333), ('bob', 23, 1, 9.9, 111), ('eve', 17, 1, 20.0, 212)]
    """
    given = cast(dict[str, Any], options)
    reading = {name: given.pop(name) for name in _READING if name in given}
    if rfm is None:
        rfm = RFM(**given)
    elif given:
        raise OptionError(
            f"score_rfm: rfm= already says everything, so {', '.join(given)} cannot go with it: "
            "leave one of them out"
        )
    how = SalesReading.of(cast(Reading, reading), returns=rfm.returns)
    return score_sales(rfm, source, how, as_of=parse_day(as_of), keep=keep)
