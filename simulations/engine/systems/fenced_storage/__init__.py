"""A storage that clients of a lock write to, with or without a look at their fencing tokens. See README.md."""

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
from simulations.engine.storage_service import MESSAGES
from simulations.engine.systems.fenced_storage.process import (
    METERS,
    METRICS,
    NOTE_LOST,
    FencedStorage,
    ForgetsTokens,
    NoOverwrittenAck,
    Parameters,
)

DESCRIPTOR = Descriptor(
    name="fenced_storage",
    title=Text("Storage with fencing tokens", "带隔离令牌的存储"),
    paper="Kleppmann, How to do distributed locking, 2016",
    roles=(Role("storage", "square", Text("storage", "存储")),),
    fields=(
        ViewField("role", "role", "volatile", Text("role", "角色")),
        ViewField("values", "text", "persistent", Text("values", "当前值")),
        ViewField("tokens", "text", "persistent", Text("highest token seen", "见过的最高令牌")),
        ViewField("refused", "counter", "volatile", Text("writes fenced off", "被隔离的写入")),
    ),
    messages=(
        MessageSpec("StoreWrite", "request", Text("write", "写入"), ("number", "key", "value", "token")),
        MessageSpec("StoreReply", "reply", Text("write answered", "写入应答"), ("number", "stored"), "stored"),
    ),
    notes={
        "fenced_storage.stored": Note(
            "", "stores {value} of {writer}, token {token}", "存入 {writer} 的 {value}，令牌 {token}"
        ),
        "fenced_storage.fenced": Note(
            "Kleppmann 2016, fencing tokens",
            "refuses {writer}: its token {token} is older than {highest}",
            "拒绝 {writer}：其令牌 {token} 比 {highest} 旧",
        ),
        "fenced_storage.overwritten": NOTE_LOST,
    },
    parameters=(
        Parameter(
            "check_token", "bool", True, Text("check tokens", "检查令牌"),
            Text("Refuse a write whose token is older than one seen before.", "令牌比已见过的旧，就拒绝写入。"),
        ),
    ),
    twins=(
        Twin("forgets_tokens", Text("Forgets tokens at a restart", "重启后忘记令牌"), "on_start", ("no_lost_ack",)),
    ),
    properties=(
        Property("no_lost_ack", "always", Text(
            "No acknowledged write is overwritten by the holder of an older token.",
            "已确认的写入不会被持旧令牌者覆盖。")),
    ),
    default_checks=("no_lost_ack",),
)  # fmt: skip

SYSTEM = System(
    descriptor=DESCRIPTOR,
    processes={"server": FencedStorage},
    messages=MESSAGES,
    parameters=Parameters,
    twins={"forgets_tokens": {"server": ForgetsTokens}},
    checks={NoOverwrittenAck.name: NoOverwrittenAck},
    metrics=METRICS,
    meters=METERS,
    linearizable=False,
)
