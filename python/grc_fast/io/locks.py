"""Locks on open files, as one process tells another that it works on them."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

if sys.platform != "win32":
    import fcntl

# What file systems say that know no locks.
_UNKNOWN = {errno.ENOTSUP, errno.ENOSYS, errno.ENOLCK, errno.EINVAL, errno.EBADF}


class FileLock:
    """A lock on a file as it is: it goes with the process, however that ends.

    Where the system or the file system knows no such locks, none is held, and none is missed.

    Parameters
    ----------
    descriptor
        The open file, which the lock closes.

    Raises
    ------
    BlockingIOError
        If another process holds the lock; the file is closed then.
    """

    def __init__(self, descriptor: int) -> None:
        self.is_held = False
        self._descriptor: int | None = descriptor
        if sys.platform == "win32":
            self.close()  # an open file could not be renamed
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.is_held = True
        except OSError as error:
            self.close()
            if error.errno not in _UNKNOWN:
                raise

    @classmethod
    def on(cls, path: Path) -> FileLock:
        """Lock the file of a path."""
        return cls(os.open(path, os.O_RDONLY))

    def is_on(self, path: Path) -> bool:
        """Tell whether the locked file still has a name, which may have gone to another since."""
        if self._descriptor is None:
            return False
        try:
            return os.path.samestat(path.stat(), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None
        self.is_held = False
