"""What servers and checks say, in both languages, with the section of the rule."""

from __future__ import annotations

from simulations.engine.checks import no_lost_ack
from simulations.engine.coordination import CHANGES
from simulations.engine.process import Note

FLE = "ZooKeeper Internals, leader election"
ZAB1, ZAB2, ZAB3 = "Zab (DSN 2011), phase 1", "Zab (DSN 2011), phase 2", "Zab (DSN 2011), phase 3"
RECONFIG = "ZooKeeper dynamic reconfiguration"
ORACLE = "ZooKeeper quorums, Oracle Quorum"
GUIDE = "ZooKeeper Programmer's Guide"
PROPERTIES = "Zab (DSN 2011), section 3"
NOTES = {
    "zookeeper.looking_start": Note(
        FLE, "looks for a leader, and votes for itself", "寻找领导者，先投自己一票"
    ),
    "zookeeper.looking_silent": Note(
        FLE, "the leader has been silent for too long: looks for one", "领导者沉默太久：重新寻找领导者"
    ),
    "zookeeper.looking_no_answer": Note(
        FLE, "the elected leader does not answer: looks again", "当选的领导者没有应答：重新寻找"
    ),
    "zookeeper.looking_old_epoch": Note(
        ZAB1,
        "the leader's epoch is older than one agreed to: looks again",
        "领导者的纪元比已同意的更旧：重新寻找",
    ),
    "zookeeper.looking_newer_follower": Note(
        ZAB1,
        "a follower's history is newer than the leader's: gives up leading",
        "某跟随者的历史比领导者的新：放弃领导",
    ),
    "zookeeper.looking_few_followers": Note(
        "ZooKeeper Internals", "no quorum follows any more: gives up leading", "跟随者不足法定人数：放弃领导"
    ),
    "zookeeper.looking_no_quorum": Note(
        ZAB1, "no quorum came in time: gives up leading", "未能按时聚齐法定人数：放弃领导"
    ),
    "zookeeper.looking_told": Note("", "an operator asked for an election", "运维人员要求重新选举"),
    "zookeeper.looking_no_voter": Note(
        RECONFIG, "is no voter any more: hands over", "不再是投票者：交出领导权"
    ),
    "zookeeper.elected": Note(
        FLE,
        "round {round}: a quorum votes for {leader}, whose last epoch is {epoch}",
        "第 {round} 轮：法定人数的选票投给 {leader}（其最近的纪元为 {epoch}）",
    ),
    "zookeeper.licensed": Note(
        ORACLE,
        "the other server is gone and the oracle says 1: goes on alone",
        "另一台已失联，预言机为 1：独自继续",
    ),
    "zookeeper.new_epoch": Note(
        ZAB1, "a quorum reported: proposes the new epoch {epoch}", "法定人数已报到：提议新纪元 {epoch}"
    ),
    "zookeeper.epoch_accepted": Note(
        ZAB1,
        "agrees to epoch {epoch} of {leader}, and tells its history",
        "同意 {leader} 的纪元 {epoch}，并报告自己的历史",
    ),
    "zookeeper.epoch_refused": Note(
        ZAB1, "refuses epoch {epoch}: has agreed to {mine}", "拒绝纪元 {epoch}：已同意过 {mine}"
    ),
    "zookeeper.history_old": Note(
        ZAB1, "{learner} has a newer history than this leader", "{learner} 的历史比本领导者的新"
    ),
    "zookeeper.diff": Note(
        "ZooKeeper Internals, synchronization",
        "DIFF: takes the {count} {count|transaction|transactions} it lacks",
        "DIFF：补上缺少的 {count} 个事务",
    ),
    "zookeeper.trunc": Note(
        "ZooKeeper Internals, synchronization",
        "TRUNC: throws away {count} {count|transaction|transactions} after {zxid}, which nobody committed",
        "TRUNC：丢弃 {zxid} 之后 {count} 个从未提交的事务",
    ),
    "zookeeper.snap": Note(
        "ZooKeeper Internals, synchronization",
        "SNAP: too far behind, takes the whole state as of {zxid}",
        "SNAP：落后太多，接收截至 {zxid} 的整个状态",
    ),
    "zookeeper.up_to_date": Note(
        ZAB2,
        "a quorum has the history of epoch {epoch}: serves clients",
        "法定人数已持有纪元 {epoch} 的历史：开始服务",
    ),
    "zookeeper.established": Note(
        ZAB2, "leads epoch {epoch}: a quorum has its history", "正式领导纪元 {epoch}：法定人数已持有其历史"
    ),
    "zookeeper.committed": Note(ZAB3, "a quorum holds {zxid}: committed", "法定人数已持有 {zxid}：提交"),
    "zookeeper.quorum_lost": Note(
        "ZooKeeper Internals",
        "heard too few followers of epoch {epoch} for too long",
        "纪元 {epoch} 的跟随者长时间不足",
    ),
    "zookeeper.session_expired": Note(
        GUIDE + ", sessions",
        "nothing was heard of session {session} for its timeout: it ends, its ephemeral nodes go",
        "会话 {session} 超时无音讯：会话过期，其临时节点随之删除",
    ),
    "zookeeper.client_ahead": Note(
        GUIDE + ", consistency guarantees",
        "refuses {client}: it has seen a newer state than this server has",
        "拒绝 {client}：它见过的状态比本服务器的新",
    ),
    "zookeeper.late": Note(
        GUIDE + ", sessions",
        "ignores a request of {client} through {server}: its session has moved on",
        "忽略 {client} 经 {server} 发来的请求：其会话已迁走",
    ),
    "zookeeper.repeated": Note(
        GUIDE + ", sessions",
        "ignores a request of {client} through {server}: it came before, or a later one did",
        "忽略 {client} 经 {server} 发来的请求：它已来过，或更晚的请求先到了",
    ),
    "zookeeper.watch_fired": Note(
        GUIDE + ", watches",
        "tells {client}: {path} {change}",
        "通知 {client}：{path} {change}",
        words=CHANGES,
    ),
    "zookeeper.reconfig_proposed": Note(
        RECONFIG,
        "proposes the voters {voters}: a quorum of the old and of the new ones must agree",
        "提议投票者 {voters}：须经新旧两个法定人数同意",
    ),
    "zookeeper.reconfigured": Note(RECONFIG, "the voters are {voters} now", "投票者现为 {voters}"),
    "zookeeper.reconfig_refused_leader": Note(
        RECONFIG,
        "no reconfiguration here: it needs an established leader, and one change at a time",
        "此处无法重配置：需要已确立的领导者，且一次只能改一项",
    ),
    "zookeeper.reconfig_refused_quorum": Note(
        RECONFIG,
        "no reconfiguration: no quorum of {voters} follows",
        "无法重配置：{voters} 中的跟随者不足法定人数",
    ),
    "zookeeper.held": Note(
        "",
        "nobody leads, but {server}, whose history is the newest that runs, holds every acknowledged operation",
        "没有领导者，但历史最新的 {server} 持有全部已确认的操作",
        "check",
    ),
    "zookeeper.prefixes_differ": Note(
        PROPERTIES,
        "{process} delivered something else at {zxid} than another server at the same place",
        "{process} 在 {zxid} 处交付的事务与其他服务器同一位置的不同",
        "check",
    ),
    "zookeeper.split_brain": Note(
        PROPERTIES,
        "split brain: {process} committed {zxid} where another leader committed something else",
        "脑裂：{process} 提交了 {zxid}，另一领导者在同一位置提交了别的事务",
        "check",
    ),
    "zookeeper.leader_incomplete": Note(
        PROPERTIES,
        "{leader} was established in epoch {epoch} without everything that was delivered before",
        "{leader} 在纪元 {epoch} 确立时缺少此前已交付的事务",
        "check",
    ),
    "zookeeper.not_broadcast": Note(
        PROPERTIES,
        "{process} delivered {zxid}, which its primary never broadcast so",
        "{process} 交付的 {zxid} 并非其主节点所广播",
        "check",
    ),
    "zookeeper.order_broken": Note(
        PROPERTIES, "{process} delivered {zxid} out of order", "{process} 未按顺序交付 {zxid}", "check"
    ),
    "zookeeper.trees_differ": Note(
        PROPERTIES,
        "{process} holds another tree than its peers at {zxid}",
        "{process} 在 {zxid} 处的树与同伴不同",
        "check",
    ),
    "zookeeper.not_durable": Note(
        "Zab TLA+, CommittedLogDurability",
        "{process} delivered {zxid}, which only {copies} of {servers} {servers|voter|voters} {copies|has|have} on disk",
        "{process} 交付了 {zxid}，而 {servers} 个投票者中只有 {copies} 个已将其落盘",
        "check",
    ),
    "zookeeper.committed_undone": Note(
        "Zab TLA+, CommittedLogMonotonicity",
        "{process} took back what it had delivered up to position {position}",
        "{process} 撤回了截至位置 {position} 已交付的事务",
        "check",
    ),
    "zookeeper.illegal_message": Note(
        "Zab TLA+, ShouldNotBeTriggered",
        "a message about {zxid} that the protocol never sends",
        "出现了协议不可能发送的关于 {zxid} 的消息",
        "check",
    ),
    "zookeeper.two_leaders": Note(
        PROPERTIES,
        "epoch {epoch} has two leaders: {first} and {second}",
        "纪元 {epoch} 有两个领导者：{first} 与 {second}",
        "check",
    ),
    "zookeeper.write_twice": Note(
        "ZooKeeper Internals, consistency",
        "write {operation} took effect twice",
        "写操作 {operation} 生效了两次",
        "check",
    ),
    "zookeeper.write_out_of_order": Note(
        "ZooKeeper Internals, consistency",
        "write {operation} took effect before one that had ended when it began",
        "写操作 {operation} 的生效早于一个在它开始前就已结束的写操作",
        "check",
    ),
    "zookeeper.client_out_of_order": Note(
        "Hunt et al. 2010, section 2.3",
        "write {operation} took effect after a later one of its client",
        "写操作 {operation} 的生效晚于同一客户端后来的写操作",
        "check",
    ),
    "zookeeper.lock_shared": Note(
        "ZooKeeper recipes, locks",
        "{second} got {key} while {first} held it",
        "{first} 持有 {key} 时 {second} 也得到了它",
        "check",
    ),
    "zookeeper.lock_out_of_order": Note(
        "ZooKeeper recipes, locks", "{client} got {key} out of turn", "{client} 插队得到了 {key}", "check"
    ),
    **no_lost_ack.NOTES,
}
