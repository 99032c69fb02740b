"""What each client is worth: purchases to come, the spend of each, and the gain from both."""

from .holdout import HoldoutReport, holdout_value
from .prediction import ValueResult, predict_value
from .purchases import BGNBD, MBGNBD, PurchaseModel
from .simulation import simulate_clients
from .spend import GammaGamma, SpendModel
from .value_model import ValueModel

__all__ = [
    "BGNBD",
    "MBGNBD",
    "GammaGamma",
    "HoldoutReport",
    "PurchaseModel",
    "SpendModel",
    "ValueModel",
    "ValueResult",
    "holdout_value",
    "predict_value",
    "simulate_clients",
]
