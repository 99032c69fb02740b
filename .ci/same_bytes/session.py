"""Runs a page of examples, or a file of Python, under the interpreter that is to be judged.

Every statement and every command is followed by what it gave, written so that equal texts mean
equal results: frames and Series value by value with their types, floats in all their digits, the
account, model and reports of a result each by itself, errors by class and sentence.
"""

import ast
import contextlib
import dataclasses
import doctest
import hashlib
import io
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)\n", re.MULTILINE)
# Longer frames are shown by their ends and the digest of all rows.
MOST_ROWS = 1_000


def steps(path: Path) -> Iterator[tuple[str, str]]:
    """Take a page or a file apart into commands (`$`) and statements (`>>>`), in order."""
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        for node in ast.parse(text).body:
            yield ">>>", ast.get_source_segment(text, node) or ""
        return
    for language, block in FENCE.findall(text):
        if language == "console":
            yield from (("$", command) for command in COMMAND.findall(block))
        elif language == "pycon":
            found = doctest.DocTestParser().get_examples(block)
            yield from ((">>>", example.source.rstrip()) for example in found)


def run_command(command: str) -> str:
    """Run a command of a page, and say what it wrote; without its figures if it measures time."""
    done = subprocess.run(
        command, shell=True, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    said = f"[out]\n{done.stdout}[err]\n{done.stderr}"
    if command.startswith("grc-fast bench"):
        # Which of the others is best, in the second column, is a matter of time too.
        said = re.sub(r"  .*", "", re.sub(r"[\d.,]*\d( [mµn]?s\b)?", "#", said))
    return f"{said}[exit {done.returncode}]\n"


def run_statement(source: str, names: dict[str, Any]) -> str:
    """Run a statement, and show what it printed, and its value or its error."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            (node,) = ast.parse(source).body
            if isinstance(node, ast.Expr):
                value = eval(compile(ast.Expression(node.value), "<example>", "eval"), names)
                shown = "" if value is None else "\n".join(show(value)) + "\n"
            else:
                exec(compile(source, "<example>", "exec"), names)
                shown = ""
        except Exception as error:  # noqa: BLE001 (any error is a result)
            shown = "\n".join(show(error)) + "\n"
    return printed.getvalue() + shown


def show(value: Any) -> Iterator[str]:
    """Write a value so that equal lines mean equal values."""
    if isinstance(value, pl.LazyFrame):
        yield "LazyFrame"
        value = value.collect()
    if isinstance(value, pl.Series):
        value = value.to_frame()
    if isinstance(value, pl.DataFrame):
        yield from _show_frame(value)
    elif isinstance(value, BaseException):
        kinds = [kind.__name__ for kind in type(value).__mro__[:-2]]
        yield f"{' < '.join(kinds)}: {value}"
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _under(repr(name), item)
    elif isinstance(value, (list, tuple)) and any(map(_is_nested, value)):
        for number, item in enumerate(value):
            yield from _under(f"{number}", item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from _show_parts(value)
    else:
        yield from repr(value).splitlines()


def _is_nested(value: Any) -> bool:
    """Tell whether a value takes more than its `repr` to be shown."""
    nested = (pl.DataFrame, pl.LazyFrame, pl.Series, Mapping, list, tuple, BaseException)
    return isinstance(value, nested) or dataclasses.is_dataclass(value)


def _show_frame(frame: pl.DataFrame) -> Iterator[str]:
    yield f"{frame.height} rows"
    for name, dtype in frame.schema.items():
        words = dtype.categories.to_list() if isinstance(dtype, pl.Enum) else ""
        yield f"{name}: {dtype.base_type() if words else dtype} {words}".rstrip()
    rows = [repr(row) for row in frame.iter_rows()]
    if len(rows) > MOST_ROWS:
        yield hashlib.sha256("\n".join(rows).encode()).hexdigest()
        rows = rows[:3] + rows[-3:]
    yield from rows


def _show_parts(value: Any) -> Iterator[str]:
    """Show a result as `repr`, as text, and by its attributes, save those of hidden classes."""
    yield from repr(value).splitlines()
    if type(value).__str__ is not object.__str__:
        yield from str(value).splitlines()
    for name in dict.fromkeys([*(f.name for f in dataclasses.fields(value)), *dir(type(value))]):
        if name.startswith("_") or callable(getattr(type(value), name, None)):
            continue
        attribute = getattr(value, name)
        if not _is_hidden(attribute):
            yield from _under(f".{name}", attribute)


def _is_hidden(value: Any) -> bool:
    """Tell whether a value is made of classes that the package does not offer by name."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return any(_is_hidden(item) for item in value)
    package = sys.modules["grc_fast"]
    return (
        type(value).__module__.startswith("grc_fast")
        and type(value).__name__ not in package.__all__
    )


def _under(name: str, value: Any) -> Iterator[str]:
    lines = list(show(value))
    if len(lines) == 1:
        yield f"{name} = {lines[0]}"
        return
    yield f"{name}:"
    yield from (f"  {line}" for line in lines)


def main(*moved: str, page: str) -> None:
    """Run a page in the working directory; `moved` are modules with their new names, OLD=NEW."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for sign, source in steps(Path(page)):
        print(sign, " ".join(source.split()))
        here = source
        for pair in moved:
            here = here.replace(*pair.split("="))
        print(run_command(here) if sign == "$" else run_statement(here, names), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:-1], page=sys.argv[-1])
