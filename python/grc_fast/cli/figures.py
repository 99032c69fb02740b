"""Tables as a terminal shows them."""

from __future__ import annotations

from typing import Literal

import polars as pl
from rich import box
from rich.table import Table
from rich.text import Text

from grc_fast._utils.messages import harmless
from grc_fast.labels import table as labels
from grc_fast.labels.written_frame import with_values, written_columns, written_matrix


def frame_table(frame: pl.DataFrame, lang: str, *, total: bool = False) -> Table:
    """Make a table of a frame whose columns are those of the package.

    Parameters
    ----------
    frame
        The rows; a column without any value is left out.
    lang
        The language of captions, words and figures.
    total
        Whether clients, money and their shares are summed up below.
    """
    shown = with_values(frame)
    return _rich(written_columns(shown, lang, total=total), shown)


def matrix_table(frame: pl.DataFrame, lang: str) -> Table:
    """Make a table of a frame whose columns are values of clients, with counts."""
    return _rich(written_matrix(frame, lang), frame)


def _rich(written: labels.Table, frame: pl.DataFrame) -> Table:
    """Lay a table out, figures to the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for caption, dtype in zip(written.header, frame.dtypes, strict=True):
        justify: Literal["left", "right"] = "right" if dtype.is_numeric() else "left"
        # A Text, because brackets in a plain string would be read as markup.
        table.add_column(_cell(caption), justify=justify)
    for row in written.rows:
        table.add_row(*map(_cell, row))
    return table


def _cell(text: str) -> Text:
    return Text(harmless(text).replace("\n", "\\n"))
