"""How clients are to be scored, checked: the data of an RFM specification."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from os import PathLike
from typing import Final, cast, get_args

from grc_fast._typing import Edges, Lang, Returns, Ties
from grc_fast._utils.checks import one_of
from grc_fast.errors import OptionError
from grc_fast.labels.catalogue import check_lang
from grc_fast.rfm.bands import Banding
from grc_fast.rfm.criteria import (
    Criterion,
    Frequency,
    Monetary,
    Recency,
    check_count,
    check_ties_and_edges,
    whole_weights,
)
from grc_fast.rfm.segments.table import SegmentTable

#: The greatest score that the column `points` (UInt32) holds.
MOST_POINTS: Final = 2**32 - 1
_KINDS: Final = {"recency": Recency, "frequency": Frequency, "monetary": Monetary}


@dataclass(frozen=True)
class Specification:
    """The criteria, bands, weights, groups and segments of an RFM, which `RFM` documents."""

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
        object.__setattr__(self, "bins", check_count("RFM: bins", self.bins))
        object.__setattr__(self, "groups", check_count("RFM: groups", self.groups))
        check_ties_and_edges("RFM", self.ties, self.edges)
        for banding in self.bandings:
            if banding.kind != "thresholds":
                check_ties_and_edges(banding.criterion.name, banding.ties, banding.edges)
        one_of("RFM: returns", self.returns, get_args(Returns))
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
    def bandings(self) -> tuple[Banding, ...]:
        """How each criterion is banded, its own options before those of the specification."""
        return tuple(
            Banding(c, c.bins or self.bins, c.ties or self.ties, c.edges or self.edges)
            for c in self.criteria
        )

    @property
    def table(self) -> SegmentTable:
        """The segment table."""
        return cast(SegmentTable, self.segments)

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
        best = sum(banding.size * banding.criterion.weight for banding in self.bandings)
        if whole_weights(self.criteria) and best > MOST_POINTS:
            raise OptionError(
                f"RFM: the best score would be {best:,}, and scores go up to {MOST_POINTS:,}: "
                "make the weights smaller"
            )
