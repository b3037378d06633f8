"""Parameters of the relay, in milliseconds where they are times. Meanings: the descriptor."""

from __future__ import annotations

import msgspec

CONTINUE, STOP = "continue", "stop"
MODES = (CONTINUE, STOP)


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """ValueError names the field that is out of range."""

    mode: str = CONTINUE
    takeover_ms: float = 3000
    pulse_ms: float = 200
    resend_ms: float = 500
    window: int = 256

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode: one of {', '.join(MODES)}")
        for name in ("takeover_ms", "pulse_ms", "resend_ms"):
            if not 1 <= getattr(self, name) <= 600_000:
                raise ValueError(f"{name}: a number from 1 to 600000")
        if not 1 <= self.window <= 100_000:
            raise ValueError("window: an integer from 1 to 100000")
