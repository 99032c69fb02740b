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
from .campaigns import (
    ResponseReport,
    break_even,
    break_even_index,
    calibrate,
    response,
    score_before_campaigns,
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
from .value import (
    BGNBD,
    MBGNBD,
    GammaGamma,
    HoldoutReport,
    PurchaseModel,
    SpendModel,
    ValueModel,
    ValueResult,
    holdout_value,
    predict_value,
    simulate_clients,
)

__all__ = [
    "BGNBD",
    "MBGNBD",
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
    "GammaGamma",
    "GrcError",
    "HoldoutReport",
    "ModelError",
    "Monetary",
    "OptionError",
    "OutputError",
    "PurchaseModel",
    "Quality",
    "RFMModel",
    "RFMResult",
    "Recency",
    "ResponseReport",
    "SegmentCondition",
    "SegmentRule",
    "SegmentTable",
    "SourceError",
    "SpendModel",
    "ValueModel",
    "ValueResult",
    "__version__",
    "behaviour_ledger",
    "break_even",
    "break_even_index",
    "calibrate",
    "combine",
    "explain_behaviour",
    "facts",
    "holdout_value",
    "predict_value",
    "quantile_score",
    "quantile_scores",
    "response",
    "score_before_campaigns",
    "score_behaviour",
    "score_rfm",
    "simulate_clients",
    "simulate_sales",
]

__version__ = version("grc-fast")
