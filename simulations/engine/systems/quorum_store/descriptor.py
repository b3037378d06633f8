"""The quorum store as data: what the page draws, the validator checks and the checks say."""

from __future__ import annotations

from simulations.engine.instructions import NODE, add_node, remove_node
from simulations.engine.process import (
    Descriptor,
    Instruction,
    MessageSpec,
    Note,
    Parameter,
    Property,
    Role,
    Text,
    Twin,
    ViewField,
)
from simulations.engine.systems.quorum_store.parameters import CONFLICTS, LIMITS, MODES, READ_REPAIRS

ROLES = (
    Role("serving", "plain", Text("serving", "正常服务")),
    Role(
        "hinting",
        "double_ring",
        Text("keeps hints for others", "代存提示"),
        short=Text("keeps hints", "代存提示"),
    ),
    Role(
        "refusing",
        "dashed_ring",
        Text("no quorum: refuses", "达不到法定人数：拒绝"),
        short=Text("refuses", "拒绝"),
    ),
    Role("joining", "dotted_ring", Text("joining", "正在加入")),
    Role("leaving", "dotted_ring", Text("leaving", "正在离开")),
    Role("outside", "square", Text("no member", "非成员")),
    Role(
        "coordinating", "diamond", Text("only coordinates", "仅作协调"), short=Text("coordinator", "仅作协调")
    ),
)

FIELDS = (
    ViewField("role", "role", "volatile", Text("role", "角色")),
    ViewField("epoch", "epoch", "persistent", Text("membership epoch", "成员纪元"), "ring.epoch"),
    ViewField("phase", "text", "persistent", Text("membership step", "成员变更阶段"), "ring.phase"),
    ViewField("state", "hash", "persistent", Text("hash of its data", "数据的哈希"), "state_hash"),
    ViewField("data", "set", "persistent", Text("keys and values", "键与值")),
    ViewField("hints", "queue", "persistent", Text("hints for those away", "为缺席者代存的写入")),
    ViewField("silent", "set", "volatile", Text("silent peers, since", "无应答的节点及起始时间")),
    ViewField("conflicts", "counter", "volatile", Text("concurrent versions met", "遇到的并发版本")),
    ViewField("read_repaired", "counter", "volatile", Text("keys mended by reads", "被读修复的键")),
    ViewField(
        "repair_streamed", "counter", "volatile", Text("keys streamed by anti-entropy", "反熵传输的键")
    ),
    ViewField("moved", "counter", "volatile", Text("keys received as new owner", "作为新属主收到的键")),
    ViewField("waiting", "votes", "leader", Text("members that have not confirmed", "尚未确认的成员")),
)

MESSAGES = (
    MessageSpec("Write", "request", Text("write", "写入"), ("ticket", "key", "version", "epoch", "hint_for")),
    MessageSpec("WriteAck", "reply", Text("write acknowledged", "写入确认"), ("ticket", "hint_for")),
    MessageSpec("Read", "request", Text("read", "读取"), ("ticket", "key", "epoch", "operation", "attempt")),
    MessageSpec("ReadReply", "reply", Text("versions held", "所持版本"), ("ticket", "versions", "earlier")),
    MessageSpec("Repair", "oneway", Text("read repair", "读修复"), ("key", "versions")),
    MessageSpec("Ping", "request", Text("are you there?", "你在吗？"), ()),
    MessageSpec("Pong", "reply", Text("yes", "在"), ()),
    MessageSpec("Handoff", "request", Text("hinted handoff", "提示移交"), ("items",)),
    MessageSpec("HandoffAck", "reply", Text("hints received", "已收到提示"), ("done",)),
    MessageSpec("TreeHashes", "request", Text("Merkle hashes", "Merkle 哈希"), ("session", "level", "hashes")),
    MessageSpec("TreeDiffers", "reply", Text("nodes that differ", "有差异的节点"), ("session", "level", "indexes")),
    MessageSpec("LeafAsk", "request", Text("send these leaves", "索取这些叶子"), ("session", "leaves")),
    MessageSpec("LeafKeys", "reply", Text("keys of a leaf", "一个叶子的键"), ("session", "leaf", "items")),
    MessageSpec("RepairKeys", "oneway", Text("keys you lack", "你缺少的键"), ("items",)),
    MessageSpec("RingUpdate", "request", Text("membership", "成员关系"), ("ring",)),
    MessageSpec("RingAsk", "request", Text("who is a member?", "询问成员关系"), ()),
    MessageSpec("RingAck", "reply", Text("step confirmed", "确认此阶段"), ("epoch",)),
    MessageSpec("StreamKeys", "request", Text("keys for a new owner", "移交给新属主"), ("epoch", "number", "items")),
    MessageSpec("StreamAck", "reply", Text("keys received", "已收到"), ("epoch", "number")),
)  # fmt: skip

