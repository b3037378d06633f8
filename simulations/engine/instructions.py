"""Instructions that several systems understand, as the page offers them."""

from __future__ import annotations

from simulations.engine.process import Asked, Instruction, Text

NODE = Asked("target", "node", Text("node", "节点"))

PROMOTE = Instruction(
    "promote", "promote", Text("Promote", "提升为主"),
    Text("This node takes over, whatever the others say.", "不管其他节点怎么说，由该节点接管。"), (NODE,),
)  # fmt: skip
CAMPAIGN = Instruction(
    "campaign", "campaign", Text("Campaign", "发起竞选"),
    Text("This node asks for votes now.", "该节点立即发起竞选。"), (NODE,),
)  # fmt: skip
BACKUP = Instruction(
    "backup", "backup", Text("Back up now", "立即备份"),
    Text("What this node holds goes to the backup store.", "该节点的数据立即写入备份存储。"), (NODE,),
)  # fmt: skip

TRANSFER = Instruction(
    "transfer", "transfer", Text("Hand over to", "移交给"),
    Text("The leader hands over to this node.", "领导者把职责移交给该节点。"), (NODE,),
)  # fmt: skip
RESTORE = Instruction(
    "restore_backup", "restore_backup", Text("Restore a backup", "恢复备份"),
    Text("This node gets back what the newest backup holds.", "该节点取回最新备份中的数据。"), (NODE,),
)  # fmt: skip


def add_node(hears: str = "all") -> Instruction:
    """A node joins; it is switched on first when it is off."""
    return Instruction(
        "add", "configure", Text("Add a node", "加入节点"),
        Text("It is started when it is off, and gets its share.", "未启动则先启动，并分得它的那一份。"),
        (Asked("add", "node", Text("node", "节点")),), hears, starts="add",
    )  # fmt: skip


def remove_node(hears: str = "all") -> Instruction:
    """A node leaves in good order."""
    return Instruction(
        "remove", "configure", Text("Remove a node", "移除节点"),
        Text("It hands over what it holds and leaves.", "交出所持数据后离开。"),
        (Asked("remove", "node", Text("node", "节点")),), hears,
    )  # fmt: skip
