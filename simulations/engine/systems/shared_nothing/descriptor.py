"""Shared nothing as data: what the page, the validator and the checks need to know."""

from __future__ import annotations

from simulations.engine.checks import lineage
from simulations.engine.instructions import BACKUP, PROMOTE, RESTORE
from simulations.engine.process import Descriptor, MessageSpec, Note, Property, Role, Text, Twin, ViewField
from simulations.engine.systems.shared_nothing.parameters import DESCRIBED

SOFT = "Fox et al. 1997, soft state"
NOTES = {
    "shared_nothing.registered": Note(
        SOFT, "hears from {server}, which serves shards {shards}", "收到 {server} 的心跳，它负责分片 {shards}"
    ),
    "shared_nothing.forgotten": Note(
        SOFT, "has not heard from {server} in time: forgets it", "{server} 未按时刷新：将其遗忘"
    ),
    "shared_nothing.silent": Note(
        SOFT,
        "{server} did not answer in time: asks it nothing until it is heard again",
        "{server} 未按时应答：再次收到其消息之前不再询问",
    ),
    "shared_nothing.unavailable": Note(
        "Pritchett 2008, partial failure",
        "nobody serves shard {shard}: {key} cannot be answered properly, other shards are not concerned",
        "分片 {shard} 无人负责：{key} 无法正常应答，其他分片不受影响",
    ),
    "shared_nothing.serving": Note("Stonebraker 1986", "serves shard {shard}", "开始负责分片 {shard}"),
    "shared_nothing.standby": Note("", "holds all of shard {shard} and stands by", "持有分片 {shard} 的全部数据，待命"),
    "shared_nothing.looking": Note(
        "", "has just started: asks who knows more of shard {shard}", "刚启动：询问谁更了解分片 {shard}"
    ),
    "shared_nothing.catching_up": Note("", "copies shard {shard} from who serves it", "从负责者复制分片 {shard}"),
    "shared_nothing.empty": Note(
        "", "has an empty disk, but shard {shard} has a backup: an operator has to restore it",
        "磁盘为空，但分片 {shard} 有备份：需要运维人员手动恢复",
    ),
    "shared_nothing.restoring": Note("", "restores shard {shard} from the backup", "正在从备份恢复分片 {shard}"),
    "shared_nothing.restored": Note(
        "", "shard {shard} is restored: {keys} {keys|key|keys} from {source}; what was written later is gone",
        "分片 {shard} 已恢复：来自 {source} 的 {keys} 个键；之后写入的数据已丢失",
    ),
    "shared_nothing.backs_up": Note(
        "", "backs up {count} {count|key|keys} of shard {shard}", "备份分片 {shard} 的 {count} 个键"),
    "shared_nothing.saved": Note(
        "", "keeps {count} {count|key|keys} of shard {shard}", "保存分片 {shard} 的 {count} 个键"),
    "shared_nothing.tail_missing": Note(
        "", "{process} was restored without {keys} {keys|key|keys} of its backup; the first is {first}",
        "{process} 恢复后缺少备份中的 {keys} 个键，首个是 {first}", "check",
    ),
    "shared_nothing.served_twice": Note(
        "", "shard {shard} is served by {first} and by {second}", "分片 {shard} 同时由 {first} 和 {second} 负责",
        "check",
    ),
    **lineage.NOTES,
}  # fmt: skip

