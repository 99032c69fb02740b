"""Anything that can be read, opened as a source."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from grc_fast.io.files import list_source, path_source
from grc_fast.io.pandas_frames import is_pandas_frame
from grc_fast.io.source import Source
from grc_fast.io.tables import arrow_source, lazy_source, pandas_source, table


def open_source(source: object) -> Source:
    """Find out what a source is.

    Parameters
    ----------
    source
        A path, a list of paths, a glob, a directory (read recursively; files of one format), the
        URL of an object store, a Polars DataFrame or LazyFrame, a pandas or PyArrow table, or
        anything with `__arrow_c_stream__`. A stream is read once, batch by batch.

    Returns
    -------
    Source
        The source, none of its rows read.

    Raises
    ------
    SourceError
        If there is no such file, its format is not known, or the object is no table.

    Examples
    --------
    >>> import polars as pl
    >>> from grc_fast.io.open import open_source
    >>> open_source(pl.DataFrame({"client_id": [1]})).name
    'the frame'
    """
    if isinstance(source, pl.DataFrame):
        return table("the frame", source)
    if isinstance(source, pl.LazyFrame):
        return lazy_source(source)
    if isinstance(source, (str, Path)):
        return path_source([str(source)])
    if isinstance(source, (list, tuple)):
        return list_source(source)
    if is_pandas_frame(source):
        return pandas_source(source)
    return arrow_source(source)
