"""Pseudonyms and codes of clients: hashes that only who has the key can compute."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from string import ascii_uppercase
from typing import Final

import polars as pl

from grc_fast._core import keyed_hashes
from grc_fast._typing import AnyPath
from grc_fast._utils.messages import first_clause
from grc_fast.errors import OptionError

_SHORTEST_KEY: Final = 16
_PAIRS: Final = pl.Series([a + b for a in ascii_uppercase for b in ascii_uppercase])
_PAIRS_OF_A_CODE: Final = 4


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

    BLAKE2b (RFC 7693) with a key: who does not have it can neither go back from a pseudonym to an
    id nor find the pseudonym of one.

    Examples
    --------
    >>> import polars as pl
    >>> pseudonyms(pl.Series([7, 7]), b"a key of 16 bytes").n_unique()
    1
    """
    texts = ids.cast(pl.String).drop_nulls().unique()
    hidden = _hashes(texts, key, "pseudonym").bin.encode("hex")
    return ids.cast(pl.String).replace_strict(texts, hidden, default=None).alias(ids.name)


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
    distinct = texts.drop_nulls().unique()
    if len(distinct) == len(texts):
        distinct = texts
    codes = _codes(distinct, campaign, key, attempt=0)
    attempt = 0
    while (alike := codes.is_duplicated()).any():
        attempt += 1
        row, client = alike.arg_true().alias("row"), distinct.filter(alike).alias("client")
        rows = pl.DataFrame([row, client, codes.filter(alike).alias("code")]).sort("client")
        others = rows.filter(~pl.col("code").is_first_distinct())
        codes = codes.scatter(others["row"], _codes(others["client"], campaign, key, attempt))
    if distinct is texts:
        return codes.alias("code")
    return texts.replace_strict(distinct, codes, default=None, return_dtype=pl.String).alias("code")


def _codes(ids: pl.Series, campaign: str, key: bytes, attempt: int) -> pl.Series:
    """Return the code that each id has at an attempt."""
    hashes = _hashes(ids, key, f"code {attempt} {campaign}")
    number = pl.col("number")
    letters = [
        pl.lit(_PAIRS).gather(number // len(_PAIRS) ** place % len(_PAIRS))
        for place in range(_PAIRS_OF_A_CODE)
    ]
    numbers = hashes.bin.slice(0, 8).bin.reinterpret(dtype=pl.UInt64)
    return numbers.to_frame("number").select(pl.concat_str(letters)).to_series()


def _hashes(texts: pl.Series, key: bytes, purpose: str) -> pl.Series:
    # The hash takes keys of up to 64 bytes, and so many are made of any.
    return pl.Series(keyed_hashes(texts, blake2b(key).digest(), purpose), dtype=pl.Binary)
