"""The house is in order: what is written about the package is true of it."""

import ast
import contextlib
import functools
import io
import os
import re
import subprocess
import sys
import tarfile
import tomllib
from importlib import metadata
from pathlib import Path
from unittest import mock

import pytest

import grc_fast
from grc_fast import _core
from grc_fast.cli import main

ROOT = Path(__file__).resolve().parent.parent


def text(path):
    return (ROOT / path).read_text("utf-8")


def toml(path):
    return tomllib.loads(text(path))


def makefile_targets():
    return set(re.findall(r"^([a-z][a-z-]*):(?!=)", text("Makefile"), re.MULTILINE))


@functools.cache
def command_line_help(*command):
    said = io.StringIO()
    wide = mock.patch.dict(os.environ, {"COLUMNS": "200", "NO_COLOR": "1"})
    with wide, contextlib.redirect_stdout(said):
        assert main([*command, "--help"]) == 0
    return said.getvalue()


# Names


def test_every_public_name_exists_and_is_listed_once():
    assert len(set(grc_fast.__all__)) == len(grc_fast.__all__)
    assert not [name for name in grc_fast.__all__ if not hasattr(grc_fast, name)]


def test_every_public_name_is_in_the_reference_and_nothing_else():
    documented = re.findall(r"^\.\. auto\w+:: ([\w.]+)", text("docs/reference.md"), re.MULTILINE)
    public = [name for name in grc_fast.__all__ if not name.startswith("_") and name != "spark"]
    public += [f"grc_fast.spark.{name}" for name in grc_fast.spark.__all__]
    assert sorted(documented) == sorted(public)


def test_every_public_name_has_a_docstring():
    public = [name for name in grc_fast.__all__ if not name.startswith("_")]
    assert not [name for name in public if not getattr(grc_fast, name).__doc__]


def test_the_stub_names_what_the_extension_holds():
    stub = text("python/grc_fast/_core.pyi")
    declared = set(re.findall(r"^(?:def|class) ([^\W_]\w*)", stub, re.MULTILINE))
    held = {name for name in dir(_core) if not name.startswith("_")}
    assert declared == held


# Commands


def test_make_help_lists_every_target():
    run = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = set(re.findall(r"^ +make ([a-z-]+) ", run.stdout, re.MULTILINE))
    assert listed == makefile_targets()


def test_make_alone_is_make_help():
    alone, named = (
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for command in (["make"], ["make", "help"])
    )
    assert alone == named


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/install.md"])
def test_every_make_target_that_a_page_names_exists(page):
    named = re.findall(r"(?:^|`)make ([a-z][a-z-]*)", text(page), re.MULTILINE)
    assert named
    assert set(named) <= makefile_targets()


@pytest.mark.parametrize("page", ["README.md", "docs/command-line.md"])
def test_every_option_that_a_page_gives_a_command_exists(page):
    joined = text(page).replace("\\\n", " ")
    calls = re.findall(r"^(?:\$ )?grc-fast ([a-z]+)(.*)$", joined, re.MULTILINE)
    assert calls
    for command, rest in calls:
        known = set(re.findall(r"--[a-z][a-z-]*", command_line_help(command)))
        assert set(re.findall(r"--[a-z][a-z-]*", rest)) <= known | {"--help"}


def test_the_guide_lists_every_command():
    commands = re.findall(r"^## `grc-fast (\w+)`", text("docs/command-line.md"), re.MULTILINE)
    shown = command_line_help().partition("Commands:")[2]
    assert sorted(commands) == sorted(re.findall(r"^  (\w+)", shown, re.MULTILINE))


def test_the_guide_lists_every_option_of_score():
    listed = re.findall(r"`(--[a-z-]+)`", text("docs/command-line.md"))
    known = re.findall(r"--[a-z][a-z-]*", command_line_help("score"))
    assert set(known) - {"--help"} <= set(listed)


