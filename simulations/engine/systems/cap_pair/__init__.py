"""The synchronous pair. See README.md for the sources, what is modelled and what is left out."""

from __future__ import annotations

from simulations.engine.process import (
    Descriptor,
    Instruction,
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
from simulations.engine.systems.cap_pair.messages import MESSAGES
from simulations.engine.systems.cap_pair.process import CHOICES, CapPair, Parameters
from simulations.engine.systems.cap_pair.properties import CHECKS
from simulations.engine.systems.cap_pair.twins import TWINS

DESCRIPTOR = Descriptor(
    name="cap_pair",
    title=Text('Synchronous pair ("CA")', "同步双机（“CA”）"),
    paper="Gilbert and Lynch, Brewer's conjecture, 2002; Kleppmann, A critique of the CAP theorem, 2015",
    roles=(
        Role("paired", "plain", Text("paired: both take part", "双机在线：共同处理"), short=Text("paired", "双机在线")),
        Role("blocked", "dashed_ring", Text("blocked: consistent, not available (CP)", "阻塞：一致但不可用（CP）"),
             short=Text("blocked (CP)", "阻塞（CP）")),
        Role("alone", "double_ring", Text("alone: available, not consistent (AP)", "独自应答：可用但不一致（AP）"),
             short=Text("alone (AP)", "独自（AP）")),
        Role("syncing", "dotted_ring", Text("catching up", "正在同步")),
    ),
    fields=(
        ViewField("role", "role", "volatile", Text("role", "角色")),
        ViewField("data", "set", "persistent", Text("keys and values", "键与值")),
        ViewField("state", "hash", "persistent", Text("hash of its data", "数据的哈希"), "state_hash"),
        ViewField("operations", "queue", "volatile", Text("operations that wait for the peer", "等待对端的操作")),
    ),
    messages=(
        MessageSpec("Ask", "request", Text("what do you hold?", "你持有什么？"), ("ticket", "key")),
        MessageSpec("Tell", "reply", Text("this", "持有的版本"), ("ticket", "value", "at")),
        MessageSpec("Store", "request", Text("hold this", "保存此版本"), ("ticket", "key", "value", "at")),
        MessageSpec("StoreAck", "reply", Text("held", "已保存"), ("ticket",)),
        MessageSpec("Ping", "request", Text("are you there?", "你在吗？"), ()),
        MessageSpec("Pong", "reply", Text("yes", "在"), ()),
        MessageSpec("Sync", "oneway", Text("all I hold", "我持有的全部"), ("items", "back")),
    ),
    notes={
        "cap_pair.block": Note(
            "Gilbert and Lynch 2002, theorem 1",
            "{peer} is gone: blocks, so that no answer is wrong",
            "{peer} 失联：选择阻塞，保证不给错误的答复",
        ),
        "cap_pair.answer": Note(
            "Gilbert and Lynch 2002, theorem 1",
            "{peer} is gone: answers alone, so that everybody gets an answer",
            "{peer} 失联：选择独自应答，保证人人有答复",
        ),
        "cap_pair.refuses": Note(
            "Kleppmann 2015, section 2", "refuses {key}: blocked", "拒绝 {key}：处于阻塞状态"
        ),
        "cap_pair.paired": Note("", "together with {peer} again", "与 {peer} 恢复配对"),
        "cap_pair.third_way": Note(
            "Gilbert and Lynch 2002, theorem 1",
            "apart, {answered} {answered|read|reads} of what the other node wrote {answered|was|were} "
            "answered, and the history is still linearizable",
            "分开期间答复了 {answered} 次对另一节点所写内容的读取，历史却仍然线性一致",
            "check",
        ),
    },
    parameters=(
        Parameter(
            "on_cut", "choice", "block", Text("when the link is cut", "链路断开时"),
            Text("block: refuse until both are together (CP); answer: go on alone (AP). There is no third way.",
                 "block：拒绝服务直到恢复配对（CP）；answer：独自应答（AP）。没有第三种选择。"),
            choices=CHOICES,
        ),
        Parameter(
            "decide_after_s", "float", 3, Text("time to choose", "作出选择的时限"),
            Text("How long the peer is silent before the choice is made, unless somebody makes it by a command.",
                 "对端失联多久之后自动选择，除非有人先用命令选定。"), "s", 0.1, 600,
        ),
    ),
    twins=(
        Twin("answers_while_blocked", Text("Answers while blocked", "阻塞时仍然应答"), "may_serve",
             ("linearizable",)),
        Twin("reads_its_own_copy", Text("Reads do not ask the peer", "读取不询问对端"), "needs_peer",
             ("linearizable",)),
        Twin("meets_without_sync", Text("Meets again without catching up", "恢复配对却不同步"), "send_all",
             ("replicas_equal",)),
    ),
    properties=(
        Property("cap_dichotomy", "always", Text(
            "Once apart, the pair stops answering or stops being linearizable.",
            "一旦分开，要么不再应答，要么不再线性一致。")),
    ),
    default_checks=("cap_dichotomy",),
    instructions=tuple(
        Instruction(name, "command", Text(en, zh), Text(help_en, help_zh))
        for name, en, zh, help_en, help_zh in (
            ("block", "Block", "阻塞", "Refuse until the peer is back (CP).", "对端恢复前拒绝服务（CP）。"),
            ("answer", "Answer", "应答", "Answer alone (AP).", "独自应答（AP）。"),
        )
    ),
)  # fmt: skip

SYSTEM = System(
    descriptor=DESCRIPTOR,
    processes={"server": CapPair},
    messages=MESSAGES,
    parameters=Parameters,
    twins=TWINS,
    checks=CHECKS,
    operations=("command",),
)
