"""The exceptions of the package: every one of them says what, where and what to do.

They are made in the extension, so that an error found in Rust and one found in Python are the
same class; this module is their Python name.

Examples
--------
>>> from grc_fast.errors import ColumnError, GrcError
>>> issubclass(ColumnError, GrcError)
True
"""

from grc_fast._core import (
    ColumnError,
    DataError,
    GrcError,
    ModelError,
    OptionError,
    OutputError,
    SourceError,
)

__all__ = [
    "ColumnError",
    "DataError",
    "GrcError",
    "ModelError",
    "OptionError",
    "OutputError",
    "SourceError",
]