NOTES = {
    "quorum_store.silent": Note("DY07 4.8.3", "{peer} does not answer", "{peer} 没有应答"),
    "quorum_store.back": Note("DY07 4.8.3", "{peer} is back", "{peer} 已恢复"),
    "quorum_store.refuses": Note(
        "Gilbert and Lynch 2002",
        "refuses {key}: with {silent} silent there is no quorum, and a wrong answer is worse than none",
        "拒绝 {key}：{silent} 无应答，凑不成法定人数；宁可不答，不可答错",
    ),
    "quorum_store.gives_up": Note("", "{key}: no quorum answered in time", "{key}：没有凑成法定人数的应答"),
    "quorum_store.not_offered": Note("", "{kind} is not offered here", "不支持 {kind} 操作"),
    "quorum_store.hint": Note(
        "DY07 4.6", "keeps {key} as a hint for {target}", "为 {target} 代存 {key} 的写入（提示）"
    ),
    "quorum_store.no_hint": Note(
        "Cassandra: hints",
        "{target} is away for longer than the window: no hint any more, only a repair will help",
        "{target} 离线已超过时间窗：不再代存提示，只能靠修复",
    ),
    "quorum_store.handoff": Note(
        "DY07 4.6", "hands {count} {count|write|writes} over to {target}", "把 {count} 次写入移交给 {target}"
    ),
    "quorum_store.repairs": Note("DY07 5", "{node} was behind on {key}: repairs it", "{node} 的 {key} 是旧的：修复它"),
    "quorum_store.repaired": Note("DY07 5", "{key} mended by a read", "{key} 被读修复"),
    "quorum_store.writes_back": Note(
        "ABD 1995",
        "not everybody has this value of {key} yet: writes it back before answering",
        "{key} 的这个值尚未到达法定人数：先写回再应答",
    ),
    "quorum_store.fenced": Note(
        "",
        "a later attempt of this write of {key} asked here: the earlier one is ignored",
        "{key} 的同一写入已有更晚的尝试来过：忽略较早的尝试",
    ),
    "quorum_store.compares": Note("DY07 4.7", "compares Merkle trees with {peer}", "与 {peer} 比较 Merkle 树"),
    "quorum_store.differ": Note(
        "DY07 4.7",
        "{leaves} {leaves|leaf differs|leaves differ} from {peer}'s: {leaves|streams only that|streams only those}",
        "与 {peer} 有 {leaves} 个叶子不同：只传输这些",
    ),
    "quorum_store.change": Note("", "changes the members to {members}", "将成员变更为 {members}"),
    "quorum_store.change_refused": Note("", "refuses this change of members", "拒绝此次成员变更"),
    "quorum_store.ring": Note("", "membership epoch {epoch}: {phase}", "成员纪元 {epoch}：{phase}"),
    "quorum_store.old_ring": Note(
        "",
        "refuses a request of membership epoch {theirs}; this is {mine}",
        "拒绝成员纪元 {theirs} 的请求；当前为 {mine}",
    ),
    "quorum_store.streams": Note(
        "DY07 6.2", "owes {target} {count} {count|key|keys}", "要向 {target} 移交 {count} 个键"),
    "quorum_store.gone": Note("", "{nodes} never answered: goes on without", "{nodes} 一直没有应答：不再等待"),
    "quorum_store.mode": Note("Abadi 2012", "the mode is {mode} from now on", "从现在起的模式：{mode}"),
    "quorum_store.lost": Note(
        "", "{lost} acknowledged {lost|write is|writes are} at no owner; the first is {first}",
        "{lost} 次已确认的写入不在任何属主处，首个是 {first}", "check"),
    "quorum_store.only_hints": Note(
        "", "{count} acknowledged {count|write is|writes are} only in hints so far",
        "{count} 次已确认的写入目前只在提示中", "check"
    ),
}  # fmt: skip


