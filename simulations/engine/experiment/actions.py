"""Every action of the fault vocabulary, as data: one table for buttons, scripts, sweeps and the API.

ACTIONS maps an action's name to what it needs and what it says to people (see vocabulary.Action). A fault
line is `{do: <action>, target: ..., <arguments>, <when it fires>}`; the reader, the JSON schema and the
page all walk this table, so an action added here exists everywhere; the kernel must carry it out.
"""

from __future__ import annotations

from simulations.engine.experiment import limits
from simulations.engine.experiment.kinds import Flag, Id, Json, Line, ListOf, Number, Word
from simulations.engine.experiment.spreads import Spread
from simulations.engine.experiment.structs import Text
from simulations.engine.experiment.vocabulary import (
    CAUSES,
    CHANCE,
    LINK,
    MATCHING,
    MILLISECONDS,
    NODES,
    SHAPES,
    TARGET,
    TARGETS,
    Action,
    needed,
    optional,
)


def outage(en: str, zh: str, place_en: str, place_zh: str) -> Action:
    """The loss of a whole place, with its cause, warning time and what stays of the disks."""
    return Action(
        Text(en, zh),
        "place",
        Text(f"Every node of the {place_en} stops and is cut off.", f"{place_zh}内所有节点停止并断网。"),
        "place",
        undo="restore_place",
        arguments={
            "cause": optional(Word(CAUSES), "what happened", "原因"),
            "warning_s": optional(
                Number(0, limits.STOP_S_MAX, "s"), "time between the warning and the loss", "预警时间"
            ),
            "disk": optional(Word(("kept", "lost", "readable")), "what stays of the disks", "磁盘上留下什么"),
        },
    )


NODE_ACTIONS = {
    "kill": Action(
        Text("Kill", "宕机"),
        "node",
        Text("Stops at once; memory and undurable writes are lost.", "立即停止；内存与未落盘的写入丢失。"),
        "node",
        undo="restart",
    ),
    "restart": Action(
        Text("Restart", "重启"),
        "node",
        Text("Starts again from what its disk holds.", "从磁盘内容重新启动。"),
        "node",
        arguments={
            "disk": optional(Word(("kept", "lost", "torn")), "the disk after the crash", "崩溃后的磁盘")
        },
    ),
    "pause": Action(
        Text("Freeze", "冻结"),
        "node",
        Text("Handles nothing until it is resumed; its clock goes on.", "恢复前不处理任何事件；时钟照走。"),
        "node",
        undo="resume",
    ),
    "resume": Action(
        Text("Resume", "恢复运行"), "node", Text("A frozen node goes on.", "被冻结的节点继续运行。"), "node"
    ),
    "slow": Action(
        Text("Slow down", "变慢"),
        "node",
        Text("CPU or disk become slower by a factor.", "CPU 或磁盘按倍数变慢。"),
        "node",
        undo="unslow",
        any_of=("cpu_times", "disk_times", "service_ms"),
        arguments={
            "cpu_times": optional(Number(0.01, 10_000), "CPU time multiplied by", "CPU 时间乘以"),
            "disk_times": optional(Number(0.01, 1_000_000), "disk time multiplied by", "磁盘时间乘以"),
            "service_ms": optional(Spread(), "CPU time of one event", "单个事件的 CPU 时间"),
        },
    ),
    "unslow": Action(
        Text("Normal speed", "恢复速度"),
        "node",
        Text("CPU and disk are as before.", "CPU 与磁盘恢复原速。"),
        "node",
    ),
}

