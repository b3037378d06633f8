"""What the page, the validator and the checks need to know of Paxos, as data."""

from __future__ import annotations

from simulations.engine.checks import no_lost_ack
from simulations.engine.instructions import CAMPAIGN
from simulations.engine.process import (
    Descriptor,
    MessageSpec,
    Note,
    Parameter,
    Property,
    Role,
    Text,
    Twin,
    ViewField,
)
from simulations.engine.systems.paxos.parameters import BASIC, MODES, RETRIES, SINGLE

ROLES = (
    Role("acceptor", "plain", Text("acceptor", "接受者")),
    Role("learner", "dotted_ring", Text("learner", "学习者")),
    Role("idle", "square", Text("proposer, idle", "提议者（空闲）"), short=Text("proposer", "提议者")),
    Role("candidate", "dashed_ring", Text("proposer, phase 1 (prepare)", "提议者，第一阶段（准备）"),
         short=Text("prepares", "准备中")),
    Role("proposer", "diamond", Text("proposer, phase 2 (accept)", "提议者，第二阶段（接受）"),
         short=Text("proposes", "提议中")),
    Role("leader", "double_ring", Text("distinguished proposer (leader)", "主提议者（领导者）"), crown=True,
         short=Text("leader", "领导者")),
)  # fmt: skip

FIELDS = (
    ViewField("promised", "epoch", "persistent", Text("promised", "已承诺的编号")),
    ViewField("accepted", "text", "persistent", Text("accepted", "已接受的提案"), "accepted_text"),
    ViewField("votes", "log", "persistent", Text("votes", "投票记录")),
    ViewField("ballot", "epoch", "persistent", Text("own number", "自己的提案编号")),
    ViewField("settled", "index", "volatile", Text("votes for settled slots", "已定槽位的投票")),
    ViewField("log", "log", "persistent", Text("chosen", "被选定的值")),
    ViewField("role", "role", "volatile", Text("role", "角色")),
    ViewField("leader", "text", "volatile", Text("known leader", "已知的领导者")),
    ViewField("has_vote", "voter", "volatile", Text("is an acceptor", "是接受者")),
    ViewField("decided", "text", "volatile", Text("value of the first slot", "首个槽位的值"), "decided_text"),
    ViewField("election", "timer", "volatile", Text("election timeout", "选举超时")),
    ViewField("data", "text", "volatile", Text("keys and values", "键与值"), follows="log"),
    ViewField("state_hash", "hash", "volatile", Text("state hash", "状态哈希"), follows="log"),
    ViewField("granted_until", "lease", "volatile", Text("lease granted until", "授出的租约到期")),
    ViewField("promises", "votes", "leader", Text("promises received", "收到的承诺")),
    ViewField("next_slot", "index", "leader", Text("next slot", "下一个槽位")),
    ViewField("heartbeat", "timer", "leader", Text("heartbeat interval", "心跳间隔")),
    ViewField("round", "timer", "leader", Text("round timeout", "轮次超时")),
    ViewField("retry", "timer", "leader", Text("waits before the next number", "重新编号前的等待")),
    ViewField("lease_until", "lease", "leader", Text("lease until", "租约到期")),
)

MESSAGES = (
    MessageSpec("Prepare", "request", Text("Prepare", "准备请求（Prepare）"), ("ballot", "slot")),
    MessageSpec(
        "Promise", "reply", Text("Promise", "承诺（Promise）"), ("ballot", "slot", "votes", "learned")
    ),
    MessageSpec("Accept", "request", Text("Accept", "接受请求（Accept）"), ("ballot", "entries")),
    MessageSpec("Accepted", "reply", Text("Accepted", "已接受（Accepted）"), ("ballot", "slots")),
    MessageSpec("Refused", "reply", Text("Refused", "拒绝"), ("ballot", "promised")),
    MessageSpec(
        "Learn",
        "oneway",
        Text("Learn (the article's Commit)", "学习（文中称 Commit）"),
        ("ballot", "entries"),
    ),
    MessageSpec("CatchUp", "request", Text("catch up", "追赶请求"), ("ballot", "slot")),
    MessageSpec("Heartbeat", "request", Text("heartbeat", "心跳"), ("ballot", "round", "chosen")),
    MessageSpec("HeartbeatReply", "reply", Text("heartbeat answer", "心跳应答"), ("ballot", "round")),
)

