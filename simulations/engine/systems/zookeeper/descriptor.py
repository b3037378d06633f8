"""Everything the page, the validator and the checks need to know of ZooKeeper, as data."""

from __future__ import annotations

from simulations.engine import coordination
from simulations.engine.instructions import CAMPAIGN, add_node, remove_node
from simulations.engine.process import (
    Descriptor,
    MessageSpec,
    Parameter,
    Property,
    Role,
    Text,
    Twin,
    ViewField,
)
from simulations.engine.systems.zookeeper.console import ANSWERS, CONSOLE, TREE_WORDS
from simulations.engine.systems.zookeeper.notes import NOTES

ROLES = (
    Role("looking", "dashed_ring", Text("LOOKING", "LOOKING（寻找领导者）"), short=Text("looking", "寻找中")),
    Role("following", "plain", Text("FOLLOWING", "FOLLOWING（跟随者）"), short=Text("following", "跟随者")),
    Role(
        "leading",
        "double_ring",
        Text("LEADING", "LEADING（领导者）"),
        crown=True,
        short=Text("leading", "领导者"),
    ),
    Role(
        "observing",
        "dotted_ring",
        Text("OBSERVING", "OBSERVING（观察者）"),
        short=Text("observing", "观察者"),
    ),
)

ZAB_STATES = {
    "ELECTION": Text("ELECTION", "ELECTION 选举"),
    "DISCOVERY": Text("DISCOVERY", "DISCOVERY 发现"),
    "SYNCHRONIZATION": Text("SYNCHRONIZATION", "SYNCHRONIZATION 同步"),
    "BROADCAST": Text("BROADCAST", "BROADCAST 广播"),
}
SURVIVORS = {
    "quorum": Text("survivor", "幸存节点"),
    "licensed": Text("survivor, licensed", "幸存节点（获许可）"),
}

FIELDS = (
    ViewField("role", "role", "volatile", Text("server state", "服务器状态")),
    ViewField("zab_state", "text", "volatile", Text("ZabState", "ZabState（阶段）"), words=ZAB_STATES, badge="always"),
    ViewField("survivor", "text", "volatile", Text("in the surviving quorum", "属于幸存法定人数"), words=SURVIVORS,
              badge="after_loss"),
    ViewField("has_vote", "voter", "volatile", Text("has a vote", "有投票权")),
    ViewField("epoch", "epoch", "persistent", Text("current epoch", "当前纪元")),
    ViewField("accepted_epoch", "epoch", "persistent", Text("accepted epoch", "已同意的纪元")),
    ViewField("zxid", "text", "persistent", Text("last zxid", "最后的 zxid")),
    ViewField("log", "log", "persistent", Text("history", "历史（事务日志）")),
    ViewField("voters", "set", "persistent", Text("voters", "投票者")),
    ViewField("leader", "text", "volatile", Text("leader", "领导者")),
    ViewField("sync_mode", "text", "volatile", Text("caught up by", "同步方式")),
    ViewField("delivered", "index", "volatile", Text("delivered", "已交付")),
    ViewField("data", "tree", "volatile", Text("znodes", "znode 树"), words=TREE_WORDS,
              follows="delivered"),
    ViewField("state_hash", "hash", "volatile", Text("hash of the tree", "树的哈希"), follows="delivered"),
    ViewField("sessions", "text", "volatile", Text("sessions", "会话"), follows="delivered"),
    ViewField("connections", "text", "volatile", Text("clients here", "本机客户端")),
    ViewField("watches", "counter", "volatile", Text("watches", "监听数")),
    ViewField("votes", "votes", "volatile", Text("votes", "选票"), "election_votes"),
    ViewField("round", "counter", "volatile", Text("election round", "选举轮次")),
    ViewField("in_flight", "counter", "leader", Text("proposals in flight", "在途提案")),
    ViewField("followers", "text", "leader", Text("acknowledged by", "各跟随者已应答到")),
    ViewField("session_ends", "text", "leader", Text("sessions end at (s)", "会话到期时刻（秒）")),
    ViewField("silence", "timer", "volatile", Text("leader is silent", "等待领导者")),
)  # fmt: skip