DISK_ACTIONS = {
    "disk_delay": Action(
        Text("Slow disk", "磁盘变慢"),
        "disk",
        Text("A flush takes this long.", "一次刷盘所需的时间。"),
        "node",
        undo="disk_mend",
        arguments={"write_ms": needed(Spread(), "time of one flush", "一次刷盘的时间")},
    ),
    "disk_fail": Action(
        Text("Disk fails", "磁盘故障"),
        "disk",
        Text("Writes fail, hang or find the disk full.", "写入报错、挂起或磁盘已满。"),
        "node",
        undo="disk_mend",
        arguments={"mode": optional(Word(("error", "hang", "full")), "how", "方式")},
    ),
    "disk_lie": Action(
        Text("Lying flush", "虚假落盘"),
        "disk",
        Text("A flush reports success without making anything durable.", "刷盘报告成功，但数据并未落盘。"),
        "node",
        undo="disk_mend",
    ),
    "disk_lose": Action(
        Text("Lose data", "丢失数据"),
        "disk",
        Text(
            "Durable data disappears: named cells, the last entries of logs, or everything.",
            "已落盘的数据消失：指定单元、日志末尾条目或全部。",
        ),
        "node",
        any_of=("cells", "last_entries", "everything"),
        arguments={
            "cells": optional(ListOf(Line(), 50, 1, single=True), "named cells", "指定的单元"),
            "last_entries": optional(
                Number(1, 1_000_000, "entries", whole=True),
                "entries from the end of its logs",
                "日志末尾的条目数",
            ),
            "everything": optional(Flag(), "the whole disk", "整个磁盘"),
        },
    ),
    "disk_corrupt": Action(
        Text("Corrupt data", "数据损坏"),
        "disk",
        Text("Durable data changes silently.", "已落盘的数据被悄悄改变。"),
        "node",
        any_of=("cells", "last_entries"),
        arguments={
            "cells": optional(ListOf(Line(), 50, 1, single=True), "named cells", "指定的单元"),
            "last_entries": optional(
                Number(1, 1_000_000, "entries", whole=True),
                "entries from the end of its logs",
                "日志末尾的条目数",
            ),
        },
    ),
    "disk_mend": Action(
        Text("Mend disk", "修复磁盘"),
        "disk",
        Text("The disk works as in the experiment's storage again.", "磁盘恢复为实验设定的行为。"),
        "node",
    ),
}

CLOCK_ACTIONS = {
    "clock": Action(
        Text("Clock", "时钟"),
        "clock",
        Text(
            "The local clock gets an offset, runs at another rate, or jumps.",
            "本地时钟偏移、走快走慢或跳变。",
        ),
        "node",
        undo="clock_mend",
        any_of=("offset_ms", "rate", "jump_ms"),
        arguments={
            "offset_ms": optional(Number(-1e9, 1e9, "ms"), "difference from true time", "与真实时间的差"),
            "rate": optional(
                Number(0.01, 100), "local seconds per true second", "真实时间每过一秒，本地走多少秒"
            ),
            "jump_ms": optional(Number(-1e9, 1e9, "ms"), "one jump now", "此刻跳变"),
        },
    ),
    "clock_mend": Action(
        Text("Right clock", "校准时钟"),
        "clock",
        Text("Offset 0 and rate 1 from now on.", "此后偏移为 0、速率为 1。"),
        "node",
    ),
}

