"""What the page, the validator and the checks need to know of Raft, as data."""

from __future__ import annotations

from simulations.engine.instructions import CAMPAIGN, TRANSFER, add_node, remove_node
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
from simulations.engine.systems.raft.notes import NOTES
from simulations.engine.systems.raft.parameters import LEADER_DISKS, READ_MODES

ROLES = (
    Role("follower", "plain", Text("follower", "跟随者")),
    Role(
        "learner",
        "square",
        Text("learner / observer (non-voting)", "学习者 / 观察者（非投票成员）"),
        short=Text("learner", "学习者"),
    ),
    Role("outsider", "diamond", Text("not a member", "非成员")),
    Role(
        "pre_candidate",
        "dotted_ring",
        Text("pre-candidate", "预候选人"),
        short=Text("pre-vote", "预候选"),
    ),
    Role("candidate", "dashed_ring", Text("candidate", "候选人")),
    Role("leader", "double_ring", Text("leader", "领导者"), crown=True),
)

FIELDS = (
    ViewField("term", "epoch", "persistent", Text("term", "任期")),
    ViewField("voted_for", "text", "persistent", Text("voted for", "投票给")),
    ViewField("log", "log", "persistent", Text("log", "日志")),
    ViewField(
        "voters",
        "set",
        "persistent",
        Text("voters (newest configuration)", "投票者（最新配置）"),
        follows="log",
    ),
    ViewField(
        "old_voters", "set", "persistent", Text("old voters (joint)", "旧投票者（联合共识）"), follows="log"
    ),
    ViewField("learners", "set", "persistent", Text("learners", "学习者"), follows="log"),
    ViewField("role", "role", "volatile", Text("role", "角色")),
    ViewField("leader", "text", "volatile", Text("known leader", "已知的领导者")),
    ViewField("has_vote", "voter", "volatile", Text("has a vote", "有投票权"), follows="role"),
    ViewField("commit_index", "index", "volatile", Text("commit index", "提交索引")),
    ViewField("last_applied", "index", "volatile", Text("last applied", "最后应用的索引")),
    ViewField("election", "timer", "volatile", Text("election timeout", "选举超时")),
    ViewField("votes", "votes", "volatile", Text("votes received", "收到的选票")),
    ViewField("data", "text", "volatile", Text("keys and values", "键与值"), follows="last_applied"),
    ViewField("state_hash", "hash", "volatile", Text("state hash", "状态哈希"), follows="last_applied"),
    ViewField("heartbeat", "timer", "leader", Text("heartbeat interval", "心跳间隔")),
    ViewField("next_index", "index", "leader", Text("next index", "下一个索引")),
    ViewField("match_index", "index", "leader", Text("match index", "匹配索引")),
    ViewField("lease_until", "lease", "leader", Text("lease until", "租约到期")),
    ViewField("joining", "text", "leader", Text("catching up to join", "追赶后加入")),
    ViewField("transfer_to", "text", "leader", Text("handing over to", "移交对象")),
)

MESSAGES = (
    MessageSpec("PreVote", "request", Text("pre-vote", "预投票请求"), ("term", "last_index", "last_term")),
    MessageSpec(
        "PreVoteReply",
        "reply",
        Text("pre-vote answer", "预投票应答"),
        ("term", "asked_term", "granted"),
        "granted",
    ),
    MessageSpec(
        "RequestVote",
        "request",
        Text("request vote", "请求投票"),
        ("term", "last_index", "last_term", "transfer"),
    ),
    MessageSpec("RequestVoteReply", "reply", Text("vote", "投票应答"), ("term", "granted"), "granted"),
    MessageSpec(
        "AppendEntries",
        "request",
        Text("append entries", "追加条目"),
        ("term", "prev_index", "prev_term", "entries", "leader_commit", "round"),
    ),
    MessageSpec(
        "AppendEntriesReply",
        "reply",
        Text("append answer", "追加应答"),
        ("term", "success", "index", "round", "conflict_term", "conflict_index"),
        "success",
    ),
    MessageSpec(
        "InstallSnapshot",
        "request",
        Text("install snapshot", "安装快照"),
        ("term", "last_index", "last_term", "base", "configuration", "offset", "rows", "done"),
    ),
    MessageSpec(
        "InstallSnapshotReply",
        "reply",
        Text("snapshot answer", "快照应答"),
        ("term", "last_index", "offset", "done"),
        "done",
    ),
    MessageSpec("TimeoutNow", "oneway", Text("campaign now", "立即竞选"), ("term",)),
    MessageSpec("LeadershipWanted", "oneway", Text("hand over to me", "请求移交领导权"), ("term",)),
)