PHASE_NOTES = {
    "paxos.prepare": Note(
        "PMS 2.2 phase 1 (a)",
        "asks for promises of number {ballot}, from slot {slot} on",
        "以编号 {ballot} 请求承诺，从槽位 {slot} 起",
    ),
    "paxos.promised": Note(
        "PMS 2.2 phase 1 (b)",
        "promises {proposer} to accept nothing below {ballot}; reports {votes} accepted {votes|proposal|proposals}",
        "向 {proposer} 承诺不接受编号低于 {ballot} 的提案，并报告 {votes} 个已接受的提案",
    ),
    "paxos.prepare_refused": Note(
        "PMS 2.2 phase 1 (b)",
        "no promise of {ballot} for {proposer}: {promised} is promised already",
        "不向 {proposer} 承诺编号 {ballot}：已承诺 {promised}",
    ),
    "paxos.prepared": Note(
        "PMS 2.2 phase 2 (a)",
        "{promises} {promises|acceptor|acceptors}, a majority, promised number {ballot}",
        "{promises} 个接受者（多数派）承诺了编号 {ballot}",
    ),
    "paxos.value_bound": Note(
        "PMS 2.2 P2c",
        "slot {slot}: proposes with number {ballot} the value of the highest-numbered vote reported ({voted})",
        "槽位 {slot}：以编号 {ballot} 提出已报告的编号最高的提案（{voted}）的值",
    ),
    "paxos.value_free": Note(
        "PMS 2.2 P2c",
        "slot {slot}: no vote was reported, so number {ballot} is free to carry its own value",
        "槽位 {slot}：没有报告任何投票，编号 {ballot} 可以提出自己的值",
    ),
    "paxos.accepted": Note(
        "PMS 2.2 P1a",
        "accepts number {ballot} of {proposer} for slot {slot}: no higher number was promised",
        "接受 {proposer} 的编号 {ballot}（槽位 {slot}）：没有承诺过更高的编号",
    ),
    "paxos.accept_refused": Note(
        "PMS 2.2 P1a",
        "does not accept number {ballot} of {proposer}: {promised} is promised",
        "不接受 {proposer} 的编号 {ballot}：已承诺 {promised}",
    ),
    "paxos.chosen": Note(
        "PMS 2.2",
        "the value of slot {slot} is chosen: {votes} {votes|acceptor|acceptors}, a majority, accepted number {ballot}",
        "槽位 {slot} 的值已被选定：{votes} 个接受者（多数派）接受了编号 {ballot}",
    ),
    "paxos.preempted": Note(
        "PMS 2.2",
        "gives up number {ballot}: {by} knows of {promised}",
        "放弃编号 {ballot}：{by} 已知编号 {promised}",
    ),
    "paxos.held_off": Note(
        "Paxos Made Live 5.2",
        "gives up number {ballot}: {by} may have granted a lease that has not run out",
        "放弃编号 {ballot}：{by} 可能授出过租约，尚未到期",
    ),
}

PROPOSER_NOTES = {
    "paxos.backs_off": Note(
        "PMS 2.4",
        "waits {wait_ms} ms before its next number",
        "等待 {wait_ms} 毫秒后再用新编号",
    ),
    "paxos.stands_aside": Note(
        "PMS 2.4",
        "leaves the field to the distinguished proposer {first}",
        "让位给主提议者 {first}",
    ),
    "paxos.leads": Note(
        "PMS 3",
        "leads with number {ballot}: phase 1 is done for slot {slot} and all after it",
        "以编号 {ballot} 领导：第一阶段已对槽位 {slot} 及之后全部完成",
    ),
    "paxos.leads_from_start": Note(
        "",
        "leads with number {ballot} from the start, as the experiment says",
        "按实验设定，从一开始就以编号 {ballot} 领导",
    ),
    "paxos.no_op": Note(
        "PMS 3",
        "slot {slot}: nobody voted in this hole, fills it with a no-op of number {ballot}",
        "槽位 {slot}：无人在此空洞投票，以编号 {ballot} 填入空操作",
    ),
    "paxos.follows": Note(
        "PMS 3", "follows {leader}, who leads with number {ballot}", "跟随以编号 {ballot} 领导的 {leader}"
    ),
    "paxos.quorum_lost": Note(
        "",
        "leader of number {ballot} steps down: no majority answered for an election timeout",
        "编号 {ballot} 的领导者退位：一个选举超时内没有多数派应答",
    ),
    "paxos.catches_up": Note(
        "PMS 2.3",
        "learns late: asks {source} for what was chosen from slot {slot} on",
        "追赶：向 {source} 询问从槽位 {slot} 起被选定的值",
    ),
    "paxos.lease_refused": Note(
        "Paxos Made Live 5.2",
        "no promise of {ballot} for {proposer}: the lease of {holder} has not run out",
        "不向 {proposer} 承诺编号 {ballot}：{holder} 的租约尚未到期",
    ),
    "paxos.lease_read": Note(
        "Paxos Made Live 5.2",
        "answers the read of {key} itself: nobody else can lead before the lease runs out",
        "自行应答对 {key} 的读取：租约到期前没有别人能领导",
    ),
    "paxos.duplicate": Note(
        "",
        "operation {sequence} of session {session} was executed before: same answer, no second effect",
        "会话 {session} 的操作 {sequence} 已执行过：返回原结果，不重复执行",
    ),
}

