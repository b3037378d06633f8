"""The parameters of a drill, with their limits."""

from __future__ import annotations

import msgspec

PLAYERS = ("scripted", "people")
LIMITS: dict[str, tuple[float, float]] = {
    "approver_away_s": (0, 100_000),
    "search_s": (0, 100_000),
    "detect_s": (0.1, 100_000),
    "start_s": (0, 100_000),
    "copy_every_s": (0.1, 100_000),
    "think_trained_s": (0, 100_000),
    "think_untrained_s": (0, 100_000),
    "improvise_times": (1, 100),
    "rto_objective_s": (0, 100_000),
    "rpo_objective_s": (0, 100_000),
}


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """What each means is told in the descriptor. ``order``: business functions, the most important first; ``function``:
    which one a process serves ("": the one it is named after)."""

    order: tuple[str, ...] = ()
    function: str = ""
    players: str = "scripted"
    runbook_in_lost_region: bool = True
    trained: bool = True
    approver_away_s: float = 10
    search_s: float = 20
    detect_s: float = 3
    start_s: float = 6
    copy_every_s: float = 5
    think_trained_s: float = 1
    think_untrained_s: float = 5
    improvise_times: float = 3
    rto_objective_s: float = 60
    rpo_objective_s: float = 10

    def __post_init__(self) -> None:
        if self.players not in PLAYERS:
            raise ValueError(f"players: one of {', '.join(PLAYERS)}")
        for name, (low, high) in LIMITS.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name}: a number from {low:g} to {high:g}")

    @property
    def think_us(self) -> int:
        """How long people need before a decision."""
        return round((self.think_trained_s if self.trained else self.think_untrained_s) * 1_000_000)
