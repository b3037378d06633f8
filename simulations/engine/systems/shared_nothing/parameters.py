"""The parameters of a shared-nothing cluster."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from simulations.engine.process import Parameter, Text


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """``shards``: disjoint parts of the keys; ``replicas``: servers that hold each; ``directory``: whether requests go
    through a directory. Servers say every ``refresh_s`` that they run; what was heard is forgotten after ``ttl_s``. A
    request that a server does not answer within ``patience_ms`` is answered without it (``degraded_answers``: reads
    with what is remembered, labelled). ``backup_every_s`` (0: never); ``restore_keys_per_s``: how fast a restore
    goes. Where a key lies is settled by the first two: data does not move."""

    fixed: ClassVar[tuple[str, ...]] = ("shards", "replicas")

    shards: int = 4
    replicas: int = 1
    directory: bool = False
    refresh_s: float = 0.1
    ttl_s: float = 0.35
    patience_ms: float = 100
    degraded_answers: bool = False
    backup_every_s: float = 0
    restore_keys_per_s: float = 1000

    def __post_init__(self) -> None:
        limits = {
            "shards": (1, 1000), "replicas": (1, 10), "refresh_s": (0.001, 3600), "ttl_s": (0.001, 3600),
            "patience_ms": (1, 600_000), "backup_every_s": (0, 86_400), "restore_keys_per_s": (1, 1e9),
        }  # fmt: skip
        for name, (low, high) in limits.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name}: a number from {low} to {high}")
        if self.ttl_s <= self.refresh_s:
            raise ValueError(
                "ttl_s: longer than refresh_s, else everybody is forgotten between two refreshes"
            )


DESCRIBED = (
    Parameter(
        "shards", "int", 4, Text("shards", "分片数"),
        Text("Disjoint parts of the keys, one home server each.", "互不相交的键集合，各归一台服务器。"),
        "", 1, 1000,
    ),
    Parameter(
        "replicas", "int", 1, Text("copies of each shard", "每个分片的份数"),
        Text("Servers that hold each shard; a write waits for all of them that run.",
             "持有每个分片的服务器数；写入等待其中所有在运行的服务器。"), "", 1, 10,
    ),
    Parameter(
        "directory", "bool", False, Text("directory", "目录"),
        Text("Requests go through a directory that learns from heartbeats who serves what.",
             "请求经由目录转发；目录凭心跳得知谁负责什么。"),
    ),
    Parameter(
        "refresh_s", "float", 0.1, Text("refresh interval", "刷新间隔"),
        Text("How often a server says that it runs.", "服务器上报自身在运行的间隔。"), "s", 0.001, 3600,
    ),
    Parameter(
        "ttl_s", "float", 0.35, Text("time to live", "存活时间"),
        Text("After this long without a word a server counts as gone.", "多久没有消息就视为失联。"), "s", 0.001, 3600,
    ),
    Parameter(
        "patience_ms", "float", 100, Text("patience", "等待时限"),
        Text("How long a server's answer is waited for.", "等待服务器应答的时间。"), "ms", 1, 600_000,
    ),
    Parameter(
        "degraded_answers", "bool", False, Text("degraded answers", "降级应答"),
        Text("When a shard is gone: reads get what is remembered, labelled; writes are refused, labelled.",
             "分片不可用时：读取返回记忆中的值并注明，写入被拒绝并注明。"),
    ),
    Parameter(
        "backup_every_s", "float", 0, Text("backup interval", "备份间隔"),
        Text("How often what changed goes to the backup store; 0: never.", "把变更送往备份存储的间隔；0 表示从不。"),
        "s", 0, 86_400,
    ),
    Parameter(
        "restore_keys_per_s", "float", 1000, Text("restore rate", "恢复速率"),
        Text("Keys a second when an operator restores a backup.", "运维人员恢复备份时每秒处理的键数。"), "/s", 1, 1e9,
    ),
)  # fmt: skip
