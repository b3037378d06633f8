"""Microservices. See README.md for the sources, what is modelled and what is left out."""

from __future__ import annotations

from simulations.engine.instructions import NODE
from simulations.engine.process import (
    Asked,
    Descriptor,
    Instruction,
    MessageSpec,
    Property,
    Role,
    System,
    Text,
    Twin,
    ViewField,
)
from simulations.engine.systems.microservices.described import NOTES, PARAMETERS
from simulations.engine.systems.microservices.messages import MESSAGES
from simulations.engine.systems.microservices.meters import METERS, METRICS
from simulations.engine.systems.microservices.parameters import Parameters
from simulations.engine.systems.microservices.properties import CHECKS
from simulations.engine.systems.microservices.twins import KINDS, TWINS

DESCRIPTOR = Descriptor(
    name="microservices",
    title=Text("Microservices", "微服务"),
    paper=(
        "Nygard, Release It!, 2nd edition, 2018; Beyer et al., Site Reliability Engineering, chapters 21 and 22; "
        "Bronson et al., Metastable failures in distributed systems, HotOS 2021; "
        "Zhou et al., Overload control for scaling WeChat "
        "microservices, SoCC 2018"
    ),
    roles=(
        Role("running", "plain", Text("running", "运行")),
        Role("overloaded", "dashed_ring", Text("overloaded", "过载")),
        Role("starting", "dotted_ring", Text("starting", "启动中")),
        Role("crashed", "dotted_ring", Text("crashed", "已崩溃")),
        Role("gateway", "double_ring", Text("gateway", "网关")),
        Role("balancer", "diamond", Text("load balancer", "负载均衡器"), short=Text("balancer", "均衡器")),
        Role("cache", "double_ring", Text("cache", "缓存")),
        Role("database", "square", Text("database", "数据库")),
    ),
    fields=(
        ViewField("duty", "text", "persistent", Text("part", "职责"), "kind"),
        ViewField("version", "text", "persistent", Text("version", "版本")),
        ViewField("role", "role", "volatile", Text("role", "角色")),
        ViewField("busy", "counter", "volatile", Text("busy threads", "忙碌线程")),
        ViewField("waiting", "counter", "volatile", Text("waiting", "排队")),
        ViewField("received", "counter", "volatile", Text("received", "收到")),
        ViewField("served", "counter", "volatile", Text("served", "成功")),
        ViewField("failed", "counter", "volatile", Text("failed", "失败")),
        ViewField("shed", "counter", "volatile", Text("shed", "丢弃")),
        ViewField("breaker", "text", "volatile", Text("breaker", "熔断器")),
        ViewField("retried", "counter", "volatile", Text("retries", "重试")),
        ViewField("hits", "counter", "volatile", Text("cache hits", "缓存命中")),
        ViewField("misses", "counter", "volatile", Text("cache misses", "缓存未命中")),
        ViewField("restarts", "counter", "volatile", Text("restarts", "重启次数")),
        ViewField("healthy", "set", "volatile", Text("healthy on the dashboard", "监控面板上健康")),
        ViewField("ejected", "set", "volatile", Text("ejected", "已剔除")),
        ViewField("available", "set", "volatile", Text("gets requests", "接收请求")),
        ViewField("rollout", "text", "volatile", Text("rollout", "发布")),
    ),
    messages=(
        MessageSpec(
            "Call", "request", Text("call", "调用"), ("id", "route", "kind", "key", "priority", "stage")
        ),
        MessageSpec("Answer", "reply", Text("answer", "应答"), ("id", "outcome")),
        MessageSpec("Probe", "request", Text("health check", "健康检查"), ("number", "deep")),
        MessageSpec("ProbeAnswer", "reply", Text("health", "健康状况"), ("number", "ok"), "ok"),
        MessageSpec("Deploy", "request", Text("deploy", "发布"), ("version",)),
        MessageSpec("Ready", "reply", Text("ready", "就绪"), ("version",)),
    ),
    notes=NOTES,
    parameters=PARAMETERS,
    twins=(
        Twin(
            "retries_without_budget",
            Text("Retries without a budget", "无预算的重试"),
            "may_retry",
            ("retry_budget",),
        ),
        Twin(
            "never_closes",
            Text("A breaker that never closes", "永不闭合的熔断器"),
            "may_close",
            ("breaker_closes",),
        ),
        Twin(
            "sheds_the_important",
            Text("Sheds the important", "丢弃重要请求"),
            "is_important",
            ("important_first",),
        ),
        Twin(
            "lies_deep",
            Text("A deep health check that lies", "说谎的深度健康检查"),
            "passes_deep_check",
            ("deep_health",),
        ),
    ),
    properties=(
        Property("retry_budget", "always", Text("Retries stay within their budget.", "重试不超出预算。")),
        Property(
            "breaker_closes",
            "always",
            Text("A breaker closes when its trials go well.", "试探成功后熔断器闭合。"),
        ),
        Property(
            "important_first",
            "always",
            Text(
                "Nobody more important is refused than somebody who is let in.",
                "被拒绝的请求不会比被放行的更重要。",
            ),
        ),
        Property(
            "deep_health",
            "always",
            Text(
                "A deep health check does not pass while every request fails.",
                "所有请求都失败时，深度健康检查不会通过。",
            ),
        ),
    ),
    default_checks=tuple(CHECKS),
    instructions=(
        Instruction(
            "deploy",
            "command",
            Text("Deploy a version", "发布版本"),
            Text("Begins a rollout, in the way that is set.", "按设定的方式开始发布。"),
            (Asked("version", "choice", Text("version", "版本"), choices=("v2", "bad"), default="v2"),),
        ),
        Instruction(
            "crash",
            "command",
            Text("Crash a container", "容器崩溃"),
            Text(
                "The container dies, not its node: the supervisor restarts it.",
                "崩溃的是容器而非节点：由监管进程重启。",
            ),
            (NODE,),
        ),
    ),
)

SYSTEM = System(
    descriptor=DESCRIPTOR,
    processes=KINDS,
    messages=MESSAGES,
    parameters=Parameters,
    twins=TWINS,
    checks=CHECKS,
    metrics=METRICS,
    meters=METERS,
    linearizable=False,
    operations=("command",),
)
