"""What moved between two scored dates: the matrix of clients and money, and its net flows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import polars as pl

from grc_fast._typing import Lang
from grc_fast._utils.checks import one_of
from grc_fast._utils.messages import describe
from grc_fast._utils.panics import panics_as_errors
from grc_fast.errors import ColumnError
from grc_fast.facts.exact_money import exact_units, money_of
from grc_fast.facts.table import CLIENT
from grc_fast.io.roles import Table
from grc_fast.io.small_tables import frame_of, is_path, meeting
from grc_fast.labels.catalogue import check_lang, text
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase
from grc_fast.labels.table import paragraphs
from grc_fast.labels.written_frame import written_matrix
from grc_fast.report.report_file import ReportFile
from grc_fast.rfm.client_table import ascending, with_plain_ids
from grc_fast.rfm.drift import stability_index, stability_phrase
from grc_fast.segmentation.matrix import cells_of, json_rows, matrix, shaded_counts

By = Literal["segment", "group", "rfm"]
# The groups that answer best: 1 and 2.
_BEST: Final = 2
_MONEY: Final = "monetary"
_TEXTS: Final = (pl.String, pl.Categorical, pl.Enum)


@dataclass(frozen=True, eq=False)
class Migration(ReportFile):
    """Where the clients of one date are at another.

    Attributes
    ----------
    by
        What moved: `segment`, `group` or `rfm`.
    moves
        `from`, `to`, `clients`, `money_before`, `money_after`: a row for each pair that occurs, in
        the order of segments or numbers. `from` is null for clients who have entered, `to` for
        those who have left, and so is the money on the side where they are not.
    flows
        A row for each segment, group or code: `before`, `after` and `net` clients; `entries` and
        `exits`; `arrivals` from and `departures` to others; `money_before`, `money_after` and
        `money_net`.
    left_best
        Who was in group 1 or 2 before and is not after: `client_id`, `from` and `to` (groups; null
        for who has left), `money_before`, `money_after`; None where a table has no `group`.
    index
        The population stability index; None where either side has no clients.
    notes
        What a reader should know besides.
    lang
        The language of sentences and labels.
    """

    by: By
    moves: pl.DataFrame
    flows: pl.DataFrame
    left_best: pl.DataFrame | None
    index: float | None
    notes: list[Wording]
    lang: Lang = "en"

    def table(self, measure: str = "clients") -> pl.DataFrame:
        """Return the matrix: a row for each origin, a column for each destination.

        Parameters
        ----------
        measure
            `clients`, `money_before` or `money_after`.

        Returns
        -------
        polars.DataFrame
            Those who have entered are the last row, those who have left the last column; null
            where nobody moved so.
        """
        one_of("measure", measure, self.moves.columns[2:])
        return self._matrix(measure, self.lang)

    def _matrix(self, measure: str, lang: str) -> pl.DataFrame:
        words = text("migration.entered", lang), text("migration.left", lang)
        corner = text(f"column.{self.by}", lang)
        origins, ends = (
            self.moves.select(pl.col(name).unique().sort(nulls_last=True))
            for name in ("from", "to")
        )
        pairs = origins.join(ends, how="cross", maintain_order="left_right")
        cells = pairs.join(
            self.moves.select("from", "to", measure),
            on=["from", "to"],
            how="left",
            nulls_equal=True,
            maintain_order="left",
        )
        return matrix(cells, corner=corner, last=words)

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison in types that JSON knows; of clients only their numbers."""
        return {
            "by": self.by,
            "stability_index": self.index,
            "left_best": None if self.left_best is None else self.left_best.height,
            "flows": json_rows(self.flows),
            "moves": json_rows(self.moves),
        }

    def _chart(self, lang: Lang) -> Any:
        from grc_fast.report.charts.matrix import matrix_chart

        cells = cells_of(self._matrix("clients", lang)).rename({"value": "clients"})
        chart = matrix_chart(
            shaded_counts(cells, lang), text("table.before", lang), text("table.after", lang)
        )
        return chart.properties(title=text("table.clients", lang))

    def _repr_html_(self) -> str:
        table = written_matrix(self.table(), self.lang, name=text("table.clients", self.lang))
        return table.html() + paragraphs(str(self))

    def __str__(self) -> str:
        return self.said(self.lang)

    def said(self, lang: str) -> str:
        """Return how many stayed, moved, came and went, and how much has changed."""
        moved = pl.col("from") != pl.col("to")
        of = {
            name: int(self.moves.filter(which)["clients"].sum())
            for name, which in (
                ("stayed", ~moved),
                ("moved", moved),
                ("entered", pl.col("from").is_null()),
                ("left", pl.col("to").is_null()),
            )
        }
        lines: list[Wording] = [Phrase("migration.clients", **of)]
        if self.left_best is not None:
            gone = self.left_best["to"].null_count()
            lines.append(Phrase("migration.left_best", clients=self.left_best.height, gone=gone))
        if self.index is not None:
            stability = stability_phrase(self.index)
            lines.append(Phrase("stability.of", what=Phrase(f"column.{self.by}"), said=stability))
        return "\n".join(line.said(lang) for line in lines)


