"""The machine and the versions that figures are of, and memory: all there is, and of a process."""

from __future__ import annotations

import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from grc_fast.bench.container import cores, memory_left, memory_limit

__all__ = ["available_memory", "machine", "peak_memory", "versions"]

_PACKAGES: Final = ("grc-fast", "polars", "duckdb", "pandas", "numpy", "pyarrow")


def machine() -> dict[str, Any]:
    """Return what the figures depend on: processor, cores, memory in bytes, system.

    In a container, the cores and the memory are its own.
    """
    return {
        "processor": _processor(),
        "cores": cores(),
        "memory": _least(_memory("MemTotal"), memory_limit()),
        "system": f"{platform.system()} {platform.machine()}",
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of every side that is installed."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def peak_memory() -> int | None:
    """Return the most memory that this process has held at a time, in bytes.

    None where the system does not say it, as on Windows.

    Linux says it of the program alone. `ru_maxrss`, which other systems have, may not be read
    there: a child inherits it from the process that started it (getrusage(2), fork and exec keep
    it), so that it would be ours and not the child's.
    """
    own = _kilobytes(Path("/proc/self/status"), "VmHWM")
    if own is not None:
        return own
    try:
        import resource
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def available_memory() -> int | None:
    """Return how many bytes can be had without swapping, or None where the system does not say."""
    return _least(_memory("MemAvailable"), memory_left())


def _least(*known: int | None) -> int | None:
    return min((number for number in known if number is not None), default=None)


def _memory(name: str) -> int | None:
    return _kilobytes(Path("/proc/meminfo"), name)


def _kilobytes(path: Path, name: str) -> int | None:
    found = re.search(rf"^{name}:\s*(\d+) kB", _text(path), re.MULTILINE)
    return None if found is None else int(found[1]) * 1024


def _processor() -> str:
    found = re.search(r"^model name\s*: (.+)$", _text(Path("/proc/cpuinfo")), re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""
