"""Batches made while those before them are worked on."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

Item = TypeVar("Item")
_END: Final = object()


def read_ahead(items: Generator[Item]) -> Iterator[Item]:
    """Give the items of a generator, of which the next is made by a thread of its own meanwhile.

    One is ahead at most. What the generator raises is raised where the item would have come.

    Examples
    --------
    >>> list(read_ahead(number * number for number in range(4)))
    [0, 1, 4, 9]
    """
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as worker:
        try:
            coming = worker.submit(next, items, _END)
            while (item := coming.result()) is not _END:
                coming = worker.submit(next, items, _END)
                yield item  # type: ignore[misc]  # no end
        finally:
            # After what is being made: a generator cannot be closed while it runs.
            worker.submit(items.close)
