"""An orchestrator on a Raft group. See README.md for the sources, what is modelled and what is left out."""

from __future__ import annotations

from simulations.engine import failover
from simulations.engine.failover import SPECS
from simulations.engine.process import (
    Descriptor,
    Note,
    Parameter,
    Property,
    Role,
    System,
    Text,
    Twin,
    ViewField,
)
from simulations.engine.systems.orchestrator.meters import METERS, METRICS
from simulations.engine.systems.orchestrator.process import Orchestrator, Parameters
from simulations.engine.systems.orchestrator.twins import TWINS

DETECTION = "orchestrator documentation, failure detection"
AGREEMENT = "orchestrator documentation, orchestrator/raft"

DESCRIPTOR = Descriptor(
    name="orchestrator",
    title=Text("Orchestrator on Raft", "基于 Raft 的编排器"),
    paper="orchestrator documentation: failure detection, orchestrator/raft",
    roles=(
        Role("standby", "plain", Text("standing by", "待命")),
        Role("active", "double_ring", Text("may act", "可执行操作"), crown=True),
        Role("recovering", "dashed_ring", Text("carries out a decision", "执行决定"),
             short=Text("recovering", "执行决定")),
    ),
    fields=(
        ViewField("registered", "text", "persistent", Text("decided (epoch:primary)", "已决定（纪元：主节点）")),
        ViewField("role", "role", "volatile", Text("role", "角色")),
        ViewField("analysis", "text", "volatile", Text("judgement", "判断")),
        ViewField("primary", "text", "volatile", Text("primary", "主节点")),
        ViewField("epoch", "epoch", "volatile", Text("epoch", "纪元")),
        ViewField("deciding", "text", "leader", Text("to be agreed on", "待达成一致")),
    ),
    messages=SPECS,
    notes={
        "orchestrator.analysis": Note(DETECTION, "judges {primary}: {analysis}", "对 {primary} 的判断：{analysis}"),
        "orchestrator.recovers": Note(
            DETECTION, "{primary} is dead, its replicas say so too: {replica} is to lead epoch {epoch}",
            "{primary} 已失效，其副本也这样认为：由 {replica} 担任纪元 {epoch} 的主节点"),
        "orchestrator.agreed": Note(
            AGREEMENT, "agreed: {primary} leads epoch {epoch}", "已达成一致：{primary} 担任纪元 {epoch} 的主节点"),
        "orchestrator.new_primary": Note(
            AGREEMENT, "{primary} leads since epoch {epoch}", "自纪元 {epoch} 起 {primary} 为主节点"),
        "orchestrator.nobody_to_promote": Note(
            DETECTION, "no replica of {primary} answers: nobody to promote",
            "{primary} 的副本均无应答，没有可提升的副本"),
    },
    parameters=(
        Parameter("detect_ms", "float", 3000, Text("silence that counts", "判定失联的时长"),
                  Text("After this long without an answer a database counts as unreachable.",
                       "数据库多久没有应答就视为不可达。"), "ms", 1, 600_000),
        Parameter("poll_ms", "float", 500, Text("poll every", "轮询间隔"),
                  Text("How often all databases are asked.", "询问全部数据库的间隔。"), "ms", 1, 600_000),
    ),
    twins=(
        Twin("ask_nobody", Text("Believes only its own eyes", "只信自己所见"), "judge_silence", ("no_split_brain",)),
        Twin("ask_no_group", Text("Acts without the Raft group", "不经 Raft 组直接行动"), "may_act",
             ("no_split_brain",)),
    ),
    properties=(
        Property("decided_first", "always", Text(
            "Nobody is promoted before the group agreed.", "达成一致之前，不提升任何副本。")),
    ),
)  # fmt: skip

SYSTEM = System(
    descriptor=DESCRIPTOR,
    processes={"server": Orchestrator},
    messages=failover.MESSAGES,
    parameters=Parameters,
    twins=TWINS,
    metrics=METRICS,
    meters=METERS,
    linearizable=False,
)
