"""Threads are set before Polars is imported, so that both sides have as many."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from side_by_side import THREADS

os.environ.setdefault("POLARS_MAX_THREADS", str(THREADS))
