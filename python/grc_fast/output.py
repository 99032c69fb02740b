"""Write results: one format an extension, and never half a file.

A file is written under a hidden name beside its target and renamed when it is complete, so that a
run that fails or is killed leaves the old file or none.
"""

import errno
import glob
import io
import json
import os
import re
import secrets
import shutil
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias

import polars as pl

from grc_fast.errors import OutputError

__all__ = [
    "STDOUT",
    "atomic_path",
    "atomic_paths",
    "check_outputs",
    "check_writable",
    "forget_standard_output",
    "frame_writer",
    "json_text",
    "json_writer",
    "make_directory",
    "write_frame",
    "write_outputs",
    "write_text",
]

STDOUT: Final = "-"
"""The path that stands for standard output."""

AnyPath: TypeAlias = str | os.PathLike[str]

# Fixed, so that the same frame gives the same row groups whatever the engine's own default is.
_ROW_GROUP: Final = 262_144
# Rows turned into CSV text at a time for standard output: a few megabytes.
_CSV_ROWS: Final = 65_536
# Limits of an Excel sheet (Microsoft, "Excel specifications and limits").
_XLSX_ROWS: Final = 1_048_576
_XLSX_TEXT: Final = 32_767
# Beyond 2^53 a spreadsheet's number (a double) no longer holds every integer.
_XLSX_INTEGER: Final = 2**53
# Days before 1900-03-01 have no agreed serial number in spreadsheets (1900 is a leap year there).
_XLSX_EPOCH: Final = date(1900, 3, 1)
# What makes a spreadsheet read a text as a formula (OWASP, "CSV Injection").
_FORMULA: Final = r"^[=+\-@\t\r]"


# --- what is written ------------------------------------------------------------------------------


def write_frame(frame: pl.DataFrame, path: AnyPath) -> None:
    r"""Write a frame in the format of its path's extension, whole or not at all.

    Parameters
    ----------
    frame
        Any frame; CSV takes no nested columns.
    path
        `.parquet`, `.csv`, `.ndjson` or `.jsonl`, `.arrow`, `.ipc` or `.feather`, `.xlsx`; `-`
        writes CSV to standard output. An existing file is replaced.

    Raises
    ------
    OutputError
        The extension is unknown, the directory is missing or read-only, the disk is full, or the
        format cannot hold the frame. Nothing is left behind.

    Notes
    -----
    In XLSX, a text that a spreadsheet would run as a formula gets a leading apostrophe, and
    integers beyond 2^53 are written as text. A CSV is data and is left as it is.

    Examples
    --------
    >>> import polars as pl, tempfile, pathlib
    >>> from grc_fast.output import write_frame
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     target = pathlib.Path(directory, "scores.csv")
    ...     write_frame(pl.DataFrame({"client_id": [1, 2], "points": [15, 3]}), target)
    ...     target.read_text()
    'client_id,points\n1,15\n2,3\n'
    """
    if os.fspath(path) == STDOUT:
        _write_standard_output(frame)
        return
    write_outputs({path: frame_writer(frame, path)})


def write_outputs(
    outputs: Mapping[AnyPath, Callable[[Path], None]], last: Callable[[], None] | None = None
) -> None:
    """Write several files of one run: all of them appear, or none.

    Parameters
    ----------
    outputs
        For each target, the function that writes it to the path it is given (a temporary file
        beside the target).
    last
        What else must succeed (a result on standard output) before the files get their names.

    Raises
    ------
    OutputError
        One of them cannot be written; the others are then left as they were.
    """
    with atomic_paths(list(outputs)) as temporaries:
        for (target, write), temporary in zip(outputs.items(), temporaries, strict=True):
            with _naming(target):
                write(temporary)
        if last is not None:
            last()


