"""The segment that a reader of charts has chosen, by its position in the table of segments."""

from __future__ import annotations

from typing import Final

#: The parameter of charts that holds it.
CHOSEN: Final = "chosen"
#: What it holds while every segment is shown.
ALL: Final = -1
#: Whether a row of a chart's table is shown.
IS_SHOWN: Final = f"{CHOSEN} == {ALL} || datum.segment == {CHOSEN}"
