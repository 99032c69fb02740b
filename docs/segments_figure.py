"""Draw the picture of README: the segments of the demonstration, in clients and in money.

python docs/segments_figure.py
"""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

import grc_fast as grc
from grc_fast.bench.chart import svg_writer

TARGET = Path(__file__).parent / "images" / "segments-groceries.svg"


def scored_groceries() -> grc.RFMResult:
    """Score the sales of the demonstration as `grc-fast demo` does."""
    return grc.score_rfm(
        str(grc.demo_sales()),
        as_of="2018-01-01",
        client="household_id",
        date="transaction_timestamp",
        amount="sales_value",
        order="basket_id",
    )


def segments_figure() -> Figure:
    """Draw two bars for each segment, the segments with most money on top."""
    segments = scored_groceries().segments.sort("money_share", descending=True)
    rows = range(segments.height)
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.add_subplot()
    for column, label, colour, shift in (
        ("money_share", "share of money", "#1f6f8b", -0.2),
        ("share", "share of clients", "#a9c5cf", 0.2),
    ):
        bars = axes.barh([row + shift for row in rows], segments[column], 0.4, color=colour)
        bars.set_label(label)
        axes.bar_label(bars, [f" {share:.1%}" for share in segments[column]], fontsize=7)
    axes.set_yticks(rows, segments["segment"].cast(str))
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    return figure


if __name__ == "__main__":
    svg_writer(segments_figure)(TARGET)
