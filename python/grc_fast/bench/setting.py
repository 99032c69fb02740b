"""How a comparison is run: sizes, rounds, threads, and where its files go."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal, TypeAlias

from grc_fast.bench.container import cores
from grc_fast.errors import OptionError

__all__ = [
    "AS_OF",
    "CODEC",
    "SHORTEST",
    "Orders",
    "Setting",
    "even_threads",
    "in_words",
    "require_extra",
]

#: The day after the three years of simulated sales.
AS_OF: Final = "2026-01-01"

#: What compresses the scores of the whole job, on every side: what the package itself writes.
CODEC: Final = "snappy"

#: The opponents that compute less: last purchase, count and sum by client, the shortest query that
#: a user would write instead.
SHORTEST: Final = "shortest query"

#: How orders are counted: each line is one, or the distinct ids, or those by grouping twice.
Orders: TypeAlias = Literal["lines", "distinct", "twice"]

#: The most threads a core that our side starts; the others take any number.
_MOST_A_CORE: Final = 4

_EXTRA: Final = ("duckdb", "numpy", "pandas", "pyarrow")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How the cases are run.

    Parameters
    ----------
    threads
        Of either side.
    directory
        Where generated sales and written scores go while a case needs them.
    rounds
        How often each way runs after it has warmed up, where a round is not short.
    scale
        Sizes are divided by it.
    """

    threads: int
    directory: Path
    rounds: int = 5
    scale: int = 1

    def of(self, number: int) -> int:
        """Return a size at this scale, at least 100: fewer clients fill no bands."""
        return max(number // self.scale, 100)


def even_threads(asked: int | None) -> int:
    """Return the number of threads of every side: what is asked for, or one a core.

    Raises
    ------
    OptionError
        If it is more than our side would start.
    """
    most = _MOST_A_CORE * cores()
    if asked is not None and asked > most:
        raise OptionError(
            f"{asked} threads are more than the {most} that the package starts on {cores()} cores, "
            "and every side is to have as many: ask for fewer"
        )
    return asked or cores()


def in_words(number: int) -> str:
    """Write a size for a reader.

    Examples
    --------
    >>> from grc_fast.bench.setting import in_words
    >>> in_words(50_000_000), in_words(2_500), in_words(100)
    ('50 M', '2.5 k', '100')
    """
    for unit, name in ((10**6, "M"), (10**3, "k")):
        if number >= unit:
            return f"{number / unit:.4g} {name}"
    return str(number)


def require_extra() -> None:
    """Check that the opponents are installed.

    Raises
    ------
    OptionError
        If one is missing; the message names the extra.
    """
    missing = [name for name in _EXTRA if find_spec(name) is None]
    if missing:
        raise OptionError(
            f'the comparison needs {", ".join(missing)}, of the extra "bench": '
            'run pip install "grc-fast[bench]"'
        )
