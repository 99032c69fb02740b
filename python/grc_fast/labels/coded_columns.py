"""Columns of codes, such as `never_bought`, in words for readers, and back."""

from __future__ import annotations

from typing import Final

import polars as pl

from grc_fast.labels.catalogue import LANGUAGES, section

# The columns, and the sections of their words.
_SECTIONS: Final = {"status": "status", "phase": "phase", "reason": "refusal", "basis": "basis"}
# Codes are English words.
_CODES_IN, *_OTHERS = LANGUAGES


def in_words(frame: pl.DataFrame, lang: str) -> pl.DataFrame:
    """Return a frame whose codes are words of a language; in English codes speak for themselves.

    Examples
    --------
    >>> import polars as pl
    >>> in_words(pl.DataFrame({"status": ["scored", "never_bought"]}), "fr")["status"].to_list()
    ['noté', 'jamais acheté']
    """
    if lang == _CODES_IN:
        return frame
    return frame.with_columns(
        pl.col(name).cast(pl.String).replace(section(_SECTIONS[name], lang))
        for name in _coded(frame)
    )


def in_codes(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame whose columns of words have codes again, where all of their words are known.

    Examples
    --------
    >>> import polars as pl
    >>> in_codes(pl.DataFrame({"phase": ["découverte", None]}))["phase"].to_list()
    ['discovery', None]
    """
    for name in _coded(frame):
        for lang in _OTHERS:
            codes = {word: code for code, word in section(_SECTIONS[name], lang).items()}
            words = frame[name].drop_nulls().cast(pl.String)
            if len(words) and words.is_in(list(codes)).all():
                frame = frame.with_columns(pl.col(name).cast(pl.String).replace(codes))
    return frame


def _coded(frame: pl.DataFrame) -> list[str]:
    """List the columns of text that may hold codes."""
    return [
        name
        for name in _SECTIONS
        if name in frame.columns
        and (frame.schema[name] == pl.String or isinstance(frame.schema[name], pl.Enum))
    ]
