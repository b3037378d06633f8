"""What fault lines are made of: the words for targets, events and shapes, and the structs of the vocabulary.

The actions themselves are in actions.py.
"""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine.experiment import limits
from simulations.engine.experiment.kinds import Flag, Id, Json, Line, ListOf, Number, Record, Word
from simulations.engine.experiment.structs import Text, When

SYMBOLIC_TARGETS: dict[str, Text] = {
    "leader": Text("the running process in the leading role with the highest epoch", "纪元最高的在任领导者"),
    "follower": Text("one running process that does not lead, drawn at random", "随机一个未领导的运行中节点"),
    "followers": Text("all running processes that do not lead", "所有未领导的运行中节点"),
    "candidate": Text("a process that stands for election", "正在竞选的节点"),
    "minority": Text(
        "the smaller part, without the leader when parts are equal",
        "人数较少的一方（相等时取不含领导者的一方）",
    ),
    "majority": Text(
        "the larger part, with the leader when parts are equal", "人数较多的一方（相等时取含领导者的一方）"
    ),
    "random": Text("one running node, drawn at random", "随机一个运行中的节点"),
    "down": Text("all nodes that are down", "所有已宕机的节点"),
    "previous": Text("what the line before this one hit", "上一条命令命中的对象"),
    "all": Text("every node", "所有节点"),
    "rest": Text("every node not named otherwise", "其余所有节点"),
}
"""Targets resolved from outside when the line fires. `leader/<system>` names the leader of one system."""

EVENTS: dict[str, Text] = {
    "send": Text("a message departs", "消息发出"),
    "deliver": Text("a message arrives and is handled", "消息到达并被处理"),
    "lose": Text("a message is lost", "消息丢失"),
    "timer": Text("a timer fires", "定时器触发"),
    "durable": Text("a disk write completes", "磁盘写入完成"),
    "request": Text("a client's request arrives", "客户端请求到达"),
    "reply": Text("a client gets its answer", "客户端收到应答"),
    "note": Text("a process notes a decision", "节点记录一次决定"),
    "view": Text("a field of a node's view takes a value", "节点视图的某一项变为某个值"),
    "fault": Text("a fault happens", "发生故障"),
}
"""What `when` can wait for."""

SHAPES: dict[str, Text] = {
    "halves": Text("two halves", "对半分开"),
    "minority": Text("a minority cut off", "切开少数派"),
    "isolate": Text("one node alone", "隔离一个节点"),
    "isolate_leader": Text("the leader alone", "隔离领导者"),
    "bridge": Text("two halves joined by one node", "两半之间只留一个桥节点"),
    "ring": Text("a ring: everyone reaches only its two neighbours", "环形：只与左右相邻节点相通"),
    "one_way": Text("one half hears the other but is not heard", "单向：一半能听到另一半，反之不能"),
}


class Argument(msgspec.Struct):
    """One field of an action. kind: see kinds.py; default None means absent."""

    kind: Any
    help: Text
    required: bool = False


class Action(msgspec.Struct):
    """One word of the vocabulary.

    group: node | disk | clock | network | message | place | load | system. target: "" (none), "node" (node,
    process, place or symbolic), "place" (zone, region or rack), "client". target_optional: may be left out.
    undo: the action that for_s schedules, "" when the line cannot last. any_of: at least one of these
    arguments; one_of: exactly one.
    """

    title: Text
    group: str
    help: Text
    target: str = ""
    target_optional: bool = False
    arguments: dict[str, Argument] = {}
    undo: str = ""
    any_of: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()


TARGET = Id(slash=True)
TARGETS = ListOf(TARGET, limits.TARGETS_MAX, 1, single=True)
CHANCE = Number(0, 1)
MILLISECONDS = Number(0, limits.LATENCY_MS_MAX, "ms")


class Match(msgspec.Struct):
    """Which messages: all that fit everything given. event: the one made by this event number. fields:
    message field -> value, or {not: v}, {at_least: v}, {at_most: v}, {in: [v, ...]}, {longer_than: n}.
    skip the first ones, then at most `count` (None: all).
    """

    message: str | None = None
    from_: list[str] = []
    to: list[str] = []
    fields: dict[str, Any] = {}
    event: int | None = None
    skip: int = 0
    count: int | None = None


WHEN = Record(
    When,
    {
        "event": Word(tuple(EVENTS)),
        "node": TARGET,
        "from": TARGET,
        "to": TARGET,
        "message": Line(),
        "timer": Line(),
        "note": Line(),
        "field": Line(),
        "value": Json(),
        "operation": Line(),
        "client": Id(),
        "key": Line(),
        "match": Json("record"),
        "count": Number(1, 1_000_000, "", whole=True),
        "delay_ms": MILLISECONDS,
        "after_s": Number(0, limits.STOP_S_MAX, "s"),
    },
)
MATCH = Record(
    Match,
    {
        "message": Line(),
        "from": TARGETS,
        "to": TARGETS,
        "fields": Json("record"),
        "event": Number(0, limits.SEED_MAX, "", whole=True),
        "skip": Number(0, 1_000_000, "", whole=True),
        "count": Number(1, 1_000_000, "", whole=True),
    },
)

FROM = Argument(TARGETS, Text("from here; all nodes when left out", "起点；省略则为所有节点"))
TO = Argument(TARGETS, Text("to here; all nodes when left out", "终点；省略则为所有节点"))
ONE_WAY = Argument(Flag(), Text("only in this direction", "仅此方向"))
LINK = {"from": FROM, "to": TO, "one_way": ONE_WAY}
MATCHING = Argument(MATCH, Text("which messages", "哪些消息"), required=True)
NODES = ListOf(Id(), limits.NODES_MAX, 1, single=True)


class Disaster(msgspec.Struct, frozen=True):
    """A cause of the loss of a place. ``warning_s``, ``disk``: what a line means that does not say; ``readable``: what
    can still be read, in words."""

    title: Text
    warning_s: float
    disk: str
    readable: Text


DISASTERS: dict[str, Disaster] = {
    "power": Disaster(
        Text("power", "断电"), 0, "kept",
        Text("Nothing until power is back; then all that was on disk.", "来电之前什么也读不到；之后磁盘上的数据都在。"),
    ),
    "fire": Disaster(
        Text("fire", "火灾"), 0, "lost",
        Text("Nothing of this place, ever: only copies elsewhere.", "此地数据永远读不到，只剩别处的副本。"),
    ),
    "flood": Disaster(
        Text("flood", "水灾"), 5, "lost",
        Text("Everything during the warning, nothing afterwards.", "预警期间全部可读，之后什么也读不到。"),
    ),
    "corruption": Disaster(
        Text("corruption", "数据损坏"), 0, "lost",
        Text("Copies elsewhere that the damage has not reached.", "只有尚未被波及的别处副本可读。"),
    ),
    "operator_error": Disaster(
        Text("operator error", "误操作"), 0, "lost",
        Text("Backups from before; replicas repeat the mistake.", "只有之前的备份可读；副本会重复这一错误。"),
    ),
    "evacuation": Disaster(
        Text("order to leave", "撤离令"), 20, "readable",
        Text("Everything until the deadline; the disks survive.", "期限之前全部可读；磁盘得以保留。"),
    ),
}  # fmt: skip
CAUSES = tuple(DISASTERS)


def needed(kind: Any, en: str, zh: str) -> Argument:
    return Argument(kind, Text(en, zh), required=True)


def optional(kind: Any, en: str, zh: str) -> Argument:
    return Argument(kind, Text(en, zh))
