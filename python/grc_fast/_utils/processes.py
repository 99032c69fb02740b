"""Forked processes: a child has none of the threads that its parent had started."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from grc_fast.errors import GrcError

_THREADS: Final = Path("/proc/self/task")
# The threads that Polars starts with its first query are named so; the name is cut to 15 letters.
_OF_QUERIES: Final = ("polars-0", "tokio-rt-worker", "async-executor-")


class _Fork:
    """What is known of the last fork."""

    polars_had_threads = False
    is_broken_child = False


def _polars_has_threads() -> bool:
    """Tell whether Polars has started its threads; where nothing tells, suppose it has."""
    try:
        names = [(task / "comm").read_text(errors="replace") for task in _THREADS.iterdir()]
    except OSError:
        return True
    return any(name.startswith(_OF_QUERIES) for name in names)


def _before_fork() -> None:
    _Fork.polars_had_threads = _polars_has_threads()


def _in_child() -> None:
    _Fork.is_broken_child |= _Fork.polars_had_threads


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_in_child)


def check_process() -> None:
    """Check that Polars can work in this process.

    In a process that was forked after Polars had started its threads, a query waits for them for
    ever.

    Raises
    ------
    GrcError
        If it cannot.

    Examples
    --------
    >>> from grc_fast._utils.processes import check_process
    >>> check_process()
    """
    if _Fork.is_broken_child:
        raise GrcError(
            "this process was forked from one in which Polars had started its threads, and would "
            'wait for them for ever: start processes by "spawn" or "forkserver", or fork before '
            "any function is called"
        )