CHECK_NOTES = {
    "paxos.became_chosen": Note(
        "PMS 2.2",
        "slot {slot} is CHOSEN, though nobody can know yet: {votes} {votes|acceptor|acceptors}, "
        "a majority, {votes|holds|hold} number {ballot}",
        "槽位 {slot} 的值已被选定，只是尚无人知晓：{votes} 个接受者（多数派）都已接受编号 {ballot}",
        "check",
    ),
    "paxos.two_chosen": Note(
        "PMS 2.1",
        "slot {slot}: two values are chosen, with the numbers {first} and {second}",
        "槽位 {slot}：两个值都被选定，编号分别为 {first} 和 {second}",
        "check",
    ),
    "paxos.not_on_majority": Note(
        "PMS 2.1",
        "{process} takes a value of slot {slot} for chosen that no majority accepted",
        "{process} 把槽位 {slot} 中未获多数派接受的值当作已被选定",
        "check",
    ),
    "paxos.promise_gone": Note(
        "Paxos.tla Inv",
        "a promise of number {ballot} arrives whose acceptor is no longer bound by it",
        "收到对编号 {ballot} 的承诺，而其接受者已不受其约束",
        "check",
    ),
    "paxos.two_votes": Note(
        "Voting.tla OneVote",
        "slot {slot}: an acceptor voted for two values of number {ballot}",
        "槽位 {slot}：一个接受者为编号 {ballot} 的两个值投了票",
        "check",
    ),
    "paxos.two_values": Note(
        "Voting.tla OneValuePerBallot",
        "slot {slot}: number {ballot} was accepted with two values",
        "槽位 {slot}：编号 {ballot} 带着两个值被接受",
        "check",
    ),
    "paxos.unsafe_vote": Note(
        "Voting.tla VotesSafe",
        "slot {slot}: a vote for number {ballot} although a lower number may still choose another value",
        "槽位 {slot}：为编号 {ballot} 投了票，而更低的编号仍可能选定另一个值",
        "check",
    ),
    "paxos.not_shown_safe": Note(
        "Paxos.tla ShowsSafeAt",
        "slot {slot}: no majority's promises justify the value proposed with number {ballot}",
        "槽位 {slot}：没有多数派的承诺能支持以编号 {ballot} 提出的值",
        "check",
    ),
    "paxos.slots_differ": Note(
        "PMS 3",
        "{process} learned another value for slot {slot} than a process before it",
        "{process} 在槽位 {slot} 学到的值与先前的进程不同",
        "check",
    ),
}

PARAMETERS = (
    Parameter(
        "mode", "choice", "multi", Text("kind of Paxos", "Paxos 的形式"),
        Text("multi: a log with a leader; single: one value only; basic: a log, both phases for every command.",
             "multi：有领导者的日志；single：只决定一个值；basic：日志，每条命令都走两个阶段。"), choices=MODES,
    ),
    Parameter(
        "retry", "word_or_distribution", {"uniform": [50, 250]}, Text("after a refusal", "被拒绝之后"),
        Text("Without a leader: none, at_once, distinguished (only the first proposer goes on), or a random wait.",
             "无领导者时：none 不再尝试；at_once 立即重试；distinguished 仅首个提议者继续；或随机等待。"),
        "ms", 0, 600_000, RETRIES,
    ),
    Parameter(
        "round_timeout_ms", "float", 1000, Text("round timeout", "轮次超时"),
        Text("Without a leader: a round without an end is begun again after this time.",
             "无领导者时：一轮没有结果，超过此时间就重新开始。"), "ms", 1, 600_000,
    ),
    Parameter(
        "disk_between_phases", "bool", True, Text("write the number between the phases", "在两阶段之间写入编号"),
        Text("On: the proposer's disk write runs during phase 1, phase 2 waits for it. Off: phase 1 waits for it.",
             "开启：提议者的写盘与第一阶段同时进行，第二阶段等待其完成；关闭：第一阶段等待其完成。"),
    ),
    Parameter(
        "heartbeat_ms", "float", 50, Text("heartbeat interval", "心跳间隔"),
        Text("How often a leader tells that it lives.", "领导者每隔多久表明自己仍在。"), "ms", 1, 600_000,
    ),
    Parameter(
        "election_timeout_ms", "range", (150, 300), Text("election timeout", "选举超时"),
        Text("A proposer that hears no leader for a random time of this range prepares a number of its own.",
             "提议者在此范围内随机取一个时长，其间没有收到领导者的消息，就以自己的编号发起准备。"), "ms", 1, 600_000,
    ),
    Parameter(
        "check_quorum", "bool", True, Text("CheckQuorum", "法定人数检查"),
        Text("A leader that hears no majority for an election timeout steps down.",
             "领导者在一个选举超时内收不到多数派的应答就退位。"),
    ),
    Parameter(
        "leader_lease_ms", "float", 0, Text("leader lease", "领导者租约"),
        Text("0: reads go through the log. Else acceptors promise nobody else for so long, and the leader reads alone.",
             "0：读请求写入日志；否则接受者在此时长内不向他人承诺，领导者可自行应答读请求。"), "ms", 0, 600_000,
    ),
    Parameter(
        "sessions", "bool", True, Text("client sessions", "客户端会话"),
        Text("Operations that carry a session are executed once, however often they are retried.",
             "带会话的操作无论重试多少次只执行一次。"),
    ),
    Parameter(
        "max_batch", "int", 100, Text("slots per message", "每条消息的槽位数"),
        Text("The most slots in one message when a leader takes over or a learner catches up.",
             "领导者接任或学习者追赶时，一条消息最多携带的槽位数。"), "", 1, 100_000,
    ),
)  # fmt: skip

