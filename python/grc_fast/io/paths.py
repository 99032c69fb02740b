"""Paths, globs and directories: which files they name, and of which format."""

from __future__ import annotations

import difflib
import glob
import re
import zipfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from grc_fast.errors import SourceError
from grc_fast.io.source import redact
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
_GLOB = re.compile(r"[*?\[]")


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


def expand(path: str) -> list[str]:
    """List the files of a path: itself, those of a directory, or those that a glob matches."""
    found = Path(path)
    if found.is_dir():
        return _directory_files(found)
    if found.exists():
        return [path]
    if _GLOB.search(path):
        matches = glob.glob(path, recursive=True)  # noqa: PTH207 (Path takes no absolute pattern)
        files = sorted(file for file in matches if Path(file).is_file())
        if not files:
            raise SourceError(f"no file matches {path!r}: check the directory and the pattern")
        return files
    raise SourceError(f"there is no file {path!r}{_near_files(found)}")


def _directory_files(directory: Path) -> list[str]:
    files = [
        file
        for file in sorted(directory.rglob("*"))
        if file.is_file()
        and suffix_of(str(file)) in _FORMATS
        and not any(part.startswith((".", "_")) for part in file.relative_to(directory).parts)
    ]
    if not files:
        raise SourceError(f"the directory {str(directory)!r} holds no file of {_EXTENSIONS}")
    return [str(file) for file in files]


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
    if "://" in file or not Path(path).is_dir():
        return ()
    return Path(file).relative_to(path).parts[:-1]


def format_of(path: str) -> str:
    """Return the format that a file's name says."""
    suffix = suffix_of(path)
    if suffix in _FORMATS and not (is_packed(path) and _FORMATS[suffix] in _NEVER_PACKED):
        return _FORMATS[suffix]
    if "://" in path and not suffix:
        return "Parquet"  # a directory of an object store
    said = f"the extension {suffix!r}" if suffix else "no extension"
    raise SourceError(f"{redact(path)} has {said}: a file must be {_EXTENSIONS}")


def suffix_of(path: str) -> str:
    """Return the extension of a file, or of what is packed in it."""
    found = Path(path.split("?", 1)[0] if "://" in path else path)
    if not is_packed(path):
        return found.suffix.lower()
    inner = Path(found.stem).suffix.lower()
    return inner or (_suffix_of_member(path) if found.suffix.lower() == ".zip" else "")


def is_packed(path: str) -> bool:
    """Tell whether a file is packed, as its name says."""
    return Path(path).suffix.lower() in PACKED


def _suffix_of_member(path: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [member.filename for member in archive.infolist() if not member.is_dir()]
    except (OSError, zipfile.BadZipFile):
        raise SourceError(f"{path} is no zip archive, whatever its name says") from None
    return Path(names[0]).suffix.lower() if len(names) == 1 else ""


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
    with Path(path).open("rb") as file:
        return file.read(8).startswith(marks)
