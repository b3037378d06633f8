"""The parameters of multi-leader replication."""

from __future__ import annotations

import msgspec

from simulations.engine.process import Parameter, Text

LWW, SIBLINGS, CRDT, SINGLE_OWNER = "lww", "siblings", "crdt", "single_owner"
POLICIES = (LWW, SIBLINGS, CRDT, SINGLE_OWNER)


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """``policy``: what becomes of concurrent changes of a row; ``replication_ms``: how long a leader gathers changes
    before it ships them; ``resend_ms``: when what nobody confirmed is shipped again."""

    policy: str = LWW
    replication_ms: float = 100
    resend_ms: float = 500

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise ValueError(f"policy: one of {', '.join(POLICIES)}")
        for name in ("replication_ms", "resend_ms"):
            if not 1 <= getattr(self, name) <= 600_000:
                raise ValueError(f"{name}: a number from 1 to 600000")


DESCRIBED = (
    Parameter(
        "policy", "choice", LWW, Text("conflict policy", "冲突策略"),
        Text(
            "lww: the later clock wins. siblings: concurrent versions are all kept. crdt: their values are merged into "
            "one set. single_owner: only one leader accepts changes of a row, the others forward.",
            "lww：时间戳较晚者胜出。siblings：并发版本全部保留。crdt：把它们的值合并为一个集合。single_owner：每行只由一个主节点"
            "接受写入，其余节点转发。",
        ),
        choices=POLICIES,
    ),
    Parameter(
        "replication_ms", "float", 100, Text("replication delay", "复制延迟"),
        Text("How long a leader gathers changes before it ships them.", "主节点攒够多久的变更才发送。"),
        "ms", 1, 600_000,
    ),
    Parameter(
        "resend_ms", "float", 500, Text("resend after", "重发间隔"),
        Text("When changes that a peer has not confirmed are shipped again.", "未获确认的变更多久后重发。"),
        "ms", 1, 600_000,
    ),
)  # fmt: skip
