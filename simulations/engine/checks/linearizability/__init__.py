"""Linearizability of client histories: for whole histories (`check`) and while a run is live
(`LiveLinearizability`).
"""

from simulations.engine.checks.linearizability.batch import BUDGET_STEPS, HistorySearch, check
from simulations.engine.checks.linearizability.live import LiveLinearizability
from simulations.engine.checks.linearizability.model import MODEL_KINDS, Model, model_named
from simulations.engine.checks.linearizability.verdict import KeyVerdict, Point, Verdict

__all__ = [
    "BUDGET_STEPS",
    "MODEL_KINDS",
    "HistorySearch",
    "KeyVerdict",
    "LiveLinearizability",
    "Model",
    "Point",
    "Verdict",
    "check",
    "model_named",
]
