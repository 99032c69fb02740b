"""Behavioural scoring: what clients do on the web and with e-mails, in points and phases."""

from grc_fast.behaviour.account import BehaviourQuality
from grc_fast.behaviour.combined import combine
from grc_fast.behaviour.ledger import (
    BehaviourExplanation,
    behaviour_ledger,
    explain_behaviour,
)
from grc_fast.behaviour.rules import BehaviourRules
from grc_fast.behaviour.scoring import BehaviourResult, score_behaviour
from grc_fast.behaviour.state import BehaviourState

__all__ = [
    "BehaviourExplanation",
    "BehaviourQuality",
    "BehaviourResult",
    "BehaviourRules",
    "BehaviourState",
    "behaviour_ledger",
    "combine",
    "explain_behaviour",
    "score_behaviour",
]
