"""The bytes of text files: packed or not, and the encoding they are in."""

from __future__ import annotations

import codecs
import gzip
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Final, Literal, Protocol, cast

import polars as pl

from grc_fast._utils.messages import first_line
from grc_fast.errors import SourceError
from grc_fast.io.object_store import open_bytes, open_stored
from grc_fast.io.query_batches import query_batches
from grc_fast.io.store_faults import is_in_object_store
from grc_fast.io.text_options import TextOptions, said

#: The extensions of packed files.
PACKED: Final = (".gz", ".zst", ".zip")
# The form of a file is read off this much of it.
SAMPLE_BYTES: Final = 1 << 16
# A separator that no table uses: with it, each line is one field.
_NO_SEPARATOR: Final = "\x1f"
# Lines of a file in an object store that are held at a time.
_REMOTE_LINES: Final = 100_000
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Codecs that the reader takes as they are.
_READ_AS_THEY_ARE: Final = ("utf-8", "utf-8-sig", "ascii", "cp1252")


class ByteSource(Protocol):
    """Something that gives bytes until it gives none."""

    def read(self, size: int, /) -> bytes:
        """Give up to `size` bytes."""


@dataclass
class TextBytes:
    """A text file, unpacked and in an encoding that the reader of its rows takes.

    Attributes
    ----------
    path
        Where it is.
    encoding
        The encoding, as Python names it; `auto` is UTF-8 unless its first letter beyond ASCII is
        none, and cp1252 then.
    sample
        Its first characters.
    is_whole
        Whether those are all.
    """

    path: str
    encoding: str
    sample: str
    is_whole: bool

    def turns_out_to_be_cp1252(self, error: SourceError) -> bool:
        """Tell whether bytes that are no UTF-8 are cp1252: the first letters beyond ASCII decide.

        If so, the file is read as cp1252 from now on.
        """
        if self.encoding != "auto" or getattr(error, "kind", None) != "encoding":
            return False
        if not _is_ascii_before(self.path, error.line):  # type: ignore[attr-defined]
            return False
        self.encoding = "cp1252"
        return True

    @property
    def reader_encoding(self) -> Literal["utf-8", "cp1252"]:
        """What the reader of rows is told."""
        return "cp1252" if self.encoding == "cp1252" else "utf-8"

    def open(self) -> str | ByteSource:
        """Give the path where rows can be read right from the file, or what gives its bytes."""
        packed = Path(self.path).suffix.lower() in PACKED
        as_it_is = self.encoding == "auto" or self.encoding in _READ_AS_THEY_ARE
        if as_it_is:
            return unpacked(self.path) if packed or "://" in self.path else self.path
        return _Transcoded(unpacked(self.path), self.path, self.encoding)


def sample_text(path: str, options: TextOptions) -> TextBytes:
    """Read the first lines of a text file, and tell its encoding.

    Raises
    ------
    SourceError
        If it cannot be read, is empty or is no text.
    """
    with closing(unpacked(path)) as file:
        data = file.read(SAMPLE_BYTES)
    if not data:
        raise SourceError(f"{path} is empty: it has no header and no rows")
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    encoding = options.encoding or marked or _unmarked(data)
    name = "auto" if encoding == "auto" else codecs.lookup(encoding).name
    if name == "auto" and _is_no_utf8(data):
        name = "cp1252"
    text = _decoded(path, data, name)
    if data[:2] == b"PK" or "\0" in text:
        raise SourceError(f"{path} is no text file: it has binary content under a text file's name")
    return TextBytes(path, name, text, len(data) < SAMPLE_BYTES)


def _unmarked(data: bytes) -> str:
    """Tell the encoding of a text without a mark: UTF-16 has a zero in most of its characters."""
    head = data[:4096]
    for first, name in ((0, "utf-16-be"), (1, "utf-16-le")):
        zeros = head[first::2].count(0)
        if zeros > len(head) / 4 and not head[1 - first :: 2].count(0):
            return name
    return "auto"


def _is_ascii_before(path: str, line: int) -> bool:
    """Tell whether a file is ASCII up to the first letter of a line that is no UTF-8."""
    with closing(unpacked(path)) as file:
        left = line - 1
        while left > 0 and (data := file.read(SAMPLE_BYTES)):
            end = 0
            while left > 0 and (found := data.find(b"\n", end)) >= 0:
                end, left = found + 1, left - 1
            if not data[: end if left == 0 else None].isascii():
                return False
            if left == 0:
                return _begins_in_ascii(data[end:])
        return line == 1 and _begins_in_ascii(file.read(SAMPLE_BYTES))


def _is_no_utf8(data: bytes) -> bool:
    """Tell whether the first letter beyond ASCII is none of UTF-8."""
    return not data.isascii() and _begins_in_ascii(data)


