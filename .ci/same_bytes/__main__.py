"""Proves that a refactoring changes no result: records what two trees do, and compares.

    python .ci/same_bytes record before --python old/.venv/bin/python --docs old
    python .ci/same_bytes record after --python .venv/bin/python --docs old
    python .ci/same_bytes compare before after

A record holds what an installed package does as its users see it: the commands of `commands.sh`,
the statements of `api.py`, and the examples of README and guide (those of one tree for both sides),
with standard output, standard error, exit codes and the bytes of every file written. Nothing of the
package's inside is imported, so the two trees may differ in all but what they promise. Both
environments need every extra, in the same versions: these are compared too.

Masked are, and nothing else:

- the directories of a run and of the environment, wherever a text names them;
- what the one example measures that runs `grc-fast bench`: `session.py` puts `#` for each number
  that it prints and leaves the measured columns out, and of its files only the names are kept.
"""

import argparse
import difflib
import filecmp
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from inputs import write_inputs

HERE = Path(__file__).resolve().parent
# A command whose standard output is a terminal; what it notes goes to a file, since progress on a
# terminal depends on time.
TERMINAL = """terminal() {
    python -c 'import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(["sh", "-c", sys.argv[1]])))' "$1 2> notes"
}
"""
LIBRARIES = """
import importlib.metadata, sys
print(sys.version)
for found in sorted(importlib.metadata.distributions(), key=lambda found: found.name.lower()):
    if found.name not in ("grc-fast", "pip", "setuptools"):
        print(found.name, found.version)
"""
# Files that hold measured times.
MEASURED = ("bench.json", "bench.svg")
# Lines that are shown of a difference, and characters of a line.
LINES, WIDTH = 12, 140
# An option on a help page; not the half of one before the end of a line.
OPTION = re.compile(r"(?<![\w-])--[a-z-]*[a-z](?![a-z-])")


def main() -> int:
    """Record, or compare two records; 1 if they differ."""
    parser = argparse.ArgumentParser(prog="same_bytes", description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(required=True, dest="command")
    add = commands.add_parser("record", help="record what an installed package does").add_argument
    add("record", type=Path, help="directory of the record, which is replaced")
    add("--python", type=Path, default=sys.executable, help="the interpreter with the package")
    add("--docs", type=Path, default=HERE.parents[1], help="tree whose examples are run")
    add("--only", default="", metavar="TEXT", help="only the cases that have TEXT in their name")
    rename = "module of an example that has another name in this package"
    add("--moved", action="append", default=[], metavar="OLD=NEW", help=rename)
    add = commands.add_parser("compare", help="compare two records").add_argument
    add("before", type=Path)
    add("after", type=Path)
    options = parser.parse_args()
    if options.command == "compare":
        return compare(options.before, options.after)
    with tempfile.TemporaryDirectory(prefix="same_bytes-") as scratch:
        # Not resolved: the link is what makes an interpreter that of its environment.
        package = Package(options.python.absolute(), Path(scratch).resolve())
        cases = package.cases(options.docs.resolve(), options.moved)
        record([case for case in cases if options.only in case.name], package, options.record)
    return 0


# -- cases -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """Something that users do: its name, what it is, a command for a shell, the files it finds."""

    name: str
    title: str
    command: str
    files: Path


@dataclass(frozen=True)
class Package:
    """An installed package by its interpreter, and a directory to run it in."""

    python: Path
    scratch: Path

    def run(self, command: str, directory: Path) -> subprocess.CompletedProcess[bytes]:
        """Run a command in a shell that finds the package first."""
        environment = {
            "PATH": f"{self.python.parent}:/usr/bin:/bin",
            "HOME": str(self.scratch),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "COLUMNS": "100",
            "NO_COLOR": "1",
        }
        return subprocess.run(
            ["/bin/bash", "-c", f"{TERMINAL}\n{command}"],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )

    def masked(self, text: bytes) -> bytes:
        """Put names for the directories that a text names."""
        names = {self.scratch / "work": b"<work>", self.python.parent.parent: b"<environment>"}
        for directory, name in names.items():
            text = text.replace(os.fsencode(directory), name)
        return text

    def cases(self, docs: Path, moved: list[str]) -> list[Case]:
        """Make the inputs, and return every case."""
        inputs, examples = self.scratch / "inputs", docs / "docs" / "examples"
        inputs.mkdir()
        write_inputs(inputs)
        # Matplotlib says so when it looks for fonts, which it does once.
        made = self.run(f"python {HERE}/typed.py && python -c 'import matplotlib.pyplot'", inputs)
        if made.returncode:
            raise SystemExit(f"{self.python} cannot run the cases:\n{made.stderr.decode()}")
        session = " ".join(["python", f"{HERE}/session.py", *moved])
        pages = [docs / "README.md", *sorted((docs / "docs").glob("*.md"))]
        return [
            Case("environment", "versions", f"python -c '{LIBRARIES}'", inputs),
            *(Case(name, command, command, inputs) for name, command in commands()),
            Case("api", "the statements of api.py", f"{session} {HERE}/api.py", inputs),
            *(Case(f"examples-{p.stem}", p.name, f"{session} {p}", examples) for p in pages),
        ]


def commands() -> Iterator[tuple[str, str]]:
    """Read `commands.sh`: a case a line, named after the heading above it and counted."""
    text = (HERE / "commands.sh").read_text("utf-8")
    heading, number = "", 0
    for line in re.sub(r" *\\\n *", " ", text).splitlines():
        if line.startswith("## "):
            heading, number = line.removeprefix("## "), 0
        elif line and not line.startswith("#"):
            number += 1
            yield f"{heading}-{number:02}", line


# -- recording -------------------------------------------------------------------------------------


def record(cases: list[Case], package: Package, directory: Path) -> None:
    """Run every case in a directory of its own, and keep what it wrote."""
    shutil.rmtree(directory, ignore_errors=True)
    work = package.scratch / "work"
    for case in cases:
        shutil.copytree(case.files, work)
        done = package.run(case.command, work)
        kept = directory / case.name
        kept.mkdir(parents=True)
        (kept / "title").write_text(f"{case.title}\n", "utf-8")
        (kept / "exit").write_text(f"{done.returncode}\n", "utf-8")
        (kept / "out").write_bytes(package.masked(done.stdout))
        (kept / "err").write_bytes(package.masked(done.stderr))
        _keep_files(work, case.files, kept)
        shutil.rmtree(work)
    sys.stdout.writelines(f"without a case: {gap}\n" for gap in _gaps(directory))
    sys.stdout.write(f"{len(cases)} cases recorded in {directory}\n")


def _keep_files(work: Path, given: Path, kept: Path) -> None:
    """Keep the files that are new or changed, and the names of those that have gone."""
    for path in sorted(path for path in work.rglob("*") if path.is_file()):
        name = path.relative_to(work)
        if (given / name).is_file() and filecmp.cmp(path, given / name, shallow=False):
            continue
        target = kept / "files" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"" if path.name in MEASURED else path.read_bytes())
    names = sorted(path.relative_to(given) for path in given.rglob("*"))
    gone = [f"{name}\n" for name in names if not (work / name).exists()]
    if gone:
        (kept / "gone").write_text("".join(gone), "utf-8")


