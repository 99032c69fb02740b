"""What was expected beside what came."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from grc_fast.report.charts.chart import BLUE, fixed, layered

_WIDTH: Final = 420
_HEIGHT: Final = 260


def expected_chart(parts: pl.DataFrame, caption: str, measured: str) -> alt.LayerChart:
    """Draw a bar for what came in each part of the clients, and a dash for what was expected.

    Parameters
    ----------
    parts
        `part`, `came` and `expected`.
    caption, measured
        What the parts are, and what is compared.
    """
    base = fixed(parts.to_dicts())
    x = alt.X("part:O", axis=alt.Axis(title=caption, labelAngle=0))
    axis = alt.Axis(title=measured, format=",d")
    bars = base.mark_bar(color=BLUE).encode(x=x, y=alt.Y("came:Q", axis=axis))
    dashes = base.mark_tick(color="currentColor", thickness=3, width=24).encode(
        x=x, y=alt.Y("expected:Q")
    )
    return layered(bars, dashes, width=_WIDTH, height=_HEIGHT)
