"""How much memory events may take before they go to a temporary file."""

from __future__ import annotations

import os

from grc_fast.errors import OptionError


def parse_memory(memory: int | str | None) -> int | None:
    """Read a memory budget: bytes, or text such as `512MB`, `4GB`.

    Raises
    ------
    OptionError
        If it is neither, or nothing.

    Examples
    --------
    >>> from grc_fast.behaviour.memory import parse_memory
    >>> parse_memory("4GB")
    4000000000
    """
    units = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
    found: object = memory
    if isinstance(memory, str):
        text = memory.strip().upper().replace(" ", "")
        number = text.rstrip("KMGTB")
        unit = text[len(number) :] or "B"
        try:
            found = int(float(number) * units[unit if unit.endswith("B") else f"{unit}B"])
        except (ValueError, KeyError, OverflowError):
            found = -1
    if found is None:
        return None
    if not isinstance(found, int) or isinstance(found, bool) or not 0 < found < 2**63:
        raise OptionError(
            f"memory must be a number of bytes, or text such as 512MB or 4GB, and {memory!r} is "
            "neither"
        )
    return found


def half_of_memory() -> int | None:
    """Return half of the machine's memory in bytes, or None where it does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, OSError, ValueError):
        return None