def write_result(
    frame: pl.DataFrame, path: AnyPath, beside: Mapping[AnyPath, Callable[[Path], None]]
) -> None:
    """Write the result of a run to a file or to standard output, and files beside it.

    Parameters
    ----------
    frame
        The result.
    path
        Where it goes; `STDOUT` writes CSV to standard output.
    beside
        As for `write_outputs`: all files appear, or none.

    Raises
    ------
    OutputError
        One of them cannot be written; the others are then left as they were.
    """
    if path == STDOUT:
        write_outputs(beside, last=lambda: write_frame(frame, STDOUT))
    else:
        write_outputs({path: frame_writer(frame, path), **beside})


def frame_writer(frame: pl.DataFrame, path: AnyPath) -> Callable[[Path], None]:
    """Return the function that writes a frame in the format of `path`, for `write_outputs`."""
    write = _format_of(path)
    return lambda temporary: _write_file(frame, temporary, write)


def json_writer(content: Mapping[str, Any]) -> Callable[[Path], None]:
    """Return the function that writes `content` as JSON, for `write_outputs`."""

    def write(temporary: Path) -> None:
        temporary.write_text(json_text(content), encoding="utf-8")

    return write


def json_text(content: Mapping[str, Any]) -> str:
    """Return JSON for readers and programs: indented, in plain letters, one line end at the end."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def make_directory(path: AnyPath) -> Path:
    """Make the directory of a command's outputs if it is not there, and return it.

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
            f"({(error.strerror or str(error)).lower()}): choose another with --output-dir"
        ) from error
    return directory


def _write_file(
    frame: pl.DataFrame, path: Path, write: Callable[[pl.DataFrame, BinaryIO], None]
) -> None:
    with path.open("wb") as file:
        # In one chunk, so that the bytes do not depend on how the frame was made.
        write(frame.rechunk(), file)


def write_text(text: str) -> None:
    """Write text on standard output; a reader that has gone is no error."""
    with _standard_output():
        sys.stdout.write(text)


def _write_standard_output(frame: pl.DataFrame) -> None:
    with _standard_output():
        for start in range(0, max(frame.height, 1), _CSV_ROWS):
            part = io.BytesIO()
            frame.slice(start, _CSV_ROWS).write_csv(part, include_header=start == 0)
            # Past the text layer, which would turn line ends into those of the platform.
            sys.stdout.flush()
            sys.stdout.buffer.write(part.getvalue())


@contextmanager
def _standard_output() -> Iterator[None]:
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        forget_standard_output()
    except (OSError, pl.exceptions.PolarsError) as error:
        forget_standard_output()
        raise OutputError(f"standard output cannot be written: {_reason(error)}") from error


def forget_standard_output() -> None:
    """Point standard output at nothing, so that the flush at exit does not fail again."""
    with suppress(OSError, ValueError), Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), sys.stdout.fileno())


def _parquet(frame: pl.DataFrame, file: BinaryIO) -> None:
    # Snappy: every reader takes it, and it costs a fifth less processor time than zstd.
    frame.write_parquet(file, row_group_size=_ROW_GROUP, compression="snappy")


def _csv(frame: pl.DataFrame, file: BinaryIO) -> None:
    frame.write_csv(file)


def _ndjson(frame: pl.DataFrame, file: BinaryIO) -> None:
    frame.write_ndjson(file)


def _arrow(frame: pl.DataFrame, file: BinaryIO) -> None:
    # Arrow files hold validity bitmaps as they are: only those of a frame that is put together anew
    # are sure to have zeros for unused bits.
    frame = pl.concat([frame.slice(0, 1), frame.slice(1)], rechunk=True)
    # Without string views, which Spark and older Arrow readers do not take.
    frame.write_ipc(file, compat_level=pl.CompatLevel.oldest())


def _xlsx(frame: pl.DataFrame, file: BinaryIO) -> None:
    _require_xlsxwriter()
    import xlsxwriter

    options = {
        # In memory, and not in files that a full disk or an interruption would leave behind.
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": True,
        "use_zip64": True,
    }
    archive = io.BytesIO()
    with xlsxwriter.Workbook(archive, options) as workbook:
        # The clock would make two runs on the same rows differ.
        workbook.set_properties({"created": datetime(1980, 1, 1, tzinfo=UTC)})
        _for_spreadsheet(frame).write_excel(workbook, worksheet="data", autofilter=False)
    file.write(archive.getbuffer())