PARAMETERS = (
    Parameter(
        "heartbeat_ms", "float", 50, Text("heartbeat interval", "心跳间隔"),
        Text("How often a leader tells its followers that it lives.", "领导者每隔多久向跟随者表明自己仍在。"),
        "ms", 1, 600_000,
    ),
    Parameter(
        "election_timeout_ms", "range", (150, 300), Text("election timeout", "选举超时"),
        Text("A server that hears no leader for a random time of this range campaigns.",
             "服务器在此范围内随机取一个时长，其间没有收到领导者的消息就发起选举。"), "ms", 1, 600_000,
    ),
    Parameter(
        "pre_vote", "bool", True, Text("PreVote", "预投票"),
        Text("Ask first whether the election could be won; the term rises only then. Looks at the log only.",
             "先询问能否赢得选举，能赢才增加任期。只看日志。"),
    ),
    Parameter(
        "check_quorum", "bool", True, Text("CheckQuorum", "法定人数检查"),
        Text("A leader that hears no majority for an election timeout steps down.",
             "领导者在一个选举超时内收不到多数派的应答就退位。"),
    ),
    Parameter(
        "leader_stickiness", "bool", True, Text("leader stickiness", "领导者黏性"),
        Text("Servers that heard a leader within the minimum election timeout ignore candidates.",
             "在最小选举超时内收到过领导者消息的服务器不理会候选人。"),
    ),
    Parameter(
        "leader_noop", "bool", True, Text("leader no-op", "领导者空操作"),
        Text("A new leader appends an empty entry at once, so that what came before commits.",
             "新领导者立即追加一个空条目，使之前的条目得以提交。"),
    ),
    Parameter(
        "fast_backtracking", "bool", True, Text("fast backtracking", "快速回退"),
        Text("A refusal names the conflicting term, so that the leader skips it whole.",
             "拒绝时指出冲突的任期，领导者可整段跳过。"),
    ),
    Parameter(
        "sessions", "bool", True, Text("client sessions", "客户端会话"),
        Text("Operations that carry a session are executed once, however often they are retried.",
             "带会话的操作无论重试多少次只执行一次。"),
    ),
    Parameter(
        "read_mode", "choice", "read_index", Text("reads", "读取方式"),
        Text("read_index: ask a majority; lease: trust the clock; log: as an entry; local: any server, may be stale.",
             "read_index：询问多数派；lease：信任时钟；log：写入日志；local：任一服务器，可能陈旧。"),
        choices=READ_MODES,
    ),
    Parameter(
        "lease_ms", "float", 136, Text("lease", "租约"),
        Text("How long a leader may answer reads after a majority answered it, by its own clock. Reads may be stale "
             "unless it is shorter than the shortest election timeout, and leader stickiness is on.",
             "多数派应答之后，领导者可以直接应答读请求的时长，以自己的时钟为准。须短于最短的选举超时并启用领导者黏性，"
             "否则可能读到旧值。"), "ms", 0, 600_000,
    ),
    Parameter(
        "leader_disk", "choice", "parallel", Text("leader's disk", "领导者磁盘"),
        Text("serial: write to the own disk, then replicate; parallel: both at once.",
             "serial：先写自己的磁盘再复制；parallel：同时进行。"),
        choices=LEADER_DISKS,
    ),
    Parameter(
        "max_batch", "int", 100, Text("entries per append", "每次追加的条目数"),
        Text("The most entries in one message.", "一条消息最多携带的条目数。"), "", 1, 100_000,
    ),
    Parameter(
        "max_in_flight", "int", 10_000, Text("entries in flight", "在途条目数"),
        Text("How many entries may be on their way to a follower, unanswered, before the leader waits for it.",
             "发往一个跟随者而尚未得到应答的条目上限；达到后领导者等待它。"), "", 1, 1_000_000,
    ),
    Parameter(
        "catch_up_entries_per_s", "int", 0, Text("catch-up rate", "追赶速率"),
        Text("How many entries a second a server that lacks much of the log gets. 0: as fast as it answers.",
             "缺少大量日志的服务器每秒获得的条目数。0：应答多快就发多快。"), "1/s", 0, 1_000_000,
    ),
    Parameter(
        "compact_every", "int", 0, Text("compact every", "日志压缩间隔"),
        Text("After so many applied entries a server takes a snapshot and drops the log before the last as many. "
             "0: never.",
             "每应用这么多条目就生成一次快照，日志只保留最近同样多的条目。0：从不。"), "", 0, 1_000_000,
    ),
    Parameter(
        "snapshot_chunks", "int", 1, Text("chunks of a snapshot", "快照分块数"),
        Text("In how many messages a snapshot is sent, one after the other.", "快照分成多少条消息依次发送。"),
        "", 1, 1000,
    ),
)  # fmt: skip

