"""Multi-leader replication as data: what the page, the validator and the checks need to know."""

from __future__ import annotations

from simulations.engine.checks import lineage
from simulations.engine.process import Descriptor, MessageSpec, Note, Property, Role, Text, Twin, ViewField
from simulations.engine.systems.multi_leader.parameters import DESCRIBED

NOTES = {
    "multi_leader.accepted": Note(
        "Kleppmann 2017, chapter 5, multi-leader replication",
        "accepts {key} = {value} as {version} alone; the others learn it later",
        "独自接受 {key} = {value}，版本 {version}；其他主节点稍后得知",
    ),
    "multi_leader.loses": Note(
        "Kleppmann 2017, chapter 5, last write wins",
        "{version} of {key} is thrown away: {winner} has the later timestamp",
        "{key} 的版本 {version} 被丢弃：{winner} 的时间戳更晚",
    ),
    "multi_leader.replaces": Note(
        "Kleppmann 2017, chapter 5, last write wins",
        "{version} of {key} replaces {loser}, which its leader had never seen",
        "{key} 的版本 {version} 取代了 {loser}，而其主节点从未见过后者",
    ),
    "multi_leader.siblings": Note(
        "DeCandia et al. 2007, section 4.4",
        "{key} has {count} {count|version|versions} that do not know each other ({policy})",
        "{key} 有 {count} 个互不知晓的版本（{policy}）",
    ),
    "multi_leader.forwards": Note(
        "Kleppmann 2017, chapter 5, conflict avoidance",
        "{key} belongs to {owner}: the change is forwarded",
        "{key} 归 {owner} 所有：转发该写入",
    ),
    "multi_leader.overtakes": Note(
        "Kleppmann 2017, chapter 5, figure 5-9",
        "{version} of {key} rests on a change that has not arrived here yet",
        "{key} 的版本 {version} 所依据的变更尚未到达此处",
    ),
    **lineage.NOTES,
}

DESCRIPTOR = Descriptor(
    name="multi_leader",
    title=Text("Multi-leader replication", "多主复制"),
    paper=(
        "Kleppmann, Designing Data-Intensive Applications, 2017, chapter 5; DeCandia et al., Dynamo, 2007, "
        "section 4.4"
    ),
    roles=(
        Role("in_step", "plain", Text("leader: all its changes are confirmed", "主节点：其变更均已确认"),
             short=Text("in step", "已同步")),
        Role("ahead", "dashed_ring", Text("leader: ahead of the others", "主节点：领先于其他节点"),
             short=Text("ahead", "领先")),
        Role("conflicted", "diamond", Text("leader: shows conflicting versions", "主节点：持有冲突的版本"),
             short=Text("conflict", "有冲突")),
    ),
    fields=(
        ViewField("origin", "text", "persistent", Text("name of its changes", "变更来源名")),
        ViewField("changes", "log", "persistent", Text("changes", "变更日志"), counted=True),
        ViewField("role", "role", "volatile", Text("role", "角色")),
        ViewField("data", "text", "volatile", Text("keys and values", "键与值")),
        ViewField("conflicts", "set", "volatile", Text("rows in conflict", "有冲突的行"), "in_conflict"),
        ViewField("state_hash", "hash", "volatile", Text("state hash", "状态哈希")),
        ViewField("received", "index", "volatile", Text("changes received, by origin", "各来源已收到的变更")),
        ViewField("confirmed", "index", "volatile", Text("own changes confirmed", "已被确认的自身变更")),
        ViewField("ship", "timer", "volatile", Text("ships its changes", "发送变更")),
        ViewField("resend", "timer", "volatile", Text("ships again", "重发")),
        ViewField("greet", "timer", "volatile", Text("greets again", "再次问候")),
    ),
    messages=(
        MessageSpec("Changes", "request", Text("changes", "变更"), ("origin", "first", "versions")),
        MessageSpec("Received", "reply", Text("received", "已收到"), ("origin", "number")),
        MessageSpec("Hello", "request", Text("what do I lack?", "我缺什么？"), ("received",)),
        MessageSpec("Welcome", "reply", Text("what I hold", "我所持有的"), ("received",)),
        MessageSpec("Forward", "request", Text("to the owner", "转发给属主"), ("request",)),
        MessageSpec("Outcome", "reply", Text("the owner's answer", "属主的应答"),
                    ("operation", "outcome", "result")),
    ),
    notes=NOTES,
    parameters=DESCRIBED,
    twins=(
        Twin("keeps_older", Text("The earlier write wins", "较早的写入胜出"), "wins", ("no_lost_ack",)),
        Twin("keeps_own_on_tie", Text("A tie has no winner", "时间戳相同时不分胜负"), "wins", ("replicas_equal",)),
        Twin("drops_sibling", Text("Siblings are dropped", "丢弃兄弟版本"), "beside", ("replicas_equal",)),
        Twin("skips_gaps", Text("Missing changes are never asked for", "缺失的变更从不补取"), "leaves_gap",
             ("replicas_equal",)),
    ),
    properties=(
        Property("no_lost_ack", "always", Text(
            "Every acknowledged change is shown, or was replaced by somebody who had seen it. Last write wins breaks "
            "this whenever changes are concurrent.",
            "每个已确认的变更都可见，或被见过它的变更所取代。只要存在并发变更，“最后写入胜利”就会破坏这一点。")),
        Property("replicas_equal", "eventually", Text(
            "Without new changes all leaders come to show the same.", "没有新的变更时，所有主节点最终一致。")),
    ),
    default_checks=("no_lost_ack",),
)  # fmt: skip
