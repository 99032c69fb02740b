"""Temporary files: their names, and what processes that were killed have left of them."""

from __future__ import annotations

import os
import re
import secrets
import stat
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from grc_fast._typing import AnyPath
from grc_fast.io.locks import FileLock
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase

#: The end of the name of a file that is being written.
NEW: Final = "tmp"
#: The end of the second name of the file that it replaces.
OLD: Final = "old"
# A process locks the files that it makes: so many seconds after it made them, it has.
_SETTLED: Final = 60.0
_ENDS: Final = re.compile(rf"[0-9a-f]{{16}}\.({NEW}|{OLD})")


def beside(target: Path, end: str = NEW) -> Path:
    """Return a name for a temporary file of a target, beside it."""
    return target.with_name(f"{_beginning(target)}{secrets.token_hex(8)}.{end}")


def clear_leftovers(paths: Iterable[AnyPath]) -> list[Wording]:
    """Remove what killed processes have left beside targets, and say so.

    Files of a process that still runs are locked by it, and stay.

    Returns
    -------
    list of Wording
        A sentence for each target that had some.
    """
    sentences: list[Wording] = []
    for path in paths:
        target = Path(os.path.realpath(path))
        left = [found for found in _temporary_files(target) if _remove_if_left(found)]
        if not left:
            continue
        names = ", ".join(sorted(found.name for found in left))
        mixed = any(found.name.endswith(OLD) for found in left)
        key = "note.leftovers_of_two_runs" if mixed else "note.leftovers"
        sentences.append(Phrase(key, output=repr(os.fspath(path)), names=names))
    return sentences


def _beginning(target: Path) -> str:
    # The name is cut because a file system takes names of 255 bytes.
    return f".{target.name[:40]}."


def _temporary_files(target: Path) -> list[Path]:
    beginning = _beginning(target)
    try:
        return [
            found
            for found in target.parent.iterdir()
            if found.name.startswith(beginning)
            and _ENDS.fullmatch(found.name.removeprefix(beginning))
        ]
    except OSError:
        return []  # whoever writes there says what is wrong


def _remove_if_left(path: Path) -> bool:
    """Remove a file that no process holds."""
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or time.time() - found.st_ctime < _SETTLED:
            return False
        lock = FileLock.on(path)
        try:
            if lock.is_held:
                path.unlink()
            return lock.is_held
        finally:
            lock.close()
    except OSError:  # locked, removed by another, or not ours
        return False