def _begins_in_ascii(data: bytes) -> bool:
    """Tell whether the first letter beyond ASCII is no UTF-8."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError as error:
        return data[: error.start].isascii()
    return data.isascii()


def _decoded(path: str, data: bytes, encoding: str) -> str:
    try:
        text = codecs.getincrementaldecoder("utf-8" if encoding == "auto" else encoding)().decode(
            data
        )
    except UnicodeDecodeError as error:
        name = "utf-8" if encoding == "auto" else encoding
        raise wrong_encoding(path, data[: error.start].count(b"\n") + 1, name) from None
    return text.removeprefix("\ufeff")


def unpacked(path: str) -> ByteFile:
    """Open a file and take it out of its packing.

    Raises
    ------
    SourceError
        If it is not packed as its name says, or holds several files.
    """
    if "://" in path and not is_in_object_store(path):
        return ByteFile(path, _RemoteText(path))
    opener: Callable[[str], IO[bytes]] = {
        ".gz": _open_gzip,
        ".zst": _open_zstandard,
        ".zip": _open_zip,
    }.get(Path(path).suffix.lower(), open_bytes)
    with _said_of(path):
        return ByteFile(path, opener(path))


class _RemoteText:
    """A text file of the web, as Polars brings it: line by line, in UTF-8."""

    def __init__(self, url: str) -> None:
        lines = pl.scan_csv(
            url,
            separator=_NO_SEPARATOR,
            has_header=False,
            quote_char=None,
            schema={"line": pl.String},
            truncate_ragged_lines=True,
        )
        self._batches: Iterator[pl.DataFrame] = query_batches(lines, _REMOTE_LINES)
        self._held = b""

    def read(self, size: int, /) -> bytes:
        while len(self._held) < size and (batch := next(self._batches, None)) is not None:
            self._held += "".join(f"{line or ''}\n" for line in batch["line"]).encode()
        found, self._held = self._held[:size], self._held[size:]
        return found

    def close(self) -> None:
        self._batches = iter(())


class ByteFile:
    """The bytes of a file out of its packing, whose faults are told in one sentence.

    Parameters
    ----------
    path
        The file, for errors.
    file
        What gives the bytes.
    """

    def __init__(self, path: str, file: IO[bytes] | _RemoteText) -> None:
        self._path = path
        self._file = file

    def read(self, size: int, /) -> bytes:
        """Give up to `size` bytes, as many as there are."""
        with _said_of(self._path):
            return self._file.read(size)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __del__(self) -> None:
        """Close the file of a reader that has gone."""
        self.close()


class _Transcoded:
    """The text of a file in UTF-8."""

    def __init__(self, file: ByteFile, path: str, encoding: str) -> None:
        self._file, self._path, self._encoding = file, path, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._lines = 0
        self._held: bytes | None = None

    def read(self, size: int, /) -> bytes:
        # Never nothing before the end: a character may take several reads, and become longer.
        while not self._held:
            data = self._file.read(size)
            try:
                text = self._decoder.decode(data, final=not data)
            except UnicodeDecodeError as error:
                line = self._lines + 1 + error.object[: error.start].count(b"\n")
                raise wrong_encoding(self._path, line, self._encoding) from None
            self._lines += text.count("\n")
            self._held = (text.removeprefix("\ufeff") if self._held is None else text).encode()
            if not data:
                break
        held = self._held or b""
        found, self._held = held[:size], held[size:]
        return found


def wrong_encoding(path: str, line: int, encoding: str) -> SourceError:
    """Return the error for bytes that are nothing in an encoding."""
    return SourceError(
        f"{path}, line {line} is not written in {encoding}: give {said('encoding')} the one that "
        "it is in"
    )


@contextmanager
def _said_of(path: str) -> Iterator[None]:
    """Turn what goes wrong in a packed file into a sentence."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or first_line(error)
        raise SourceError(f"{path} cannot be read: {reason}") from None
    except (EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, _zstd().ZstdError) as error:
        raise SourceError(
            f"{path} cannot be unpacked: {first_line(error)}; is the file whole?"
        ) from None


def _open_gzip(path: str) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(_openable(path), "rb"))


def _open_zstandard(path: str) -> IO[bytes]:
    return cast(IO[bytes], _zstd().open(_openable(path), "rb"))


def _openable(path: str) -> Any:
    """Give what openers of packed files take: a path, or a file of a store."""
    return open_stored(path) if is_in_object_store(path) else path


def _zstd() -> Any:
    """Import what few files need."""
    return import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


def _open_zip(path: str) -> IO[bytes]:
    archive = zipfile.ZipFile(_openable(path))
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) != 1:
        raise SourceError(f"{path} holds {len(members)} files: pack one in a file of its own")
    return archive.open(members[0])