NETWORK_ACTIONS = {
    "cut": Action(
        Text("Cut", "断开"),
        "network",
        Text("No message passes, one way or both.", "消息不再通过（单向或双向）。"),
        undo="heal",
        arguments={
            **LINK,
            "from": needed(TARGETS, "from here", "起点"),
            "to": needed(TARGETS, "to here", "终点"),
        },
    ),
    "partition": Action(
        Text("Partition", "分区"),
        "network",
        Text("Groups that cannot reach each other, or a named shape.", "互不相通的分组，或指定的形状。"),
        undo="heal",
        one_of=("groups", "shape"),
        arguments={
            "groups": optional(
                ListOf(TARGETS, 20, 2), "the groups; a client goes with its node", "分组；客户端随其所在节点"
            ),
            "shape": optional(Word(tuple(SHAPES)), "a named shape", "指定的形状"),
            "node": optional(TARGET, "whom to isolate, or the bridge", "要隔离的节点或桥节点"),
        },
    ),
    "only_links": Action(
        Text("Only these links", "只留这些链路"),
        "network",
        Text("Every link between nodes that is not named is cut.", "未列出的节点间链路全部断开。"),
        undo="heal",
        arguments={
            "links": needed(
                ListOf(ListOf(Id(), 2, 2), limits.ONLY_LINKS_MAX, 1),
                "pairs that stay connected",
                "保持连通的节点对",
            )
        },
    ),
    "heal": Action(
        Text("Heal", "恢复"),
        "network",
        Text("Cuts and partitions end: all, or those that match.", "结束断开与分区：全部，或符合条件的。"),
        arguments={
            **LINK,
            "links_too": optional(Flag(), "delays, loss and holds end as well", "延迟、丢包与扣住也一并结束"),
        },
    ),
    "delay": Action(
        Text("Delay", "延迟"),
        "network",
        Text(
            "Latency of later departures, replaced or added to.",
            "改变此后所发消息的延迟：替换原值，或在其上增加。",
        ),
        undo="reset_links",
        one_of=("latency_ms", "extra_ms"),
        arguments={
            **LINK,
            "latency_ms": optional(Spread(), "one-way latency", "单向延迟"),
            "extra_ms": optional(Spread(), "added to the latency", "额外延迟"),
        },
    ),
    "jitter": Action(
        Text("Jitter", "抖动"),
        "network",
        Text("Latency varies more.", "延迟波动变大。"),
        undo="reset_links",
        arguments={**LINK, "sd_ms": needed(MILLISECONDS, "standard deviation added", "增加的标准差")},
    ),
    "loss": Action(
        Text("Loss", "丢包"),
        "network",
        Text("Each message is lost with this chance.", "每条消息以此概率丢失。"),
        undo="reset_links",
        arguments={**LINK, "chance": needed(CHANCE, "chance", "概率")},
    ),
    "duplicate": Action(
        Text("Duplicate", "重复"),
        "network",
        Text("Each message arrives twice with this chance.", "每条消息以此概率重复到达。"),
        undo="reset_links",
        arguments={**LINK, "chance": needed(CHANCE, "chance", "概率")},
    ),
    "reorder": Action(
        Text("Reorder", "乱序"),
        "network",
        Text("Each message is overtaken with this chance.", "每条消息以此概率被后面的消息超过。"),
        undo="reset_links",
        arguments={
            **LINK,
            "chance": needed(CHANCE, "chance", "概率"),
            "extra_ms": optional(Spread(), "by how much it is late", "迟到多久"),
        },
    ),
    "bandwidth": Action(
        Text("Bandwidth", "带宽"),
        "network",
        Text("How much a link carries.", "链路的传输能力。"),
        undo="reset_links",
        arguments={**LINK, "bandwidth_mbit": needed(Number(0.001, 1_000_000, "Mbit/s"), "capacity", "容量")},
    ),
    "reset_links": Action(
        Text("Reset links", "复原链路"),
        "network",
        Text(
            "Latency, loss, duplication, order and bandwidth as in the experiment.",
            "延迟、丢包、重复、顺序与带宽恢复为实验设定。",
        ),
        arguments=LINK,
    ),
    "hold": Action(
        Text("Hold", "扣住"),
        "network",
        Text("Messages wait on the link until released.", "消息停在链路上，直到放行。"),
        undo="release",
        arguments=LINK,
    ),
    "release": Action(
        Text("Release", "放行"),
        "network",
        Text("Held messages go on, in order.", "被扣住的消息按序继续。"),
        arguments=LINK,
    ),
}

MESSAGE_ACTIONS = {
    "drop": Action(
        Text("Drop messages", "丢弃消息"),
        "message",
        Text(
            "Messages that match are lost, for for_s or until count.",
            "丢弃符合条件的消息，直到 for_s 期满或达到 count 次。",
        ),
        undo="stop_matching",
        arguments={"match": MATCHING},
    ),
    "duplicate_message": Action(
        Text("Duplicate a message", "复制消息"),
        "message",
        Text("Messages that match arrive twice.", "符合条件的消息到达两次。"),
        undo="stop_matching",
        arguments={
            "match": MATCHING,
            "after_ms": optional(MILLISECONDS, "second copy later by", "第二份晚到多久"),
        },
    ),
    "delay_message": Action(
        Text("Delay a message", "推迟消息"),
        "message",
        Text("Messages that match arrive later.", "符合条件的消息推迟到达。"),
        undo="stop_matching",
        arguments={"match": MATCHING, "extra_ms": needed(Spread(), "how much later", "推迟多久")},
    ),
    "deliver": Action(
        Text("Deliver now", "立即送达"),
        "message",
        Text("Messages in flight that match arrive now.", "符合条件的在途消息立即到达。"),
        arguments={"match": MATCHING},
    ),
    "stop_matching": Action(
        Text("Stop message rules", "停止消息规则"),
        "message",
        Text("Rules about single messages end.", "结束针对单条消息的规则。"),
    ),
}

PLACE_ACTIONS = {
    "zone_outage": outage("Zone outage", "可用区故障", "zone", "可用区"),
    "region_outage": outage("Region outage", "地域故障", "region", "地域"),
    "switch_outage": Action(
        Text("Rack switch fails", "机架交换机故障"),
        "place",
        Text("The nodes of the rack are cut off but go on.", "机架内节点断网但继续运行。"),
        "place",
        undo="restore_place",
    ),
    "restore_place": Action(
        Text("Place restored", "恢复供电与网络"),
        "place",
        Text("Network and nodes of the place return.", "该处的网络与节点恢复。"),
        "place",
    ),
}

