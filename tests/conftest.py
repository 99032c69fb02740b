"""Settings that every test shares."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

# Runs must repeat, so examples are derived from each test and not drawn at random;
# HYPOTHESIS_PROFILE=search looks for new ones.
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
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeat"))
