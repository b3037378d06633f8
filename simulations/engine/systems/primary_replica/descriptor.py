"""Primary-replica as data: what the page draws, the validator checks and the notes say."""

from __future__ import annotations

from simulations.engine.checks import convergence, guarantees
from simulations.engine.checks.no_lost_ack import NOTES as LOST_NOTES
from simulations.engine.failover import FENCE_SPECS, SPECS
from simulations.engine.instructions import PROMOTE
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
from simulations.engine.systems.primary_replica.parameters import FAILBACKS, FENCINGS, MODES, READS

ROLES = (
    Role("primary", "double_ring", Text("primary", "主节点"), crown=True),
    Role("replica", "plain", Text("replica", "副本")),
    Role(
        "returning",
        "dashed_ring",
        Text("was primary, asks around", "旧主节点，正在询问"),
        short=Text("returning", "旧主询问中"),
    ),
    Role(
        "diverged",
        "dotted_ring",
        Text("diverged: replication stopped", "已分叉：复制停止"),
        short=Text("diverged", "已分叉"),
    ),
    Role("off", "dotted_ring", Text("switched off", "已被断电")),
    Role("shared_disk", "square", Text("shared disk", "共用磁盘")),
    Role("fence", "diamond", Text("fence device", "隔离设备")),
)

FIELDS = (
    ViewField("epoch", "epoch", "persistent", Text("epoch", "纪元")),
    ViewField("log", "log", "persistent", Text("log", "日志")),
    ViewField("role", "role", "volatile", Text("role", "角色")),
    ViewField("source", "text", "volatile", Text("replicates from", "复制来源")),
    ViewField("linked", "lease", "volatile", Text("hears its primary", "能收到主节点的消息")),
    ViewField("state_hash", "hash", "volatile", Text("data", "数据")),
    ViewField("promoted_by", "text", "volatile", Text("made primary by", "由谁升为主节点")),
    ViewField("failbacks_refused", "counter", "volatile", Text("failbacks refused", "被拒绝的回切")),
    ViewField("accepted", "counter", "leader", Text("writes acknowledged", "已确认的写入")),
    ViewField("acked", "text", "leader", Text("replicas have", "各副本的位点")),
    ViewField("waiting", "queue", "leader", Text("writes that wait for replicas", "等待副本的写入")),
    ViewField("degraded", "text", "leader", Text("fell back to asynchronous", "已退化为异步")),
    ViewField("fenced", "text", "leader", Text("switched off", "已断电的对端")),
)

MESSAGES = (
    MessageSpec(
        "Entries", "request", Text("log entries", "日志条目"), ("epoch", "prev", "prev_hash", "entries")
    ),
    MessageSpec("Received", "reply", Text("received", "已收到"), ("epoch", "position")),
    MessageSpec("Refused", "reply", Text("does not fit", "不匹配"), ("epoch", "prev", "last")),
    MessageSpec("Beat", "oneway", Text("heartbeat of the pair", "双机心跳"), ("epoch", "active"), "active"),
    MessageSpec("ReadDisk", "request", Text("read the disk", "读磁盘"), ("epoch",)),
    MessageSpec("DiskContent", "reply", Text("disk content", "磁盘内容"), ("epoch", "pairs")),
    MessageSpec("WriteDisk", "request", Text("write to the disk", "写磁盘"), ("number", "entry")),
    MessageSpec("Written", "reply", Text("written", "已写入"), ("number", "done"), "done"),
    *SPECS,
    *FENCE_SPECS,
)

SEMI = "MySQL manual, semisynchronous replication"
REDIS = "Redis replication documentation"
SENTINEL = "Redis Sentinel documentation"
GITHUB_2012 = "GitHub, Downtime last Saturday, 2012"
GITHUB_2018 = "GitHub, October 21 post-incident analysis, 2018"

