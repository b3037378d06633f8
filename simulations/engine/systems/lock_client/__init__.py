"""A worker that writes under a lock. See README.md."""

from __future__ import annotations

from simulations.engine import coordination, storage_service
from simulations.engine.process import Descriptor, MessageSpec, Note, Parameter, Role, System, Text, ViewField
from simulations.engine.systems.lock_client.process import LockClient, Parameters

DESCRIPTOR = Descriptor(
    name="lock_client",
    title=Text("Worker under a lock", "持锁工作者"),
    paper="Kleppmann, How to do distributed locking, 2016; Hunt et al., ZooKeeper, USENIX ATC 2010, section 2.4",
    roles=(
        Role("idle", "plain", Text("idle", "空闲")),
        Role("waiting", "dashed_ring", Text("waits for the lock", "等锁"), short=Text("waiting", "等锁")),
        Role("holding", "double_ring", Text("believes to hold the lock", "自认为持锁"), crown=True,
             short=Text("has the lock", "自认持锁")),
        Role("lost", "dotted_ring", Text("knows that it lost the lock", "得知已失锁"),
             short=Text("lost the lock", "已失锁")),
    ),
    fields=(
        ViewField("role", "role", "volatile", Text("role", "角色")),
        ViewField("token", "index", "volatile", Text("fencing token", "隔离令牌")),
        ViewField("session", "index", "volatile", Text("session", "会话")),
        ViewField("acknowledged", "counter", "volatile", Text("writes acknowledged", "已确认写入")),
        ViewField("refused", "counter", "volatile", Text("writes refused", "被拒写入")),
    ),
    messages=(
        *coordination.SPECS,
        MessageSpec("StoreWrite", "request", Text("write", "写入"), ("number", "key", "value", "token")),
        MessageSpec("StoreReply", "reply", Text("write answered", "写入应答"), ("number", "stored"), "stored"),
    ),
    notes={
        "lock_client.holds": Note("ZooKeeper recipes, locks", "holds the lock, token {token}", "持有锁，令牌 {token}"),
        "lock_client.writes": Note(
            "Kleppmann 2016", "writes with token {token}: believes to hold the lock", "以令牌 {token} 写入：自认为持锁"
        ),
        "lock_client.skips": Note("", "does not write: does not hold the lock", "未持锁，不写入"),
        "lock_client.expired": Note(
            "ZooKeeper Programmer's Guide, sessions",
            "learns only now that its session expired, and lock {token} with it",
            "此刻才得知会话已过期，令牌为 {token} 的锁也已失去",
        ),
    },
    parameters=(
        Parameter("start_s", "float", 0, Text("wants the lock at", "何时要锁"),
                  Text("When it asks for the lock.", "何时请求锁。"), "s", 0, 100_000),
        Parameter("lock", "text", "/lock", Text("lock", "锁"), Text("Path of the lock.", "锁的路径。")),
        Parameter("key", "text", "file", Text("key", "键"), Text("What it writes to.", "写入的键。")),
        Parameter("write_at_s", "list", [], Text("writes at", "写入时刻"),
                  Text("When it writes, if it believes to hold the lock (a list).",
                       "自认为持锁时的写入时刻（列表）。"), "s"),
        Parameter("session_timeout_ms", "float", 2000, Text("session timeout", "会话超时"),
                  Text("Its session ends after so long in silence.", "沉默多久后会话过期。"), "ms", 1, 600_000),
        Parameter("coordinator", "text", "zookeeper", Text("lock service", "锁服务"),
                  Text("The system that keeps the lock.", "提供锁的系统。")),
        Parameter("storage", "text", "fenced_storage", Text("storage", "存储"),
                  Text("The system that it writes to.", "所写入的系统。")),
    ),
)  # fmt: skip

SYSTEM = System(
    descriptor=DESCRIPTOR,
    processes={"server": LockClient},
    messages=(*coordination.MESSAGES, *storage_service.MESSAGES),
    parameters=Parameters,
    linearizable=False,
)
