"""Gossip as data: what the page, the validator and the checks need to know."""

from __future__ import annotations

from simulations.engine.instructions import add_node, remove_node
from simulations.engine.process import Descriptor, MessageSpec, Note, Property, Role, Text, Twin, ViewField
from simulations.engine.systems.gossip.parameters import DESCRIBED

NOTES = {
    "gossip.accepted": Note(
        "Demers et al. 1987, section 1.4",
        "hears {value} from a client and will tell it",
        "从客户端得知 {value}，将传播它"
    ),
    "gossip.dies": Note(
        "Demers et al. 1987, section 1.4",
        "loses interest in {rumour}: it is no longer pushed here",
        "对 {rumour} 失去兴趣，不再传播",
    ),
    "gossip.repairs": Note(
        "Demers et al. 1987, section 1.3",
        "compares with {peer} and sends what it lacks, {count} in number",
        "比对发现 {peer} 缺少 {count} 个值：发送给它",
    ),
    "gossip.tells": Note("", "tells the others that {node} leaves", "告知其他节点 {node} 离开"),
    "gossip.join": Note("", "hears that {node} has joined", "得知 {node} 加入"),
    "gossip.leave": Note("", "hears that {node} has left: tells it nothing more", "得知 {node} 离开：不再向它传播"),
    "gossip.invented": Note(
        "", "{process} knows {value}, which no client ever said", "{process} 知道 {value}，但没有客户端说过", "check"
    ),
    "gossip.twice": Note("", "{process} counts the same news twice", "{process} 把同一消息计了两次", "check"),
}  # fmt: skip

DESCRIPTOR = Descriptor(
    name="gossip",
    title=Text("Gossip", "流言协议（Gossip）"),
    paper="Demers et al., Epidemic algorithms for replicated database maintenance, 1987",
    roles=(
        Role("idle", "plain", Text("has nothing to tell", "无事可传"), short=Text("idle", "无事可传")),
        Role("spreading", "double_ring", Text("spreads a rumour", "正在传播流言"), short=Text("spreading", "传播中")),
        Role("left", "dotted_ring", Text("has left", "已离开")),
    ),
    fields=(
        ViewField("values", "log", "persistent", Text("all it has heard", "所知的一切"), counted=True),
        ViewField("role", "role", "volatile", Text("role", "角色")),
        ViewField("hot", "text", "volatile", Text("rumours it pushes, and their age", "正在传播的流言及其轮数")),
        ViewField("known", "index", "volatile", Text("known without a gap, by origin", "各来源连续已知的条数")),
        ViewField("data", "text", "volatile", Text("values", "值")),
        ViewField("state_hash", "hash", "volatile", Text("state hash", "状态哈希")),
        ViewField("members", "set", "volatile", Text("members it gossips with", "传播对象"), "gossips_with"),
        ViewField("round", "timer", "volatile", Text("next round", "下一轮")),
        ViewField("repair", "timer", "volatile", Text("next comparison", "下次比对")),
        ViewField("batch", "timer", "volatile", Text("passes a batch on", "转发一批")),
    ),
    messages=(
        MessageSpec("Push", "oneway", Text("have you heard?", "听说了吗？"), ("rumours", "ages")),
        MessageSpec("Known", "reply", Text("old news", "早已知道"), ("names",)),
        MessageSpec("Relay", "oneway", Text("along the tree", "沿树传递"), ("rumours",)),
        MessageSpec("Digest", "request", Text("what I know", "我知道的"), ("known", "pull", "push")),
        MessageSpec("Repair", "reply", Text("what you lack", "你所缺的"), ("rumours",)),
    ),
    notes=NOTES,
    parameters=DESCRIBED,
    twins=(
        Twin("no_anti_entropy", Text("Rumours without anti-entropy", "只有流言，没有反熵"), "compares",
             ("replicas_equal",)),
        Twin("overlooks_gaps", Text("A digest that claims too much", "摘要夸大所知"), "advance",
             ("replicas_equal",)),
    ),
    properties=(
        Property("nothing_invented", "always", Text(
            "Every value that a node knows was said by a client.", "节点所知的每个值都由某个客户端说过。")),
        Property("replicas_equal", "eventually", Text(
            "Without news all nodes come to know the same.", "没有新消息时，所有节点最终所知相同。")),
    ),
    default_checks=("nothing_invented",),
    instructions=(add_node(), remove_node()),
)  # fmt: skip
