"""Threads are set before Polars is imported, so that both sides have as many."""

import os
from pathlib import Path
import sys

sys.path.insert(0, str(Path(__file__).parent))

from side_by_side import THREADS  # noqa: E402

os.environ.setdefault("POLARS_MAX_THREADS", str(THREADS))