MESSAGES = (
    MessageSpec(
        "Notification", "oneway", Text("vote", "选票通知"), ("leader", "epoch", "zxid", "round", "state")
    ),
    MessageSpec(
        "FollowerInfo",
        "request",
        Text("FOLLOWERINFO", "FOLLOWERINFO（报到）"),
        ("connection", "accepted_epoch"),
    ),
    MessageSpec(
        "LeaderInfo",
        "request",
        Text("LEADERINFO: new epoch", "LEADERINFO（新纪元）"),
        ("connection", "epoch"),
    ),
    MessageSpec(
        "AckEpoch", "reply", Text("ACKEPOCH", "ACKEPOCH（同意纪元）"), ("connection", "current_epoch", "zxid")
    ),
    MessageSpec("Diff", "oneway", Text("DIFF", "DIFF（差异）"), ("connection", "epoch", "entries")),
    MessageSpec(
        "Trunc", "oneway", Text("TRUNC", "TRUNC（截断）"), ("connection", "epoch", "index", "zxid", "entries")
    ),
    MessageSpec(
        "Snap", "oneway", Text("SNAP", "SNAP（快照）"), ("connection", "epoch", "snapshot", "entries")
    ),
    MessageSpec(
        "NewLeader", "request", Text("NEWLEADER", "NEWLEADER（新领导者）"), ("connection", "epoch", "base")
    ),
    MessageSpec(
        "AckNewLeader",
        "reply",
        Text("ACK of NEWLEADER", "对 NEWLEADER 的应答"),
        ("connection", "epoch", "counter"),
    ),
    MessageSpec(
        "UpToDate", "oneway", Text("UPTODATE", "UPTODATE（已同步）"), ("connection", "epoch", "index")
    ),
    MessageSpec("Propose", "request", Text("PROPOSAL", "PROPOSAL（提案）"), ("epoch", "txn")),
    MessageSpec("Ack", "reply", Text("ACK", "ACK（应答）"), ("epoch", "counter")),
    MessageSpec("Commit", "oneway", Text("COMMIT", "COMMIT（提交）"), ("epoch", "counter")),
    MessageSpec("Inform", "oneway", Text("INFORM", "INFORM（告知观察者）"), ("epoch", "txn")),
    MessageSpec("Ping", "request", Text("ping", "心跳"), ("epoch", "proposed", "committed")),
    MessageSpec("PingReply", "reply", Text("ping answer", "心跳应答"), ("epoch", "touched")),
    MessageSpec("Missing", "request", Text("packet missing", "请求补发"), ("epoch", "counter")),
    MessageSpec("Forward", "request", Text("REQUEST forwarded", "转发请求"), ("epoch", "command")),
    MessageSpec("SyncRequest", "request", Text("SYNC", "SYNC（同步请求）"), ("client", "operation")),
    MessageSpec("SyncReply", "reply", Text("SYNC answer", "SYNC 应答"), ("client", "operation", "index")),
    MessageSpec("Revalidate", "request", Text("REVALIDATE session", "核实会话"), ("client", "session")),
    MessageSpec(
        "Revalidated",
        "reply",
        Text("session verdict", "会话核实结果"),
        ("client", "session", "alive"),
        "alive",
    ),
    *coordination.SPECS,
)

PARAMETERS = (
    Parameter(
        "tick_ms", "float", 200, Text("tick", "滴答"),
        Text("The unit of the other times; a leader pings twice a tick. ZooKeeper's own is 2000.",
             "其他时间的单位；领导者每个滴答发两次心跳。ZooKeeper 默认为 2000。"), "ms", 1, 600_000,
    ),
    Parameter(
        "init_limit", "int", 10, Text("initLimit", "initLimit（初始化上限）"),
        Text("Ticks to find, follow and synchronize with a leader.", "寻找、连接领导者并与其同步的滴答数上限。"),
        "ticks", 1, 1000,
    ),
    Parameter(
        "sync_limit", "int", 5, Text("syncLimit", "syncLimit（同步上限）"),
        Text("Ticks of silence after which a leader or a follower counts as gone.",
             "沉默多少滴答后视为失联。"), "ticks", 1, 1000,
    ),
    Parameter(
        "finalize_ms", "float", 50, Text("finalize wait", "选举收尾等待"),
        Text("With a quorum of votes, how long a better vote is waited for.",
             "得到法定人数的选票后，再等待更优选票的时长。"),
        "ms", 0, 600_000,
    ),
    Parameter(
        "session_timeout_ms", "float", 2000, Text("session timeout", "会话超时"),
        Text("A session that servers have not heard of for so long ends.",
             "服务器超过此时长没有收到会话的消息，会话即过期。"),
        "ms", 1, 600_000,
    ),
    Parameter(
        "committed_log", "int", 500, Text("committed log kept", "保留的已提交事务数"),
        Text("A learner that is further behind gets a snapshot.", "落后更多的学习者将收到快照。"), "", 0, 1_000_000,
    ),
    Parameter(
        "container_check_ms", "float", 2000, Text("container check", "容器检查间隔"),
        Text("How often empty containers and outlived nodes are removed.", "清理空容器与到期节点的间隔。"),
        "ms", 1, 600_000,
    ),
    Parameter(
        "set_creates", "bool", True, Text("set creates", "set 自动创建"),
        Text("A set without a version makes a node that is not there, as client libraries offer it; off: NoNode.",
             "不带版本的 set 会创建不存在的节点（客户端库的便利）；关闭则返回 NoNode。"),
    ),
    Parameter(
        "create_parents", "bool", True, Text("create makes parents", "create 自动建父节点"),
        Text("Missing parents are made as containers, as client libraries offer it; off: NoNode.",
             "缺失的父节点以容器形式创建（客户端库的便利）；关闭则返回 NoNode。"),
    ),
    Parameter(
        "oracle", "record", {}, Text("oracle", "预言机"),
        Text("For two servers: server -> 1 when it may go on alone, else 0. Two ones are a split brain.",
             "仅用于两台服务器：允许独自继续的为 1，否则为 0；两个都为 1 即脑裂。"),
    ),
)  # fmt: skip

