"""How many rows files have, as far as that is known, or can be told, without reading them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from grc_fast.errors import SourceError
from grc_fast.io.lakes.kind import table_of
from grc_fast.io.paths import expand, format_of, is_packed

# The lines at the beginning tell how long the others are.
_SAMPLE: Final = 1 << 20
# To look into more would take longer than an estimate is worth.
_MOST_FILES: Final = 500
_LINES: Final = ("CSV", "NDJSON")


def expected_rows(paths: Sequence[str]) -> int | None:
    """Return the rows of some files, for the time that is left; None where it cannot be told.

    Parquet and Arrow files say how many rows they have; of text, the length of the first lines
    tells. What is wrong with a file is for those to say who read it.

    Examples
    --------
    >>> import polars as pl
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     pl.DataFrame({"client_id": [1, 2, 3]}).write_parquet(f"{folder}/sales.parquet")
    ...     expected_rows([f"{folder}/sales.parquet"])
    3
    """
    try:
        if any("://" in path or table_of(path) is not None for path in paths):
            return None
        files = [file for path in paths for file in expand(path).read]
        return sum(map(_rows_of, files)) or None if len(files) <= _MOST_FILES else None
    except Exception:  # noqa: BLE001 (an estimate that fails is none)
        return None


def _rows_of(file: str) -> int:
    path, kind = Path(file), format_of(file)
    if not path.is_file():
        raise SourceError(f"{file} can be read only once")  # a pipe
    if kind == "Parquet":
        return int(pl.scan_parquet(file).select(pl.len()).collect().item())
    if kind == "Arrow":
        return int(pl.scan_ipc(file).select(pl.len()).collect().item())
    if kind not in _LINES or is_packed(file):
        raise SourceError(f"{file} does not say how many rows it has")
    with path.open("rb") as lines:
        sample = lines.read(_SAMPLE)
    return round(path.stat().st_size / len(sample) * sample.count(b"\n"))
