"""Work done side by side, on threads that end when the one that started them is interrupted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from grc_fast import _core

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def side_by_side(work: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
    """Do work on each item, on a thread of its own; return the results in the order of the items.

    Python runs the handlers of signals on the main thread alone. What one raises while that waits
    here, such as `KeyboardInterrupt`, stops the kernels of the other threads as well.

    Examples
    --------
    >>> side_by_side(abs, [-1, 2])
    [1, 2]
    """
    switch = _core.StopSwitch()

    def stoppable(item: _Item) -> _Result:
        with switch:
            return work(item)

    with ThreadPoolExecutor(len(items)) as pool:
        try:
            return list(pool.map(stoppable, items))
        except BaseException:
            switch.stop()
            raise