TWINS = (
    Twin("keeps_database", Text("Keeps what it never committed in its tree", "未提交的变更留在内存树中"),
         "look_for_leader", ("process_consistency",)),
    Twin("acks_before_disk", Text("Acknowledges NEWLEADER before the disk", "未落盘就应答 NEWLEADER"),
         "acknowledge_leader", ("leader_log_completeness", "primary_integrity")),
    Twin("acks_proposals_early", Text("Acknowledges proposals before the disk", "未落盘就应答提案"), "acknowledge",
         ("no_lost_ack",)),
    Twin("forgets_epoch", Text("Forgets the epoch it agreed to", "忘记已同意的纪元"), "accept_epoch",
         ("one_leader_per_epoch",)),
    Twin("skips_gaps", Text("Writes down proposals that follow a gap", "有缺口也照样记录提案"), "take_early",
         ("local_primary_order",)),
    Twin("proposes_to_current", Text("Proposes to those alone that hold the history", "只向已有历史的服务器提议"),
         "hears_proposals", ("local_primary_order",)),
    Twin("commits_early", Text("Commits one acknowledgement short", "少一个应答就提交"), "held_by_quorum",
         ("no_lost_ack", "prefix_consistency")),
    Twin("commits_what_is_acked", Text("Commits for latecomers what they acknowledged", "让迟到者提交其已应答的事务"),
         "committed_for", ("committed_log_durability",)),
    Twin("old_server_speaks", Text("Takes requests of moved sessions", "会话迁走后仍接受旧请求"), "is_late",
         ("fifo_client_order",)),
    Twin("serves_behind", Text("Serves clients that have seen more", "为见过较新状态的客户端服务"), "is_behind",
         ("sequential_per_client",)),
)  # fmt: skip

PROPERTIES = (
    Property("prefix_consistency", "always", Text(
        "Servers deliver the same transactions in the same order.", "各服务器以相同顺序交付相同事务。")),
    Property("integrity", "always", Text(
        "What is delivered was broadcast by its primary.", "交付的事务都由其主节点广播过。")),
    Property("local_primary_order", "always", Text(
        "A primary's transactions are delivered in its order, without a gap.",
        "同一主节点的事务按其顺序、无缺口地交付。")),
    Property("global_primary_order", "always", Text(
        "Earlier epochs are delivered before later ones.", "较早纪元先于较晚纪元交付。")),
    Property("leader_log_completeness", "always", Text(
        "An established leader holds everything delivered before.", "已确立的领导者持有此前交付的全部事务。")),
    Property("primary_integrity", "always", Text(
        "A leader delivers all of earlier epochs before it broadcasts.",
        "领导者先交付较早纪元的全部事务，再开始广播。")),
    Property("process_consistency", "always", Text(
        "Equal positions mean equal trees.", "位置相同则树相同。")),
    Property("one_leader_per_epoch", "always", Text("An epoch has one leader.", "一个纪元只有一个领导者。")),
    Property("committed_log_durability", "always", Text(
        "What is delivered is on the disks of a quorum.", "交付的事务已在法定人数的磁盘上。")),
    Property("committed_log_monotonicity", "always", Text(
        "What is delivered is never taken back.", "已交付的事务不会被撤回。")),
    Property("messages_legal", "always", Text(
        "Nobody acknowledges or commits what was not proposed.", "没有人应答或提交从未提议过的事务。")),
    Property("no_lost_ack", "always", Text("No acknowledged write is lost.", "已确认的写入不会丢失。")),
    Property("linearizable_writes", "always", Text(
        "Writes are linearizable; reads follow each client's own order.",
        "写满足线性一致，读只保证各客户端自身顺序。")),
)  # fmt: skip

DESCRIPTOR = Descriptor(
    name="zookeeper",
    title=Text("ZooKeeper (ZAB)", "ZooKeeper（ZAB 原子广播）"),
    paper=(
        "Junqueira, Reed, Serafini, Zab: High-performance broadcast for primary-backup systems, DSN 2011; "
        "Hunt, Konar, Junqueira, Reed, ZooKeeper, USENIX ATC 2010; ZooKeeper Internals"
    ),
    roles=ROLES,
    fields=FIELDS,
    messages=MESSAGES,
    notes=NOTES,
    parameters=PARAMETERS,
    twins=TWINS,
    properties=PROPERTIES,
    console=CONSOLE,
    answers=ANSWERS,
    default_checks=(
        "no_lost_ack", "prefix_consistency", "integrity", "local_primary_order", "global_primary_order",
        "leader_log_completeness", "primary_integrity", "process_consistency", "one_leader_per_epoch",
        "linearizable_writes",
    ),
    instructions=(CAMPAIGN, add_node(), remove_node()),
)  # fmt: skip
