"""Tables of one row a client, from whichever library."""

from __future__ import annotations

from typing import Any

import polars as pl

from grc_fast._utils.processes import check_process
from grc_fast.errors import DataError
from grc_fast.facts.table import Facts
from grc_fast.io.arrow_streams import arrow_frame, gives_arrow
from grc_fast.io.pandas_frames import is_pandas_frame, to_series
from grc_fast.io.source import polars_errors


def to_frame(data: object) -> pl.DataFrame:
    """Return facts, or any table of one row a client, as a Polars frame."""
    check_process()
    if isinstance(data, Facts):
        return data.frame
    if isinstance(data, pl.DataFrame):
        return data
    if isinstance(data, pl.LazyFrame):
        with polars_errors("the LazyFrame"):
            return data.collect()
    if is_pandas_frame(data):
        pandas: Any = data
        return pl.DataFrame([to_series(str(name), pandas[name]) for name in pandas.columns])
    if not gives_arrow(data):
        raise DataError(
            f"the clients are a {type(data).__name__}: give the facts of spec.facts(…), or a "
            "Polars, pandas or PyArrow table with one row a client"
        )
    return arrow_frame(data, f"the {type(data).__name__}")
