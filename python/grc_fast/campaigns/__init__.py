"""Which clients answer: response rates of past campaigns, and what they promise for the next."""

from .calibration import calibrate
from .profitability import break_even, break_even_index
from .response_report import ResponseReport, response
from .scores_before import score_before_campaigns

__all__ = [
    "ResponseReport",
    "break_even",
    "break_even_index",
    "calibrate",
    "response",
    "score_before_campaigns",
]
