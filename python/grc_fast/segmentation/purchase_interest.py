"""Purchases and interest side by side: RFM scores and behaviour scores of the same clients."""

from __future__ import annotations

from typing import Final

import polars as pl

from grc_fast._utils.messages import describe, nearest
from grc_fast._utils.panics import panics_as_errors
from grc_fast._utils.processes import check_process
from grc_fast.behaviour.run import PHASES, BehaviourResult
from grc_fast.errors import ColumnError
from grc_fast.facts.frames import to_frame
from grc_fast.facts.table import CLIENT
from grc_fast.io.ids import common_integer, mixed_kinds
from grc_fast.labels.catalogue import check_lang, section
from grc_fast.rfm.criteria import check_count
from grc_fast.rfm.rfm import RFMResult
from grc_fast.rfm.segments.evaluate import on_five
from grc_fast.segmentation.places import check_places

#: What to do with clients who buy often (groups 1 and 2), sometimes (3 to 5), or not at all, in
#: each phase: rows of purchase, columns of interest. Of clients in `discovery` interest says
#: nothing for or against, and of those without an event nothing at all: both have the action of
#: purchases.
GRID: Final[dict[str, dict[str, str]]] = {
    "good": {
        "decision": "call",
        "consideration": "advise",
        "won": "thank",
        "discovery": "cultivate",
        "inactive": "wake",
        "excluded": "leave",
    },
    "other": {
        "decision": "call",
        "consideration": "advise",
        "won": "thank",
        "discovery": "cultivate",
        "inactive": "rest",
        "excluded": "leave",
    },
    "none": {
        "decision": "convert",
        "consideration": "convert",
        "won": "thank",
        "discovery": "welcome",
        "inactive": "rest",
        "excluded": "leave",
    },
}
# The column for clients without an event.
_NO_DATA: Final = "discovery"
# The RFM groups, of five, that count as good clients.
_GOOD: Final = 2
_GROUPS: Final = 5
# The statuses without a group of clients who have bought.
_LAPSED: Final = ("out_of_window", "returns_only")


@panics_as_errors()
def combine(
    rfm: object, behaviour: object, *, groups: int | None = None, lang: str = "en"
) -> pl.DataFrame:
    """Join RFM scores and behaviour scores by client, with the action of the grid.

    Parameters
    ----------
    rfm
        A `RFMResult`, or its `scores`.
    behaviour
        A `BehaviourResult`, or its `scores`.
    groups
        How many groups the RFM scores have; by default as many as the model of the result, and of
        a plain table five.
    lang
        The language of the actions: `en` or `fr`.

    Returns
    -------
    polars.DataFrame
        One row for each client of either table, ascending by `client_id`: the columns of the RFM
        scores, those of the behaviour scores, and `action` (Enum). A client of one table only has
        nulls in the columns of the other. The phase of a client without a single event (of whom
        all opens are those of machines, say, so that `last_event` is null) is null, too.

    Raises
    ------
    ColumnError
        If a table has no clients, the ids are text in one and numbers in the other, a phase is
        unknown, or a group is no whole number from 1 to their number.

    Notes
    -----
    The grid crosses purchase (RFM group 1 or 2 of five; another group; never a purchase) with
    interest (the phase):

    ============  ========  =============  ======  =========  ========  ========  =========
    purchase      decision  consideration  won     discovery  inactive  excluded  no event
    ============  ========  =============  ======  =========  ========  ========  =========
    group 1 or 2  call      advise         thank   cultivate  wake      leave     cultivate
    group 3 to 5  call      advise         thank   cultivate  rest      leave     cultivate
    none          convert   convert        thank   welcome    rest      leave     welcome
    ============  ========  =============  ======  =========  ========  ========  =========

    A client without an event is not inactive: nothing was seen of them, as their visits are not
    tracked, perhaps. So they are neither woken up nor left in peace: their action rests on
    purchases alone, and is that of `discovery`, where interest says nothing for or against.

    A client without a group who has bought all the same (a `status` of `out_of_window` or
    `returns_only`) is in the second row.

    With other than five groups, `group` is rescaled: group g of n is the ⌈5(g − ½)/n⌉th fifth.

    Examples
    --------
    >>> import polars as pl
    >>> import grc_fast as grc
    >>> rfm = pl.DataFrame({"client_id": [1, 2], "points": [15, 4], "group": [1, 5]})
    >>> interest = pl.DataFrame({"client_id": [2, 3], "score": [40.0, 5.0],
    ...                          "phase": ["decision", "discovery"]})
    >>> grc.combine(rfm, interest).select("client_id", "group", "phase", "action").rows()
    [(1, 1, None, 'cultivate'), (2, 5, 'decision', 'call now'), (3, None, 'discovery', 'welcome')]
    """
    check_process()
    words = section("action", check_lang(lang))
    if groups is None:
        groups = rfm.model.rfm.groups if isinstance(rfm, RFMResult) else _GROUPS
    groups = check_count("groups", groups)
    bought = _scores(rfm.scores if isinstance(rfm, RFMResult) else rfm, "rfm", "group")
    did = _scores(
        behaviour.scores if isinstance(behaviour, BehaviourResult) else behaviour,
        "behaviour",
        "phase",
    )
    kinds = [frame[CLIENT].dtype for frame in (bought, did)]
    if kinds[0].is_numeric() != kinds[1].is_numeric():
        raise mixed_kinds(kinds[0], "rfm", "behaviour")
    clash = (set(bought.columns) & set(did.columns)) - {CLIENT}
    if clash:
        raise ColumnError(f"both tables have a column {min(clash)!r}: rename it in one of them")
    check_places(bought["group"], "rfm", groups, "groups")
    did = did.with_columns(_phases(did["phase"]))
    if "last_event" in did.columns:
        seen = pl.col("last_event").is_not_null()
        did = did.with_columns(pl.when(seen).then(pl.col("phase")).alias("phase"))
    if kinds[0] != kinds[1]:
        dtype = common_integer(kinds) if kinds[0].is_numeric() else pl.String()
        bought, did = (frame.with_columns(pl.col(CLIENT).cast(dtype)) for frame in (bought, did))
    joined = bought.join(did, on=CLIENT, how="full", coalesce=True).sort(CLIENT)
    has_status = "status" in joined.columns
    return joined.with_columns(action=_action(groups, words, has_status=has_status))


