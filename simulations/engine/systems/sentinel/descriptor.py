"""Sentinel as data: what the page draws, the validator checks and the notes say."""

from __future__ import annotations

from simulations.engine.failover import SPECS
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

SOURCE = "Redis Sentinel documentation"


def time(name: str, default: float, title: Text, help: Text) -> Parameter:
    return Parameter(name, "float", default, title, help, "ms", 1, 600_000)


NOTES = {
    "sentinel.sdown": Note(
        f"{SOURCE}, SDOWN", "hears nothing from {primary}: subjectively down", "收不到 {primary} 的应答：主观下线"),
    "sentinel.odown": Note(
        f"{SOURCE}, ODOWN",
        "{sentinels} {sentinels|sentinel finds|sentinels find} {primary} down, "
        "{quorum} {quorum|is|are} needed: objectively down",
        "{sentinels} 个哨兵认为 {primary} 下线，需要 {quorum} 个：客观下线"),
    "sentinel.back": Note(SOURCE, "{primary} answers again", "{primary} 恢复应答"),
    "sentinel.campaigns": Note(
        f"{SOURCE}, configuration epochs",
        "asks to carry out the failover of epoch {epoch}; {needed} {needed|vote is|votes are} needed",
        "请求执行纪元 {epoch} 的故障转移，需要 {needed} 票"),
    "sentinel.votes": Note(
        f"{SOURCE}, configuration epochs", "votes for {candidate}, who asked first in epoch {epoch}",
        "投票给纪元 {epoch} 中最先请求的 {candidate}"),
    "sentinel.elected": Note(
        f"{SOURCE}, configuration epochs",
        "has {votes} {votes|vote|votes} in epoch {epoch} and carries out the failover",
        "在纪元 {epoch} 获得 {votes} 票，开始执行故障转移"),
    "sentinel.no_majority": Note(
        f"{SOURCE}, quorum and majority", "only {votes} of {needed} {needed|vote|votes} in epoch {epoch}: no failover",
        "纪元 {epoch} 只得 {votes} 票，需要 {needed} 票：不能故障转移"),
    "sentinel.promotes": Note(
        f"{SOURCE}, replica selection", "promotes {replica}, whose log reaches furthest ({position}), in epoch {epoch}",
        "在纪元 {epoch} 提升日志最长（{position}）的 {replica}"),
    "sentinel.nobody_to_promote": Note(
        f"{SOURCE}, replica selection", "no replica of {primary} answers: nobody to promote",
        "{primary} 的副本均无应答，没有可提升的副本"),
    "sentinel.new_primary": Note(
        f"{SOURCE}, configuration propagation", "{primary} is the primary since epoch {epoch}",
        "自纪元 {epoch} 起 {primary} 为主节点"),
    "sentinel.two_winners": Note(
        "", "{process} carries out a failover in epoch {epoch}, and so does another",
        "{process} 与另一个哨兵都在纪元 {epoch} 执行故障转移", "check"),
}  # fmt: skip

DESCRIPTOR = Descriptor(
    name="sentinel",
    title=Text("Sentinel", "哨兵"),
    paper="Redis Sentinel documentation",
    roles=(
        Role("watching", "plain", Text("watching", "监视中")),
        Role("sdown", "dotted_ring", Text("finds the primary down", "主观下线"),
             short=Text("finds it down", "主观下线")),
        Role("odown", "dashed_ring", Text("agreed: it is down", "客观下线"), short=Text("agreed: down", "客观下线")),
        Role("candidate", "diamond", Text("asks for votes", "请求投票"), short=Text("asks for votes", "请求投票")),
        Role("failing_over", "double_ring", Text("carries out the failover", "执行故障转移"), crown=True,
             short=Text("failing over", "转移中")),
    ),
    fields=(
        ViewField("vote_epoch", "epoch", "persistent", Text("epoch", "当前纪元")),
        ViewField("voted_for", "votes", "persistent", Text("voted for", "投票给")),
        ViewField("epoch", "epoch", "persistent", Text("configuration epoch", "配置纪元")),
        ViewField("primary", "text", "persistent", Text("primary", "主节点")),
        ViewField("role", "role", "volatile", Text("role", "角色")),
        ViewField("agreed", "votes", "volatile", Text("who agrees that it is down", "认为其已下线的哨兵")),
        ViewField("votes", "votes", "leader", Text("votes", "选票")),
        ViewField("candidate", "text", "leader", Text("replica to promote", "待提升的副本")),
    ),
    messages=(
        MessageSpec("Hello", "oneway", Text("hello", "问候"), ("epoch", "config_epoch", "primary")),
        MessageSpec("AskDown", "request", Text("do you find it down?", "你也认为它下线吗？"), ("primary",)),
        MessageSpec("Down", "reply", Text("opinion", "意见"), ("primary", "down"), "down"),
        MessageSpec("AskVote", "request", Text("your vote?", "请投票"), ("epoch",)),
        MessageSpec("Vote", "reply", Text("vote", "选票"), ("epoch", "candidate")),
        *SPECS,
    ),
    notes=NOTES,
    parameters=(
        Parameter("quorum", "int", 2, Text("quorum", "法定人数"),
                  Text("How many sentinels must find the primary down. Failing over also needs a majority of all.",
                       "需要多少个哨兵认为主节点下线。执行故障转移还需要全体哨兵的多数票。"), "", 1, 100),
        time("down_after_ms", 5000, Text("down after", "判定下线时长"),
             Text("Silence that one sentinel takes for down.", "无有效应答多久视为下线。")),
        time("ping_ms", 1000, Text("ping every", "探测间隔"),
             Text("How often databases and sentinels are asked.", "探测数据库与其他哨兵的间隔。")),
        time("election_ms", 1000, Text("votes within", "投票时限"),
             Text("How long votes are waited for.", "等待选票的时长。")),
        time("promotion_ms", 2000, Text("promotion within", "提升时限"),
             Text("How long a promoted replica has to report as the primary.",
                  "被提升的副本须在此时间内以主节点身份报告。")),
    ),
    twins=(
        Twin("no_majority", Text("Fails over without a majority", "未获多数票就故障转移"), "votes_needed",
             ("no_split_brain",)),
        Twin("ignore_offsets", Text("Promotes the replica that has least", "提升数据最少的副本"), "ranked",
             ("no_lost_ack",)),
    ),
    properties=(
        Property("one_failover_per_epoch", "always", Text(
            "At most one sentinel fails over in an epoch.", "每个纪元至多一个哨兵执行故障转移。")),
        Property("failed_over", "eventually", Text(
            "With a majority, a dead primary is replaced.", "只要有多数派，失效的主节点终会被替换。")),
    ),
    default_checks=("one_failover_per_epoch",),
)  # fmt: skip