TWINS = (
    Twin("forget_vote", Text("Forgets its vote at a restart", "重启后忘记投票"), "restored_vote",
         ("one_leader_per_term",)),
    Twin("count_vote_twice", Text("Counts a repeated vote twice", "重复的选票计两次"), "record_vote",
         ("one_leader_per_term",)),
    Twin("count_prior_term", Text("Commits old terms by counting", "按副本数提交旧任期条目"),
         "may_commit_by_counting", ("leader_completeness",)),
    Twin("acknowledge_before_disk", Text("Acknowledges before the disk write", "写盘之前就确认"), "acknowledge",
         ("no_lost_ack",)),
    Twin("truncate_without_conflict", Text("Truncates without a conflict", "无冲突也截断"), "store",
         ("state_machine_safety",)),
    Twin("read_before_commit", Text("Reads before a commit in its term", "本任期提交之前就读"), "committed_in_term",
         ("linearizable",)),
    Twin("single_change_without_guard", Text("Changes one server without the guard", "没有保护的单服务器变更"),
         "committed_in_own_term", ("committed_prefixes_agree",)),
    Twin("quorum_on_union", Text("One majority of old and new together", "新旧成员合并计多数派"), "electorates",
         ("state_machine_safety",)),
    Twin("count_learners", Text("Counts learners' copies", "把学习者的副本计入"), "not_counted",
         ("commit_on_majority",)),
    Twin("partial_snapshot", Text("Shows part of a snapshot", "快照未传完就可见"), "is_complete",
         ("no_partial_snapshot", "state_hashes_equal")),
)  # fmt: skip

PROPERTIES = (
    Property("one_leader_per_term", "always", Text("A term has at most one leader.", "每个任期至多一个领导者。")),
    Property("log_matching", "always", Text(
        "Logs that agree on an entry's index and term agree on everything before it.",
        "若两份日志在某索引处任期相同，则此前内容全部相同。")),
    Property("leader_completeness", "always", Text(
        "What was committed in a term is in the log of every leader of a later term.",
        "在某任期提交的条目存在于之后所有任期的领导者日志中。")),
    Property("state_machine_safety", "always", Text(
        "No two servers apply different entries at an index.", "任何两台服务器都不会在同一索引应用不同的条目。")),
    Property("no_lost_ack", "always", Text(
        "Every acknowledged operation is in the leader's applied state.",
        "每个已确认的操作都在领导者已应用的状态中。")),
    Property("leader_append_only", "always", Text(
        "A leader never changes or removes entries of its own log.", "领导者从不修改或删除自己日志中的条目。")),
    Property("monotonic_state", "always", Text(
        "Terms never fall, log terms never fall, only committed entries are applied.",
        "任期不回退，日志任期不回退，只应用已提交的条目。")),
    Property("state_hashes_equal", "always", Text(
        "Servers that applied the same entries have the same state.", "应用了相同条目的服务器状态相同。")),
    Property("no_partial_snapshot", "always", Text(
        "A snapshot is visible whole or not at all.", "快照要么完整可见，要么完全不可见。")),
    Property("learner_promoted", "sometimes", Text("A learner becomes a voter.", "学习者成为投票者。")),
    Property("old_tail_gives_way", "sometimes", Text(
        "A follower drops entries that conflict with the leader's.", "跟随者丢弃与领导者冲突的条目。")),
    Property("split_vote", "sometimes", Text("An election has no winner.", "某次选举没有赢家。")),
    Property("work_goes_on", "eventually", Text(
        "When a majority is up and connected, operations are acknowledged again.",
        "当多数派在线且互通时，操作重新得到确认。")),
    Property("commit_on_majority", "always", Text(
        "A leader commits only what a majority holds.", "领导者只提交多数派持有的条目。")),
)  # fmt: skip

DESCRIPTOR = Descriptor(
    name="raft",
    title=Text("Raft", "Raft"),
    paper=(
        "Ongaro and Ousterhout, In Search of an Understandable Consensus Algorithm (Extended Version), 2014 (RP); "
        "Ongaro, Consensus: Bridging Theory and Practice, 2014 (RD)"
    ),
    roles=ROLES,
    fields=FIELDS,
    messages=MESSAGES,
    notes=NOTES,
    parameters=PARAMETERS,
    twins=TWINS,
    properties=PROPERTIES,
    default_checks=(
        "one_leader_per_term", "log_matching", "leader_completeness", "state_machine_safety", "no_lost_ack",
    ),
    instructions=(CAMPAIGN, TRANSFER, add_node(), remove_node()),
    epoch_word=Text("term", "任期"),
)  # fmt: skip
