"""Score a whole customer base on one machine, in seconds.

The names here are the whole public interface; `help` on any of them has an example.
"""

from . import spark
from ._utils.version import __version__
from .behaviour.explanation import BehaviourExplanation, explain_behaviour
from .behaviour.ledger import behaviour_ledger
from .behaviour.quality import BehaviourQuality, RuleCount
from .behaviour.rules import BehaviourRules
from .behaviour.run import BehaviourResult
from .behaviour.scoring import score_behaviour
from .behaviour.state import BehaviourState
from .campaigns.break_even import break_even, break_even_index
from .campaigns.response import ResponseReport, calibrate, response
from .campaigns.scores_before import score_before_campaigns
from .datasets.clients import simulate_clients
from .datasets.groceries import demo_sales
from .datasets.sales import simulate_sales
from .errors import (
    ColumnError,
    DataError,
    GrcError,
    ModelError,
    OptionError,
    OutputError,
    SourceError,
)
from .facts.facts import facts
from .facts.quality import Quality
from .facts.table import Facts
from .io.databases.address import Database
from .lists.channel_lists import ChannelLists, channel_lists
from .lists.client_sheets import client_sheets
from .lists.sheet import ClientSheet, ClientSheets
from .plan.contact_plan import Certificate, PlanResult, plan_contacts
from .plan.offers_of_scores import offers
from .plan.sweep import SweepResult, sweep_budgets
from .rfm.criteria import Frequency, Monetary, Recency
from .rfm.drift import Drift
from .rfm.explanation import CriterionExplanation, Explanation
from .rfm.quantile_scores import quantile_score, quantile_scores
from .rfm.rfm import RFM, RFMModel, RFMResult
from .rfm.score_rfm import score_rfm
from .rfm.segments.rule import SegmentCondition, SegmentRule
from .rfm.segments.table import SegmentTable
from .segmentation.catchment.catchment import Catchment, catchment
from .segmentation.definition import Segmentation
from .segmentation.grid import Grid, grid
from .segmentation.independence import Independence
from .segmentation.migration import Migration, compare
from .segmentation.profile.axes import Reliability
from .segmentation.profile.profile import ProfileResult, profile
from .segmentation.profile.settings import ProfileSettings
from .segmentation.purchase_interest import combine
from .segmentation.segments import SegmentResult, segment
from .validation.holdout import HoldoutReport, holdout_value
from .value.prediction import ValueResult, predict_value
from .value.purchases import BGNBD, MBGNBD, PurchaseModel
from .value.spend import GammaGamma, SpendModel
from .value.value_model import ValueModel

__all__ = [
    "BGNBD",
    "MBGNBD",
    "RFM",
    "BehaviourExplanation",
    "BehaviourQuality",
    "BehaviourResult",
    "BehaviourRules",
    "BehaviourState",
    "Catchment",
    "Certificate",
    "ChannelLists",
    "ClientSheet",
    "ClientSheets",
    "ColumnError",
    "CriterionExplanation",
    "DataError",
    "Database",
    "Drift",
    "Explanation",
    "Facts",
    "Frequency",
    "GammaGamma",
    "GrcError",
    "Grid",
    "HoldoutReport",
    "Independence",
    "Migration",
    "ModelError",
    "Monetary",
    "OptionError",
    "OutputError",
    "PlanResult",
    "ProfileResult",
    "ProfileSettings",
    "PurchaseModel",
    "Quality",
    "RFMModel",
    "RFMResult",
    "Recency",
    "Reliability",
    "ResponseReport",
    "RuleCount",
    "SegmentCondition",
    "SegmentResult",
    "SegmentRule",
    "SegmentTable",
    "Segmentation",
    "SourceError",
    "SpendModel",
    "SweepResult",
    "ValueModel",
    "ValueResult",
    "__version__",
    "behaviour_ledger",
    "break_even",
    "break_even_index",
    "calibrate",
    "catchment",
    "channel_lists",
    "client_sheets",
    "combine",
    "compare",
    "demo_sales",
    "explain_behaviour",
    "facts",
    "grid",
    "holdout_value",
    "offers",
    "plan_contacts",
    "predict_value",
    "profile",
    "quantile_score",
    "quantile_scores",
    "response",
    "score_before_campaigns",
    "score_behaviour",
    "score_rfm",
    "segment",
    "simulate_clients",
    "simulate_sales",
    "spark",
    "sweep_budgets",
]
