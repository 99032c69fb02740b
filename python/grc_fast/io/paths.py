"""Paths, globs and directories: which files they name, and of which format."""

from __future__ import annotations

import difflib
import zipfile
from pathlib import Path, PurePath, PurePosixPath
from urllib.parse import unquote, urlsplit

from grc_fast.errors import SourceError
from grc_fast.io.file_listing import Listing, folder_listing, glob_listing, is_file
from grc_fast.io.lakes.kind import refuse_listed_tables
from grc_fast.io.object_store import find_files, has_glob, open_bytes
from grc_fast.io.source import redact
from grc_fast.io.store_faults import is_in_object_store
from grc_fast.io.text_bytes import PACKED

_FORMATS = {
    ".parquet": "Parquet",
    ".pq": "Parquet",
    ".csv": "CSV",
    ".tsv": "CSV",
    ".txt": "CSV",
    ".ndjson": "NDJSON",
    ".jsonl": "NDJSON",
    ".json": "JSON",
    ".xlsx": "workbook",
    ".xls": "workbook",
    ".xlsb": "workbook",
    ".ods": "workbook",
    ".arrow": "Arrow",
    ".ipc": "Arrow",
    ".feather": "Arrow",
}
_EXTENSIONS = (
    "Parquet (.parquet, .pq), CSV (.csv, .tsv, .txt), NDJSON (.ndjson, .jsonl), a JSON array "
    "(.json), a workbook (.xlsx, .ods) or Arrow (.arrow, .ipc, .feather); text may be packed "
    "(.gz, .zst, .zip)"
)
# Databases that have no reader of their own.
_OTHER_DATABASES = (
    "mysql://",
    "mariadb://",
    "mssql://",
    "oracle://",
    "snowflake://",
    "bigquery://",
)
# These have a compression of their own, and are read from both ends.
_NEVER_PACKED = ("Parquet", "Arrow", "workbook")


def local_path(path: str) -> str:
    """Turn `~/…` and `file:///…` into plain paths."""
    if path.startswith("file://"):
        return unquote(urlsplit(path).path)
    return str(Path(path).expanduser()) if path.startswith("~") else path


def refuse_other_databases(path: str) -> None:
    """Refuse the address of a database that has no reader of its own."""
    if path.lower().startswith(_OTHER_DATABASES):
        raise SourceError(
            f"{redact(path)} is a database that is read through its ADBC driver only: write "
            "adbc:DRIVER:URI, or export the table to Parquet"
        )


def expand(path: str) -> Listing:
    """List the files of a path: itself, those of a directory, or those that a glob matches."""
    if is_in_object_store(path):
        return _stored_files(path)
    found = Path(path)
    if found.is_dir():
        return _directory_listing(found)
    if found.exists():
        return Listing((path,))
    if is_file(found):
        return Listing((path,))
    if has_glob(path):
        listing = glob_listing(path, PACKED)
        if not listing.read:
            raise SourceError(f"no file matches {path!r}: check the directory and the pattern")
        return listing
    raise SourceError(f"there is no file {path!r}{_near_files(found)}")


def _stored_files(url: str) -> Listing:
    listing = find_files(url)
    refuse_listed_tables(url, listing)
    if listing.files == [url] or has_glob(url):
        return Listing(tuple(listing.files))
    files = [
        file
        for file in listing.files
        if is_data_file(PurePosixPath(file.removeprefix(listing.folder + "/")))
    ]
    if not files:
        raise SourceError(f"the folder {redact(url)} holds no file of {_EXTENSIONS}")
    return Listing(tuple(files), tuple(sorted(set(listing.files) - set(files))))


def is_data_file(path: PurePath) -> bool:
    """Tell whether a file below a directory is read with it: one of no hidden folder or name."""
    return suffix_of(path.name) in _FORMATS and not any(
        part.startswith((".", "_")) for part in path.parts
    )


def _directory_listing(directory: Path) -> Listing:
    listing = folder_listing(directory, lambda name: suffix_of(name) in _FORMATS)
    if not listing.read:
        raise SourceError(f"the directory {str(directory)!r} holds no file of {_EXTENSIONS}")
    return listing


def _near_files(path: Path) -> str:
    directory = path.parent
    if not directory.is_dir():
        return f": there is no directory {str(directory)!r} either"
    try:
        names = [entry.name for entry in directory.iterdir()]
    except OSError:
        return ""
    near = difflib.get_close_matches(path.name, names, n=3, cutoff=0.6)
    return f" (did you mean {' or '.join(repr(name) for name in near)}?)" if near else ""


def below(file: str, path: str) -> tuple[str, ...]:
    """Directories between a given directory and one of its files: Hive keys stand there."""
    if is_in_object_store(file):
        inside = file.removeprefix(path.rstrip("/") + "/")
        return () if inside == file else PurePosixPath(inside).parts[:-1]
    if "://" in file or not Path(path).is_dir():
        return ()
    return Path(file).relative_to(path).parts[:-1]


def format_of(path: str) -> str:
    """Return the format that a file's name says."""
    suffix = suffix_of(path)
    if suffix in _FORMATS and not (is_packed(path) and _FORMATS[suffix] in _NEVER_PACKED):
        return _FORMATS[suffix]
    if "://" in path and not is_in_object_store(path) and not suffix:
        return "Parquet"
    said = f"the extension {suffix!r}" if suffix else "no extension"
    raise SourceError(f"{redact(path)} has {said}: a file must be {_EXTENSIONS}")


def suffix_of(path: str) -> str:
    """Return the extension of a file, or of what is packed in it."""
    is_web = "://" in path and not is_in_object_store(path)
    found = Path(path.split("?", 1)[0] if is_web else path)
    if not is_packed(path):
        return found.suffix.lower()
    inner = Path(found.stem).suffix.lower()
    return inner or (_suffix_of_member(path) if found.suffix.lower() == ".zip" else "")


def is_packed(path: str) -> bool:
    """Tell whether a file is packed, as its name says."""
    return Path(path).suffix.lower() in PACKED


def _suffix_of_member(path: str) -> str:
    try:
        with open_bytes(path) as file, zipfile.ZipFile(file) as archive:
            names = [member.filename for member in archive.infolist() if not member.is_dir()]
    except (OSError, zipfile.BadZipFile):
        raise SourceError(f"{path} is no zip archive, whatever its name says") from None
    return Path(names[0]).suffix.lower() if len(names) == 1 else ""


def read_address(path: str) -> str:
    """Return the address by which Polars reads a file of this machine instead of mapping it.

    A process that has mapped a file is ended by the system if another one shortens it meanwhile.
    """
    return path if "://" in path else Path(path).resolve().as_uri()


def check_readable(path: str) -> None:
    """Refuse a file that cannot be read, or is empty."""
    try:
        with Path(path).open("rb") as file:
            first = file.read(1)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from None
    if not first:
        raise SourceError(f"{path} is empty (0 bytes)")


def check_parquet(path: str) -> None:
    """Check the marks at both ends: a cut-off copy lacks the last."""
    if not starts_with(path, b"PAR1", b"PARE"):
        raise SourceError(f"{path} is not a Parquet file, whatever its name says")
    with Path(path).open("rb") as file:
        file.seek(-4, 2)
        if file.read(4) not in (b"PAR1", b"PARE"):
            raise SourceError(f"{path} is truncated: the end of the Parquet file is missing")


def starts_with(path: str, *marks: bytes) -> bool:
    """Whether a file begins with one of some marks."""
    with open_bytes(path) as file:
        return file.read(8).startswith(marks)