LOAD_ACTIONS = {
    "load": Action(
        Text("Load", "负载"),
        "load",
        Text("Clients issue more or fewer operations.", "客户端发出更多或更少的操作。"),
        "client",
        undo="load_normal",
        one_of=("rate", "times"),
        arguments={
            "rate": optional(
                Number(0, limits.RATE_MAX, "/s"), "operations per second and client", "每个客户端每秒的操作数"
            ),
            "times": optional(Number(0, 1_000), "the experiment's rate multiplied by", "原速率乘以"),
        },
    ),
    "load_normal": Action(
        Text("Normal load", "正常负载"),
        "load",
        Text("The experiment's rate again.", "恢复实验设定的速率。"),
        "client",
    ),
}

SYSTEM_ACTIONS = {
    "campaign": Action(
        Text("Stand for election", "发起竞选"),
        "system",
        Text("Starts an election now.", "立即发起选举。"),
        "node",
    ),
    "fire_timer": Action(
        Text("Fire timer", "触发定时器"),
        "system",
        Text("An armed timer fires now.", "已设定的定时器立即触发。"),
        "node",
        arguments={"timer": needed(Line(), "name of the timer", "定时器名")},
    ),
    "set_parameter": Action(
        Text("Set parameter", "设置参数"),
        "system",
        Text("Changes a parameter of the running system.", "改变运行中系统的参数。"),
        "node",
        target_optional=True,
        arguments={"name": needed(Line(), "parameter", "参数"), "value": needed(Json(), "new value", "新值")},
    ),
    "transfer": Action(
        Text("Transfer leadership", "移交领导权"),
        "system",
        Text("The leader hands over to the target.", "领导者把领导权移交给目标。"),
        "node",
    ),
    "configure": Action(
        Text("Change membership", "变更成员"),
        "system",
        Text(
            "Members join, leave or are promoted, by the system's own protocol.",
            "按系统自身的协议加入、移除或提升成员。",
        ),
        "node",
        target_optional=True,
        any_of=("add", "remove", "promote", "members"),
        arguments={
            "add": optional(NODES, "who joins", "加入者"),
            "remove": optional(NODES, "who leaves", "离开者"),
            "promote": optional(NODES, "learners that become voters", "升为投票者的学习者"),
            "members": optional(NODES, "the whole new membership", "完整的新成员名单"),
            "role": optional(
                Line(),
                "role of those who join (voter, learner, observer)",
                "加入者的角色（投票者、学习者、观察者）",
            ),
            "mode": optional(Line(), "direct, joint or single", "方式：直接、联合或逐个"),
        },
    ),
    "promote": Action(
        Text("Promote", "提升"),
        "system",
        Text("An operator makes the target the primary.", "由运维人员将目标提升为主节点。"),
        "node",
    ),
    "backup": Action(Text("Back up", "备份"), "system", Text("A backup is taken now.", "立即备份。"), "node"),
    "restore_backup": Action(
        Text("Restore backup", "从备份恢复"),
        "system",
        Text("An operator restores the target from a backup.", "由运维人员用备份恢复目标。"),
        "node",
        arguments={
            "to_s": optional(
                Number(0, limits.STOP_S_MAX, "s"),
                "the point in time wanted; else the newest",
                "要恢复到的时间点；省略则取最新备份",
            ),
            "rate_mb_s": optional(Number(0.001, 1e6, "MB/s"), "restore rate", "恢复速率"),
            "keys": optional(Line(), "only these keys", "仅恢复这些键"),
        },
    ),
    "command": Action(
        Text("System command", "系统命令"),
        "system",
        Text("A command of the system's own, by its name.", "系统自有的命令，按名称调用。"),
        "node",
        target_optional=True,
        arguments={
            "name": needed(Line(), "name of the command", "命令名"),
            "arguments": optional(Json("record"), "what it needs", "命令所需的数据"),
        },
    ),
}

ACTIONS: dict[str, Action] = {
    **NODE_ACTIONS,
    **DISK_ACTIONS,
    **CLOCK_ACTIONS,
    **NETWORK_ACTIONS,
    **MESSAGE_ACTIONS,
    **PLACE_ACTIONS,
    **LOAD_ACTIONS,
    **SYSTEM_ACTIONS,
}
"""Every action, in the order in which menus show them."""
