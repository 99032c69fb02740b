"""What readers of text files share."""

from __future__ import annotations

# Types of the columns that only `where` or an SQL amount reads are read off so many rows.
INFERENCE_ROWS = 10_000


def brief(error: BaseException) -> str:
    """Return the first line of an error."""
    text = str(error).strip()
    return text.splitlines()[0].rstrip(".") if text else type(error).__name__


def clip(text: str, limit: int = 60) -> str:
    """Quote a text, cut if it is long."""
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")
