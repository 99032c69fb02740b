"""Files of object stores: which there are, their bytes, and in one sentence what is wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import cache
from importlib.util import find_spec
from io import BufferedReader, RawIOBase
from pathlib import Path
from types import ModuleType
from typing import IO, Any, Final

from grc_fast._utils.extras import import_extra
from grc_fast._utils.messages import first_line
from grc_fast.errors import GrcError, SourceError
from grc_fast.io.source import redact, unreadable
from grc_fast.io.store_faults import is_in_object_store

_S3: Final = ("s3://", "s3a://")
_GLOB: Final = re.compile(r"[*?\[]")
# How long a store that does not answer is asked again, in seconds.
_PATIENCE: Final = 8
_BYTES_AT_A_TIME: Final = 4 << 20


@dataclass(frozen=True)
class StoredListing:
    """What a URL names.

    Attributes
    ----------
    files
        The URLs of the files that it names.
    folder
        The folder that was searched for them; empty if the URL is that of a file.
    seen
        The URLs of all files below that folder.
    """

    files: list[str]
    folder: str = ""
    seen: list[str] = field(default_factory=list)


def find_files(url: str) -> StoredListing:
    """List the file that has this name, or those that a glob matches, or all below a folder.

    Raises
    ------
    SourceError
        If there are none, or the store cannot be read.
    """
    if is_stored_file(url):
        return StoredListing([url])
    root, key = _parted(url)
    glob = _GLOB.search(key)
    folder = key[: glob.start()].rpartition("/")[0] if glob else key.strip("/")
    with _errors(url):
        keys = sorted(_keys_below(root, folder))
    pattern = key.split("/")
    files = [found for found in keys if not glob or _matches(found.split("/"), pattern)]
    if not files:
        raise SourceError(
            f"no file matches {redact(url)}: check the folder and the pattern"
            if glob
            else f"there is no file {redact(url)}, and no folder of that name"
        )
    urls = {found: f"{root}/{found}" for found in keys}
    return StoredListing(
        [urls[found] for found in files], f"{root}/{folder}".rstrip("/"), list(urls.values())
    )


def has_glob(path: str) -> bool:
    """Tell whether a path has letters of a pattern."""
    return _GLOB.search(path) is not None


def is_stored_file(url: str) -> bool:
    """Tell whether a URL is that of a file, and of no folder."""
    root, key = _parted(url)
    with _errors(url):
        if not key or key.endswith("/"):
            return False
        try:
            _obstore().head(_store(root), key)
        except FileNotFoundError:
            return False
        return True


def files_below(url: str, folder: str) -> Iterator[str]:
    """Give the URLs of all files in a folder of a folder."""
    root, key = _parted(url)
    with _errors(url):
        for found in _keys_below(root, f"{key}/{folder}".strip("/")):
            yield f"{root}/{found}"


def open_stored(url: str) -> BufferedReader:
    """Open a file for reading; any part of it can be sought.

    Raises
    ------
    SourceError
        If there is no such file, or the store cannot be read.
    """
    root, key = _parted(url)
    with _errors(url):
        reader = _obstore().open_reader(_store(root), key, buffer_size=_BYTES_AT_A_TIME)
    return BufferedReader(_StoredFile(url, reader), _BYTES_AT_A_TIME)


def open_bytes(path: str) -> IO[bytes]:
    """Open a file for reading, be it of this machine or of a store."""
    return open_stored(path) if is_in_object_store(path) else Path(path).open("rb")


def log_options(url: str) -> dict[str, str]:
    """Give what the reader of a table's log is told: it knows no profiles of AWS by itself."""
    options = {"allow_http": "true"}
    session = _boto3_session() if url.lower().startswith(_S3) else None
    if session is None:
        return options
    credentials = session.get_credentials().get_frozen_credentials()
    found = {
        "aws_access_key_id": credentials.access_key,
        "aws_secret_access_key": credentials.secret_key,
        "aws_session_token": credentials.token,
        "aws_region": session.region_name,
    }
    return options | {name: value for name, value in found.items() if value}


class _StoredFile(RawIOBase):
    """A file of a store as Python's own readers take it."""

    def __init__(self, url: str, reader: Any) -> None:
        super().__init__()
        self._url = url
        self._reader = reader

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        with _errors(self._url):
            data = self._reader.read(len(buffer))
        buffer[: len(data)] = memoryview(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        found: int = self._reader.seek(offset, whence)
        return found

    def tell(self) -> int:
        found: int = self._reader.tell()
        return found


def _parted(url: str) -> tuple[str, str]:
    """Part a URL into the bucket's own and the key in it."""
    scheme, _, rest = url.partition("://")
    bucket, _, key = rest.partition("/")
    if not bucket:
        raise SourceError(f"{redact(url)} names no bucket: write {scheme}://BUCKET/FOLDER/FILE")
    return f"{scheme}://{bucket}", key


def _keys_below(root: str, folder: str) -> Iterator[str]:
    for chunk in _obstore().list(_store(root), folder or None):
        for found in chunk:
            if found["size"] or not found["path"].endswith("/"):
                yield found["path"]


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Tell whether the parts of a key match those of a glob, by the rules of this machine's globs.

    `*` stays in one folder, `**` is any number of them, and neither begins with a point.

    Examples
    --------
    >>> _matches(["a", "b", "c", "d.csv"], ["a", "**", "*.csv"])
    True
    >>> _matches(["a", "b", "c.csv"], ["a", "*.csv"])
    False
    """
    if not pattern or not parts:
        return not parts and all(part == "**" for part in pattern)
    first, *rest = pattern
    is_hidden = parts[0].startswith(".") and not first.startswith(".")
    if first == "**":
        return _matches(parts, rest) or (not is_hidden and _matches(parts[1:], pattern))
    return not is_hidden and fnmatchcase(parts[0], first) and _matches(parts[1:], rest)


@cache
def _store(root: str) -> Any:
    """Open a bucket with what the environment says, or else the usual files of AWS."""
    options: dict[str, Any] = {
        "client_options": {
            "allow_http": True,  # where the endpoint says so
            "connect_timeout": f"{_PATIENCE // 2}s",
            "read_timeout": f"{_PATIENCE}s",
        },
        "retry_config": {"max_retries": 6, "retry_timeout": timedelta(seconds=_PATIENCE)},
    }
    session = _boto3_session() if root.lower().startswith(_S3) else None
    if session is not None:
        from obstore.auth.boto3 import Boto3CredentialProvider

        options["credential_provider"] = Boto3CredentialProvider(session)
    return _obstore().store.from_url(root, **options)


def _boto3_session() -> Any:
    """Find the credentials of AWS that stand in its files, if the environment has none."""
    given = ("AWS_ACCESS_KEY_ID", "AWS_SKIP_SIGNATURE", "AWS_WEB_IDENTITY_TOKEN_FILE")
    if any(name in os.environ for name in given) or find_spec("boto3") is None:
        return None
    import boto3

    session = boto3.Session()
    return session if session.get_credentials() is not None else None


def _obstore() -> ModuleType:
    import_extra("obstore.store", "cloud", "reading an object store")
    return import_extra("obstore", "cloud", "reading an object store")


@contextmanager
def _errors(url: str) -> Iterator[None]:
    """Turn whatever the store says into one sentence."""
    try:
        yield
    except (GrcError, GeneratorExit):
        raise
    except Exception as error:  # noqa: BLE001 (each store has errors of its own)
        raise unreadable(url, error, first_line(error)) from None
