"""How errors name the tables of campaigns."""

from __future__ import annotations

from typing import Final

#: How errors name the tables.
SCORES: Final = "the table of scores"
CAMPAIGNS: Final = "the table of campaigns"
RESPONSES: Final = "the table of responses"