def number(name: str, kind: str, default: float, title: Text, help: Text, unit: str = "") -> Parameter:
    low, high = LIMITS[name]
    return Parameter(name, kind, default, title, help, unit, low, high)


PARAMETERS = (
    number("n", "int", 3, Text("N: copies of a key", "N：每个键的副本数"),
           Text("How many members hold each key.", "每个键由多少个成员持有。")),
    number("r", "int", 2, Text("R: answers to a read", "R：读取所需应答"),
           Text("How many owners must answer a read.", "读取需要多少个属主应答。")),
    number("w", "int", 2, Text("W: acknowledgements", "W：写入所需确认"),
           Text("How many owners must acknowledge a write.", "写入需要多少个属主确认。")),
    Parameter(
        "mode", "choice", "custom", Text("consistency", "一致性"),
        Text(
            "From eventual to linearizable: local (one answer), majority and all (reads write back; order by clocks), "
            "linearizable (two rounds, whatever the clocks say); custom: n, r, w as given.",
            "从最终一致到线性一致：local（一个应答）、majority 与 all（读取写回，按时钟排序）、"
            "linearizable（两轮，不依赖时钟）；custom：使用给定的 n、r、w。",
        ),
        choices=MODES,
    ),
    Parameter(
        "linearizable", "bool", False, Text("linearizable", "线性一致"),
        Text("Majorities, reads that write back, writes in two rounds (ABD).",
             "多数派、读取写回、写入分两轮（ABD 算法）。"),
    ),
    Parameter(
        "sloppy", "bool", False, Text("sloppy quorum", "宽松法定人数"),
        Text("A hint kept elsewhere counts for a replica that is away.", "替缺席副本代存的提示也计入确认。"),
    ),
    Parameter(
        "conflicts", "choice", "lww", Text("concurrent writes", "并发写入"),
        Text("lww: the higher timestamp wins; siblings: both are kept (vector clocks).",
             "lww：时间戳大者胜；siblings：两者都保留（向量时钟）。"),
        choices=CONFLICTS,
    ),
    Parameter(
        "read_repair", "flag_or_word", "all", Text("read repair", "读修复"),
        Text("none; asked: among the R that are asked; all: every owner is read, late answers are repaired too "
             "(true: all, false: none).",
             "none：不修复；asked：只在被询问的 R 个之间；all：读取全部属主，迟到的应答也修复"
             "（true 即 all，false 即 none）。"),
        choices=READ_REPAIRS,
    ),
    Parameter(
        "send_to_all", "bool", False, Text("reads go to all owners", "读取发给所有属主"),
        Text("The first R answers count (Dynamo); off: exactly R are asked.",
             "取最先到达的 R 个应答（Dynamo）；关闭则只询问 R 个。"),
    ),
    number("hint_window_s", "float", 10_800, Text("hint window", "提示时间窗"),
           Text("For how long hints are kept for a replica that is away; 0: never (Cassandra: 3 hours).",
                "为缺席副本代存提示的最长时间；0 表示不代存（Cassandra：3 小时）。"), "s"),
    number("replica_timeout_ms", "float", 300, Text("patience with a replica", "等待副本的时间"),
           Text("After this a replica counts as silent.", "超过此时间的副本视为无应答。"), "ms"),
    number("request_timeout_ms", "float", 2000, Text("patience with a quorum", "等待法定人数的时间"),
           Text("After this a read fails and a write is left to its client.",
                "超过此时间，读取失败，写入结果交由客户端判断。"), "ms"),
    number("probe_every_ms", "float", 100, Text("pings to silent peers", "探测间隔"),
           Text("How often a silent peer is asked whether it is back.", "多久询问一次无应答的节点是否恢复。"), "ms"),
    number("anti_entropy_s", "float", 0, Text("anti-entropy every", "反熵间隔"),
           Text("How often Merkle trees are compared; 0: only when told.",
                "多久比较一次 Merkle 树；0 表示仅按命令。"), "s"),
    number("vnodes", "int", 32, Text("virtual nodes", "虚拟节点数"),
           Text("Places of each member on the ring; 0: the first N members hold every key.",
                "每个成员在环上的位置数；0 表示前 N 个成员持有所有键。")),
    Parameter(
        "stream_before_serving", "bool", True, Text("data first, then answers", "先传数据再应答"),
        Text("Off: a range changes hands at once, and its new owner is filled only by reads and repairs.",
             "关闭：键范围立即易主，新属主只靠读取与修复补齐数据。"),
    ),
    number("stream_keys_per_s", "float", 500, Text("streaming rate", "传输速率"),
           Text("Keys a second from one member to a new owner.", "每秒向新属主传输的键数。"), "/s"),
    Parameter(
        "probe_ms", "numbers", [], Text("reads after each write", "每次写入后的探测读取"),
        Text("Delays after the acknowledgement at which the coordinator reads the key, to measure freshness.",
             "协调节点在写入确认后，经过这些延迟再读取该键，以测量新鲜度。"), "ms", 0, 600_000,
    ),
)  # fmt: skip

