"""What a person may type to the ensemble, in the words of zkCli (ZooKeeper CLI guide)."""

from __future__ import annotations

from simulations.engine.process import ConsoleCommand, Text

CONSOLE = (
    ConsoleCommand(
        "create", Text("make a znode", "创建 znode"), value="optional",
        flags={"-e": "ephemeral", "-s": "sequential", "-c": "container", "-t=": "ttl_ms"},
    ),
    ConsoleCommand("get", Text("read a znode's data", "读取 znode 的数据"), flags={"-w": "watch"}),
    ConsoleCommand(
        "set", Text("write a znode's data", "写入 znode 的数据"), value="needed", flags={"-v=": "version"}
    ),
    ConsoleCommand("delete", Text("remove a znode", "删除 znode"), flags={"-v=": "version"}),
    ConsoleCommand("ls", Text("list its children", "列出子节点"), flags={"-w": "watch"}),
    ConsoleCommand("stat", Text("its versions, owner and kind", "版本、所有者与类型"), flags={"-w": "watch"}),
    ConsoleCommand("watch", Text("be told once of its next change", "下一次变更时通知一次"), flags={"-m=": "mode"}),
    ConsoleCommand("sync", Text("catch up with the leader first", "先追上领导者")),
)  # fmt: skip

ANSWERS = {
    "NoNode": Text("no such znode", "没有这个 znode"),
    "NodeExists": Text("there is such a znode already", "该 znode 已存在"),
    "BadVersion": Text("the znode has another version by now", "版本不符：该 znode 已被改过"),
    "NotEmpty": Text("the znode has children", "该 znode 还有子节点"),
    "NoChildrenForEphemerals": Text("an ephemeral znode has no children", "临时节点不能有子节点"),
    "BadArguments": Text("no such path, or flags that exclude each other", "路径无效，或标志互相排斥"),
    "SessionExpired": Text("the session is over", "会话已过期"),
    "ConnectionLoss": Text(
        "the connection broke: nobody knows whether it was carried out", "连接中断：不知道是否已执行"
    ),
    "NotHeld": Text("this client does not hold the lock", "此客户端并未持有该锁"),
}

TREE_WORDS = {
    "persistent": Text("persistent", "持久节点"),
    "ephemeral": Text("ephemeral", "临时节点"),
    "container": Text("container", "容器节点"),
    "ttl": Text("TTL", "TTL 节点"),
    "sequential": Text("sequential", "顺序节点"),
    "ttl_ms": Text("lives for (ms)", "存活时间（毫秒）"),
    "version": Text("version", "版本"),
    "session": Text("session", "会话"),
    "owner": Text("session", "会话"),
    "changed": Text("changed at", "最近变更"),
    "children": Text("children", "子节点"),
}
