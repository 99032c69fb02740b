"""Addresses without what must stay secret in them."""

from __future__ import annotations

import re
from typing import Final

# What stands before the last "@": a name alone, or a name and a password, which may hold "/", "@"
# and ":". Digits alone after the colon are a port, and no password.
_USER: Final = re.compile(
    r"(?<=://)(?:[^/@:\s'\"]*:(?!\d{1,5}(?:[/?#\s'\"]|$))[^\s'\"]*|[^/@\s'\"]*)@"
)
# Parameters of addresses, and settings such as `password=…`; no folder `key=3` of a partition.
_SECRET: Final = re.compile(
    r"""(?<![\w/.-])((?:sig|[\w.-]*(?:signature|token|passwd|password|passphrase|pwd|secret|credential
    |authorization|(?:access|account|api|private|shared|storage|master)[_-]?key)[\w.-]*)=)
    ('[^']*'|"[^"]*"|[^&;\#\s,'"]+)""",
    re.IGNORECASE | re.VERBOSE,
)


def masked(text: str) -> str:
    """Take names and passwords out of the addresses in a text, and hide values that are secret.

    Examples
    --------
    >>> masked("postgresql://me:p/w@host/base and https://host/x.csv?sig=abc&v=1")
    'postgresql://host/base and https://host/x.csv?sig=…&v=1'
    """
    return _SECRET.sub(r"\1…", _USER.sub("", text))
