"""Two-phase commit. See README.md for the sources, what is modelled and what is left out."""

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
from simulations.engine.systems.two_phase_commit.messages import MESSAGES
from simulations.engine.systems.two_phase_commit.process import Parameters, TwoPhaseCommit
from simulations.engine.systems.two_phase_commit.twins import KINDS, TWINS

DESCRIPTOR = Descriptor(
    name="two_phase_commit",
    title=Text("Two-phase commit (2PC)", "两阶段提交（2PC）"),
    paper=(
        "Gray, Notes on Data Base Operating Systems, 1978; Mohan, Lindsay, Obermarck, Transaction Management in the "
        "R* Distributed Database Management System, 1986 (presumed abort)"
    ),
    roles=(
        Role("idle", "plain", Text("idle", "空闲")),
        Role("coordinating", "double_ring", Text("coordinating", "协调中"), crown=True),
        Role("uncertain", "dashed_ring", Text("uncertain: voted yes", "不确定：已投赞成票"),
             short=Text("uncertain", "不确定")),
    ),
    fields=(
        ViewField("decided", "text", "persistent", Text("decided", "已决定的事务"), words=WORDS, badge="always"),
        ViewField("uncertain", "text", "persistent", Text("voted yes, outcome unknown", "已投赞成票、结果未知")),
        ViewField("role", "role", "volatile", Text("role", "角色")),
        ViewField("gathering", "text", "leader", Text("votes still missing", "尚缺的选票")),
    ),
    messages=(
        MessageSpec("VoteRequest", "request", Text("vote request", "投票请求"), ("transaction",)),
        MessageSpec("Vote", "reply", Text("vote", "投票"), ("transaction", "yes"), "yes"),
        MessageSpec("Decision", "oneway", Text("decision", "决定"), ("transaction", "commit"), "commit"),
        MessageSpec("Inquire", "request", Text("what was decided?", "询问结果"), ("transaction",)),
    ),
    notes={
        "two_phase_commit.begins": Note(
            "Gray 1978, phase 1", "asks all participants to vote on {transaction}", "请所有参与者对 {transaction} 投票"
        ),
        "two_phase_commit.votes_yes": Note(
            "Gray 1978, phase 1",
            "votes yes on {transaction} and may not change its mind any more",
            "对 {transaction} 投赞成票，此后不得反悔",
        ),
        "two_phase_commit.votes_no": Note(
            "Gray 1978, phase 1", "votes no on {transaction}, which aborts it", "对 {transaction} 投反对票，事务中止"
        ),
        "two_phase_commit.vote_missing": Note(
            "Gray 1978, phase 1", "a vote on {transaction} is missing: aborts", "{transaction} 还缺选票：中止"
        ),
        "two_phase_commit.decided": Note(
            "Gray 1978, phase 2", "{transaction} is {outcome}", "{transaction} 的结果：{outcome}", words=WORDS
        ),
        "two_phase_commit.blocked": Note(
            "Skeen 1981",
            "blocked: voted yes on {transaction}, hears nothing, may neither commit nor abort; asks around",
            "阻塞：已对 {transaction} 投赞成票却没有消息，既不能提交也不能中止，只能询问其他进程",
        ),
        "two_phase_commit.presumes_abort": Note(
            "Mohan et al. 1986",
            "asked about {transaction}, of which it has no record: it is aborted",
            "被问及没有记录的 {transaction}：视为中止",
        ),
        **atomic_commitment.NOTES,
    },
    parameters=(
        Parameter(
            "timeout_ms", "float", 1000, Text("timeout", "超时"),
            Text("How long votes are waited for, and how often a blocked participant asks.",
                 "等待选票的时长，也是阻塞的参与者再次询问的间隔。"), "ms", 1, 600_000,
        ),
        Parameter(
            "refuse", "float", 0, Text("chance of a no", "投反对票的概率"),
            Text("How often a participant votes no.", "参与者投反对票的频率。"), "", 0, 1,
        ),
    ),
    twins=(
        Twin("abort_alone", Text("Aborts alone instead of blocking", "不阻塞而独自中止"), "without_news",
             ("atomic_commitment",)),
        Twin("forget_votes", Text("Forgets its votes at a restart", "重启后忘记投票"), "restored",
             ("atomic_commitment",)),
    ),
    properties=(
        Property("atomic_commitment", "always", Text(
            "No transaction is committed here and aborted there.", "不会有事务在一处提交而在另一处中止。")),
        Property("blocked", "sometimes", Text(
            "Participants wait for a coordinator that is gone.", "参与者等待已失联的协调者。")),
    ),
    default_checks=("atomic_commitment",),
)  # fmt: skip

SYSTEM = System(
    descriptor=DESCRIPTOR,
    processes=dict.fromkeys(KINDS, TwoPhaseCommit),
    messages=MESSAGES,
    parameters=Parameters,
    twins=TWINS,
    checks={AtomicCommitment.name: AtomicCommitment},
    entry=Record,
    metrics=METRICS,
    linearizable=False,
)