NOTES = {
    "primary_replica.leads": Note(
        SENTINEL, "is the primary of epoch {epoch} from position {position} on, by order of {by}",
        "按 {by} 的指令成为纪元 {epoch} 的主节点，起点为位点 {position}",
        words={"operator": Text("an operator", "操作员"), "itself": Text("itself", "自己")}),
    "primary_replica.steps_down": Note(
        SENTINEL, "epoch {epoch} outranks its own ({mine}): it leads no longer",
        "纪元 {epoch} 高于自己的 {mine}：不再担任主节点"),
    "primary_replica.ignores_epoch": Note(
        "", "hears of epoch {epoch}, above its own ({mine}), and goes on: there is no fencing",
        "得知更高的纪元 {epoch}（自己是 {mine}），但没有隔离，照旧写入", "warning"),
    "primary_replica.too_few_replicas": Note(
        REDIS, "refuses the write: fewer than {needed} {needed|replica|replicas} confirmed anything lately",
        "拒绝写入：近期有确认的副本少于 {needed} 个"),
    "primary_replica.falls_back": Note(
        SEMI, "no replica answered in time: {waiting} {waiting|write is|writes are} acknowledged without one, "
        "and so are the next",
        "副本未及时应答：{waiting} 次写入未等副本就得到确认，此后的写入也一样", "warning"),
    "primary_replica.semi_sync_again": Note(
        SEMI, "{replicas} {replicas|replica has|replicas have} caught up: writes wait for them again",
        "{replicas} 个副本已追上：恢复半同步"),
    "primary_replica.refuses_old_primary": Note(
        SENTINEL, "refuses {primary}: its epoch {epoch} is below {mine}",
        "拒绝 {primary}：其纪元 {epoch} 低于 {mine}"),
    "primary_replica.same_epoch": Note(
        "Redis Cluster specification, configuration epoch conflicts",
        "{primary} leads in epoch {epoch} as well: the smaller name takes the next epoch",
        "{primary} 也在纪元 {epoch} 担任主节点：名字较小者进入下一纪元"),
    "primary_replica.follows": Note(
        SENTINEL, "replicates from {primary}, epoch {epoch}", "改从 {primary} 复制，纪元 {epoch}"),
    "primary_replica.diverged": Note(
        GITHUB_2018, "holds {writes} {writes|write|writes} from position {position} on "
        "that the primary lacks: stops replicating",
        "自位点 {position} 起有 {writes} 次主节点没有的写入：停止复制", "warning"),
    "primary_replica.discards": Note(
        SENTINEL, "throws away {writes} {writes|write|writes} from position {position} on that the primary lacks",
        "丢弃自位点 {position} 起主节点没有的 {writes} 次写入", "warning"),
    "primary_replica.failback_refused": Note(
        GITHUB_2018, "refuses to lead: its log, up to {position}, and the primary's have parted",
        "拒绝担任主节点：其日志（至位点 {position}）与主节点已分叉"),
    "primary_replica.primary_silent": Note("", "hears nothing from {primary}", "收不到 {primary} 的消息"),
    "primary_replica.waits_for_position": Note(
        "MySQL manual, WAIT_FOR_EXECUTED_GTID_SET", "the read waits for position {position}; this replica is at {mine}",
        "读操作等待位点 {position}，本副本在 {mine}"),
    "primary_replica.comes_back": Note(
        "", "was the primary of epoch {epoch}: asks the others before it leads again",
        "曾是纪元 {epoch} 的主节点：重新担任前先询问其他节点"),
    "primary_replica.may_not_return": Note(
        "", "may not lead again: {peer} is at epoch {epoch}, position {position}",
        "不得重新担任主节点：{peer} 已在纪元 {epoch}、位点 {position}"),
    "primary_replica.partner_silent": Note("", "hears nothing from {partner}", "收不到 {partner} 的消息"),
    "primary_replica.stands_by": Note("", "stands by: {active} is active in epoch {epoch}",
                                      "待命：{active} 在纪元 {epoch} 中工作"),
    "primary_replica.takes_over": Note("", "takes over the disk in epoch {epoch}", "在纪元 {epoch} 接管磁盘"),
    "primary_replica.shoots": Note(GITHUB_2012, "asks for {partner} to be switched off", "请求切断 {partner} 的电源"),
    "primary_replica.presumes_fenced": Note(
        GITHUB_2012, "nobody confirms that {partner} is off; it goes on all the same",
        "无人确认 {partner} 已断电，它照样继续", "warning"),
    "primary_replica.fenced": Note(GITHUB_2012, "{partner} is off, confirmed", "已确认 {partner} 断电"),
    "primary_replica.is_shot": Note(GITHUB_2012, "is switched off by order of {by}", "按 {by} 的指令被断电"),
    "primary_replica.cuts_power": Note(
        GITHUB_2012, "cuts the power of {target}, as {orderer} asked", "按 {orderer} 的请求切断 {target} 的电源"),
    "primary_replica.disk_refuses": Note(
        "", "the disk serves a higher epoch than {epoch}: it stands by", "磁盘已为高于 {epoch} 的纪元服务：转为待命"),
    "primary_replica.split_brain": Note(
        "", "{process} acknowledged a write in epoch {epoch} although another had done so in epoch {highest}",
        "{process} 在纪元 {epoch} 确认了写入，而另一节点已在纪元 {highest} 确认过写入", "check"),
    "primary_replica.two_histories": Note(
        "", "{process} holds another log than others up to position {position} of epoch {epoch}",
        "{process} 在纪元 {epoch} 位点 {position} 之前的日志与其他节点不同", "check"),
    **LOST_NOTES, **convergence.NOTES, **guarantees.NOTES,
}  # fmt: skip


