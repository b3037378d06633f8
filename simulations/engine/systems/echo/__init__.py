"""Echo with retries: the system that proves the contract before any protocol does."""

from __future__ import annotations

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
from simulations.engine.systems.echo.messages import MESSAGES
from simulations.engine.systems.echo.process import Echo, Parameters
from simulations.engine.systems.echo.properties import RelayedOnce
from simulations.engine.systems.echo.twins import CountsTwice

DESCRIPTOR = Descriptor(
    name="echo",
    title=Text("Echo with retries", "带重试的回声"),
    paper="",
    roles=(
        Role("idle", "plain", Text("idle", "空闲")),
        Role("waiting", "dashed_ring", Text("waiting", "等待中")),
    ),
    fields=(
        ViewField("role", "role", "volatile", Text("role", "角色")),
        ViewField("relayed", "counter", "persistent", Text("relayed", "已转达")),
        ViewField("asked", "counter", "volatile", Text("asked", "已询问")),
    ),
    messages=(
        MessageSpec("Ask", "request", Text("ask", "询问"), ("number", "text")),
        MessageSpec("Answer", "reply", Text("answer", "回答"), ("number", "text")),
    ),
    notes={
        "echo.asked": Note("", "asked {to} to say it back", "请 {to} 复述"),
        "echo.asked_again": Note("", "no answer from {to}: asked again", "{to} 没有回答：再次询问"),
        "echo.relayed_too_often": Note(
            "",
            "{relayed} {relayed|answer was|answers were} relayed for {settled} {settled|question|questions}",
            "{settled} 个询问却转达了 {relayed} 个回答"
        ),
    },
    parameters=(
        Parameter(
            "retry_ms", "float", 50, Text("retry after", "重试间隔"),
            Text("Pause before a question without an answer is asked again.", "没有收到回答时，再次询问前的等待时间。"),
            "ms", 1, 10_000,
        ),
    ),
    twins=(
        Twin(
            "counts_twice", Text("Counts duplicates", "重复计数"), "accepts", ("relayed_once",),
        ),
    ),
    properties=(
        Property(
            "relayed_once", "always",
            Text("Every question is relayed once.", "每个询问只转达一次。"),
        ),
    ),
    default_checks=("relayed_once",),
)  # fmt: skip

SYSTEM = System(
    descriptor=DESCRIPTOR,
    processes={"server": Echo},
    messages=MESSAGES,
    parameters=Parameters,
    twins={"counts_twice": {"server": CountsTwice}},
    checks={"relayed_once": RelayedOnce},
    linearizable=False,
)