def _for_spreadsheet(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame as a sheet can hold it without loss, or say that it cannot."""
    if frame.height >= _XLSX_ROWS:
        raise OutputError(
            f"an XLSX sheet holds {_XLSX_ROWS:,} rows with its header and there are "
            f"{frame.height:,} to write: use .parquet or .csv"
        )
    frame = frame.with_columns(
        [_spreadsheet_column(frame[name]).alias(name) for name in frame.columns]
    )
    frame.columns = _harmless(pl.Series(frame.columns, dtype=pl.String)).to_list()
    for column in frame.select(pl.col(pl.String)):
        length = column.str.len_chars().max()
        if isinstance(length, int) and length > _XLSX_TEXT:
            raise OutputError(
                f"column {column.name!r} has a text of {length:,} characters and an XLSX cell "
                f"holds {_XLSX_TEXT:,}: use .parquet or .csv"
            )
    return frame


def _spreadsheet_column(column: pl.Series) -> pl.Series:
    dtype = column.dtype
    if dtype == pl.String or isinstance(dtype, (pl.Enum, pl.Categorical)):
        return _harmless(column.cast(pl.String))
    if dtype.is_integer() and _beyond(column, _XLSX_INTEGER):
        return column.cast(pl.String)
    if isinstance(dtype, (pl.Date, pl.Datetime)) and _before(column, _XLSX_EPOCH):
        return column.cast(pl.String)
    return column


def _harmless(texts: pl.Series) -> pl.Series:
    """Put an apostrophe before a text that a spreadsheet would run as a formula."""
    runs = texts.str.contains(_FORMULA).fill_null(value=False)
    return texts.zip_with(~runs, "'" + texts)


def _beyond(column: pl.Series, limit: int) -> bool:
    low, high = column.min(), column.max()
    return isinstance(low, int) and isinstance(high, int) and (low < -limit or high > limit)


def _before(column: pl.Series, day: date) -> bool:
    return bool((column.cast(pl.Date) < day).any())


def _require_xlsxwriter() -> None:
    if find_spec("xlsxwriter") is None:
        raise OutputError(
            'an .xlsx file needs the extra "xlsx": run pip install "grc-fast[xlsx]", '
            "or choose another format"
        )


_FORMATS: Final[Mapping[str, Callable[[pl.DataFrame, BinaryIO], None]]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".ndjson": _ndjson,
    ".jsonl": _ndjson,
    ".arrow": _arrow,
    ".ipc": _arrow,
    ".feather": _arrow,
    ".xlsx": _xlsx,
}


def _format_of(path: AnyPath) -> Callable[[pl.DataFrame, BinaryIO], None]:
    extension = Path(path).suffix.lower()
    try:
        return _FORMATS[extension]
    except KeyError:
        has = f"has the unknown extension {extension!r}" if extension else "has no extension"
        raise OutputError(
            f"output {os.fspath(path)!r} {has}: name it with one of {', '.join(_FORMATS)}, "
            "or use - for CSV on standard output"
        ) from None


# --- whole files or none --------------------------------------------------------------------------


@contextmanager
def atomic_path(path: AnyPath) -> Iterator[Path]:
    """Give a temporary path beside `path`, and rename it to `path` if the block succeeds.

    Parameters
    ----------
    path
        The target; a symbolic link is followed, an existing file is replaced and keeps its mode.

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
    with atomic_paths([path]) as (temporary,), _naming(path):
        yield temporary


@contextmanager
def atomic_paths(paths: Sequence[AnyPath]) -> Iterator[list[Path]]:
    """Give a temporary path for each target, and rename them all if the block succeeds.

    Like `atomic_path` for several files: either every target is replaced or none is.
    """
    targets = [Path(os.path.realpath(path)) for path in paths]
    with ExitStack() as cleanup:
        temporaries = []
        for path, target in zip(paths, targets, strict=True):
            with _naming(path):
                temporary = _beside(target)
                cleanup.callback(_remove, temporary)
                _make(temporary, target)
            temporaries.append(temporary)
        yield temporaries
        for path, temporary in zip(paths, temporaries, strict=True):
            with _naming(path):
                _synchronise(temporary)
        _rename(paths, temporaries, targets)


def _beside(target: Path) -> Path:
    # The name is cut because a file system takes names of 255 bytes.
    return target.with_name(f".{target.name[:40]}.{secrets.token_hex(8)}.tmp")


def _make(temporary: Path, target: Path) -> None:
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    with suppress(FileNotFoundError):
        temporary.chmod(stat.S_IMODE(target.stat().st_mode))


def _synchronise(temporary: Path) -> None:
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())


def _rename(paths: Sequence[AnyPath], temporaries: Sequence[Path], targets: Sequence[Path]) -> None:
    """Rename every file, and put the old ones back if one of them cannot be renamed."""
    with ExitStack() as cleanup, ExitStack() as undo:
        for path, temporary, target in zip(paths, temporaries, targets, strict=True):
            with _naming(path):
                if len(targets) > 1:
                    undo.callback(_restore, target, _keep(target, cleanup))
                temporary.replace(target)
        undo.pop_all()


def _keep(target: Path, cleanup: ExitStack) -> Path | None:
    """Give the old file a second name until the whole run has succeeded."""
    if not target.exists():
        return None
    kept = _beside(target)
    cleanup.callback(_remove, kept)
    try:
        os.link(target, kept)
    except OSError:  # a file system without hard links
        shutil.copy2(target, kept)
    return kept


def _restore(target: Path, kept: Path | None) -> None:
    if kept is None:
        _remove(target)
    else:
        kept.replace(target)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


@contextmanager
def _naming(path: AnyPath) -> Iterator[None]:
    """Turn what goes wrong in writing a file into one sentence that names it."""
    try:
        yield
    except OutputError:
        raise
    except Exception as error:
        if not _is_writing_error(error):
            raise
        raise OutputError(f"{os.fspath(path)!r} cannot be written: {_reason(error)}") from error


def _is_writing_error(error: Exception) -> bool:
    # xlsxwriter wraps an operating system error in an exception of its own.
    return (
        isinstance(error, (OSError, pl.exceptions.PolarsError))
        or type(error).__module__ == "xlsxwriter.exceptions"
    )


_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def _reason(error: BaseException) -> str:
    """Return why a file could not be written, in words, and what to do."""
    code = getattr(error, "errno", None)
    if code is None and (found := re.search(r"\b(?:os error|Errno) (\d+)", str(error))):
        code = int(found[1])
    if code is None:
        first_line = str(error).strip().partition("\n")[0]
        return first_line or type(error).__name__
    if code in _FULL:
        return f"{os.strerror(code).lower()}: free some space or write to another disk"
    if code in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return f"{os.strerror(code).lower()}: choose a directory that you may write to"
    return os.strerror(code).lower()


# --- checks before any work -----------------------------------------------------------------------


def check_outputs(
    frames: Iterable[AnyPath], files: Iterable[AnyPath], inputs: Iterable[Any]
) -> None:
    """Check every output of a run before any work: each by itself, and that they all differ.

    Parameters
    ----------
    frames
        Outputs whose extension chooses the format.
    files
        Outputs of any name (a model, a quality account).
    inputs
        What the run reads.
    """
    frames, files, inputs = list(frames), list(files), list(inputs)
    for path in frames:
        check_writable(path, inputs)
    for path in files:
        _check_file(path, inputs)
    seen: dict[str, AnyPath] = {}
    for path in (*frames, *files):
        twin = seen.setdefault(os.path.realpath(path), path)
        if twin is not path:
            raise OutputError(
                f"{os.fspath(twin)!r} and {os.fspath(path)!r} are the same output file: "
                "give each output its own name"
            )


