"""The number of threads of Polars, which must be known before Polars starts its own."""

from __future__ import annotations

import json
import os
import sys

_VARIABLE = "POLARS_MAX_THREADS"


def limit_polars(threads: int | None) -> None:
    """Size the thread pool of Polars: two pools on the same cores would fight."""
    if threads is None:
        return
    os.environ[_VARIABLE] = str(threads)
    if "polars" in sys.modules:
        # Polars read its environment when it was imported; its pool starts at the first use.
        import polars as pl

        pl.Config.load(json.dumps({"environment": {_VARIABLE: str(threads)}}))
