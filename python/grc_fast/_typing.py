"""The aliases and literal types that several subjects share."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from typing import Literal, TypeAlias

Returns = Literal["net", "drop", "keep"]
Progress = Callable[[int], object]
Instant = dt.datetime | dt.date | str
AnyPath: TypeAlias = str | os.PathLike[str]
Ties = Literal["together", "split", "split_descending"]
Edges = Literal["inverted_cdf", "linear", "r-rfm"]
Number = int | float
Lang = Literal["en", "fr"]
CsvStyle = Literal["plain", "excel-fr"]
HeatMapOf = Literal["clients", "money"]
Day: TypeAlias = dt.date | str