@pytest.mark.parametrize(
    ("tool", "prints", "said"),
    [
        ("python3", "3.10.2", "is Python 3.10.2 and"),
        ("cargo", "cargo 1.79.0 (ffa9cf99a 2024-06-03)", "'cargo' is 1.79.0 and"),
        ("rustc", "rustc 1.8.0", "'rustc' is 1.8.0 and"),
    ],
)
def test_a_toolchain_that_is_too_old_is_one_sentence(tmp_path, tool, prints, said):
    pretended = tmp_path / tool
    pretended.write_text(f"#!/bin/sh\necho '{prints}'\n", "utf-8")
    pretended.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"

    run = subprocess.run(
        [ROOT / ".ci" / "toolchain"],
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 1
    assert run.stdout == ""
    assert len(run.stderr.splitlines()) == 1
    assert said in run.stderr


def test_a_toolchain_that_is_missing_is_one_sentence():
    run = subprocess.run(
        [ROOT / ".ci" / "toolchain", "no-such-python"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert len(run.stderr.splitlines()) == 1
    assert "there is no 'no-such-python'" in run.stderr


# Versions


def test_the_version_is_the_same_everywhere():
    version = toml("pyproject.toml")["project"]["version"]
    assert toml("Cargo.toml")["workspace"]["package"]["version"] == version
    assert metadata.version("grc-fast") == version
    assert f"\n## [{version}]" in text("CHANGELOG.md")


def test_the_changelog_begins_with_what_is_unreleased():
    assert re.findall(r"^## \[(.*?)\]", text("CHANGELOG.md"), re.MULTILINE)[0] == "Unreleased"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/install.md"])
def test_the_toolchain_that_a_page_asks_for_is_the_declared_one(page):
    python = toml("pyproject.toml")["project"]["requires-python"].removeprefix(">=")
    rust = toml("Cargo.toml")["workspace"]["package"]["rust-version"]
    assert set(re.findall(r"Python (\d\.\d+) or newer", text(page))) == {python}
    assert set(re.findall(r"Rust (\d\.\d+) or newer", text(page))) == {rust}


# Dependencies


def declared_crates():
    crates = toml("Cargo.toml")["workspace"]["dependencies"]
    return {name for name in crates if not name.startswith("grc-")}


def declared_packages():
    settings = toml("pyproject.toml")
    lists = [
        settings["build-system"]["requires"],
        settings["project"]["dependencies"],
        *settings["project"]["optional-dependencies"].values(),
        *settings["dependency-groups"].values(),
    ]
    requirements = [item for each in lists for item in each if isinstance(item, str)]
    return {re.split(r"[^\w.-]", item)[0] for item in requirements} - {"grc-fast"}


def test_every_dependency_is_justified():
    chapter = text("CONTRIBUTING.md").partition("## Dependencies")[2].partition("\n## ")[0]
    justified = set(re.findall(r"^\| `([\w.-]+)` \| \S", chapter, re.MULTILINE))
    fuzzing = set(toml("fuzz/Cargo.toml")["dependencies"]) - {"grc-core"}
    assert justified == declared_crates() | declared_packages() | fuzzing


def test_every_crate_of_the_workspace_is_used():
    members = toml("Cargo.toml")["workspace"]["members"]
    used = set()
    for member in members:
        manifest = toml(f"{member}/Cargo.toml")
        used |= {*manifest.get("dependencies", {}), *manifest.get("dev-dependencies", {})}
    assert declared_crates() <= used


# Imports


def from_packages_around(path):
    """What a module of the package imports from a package that contains it."""
    module = ("grc_fast", *path.relative_to(ROOT / "python/grc_fast").with_suffix("").parts)
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found = [(alias.name, None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = module[: -node.level] if node.level else ()
            name = ".".join([*base, *([node.module] if node.module else [])])
            found = [(name, alias.name) for alias in node.names]
        else:
            continue
        for package, name in found:
            parts = tuple(package.split("."))
            if parts == module[: len(parts)] and len(parts) < len(module):
                yield ".".join(filter(None, (package, name)))


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in sorted((ROOT / "python/grc_fast").rglob("*.py"))
        # The top layers use the package as users do.
        if path.relative_to(ROOT / "python/grc_fast").parts[0]
        not in {"__init__.py", "__main__.py", "bench", "cli"}
    ],
    ids=lambda path: path.relative_to(ROOT / "python").as_posix(),
)
def test_a_module_imports_modules_and_no_names_from_packages_around_it(path):
    """What a package collects from its modules is for others: its modules would go in circles."""
    modules = {
        ".".join(path.relative_to(ROOT / "python").with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "python/grc_fast").rglob("*.py*")
    }
    assert set(from_packages_around(path)) <= modules


# The source archive


@pytest.fixture(scope="module")
def archived(tmp_path_factory):
    """The paths in the source archive, without its top directory."""
    maturin = Path(sys.executable).parent / "maturin"
    if not maturin.exists():
        pytest.skip("maturin is not installed beside this Python (make build installs it)")
    out = tmp_path_factory.mktemp("sdist")
    done = subprocess.run(
        [maturin, "sdist", "--out", out], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (archive,) = out.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        return {name.partition("/")[2] for name in tar.getnames()}


def test_the_source_archive_holds_all_that_a_build_needs(archived):
    named = ["Cargo.lock", "Cargo.toml", "LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml"]
    sources = [
        path.relative_to(ROOT).as_posix()
        for pattern in ("rust/**/*.rs", "rust/*/Cargo.toml", "python/grc_fast/**/*.py*")
        for path in ROOT.glob(pattern)
        if path.suffix in {".py", ".pyi", ".rs", ".toml"}
    ]
    data = [
        path.relative_to(ROOT).as_posix()
        for pattern in ("*.toml", "*.html")
        for path in ROOT.glob(f"python/grc_fast/**/{pattern}")
    ]
    needed = {*named, *sources, *data, "python/grc_fast/py.typed"}
    assert needed <= archived


def test_the_source_archive_holds_nothing_else(archived):
    allowed = {".rs", ".py", ".pyi", ".toml", ".lock", ".md", ".typed", ".html", ".js"}
    others = {path for path in archived if Path(path).suffix not in allowed}
    assert others == {"LICENSE", "PKG-INFO"}
    assert not [path for path in archived if path.startswith(("tests/", "benches/", "docs/"))]


# Licence


def test_the_licence_is_the_declared_one():
    assert toml("pyproject.toml")["project"]["license"].startswith("MIT AND ")
    assert toml("Cargo.toml")["workspace"]["package"]["license"] == "MIT"
    assert text("LICENSE").startswith("MIT License\n")
