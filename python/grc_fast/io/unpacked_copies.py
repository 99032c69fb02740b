"""Copies of what can be read but once, or not in parts: standard input, and packed files."""

from __future__ import annotations

import atexit
import shutil
import stat
import sys
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Final

from grc_fast.errors import SourceError
from grc_fast.io.object_store import open_stored
from grc_fast.io.source import NAMES_OF_COPIES, redact
from grc_fast.io.store_faults import is_in_object_store
from grc_fast.io.text_bytes import ByteSource, unpacked

#: The name of standard input among sources.
STANDARD_INPUT: Final = "-"
_COPIED_AT_A_TIME: Final = 1 << 20
# What files begin with, and the extension that they have then.
_BEGINNINGS: Final = (
    (b"PAR1", ".parquet"),
    (b"ARROW1", ".arrow"),
    (b"\xff\xff\xff\xff", ".arrow"),
    (b"PK\x03\x04", ".xlsx"),
    (b"\x1f\x8b", ".csv.gz"),
    (b"\x28\xb5\x2f\xfd", ".csv.zst"),
    (b"{", ".ndjson"),
    (b"[", ".json"),
)


@cache
def standard_input_copy() -> str:
    """Copy standard input into a file of the process, and give its path.

    What it holds is told from its first bytes; text is CSV.

    Raises
    ------
    SourceError
        If there is nothing in it.
    """
    return _copy_of_stream(sys.stdin.buffer, "standard input")


def is_pipe(path: str) -> bool:
    """Tell whether a path names a pipe, whose bytes can be read but once."""
    try:
        return stat.S_ISFIFO(Path(path).stat().st_mode)
    except OSError:
        return False


def pipe_copy(path: str) -> str:
    """Copy what a pipe gives, as standard input is copied: once in a process.

    Raises
    ------
    SourceError
        If it cannot be read, or there is nothing in it.
    """
    return _pipe_copy(path, Path(path).stat().st_ino)


@cache
def _pipe_copy(path: str, _number: int) -> str:
    try:
        with Path(path).open("rb") as source:
            return _copy_of_stream(source, path)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from None


def _copy_of_stream(source: ByteSource, name: str) -> str:
    first = source.read(_COPIED_AT_A_TIME)
    if not first:
        raise SourceError(f"{name} is empty (0 bytes)")
    head = first.removeprefix(b"\xef\xbb\xbf").lstrip()
    suffix = next((end for start, end in _BEGINNINGS if head.startswith(start)), ".csv")
    return _copy(source, name, suffix, first)


def unpacked_copy(path: str) -> str:
    """Unpack a file into one of the process, and give its path.

    Raises
    ------
    SourceError
        If it cannot be unpacked.
    """
    if is_in_object_store(path):
        return _unpacked_copy(path)
    known = Path(path).stat()
    return _unpacked_copy(path, known.st_mtime_ns, known.st_size)


@cache
def copy_of_stored(url: str) -> str:
    """Copy a file of an object store into one of the process, and give its path.

    Raises
    ------
    SourceError
        If it cannot be read, or is empty.
    """
    with open_stored(url) as source:
        first = source.read(_COPIED_AT_A_TIME)
        if not first:
            raise SourceError(f"{redact(url)} is empty (0 bytes)")
        return _copy(source, redact(url), Path(url).suffix, first)


@cache
def _unpacked_copy(path: str, *_state: int) -> str:
    """Unpack a file once, as long as it stays the same."""
    with closing(unpacked(path)) as source:
        first = source.read(_COPIED_AT_A_TIME)
        return _copy(source, path, Path(Path(path).stem).suffix, first)


def _copy(source: ByteSource, name: str, suffix: str, first: bytes) -> str:
    with tempfile.NamedTemporaryFile(suffix=suffix, dir=_directory(), delete=False) as file:
        while first:
            file.write(first)
            first = source.read(_COPIED_AT_A_TIME)
    NAMES_OF_COPIES[file.name] = name
    return file.name


@cache
def _directory() -> str:
    """Make a directory that goes with the process."""
    directory = tempfile.mkdtemp(prefix="grc-fast-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory
