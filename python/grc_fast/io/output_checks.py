"""Whether outputs can be written, asked before any work is done."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from grc_fast._typing import AnyPath
from grc_fast.errors import OutputError
from grc_fast.io.atomic import make, naming, remove
from grc_fast.io.databases.address import is_database
from grc_fast.io.databases.replace import check_table, output_table
from grc_fast.io.leftovers import beside, clear_leftovers
from grc_fast.io.write import STDOUT, check_standard_output, format_of
from grc_fast.io.xlsx import require_xlsxwriter
from grc_fast.labels.filling import Wording


def check_outputs(
    frames: Iterable[AnyPath], files: Iterable[AnyPath], inputs: Iterable[Any]
) -> list[Wording]:
    """Check every output of a run before any work: each by itself, and that they all differ.

    What runs that were killed have left beside the outputs is removed.

    Parameters
    ----------
    frames
        Outputs whose extension chooses the format.
    files
        Outputs of any name (a model, a quality account).
    inputs
        What the run reads.

    Returns
    -------
    list of Wording
        What was left, a sentence for each output.
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
    named = [os.fspath(path) for path in (*frames, *files)]
    return clear_leftovers(name for name in named if name != STDOUT and not is_database(name))


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
    name = os.fspath(path)
    if name == STDOUT:
        check_standard_output()
        return
    if is_database(name):
        check_table(output_table(name))
        return
    with naming(path):
        _check_target(path)
    format_of(path)
    if Path(path).suffix.lower() == ".xlsx":
        require_xlsxwriter()
    _check_file(path, inputs)


def _check_file(path: AnyPath, inputs: Iterable[Any]) -> None:
    shown = os.fspath(path)
    if shown in {"", STDOUT}:
        raise OutputError(f"{shown!r} is no name for this output: name a file")
    with naming(path):
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
    temporary = beside(target)
    try:
        with naming(path):
            make(temporary, target).close()
    finally:
        remove(temporary)


def _clash(path: AnyPath, given: Any) -> str | None:
    """Say in which way an output is an input, or return None if it is not."""
    text = os.fspath(given).removeprefix("file://") if is_path(given) else ""
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


def is_path(given: Any) -> bool:
    """Whether something names a file."""
    return isinstance(given, (str, os.PathLike)) and isinstance(os.fspath(given), str)


def _is_same_file(target: Path, other: Path) -> bool:
    try:
        return target == Path(os.path.realpath(other)) or target.samefile(other)
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
