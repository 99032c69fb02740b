"""The version of the package, read once."""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

__version__: Final = version("grc-fast")