def action_sizes(combined: pl.DataFrame) -> pl.DataFrame:
    """Count the clients of every action of a table that `combine` gave.

    Returns
    -------
    polars.DataFrame
        `action`, `clients` and `share`, for every action, in the order of the grid.
    """
    counted = combined.group_by("action").agg(clients=pl.len().cast(pl.UInt32))
    dtype = combined.schema["action"]
    assert isinstance(dtype, pl.Enum)
    every = pl.DataFrame({"action": pl.Series(dtype.categories, dtype=dtype)})
    return (
        every.join(counted, on="action", how="left", maintain_order="left")
        .with_columns(pl.col("clients").fill_null(0))
        .with_columns(share=pl.col("clients") / max(combined.height, 1))
    )


def _action(groups: int, words: dict[str, str], *, has_status: bool) -> pl.Expr:
    """Look the action up in the grid."""
    fifth = on_five(pl.col("group"), groups)
    # Who bought before the window, or only returned, is no prospect.
    lapsed = pl.col("status").cast(pl.String).is_in(_LAPSED) if has_status else pl.lit(value=False)
    purchase = (
        pl.when(pl.col("group").is_null())
        .then(pl.when(lapsed).then(pl.lit("other")).otherwise(pl.lit("none")))
        .when(fifth <= _GOOD)
        .then(pl.lit("good"))
        .otherwise(pl.lit("other"))
    )
    phase = pl.col("phase").cast(pl.String).fill_null(_NO_DATA)
    cells = {
        f"{row} {column}": words[action]
        for row, columns in GRID.items()
        for column, action in columns.items()
    }
    return (
        pl.concat_str(purchase, phase, separator=" ")
        .replace_strict(cells, return_dtype=pl.String)
        .cast(pl.Enum(list(words.values())))
    )


def _scores(table: object, name: str, needed: str) -> pl.DataFrame:
    table = to_frame(table)
    for column in (CLIENT, needed):
        if column not in table.columns:
            raise ColumnError(
                f"{name} has no column {column!r}: give the scores of a run, or its result"
            )
    if table[CLIENT].is_duplicated().any() or table[CLIENT].null_count():
        raise ColumnError(f"{name} must have one row a client, and no client that is null")
    return table


def _phases(found: pl.Series) -> pl.Series:
    if found.dtype != pl.Null and not isinstance(found.dtype, (pl.String, pl.Categorical, pl.Enum)):
        raise ColumnError(
            f"the column 'phase' of behaviour holds {describe(found.dtype)}: it must hold text"
        )
    texts = found.cast(pl.String)
    known = PHASES.categories.to_list()
    wrong = texts.filter(~texts.is_in(known))
    if len(wrong):
        raise ColumnError(
            f"the phase {wrong[0]!r} of behaviour is none of {', '.join(known)}"
            f"{nearest(wrong[0], known)}"
        )
    return texts.cast(PHASES)
