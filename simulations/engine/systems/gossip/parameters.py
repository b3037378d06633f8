"""The parameters of gossip."""

from __future__ import annotations

import msgspec

from simulations.engine.process import Parameter, Text

BROADCASTS = ("rumour", "tree", "none")
DEATHS = ("age", "feedback")
EXCHANGES = ("push", "pull", "push_pull")


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """``broadcast``: how news travels at once: ``fanout`` peers hear of it every ``round_ms``; its ``death`` comes
    after ``rumour_rounds`` in all, or when ``bored_after`` peers had known it. ``tree_fanout``: children in the tree;
    ``batch_ms``: how long news is gathered for it. ``repair_ms``: anti-entropy with one peer (0: never), in the
    direction ``exchange``."""

    broadcast: str = "rumour"
    fanout: int = 3
    round_ms: float = 100
    death: str = "age"
    rumour_rounds: int = 4
    bored_after: int = 2
    tree_fanout: int = 4
    batch_ms: float = 20
    repair_ms: float = 300
    exchange: str = "push_pull"

    def __post_init__(self) -> None:
        for name, allowed in (("broadcast", BROADCASTS), ("death", DEATHS), ("exchange", EXCHANGES)):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name}: one of {', '.join(allowed)}")
        for name in ("fanout", "rumour_rounds", "bored_after", "tree_fanout"):
            if not 1 <= getattr(self, name) <= 1000:
                raise ValueError(f"{name}: a number from 1 to 1000")
        if not 1 <= self.round_ms <= 600_000:
            raise ValueError("round_ms: a number from 1 to 600000")
        for name in ("batch_ms", "repair_ms"):
            if not 0 <= getattr(self, name) <= 600_000:
                raise ValueError(f"{name}: a number from 0 to 600000")


DESCRIBED = (
    Parameter(
        "broadcast", "choice", "rumour", Text("broadcast", "广播方式"),
        Text(
            "rumour: to random peers, round by round. tree: along a tree, in batches. none: anti-entropy alone.",
            "rumour：逐轮告知随机节点。tree：沿一棵树成批传递。none：只靠反熵。",
        ),
        choices=BROADCASTS,
    ),
    Parameter(
        "fanout", "int", 3, Text("fanout", "扇出"),
        Text("Peers that hear a rumour in one round.", "每轮告知的节点数。"), "", 1, 1000,
    ),
    Parameter(
        "round_ms", "float", 100, Text("round", "轮次间隔"),
        Text("Time between two rounds of a node.", "一个节点两轮之间的时间。"), "ms", 1, 600_000,
    ),
    Parameter(
        "death", "choice", "age", Text("rumours die of", "流言如何消亡"),
        Text(
            "age: after some rounds in all. feedback: when several peers had known it already.",
            "age：总轮数已满。feedback：多个节点早已知道。",
        ),
        choices=DEATHS,
    ),
    Parameter(
        "rumour_rounds", "int", 4, Text("rounds of a rumour", "流言的轮数"),
        Text("After so many rounds nobody pushes a rumour any more.", "传播这么多轮之后，不再有节点推送该流言。"),
        "", 1, 1000,
    ),
    Parameter(
        "bored_after", "int", 2, Text("bored after", "几次后失去兴趣"),
        Text("Peers that had known it before a node stops pushing a rumour.", "遇到几个早已知道的节点后停止传播。"),
        "", 1, 1000,
    ),
    Parameter(
        "tree_fanout", "int", 4, Text("children in the tree", "树的分支数"),
        Text("How many nodes hang from each node of the tree.", "树中每个节点的子节点数。"), "", 1, 1000,
    ),
    Parameter(
        "batch_ms", "float", 20, Text("batch", "攒批时间"),
        Text("How long a node gathers news before it passes it on.", "转发前攒批的时间。"), "ms", 0, 600_000,
    ),
    Parameter(
        "repair_ms", "float", 300, Text("anti-entropy interval", "反熵间隔"),
        Text("How often a node compares with a random peer; 0: never.", "与随机节点比对的间隔；0 表示从不。"),
        "ms", 0, 600_000,
    ),
    Parameter(
        "exchange", "choice", "push_pull", Text("anti-entropy direction", "反熵方向"),
        Text("Who of the two gets what it lacks.", "比对的两者中，谁得到自己缺少的值。"), choices=EXCHANGES,
    ),
)  # fmt: skip