def time(name: str, default: float, title: Text, help: Text, low: float = 1) -> Parameter:
    return Parameter(name, "float", default, title, help, "ms", low, 600_000)


PARAMETERS = (
    Parameter("mode", "choice", "async", Text("replication", "复制方式"),
              Text("async: answer at once; semi_sync: when some replicas have the write, or after a timeout; "
                   "sync: when all have it; shared_disk: two nodes on one disk.",
                   "async：立即应答；semi_sync：部分副本写入后或超时后应答；sync：全部副本写入后应答；"
                   "shared_disk：双机共用一块磁盘。"), choices=MODES),
    time("replication_lag_ms", 0, Text("replication lag", "复制延迟"),
         Text("How long a write stays at the primary before it is shipped.", "写入在主节点停留多久才发送。"), 0),
    time("semi_sync_timeout_ms", 1000, Text("semi-synchronous timeout", "半同步超时"),
         Text("After this long without a replica, writes are acknowledged without one.",
              "超过此时间没有副本应答，就不再等待副本。")),
    Parameter("semi_sync_acks", "int", 1, Text("replicas to wait for", "需等待的副本数"),
              Text("How many replicas must have a write, semi-synchronously.", "半同步时需要多少副本写入。"),
              "", 1, 100),
    Parameter("min_replicas_to_write", "int", 0, Text("replicas needed to write", "写入所需的最少副本数"),
              Text("With fewer replicas near, the primary refuses writes.", "跟得上的副本少于此数时，主节点拒绝写入。"),
              "", 0, 100),
    Parameter("min_replicas_max_lag_s", "float", 10, Text("near means", "“跟得上”的含义"),
              Text("A replica is near when it confirmed something within this time.",
                   "在此时间内有过确认的副本算跟得上。"),
              "s", 0.001, 600),
    Parameter("window", "int", 64, Text("window", "发送窗口"),
              Text("How many unconfirmed entries may be on their way to one replica.",
                   "发往一个副本的未确认条目上限。"),
              "", 1, 100_000),
    Parameter("heartbeat_ms", "float", 200, Text("heartbeat", "心跳间隔"),
              Text("How often a primary tells its replicas that it is there.", "主节点发送心跳的间隔。"),
              "ms", 1, 60_000),
    time("detect_ms", 1000, Text("silence that counts", "判定失联的时长"),
         Text("After this long without a word a replica holds its primary, or a node its partner, for lost.",
              "超过此时间没有消息，副本认为与主节点失联，双机之一认为对端失联。")),
    Parameter("reads", "choice", "primary", Text("reads", "读取位置"),
              Text("Where reads are answered that do not say: only at the primary, or at replicas too, however old.",
                   "未指明位置的读取在哪里应答：仅主节点，或副本也可（可能读到陈旧值）。"), choices=READS),
    Parameter("fencing", "choice", "epoch", Text("fencing", "隔离方式"),
              Text("none; epoch: a higher epoch ends a lower one; same_network, separate_network: the other node is "
                   "switched off first - over the network that may have failed, or over one of its own.",
                   "none：无；epoch：高纪元终止低纪元；same_network、separate_network：先切断对端电源，"
                   "分别走可能已故障的同一网络或独立网络。"), choices=FENCINGS),
    Parameter("fence_delay_ms", "map", {}, Text("fencing delay", "隔离等待"),
              Text("Node -> how long it waits before it shoots, so that one shoots first.",
                   "节点 → 开枪前的等待时间，使一方先开枪。"), "ms", 0, 600_000),
    time("fence_timeout_ms", 500, Text("fencing timeout", "隔离超时"),
         Text("How long the fence device's confirmation is waited for.", "等待隔离设备确认的时长。")),
    Parameter("automatic_failback", "choice", "discard", Text("an old primary's extra writes", "旧主节点多出的写入"),
              Text("discard: it throws them away and follows; refuse_if_diverged: it keeps them, stops replicating and "
                   "refuses to lead until people decide.",
                   "discard：丢弃并跟随新的主节点；refuse_if_diverged：保留、停止复制并拒绝担任主节点，等待人工处理。"),
              choices=FAILBACKS),
)  # fmt: skip

