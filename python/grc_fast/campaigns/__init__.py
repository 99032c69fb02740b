"""Which clients answer: response rates of past campaigns, and what they promise for the next."""

from .attribution import score_before_campaigns
from .profitability import break_even, break_even_index
from .response_report import ResponseReport, calibrate, response

__all__ = [
    "ResponseReport",
    "break_even",
    "break_even_index",
    "calibrate",
    "response",
    "score_before_campaigns",
]
