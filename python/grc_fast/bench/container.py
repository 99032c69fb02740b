"""The cores and the memory that this process may use: those of its container, not of the host."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

__all__ = ["cores", "memory_left", "memory_limit"]

_GROUPS: Final = Path("/sys/fs/cgroup")
_OWN_GROUPS: Final = Path("/proc/self/cgroup")


def cores() -> int:
    """Return how many cores this process may use, by its affinity and by the quota of its group.

    The same number as the core crate finds, which rounds a quota down, to one at the least.
    """
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    return max(min([allowed, *_quotas()]), 1)


def memory_limit() -> int | None:
    """Return the bytes that the control group lets its processes hold, or None without a limit."""
    return min((limit for limit, _ in _memory()), default=None)


def memory_left() -> int | None:
    """Return what is left of them: pages of files that nobody uses are given back when asked."""
    return min((max(limit - used, 0) for limit, used in _memory()), default=None)


def _quotas() -> Iterator[int]:
    """Yield whole cores, of the group and of those that it is in; of either version of groups."""
    for group in _groups("cpu"):
        quota, _, period = _text(group / "cpu.max").strip().partition(" ")
        yield from _whole_cores(quota, period)
        yield from _whole_cores(
            _text(group / "cpu.cfs_quota_us").strip(), _text(group / "cpu.cfs_period_us").strip()
        )


def _whole_cores(quota: str, period: str) -> Iterator[int]:
    if quota.isdigit() and period.isdigit():  # neither "max" nor -1, which are no quota
        yield int(quota) // int(period)


def _memory() -> Iterator[tuple[int, int]]:
    """Yield limits and what is held, in bytes."""
    for group in _groups("memory"):
        for most, held, cache in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            limit, used = (_text(group / name).strip() for name in (most, held))
            if limit.isdigit() and used.isdigit():
                counts = dict(line.split() for line in _text(group / "memory.stat").splitlines())
                yield int(limit), int(used) - int(counts.get(cache, 0))


def _groups(controller: str) -> Iterator[Path]:
    """Yield the directories of the group of this process and of those around it."""
    for line in _text(_OWN_GROUPS).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        # One tree for all controllers in version 2, one each in version 1.
        root = _GROUPS / controller if controllers else _GROUPS
        group = PurePosixPath(path)
        for level in (group, *group.parents):
            yield root / str(level).lstrip("/")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""
