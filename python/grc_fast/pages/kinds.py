"""The outputs that a page can show, and how they are told apart: by their columns or keys."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from grc_fast.report.page import Section
from grc_fast.rfm.model_json import FORMAT

#: What the head of a page is made of: scored clients, what scored them, the account of their sales.
SCORES: Final = "scores"
MODEL: Final = "RFM model"
ACCOUNT: Final = "account of sales"


@dataclass(frozen=True)
class Kind:
    """A kind of output.

    Attributes
    ----------
    name
        What errors call it.
    has
        The columns of a table, or the keys of a JSON file, that tell it from others.
    section
        Makes its section of what the file holds, in a language; None for what the head is made of.
    """

    name: str
    has: frozenset[str]
    section: Callable[[Any, str], Section] | None = None


def table_kind(columns: Collection[str]) -> Kind | None:
    """Return the kind of a table with these columns; None if it is not known."""
    return next((kind for kind in _tables() if kind.has <= set(columns)), None)


def document_kind(document: object) -> Kind | None:
    """Return the kind of a JSON file; None if it is not known."""
    if not isinstance(document, Mapping):
        return None
    if document.get("format") == FORMAT.name:
        return Kind(MODEL, frozenset())
    return next((kind for kind in _documents() if kind.has <= document.keys()), None)


def names_of_sections() -> list[str]:
    """Return the kinds that have a section, in the order of the page."""
    return [kind.name for kind in (*_documents(), *_tables()) if kind.section is not None]


# Charts come with an extra, which commands look for before they call these.
def _documents() -> list[Kind]:
    from grc_fast.campaigns.response_page import response_section
    from grc_fast.plan.plan_page import plan_section
    from grc_fast.segmentation.migration_page import migration_section
    from grc_fast.validation.holdout_page import holdout_section

    account = frozenset({"rows_read", "rows_used", "money_read", "dropped"})
    moves, holdout = frozenset({"by", "flows", "moves"}), frozenset({"deciles", "rankings"})
    response = frozenset({"raw_rate", "table", "depth"})
    plan = frozenset({"bound", "shadow_prices", "reasons"})
    return [
        Kind(ACCOUNT, account),
        Kind("comparison of scores", moves, migration_section),
        Kind("comparison with a holdout", holdout, holdout_section),
        Kind("response report", response, response_section),
        Kind("certificate of a plan", plan, plan_section),
    ]


def _tables() -> list[Kind]:
    from grc_fast.behaviour.phases_page import phases_section
    from grc_fast.segmentation.catchment.zones_page import zones_section
    from grc_fast.segmentation.interest_page import interest_section
    from grc_fast.value.value_page import value_section

    return [
        # It has the columns of scores and of behaviour scores, too.
        Kind("combined scores", frozenset({"group", "phase", "action"}), interest_section),
        Kind("behaviour scores", frozenset({"phase", "score"}), phases_section),
        Kind(SCORES, frozenset({"points", "group", "segment"})),
        Kind("expected gains", frozenset({"p_alive", "basket"}), value_section),
        Kind("clients by zone", frozenset({"store_id", "distance_km", "zone"}), zones_section),
    ]
