"""What the page shows of a drill: roles, fields, messages, notes, parameters."""

from __future__ import annotations

from simulations.engine.checks import no_lost_ack
from simulations.engine.experiment.vocabulary import DISASTERS
from simulations.engine.process import (
    Asked,
    Descriptor,
    Instruction,
    Lane,
    MessageSpec,
    Note,
    Parameter,
    Property,
    Role,
    Text,
    Twin,
    ViewField,
)
from simulations.engine.systems.bcdr_drill.parameters import PLAYERS
from simulations.engine.systems.bcdr_drill.properties import NOTES as CHECK_NOTES

NIST = "NIST SP 800-34"
ISO = "ISO 22301"

ROLES = (
    Role("serving", "double_ring", Text("serving", "服务中")),
    Role("cold", "dotted_ring", Text("standby, off", "备用，未启动")),
    Role("starting", "dashed_ring", Text("starting", "启动中")),
    Role("idle", "plain", Text("technician, free", "技术人员，空闲"), short=Text("free", "空闲")),
    Role(
        "working", "square", Text("technician, at work", "技术人员，执行中"), short=Text("at work", "执行中")
    ),
    Role("reachable", "plain", Text("approver", "审批人")),
    Role(
        "away",
        "dotted_ring",
        Text("approver, unreachable", "审批人，联系不上"),
        short=Text("unreachable", "联系不上"),
    ),
    Role(
        "watching",
        "diamond",
        Text("commander, watching", "指挥者，值守"),
        crown=True,
        short=Text("watching", "值守"),
    ),
    Role(
        "alarmed",
        "diamond",
        Text("commander, alarmed", "指挥者，已告警"),
        crown=True,
        short=Text("alarmed", "已告警"),
    ),
    Role(
        "searching",
        "diamond",
        Text("commander, looks for the runbook", "指挥者，寻找预案"),
        crown=True,
        short=Text("searching", "寻找预案"),
    ),
    Role(
        "asking",
        "diamond",
        Text("commander, asks the approver", "指挥者，请示中"),
        crown=True,
        short=Text("asking", "请示中"),
    ),
    Role(
        "restoring",
        "diamond",
        Text("commander, restoring", "指挥者，恢复中"),
        crown=True,
        short=Text("restoring", "恢复中"),
    ),
    Role(
        "done",
        "diamond",
        Text("commander, all restored", "指挥者，已全部恢复"),
        crown=True,
        short=Text("all restored", "已全部恢复"),
    ),
)

FIELDS = (
    ViewField("role", "role", "volatile", Text("role", "角色")),
    ViewField("function", "text", "volatile", Text("business function", "业务功能")),
    ViewField("work", "index", "persistent", Text("work done", "完成的工作"), "calls.last"),
    ViewField("copied", "counter", "volatile", Text("copied to the standby", "已复制到备用端")),
    ViewField("doing", "text", "volatile", Text("order under way", "正在执行的命令")),
    ViewField("lost", "text", "volatile", Text("functions lost", "失联的业务")),
    ViewField("has_runbook", "text", "volatile", Text("has the runbook", "持有预案")),
    ViewField("approved", "text", "volatile", Text("approved", "已获批准")),
    ViewField("declared", "counter", "volatile", Text("disaster declared", "已宣布灾难")),
    ViewField("ordered", "queue", "volatile", Text("ordered back", "已下令恢复")),
    ViewField("restored", "queue", "volatile", Text("restored", "已恢复")),
    ViewField("decided", "queue", "volatile", Text("decisions", "决定")),
)

MESSAGES = (
    MessageSpec("Alive", "oneway", Text("served here", "此处提供服务"), ("function",)),
    MessageSpec("CopyOf", "request", Text("copy of the work", "工作副本"), ("function", "first", "calls")),
    MessageSpec("CopyTaken", "reply", Text("copy taken", "副本已收"), ("function", "upto")),
    MessageSpec("AskRunbook", "request", Text("send the runbook", "索取预案"), ()),
    MessageSpec("Runbook", "reply", Text("runbook", "预案"), ("order",)),
    MessageSpec("AskApproval", "request", Text("may we switch over?", "请求批准切换"), ()),
    MessageSpec("Approval", "reply", Text("approved", "批准"), ()),
    MessageSpec("Order", "request", Text("restore these", "恢复这些业务"), ("functions", "by_the_book")),
    MessageSpec("Start", "request", Text("start", "启动"), ("function", "slower")),
    MessageSpec("Started", "reply", Text("started", "已启动"), ("function",)),
    MessageSpec("Restored", "reply", Text("restored", "已恢复"), ("function",)),
)