DESCRIPTOR = Descriptor(
    name="primary_replica",
    title=Text("Primary-replica (master-slave)", "主从复制"),
    paper=(
        "MySQL manual, replication and semisynchronous replication; Redis replication and Sentinel documentation; "
        "Kleppmann, Designing Data-Intensive Applications, chapter 5; GitHub incident reports of 2012 and 2018"
    ),
    roles=ROLES,
    fields=FIELDS,
    messages=MESSAGES,
    notes=NOTES,
    parameters=PARAMETERS,
    twins=(
        Twin("ignore_epochs", Text("Leads on after a higher epoch", "得知更高纪元仍继续"), "outranked",
             ("no_split_brain",)),
        Twin("answer_before_replicas", Text("Semi-synchronous in name only", "名不副实的半同步"), "copies_needed",
             ("no_lost_ack",)),
        Twin("keep_tails", Text("Keeps what the new primary never had", "保留新主节点没有的写入"), "is_there",
             ("one_history_per_epoch",)),
        Twin("go_on_unconfirmed", Text("Takes over before the other is off", "对端未断电就接管"), "on_fence_timeout",
             ("no_split_brain",)),
    ),
    properties=(
        Property("no_split_brain", "always", Text(
            "Only the primary of the highest epoch acknowledges writes.", "只有最高纪元的主节点确认写入。")),
        Property("no_lost_ack", "always", Text(
            "Every acknowledged write is held by the primary.", "每次已确认的写入都在主节点上。")),
        Property("one_history_per_epoch", "always", Text(
            "Within an epoch all logs agree.", "同一纪元内所有日志一致。")),
    ),
    default_checks=("no_lost_ack", "no_split_brain", "one_history_per_epoch"),
    instructions=(PROMOTE,),
)  # fmt: skip