@panics_as_errors()
def compare(
    before: Any, after: Any, *, by: By = "segment", money: str | None = None, lang: Lang = "en"
) -> Migration:
    """Compare two tables of scores: who moved where, with which money.

    Parameters
    ----------
    before, after
        The scores of two dates, as tables or the paths of their files: `client_id`, one row a
        client, and the column that `by` names. To tell moves of clients from moves of thresholds,
        score both dates with one model.
    by
        What is compared: `segment`, `group` or `rfm`.
    money
        A column of both tables, or SQL over their columns; `monetary` by default, where both have
        it.
    lang
        The language of labels, `en` or `fr`.

    Returns
    -------
    Migration
        The matrix of clients and money, flows, who left the two best groups, and the population
        stability index. A client whose segment is null (not scored) counts as absent.

    Raises
    ------
    ColumnError, DataError
        If a column is missing or holds what it should not, or a client has two rows.
    OptionError
        If an option is none of those that there are.

    Notes
    -----
    Rows of the matrix sum to the base before, and columns to the base after. Nothing depends on
    the order of rows: money is summed exactly. Time is linear in clients.

    Examples
    --------
    >>> import grc_fast as grc
    >>> import polars as pl
    >>> before = pl.DataFrame({"client_id": [1, 2, 3], "group": [1, 1, 4],
    ...                        "monetary": [90.0, 80.0, 5.0]})
    >>> after = pl.DataFrame({"client_id": [1, 2, 4], "group": [1, 3, 4],
    ...                       "monetary": [95.0, 20.0, 7.0]})
    >>> found = grc.compare(before, after, by="group")
    >>> for row in found.moves.rows():
    ...     print(row)
    (1, 1, 1, 90.0, 95.0)
    (1, 3, 1, 80.0, 20.0)
    (4, None, 1, 5.0, None)
    (None, 4, 1, None, 7.0)
    >>> found.left_best.rows()
    [(2, 1, 3, 80.0, 20.0)]
    """
    one_of("by", by, get_args(By))
    check_lang(lang)
    given = {"before": before, "after": after}
    tables = meeting(
        {
            side: with_plain_ids(frame_of(table, side, [CLIENT, by]))
            for side, table in given.items()
        },
        from_files=any(map(is_path, given.values())),
    )
    spent, notes = _spent(tables, money)
    joined = _joined(tables, by, spent)
    moves = (
        joined.group_by("from", "to")
        .agg(
            pl.len().cast(pl.UInt64).alias("clients"),
            pl.col("money_before").filter(pl.col("from").is_not_null()).sum(),
            pl.col("money_after").filter(pl.col("to").is_not_null()).sum(),
        )
        .sort("from", "to", nulls_last=True)
    )
    # Together, so that they are joined once.
    counted, lost = pl.collect_all([moves, _left_best(joined)])
    nowhere = pl.col("from").is_null() & pl.col("to").is_null()
    unplaced = int(counted.filter(nowhere)["clients"].sum())
    if unplaced:
        notes.append(Phrase("note.unplaced", clients=unplaced, what=Phrase(f"column.{by}")))
    counted = counted.filter(~nowhere)
    flows = _flows(counted).rename({"key": by})
    entered, left = pl.col("from").is_null(), pl.col("to").is_null()
    named = counted.with_columns(
        pl.when(~entered).then("money_before"), pl.when(~left).then("money_after")
    )
    return Migration(
        by=by,
        moves=_as_money(named, spent),
        flows=_as_money(flows, spent),
        left_best=_as_money(lost, spent) if lost.width else None,
        index=stability_index(flows["before"].to_list(), flows["after"].to_list()),
        notes=notes,
        lang=lang,
    )


def _spent(
    tables: Mapping[str, pl.DataFrame], money: str | None
) -> tuple[dict[str, pl.Series] | None, list[Wording]]:
    """Return the money of each side, of one type; None, and a note, where there is none."""
    if money is None:
        if not all(_MONEY in table.columns for table in tables.values()):
            return None, [Phrase("note.no_money", column=repr(_MONEY))]
        money = _MONEY
    spent = {
        side: table.select(Table(table.schema, side, {}).amount(money, "money")).to_series()
        for side, table in tables.items()
    }
    if len({values.dtype for values in spent.values()}) > 1:
        spent = {side: values.cast(pl.Float64) for side, values in spent.items()}
    return spent, []


