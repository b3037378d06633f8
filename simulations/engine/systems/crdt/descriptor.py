"""Mergeable types as data: what the page, the validator and the checks need to know."""

from __future__ import annotations

from simulations.engine.process import Descriptor, MessageSpec, Note, Property, Role, Text, Twin, ViewField
from simulations.engine.systems.crdt.parameters import DESCRIBED

TYPES = {
    "or_set": Text("OR-set", "OR 集合"),
    "lww": Text("last write wins", "最后写入胜利"),
    "union": Text("union", "并集"),
}
NOTES = {
    "crdt.add": Note(
        "Shapiro et al. 2011, specification 15",
        "adds {value} to {key} ({type})",
        "向 {key}（{type}）添加 {value}",
        words=TYPES,
    ),
    "crdt.remove": Note(
        "Shapiro et al. 2011, specification 15",
        "removes {value} from {key}: only the additions it has seen ({type})",
        "从 {key} 删除 {value}：只作用于已看到的添加（{type}）",
        words=TYPES,
    ),
    "crdt.count": Note(
        "Shapiro et al. 2011, specification 7",
        "counts {value} for {key}, in its own part",
        "在自己的分量中为 {key} 计入 {value}",
    ),
    "crdt.assign": Note(
        "Shapiro et al. 2011, specification 8",
        "sets {key} to {value}, with a timestamp later than all it has seen",
        "把 {key} 设为 {value}，时间戳晚于所见的一切",
    ),
    "crdt.merged": Note(
        "Shapiro et al. 2011, section 2.2",
        "joins {parts} {parts|part|parts} from {sender} that {parts|is|are} news, of {of}",
        "合并来自 {sender} 的 {parts} 个新分量（共 {of} 个）",
    ),
    "crdt.lost_update": Note(
        "",
        "{lost} acknowledged {lost|update has|updates have} no effect; the first: {what} of {key}",
        "{lost} 个已确认的更新没有生效，首个是 {key} 的 {what}",
        "check",
    ),
}

DESCRIPTOR = Descriptor(
    name="crdt",
    title=Text("Mergeable types (CRDT)", "无冲突复制数据类型（CRDT）"),
    paper=(
        "Shapiro, Preguiça, Baquero, Zawirski, Conflict-free replicated data types, 2011; Almeida, Shoker, Baquero, "
        "Delta state replicated data types, 2018"
    ),
    roles=(
        Role("settled", "plain", Text("all peers have confirmed its changes", "所有副本均已确认其变更"),
             short=Text("settled", "已确认")),
        Role("ahead", "dashed_ring", Text("ahead: has changes that some peer lacks", "领先：有副本尚未收到其变更"),
             short=Text("ahead", "领先")),
    ),
    fields=(
        ViewField("parts", "text", "persistent", Text("parts of each key", "每个键的分量")),
        ViewField("role", "role", "volatile", Text("role", "角色")),
        ViewField("data", "text", "volatile", Text("keys and values", "键与值")),
        ViewField("state_hash", "hash", "volatile", Text("state hash", "状态哈希")),
        ViewField("number", "counter", "volatile", Text("changes made here", "本地变更数")),
        ViewField("acknowledged", "index", "volatile", Text("confirmed by each peer", "各副本已确认至")),
        ViewField("sync", "timer", "volatile", Text("next sync", "下次同步")),
    ),
    messages=(
        MessageSpec("Merge", "request", Text("merge these", "请合并"), ("life", "number", "atoms")),
        MessageSpec("Merged", "reply", Text("merged", "已合并"), ("life", "number")),
        MessageSpec("Hello", "request", Text("I lost everything", "我的数据全丢了"), ()),
        MessageSpec("Welcome", "reply", Text("all of it will come", "会全部发给你"), ()),
    ),
    notes=NOTES,
    parameters=DESCRIBED,
    twins=(
        Twin("counter_by_totals", Text("Counter merged by the maximum of totals", "以总数的最大值合并计数器"),
             "counted_as", ("no_lost_update",)),
        Twin("tag_is_element", Text("Additions without a name of their own", "添加没有唯一标记"), "tag",
             ("no_lost_update",)),
        Twin("no_tombstones", Text("Removals are not merged", "不合并删除"), "join", ("no_lost_update",)),
        Twin("keeps_older", Text("A register keeps the older value", "寄存器保留较旧的值"), "join",
             ("no_lost_update",)),
    ),
    properties=(
        Property("no_lost_update", "always", Text(
            "Where all replicas agree, every acknowledged update has had its effect.",
            "在所有副本一致之处，每个已确认的更新都已生效。")),
        Property("replicas_equal", "eventually", Text(
            "Without new updates all replicas come to show the same.", "没有新的更新时，所有副本最终一致。")),
    ),
    default_checks=("no_lost_update",),
)  # fmt: skip
