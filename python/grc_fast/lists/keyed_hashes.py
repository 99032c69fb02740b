"""Pseudonyms and codes of clients: hashes that only who has the key can compute."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Final

import polars as pl

from grc_fast._typing import AnyPath
from grc_fast._utils.messages import first_clause
from grc_fast.errors import OptionError

_SHORTEST_KEY: Final = 16
_PSEUDONYM_BYTES: Final = 16
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CODE_LENGTH: Final = 8


def read_key(path: AnyPath) -> bytes:
    """Read the key of pseudonyms out of its file.

    Raises
    ------
    OptionError
        If it cannot be read, or is too short to keep anything secret.
    """
    try:
        key = Path(path).read_bytes().strip()
    except OSError as error:
        raise OptionError(
            f"the key of pseudonyms {str(path)!r} cannot be read ({first_clause(error)}): name a "
            "file that holds it"
        ) from None
    if len(key) < _SHORTEST_KEY:
        raise OptionError(
            f"the key of pseudonyms {str(path)!r} has {len(key)} characters, which can be guessed: "
            "write at least 16, such as the output of openssl rand -hex 32"
        )
    return key


def pseudonyms(ids: pl.Series, key: bytes) -> pl.Series:
    """Return the pseudonym of each id, 32 hexadecimal digits: the same wherever the key is.

    BLAKE2b (RFC 7693) with a key. Who does not have it can neither go back from a pseudonym to an
    id nor find the pseudonym of one.

    Examples
    --------
    >>> import polars as pl
    >>> pseudonyms(pl.Series([7, 7]), b"a key of 16 bytes").n_unique()
    1
    """
    texts = ids.cast(pl.String)
    state = blake2b(key=_of_any_length(key), digest_size=_PSEUDONYM_BYTES, person=b"pseudonym")
    distinct = texts.drop_nulls().unique(maintain_order=True)
    found = []
    for text in distinct:
        one = state.copy()
        one.update(text.encode())
        found.append(one.hexdigest())
    hidden = pl.Series(found, dtype=pl.String)
    return texts.replace_strict(distinct, hidden, default=None).alias(ids.name)


def campaign_codes(ids: pl.Series, campaign: str, key: bytes = b"") -> pl.Series:
    """Return a code of eight letters for each of some ids, in a campaign.

    Of clients whose hashes give one code, the first by id has it and the others get the next of
    their own: no two clients of a run share a code. In a million clients that happens twice or so.

    Examples
    --------
    >>> import polars as pl
    >>> codes = campaign_codes(pl.Series(["7", "12", "7"]), "spring")
    >>> codes[0] == codes[2] != codes[1], len(codes[0])
    (True, 8)
    """
    texts = ids.cast(pl.String)
    distinct = texts.drop_nulls().unique().sort()
    codes = _codes(distinct, campaign, key, attempt=0)
    attempt = 0
    while (taken := ~codes.is_first_distinct()).any():
        attempt += 1
        others = _codes(distinct.filter(taken), campaign, key, attempt)
        codes = codes.scatter(taken.arg_true(), others)
    return texts.replace_strict(distinct, codes, default=None, return_dtype=pl.String).alias("code")


def _codes(ids: Iterable[str], campaign: str, key: bytes, attempt: int) -> pl.Series:
    """Return the code that each id has at an attempt."""
    state = blake2b(key=_of_any_length(key), digest_size=8, person=b"campaign code")
    named = campaign.encode()
    state.update(b"%d %d " % (attempt, len(named)) + named)
    numbers = array("Q")
    for text in ids:
        one = state.copy()
        one.update(text.encode())
        numbers.frombytes(one.digest())
    number = pl.Series("number", numbers.tolist(), dtype=pl.UInt64)
    letters = [
        (pl.col("number") // len(_LETTERS) ** place % len(_LETTERS)).replace_strict(
            list(range(len(_LETTERS))), list(_LETTERS), return_dtype=pl.String
        )
        for place in range(_CODE_LENGTH)
    ]
    return number.to_frame().select(pl.concat_str(letters)).to_series()


def _of_any_length(key: bytes) -> bytes:
    """Return a key of the size that the hash takes; none stays none."""
    return blake2b(key).digest() if key else b""
