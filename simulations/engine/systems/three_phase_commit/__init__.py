"""Three-phase commit. See README.md for the sources, what is modelled and what is left out."""

from __future__ import annotations

from simulations.engine.checks import atomic_commitment
from simulations.engine.checks.atomic_commitment import METRICS, WORDS, AtomicCommitment, Record
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
from simulations.engine.systems.three_phase_commit.messages import MESSAGES
from simulations.engine.systems.three_phase_commit.process import Parameters, ThreePhaseCommit
from simulations.engine.systems.three_phase_commit.twins import KINDS, TWINS

DESCRIPTOR = Descriptor(
    name="three_phase_commit",
    title=Text("Three-phase commit (3PC)", "三阶段提交（3PC）"),
    paper="Skeen, Nonblocking Commit Protocols, 1981",
    roles=(
        Role("idle", "plain", Text("idle", "空闲")),
        Role("coordinating", "double_ring", Text("coordinating", "协调中"), crown=True),
        Role("open", "dashed_ring", Text("outcome open", "结果未定")),
    ),
    fields=(
        ViewField("decided", "text", "persistent", Text("decided", "已决定的事务"), words=WORDS, badge="always"),
        ViewField("states", "text", "persistent", Text("ready or pre-committed", "就绪或预提交"), words=WORDS),
        ViewField("role", "role", "volatile", Text("role", "角色")),
        ViewField("recovering", "text", "volatile", Text("asks after a restart", "重启后询问中")),
        ViewField("gathering", "text", "leader", Text("answers still missing", "尚缺的应答")),
    ),
    messages=(
        MessageSpec("VoteRequest", "request", Text("vote request", "投票请求"), ("transaction",)),
        MessageSpec("Vote", "reply", Text("vote", "投票"), ("transaction", "yes"), "yes"),
        MessageSpec("PreCommit", "request", Text("pre-commit", "预提交"), ("transaction",)),
        MessageSpec("PreCommitted", "reply", Text("pre-committed", "已预提交"), ("transaction",)),
        MessageSpec("Decision", "oneway", Text("decision", "决定"), ("transaction", "commit"), "commit"),
        MessageSpec("Inquire", "request", Text("what was decided?", "询问结果"), ("transaction",)),
    ),
    notes={
        "three_phase_commit.begins": Note(
            "Skeen 1981, phase 1", "asks all participants to vote on {transaction}", "请所有参与者对 {transaction} 投票"
        ),
        "three_phase_commit.votes_yes": Note(
            "Skeen 1981, phase 1", "votes yes on {transaction}", "对 {transaction} 投赞成票"
        ),
        "three_phase_commit.votes_no": Note(
            "Skeen 1981, phase 1", "votes no on {transaction}, which aborts it", "对 {transaction} 投反对票，事务中止"
        ),
        "three_phase_commit.all_voted_yes": Note(
            "Skeen 1981, phase 2",
            "all voted yes on {transaction}: tells everybody before anybody commits",
            "所有参与者都对 {transaction} 投了赞成票：先让所有人知道，之后才提交",
        ),
        "three_phase_commit.answer_missing": Note(
            "Skeen 1981, timeout transition",
            "an answer about {transaction} is missing: the coordinator decides by what it knows",
            "{transaction} 缺少应答：协调者按已知情况决定",
        ),
        "three_phase_commit.decides_alone": Note(
            "Skeen 1981, timeout transition",
            "the coordinator of {transaction} is silent: decides alone, {outcome}",
            "{transaction} 的协调者没有消息：独自决定，结果为 {outcome}",
            words=WORDS,
        ),
        "three_phase_commit.recovers": Note(
            "Skeen 1981, failure transition",
            "was down while {transaction} was open: asks the others",
            "{transaction} 未定时曾停机：询问其他进程",
        ),
        "three_phase_commit.presumes_abort": Note(
            "Skeen 1981, failure transition",
            "asked about {transaction}, of which it has no record: it is aborted",
            "被问及没有记录的 {transaction}：视为中止",
        ),
        "three_phase_commit.decided": Note(
            "Skeen 1981, phase 3", "{transaction} is {outcome}", "{transaction} 的结果：{outcome}", words=WORDS
        ),
        **atomic_commitment.NOTES,
    },
    parameters=(
        Parameter(
            "timeout_ms", "float", 1000, Text("timeout", "超时"),
            Text("How long a coordinator waits for answers; participants wait twice as long before they decide alone.",
                 "协调者等待应答的时长；参与者等待两倍的时间后独自决定。"), "ms", 1, 600_000,
        ),
        Parameter(
            "refuse", "float", 0, Text("chance of a no", "投反对票的概率"),
            Text("How often a participant votes no.", "参与者投反对票的频率。"), "", 0, 1,
        ),
    ),
    twins=(
        Twin("recover_alone", Text("Decides alone after a restart", "重启后独自决定"), "may_decide_alone",
             ("atomic_commitment",)),
    ),
    properties=(
        Property("atomic_commitment", "always", Text(
            "While no message is lost or late, no transaction is committed here and aborted there.",
            "只要没有消息丢失或迟到，就不会有事务在一处提交而在另一处中止。")),
        Property("decided_alone", "sometimes", Text(
            "A participant decides without its coordinator.", "参与者在没有协调者的情况下作出决定。")),
    ),
    default_checks=("atomic_commitment",),
)  # fmt: skip

SYSTEM = System(
    descriptor=DESCRIPTOR,
    processes=dict.fromkeys(KINDS, ThreePhaseCommit),
    messages=MESSAGES,
    parameters=Parameters,
    twins=TWINS,
    checks={AtomicCommitment.name: AtomicCommitment},
    entry=Record,
    metrics=METRICS,
    linearizable=False,
)
