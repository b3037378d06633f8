"""A coordinator in the data path, with a standby. See README.md for what is modelled and left out."""

from __future__ import annotations

from simulations.engine import state_machine
from simulations.engine.checks import convergence
from simulations.engine.process import (
    Descriptor,
    MessageSpec,
    Note,
    Parameter,
    Property,
    Role,
    System,
    Text,
    Twin,
    ViewField,
)
from simulations.engine.systems.relay.master import Master
from simulations.engine.systems.relay.messages import MESSAGES, Entry
from simulations.engine.systems.relay.parameters import MODES, Parameters
from simulations.engine.systems.relay.process import Relay
from simulations.engine.systems.relay.properties import CHECKS, METERS, METRICS
from simulations.engine.systems.relay.twins import TWINS

ARTICLE = "The article on open-platform architecture, coordinator row"


def time(name: str, default: float, title: Text, help: Text) -> Parameter:
    return Parameter(name, "float", default, title, help, "ms", 1, 600_000)


DESCRIPTOR = Descriptor(
    name="relay",
    title=Text("Coordinator in the data path", "数据路径上的协调器"),
    paper="The article on open-platform architecture; Lamport, Time, Clocks, and the Ordering of Events, 1978",
    roles=(
        Role("master", "plain", Text("master", "主节点")),
        Role("active_relay", "double_ring", Text("relay: carries the data", "中继：转发数据"), crown=True,
             short=Text("relay", "中继")),
        Role("standby", "dashed_ring", Text("standby relay", "备用中继"), short=Text("standby", "备用中继")),
    ),
    fields=(
        ViewField("log", "log", "persistent", Text("writes applied", "已应用的写入"), counted=True),
        ViewField("epoch", "epoch", "persistent", Text("relay's epoch", "中继纪元")),
        ViewField("role", "role", "volatile", Text("role", "角色")),
        ViewField("relay", "text", "volatile", Text("relay in use", "正在使用的中继")),
        ViewField("counts", "text", "volatile", Text("writes of each master", "各主节点的写入数")),
        ViewField("unconfirmed", "queue", "volatile", Text("not everywhere yet", "尚未到达所有主节点")),
        ViewField("waiting", "queue", "volatile", Text("clients that wait", "等待中的客户端")),
        ViewField("state_hash", "hash", "volatile", Text("data", "数据")),
        ViewField("carried", "counter", "leader", Text("entries carried", "已转发的条目")),
    ),
    messages=(
        MessageSpec("Pulse", "oneway", Text("relay's pulse", "中继心跳"), ("epoch",)),
        MessageSpec("Forward", "request", Text("pass on", "请转发"), ("entries",)),
        MessageSpec("Deliver", "request", Text("delivery", "转发"), ("entries",)),
        MessageSpec("Have", "reply", Text("I have up to", "已收到至"), ("origin", "number")),
        MessageSpec("Confirmed", "reply", Text("it has up to", "对方已收到至"), ("master", "number")),
    ),
    notes={
        "relay.takes_over": Note(ARTICLE, "is the relay of epoch {epoch}", "成为纪元 {epoch} 的中继"),
        "relay.silence": Note(
            ARTICLE, "hears nothing from the relay: takes over its duty", "收不到中继的消息：接替其职责"),
        "relay.stands_by": Note(ARTICLE, "{relay} carries the data in epoch {epoch}: stands by",
                                "{relay} 在纪元 {epoch} 转发数据：转为备用"),
        "relay.uses": Note(
            ARTICLE,
            "replicates through {relay}, epoch {epoch}; hands over {again} {again|write|writes} "
            "that {again|is|are} not everywhere yet",
            "经 {relay}（纪元 {epoch}）复制，并交出尚未到达各处的 {again} 次写入"),
        "relay.not_once": Note(
            "", "{process} applied write {number} of {origin} where {expected} was due",
            "{process} 应用了 {origin} 的第 {number} 次写入，而应为第 {expected} 次", "check"),
        "relay.lost": Note(
            "",
            "{lost} acknowledged {lost|write is|writes are} missing at a master; "
            "nobody keeps {lost|it|them} to send; first: {first}",
            "{lost} 次已确认的写入在某个主节点上缺失，且无人会再发送，首个是 {first}", "check"),
        **convergence.NOTES,
    },
    parameters=(
        Parameter("mode", "choice", "continue", Text("without a relay", "没有中继时"),
                  Text("continue: writes are acknowledged on the master's own disk; stop: only when all masters have "
                       "them, so they wait for the relay.",
                       "continue：写入本机磁盘即确认；stop：所有主节点都有才确认，因此须等待中继。"), choices=MODES),
        time("takeover_ms", 3000, Text("takeover after", "接管时限"),
             Text("Silence of the relay after which the standby takes over.", "中继沉默多久后由备用接管。")),
        time("pulse_ms", 200, Text("pulse every", "心跳间隔"),
             Text("How often the relay says that it is there.", "中继发送心跳的间隔。")),
        time("resend_ms", 500, Text("send again after", "重发时限"),
             Text("Without a confirmation for this long, writes are handed over again.",
                  "多久没有确认就重新交出写入。")),
        Parameter("window", "int", 256, Text("window", "窗口"),
                  Text("How many writes are handed over again at once.", "一次重新交出的写入上限。"), "", 1, 100_000),
    ),
    twins=(
        Twin("apply_twice", Text("Applies what it already has", "重复应用已有的写入"), "is_new", ("applied_once",)),
        Twin("confirm_early", Text("Confirms what it has not delivered", "未送达就确认"), "confirm_early",
             ("no_lost_ack",)),
    ),
    properties=(
        Property("applied_once", "always", Text(
            "Every master applies every write once, in order.", "每个主节点按序应用每次写入，且只应用一次。")),
        Property("no_lost_ack", "always", Text(
            "Every acknowledged write is everywhere or kept to be sent.",
            "每次已确认的写入都已到达各处，或仍待发送。")),
    ),
    default_checks=("no_lost_ack", "applied_once"),
)  # fmt: skip

SYSTEM = System(
    descriptor=DESCRIPTOR,
    processes={"server": Master, "master": Master, "relay": Relay, "standby": Relay},
    messages=MESSAGES,
    parameters=Parameters,
    twins=TWINS,
    checks=CHECKS,
    entry=Entry,
    metrics=METRICS,
    meters=METERS,
    linearizable=False,
    requests=state_machine.KINDS,
)
