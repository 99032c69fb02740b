"""Charts of scored clients for notebooks."""

from __future__ import annotations

from dataclasses import dataclass, field

import altair as alt

from grc_fast._typing import HeatMapOf
from grc_fast._utils.checks import one_of
from grc_fast.errors import OptionError
from grc_fast.report.charts.chart import in_language
from grc_fast.rfm.chart_tables import ChartTables
from grc_fast.rfm.charts import distribution_of, lorenz_of, map_of, segments_of


@dataclass(frozen=True)
class Plots:
    """The charts that a page has, as Altair charts to look at, change and save.

    Examples
    --------
    >>> import grc_fast as grc
    >>> result = grc.score_rfm(grc.simulate_sales(500, 60, seed=1), as_of="2026-01-01")
    >>> chart = result.plot.distribution("monetary").properties(title="What clients spent")
    >>> chart.to_dict()["title"]
    'What clients spent'
    """

    _tables: ChartTables = field(repr=False)

    def segments(self) -> alt.LayerChart:
        """Draw segments as a treemap: as large as their clients, as dark as the money of each."""
        return self._written(segments_of(self._tables))

    def heatmap(self, value: HeatMapOf = "clients") -> alt.LayerChart:
        """Draw where the clients, or their money, are between recency and frequency.

        Raises
        ------
        OptionError
            If `value` is neither, or the run has no money, recency or frequency.
        """
        one_of("value", value, ("clients", "money"))
        if not self._tables.has_grid:
            raise OptionError("a heat map needs recency and frequency: leave neither out of RFM")
        if value == "money":
            self._require_money()
        return self._written(map_of(self._tables, value))

    def distribution(self, criterion: str) -> alt.LayerChart:
        """Draw how many clients have which values, and the thresholds between its bands.

        Parameters
        ----------
        criterion
            ``"recency"``, ``"frequency"`` or ``"monetary"``.

        Raises
        ------
        OptionError
            If the run has no such criterion, or nobody has a value of it.
        """
        one_of("criterion", criterion, self._tables.measures)
        if self._tables.bars[criterion].is_empty():
            raise OptionError(f"nobody has a {criterion} to draw")
        return self._written(distribution_of(self._tables, criterion))

    def lorenz(self) -> alt.LayerChart:
        """Draw the share of money of those who spent least.

        Raises
        ------
        OptionError
            If the run has no money, or none in total.
        """
        self._require_money()
        return self._written(lorenz_of(self._tables))

    def _require_money(self) -> None:
        if self._tables.curve is None:
            raise OptionError("there is no money to draw: score with a monetary criterion")

    def _written(self, chart: alt.LayerChart) -> alt.LayerChart:
        return in_language(chart, self._tables.lang)
