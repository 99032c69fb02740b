"""Score a whole customer base on one machine, in seconds.

The names here are the whole public interface; `help` on any of them has an example.
"""

from importlib.metadata import version

from .behaviour import (
    BehaviourExplanation,
    BehaviourQuality,
    BehaviourResult,
    BehaviourRules,
    BehaviourState,
    behaviour_ledger,
    combine,
    explain_behaviour,
    score_behaviour,
)
from .criteria import Frequency, Monetary, Recency
from .errors import (
    ColumnError,
    DataError,
    GrcError,
    ModelError,
    OptionError,
    OutputError,
    SourceError,
)
from .explanation import CriterionExplanation, Explanation
from .facts import Facts, facts
from .model import RFMModel
from .quality import Quality
from .quantiles import quantile_score, quantile_scores
from .rfm import RFM, RFMResult, score_rfm
from .segments import SegmentCondition, SegmentRule, SegmentTable
from .simulation import simulate_sales

__all__ = [
    "RFM",
    "BehaviourExplanation",
    "BehaviourQuality",
    "BehaviourResult",
    "BehaviourRules",
    "BehaviourState",
    "ColumnError",
    "CriterionExplanation",
    "DataError",
    "Explanation",
    "Facts",
    "Frequency",
    "GrcError",
    "ModelError",
    "Monetary",
    "OptionError",
    "OutputError",
    "Quality",
    "RFMModel",
    "RFMResult",
    "Recency",
    "SegmentCondition",
    "SegmentRule",
    "SegmentTable",
    "SourceError",
    "__version__",
    "behaviour_ledger",
    "combine",
    "explain_behaviour",
    "facts",
    "quantile_score",
    "quantile_scores",
    "score_behaviour",
    "score_rfm",
    "simulate_sales",
]

__version__ = version("grc-fast")
