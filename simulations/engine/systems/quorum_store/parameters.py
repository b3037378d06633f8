"""The parameters of the quorum store."""

from __future__ import annotations

import msgspec

CUSTOM, LOCAL, MAJORITY, ALL, LINEARIZABLE = "custom", "local", "majority", "all", "linearizable"
MODES = (CUSTOM, LOCAL, MAJORITY, ALL, LINEARIZABLE)
NONE, ASKED = "none", "asked"
READ_REPAIRS = (NONE, ASKED, ALL)
LWW, SIBLINGS = "lww", "siblings"
CONFLICTS = (LWW, SIBLINGS)
LIMITS = {
    "n": (1, 100), "r": (1, 100), "w": (1, 100), "vnodes": (0, 1024), "hint_window_s": (0, 1e6),
    "replica_timeout_ms": (1, 600_000), "request_timeout_ms": (1, 600_000), "probe_every_ms": (1, 600_000),
    "anti_entropy_s": (0, 1e6), "stream_keys_per_s": (1, 1e6),
}  # fmt: skip


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """See the descriptor for what each one means and its unit. ``r`` and ``w`` above ``n`` count as ``n``, and ``n``
    above the number of members as that number, so that single parameters can be changed while the system runs."""

    n: int = 3
    r: int = 2
    w: int = 2
    mode: str = CUSTOM
    linearizable: bool = False
    sloppy: bool = False
    conflicts: str = LWW
    read_repair: bool | str = ALL
    send_to_all: bool = False
    hint_window_s: float = 10_800
    replica_timeout_ms: float = 300
    request_timeout_ms: float = 2000
    probe_every_ms: float = 100
    anti_entropy_s: float = 0
    vnodes: int = 32
    stream_before_serving: bool = True
    stream_keys_per_s: float = 500
    probe_ms: list[float] = []

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name}: a number from {low:g} to {high:g}")
        for name, words in (("mode", MODES), ("conflicts", CONFLICTS)):
            if getattr(self, name) not in words:
                raise ValueError(f"{name}: one of {', '.join(words)}")
        if not isinstance(self.read_repair, bool) and self.read_repair not in READ_REPAIRS:
            raise ValueError(f"read_repair: true, false or one of {', '.join(READ_REPAIRS)}")
        if len(self.probe_ms) > 100 or not all(0 <= delay <= 600_000 for delay in self.probe_ms):
            raise ValueError("probe_ms: at most 100 numbers from 0 to 600000")

    def repair(self) -> str:
        """``read_repair`` as a word: true means all, false none."""
        if isinstance(self.read_repair, bool):
            return ALL if self.read_repair else NONE
        return self.read_repair

    def promises(self) -> bool:
        """Whether clients are promised linearizability whatever the clocks say."""
        return self.linearizable or self.mode == LINEARIZABLE

    def writes_back(self) -> bool:
        """Whether a read makes sure that what it returns is at a write quorum."""
        return self.promises() or self.mode in (MAJORITY, ALL)

    def quorums(self, members: int) -> tuple[int, int]:
        """(answers a read needs, acknowledgements a write needs) among this many owners of a key."""
        size = min(self.n, members)
        most = size // 2 + 1
        if self.mode == LOCAL:
            return 1, 1
        if self.mode == ALL:
            return size, size
        if self.mode in (MAJORITY, LINEARIZABLE):
            return most, most
        r, w = min(self.r, size), min(self.w, size)
        return (max(r, most), max(w, most)) if self.linearizable else (r, w)
