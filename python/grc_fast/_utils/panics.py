"""Panics of extension modules, which are no exceptions to Python, as errors of the package."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from grc_fast._utils.messages import first_line, quoted
from grc_fast.errors import GrcError

# What a panic says where the kernel that gave up had an error in its hands.
_INNER: Final = re.compile(r'ErrString\("(.+?)(?:\\n|"\)|$)')
_LONGEST: Final = 160


def is_panic(error: BaseException) -> bool:
    """Tell whether a kernel of an extension module gave up: each module has a class of its own.

    Examples
    --------
    >>> import polars as pl
    >>> from grc_fast._utils.panics import is_panic
    >>> is_panic(pl.exceptions.PanicException("overflow")), is_panic(KeyboardInterrupt())
    (True, False)
    """
    return not isinstance(error, Exception) and type(error).__name__ == "PanicException"


def reason_of_panic(error: BaseException) -> str:
    r"""Shorten what a panic says to what is wrong.

    Examples
    --------
    >>> import polars as pl
    >>> from grc_fast._utils.panics import reason_of_panic
    >>> reason_of_panic(pl.exceptions.PanicException('Err(ErrString("no zone\\n\\nHint"))'))
    'no zone'
    """
    line = first_line(error)
    inner = _INNER.search(line)
    return quoted(inner[1].rstrip(".") if inner else line, _LONGEST)[1:-1]


@contextmanager
def panics_as_errors() -> Iterator[None]:
    """Turn a panic into an error of the package; a context, and a decorator of what users call.

    Raises
    ------
    GrcError
        In place of a panic.

    Examples
    --------
    >>> import polars as pl
    >>> from grc_fast._utils.panics import panics_as_errors
    >>> @panics_as_errors()
    ... def give_up():
    ...     raise pl.exceptions.PanicException("overflow")
    >>> give_up()
    Traceback (most recent call last):
    ...
    grc_fast.GrcError: a kernel gave up (overflow): this is a fault of grc_fast or of Polars, ...
    """
    try:
        yield
    except BaseException as error:
        if not is_panic(error):
            raise
        raise GrcError(
            f"a kernel gave up ({reason_of_panic(error)}): this is a fault of grc_fast or of "
            "Polars, so please report it, with a few rows that show it"
        ) from error