TWINS = (
    Twin("drops_hints", Text("Hinted handoff that drops", "丢弃提示的移交"), "hands_over", ("replicas_equal",)),
    Twin("repairs_backwards", Text("Read repair that goes backwards", "倒退的读修复"), "after_repair",
         ("no_lost_ack", "fresh_reads")),
    Twin("hints_count_as_writes", Text("W counts hints in a strict quorum", "严格法定人数把提示也算作确认"),
         "hint_counts", ("fresh_reads",)),
    Twin("arrival_decides", Text("Last write wins by arrival", "按到达顺序决定胜者"), "wins", ("replicas_equal",)),
    Twin("no_write_back", Text("Linearizable reads without write-back", "线性一致读取却不写回"),
         "must_write_back", ("linearizable",)),
    Twin("one_ack_less", Text("One answer less than the quorum", "比法定人数少一个应答"), "enough",
         ("fresh_reads", "linearizable")),
    Twin("acks_before_disk", Text("Acknowledges before the disk", "落盘前就确认"), "acknowledge", ("no_lost_ack",)),
    Twin("streams_nothing", Text("Hands ranges over without the data", "移交范围却不传数据"), "sends",
         ("no_lost_ack", "fresh_reads")),
    Twin("trees_always_match", Text("Merkle trees always match", "Merkle 树总是相同"), "differing",
         ("replicas_equal",)),
    Twin("forgets_fences", Text("A retried write may happen twice", "重试的写入可能生效两次"), "promise",
         ("linearizable",)),
)  # fmt: skip

PROPERTIES = (
    Property("no_lost_ack", "always", Text(
        "Every acknowledged write, or one that is not older, is at an owner of its key.",
        "每次已确认的写入（或不早于它的写入）都在该键的某个属主处。")),
    Property("linearizable", "always", Text(
        "In linearizable mode the store behaves like one copy.", "线性一致模式下，存储表现得如同单一副本。")),
    Property("replicas_equal", "eventually", Text(
        "Without new writes all replicas become equal.", "没有新写入时，所有副本终将一致。")),
)  # fmt: skip

DESCRIPTOR = Descriptor(
    name="quorum_store",
    title=Text("Leaderless quorum store", "无主复制存储（法定人数）"),
    paper=(
        "DeCandia et al., Dynamo: Amazon's highly available key-value store, 2007; Attiya, Bar-Noy, Dolev, Sharing "
        "memory robustly in message-passing systems, 1995; Bailis et al., Probabilistically bounded staleness, 2012"
    ),
    roles=ROLES,
    fields=FIELDS,
    messages=MESSAGES,
    notes=NOTES,
    parameters=PARAMETERS,
    twins=TWINS,
    properties=PROPERTIES,
    default_checks=("no_lost_ack",),
    instructions=(
        add_node("one"),
        remove_node("one"),
        Instruction(
            "repair",
            "command",
            Text("Repair (Merkle trees)", "修复（Merkle 树）"),
            Text(
                "Compares trees with the other replicas and streams what differs.",
                "与其他副本比较 Merkle 树，传输有差异的部分。",
            ),
            (NODE,),
        ),
    ),
)
