"""Where a client stands: the RFM cell, the group or the segment, and its one way of being written.

Past campaigns and the clients of the next meet by these keys, so that they are written alike
whatever the types: integers without a point, digits side by side only where all have one character.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast

import polars as pl

from grc_fast.campaigns.tables import SCORES
from grc_fast.io.small_tables import whole
from grc_fast.rfm.segments.table import SegmentTable

Level = Literal["cell", "group", "segment"]
LEVELS: Final = ("cell", "group", "segment")
DIGITS: Final = ("r", "f", "m")


@dataclass(frozen=True)
class CellForm:
    """How cells are written.

    Attributes
    ----------
    digits
        Which of r, f and m they are made of.
    separator
        What stands between them: nothing, or `-` where some have two characters.
    largest
        The largest digit of all.
    """

    digits: tuple[str, ...] = ()
    separator: str = ""
    largest: int = 0


def cell_form(frame: pl.DataFrame) -> CellForm:
    """Return how the cells of scores are written."""
    names = tuple(name for name in DIGITS if name in frame.columns)
    largest = max((largest_digit(frame, name) for name in names), default=0)
    return CellForm(names, "-" if largest > 9 else "", largest)


def largest_digit(frame: pl.DataFrame, name: str) -> int:
    """Return the largest digit of a column; 0 where there is none."""
    return cast(int, whole(frame, name, SCORES).max() or 0)


def place(frame: pl.DataFrame, level: str, form: CellForm) -> pl.Series | None:
    """Return where clients stand at a level; None where columns are missing.

    Cells are text; groups and segments keep their type, but floats become integers.
    """
    if level == "cell":
        if not form.digits or any(name not in frame.columns for name in form.digits):
            return None
        texts = [whole(frame, name, SCORES).cast(pl.String) for name in form.digits]
        return pl.select(pl.concat_str(texts, separator=form.separator).alias(level)).to_series()
    if level not in frame.columns:
        return None
    column = frame[level]
    if isinstance(column.dtype, pl.Categorical):
        return column.cast(pl.String)
    return whole(frame, level, SCORES) if column.dtype.is_float() else column


def key(places: pl.Series) -> pl.Series:
    """Return places as text."""
    return places.cast(pl.String).alias("key")


def join_key(places: pl.Series, level: str, names: Mapping[str, str]) -> pl.Series:
    """Return places as the text by which they meet: of segments their names, in any language.

    Parameters
    ----------
    places
        Where clients stand.
    level
        The level.
    names
        Names of segments by label.
    """
    texts = key(places)
    return texts.replace(dict(names)) if level == "segment" else texts


def segment_names(*tables: SegmentTable) -> dict[str, str]:
    """Return the name of each segment by its label in each language.

    A label that stands for segments of different names in two tables stays what it is.

    Examples
    --------
    >>> names = segment_names()
    >>> names["perdus"], names["lost"]
    ('lost', 'lost')
    """
    found: dict[str, set[str]] = {}
    for table in (SegmentTable.named("classic"), SegmentTable.named("response"), *tables):
        for rule in table.rules:
            for label in {rule.name, *rule.labels.values()}:
                found.setdefault(label, set()).add(rule.name)
    return {label: min(names) for label, names in found.items() if len(names) == 1}


def columns_of(level: str, form: CellForm) -> str:
    """Say which columns of scores a level takes."""
    if level != "cell":
        return f"the column {level!r}"
    return f"the columns {', '.join(form.digits)}" if form.digits else "some of r, f and m"