NOTES = {
    "bcdr_drill.warned": Note(
        NIST, "a disaster is announced: {cause}", "收到灾难预警：{cause}", "warning",
        words={name: Text(one.title.en, one.title.zh) for name, one in DISASTERS.items()}),
    "bcdr_drill.lost": Note(NIST, "no sign of life from {function}", "{function} 毫无音讯", "warning"),
    "bcdr_drill.alarm": Note(
        f"{NIST}, activation", "alarm: {functions} cannot be reached; calls the team",
        "告警：{functions} 无法访问；召集团队", "warning"),
    "bcdr_drill.looks_for_runbook": Note(f"{NIST}, activation", "looks for the runbook", "寻找预案"),
    "bcdr_drill.runbook_lost": Note(
        f"{NIST}, plan distribution", "the runbook lies in the lost region: looks for a copy, {seconds} s",
        "预案保存在失联的地域：寻找副本，需 {seconds} 秒", "warning"),
    "bcdr_drill.runbook": Note(f"{NIST}, plan", "has the runbook: first {order}", "拿到预案：依次恢复 {order}"),
    "bcdr_drill.asks": Note(f"{ISO}, 8.4.2", "asks the approver whether to switch over", "请示审批人是否切换"),
    "bcdr_drill.away": Note(
        f"{ISO}, 8.4.2", "cannot be reached for {seconds} s", "{seconds} 秒内联系不上", "warning"),
    "bcdr_drill.approves": Note(f"{ISO}, 8.4.2", "agrees to the switch", "同意切换"),
    "bcdr_drill.declares": Note(f"{NIST}, activation", "declares a disaster, with approval", "经批准宣布灾难"),
    "bcdr_drill.declares_alone": Note(
        f"{NIST}, activation", "declares a disaster without approval", "未经批准自行宣布灾难", "warning"),
    "bcdr_drill.not_declared": Note(
        f"{NIST}, activation", "cannot order {function} back: no disaster is declared",
        "尚未宣布灾难，不能下令恢复 {function}", "warning"),
    "bcdr_drill.orders": Note(f"{NIST}, recovery", "orders {function} to be restored", "下令恢复 {function}"),
    "bcdr_drill.starts": Note(f"{NIST}, recovery", "starts up to serve {function}", "正在启动以承接 {function}"),
    "bcdr_drill.serves": Note(f"{NIST}, recovery", "serves {function} from here on", "自此承接 {function}"),
    "bcdr_drill.restored": Note(f"{NIST}, recovery", "{function} is restored", "{function} 已恢复"),
    "bcdr_drill.person": Note(ISO, "somebody decides: {decision} {function}", "有人决定：{decision} {function}"),
    **CHECK_NOTES,
    **no_lost_ack.NOTES,
}  # fmt: skip


def seconds(name: str, default: float, en: str, zh: str, help_en: str, help_zh: str) -> Parameter:
    return Parameter(name, "float", default, Text(en, zh), Text(help_en, help_zh), "s", 0, 100_000)


