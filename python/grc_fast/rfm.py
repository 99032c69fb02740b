"""RFM: the specification, and scoring sales in one call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from os import PathLike
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    Literal,
    TypeAlias,
    TypedDict,
    Unpack,
    cast,
    get_args,
)

import polars as pl

from .banding import Plan
from .clients import DATES
from .criteria import (
    Criterion,
    Edges,
    Frequency,
    Monetary,
    Recency,
    Ties,
    check_count,
    check_ties_and_edges,
    whole_weights,
)
from .errors import OptionError
from .facts import Facts, Progress, Returns, collect_facts, parse_day
from .labels import check_lang, nearest
from .quality import Quality
from .roles import Roles
from .segments import SegmentTable

if TYPE_CHECKING:
    from .model import RFMModel

Lang = Literal["en", "fr"]
Day: TypeAlias = dt.date | str

# The greatest score that the column `points` (UInt32) holds.
MOST_POINTS: Final = 2**32 - 1
# The column of the whole spend where the monetary criterion measures something else.
_MONEY: Final = "total"


@dataclass(frozen=True)
class RFM:
    """How clients are to be scored: which criteria, in which bands, with which weights.

    A specification knows no client yet: `fit` learns the bands' edges from some and returns a
    model that scores these or others.

    Parameters
    ----------
    recency, frequency, monetary
        What is measured, and how it is banded. None leaves a criterion out; one at least stays.
    bins
        Quantile bands of each criterion, 2 to 100.
    ties
        ``"together"``: equal values share a band. ``"split"``: bands are equally large, equal
        values are cut by client id (SQL's NTILE).
    edges
        ``"inverted_cdf"``: edges are values of clients. ``"linear"``: interpolated, as
        ``pandas.qcut`` does.
    groups
        Groups of clients by score, 1 answering best.
    segments
        ``"classic"``, ``"response"``, the path of a TOML file, or a `SegmentTable`.
    returns
        What a negative amount does: ``"net"`` lowers the money, ``"drop"`` nothing, ``"keep"``
        is a line like any other.
    lang
        Language of the segments' labels, ``"en"`` or ``"fr"``.

    Raises
    ------
    OptionError
        If an option is wrong; the message names it and its value.

    See Also
    --------
    score_rfm : everything in one call.

    Examples
    --------
    >>> import grc_fast as grc
    >>> spec = grc.RFM(recency=grc.Recency(["3w", "2mo", "6mo", "1y"]), monetary=None)
    >>> [criterion.name for criterion in spec.criteria]
    ['recency', 'frequency']

    Client-level input is any frame with the client id and the criteria's columns:

    >>> import polars as pl
    >>> clients = pl.DataFrame(
    ...     {"client_id": [1, 2, 3], "recency": [10, 40, 400], "frequency": [9, 3, 1]}
    ... )
    >>> model = grc.RFM(monetary=None, bins=3, groups=3).fit(clients)
    >>> model.score(clients).select("client_id", "r", "f", "rfm", "points", "group").rows()
    [(1, 3, 3, 33, 6, 1), (2, 2, 2, 22, 4, 2), (3, 1, 1, 11, 2, 3)]
    """

    recency: Recency | None = field(default_factory=Recency)
    frequency: Frequency | None = field(default_factory=Frequency)
    monetary: Monetary | None = field(default_factory=Monetary)
    _: KW_ONLY
    bins: int = 5
    ties: Ties = "together"
    edges: Edges = "inverted_cdf"
    groups: int = 5
    segments: str | PathLike[str] | SegmentTable = "classic"
    returns: Returns = "net"
    lang: Lang = "en"

    def __post_init__(self) -> None:
        """Check every option alone, and then together with the criteria's own."""
        self._check_criteria()
        object.__setattr__(self, "bins", check_count("RFM", "bins", self.bins))
        object.__setattr__(self, "groups", check_count("RFM", "groups", self.groups))
        check_ties_and_edges("RFM", self.ties, self.edges)
        for plan in self.plans:
            if plan.kind != "thresholds":
                check_ties_and_edges(plan.criterion.name, plan.ties, plan.edges)
        if self.returns not in get_args(Returns):
            raise OptionError(
                f"RFM: returns cannot be {self.returns!r}{nearest(self.returns, get_args(Returns))}"
            )
        check_lang(self.lang)
        object.__setattr__(self, "segments", SegmentTable.resolve(self.segments))
        self.table.labels(self.lang)
        self._check_weights()

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """The criteria that are not left out, in the order r, f, m."""
        every = (self.recency, self.frequency, self.monetary)
        return tuple(criterion for criterion in every if criterion is not None)

    @property
    def plans(self) -> tuple[Plan, ...]:
        """How each criterion is banded, its own options before those of the specification."""
        return tuple(
            Plan(c, c.bins or self.bins, c.ties or self.ties, c.edges or self.edges)
            for c in self.criteria
        )

    @property
    def table(self) -> SegmentTable:
        """The segment table."""
        return cast(SegmentTable, self.segments)

    def facts(
        self,
        source: Any,
        *,
        as_of: Day,
        client: str = "client_id",
        date: str = "date",
        amount: str = "amount",
        order: str | Sequence[str] | None = None,
        where: str | None = None,
        clients: Any = None,
        timezone: str = "UTC",
        money_scale: int | None = None,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> Facts:
        """Read sales once and return what the criteria need to know of each client.

        Parameters
        ----------
        source
            Sales: a path, several, a glob, a directory, or a table.
        as_of
            The day from which recency is counted; later rows are dropped and counted.
        client, date, amount, order, where
            Which column plays which part; `amount` and `where` may be SQL.
        clients
            A table of the whole client base, each of whose clients gets a row and a `status`.
        timezone, money_scale, threads, progress
            As for `grc_fast.facts`.

        Returns
        -------
        Facts
            Its frame has `client_id`, `status` (with `clients`), `first_purchase`,
            `last_purchase`, and those of `recency` (Int32, days), `frequency` (UInt32; Float64
            for ``mean_gap``) and `monetary` (Float64, or Decimal if the input was) that are not
            left out; ascending by client.

        Raises
        ------
        GrcError
            If the source cannot be read, or a column, a value or an option is wrong.
        """
        reading = Reading(
            as_of=parse_day(as_of),
            roles=Roles(client=client, date=date, amount=amount, order=order, where=where),
            clients=clients,
            timezone=timezone,
            money_scale=money_scale,
            threads=threads,
            progress=progress,
        )
        return read_facts(self, source, reading)[0]

    def fit(
        self, clients: Any, *, as_of: Day | None = None, threads: int | None = None
    ) -> RFMModel:
        """Learn the edges of the bands and of the groups.

        Parameters
        ----------
        clients
            The facts of `facts`, or any Polars, pandas or PyArrow table of one row a client with
            `client_id` and the columns `recency`, `frequency`, `monetary` of the criteria. NaN
            counts as null; a client with a null recency takes no part.
        as_of
            The day recency is counted from; facts know theirs. Only recency thresholds in months,
            quarters or years need it.
        threads
            Threads to use, 1 to 1024; all cores by default.

        Returns
        -------
        RFMModel
            The frozen edges.

        Raises
        ------
        ColumnError
            If a column is missing or of a type that is not taken.
        DataError
            If a client has two rows, or there is none to learn from.
        OptionError
            If thresholds need an `as_of` and there is none.
        """
        # The model's module needs this one.
        from .model import fit_model

        return fit_model(self, clients, as_of=as_of, threads=threads)

    def fit_score(
        self,
        clients: Any,
        *,
        as_of: Day | None = None,
        lang: Lang | None = None,
        threads: int | None = None,
    ) -> tuple[RFMModel, pl.DataFrame]:
        """Learn a model from clients and score the same clients, sooner than one after the other.

        Each criterion is cut into bands once, where `fit` and then `RFMModel.score` do so twice.

        Parameters
        ----------
        clients, as_of, threads
            As for `fit`.
        lang
            Language of the segments' labels; that of the specification by default.

        Returns
        -------
        tuple of RFMModel and pl.DataFrame
            What ``model = spec.fit(clients)`` and ``model.score(clients)`` return.

        Raises
        ------
        ColumnError, DataError, OptionError
            As `fit` and `RFMModel.score` do.

        Notes
        -----
        Time is linear in clients: two passes over each criterion and one for the rest.

        Examples
        --------
        >>> import grc_fast as grc
        >>> import polars as pl
        >>> clients = pl.DataFrame({"client_id": ["a", "b", "c"], "monetary": [5.0, 10.0, 20.0]})
        >>> spec = grc.RFM(None, None, grc.Monetary(), bins=3, groups=3)
        >>> model, scores = spec.fit_score(clients)
        >>> scores["m"].to_list()
        [1, 2, 3]
        >>> scores.equals(model.score(clients))
        True
        """
        # The model's module needs this one.
        from .model import fit_and_score

        return fit_and_score(self, clients, as_of=as_of, lang=lang, threads=threads)

    def score(
        self,
        source: Any,
        *,
        as_of: Day,
        client: str = "client_id",
        date: str = "date",
        amount: str = "amount",
        order: str | Sequence[str] | None = None,
        where: str | None = None,
        clients: Any = None,
        timezone: str = "UTC",
        money_scale: int | None = None,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> RFMResult:
        """Read sales, learn the bands from them, and score their clients.

        The parameters are those of `facts`.

        Returns
        -------
        RFMResult
            The scores, the account of what was read, and the model.
        """
        reading = Reading(
            as_of=parse_day(as_of),
            roles=Roles(client=client, date=date, amount=amount, order=order, where=where),
            clients=clients,
            timezone=timezone,
            money_scale=money_scale,
            threads=threads,
            progress=progress,
        )
        return score_sales(self, source, reading)

    def _check_criteria(self) -> None:
        for name, kind in _KINDS.items():
            criterion = getattr(self, name)
            if criterion is not None and not isinstance(criterion, kind):
                raise OptionError(
                    f"RFM: {name} must be a {kind.__name__}(…) or None, not {criterion!r}"
                )
        if not self.criteria:
            raise OptionError("RFM: every criterion is None: keep at least one")

    def _check_weights(self) -> None:
        best = sum(plan.size * plan.criterion.weight for plan in self.plans)
        if whole_weights(self.criteria) and best > MOST_POINTS:
            raise OptionError(
                f"RFM: the best score would be {best:,}, and scores go up to {MOST_POINTS:,}: "
                "make the weights smaller"
            )


_KINDS: Final = {"recency": Recency, "frequency": Frequency, "monetary": Monetary}


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How sales are read: the options that `RFM.facts` and `RFM.score` share."""

    as_of: Day | None
    roles: Roles
    clients: Any = None
    timezone: str = "UTC"
    money_scale: int | None = None
    threads: int | None = None
    progress: Progress | None = None


@dataclass(frozen=True)
class RFMResult:
    """What scoring sales gives.

    Attributes
    ----------
    scores
        One row a client; the columns are those of `RFMModel.score`.
    quality
        The account of what was read, used and dropped.
    model
        The bands that were learnt, to save or to apply to other clients.
    as_of
        The day recency is counted from.
    money
        Each client's whole spend (unwindowed), in the order of the scores, whatever the monetary
        criterion measures; None without one.
    """

    scores: pl.DataFrame
    quality: Quality
    model: RFMModel
    as_of: dt.date
    money: pl.Series | None = field(default=None, repr=False, compare=False)

    @cached_property
    def segments(self) -> pl.DataFrame:
        """Each segment in table order: clients, money, and its share of both.

        Columns: `segment` (Enum), `clients`, `share`, `money` (sum of the clients' unwindowed
        totals, whatever the monetary criterion measures; null without one), `money_share`.
        Clients that are not scored are left out; segments without clients are kept.
        """
        exponent = self.quality.money_used.as_tuple().exponent
        return segment_sums(self.scores, self.money, -int(exponent))


def score_rfm(
    source: Any,
    *,
    as_of: Day,
    client: str = "client_id",
    date: str = "date",
    amount: str = "amount",
    order: str | Sequence[str] | None = None,
    where: str | None = None,
    clients: Any = None,
    timezone: str = "UTC",
    money_scale: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    rfm: RFM | None = None,
    **options: Unpack[RFMOptions],
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
    if rfm is None:
        rfm = RFM(**options)
    elif options:
        raise OptionError(
            f"score_rfm: rfm= already says everything, so {', '.join(options)} cannot go with it: "
            "leave one of them out"
        )
    return rfm.score(
        source,
        as_of=as_of,
        client=client,
        date=date,
        amount=amount,
        order=order,
        where=where,
        clients=clients,
        timezone=timezone,
        money_scale=money_scale,
        threads=threads,
        progress=progress,
    )


class RFMOptions(TypedDict, total=False):
    """The options of `RFM`."""

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


def score_sales(
    rfm: RFM,
    source: Any,
    reading: Reading,
    *,
    model: RFMModel | None = None,
    lang: Lang | None = None,
) -> RFMResult:
    """Read sales and score their clients, with a model if there is one, else a new one."""
    from .model import fit_and_score

    facts, money = read_facts(rfm, source, reading, with_money=True)
    if model is None:
        model, scores = fit_and_score(rfm, facts, lang=lang, threads=reading.threads)
    else:
        scores = model.score(facts, lang=lang, threads=reading.threads)
    return RFMResult(scores, facts.quality, model, facts.as_of, money)


def read_facts(
    rfm: RFM, source: Any, reading: Reading, *, with_money: bool = False
) -> tuple[Facts, pl.Series | None]:
    """Read sales into the facts of a specification and, if asked, each client's whole spend."""
    requests: dict[str, tuple[str, str | None]] = {name: (name, None) for name in DATES}
    requests |= {c.name: (c.measure, c.window) for c in rfm.criteria}
    money = _money_column(rfm) if with_money else None
    if money == _MONEY:
        requests[_MONEY] = ("total", None)
    windowed = rfm.recency is not None and rfm.recency.window is not None
    table, quality = collect_facts(
        source,
        reading.roles,
        list(requests.values()),
        as_of=None if reading.as_of is None else parse_day(reading.as_of),
        clients=reading.clients,
        returns=rfm.returns,
        timezone=reading.timezone,
        money_scale=reading.money_scale,
        threads=reading.threads,
        progress=reading.progress,
        scored_by=list(requests).index("recency") if windowed else None,
    )
    table = table.rename({str(place): name for place, name in enumerate(requests)})
    if windowed and reading.clients is None:
        # Without a client base only those who are scored have a row.
        table = table.filter(pl.col("recency").is_not_null())
    spent = None if money is None else table[money]
    frame = table.drop(_MONEY) if money == _MONEY else table
    return Facts(frame, quality, quality.as_of, _from_pass=True), spent


def _money_column(rfm: RFM) -> str | None:
    """Return which column of the facts is each client's whole spend, None without money."""
    if rfm.monetary is None:
        return None
    whole = rfm.monetary.measure == "total" and rfm.monetary.window is None
    return "monetary" if whole else _MONEY


def segment_sums(scores: pl.DataFrame, money: pl.Series | None, scale: int) -> pl.DataFrame:
    """Return the clients and the money of each segment, in table order.

    Floats are summed as integers at 10^-`scale`, as the facts summed them: the order of the
    clients, which threads decide, must not show in the last digit.
    """
    dtype = cast(pl.Enum, scores["segment"].dtype)
    every = pl.LazyFrame({"segment": dtype.categories.cast(dtype)})
    spent = pl.lit(None, dtype=pl.Float64) if money is None else pl.lit(money)
    units = pl.col("money")
    if money is None or money.dtype.is_float():
        units = (units * 10**scale).round().cast(pl.Int128)
    sums = (
        scores.lazy()
        .select("segment", money=spent)
        .filter(pl.col("segment").is_not_null())
        .group_by("segment")
        .agg(clients=pl.len().cast(pl.UInt64), money=units.sum())
    )
    clients, sum_of = pl.col("clients").fill_null(0), pl.col("money").fill_null(0)
    of_all = clients.sum(), sum_of.sum()
    table = every.join(sums, on="segment", how="left", maintain_order="left").select(
        "segment",
        clients=clients,
        share=clients / pl.when(of_all[0] > 0).then(of_all[0]),
        money=sum_of,
        money_share=sum_of.cast(pl.Float64)
        / pl.when(of_all[1] != 0).then(of_all[1]).cast(pl.Float64),
    )
    nothing = pl.lit(None, dtype=pl.Float64)
    if money is None:
        table = table.with_columns(money=nothing, money_share=nothing)
    elif money.dtype.is_float():
        table = table.with_columns(money=pl.col("money").cast(pl.Float64) / 10.0**scale)
    return table.collect()