def check_writable(path: AnyPath, inputs: Iterable[Any] = ()) -> None:
    """Check that a frame can be written to `path`, before any work is done for it.

    Parameters
    ----------
    path
        Where the frame will go; `-` is standard output.
    inputs
        What the run reads: paths, globs and directories are compared with the output, anything
        else (frames, addresses of databases and object stores) is passed over.

    Raises
    ------
    OutputError
        The extension is unknown or needs an extra that is not installed, the directory is missing
        or cannot be written to, or the output is one of the inputs, by whatever name (symbolic
        and hard links, relative paths), or lies in an input directory or glob.
    """
    if os.fspath(path) == STDOUT:
        return
    with _naming(path):
        _check_target(path)
    if _format_of(path) is _xlsx:
        _require_xlsxwriter()
    _check_file(path, inputs)


def _check_file(path: AnyPath, inputs: Iterable[Any]) -> None:
    shown = os.fspath(path)
    if shown in {"", STDOUT}:
        raise OutputError(f"{shown!r} is no name for this output: name a file")
    with _naming(path):
        _check_target(path)
    for given in inputs:
        if (same := _clash(path, given)) is not None:
            raise OutputError(f"output {shown!r} {same}: write it elsewhere")
    _probe(path)


def _check_target(path: AnyPath) -> None:
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise OutputError(f"output {os.fspath(path)!r} is a directory: name a file in it")
    if not target.parent.is_dir():
        raise OutputError(
            f"output {os.fspath(path)!r} is to go into {str(target.parent)!r}, "
            "which is not a directory: make it first"
        )
    if not target.exists():
        return
    if not target.is_file():
        raise OutputError(
            f"output {os.fspath(path)!r} is a device or a pipe, not a file: use - for CSV on "
            "standard output"
        )
    if not os.access(target, os.W_OK):
        raise OutputError(f"output {os.fspath(path)!r} is a read-only file: choose another name")


def _probe(path: AnyPath) -> None:
    """Make a file beside the target: the only sure way to know that the directory takes one."""
    target = Path(os.path.realpath(path))
    temporary = _beside(target)
    try:
        with _naming(path):
            _make(temporary, target)
    finally:
        _remove(temporary)


def _clash(path: AnyPath, given: Any) -> str | None:
    """Say in which way an output is an input, or return None if it is not."""
    text = os.fspath(given).removeprefix("file://") if _is_path(given) else ""
    if not text or "://" in text:
        return None
    target, source = Path(os.path.realpath(path)), Path(text)
    if _is_same_file(target, source):
        return f"is the input {text!r}"
    # An input that cannot be looked at is for its reader to complain of.
    with suppress(OSError):
        if source.is_dir():
            return _clash_with_directory(target, source)
        if glob.has_magic(text) and not source.exists():
            return _clash_with_glob(target, source)
    return None


def _is_path(given: Any) -> bool:
    return isinstance(given, (str, os.PathLike)) and isinstance(os.fspath(given), str)


def _is_same_file(target: Path, other: Path) -> bool:
    try:
        return target == other.resolve() or target.samefile(other)
    except OSError:
        return False


def _clash_with_directory(target: Path, directory: Path) -> str | None:
    # Only a file with several names can be in the directory under another one.
    linked = target.exists() and target.stat().st_nlink > 1
    if directory.resolve() in target.parents or (
        linked and any(_is_same_file(target, found) for found in directory.rglob("*"))
    ):
        return f"lies in the input directory {str(directory)!r}"
    return None


def _clash_with_glob(target: Path, pattern: Path) -> str | None:
    first = next(i for i, part in enumerate(pattern.parts) if glob.has_magic(part))
    fixed, moving = Path(*pattern.parts[:first]), pattern.parts[first:]
    if any(_is_same_file(target, found) for found in fixed.glob(str(Path(*moving)))):
        return f"is one of the inputs {str(pattern)!r}"
    if _matches(target.parts, (*fixed.resolve().parts, *moving)):
        return f"would be one of the inputs {str(pattern)!r} of the next run"
    return None


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Tell whether a path matches a glob, a part at a time; `**` stands for any directories."""
    if not pattern or not parts:
        return not pattern and not parts
    if pattern[0] == "**":
        return any(_matches(parts[skip:], pattern[1:]) for skip in range(len(parts) + 1))
    return fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])