PARAMETERS = (
    Parameter("order", "list", [], Text("priorities", "优先级"),
              Text("Business functions, the most important first.", "业务功能，最重要者在前。")),
    Parameter("function", "text", "", Text("function", "业务功能"),
              Text("Which function a process serves; its own name when left out.",
                  "进程承担的业务功能；省略则与进程同名。")),
    Parameter("players", "choice", "scripted", Text("who decides", "由谁决定"),
              Text("scripted: a team that follows the runbook; people: nothing happens without commands.",
                   "scripted：团队按预案行事；people：没有命令就什么也不发生。"), choices=PLAYERS),
    Parameter("runbook_in_lost_region", "bool", True, Text("runbook kept at home", "预案保存在原地域"),
              Text("Then it is lost with the region.", "地域失联时预案也随之失去。")),
    Parameter("trained", "bool", True, Text("trained team", "团队经过演练"),
              Text("Trained people decide faster.", "经过演练的人决定得更快。")),
    seconds("approver_away_s", 10, "approver away", "审批人失联", "How long the approver cannot be reached.",
            "审批人有多久联系不上。"),
    seconds("search_s", 20, "search for the runbook", "寻找预案", "How long a lost runbook is looked for.",
            "预案丢失时寻找副本的时间。"),
    Parameter("detect_s", "float", 3, Text("detection", "发现时间"),
              Text("Silence after which a function counts as lost.",
                  "多久没有音讯即判定业务失联。"), "s", 0.1, 100_000),
    seconds("start_s", 6, "start of a standby", "启动备用端", "How long a standby needs to start.",
        "备用端启动所需时间。"),
    Parameter("copy_every_s", "float", 5, Text("copy interval", "复制间隔"),
              Text("Time between two copies to the standby.", "两次复制到备用端的间隔。"), "s", 0.1, 100_000),
    seconds("think_trained_s", 1, "decision, trained", "决策时间（演练过）", "Before each decision.",
        "每次决定之前。"),
    seconds("think_untrained_s", 5, "decision, untrained", "决策时间（未演练）", "Before each decision.",
        "每次决定之前。"),
    Parameter("improvise_times", "float", 3, Text("without the runbook", "没有预案时"),
              Text("How many times longer a start takes.", "启动时间延长的倍数。"), "", 1, 100),
    seconds("rto_objective_s", 60, "RTO objective", "RTO 目标", "How long a function may be down.",
        "业务允许中断多久。"),
    seconds("rpo_objective_s", 10, "RPO objective", "RPO 目标", "How much work may be lost.", "允许丢失多久的工作。"),
)  # fmt: skip

TWINS = (
    Twin("last_order_first", Text("Does the last order first", "先执行最后的命令"), "waiting",
         ("functions_restored_in_order",)),
    Twin("copy_acknowledged_unstored", Text("Acknowledges copies it does not keep", "确认副本却不保存"), "take_copy",
         ("copied_work_survives",)),
)  # fmt: skip

PROPERTIES = (
    Property("functions_restored_in_order", "eventually", Text(
        "Business functions come back in the order of priority.", "业务功能按优先级恢复。")),
    Property("copied_work_survives", "always", Text(
        "Work that a standby acknowledged survives the disaster.", "备用端确认过的工作在灾难后仍在。")),
    Property("no_lost_ack", "sometimes", Text(
        "No acknowledged work is lost: what was not copied yet is.", "已确认的工作不丢失：尚未复制的除外。")),
)  # fmt: skip

LANES = (
    Lane("business", Text("Business", "业务"), ("server",)),
    Lane("technology", Text("Technology", "技术"), ("standby", "technician")),
    Lane("organization", Text("Organization", "组织"), ("organisation", "approver")),
)


def decision(name: str, en: str, zh: str, help_en: str, help_zh: str, *asked: Asked) -> Instruction:
    lane = "technology" if name == "restore" else "organization"
    return Instruction(name, "command", Text(en, zh), Text(help_en, help_zh), asked, lane=lane)


INSTRUCTIONS = (
    decision("find_runbook", "Find the runbook", "寻找预案", "Ask for it where it is kept; search when it is lost.",
             "到存放处索取；若已丢失则寻找副本。"),
    decision("ask_approver", "Ask the approver", "请示审批人", "Call until somebody answers.",
             "一直呼叫，直到有人应答。"),
    decision("approve", "Approve", "批准", "You are the approver: agree to the switch.", "您就是审批人：同意切换。"),
    decision("declare", "Declare a disaster", "宣布灾难", "With approval or without.", "无论是否已获批准。"),
    decision("restore", "Restore a function", "恢复业务", "The technician starts its standby.",
             "技术人员启动其备用端。",
             Asked("function", "field", Text("function", "业务功能"), of="function")),
)  # fmt: skip

DESCRIPTOR = Descriptor(
    name="bcdr_drill",
    title=Text("Business continuity drill", "业务连续性演练"),
    paper="NIST SP 800-34 Rev. 1, Contingency Planning Guide, 2010; ISO 22301:2019",
    roles=ROLES,
    fields=FIELDS,
    messages=MESSAGES,
    notes=NOTES,
    parameters=PARAMETERS,
    twins=TWINS,
    properties=PROPERTIES,
    default_checks=("functions_restored_in_order", "copied_work_survives", "no_lost_ack"),
    instructions=INSTRUCTIONS,
    lanes=LANES,
)
