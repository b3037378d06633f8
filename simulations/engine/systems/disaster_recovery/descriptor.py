"""What the page shows of disaster recovery: roles, fields, messages, notes, parameters."""

from __future__ import annotations

from msgspec.structs import replace

from simulations.engine.checks import no_lost_ack
from simulations.engine.instructions import BACKUP, NODE, PROMOTE, RESTORE
from simulations.engine.process import (
    Asked,
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
from simulations.engine.systems.disaster_recovery.parameters import FAILBACKS, TIERS
from simulations.engine.systems.disaster_recovery.properties import NOTES as CHECK_NOTES

AWS = "AWS, Disaster Recovery of Workloads on AWS"
GITLAB = "GitLab, postmortem of January 31, 2017"

ROLES = (
    Role("primary", "double_ring", Text("primary", "主站点"), crown=True),
    Role("active", "double_ring", Text("active", "活跃站点"), crown=True),
    Role("follower", "plain", Text("follower", "跟随者")),
    Role("standby", "dashed_ring", Text("standby", "备用站点")),
    Role("delayed", "dotted_ring", Text("delayed copy", "延迟副本")),
    Role("starting", "dashed_ring", Text("starting machines", "启动机器"), short=Text("starting", "启动中")),
    Role("restoring", "dashed_ring", Text("restoring", "恢复数据")),
    Role("validating", "dashed_ring", Text("validating", "校验中")),
    Role("handing_over", "dotted_ring", Text("handing over", "移交中")),
    Role("empty", "dotted_ring", Text("disk lost", "磁盘已丢失")),
    Role("vault", "square", Text("backup store", "备份库")),
)

FIELDS = (
    ViewField("role", "role", "volatile", Text("role", "角色")),
    ViewField("epoch", "epoch", "persistent", Text("epoch", "纪元")),
    ViewField("entries", "index", "persistent", Text("writes held", "持有的写入数"), "log.last"),
    ViewField("deletions", "counter", "volatile", Text("mass deletions seen", "遇到的整库删除")),
    ViewField("primary", "text", "volatile", Text("follows", "跟随")),
    ViewField("capacity", "counter", "volatile", Text("share of the machine that runs", "所运行机器的比例")),
    ViewField("conflicts", "counter", "volatile", Text("conflicting writes seen", "遇到的写冲突")),
    ViewField("took_over", "text", "volatile", Text("how it came to lead", "如何接管")),
    ViewField("claimed", "counter", "leader", Text("writes reported backed up", "报告已备份的写入数")),
    ViewField("restores", "counter", "volatile", Text("restores done", "完成的恢复次数")),
)

MESSAGES = (
    MessageSpec("Ship", "oneway", Text("writes, or a sign of life", "写入或心跳"),
                ("epoch", "origin", "first", "entries", "base", "leads")),
    MessageSpec("Ack", "reply", Text("held so far", "已持有"), ("epoch", "heads")),
    MessageSpec("HandOver", "oneway", Text("lead from now on", "由你接管"), ("epoch", "heads")),
    MessageSpec("Salvage", "oneway", Text("salvaged writes", "抢救出的写入"), ("epoch", "entries")),
    MessageSpec("Salvaged", "reply", Text("taken in", "已收下"), ("epoch",)),
    MessageSpec("BackupPart", "request", Text("part of a backup", "备份的一部分"),
                ("epoch", "number", "part", "parts", "entries", "heads")),
    MessageSpec("BackupDone", "reply", Text("backup kept?", "备份结果"), ("number", "good", "heads"), "good"),
    MessageSpec("RestoreRequest", "request", Text("send the backup", "请求恢复"),
                ("to_us", "rate_mb_s", "part", "last")),
    MessageSpec("RestorePart", "reply", Text("part of the restore", "恢复的一部分"),
                ("epoch", "to_us", "last", "part", "parts", "entries")),
)  # fmt: skip

NOTES = {
    "disaster_recovery.leads": Note(
        AWS, "accepts writes in epoch {epoch} ({cause}); it holds {entries} {entries|write|writes}",
        "在纪元 {epoch} 开始接受写入（{cause}），持有 {entries} 次写入"),
    "disaster_recovery.follows": Note(
        AWS, "hears of the later epoch {epoch} and follows it", "得知更晚的纪元 {epoch}，开始跟随"),
    "disaster_recovery.fenced": Note(
        AWS, "is fenced: epoch {epoch} leads elsewhere, so it accepts no more writes",
        "被隔离：纪元 {epoch} 已在别处接管，不再接受写入"),
    "disaster_recovery.dropped": Note(
        AWS, "drops {entries} {entries|write|writes} that never reached the site that leads now",
        "丢弃 {entries} 次从未到达现任主站点的写入"),
    "disaster_recovery.salvages": Note(
        AWS, "takes in {entries} {entries|write|writes} that only {by} had; "
        "{late} of them {late|was|were} overwritten meanwhile",
        "收回只有 {by} 持有的 {entries} 次写入，其中 {late} 次已被后来的写入取代"),
    "disaster_recovery.disaster": Note(
        AWS, "no sign of life from {lost}: this is a disaster; recovers by the tier {tier}",
        "{lost} 毫无音讯：判定为灾难，按 {tier} 方案恢复"),
    "disaster_recovery.false_alarm": Note(
        AWS, "{by} speaks again: the takeover is called off", "{by} 又有了音讯：取消接管"),
    "disaster_recovery.failback": Note(
        AWS, "home has been back long enough: stops accepting writes so that {to} can catch up and lead",
        "原地域已恢复足够久：停止接受写入，让 {to} 追平后接管"),
    "disaster_recovery.provisions": Note(
        AWS, "brings up machines, {seconds} s", "准备机器，需 {seconds} 秒"),
    "disaster_recovery.sends": Note(
        AWS, "sends {mb} MB to {to} at {rate} MB/s", "以 {rate} MB/s 向 {to} 发送 {mb} MB"),
    "disaster_recovery.validates": Note(
        AWS, "all parts are here; somebody looks whether the data is right, {seconds} s",
        "数据已到齐，校验需 {seconds} 秒"),
    "disaster_recovery.restored": Note(
        AWS, "{entries} {entries|write is|writes are} back", "恢复了 {entries} 次写入"),
    "disaster_recovery.no_store": Note(
        GITLAB, "cannot restore: there is no backup store", "无法恢复：没有备份库", "warning"),
    "disaster_recovery.backs_up": Note(
        GITLAB, "backup {number} begins with {entries} new {entries|write|writes}",
        "开始第 {number} 次备份，新增 {entries} 次写入"),
    "disaster_recovery.backed_up": Note(
        GITLAB, "backup {number} is reported kept: {entries} {entries|write|writes} in all",
        "第 {number} 次备份报告成功，累计 {entries} 次写入"),
    "disaster_recovery.backup_bad": Note(
        GITLAB, "backup {number} could not be read back: takes it again",
        "第 {number} 次备份无法读回：重新备份", "warning"),
    "disaster_recovery.verified": Note(
        GITLAB, "read backup {number} back: it is there", "读回第 {number} 次备份：完好"),
    "disaster_recovery.unreadable": Note(
        GITLAB, "backup {number} cannot be read", "第 {number} 次备份无法读取", "warning"),
    "disaster_recovery.disk_lost": Note(
        GITLAB, "starts with an empty disk: serves nobody before it has the data again",
        "启动时磁盘为空：取回数据之前不提供服务", "warning"),
    "disaster_recovery.conflict": Note(
        "Vogels 2009", "{one} and {other} wrote {key} at the same time: the later clock wins, the other write is gone",
        "{one} 与 {other} 同时写入 {key}：时钟较晚者胜出，另一次写入消失", "warning"),
    "disaster_recovery.deleted_all": Note(
        GITLAB, "carries out a deletion of everything that {by} accepted", "执行了由 {by} 接受的整库删除", "warning"),
    "disaster_recovery.skips": Note(
        GITLAB, "has not carried {entries} {entries|write|writes} out yet: skips the mistake among them and leads on",
        "尚有 {entries} 次写入未执行：跳过其中的误操作并接管"),
    "disaster_recovery.not_delayed": Note(
        GITLAB, "is no delayed copy: it has carried the mistake out", "不是延迟副本：误操作已执行", "warning"),
    "disaster_recovery.warned": Note(
        AWS, "is warned of a disaster", "收到灾难预警", "warning"),
    **CHECK_NOTES,
    **no_lost_ack.NOTES,
}  # fmt: skip


def seconds(name: str, default: float, en: str, zh: str, help_en: str, help_zh: str) -> Parameter:
    return Parameter(name, "float", default, Text(en, zh), Text(help_en, help_zh), "s", 0, 100_000)


PARAMETERS = (
    Parameter("tier", "choice", "none", Text("tier", "方案档位"),
              Text("How far the recovery region is prepared.", "恢复地域的准备程度。"), choices=TIERS),
    Parameter("backup_every_s", "float", 60, Text("backup interval", "备份间隔"),
              Text("Time between two backups.", "两次备份之间的时间。"), "s", 1, 100_000),
    Parameter("backup_job", "job", "verified", Text("backup job", "备份任务"),
              Text("verified: read back before it counts; untested: nobody looks; off; or {broken_from_s: t}: silently "
                   "broken from then on.",
                   "verified：读回后才算数；untested：无人检查；off：关闭；或 {broken_from_s: t}：此后悄悄失效。")),
    Parameter("unreadable", "float", 0.3, Text("chance of an unreadable backup", "备份不可读的概率"),
              Text("How often a backup cannot be read; a verified job notices.",
                  "备份无法读取的概率；verified 任务会发现。"),
              "", 0, 1),
    Parameter("point_in_time", "bool", False, Text("point-in-time recovery", "时间点恢复"),
              Text("Every write is archived, so any moment can be restored.", "归档每一次写入，可恢复到任意时刻。")),
    seconds("delayed_replica_s", 0, "delay of the last copy", "延迟副本的延迟",
            "The last server carries writes out so much later; 0: it does not lag.",
                "最后一台服务器延后这么久执行写入；0 表示不延迟。"),
    Parameter("data_mb", "float", 1000, Text("size of the data", "数据量"),
              Text("What a restore has to move.", "恢复时需要搬运的数据量。"), "MB", 0.001, 1e9),
    Parameter("restore_mb_s", "float", 50, Text("restore rate", "恢复速率"),
              Text("How fast a restore moves data.", "恢复时搬运数据的速率。"), "MB/s", 0.001, 1e6),
    Parameter("detect_s", "float", 3, Text("detection", "发现时间"),
              Text("Silence after which a site counts as lost.", "多久没有音讯即判定站点失联。"), "s", 0.1, 100_000),
    seconds("provision_s", 40, "provisioning", "准备机器", "Bringing up machines from nothing.",
        "从零准备机器的时间。"),
    seconds("start_s", 15, "start from a pilot light", "指示灯启动", "Starting the machines that were off.",
        "启动已关闭机器的时间。"),
    seconds("pilot_ship_s", 10, "log shipping to a pilot light", "指示灯的日志传送间隔",
            "How old a write may be before it is shipped there.", "写入最多滞留多久才传送过去。"),
    seconds("scale_up_s", 3, "scale-up of a warm standby", "温备扩容", "Growing a small standby to full size.",
        "把小规模备用站点扩到全量的时间。"),
    seconds("validate_s", 5, "validation", "校验", "Looking whether restored data is right.",
        "检查恢复数据是否正确的时间。"),
    seconds("settle_s", 10, "settling before failback", "回切前观察", "How long home must be back.",
        "原地域须恢复多久才回切。"),
    Parameter("failback", "choice", "automatic", Text("failback", "回切"),
              Text("Whether the work goes home by itself.", "是否自动回切到原地域。"), choices=FAILBACKS),
    Parameter("salvage", "bool", True, Text("salvage", "抢救数据"),
              Text("A site that returns with a readable disk hands in the writes that it alone had.",
                   "磁盘可读的站点恢复后，交出只有它持有的写入。")),
    Parameter("heartbeat_ms", "float", 500, Text("sign of life", "心跳间隔"),
              Text("How often who leads says so.", "主站点报告存活的间隔。"), "ms", 10, 60_000),
    Parameter("pilot_share", "float", 0.1, Text("size of a pilot light", "指示灯规模"),
              Text("Share of the machine that runs before the disaster.", "灾难前所运行机器的比例。"), "", 0, 1),
    Parameter("warm_share", "float", 0.3, Text("size of a warm standby", "温备规模"),
              Text("Share of the machine that runs before the disaster.", "灾难前所运行机器的比例。"), "", 0, 1),
    Parameter("price_per_gb", "float", 0.1, Text("price of storage", "存储单价"),
              Text("Money for one GB and hour of each extra copy.", "每份额外副本每 GB 每小时的价格。"), "", 0, 1e6),
    seconds("rto_objective_s", 60, "RTO objective", "RTO 目标", "How long an outage may last.", "允许中断多久。"),
    seconds("rpo_objective_s", 60, "RPO objective", "RPO 目标", "How much may be lost.", "允许丢失多久的数据。"),
)  # fmt: skip

TWINS = (
    Twin("failback_without_catching_up", Text("Fails back without catching up", "未追平就回切"), "caught_up",
         ("failback_loses_nothing",)),
    Twin("backup_acknowledged_early", Text("Backup acknowledged before it is readable", "备份尚不可读就确认"),
         "when_complete", ("backups_restorable",)),
    Twin("no_fencing", Text("Takes over without an epoch of its own", "接管时不提升纪元"), "next_epoch",
         ("one_primary_per_epoch",)),
)  # fmt: skip

PROPERTIES = (
    Property("no_lost_ack", "sometimes", Text(
        "No acknowledged write is missing: asynchronous tiers lose the last ones.",
        "已确认的写入不丢失：异步方案会丢失最后几次。")),
    Property("one_primary_per_epoch", "always", Text(
        "At most one site accepts writes in an epoch.", "每个纪元至多一个站点接受写入。")),
    Property("failback_loses_nothing", "always", Text(
        "A planned failback loses no write.", "计划内的回切不丢失写入。")),
    Property("backups_restorable", "always", Text(
        "A restore brings back what the backups claimed to hold.", "恢复能读出备份声称保存的全部内容。")),
)  # fmt: skip

INSTRUCTIONS = (
    PROMOTE,
    BACKUP,
    replace(
        RESTORE, asked=(NODE, Asked("to_s", "number", Text("to the state at, s", "恢复到第几秒的状态")))
    ),
    Instruction("failback", "command", Text("Fail back", "回切"),
                Text("The home site takes over again, without losing a write.", "原站点重新接管，不丢失写入。")),
    Instruction("recover_from_delayed", "command", Text("Recover from the delayed replica", "从延迟副本恢复"),
                Text("Before the mistake has reached it.", "趁误操作尚未传到该副本。"), (NODE,)),
)  # fmt: skip

DESCRIPTOR = Descriptor(
    name="disaster_recovery",
    title=Text("Disaster recovery", "灾难恢复"),
    paper="AWS, Disaster Recovery of Workloads on AWS: Recovery in the Cloud, 2021; GitLab, Postmortem of database "
    "outage of January 31, 2017",
    roles=ROLES,
    fields=FIELDS,
    messages=MESSAGES,
    notes=NOTES,
    parameters=PARAMETERS,
    twins=TWINS,
    properties=PROPERTIES,
    default_checks=("no_lost_ack", "one_primary_per_epoch", "failback_loses_nothing", "backups_restorable"),
    instructions=INSTRUCTIONS,
)
