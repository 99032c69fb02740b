"""Settings that every test shares."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings

# Before Polars is imported. Tests run in as many processes as there are cores, and what is small
# is done sooner by one thread; tests of threads name a number. `make test-long` gives it several.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

# Runs must repeat, so examples are derived from each test and not drawn at random;
# HYPOTHESIS_PROFILE=search looks for new ones. A test that draws more or fewer than others says so
# in proportion to these numbers.
settings.register_profile(
    "repeat",
    derandomize=True,
    deadline=None,
    max_examples=40,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile(
    "search",
    settings.get_profile("repeat"),
    derandomize=False,
    max_examples=500,
    print_blob=True,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeat"))


@pytest.fixture(scope="session")
def server():
    """A PostgreSQL server."""
    from postgres_server import programs, running

    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed")
    with running(folder) as found:
        yield found


@pytest.fixture(scope="session")
def store_server():
    """An object store."""
    from object_store import running_store

    with running_store() as found:
        yield found


@pytest.fixture
def store(store_server, monkeypatch):
    """The object store with nothing in it, and an environment that leads to it."""
    from grc_fast.io import object_store

    store_server.empty()
    for name in os.environ:
        if name.startswith(("AWS_", "GOOGLE_", "AZURE_")):
            monkeypatch.delenv(name)
    for name, value in store_server.environment.items():
        monkeypatch.setenv(name, value)
    object_store._store.cache_clear()
    yield store_server
    object_store._store.cache_clear()
