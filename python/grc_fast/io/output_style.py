"""How results are written for the reader who opens them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from grc_fast._typing import CsvStyle, Lang


@dataclass(frozen=True, kw_only=True)
class OutputStyle:
    """How results are written, within their format.

    Attributes
    ----------
    csv
        `plain` CSV, or `excel-fr`: what French Excel opens.
    lang
        The language of statuses, phases and reasons in what people open, and of what a workbook
        says beside the rows.
    metadata
        What a Parquet file says of itself beside the rows.
    """

    csv: CsvStyle = "plain"
    lang: Lang = "en"
    metadata: Mapping[str, str] = field(default_factory=dict)


#: CSV for programs, words in English.
PLAIN: Final = OutputStyle()
