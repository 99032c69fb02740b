"""How much a test tries: a little in `make test`, and its full size in `make test-long`."""

from __future__ import annotations

import os

import pytest

#: Of a test that has a full size, so that `make test-long` runs it.
full_size = pytest.mark.full_size
_SEARCHES = os.environ.get("HYPOTHESIS_PROFILE") == "search"


def size(variable: str, *, quick: int, full: int) -> int:
    """Return how much is tried; a number may be given by an environment variable."""
    return int(os.environ.get(variable, full if _SEARCHES else quick))
