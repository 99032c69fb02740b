"""Text that a spreadsheet would run as a formula, made harmless."""

from __future__ import annotations

from typing import Final

import polars as pl

#: What makes a spreadsheet read a text as a formula (OWASP, "CSV Injection"), in the full width too
#: of East Asian keyboards, and behind blanks and what cannot be seen.
FORMULA: Final = r"^(?:[\t\r\n]|[\s\p{C}]*[=+\-@＝＋－＠])"  # noqa: RUF001 (full width, on purpose)


def harmless_text(text: pl.Expr) -> pl.Expr:
    """Put an apostrophe before texts that a spreadsheet would run as a formula.

    Examples
    --------
    >>> import polars as pl
    >>> texts = pl.DataFrame({"name": ["=1+1", "O'Neill", " +33", "a=b"]})
    >>> texts.select(harmless_text(pl.col("name"))).to_series().to_list()
    ["'=1+1", "O'Neill", "' +33", 'a=b']
    """
    return pl.when(~text.str.contains(FORMULA)).then(text).otherwise("'" + text)
