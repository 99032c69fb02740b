"""Telephone numbers as people dial them in France, and as no spreadsheet reckons with them."""

from __future__ import annotations

from typing import Final

import polars as pl

from grc_fast.io.spreadsheet_text import harmless_text

_BETWEEN: Final = r"\(0\)|[\s./()\-\u00a0\u202f]"
_NUMBER: Final = r"^\+?\d{3,}$"
_FRENCH: Final = r"^(?:(?:\+|00)330?|0)([1-9])(\d\d)(\d\d)(\d\d)(\d\d)$"
# Codes of countries have one digit in zones 1 and 7, two or three elsewhere (ITU-T E.164, annex).
_FOREIGN: Final = (
    r"^(?:\+|00)([17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3})(\d+)$"
)


def dialled(texts: pl.Series) -> pl.Series:
    """Return telephone numbers with blanks in them: French ones as in France, others with 00.

    A spreadsheet would drop the first zero of a number without blanks, and the sign of one with a
    plus. What is no number is text like any other.

    Examples
    --------
    >>> import polars as pl
    >>> dialled(pl.Series(["+33 (0)6.12.34.56.78", "+4930123456", "3631", "=1+1"])).to_list()
    ['06 12 34 56 78', '0049 30123456', '36 31', "'=1+1"]
    """
    # In steps, because Polars computes what stands twice in an expression twice.
    forms = texts.to_frame("text").select("text", bare=pl.col("text").str.replace_all(_BETWEEN, ""))
    bare = forms["bare"]
    french = bare.str.replace(_FRENCH, "0$1 $2 $3 $4 $5")
    is_other = french == bare
    rest = forms.filter(is_other).select(_not_french(pl.col("text"), pl.col("bare"))).to_series()
    return french.scatter(is_other.arg_true(), rest).alias(texts.name)


def _not_french(text: pl.Expr, bare: pl.Expr) -> pl.Expr:
    pairs = bare.str.replace_all(r"(\d\d)", "$1 ").str.strip_chars()
    return (
        pl.when(bare.str.contains(_FOREIGN))
        .then(bare.str.replace(_FOREIGN, "00$1 $2"))
        .when(bare.str.contains(_NUMBER))
        .then(harmless_text(pairs))
        .otherwise(harmless_text(text))
    )
