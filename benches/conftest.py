"""What the files here share: the number of threads, and a directory that goes in the end."""

import os
import tempfile
from pathlib import Path

import pytest

from grc_fast.bench.setting import even_threads
from grc_fast.cli.threads import limit_polars

THREADS = even_threads(int(os.environ.get("GRC_FAST_BENCH_THREADS", "0")) or None)
ROUNDS = int(os.environ.get("GRC_FAST_BENCH_ROUNDS", "5"))
#: Sizes are divided by this: 1 for those of the project's goals, more for a quick look.
SCALE = int(os.environ.get("GRC_FAST_BENCH_SCALE", "1"))

# Before Polars starts its threads: both sides have as many.
limit_polars(THREADS)

_scratch = pytest.StashKey[tempfile.TemporaryDirectory]()


def pytest_configure(config: pytest.Config) -> None:
    # Not pytest's own directories, which stay: gigabytes of sales would.
    config.stash[_scratch] = tempfile.TemporaryDirectory(prefix="grc-fast-bench-")


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[_scratch].cleanup()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that takes a case every case of the comparison."""
    if "case" in metafunc.fixturenames:
        from grc_fast.bench.setting import Setting
        from grc_fast.bench.suite import SUBJECTS, cases_of

        directory = Path(metafunc.config.stash[_scratch].name)
        setting = Setting(threads=THREADS, directory=directory, rounds=ROUNDS, scale=SCALE)
        metafunc.parametrize("case", cases_of(SUBJECTS, setting), ids=lambda case: case.name)


@pytest.fixture
def directory(pytestconfig: pytest.Config) -> Path:
    return Path(pytestconfig.stash[_scratch].name)


@pytest.fixture
def threads() -> int:
    return THREADS


@pytest.fixture
def rounds() -> int:
    return ROUNDS


@pytest.fixture
def scale() -> int:
    return SCALE
