"""Text of lists as cells show it: on one line, in the direction it is written, and never run."""

from __future__ import annotations

from typing import Final

import polars as pl

from grc_fast.io.spreadsheet_text import FORMULA, harmless_text
from grc_fast.lists.phones import dialled

# Controls, line ends and tabs among them; lone signs of separation of lines and paragraphs.
_CONTROLS: Final = r"[\p{Cc}\u2028\u2029]+"
# What turns the direction of text, or stands in it unseen (Unicode, Bidirectional Algorithm).
_UNSEEN: Final = r"[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]"


def as_cells(table: pl.DataFrame) -> pl.DataFrame:
    """Return a list whose texts a spreadsheet shows as they are, telephone numbers among them."""
    texts = [name for name, dtype in table.schema.items() if dtype == pl.String]
    odd = table.select(pl.col(texts).str.contains(f"{_UNSEEN}|{_CONTROLS}|{FORMULA}").any())
    odd_texts = [name for name in texts if odd[name].item()]
    table = table.with_columns(map(_on_one_line, odd_texts))
    table = table.with_columns(harmless_text(pl.col(name)) for name in odd_texts if name != "phone")
    return table.with_columns(dialled(table[name]) for name in texts if name == "phone")


def _on_one_line(name: str) -> pl.Expr:
    text = pl.col(name).str.replace_all(_UNSEEN, "").str.replace_all(_CONTROLS, " ")
    return text.str.strip_chars()