DESCRIPTOR = Descriptor(
    name="shared_nothing",
    title=Text("Shared nothing", "无共享架构"),
    paper=(
        "Stonebraker, The case for shared nothing, 1986; Fox et al., Cluster-based scalable network services, 1997; "
        "Pritchett, BASE: an ACID alternative, 2008"
    ),
    roles=(
        Role("serving", "plain", Text("serves its shard", "正在负责分片"), short=Text("serving", "服务中")),
        Role("standby", "dotted_ring", Text("stands by with a copy", "持有副本，待命"), short=Text("standby", "待命")),
        Role("catching_up", "dashed_ring", Text("looks for its data", "正在找回数据"),
             short=Text("catching up", "找回数据")),
        Role("empty", "diamond", Text("empty: waits for an operator", "磁盘为空，等待运维人员"),
             short=Text("empty", "磁盘为空")),
        Role("restoring", "dashed_ring", Text("restores a backup", "正在恢复备份"), short=Text("restoring", "恢复中")),
        Role("directory", "double_ring", Text("directory", "目录"), crown=True),
        Role("vault", "square", Text("backup store", "备份存储")),
    ),
    fields=(
        ViewField(
            "writes",
            "log",
            "persistent",
            Text("writes, or backups", "写入日志，或备份"),
            alone=True,
            counted=True,
        ),
        ViewField("role", "role", "volatile", Text("role", "角色")),
        ViewField("status", "text", "volatile", Text("its shards", "所持分片")),
        ViewField("values", "text", "volatile", Text("keys and values", "键与值")),
        ViewField("served", "text", "volatile", Text("who serves what (soft state)", "谁负责什么（软状态）")),
        ViewField("silent", "set", "volatile", Text("servers that do not answer", "无应答的服务器"), "does_not_answer"),
        ViewField("waiting", "queue", "volatile", Text("writes that wait for copies", "等待副本的写入"),
                  "waiting_writes"),
        ViewField("restored", "counter", "volatile", Text("keys restored", "已恢复的键")),
        ViewField("refresh", "timer", "volatile", Text("next word to the others", "下次上报")),
        ViewField("expire", "timer", "volatile", Text("who is silent is forgotten", "遗忘无消息者")),
        ViewField("backup", "timer", "volatile", Text("next backup", "下次备份")),
    ),
    messages=(
        MessageSpec("Register", "oneway", Text("I run", "我在运行"), ("life", "number", "serves", "stands")),
        MessageSpec("Ask", "request", Text("passed on", "转交请求"), ("request",)),
        MessageSpec("Answer", "reply", Text("answer", "应答"), ("operation", "outcome", "result")),
        MessageSpec("Copy", "request", Text("keep this too", "也请保存"), ("shard", "entry")),
        MessageSpec("Copied", "reply", Text("kept", "已保存"), ("shard", "version")),
        MessageSpec("Look", "request", Text("what do you hold?", "你有什么？"), ("shard", "version")),
        MessageSpec("Holds", "reply", Text("I hold", "我持有"), ("shard", "version", "serves"), "serves"),
        MessageSpec("Fetch", "request", Text("send me", "请发送"), ("shard", "place", "to_us")),
        MessageSpec("Part", "reply", Text("a part", "一部分数据"), ("shard", "place", "entries", "last")),
        MessageSpec("Backup", "request", Text("back this up", "请备份"), ("shard", "number", "entries")),
        MessageSpec("BackedUp", "reply", Text("backed up", "已备份"), ("shard", "number")),
    ),
    notes=NOTES,
    parameters=DESCRIBED,
    twins=(
        Twin("skips_tail", Text("A restore that skips the tail", "恢复时漏掉尾部"), "is_complete",
             ("backup_restored",)),
        Twin("waits_for_no_copy", Text("Copies are not waited for", "不等待副本"), "copies_to_wait_for",
             ("no_lost_ack",)),
        Twin("serves_empty_disk", Text("An empty disk is served", "空磁盘也照常服务"), "decide", ("no_lost_ack",)),
    ),
    properties=(
        Property("no_lost_ack", "always", Text(
            "Every acknowledged write is where its key is served. A lost disk without copies breaks this.",
            "每次已确认的写入都在负责该键的服务器上。没有副本时丢失磁盘会破坏这一点。")),
        Property("backup_restored", "always", Text(
            "After a restore every key of the backup is there.", "恢复之后备份中的每个键都在。")),
        Property("one_server_per_shard", "eventually", Text(
            "One server at a time serves a shard.", "一个分片同一时刻只由一台服务器负责。")),
    ),
    default_checks=("no_lost_ack", "backup_restored"),
    instructions=(BACKUP, RESTORE, PROMOTE),
)  # fmt: skip
