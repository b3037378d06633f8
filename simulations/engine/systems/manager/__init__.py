"""A single failover manager. See README.md for the source, what is modelled and what is left out."""

from __future__ import annotations

from simulations.engine import failover
from simulations.engine.failover import FENCE_SPECS, SPECS
from simulations.engine.process import Descriptor, Note, Parameter, Role, System, Text, Twin, ViewField
from simulations.engine.systems.manager.process import Manager, Parameters
from simulations.engine.systems.manager.twins import TWINS

SOURCE = "MHA documentation"


def time(name: str, default: float, title: Text, help: Text) -> Parameter:
    return Parameter(name, "float", default, title, help, "ms", 1, 600_000)


DESCRIPTOR = Descriptor(
    name="manager",
    title=Text("Single failover manager", "单个故障转移管理器"),
    paper="MHA (Master High Availability Manager) documentation",
    roles=(
        Role("watching", "plain", Text("watching", "监视中")),
        Role("asking", "dotted_ring", Text("asks the replicas what they hold", "询问副本的数据"),
             short=Text("asking", "询问中")),
        Role("fencing", "dashed_ring", Text("has the old primary switched off", "正在切断旧主节点的电源"),
             short=Text("fencing", "隔离中")),
        Role("failing_over", "double_ring", Text("carries out the failover", "执行故障转移"), crown=True,
             short=Text("failing over", "转移中")),
        Role("done", "square", Text("one failover done: stopped", "完成一次故障转移后退出"),
             short=Text("stopped", "已退出")),
    ),
    fields=(
        ViewField("role", "role", "volatile", Text("role", "角色")),
        ViewField("primary", "text", "volatile", Text("primary", "主节点")),
        ViewField("epoch", "epoch", "volatile", Text("epoch", "纪元")),
        ViewField("candidate", "text", "leader", Text("replica to promote", "待提升的副本")),
    ),
    messages=(*SPECS, *FENCE_SPECS),
    notes={
        "manager.down": Note(SOURCE, "hears nothing from {primary} and holds it for dead, on its own judgement",
                             "收不到 {primary} 的应答，仅凭自己判断其已失效"),
        "manager.promotes": Note(SOURCE, "promotes {replica} in epoch {epoch}: its log reaches furthest ({position})",
                                 "在纪元 {epoch} 提升日志最长（{position}）的 {replica}"),
        "manager.fenced": Note(SOURCE, "{target} is off, confirmed", "已确认 {target} 断电"),
        "manager.nobody_to_promote": Note(SOURCE, "no replica of {primary} answers: nobody to promote",
                                          "{primary} 的副本均无应答，没有可提升的副本"),
        "manager.finished": Note(SOURCE, "{primary} leads in epoch {epoch}: this failover is finished",
                                 "{primary} 在纪元 {epoch} 担任主节点：故障转移完成"),
    },
    parameters=(
        time("detect_ms", 3000, Text("silence that counts", "判定失效的时长"),
             Text("Silence of the primary that the manager takes for death.", "主节点多久没有应答就视为失效。")),
        time("ping_ms", 1000, Text("ping every", "探测间隔"),
             Text("How often the primary is asked.", "探测主节点的间隔。")),
        time("survey_ms", 500, Text("survey", "调查时长"),
             Text("How long the replicas have to say what they hold.", "等待副本报告数据的时长。")),
        Parameter("fencing", "bool", False, Text("shoot first", "先断电"),
                  Text("Have the old primary switched off before another is promoted, where there is a fence device.",
                       "若有隔离设备，提升新主节点之前先切断旧主节点的电源。")),
        Parameter("exits", "bool", True, Text("exits after a failover", "故障转移后退出"),
                  Text("As MHA's manager does: somebody has to start it again.", "与 MHA 相同：之后须人工重新启动。")),
    ),
    twins=(
        Twin("ignore_offsets", Text("Promotes the replica that has least", "提升数据最少的副本"), "rank",
             ("no_lost_ack",)),
    ),
)  # fmt: skip

SYSTEM = System(
    descriptor=DESCRIPTOR,
    processes={"server": Manager},
    messages=(*failover.MESSAGES, *failover.FENCE_MESSAGES),
    parameters=Parameters,
    twins=TWINS,
    linearizable=False,
)
