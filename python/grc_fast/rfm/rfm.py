"""RFM: the specification that learns and scores, the fitted model, and what scoring sales gives."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Unpack, overload

import polars as pl

from grc_fast._typing import Day, Lang
from grc_fast._utils.checks import check_threads
from grc_fast._utils.dates import parse_day
from grc_fast._utils.panics import panics_as_errors
from grc_fast._utils.processes import check_process
from grc_fast.facts.kept_columns import with_kept_columns
from grc_fast.facts.options import Reading, SalesReading
from grc_fast.facts.quality import Quality
from grc_fast.facts.table import Facts
from grc_fast.io.json_file import load_json, save_json
from grc_fast.io.write import text_writer, write_outputs
from grc_fast.labels.catalogue import check_lang
from grc_fast.report.charts.chart_file import require_charts
from grc_fast.report.page_file import check_page_path
from grc_fast.rfm.chart_tables import ChartTables
from grc_fast.rfm.client_table import read_clients
from grc_fast.rfm.drift import Drift, band_drift
from grc_fast.rfm.explanation import Explanation, explain_client
from grc_fast.rfm.fitted import FittedModel
from grc_fast.rfm.fitting import fit_edges
from grc_fast.rfm.model_json import model_from_dict, model_to_dict
from grc_fast.rfm.sales_facts import read_facts
from grc_fast.rfm.scoring import assemble, score_clients
from grc_fast.rfm.segment_sums import segment_sums
from grc_fast.rfm.specification import Specification
from grc_fast.rfm.written_tables import bands_table, segments_table

if TYPE_CHECKING:
    from grc_fast.rfm.plots import Plots


@dataclass(frozen=True)
class RFM(Specification):
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
        values are cut by client id (SQL's NTILE ordered by the value and the client).
        ``"split_descending"``: the same, ordered by the value from high to low and the client.
    edges
        ``"inverted_cdf"``: edges are values of clients. ``"linear"``: interpolated, as
        ``pandas.qcut`` does. ``"r-rfm"``: those of R's package ``rfm``, interpolated plus 1, and
        the edge itself in the band above.
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

    @panics_as_errors()
    def facts(
        self,
        source: Any,
        *,
        as_of: Day,
        **reading: Unpack[Reading],
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
        how = SalesReading.of(reading, returns=self.returns)
        return read_facts(self, source, how, as_of=parse_day(as_of))[0]

    @panics_as_errors()
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
        threads = check_threads(threads)
        rows = read_clients(clients, self.criteria, as_of)
        return RFMModel._of(self, fit_edges(self, rows, threads)[0])

    @panics_as_errors()
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
        threads = check_threads(threads)
        rows = read_clients(clients, self.criteria, as_of)
        fitted, points = fit_edges(self, rows, threads)
        model = RFMModel._of(self, fitted)
        return model, assemble(model, rows, points, model._lang(lang), threads)

    @panics_as_errors()
    def score(
        self,
        source: Any,
        *,
        as_of: Day,
        **reading: Unpack[Reading],
    ) -> RFMResult:
        """Read sales, learn the bands from them, and score their clients.

        The parameters are those of `facts`.

        Returns
        -------
        RFMResult
            The scores, the account of what was read, and the model.
        """
        how = SalesReading.of(reading, returns=self.returns)
        return score_sales(self, source, how, as_of=parse_day(as_of))


@dataclass(frozen=True)
class RFMModel(FittedModel):
    """Frozen bands, groups and segments: made by `RFM.fit`, or loaded from a file.

    Attributes
    ----------
    rfm
        The specification that was fitted.
    fitted
        The bands of each criterion.
    group_floors
        The least points of each group but the last, from group 1 down; None where no points reach
        a group.
    clients
        How many clients were scored in the fit.
    as_of
        The day of the fit, where known.
    package
        The version of grc_fast that fitted it.
    group_sizes
        How many clients of the fit are in each group; empty where a file of an older version does
        not say.

    Examples
    --------
    >>> import grc_fast as grc
    >>> import polars as pl
    >>> clients = pl.DataFrame({"client_id": ["a", "b", "c", "d"], "monetary": [5.0, 10, 20, 40]})
    >>> spec = grc.RFM(None, None, grc.Monetary(), bins=2, groups=2)
    >>> model = spec.fit(clients)
    >>> model.bands.select("band", "points", "from", "to", "clients").rows()
    [(1, 1, None, 10.0, 2), (2, 2, 10.0, None, 2)]
    >>> model.score(pl.LazyFrame({"client_id": ["z"], "monetary": [10.5]})).collect()["m"].item()
    2
    """

    rfm: RFM

    @overload
    def score(
        self,
        clients: pl.LazyFrame,
        *,
        as_of: Day | None = None,
        lang: Lang | None = None,
        threads: int | None = None,
    ) -> pl.LazyFrame: ...

    @overload
    def score(
        self,
        clients: Any,
        *,
        as_of: Day | None = None,
        lang: Lang | None = None,
        threads: int | None = None,
    ) -> pl.DataFrame: ...

    @panics_as_errors()
    def score(
        self,
        clients: Any,
        *,
        as_of: Day | None = None,
        lang: Lang | None = None,
        threads: int | None = None,
    ) -> pl.DataFrame | pl.LazyFrame:
        """Score clients with the frozen edges.

        Parameters
        ----------
        clients
            Facts, or any Polars, pandas or PyArrow table of one row a client. A LazyFrame comes
            back as a LazyFrame of pure expressions with the same results; it trusts that no
            client has two rows, since only the values could tell, and counts out of the range of
            their type (a negative frequency) raise Polars' own error at ``collect``.
        as_of
            The day recency is counted from; facts know theirs. Needed where thresholds are in
            months, quarters or years, and for the tenure where `last_purchase` is not there.
        lang
            Language of the segments' labels; that of the specification by default.
        threads
            Threads to use, 1 to 1024; all cores by default.

        Returns
        -------
        pl.DataFrame or pl.LazyFrame
            Ascending by client: `client_id`, `status` (if facts have it), `first_purchase`,
            `last_purchase` (Date, if there), `recency` (Int32), `frequency` (UInt32; Float64 for
            ``mean_gap``), `monetary` (Float64, or Decimal if it was), `r`, `f`, `m` (UInt8),
            `rfm` (UInt32; only if no criterion has more than 9 bands), `points` (UInt32; Float64
            if a weight is not whole), `group` (UInt8), `segment` (Enum). Fractions in `recency`
            or `frequency` stay Float64. A client that is not scored has nulls from `r` on.

        Raises
        ------
        ColumnError
            If a column is missing or of a type that is not taken.
        DataError
            If a client has two rows.
        ModelError
            If a LazyFrame meets ``ties="split"``, whose bands are cut by client id.
        OptionError
            If thresholds need an `as_of` and there is none.

        Notes
        -----
        Time is linear in clients: a pass over each criterion and one for the rest.
        """
        return score_clients(self, clients, as_of=as_of, lang=self._lang(lang), threads=threads)

    @panics_as_errors()
    def explain(
        self,
        clients: Any,
        *,
        client_id: int | str,
        as_of: Day | None = None,
        lang: Lang | None = None,
    ) -> Explanation:
        """Take one client's score apart: values, bands, points, group, segment.

        Parameters
        ----------
        clients
            As for `score`.
        client_id
            The client to explain.
        as_of, lang
            As for `score`.

        Returns
        -------
        Explanation
            Reads as text with ``str``; see also its `frame` and `to_dict`.

        Raises
        ------
        DataError
            If there is no such client.
        """
        check_process()
        return explain_client(
            self, clients, client_id=client_id, as_of=as_of, lang=self._lang(lang)
        )

    @panics_as_errors()
    def drift(self, scores: pl.DataFrame) -> Drift:
        """Compare the sizes of the bands today with those of the fit.

        Parameters
        ----------
        scores
            What `score` gave for the clients of today.

        Returns
        -------
        Drift
            The sizes side by side, and the population stability index of each criterion: the sum
            over its bands of (a - b) ln(a / b), b and a being a band's shares at the fit and today
            (0.0001 where it is empty). Below 0.1 little has changed, above 0.25 much.

        Raises
        ------
        ColumnError
            If the scores lack the points of a criterion.

        Examples
        --------
        >>> import grc_fast as grc
        >>> import polars as pl
        >>> clients = pl.DataFrame({"client_id": [1, 2, 3, 4], "monetary": [5.0, 10, 20, 40]})
        >>> model = grc.RFM(None, None, grc.Monetary(), bins=2, groups=2).fit(clients)
        >>> today = model.score(pl.DataFrame({"client_id": [5, 6, 7], "monetary": [9.0, 30, 50]}))
        >>> drift = model.drift(today)
        >>> drift.bands.select("band", "clients_fit", "clients_today").rows()
        [(1, 2, 1), (2, 2, 2)]
        >>> print(*drift.sentences())
        monetary: population stability index 0.116: some have moved (0.1 to 0.25), so see which
        """
        check_process()
        return band_drift(self, scores)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model as JSON, whole or not at all.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        save_json(self.to_dict(), path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> RFMModel:
        """Read a model that `save` wrote; it scores exactly as the one that was saved.

        Raises
        ------
        ModelError
            If the file cannot be read, is not such a model, or was written by a newer version.
        """
        check_process()
        return cls._of_file(model_from_dict(load_json(path, "an RFM model"), os.fspath(path)))

    def to_dict(self) -> dict[str, Any]:
        """Return the model in types that JSON knows, as `save` writes it."""
        return model_to_dict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RFMModel:
        """Make a model of what `to_dict` returned.

        Raises
        ------
        ModelError
            If it is not a model, or of a newer version.
        """
        check_process()
        return cls._of_file(model_from_dict(data, "the model"))

    def _repr_html_(self) -> str:
        return bands_table(self, self.rfm.lang).html()

    def _lang(self, lang: Lang | None) -> Lang:
        if lang is None:
            return self.rfm.lang
        check_lang(lang)
        return lang

    @classmethod
    def _of(cls, rfm: RFM, model: FittedModel) -> RFMModel:
        learnt = {part.name: getattr(model, part.name) for part in fields(FittedModel)}
        return cls(**{**learnt, "rfm": rfm})

    @classmethod
    def _of_file(cls, model: FittedModel) -> RFMModel:
        options = {option.name: getattr(model.rfm, option.name) for option in fields(Specification)}
        return cls._of(RFM(**options), model)


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
        check_process()
        return segment_sums(self.scores, self.money, self.quality.money_scale)

    @panics_as_errors()
    def report(self, path: str | os.PathLike[str], *, lang: Lang | None = None) -> None:
        """Write the page to look at: headlines, charts, tables, and what each figure means.

        One HTML file that needs no network and no program but a browser; it holds sums over
        clients, never a client. The same result gives the same bytes.

        Parameters
        ----------
        path
            The file, whose name ends in .html; it is written whole or not at all.
        lang
            Language of the page; that of the specification by default.

        Raises
        ------
        OutputError
            If the file cannot be written, its name ends otherwise, or the extra `report` is
            missing.

        Notes
        -----
        Time is that of sorting the criteria and the money of the clients, beside two or three
        seconds for the page itself.

        Examples
        --------
        >>> import grc_fast as grc
        >>> sales = grc.simulate_sales(500, 60, seed=1)
        >>> result = grc.score_rfm(sales, as_of="2026-01-01")
        >>> result.report("report.html")  # doctest: +SKIP
        """
        check_process()
        check_page_path(path)
        # Altair and what belongs to it come with an extra.
        from grc_fast.rfm.report_page import report_html

        html = report_html(self._tables(lang), self.quality, self.as_of)
        write_outputs({path: text_writer(html)})

    @property
    def plot(self) -> Plots:
        """Charts for a notebook (extra `report`), in the language of the specification.

        Examples
        --------
        >>> import grc_fast as grc
        >>> sales = grc.simulate_sales(500, 60, seed=1)
        >>> result = grc.score_rfm(sales, as_of="2026-01-01")
        >>> type(result.plot.heatmap("money")).__name__
        'LayerChart'
        """
        require_charts("a report needs")
        from grc_fast.rfm.plots import Plots

        return Plots(self._tables(None))

    def _repr_html_(self) -> str:
        return segments_table(self._tables(None)).html()

    def _tables(self, lang: Lang | None) -> ChartTables:
        """Return the tables that charts are drawn from."""
        return ChartTables(
            self.scores,
            self.segments,
            self.model,
            self.money,
            self.quality.money_scale,
            self.model._lang(lang),
        )


def score_sales(
    rfm: RFM,
    source: Any,
    reading: SalesReading,
    *,
    as_of: dt.date | None,
    model: RFMModel | None = None,
    lang: Lang | None = None,
    keep: Sequence[str] = (),
) -> RFMResult:
    """Read sales and score their clients, with a model if there is one, else a new one.

    `keep` names the columns of the client base that the scores are to have as well.
    """
    facts, money = read_facts(rfm, source, reading, as_of=as_of, with_money=True)
    if model is None:
        model, scores = rfm.fit_score(facts, lang=lang, threads=reading.threads)
    else:
        scores = model.score(facts, lang=lang, threads=reading.threads)
    scores = with_kept_columns(scores, reading, keep)
    return RFMResult(scores, facts.quality, model, facts.as_of, money)
