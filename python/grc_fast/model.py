"""A fitted RFM: frozen edges that score clients, today's or next month's."""

from __future__ import annotations

import datetime as dt
import math
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, overload

import polars as pl

from .banding import (
    FittedBands,
    Plan,
    apply_bands,
    band_warnings,
    bands_expr,
    fit_bands,
    require_clients,
    tie_runs,
)
from .cells import LETTERS, Grades, sizes_of
from .clients import (
    ClientRows,
    check_columns,
    check_counts,
    day_number,
    keep_where,
    output_columns,
    output_names,
    plain_id,
    read_clients,
    refuse_float_ids,
    scored_expr,
    tenure_expr,
)
from .criteria import Number, check_threads
from .facts import CLIENT, parse_day
from .labels import check_lang
from .rfm import RFM, Day, Lang

if TYPE_CHECKING:
    from .explanation import Explanation

# Above this the clients are graded one by one: tables of cells are to stay small beside them.
_MOST_CELLS: Final = 1 << 22
# From so many on, criteria are cut into bands side by side: starting threads takes time, too.
_MANY_CLIENTS: Final = 100_000
# No column of the user's has this name.
_TENURE: Final = "__grc_fast_tenure"


@dataclass(frozen=True)
class RFMModel:
    """Frozen bands, groups and segments: made by `RFM.fit`, or loaded from a file.

    Attributes
    ----------
    rfm
        The specification that was fitted.
    fitted
        The bands of each criterion.
    group_floors
        The least points of each group but the last, from group 1 down.
    clients
        How many clients were scored in the fit.
    as_of
        The day of the fit, where known.
    package
        The version of grc_fast that fitted it.

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
    fitted: tuple[FittedBands, ...]
    group_floors: tuple[Number, ...]
    clients: int
    as_of: dt.date | None
    package: str

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
        lang, threads = self._lang(lang), check_threads(threads)
        if isinstance(clients, pl.LazyFrame):
            return self._score_lazy(clients, None if as_of is None else parse_day(as_of), lang)
        rows = read_clients(clients, self.rfm.criteria, as_of)
        return self._assemble(rows, self._points(rows, threads), lang, threads)

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
        # Its module needs this one.
        from .explanation import explain_client

        return explain_client(
            self, clients, client_id=client_id, as_of=as_of, lang=self._lang(lang)
        )

    @cached_property
    def bands(self) -> pl.DataFrame:
        """Every band of every criterion, and how many clients of the fit it holds.

        Columns: `criterion`, `band`, `points`, `from`, `to` (Float64, null where open; days for
        recency), `clients`, `share`. Quantile bands hold values above `from` and up to `to`;
        thresholds those of `from` and up to below `to`. Thresholds in months count back from the
        day of the fit. Clients without a value count in the worst band.
        """
        rows = [row for fitted in self.fitted for row in self._band_rows(fitted)]
        schema = {
            "criterion": pl.String,
            "band": pl.UInt8,
            "points": pl.UInt8,
            "from": pl.Float64,
            "to": pl.Float64,
            "clients": pl.UInt64,
            "share": pl.Float64,
        }
        return pl.DataFrame(rows, schema=schema, orient="row")

    @cached_property
    def warnings(self) -> list[str]:
        """Where one value fills several bands, so that nobody has some points."""
        return [warning for fitted in self.fitted for warning in band_warnings(fitted)]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model as JSON, whole or not at all.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        from .model_file import save_model

        save_model(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> RFMModel:
        """Read a model that `save` wrote; it scores exactly as the one that was saved.

        Raises
        ------
        ModelError
            If the file cannot be read, is not such a model, or was written by a newer version.
        """
        from .model_file import load_model

        return load_model(path)

    def to_dict(self) -> dict[str, Any]:
        """Return the model in types that JSON knows, as `save` writes it."""
        from .model_file import model_to_dict

        return model_to_dict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RFMModel:
        """Make a model of what `to_dict` returned.

        Raises
        ------
        ModelError
            If it is not a model, or of a newer version.
        """
        from .model_file import model_from_dict

        return model_from_dict(data)

    @property
    def _grades(self) -> Grades:
        """What points are worth."""
        return Grades(self.rfm, sizes_of(self.fitted), self.group_floors)

    def _lang(self, lang: Lang | None) -> Lang:
        if lang is None:
            return self.rfm.lang
        check_lang(lang)
        return lang

    def _points(self, rows: ClientRows, threads: int | None) -> dict[str, pl.Series]:
        """Return each criterion's points by its letter, null where the client is not scored."""
        points: dict[str, pl.Series] = {}
        for fitted in self.fitted:
            name = fitted.criterion.name
            bands = apply_bands(
                fitted, rows.frame[name], rows.ids, as_of=day_number(rows.as_of), threads=threads
            )
            letter = LETTERS[name]
            points[letter] = keep_where(fitted.points(bands), rows.scored).alias(letter)
        return points

    def _assemble(
        self,
        rows: ClientRows,
        points: Mapping[str, pl.Series],
        lang: str,
        threads: int | None,
    ) -> pl.DataFrame:
        """Put the contractual columns together, from each criterion's points."""
        check_counts(rows, self.rfm.criteria)
        schema, grades = rows.frame.schema, self._grades
        tenure = self._tenure(schema, rows.as_of)
        before = output_columns(schema, self.rfm.criteria, nan_to_null=False)
        staged = [*before, *points.values(), *self._others(schema, tenure)]
        # SQL sees clients, not cells; and a few clients are graded sooner than many cells.
        cells = grades.cells(with_tenure=tenure is not None)
        if self.rfm.table.uses_columns or cells > min(rows.frame.height, _MOST_CELLS):
            graded = self._graded(rows.frame.lazy().select(staged), lang)
            return graded.select(self._names(schema)).collect()
        scores = rows.frame.select(staged)
        days = None if tenure is None else scores[_TENURE]
        # An unscored client looks up any cell, and forgets what it found.
        filled = {
            letter: own.fill_null(1) if own.null_count() else own for letter, own in points.items()
        }
        found = grades.look_up(filled, days, lang=lang, threads=threads)
        scores = scores.with_columns(keep_where(column, rows.scored) for column in found)
        return scores.select(self._names(schema))

    def _score_lazy(self, clients: pl.LazyFrame, as_of: dt.date | None, lang: str) -> pl.LazyFrame:
        """Score by expressions alone."""
        schema, criteria = clients.collect_schema(), self.rfm.criteria
        check_columns(schema, criteria)
        refuse_float_ids(schema)
        clients = clients.with_columns(plain_id(schema[CLIENT]))
        scored = scored_expr(schema, {criterion.name for criterion in criteria})
        points = [self._points_expr(fitted, schema, as_of, scored) for fitted in self.fitted]
        before = output_columns(schema, criteria, nan_to_null=True)
        others = self._others(schema, self._tenure(schema, as_of))
        staged = clients.select(*before, *points, *others)
        return self._graded(staged, lang).select(self._names(schema)).sort(CLIENT)

    def _points_expr(
        self,
        fitted: FittedBands,
        schema: pl.Schema,
        as_of: dt.date | None,
        scored: pl.Expr | None,
    ) -> pl.Expr:
        """Return one criterion's points over the clients' columns."""
        name = fitted.criterion.name
        bands = bands_expr(fitted, pl.col(name), schema[name], day_number(as_of))
        points = fitted.points_expr(bands)
        return (points if scored is None else pl.when(scored).then(points)).alias(LETTERS[name])

    def _tenure(self, schema: pl.Schema, as_of: dt.date | None) -> pl.Expr | None:
        """Return the tenure if the segment table asks for it and the columns tell it."""
        return tenure_expr(schema, as_of) if self.rfm.table.tenure_limits else None

    def _others(self, schema: pl.Schema, tenure: pl.Expr | None) -> list[pl.Expr]:
        """Return what the segment table reads beside the columns of scores."""
        ours = self._names(schema)
        own = [name for name in self.rfm.table.columns if name in schema and name not in ours]
        return [*map(pl.col, own), *([] if tenure is None else [tenure.alias(_TENURE)])]

    def _graded(self, staged: pl.LazyFrame, lang: str) -> pl.LazyFrame:
        """Add the code, the score, the group and the segment to the points."""
        columns = staged.collect_schema()
        if self.rfm.table.uses_columns:
            self.rfm.table.check_columns(self._grades.scored(staged).collect_schema())
        tenure = pl.col(_TENURE) if _TENURE in columns else None
        return self._grades.graded(staged, tenure, lang)

    def _names(self, schema: pl.Schema) -> list[str]:
        """Return the names of the columns of scores."""
        return [*output_names(schema, self.rfm.criteria), *self._grades.names]

    def _band_rows(self, fitted: FittedBands) -> list[tuple[Any, ...]]:
        edges = [float(edge) for edge in fitted.edges_at(day_number(self.as_of))]
        # Fewer clients than bands, or none with a value, leave edges out.
        edges += [math.nan] * (fitted.size - 1 - len(edges))
        bounds = [None if math.isnan(edge) else edge for edge in edges]
        return [
            (
                fitted.criterion.name,
                band,
                fitted.points_of(band),
                low,
                high,
                clients,
                clients / self.clients,
            )
            for band, (low, high, clients) in enumerate(
                zip([None, *bounds], [*bounds, None], fitted.counts, strict=True), start=1
            )
        ]