def _gaps(directory: Path) -> Iterator[str]:
    """Name what is offered and has no case: options of help pages, names that no result tells."""
    tried = [f"{command} " for _, command in commands()]
    for case in directory.glob("help-*"):
        command = " ".join((case / "title").read_text("utf-8").split()[:2])
        if command in ("grc-fast --help", "grc-fast bench"):
            continue
        for option in sorted(set(OPTION.findall((case / "out").read_text("utf-8")))):
            if not any(f"{command} " in line and f"{option} " in line for line in tried):
                yield f"{command} {option}"
    if (directory / "api").is_dir():
        text = (directory / "api" / "out").read_text("utf-8")
        names, _, results = text.partition("sorted(grc.__all__)\n")[2].partition("\n")
        told = set(re.findall(r"\w+", results))
        yield from (f"grc.{name}" for name in re.findall(r"\w+", names) if name not in told)


# -- comparing -------------------------------------------------------------------------------------


def compare(before: Path, after: Path) -> int:
    """Say which cases differ, and how."""
    names = {path.name for record in (before, after) for path in record.iterdir()}
    differing = 0
    for name in sorted(names, key=lambda name: (name != "environment", name)):
        found = list(_differences(before / name, after / name))
        if found:
            differing += 1
            titles = [case / "title" for case in (before / name, after / name) if case.is_dir()]
            sys.stdout.write(f"== {name}: {titles[0].read_text('utf-8')}")
            sys.stdout.writelines(f"{line}\n" for line in found)
    sys.stdout.write(f"{len(names)} cases, {differing or 'none'} with a difference\n")
    return int(differing > 0)


def _differences(before: Path, after: Path) -> Iterator[str]:
    """Compare the files of a case."""
    both = (before, after)
    old, new = ({p.relative_to(case) for p in case.rglob("*") if p.is_file()} for case in both)
    for name in sorted(old | new):
        if name not in old or name not in new:
            yield f"{name}: only {'before' if name in old else 'after'}"
            continue
        contents = [(case / name).read_bytes() for case in both]
        if contents[0] != contents[1]:
            yield f"{name}:"
            try:
                yield from _text_difference(*(content.decode() for content in contents))
            except UnicodeDecodeError:
                yield from _binary_difference(*contents)


def _text_difference(old: str, new: str) -> Iterator[str]:
    """Show the first lines that differ, of pages and `api.py` under their statement or command."""
    blocks = [re.split(r"^(?=>>> |\$ )", text, flags=re.MULTILINE) for text in (old, new)]
    if len(blocks[0]) != len(blocks[1]):
        blocks = [[old], [new]]
    found: list[str] = []
    for mine, theirs in zip(*blocks, strict=True):
        if mine != theirs:
            if len(blocks[0]) > 1:
                found.append(f"  {mine.splitlines()[0][:WIDTH]}")
            lines = difflib.unified_diff(_lines(mine), _lines(theirs), n=0, lineterm="")
            found.extend(f"    {line}" for line in list(lines)[2:])
    yield from found[:LINES]
    if len(found) > LINES:
        yield f"    … and {len(found) - LINES:,} lines more"


def _lines(text: str) -> list[str]:
    """Split a text into lines, and long lines into pieces, so that a difference is in sight."""
    return [piece for line in text.split("\n") for piece in re.findall(f".{{1,{WIDTH}}}|^$", line)]


def _binary_difference(old: bytes, new: bytes) -> Iterator[str]:
    """Show the bytes around the first that differs."""
    least = min(len(old), len(new))
    at = next((place for place in range(least) if old[place] != new[place]), least)
    yield f"    {len(old):,} and {len(new):,} bytes, the first difference at {at:,}"
    for sign, content in (("-", old), ("+", new)):
        yield f"    {sign}{content[max(at - 16, 0) : at + 16]!r}"


if __name__ == "__main__":
    sys.exit(main())