TWINS = (
    Twin("ignore_accepted", Text("Ignores accepted values", "无视已接受的值"), "bound_value",
         ("one_value_chosen",)),
    Twin("ignore_promise", Text("Ignores its promise", "无视自己的承诺"), "may_accept", ("one_value_chosen",)),
    Twin("forget_on_restart", Text("Forgets at a restart", "重启后忘记"), "restored",
         ("one_value_chosen", "promises_covered")),
    Twin("lowest_instead_of_highest", Text("Takes the lowest vote instead of the highest", "取最低而非最高编号的投票"),
         "prefer", ("one_value_chosen",)),
    Twin("quorum_one_short", Text("Counts one vote too few", "少一票也算多数派"), "enough_votes",
         ("slot_agreement", "chosen_on_majority")),
)  # fmt: skip

PROPERTIES = (
    Property("one_value_chosen", "always", Text(
        "No slot has two chosen values.", "任何槽位都不会有两个被选定的值。")),
    Property("one_vote", "always", Text(
        "An acceptor votes for at most one value of a number.", "接受者对每个编号至多为一个值投票。")),
    Property("one_value_per_ballot", "always", Text(
        "All votes for a number are for one value.", "同一编号的所有投票都给同一个值。")),
    Property("votes_safe", "always", Text(
        "A vote is cast only when no lower number can choose another value any more.",
        "只有当更低的编号再也不可能选定其他值时才投票。")),
    Property("shows_safe", "always", Text(
        "Every proposal stands on a majority's promises that show its value to be safe.",
        "每个提案都有多数派的承诺证明其值是安全的。")),
    Property("slot_agreement", "always", Text(
        "No two processes know different values of a slot.", "任何两个进程对同一槽位的认知都相同。")),
    Property("no_lost_ack", "always", Text(
        "Every acknowledged operation is in the leader's applied state.",
        "每个已确认的操作都在领导者已应用的状态中。")),
    Property("chosen_on_majority", "always", Text(
        "What a process takes for chosen was accepted by a majority.", "进程当作已被选定的值都已被多数派接受。")),
    Property("promises_covered", "always", Text(
        "Whoever promised a number stays bound by it.", "承诺过某编号的接受者始终受其约束。")),
    Property("duel", "sometimes", Text("Two proposers outbid each other.", "两个提议者不断抬高编号。")),
    Property("work_goes_on", "eventually", Text(
        "When a majority is up and connected and one proposer is heard, values are chosen again.",
        "当多数派在线且互通、只有一个提议者活跃时，又能选定值。")),
)  # fmt: skip

DESCRIPTOR = Descriptor(
    name="paxos",
    title=Text("Paxos", "Paxos 算法"),
    paper="Lamport, Paxos Made Simple, 2001 (PMS); Chandra, Griesemer, Redstone, Paxos Made Live, 2007 (leases)",
    roles=ROLES,
    fields=FIELDS,
    messages=MESSAGES,
    notes={**PHASE_NOTES, **PROPOSER_NOTES, **CHECK_NOTES, **no_lost_ack.NOTES},
    parameters=PARAMETERS,
    twins=TWINS,
    properties=PROPERTIES,
    default_checks=(
        "one_value_chosen", "one_vote", "one_value_per_ballot", "votes_safe", "shows_safe", "slot_agreement",
        "no_lost_ack",
    ),
    instructions=(CAMPAIGN,),
    epoch_word=Text("ballot", "提案编号"),
    leaderless={"mode": (SINGLE, BASIC)},
)  # fmt: skip