def fit_model(
    spec: RFM, clients: Any, *, as_of: Day | None = None, threads: int | None = None
) -> RFMModel:
    """Learn a model from clients; `RFM.fit` says what they may be."""
    threads = check_threads(threads)
    return _fit(spec, read_clients(clients, spec.criteria, as_of), threads)[0]


def fit_and_score(
    spec: RFM,
    clients: Any,
    *,
    as_of: Day | None = None,
    lang: Lang | None = None,
    threads: int | None = None,
) -> tuple[RFMModel, pl.DataFrame]:
    """Learn a model from clients and score them; `RFM.fit_score` says what they may be."""
    threads = check_threads(threads)
    rows = read_clients(clients, spec.criteria, as_of)
    model, points = _fit(spec, rows, threads)
    return model, model._assemble(rows, points, model._lang(lang), threads)


def _fit(spec: RFM, rows: ClientRows, threads: int | None) -> tuple[RFMModel, dict[str, pl.Series]]:
    """Learn a model, and return with it the points of the clients it learnt from."""
    # The package has its version once all its modules are there.
    from . import __version__

    require_clients(rows.height)
    as_of = day_number(rows.as_of)

    def learn(plan: Plan) -> tuple[FittedBands, pl.Series]:
        values = rows.scored_only(rows.frame[plan.criterion.name])
        fitted, bands = fit_bands(plan, values, rows.ids, as_of=as_of, threads=threads)
        return fitted, keep_where(fitted.points(bands), rows.scored)

    if rows.height < _MANY_CLIENTS:
        learnt = list(map(learn, spec.plans))
    else:
        # What one thread of a kernel does alone, the others spend on another criterion.
        with ThreadPoolExecutor(len(spec.plans)) as pool:
            learnt = list(pool.map(learn, spec.plans))
    fitted = [bands for bands, _ in learnt]
    points = {(letter := LETTERS[bands.criterion.name]): own.alias(letter) for bands, own in learnt}
    grades = Grades(spec, sizes_of(fitted))
    tally = grades.tally(points, threads)
    model = RFMModel(
        rfm=spec,
        fitted=tuple(_counted(bands, tally, rows) for bands in fitted),
        group_floors=grades.with_groups(tally).group_floors,
        clients=rows.height,
        as_of=rows.as_of,
        package=__version__,
    )
    return model, points


def _counted(fitted: FittedBands, tally: pl.DataFrame, rows: ClientRows) -> FittedBands:
    """Add to bands how many clients each holds, and the values that fill several."""
    name = fitted.criterion.name
    clients = tally.group_by(LETTERS[name]).agg(pl.col("clients").sum())
    fitted = fitted.counting(dict(clients.iter_rows()))
    if 0 not in fitted.counts:
        return fitted
    return replace(fitted, ties=tie_runs(fitted, rows.scored_only(rows.frame[name])))