def _joined(
    tables: Mapping[str, pl.DataFrame], by: By, spent: Mapping[str, pl.Series] | None
) -> pl.LazyFrame:
    """Put both sides of every client in one row: `from`, `to`, the groups, units of money."""
    keys = _keys({side: table[by] for side, table in tables.items()})
    sides = []
    for (side, table), place in zip(tables.items(), ("from", "to"), strict=True):
        columns = [table[CLIENT], keys[side].alias(place)]
        if "group" in table.columns and table["group"].dtype.is_integer():
            columns.append(table["group"].alias(f"group_{side}"))
        units = (
            pl.repeat(None, table.height, dtype=pl.Float64, eager=True)
            if spent is None
            else exact_units(spent[side], f"the money of {side}")
        )
        frame = pl.DataFrame([*columns, units.alias(f"money_{side}")])
        sides.append(ascending(frame, side))
    before, after = (side.lazy().with_columns(pl.col(CLIENT).set_sorted()) for side in sides)
    # Lazy, so that sorted ids are merged, in a tenth of the time that hashing them takes.
    return before.join(after, on=CLIENT, how="full", coalesce=True)


def _keys(given: Mapping[str, pl.Series]) -> dict[str, pl.Series]:
    """Return both sides' keys in one type, whose order is that of segments or numbers."""
    for side, keys in given.items():
        if not (keys.dtype.is_integer() or keys.dtype in _TEXTS or keys.dtype == pl.Null):
            raise ColumnError(
                f"{side} has {describe(keys.dtype)} in {keys.name!r}: give whole numbers or text"
            )
    numbers = [keys.dtype.is_integer() for keys in given.values() if keys.dtype != pl.Null]
    if all(numbers):
        return {side: keys.cast(pl.Int64) for side, keys in given.items()}
    if any(numbers):
        name = next(iter(given.values())).name
        raise ColumnError(
            f"{name!r} holds numbers in one table and text in the other: compare like with like"
        )
    order: dict[str, None] = {}
    for keys in given.values():
        dtype = keys.dtype
        words = (
            dtype.categories if isinstance(dtype, pl.Enum) else keys.cast(pl.String).unique().sort()
        )
        order |= dict.fromkeys(words.drop_nulls())
    kind = pl.Enum(list(order))
    return {
        side: keys if keys.dtype == kind else keys.cast(pl.String).cast(kind)
        for side, keys in given.items()
    }


def _flows(counted: pl.DataFrame) -> pl.DataFrame:
    """Sum the matrix up for each key: who was there, who is, who came and who went."""
    clients, moved = pl.col("clients"), pl.col("from") != pl.col("to")
    before = (
        counted.filter(pl.col("from").is_not_null())
        .group_by(key="from")
        .agg(
            before=clients.sum(),
            exits=clients.filter(pl.col("to").is_null()).sum(),
            departures=clients.filter(moved).sum(),
            money_before=pl.col("money_before").sum(),
        )
    )
    after = (
        counted.filter(pl.col("to").is_not_null())
        .group_by(key="to")
        .agg(
            after=clients.sum(),
            entries=clients.filter(pl.col("from").is_null()).sum(),
            arrivals=clients.filter(moved).sum(),
            money_after=pl.col("money_after").sum(),
        )
    )
    return (
        before.join(after, on="key", how="full", coalesce=True)
        .fill_null(0)
        .sort("key")
        .select(
            "key",
            "before",
            "after",
            (pl.col("after").cast(pl.Int64) - pl.col("before").cast(pl.Int64)).alias("net"),
            "entries",
            "exits",
            "arrivals",
            "departures",
            "money_before",
            "money_after",
            (pl.col("money_after") - pl.col("money_before")).alias("money_net"),
        )
    )


def _left_best(joined: pl.LazyFrame) -> pl.LazyFrame:
    """Return the clients of the two best groups before who are in none of them after.

    Without columns where the groups of a side are not known.
    """
    if not {"group_before", "group_after"} <= set(joined.collect_schema()):
        return pl.LazyFrame()
    stayed = (pl.col("group_after") <= _BEST).fill_null(value=False)
    left = joined.filter((pl.col("group_before") <= _BEST) & ~stayed)
    return left.sort(CLIENT).select(
        CLIENT,
        pl.col("group_before").alias("from"),
        pl.col("group_after").alias("to"),
        "money_before",
        pl.when(pl.col("group_after").is_not_null()).then("money_after"),
    )


def _as_money(sums: pl.DataFrame, spent: Mapping[str, pl.Series] | None) -> pl.DataFrame:
    """Turn units into money; there are nulls where nothing was spent, as it is not known."""
    names = [name for name in sums.columns if name.startswith("money")]
    if spent is None:
        return sums.with_columns(pl.lit(None, pl.Float64).alias(name) for name in names)
    return sums.with_columns(money_of(pl.col(name), spent["before"].dtype) for name in names)
