"""Files that appear when they are complete."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import polars as pl

from grc_fast._typing import AnyPath
from grc_fast.errors import OutputError
from grc_fast.io.leftovers import OLD, beside, clear_leftovers
from grc_fast.io.locks import FileLock


def make_directory(path: AnyPath, option: str = "--output-dir") -> Path:
    """Make the directory of a command's outputs if it is not there, and return it.

    `option` is how a command names it.

    Raises
    ------
    OutputError
        It cannot be made.
    """
    directory = Path(path)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the directory {str(directory)!r} cannot be made "
            f"({(error.strerror or str(error)).lower()}): choose another with {option}"
        ) from error
    return directory


@contextmanager
def atomic_path(path: AnyPath) -> Iterator[Path]:
    """Give a temporary path beside `path`, and rename it to `path` if the block succeeds.

    Parameters
    ----------
    path
        The target; a symbolic link is followed, an existing file is replaced and keeps its mode,
        and its owner and group as far as this user may give them.

    Yields
    ------
    Path
        An empty file of a hidden, unique name in the same directory. It is removed if the block
        fails in any way, `KeyboardInterrupt` and `SystemExit` included.

    Raises
    ------
    OutputError
        The file cannot be made, or not renamed.
    """
    with atomic_paths([path]) as (temporary,), naming(path):
        yield temporary


@contextmanager
def atomic_paths(paths: Sequence[AnyPath], *, sealed: bool = False) -> Iterator[list[Path]]:
    """Give a temporary path for each target, and rename them all if the block succeeds.

    Like `atomic_path` for several files: either every target is replaced or none is. The last of
    `sealed` paths vouches for the others: an old one goes before any of them is replaced, so that
    where a run is killed it stands beside files of one run, or is not there.
    """
    targets = [Path(os.path.realpath(path)) for path in paths]
    clear_leftovers(targets)
    with ExitStack() as cleanup:
        temporaries = []
        for path, target in zip(paths, targets, strict=True):
            with naming(path):
                temporary = beside(target)
                cleanup.callback(remove, temporary)
                cleanup.callback(make(temporary, target).close)
            temporaries.append(temporary)
        yield temporaries
        for path, temporary, target in zip(paths, temporaries, targets, strict=True):
            with naming(path):
                _synchronise(temporary)
                _give(temporary, target)
        _rename(paths, temporaries, targets, sealed=sealed)


def make(temporary: Path, target: Path) -> FileLock:
    """Make the temporary file, with the permissions of the one that it replaces.

    Returns
    -------
    FileLock
        What tells other processes that the file is being written, until it is closed.
    """
    lock = FileLock(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    with suppress(FileNotFoundError):
        temporary.chmod(stat.S_IMODE(target.stat().st_mode))
    return lock


def _give(path: Path, target: Path) -> None:
    """Give a file that is written the owner and group of another, as far as this user may."""
    if sys.platform == "win32" or not target.exists():
        return
    replaced = target.stat()
    for owner in (replaced.st_uid, -1):  # the group may be ours to give where the owner is not
        with suppress(OSError):
            os.chown(path, owner, replaced.st_gid)
            return


def _synchronise(temporary: Path) -> None:
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())


def _rename(
    paths: Sequence[AnyPath],
    temporaries: Sequence[Path],
    targets: Sequence[Path],
    *,
    sealed: bool,
) -> None:
    """Rename every file, and put the old ones back if one of them cannot be renamed."""
    with ExitStack() as cleanup, ExitStack() as undo:
        if sealed:
            with naming(paths[-1]):
                undo.callback(_restore, targets[-1], _keep(targets[-1], cleanup))
                targets[-1].unlink(missing_ok=True)
        for path, temporary, target in zip(paths, temporaries, targets, strict=True):
            with naming(path):
                if len(targets) > 1:
                    undo.callback(_restore, target, _keep(target, cleanup))
                temporary.replace(target)
        undo.pop_all()


def _keep(target: Path, cleanup: ExitStack) -> Path | None:
    """Give the old file a second name until the whole run has succeeded."""
    if not target.exists():
        return None
    kept = beside(target, OLD)
    cleanup.callback(remove, kept)
    try:
        os.link(target, kept)
    except OSError:  # a file system without hard links
        shutil.copy2(target, kept)
    with suppress(OSError):
        cleanup.callback(FileLock.on(kept).close)
    return kept


def _restore(target: Path, kept: Path | None) -> None:
    if kept is None:
        remove(target)
    else:
        kept.replace(target)


def remove(path: Path) -> None:
    """Remove a temporary file, if it is still there."""
    with suppress(OSError):
        path.unlink()


@contextmanager
def naming(path: AnyPath) -> Iterator[None]:
    """Turn what goes wrong in writing a file into one sentence that names it."""
    try:
        yield
    except OutputError:
        raise
    except Exception as error:
        if not _is_writing_error(error):
            raise
        raise OutputError(f"{os.fspath(path)!r} cannot be written: {reason(error)}") from error


def _is_writing_error(error: Exception) -> bool:
    # xlsxwriter wraps an operating system error in an exception of its own.
    return (
        isinstance(error, (OSError, pl.exceptions.PolarsError))
        or type(error).__module__ == "xlsxwriter.exceptions"
    )


# What Polars says of a write of Parquet's footer that fails, whatever the reason.
_UNTOLD: Final = "Invalid thrift: transport error"
_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def reason(error: BaseException) -> str:
    """Return why a file could not be written, in words, and what to do."""
    code = getattr(error, "errno", None)
    if code is None and (found := re.search(r"\b(?:os error|Errno) (\d+)", str(error))):
        code = int(found[1])
    if code is None and _UNTOLD in str(error):
        return "the system has refused a write: see whether the disk is full or fails"
    if code is None:
        first_line = str(error).strip().partition("\n")[0]
        return first_line or type(error).__name__
    if code in _FULL:
        return f"{os.strerror(code).lower()}: free some space or write to another disk"
    if code in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return f"{os.strerror(code).lower()}: choose a directory that you may write to"
    return os.strerror(code).lower()
