"""The parameters of replicas of mergeable types."""

from __future__ import annotations

import msgspec

from simulations.engine.process import Parameter, Text
from simulations.engine.systems.crdt.types import CARTS

REPLICATION = ("state", "delta")


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """``cart``: the type of keys that elements are added to; ``replication``: what is sent every ``sync_ms``: the whole
    state, or the parts that changed since the peer's last acknowledgement; ``fanout``: to how many peers (0: all)."""

    cart: str = "or_set"
    replication: str = "delta"
    sync_ms: float = 100
    fanout: int = 0

    def __post_init__(self) -> None:
        if self.cart not in CARTS:
            raise ValueError(f"cart: one of {', '.join(CARTS)}")
        if self.replication not in REPLICATION:
            raise ValueError(f"replication: one of {', '.join(REPLICATION)}")
        if not 1 <= self.sync_ms <= 600_000:
            raise ValueError("sync_ms: a number from 1 to 600000")
        if not 0 <= self.fanout <= 1000:
            raise ValueError("fanout: a number from 0 to 1000")


DESCRIBED = (
    Parameter(
        "cart", "choice", "or_set", Text("type of a set", "集合的类型"),
        Text(
            "or_set: a removal takes only the additions it has seen. lww: the whole set is one register, the last "
            "write wins. union: the merge keeps every element of either side.",
            "or_set：删除只作用于已看到的添加。lww：整个集合是一个寄存器，最后写入胜利。union：合并时保留两侧的全部元素。",
        ),
        choices=CARTS,
    ),
    Parameter(
        "replication", "choice", "delta", Text("what is sent", "发送内容"),
        Text(
            "The whole state every time, or only the parts that the peer has not acknowledged.",
            "每次发送完整状态，或只发送对方尚未确认的部分。",
        ),
        choices=REPLICATION,
    ),
    Parameter(
        "sync_ms", "float", 100, Text("sync interval", "同步间隔"),
        Text("How often a replica sends to its peers.", "副本向其他副本发送的间隔。"), "ms", 1, 600_000,
    ),
    Parameter(
        "fanout", "int", 0, Text("peers each time", "每次发送的对象数"),
        Text("How many peers, drawn at random; 0: all of them.", "随机选取的副本数；0 表示全部。"), "", 0, 1000,
    ),
)  # fmt: skip
