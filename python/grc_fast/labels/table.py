"""Tables as people read them: every cell written in words of their language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from grc_fast._utils.messages import harmless


@dataclass(frozen=True)
class Table:
    """A table as it is read; the first column names the row.

    Examples
    --------
    >>> "<td>1,204</td>" in Table("sizes", ["segment", "clients"], [["new", "1,204"]]).html()
    True
    """

    name: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def html(self) -> str:
        """Return it as HTML for a notebook, every cell escaped."""
        head = "".join(f"<th>{_escaped(caption)}</th>" for caption in self.header)
        head = f"<thead><tr>{head}</tr></thead>" if head else ""
        body = "".join(
            f"<tr><th>{_escaped(row[0])}</th>"
            + "".join(f"<td>{_escaped(cell)}</td>" for cell in row[1:])
            + "</tr>"
            for row in self.rows
        )
        caption = f"<caption>{_escaped(self.name)}</caption>" if self.name else ""
        return f"<table>{caption}{head}<tbody>{body}</tbody></table>"


def paragraphs(told: str) -> str:
    """Return lines as HTML for a notebook, each a paragraph, every one escaped."""
    return "".join(f"<p>{_escaped(line.strip())}</p>" for line in told.splitlines())


def _escaped(text: str) -> str:
    return escape(harmless(text))
