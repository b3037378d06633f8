"""Horizontal scaling, as the page is told of it."""

from __future__ import annotations

from simulations.engine.instructions import add_node, remove_node
from simulations.engine.process import (
    Asked,
    Descriptor,
    Instruction,
    MessageSpec,
    Note,
    Parameter,
    Property,
    Role,
    Text,
    Twin,
    ViewField,
)
from simulations.engine.systems.sharding import properties
from simulations.engine.systems.sharding.parameters import CHOICES, LIMITS, Parameters

ROLES = (
    Role(
        "spare", "dotted_ring", Text("spare: owns nothing", "备用：不拥有分片"), short=Text("spare", "备用")
    ),
    Role("member", "plain", Text("member: owns shards", "成员：拥有分片"), short=Text("member", "成员")),
    Role(
        "keeper",
        "double_ring",
        Text("keeper of the map", "映射的保管者"),
        crown=True,
        short=Text("map keeper", "保管映射"),
    ),
    Role(
        "giving", "dashed_ring", Text("hands shards over", "正在迁出分片"), short=Text("hands over", "迁出中")
    ),
    Role("taking", "square", Text("receives shards", "正在迁入分片"), short=Text("receives", "迁入中")),
    Role("balancer", "diamond", Text("load balancer", "负载均衡器"), short=Text("balancer", "均衡器")),
    Role("autoscaler", "double_ring", Text("autoscaler", "自动扩缩容器")),
    Role("pods", "square", Text("pool of pods", "Pod 池")),
)

FIELDS = (
    ViewField("members", "set", "persistent", Text("members", "成员")),
    ViewField("keys_held", "counter", "persistent", Text("keys held", "持有的键数")),
    ViewField("role", "role", "volatile", Text("role", "角色")),
    ViewField("epoch", "epoch", "volatile", Text("epoch of the map", "映射的纪元")),
    ViewField("shards_owned", "counter", "volatile", Text("shards owned", "拥有的分片数")),
    ViewField("moving", "text", "volatile", Text("moves under way", "进行中的迁移")),
    ViewField("served", "counter", "volatile", Text("requests answered", "已应答的请求")),
    ViewField("redirects", "counter", "volatile", Text("clients told MOVED", "应答 MOVED 的次数")),
    ViewField("hot", "text", "volatile", Text("hot keys", "热点键")),
    ViewField("cache_hits", "counter", "volatile", Text("answered from the cache", "缓存命中")),
    ViewField("wanted", "counter", "volatile", Text("pods wanted", "期望的 Pod 数")),
    ViewField("ready", "counter", "volatile", Text("pods ready", "就绪的 Pod 数")),
    ViewField("queued", "queue", "volatile", Text("queue of each pod", "各 Pod 的队列长度")),
)

MESSAGES = (
    MessageSpec(
        "Map", "oneway", Text("the whole map", "完整映射"), ("epoch", "members", "salt", "owners", "first")
    ),
    MessageSpec(
        "MapChange",
        "oneway",
        Text("new owner of shards", "分片更换属主"),
        ("epoch", "move", "owner", "shards"),
    ),
    MessageSpec("Beacon", "oneway", Text("epoch of the map", "映射的纪元"), ("epoch",)),
    MessageSpec("AskMap", "request", Text("what is the map?", "请求映射"), ("epoch",)),
    MessageSpec(
        "MoveOut", "request", Text("hand these shards over", "请迁出这些分片"), ("move", "shards", "target")
    ),
    MessageSpec(
        "Copy",
        "request",
        Text("rows of a move", "迁移的数据行"),
        ("move", "attempt", "number", "rows", "padding"),
    ),
    MessageSpec("CopyAck", "reply", Text("rows are on disk", "数据行已落盘"), ("move", "attempt", "number")),
    MessageSpec("Copied", "oneway", Text("everything is copied", "全部复制完毕"), ("move",)),
    MessageSpec(
        "Forward",
        "request",
        Text("request for its owner", "转给属主的请求"),
        ("request", "shard", "epoch", "hops"),
    ),
    MessageSpec(
        "Moved",
        "reply",
        Text("MOVED: not mine", "MOVED：不归我"),
        ("request", "shard", "epoch", "owner", "hops"),
    ),
    MessageSpec("ReadCopy", "request", Text("read of a sub-key", "读取子键"), ("request",)),
    MessageSpec("Fetch", "request", Text("a copy of this row, please", "请求一行的副本"), ("key",)),
    MessageSpec("Fetched", "reply", Text("copy of a row", "一行的副本"), ("key", "row")),
    MessageSpec("Work", "request", Text("request for a pod", "交给 Pod 的请求"), ("request", "pod")),
    MessageSpec("Done", "reply", Text("pod is done", "Pod 已完成"), ("pod",)),
    MessageSpec("Status", "oneway", Text("queues of the ready pods", "就绪 Pod 的队列"), ("queued",)),
    MessageSpec("AskLoad", "request", Text("how much arrived?", "询问负载"), ()),
    MessageSpec("Load", "reply", Text("requests arrived", "到达的请求数"), ("arrived", "pods")),
    MessageSpec("Resize", "oneway", Text("have these members", "调整成员"), ("members",)),
    MessageSpec("Scale", "oneway", Text("have so many pods", "调整 Pod 数"), ("pods",)),
)

REDIS = "Redis Cluster specification"
DYNAMO = "DeCandia et al. 2007, section 6.2"
HPA = "Kubernetes documentation, Horizontal Pod Autoscaling"

NOTES = {
    "sharding.moved": Note(
        REDIS,
        "MOVED: {key} belongs to {owner} since epoch {epoch}; the client's map is old",
        "MOVED：自纪元 {epoch} 起 {key} 归 {owner}，客户端的映射已过时",
    ),
    "sharding.refused": Note(
        REDIS,
        "refused: shard {shard} is not mine, {owner} owns it (epoch {epoch})",
        "拒绝：分片 {shard} 不归我，归 {owner}（纪元 {epoch}）",
    ),
    "sharding.corrected": Note(
        REDIS,
        "the map here was old: shard {shard} belongs to {owner}",
        "本地映射已过时：分片 {shard} 归 {owner}",
    ),
    "sharding.map_behind": Note(
        REDIS,
        "asked by epoch {theirs}, knows only {mine}: asks the keeper before it answers",
        "对方纪元为 {theirs}，本地只到 {mine}：先向保管者询问再作答",
    ),
    "sharding.waits": Note(
        "Clark et al. 2005, stop-and-copy",
        "shard {shard} is being handed over: the request waits",
        "分片 {shard} 正在交接：请求等待",
    ),
    "sharding.gives": Note(
        "Clark et al. 2005, pre-copy",
        "copies {keys} {keys|key|keys} ({shards} of its shards) to {to} and serves them meanwhile",
        "向 {to} 复制 {shards} 个分片的 {keys} 个键，期间继续服务",
    ),
    "sharding.takes": Note(
        "Clark et al. 2005, pre-copy",
        "receives move {move} from {sender}; serves nothing of it before the map says so",
        "从 {sender} 接收迁移 {move}；映射更新之前不提供服务",
    ),
    "sharding.freezes": Note(
        "Clark et al. 2005, stop-and-copy",
        "freezes {shards} of its shards: {rows} changed {rows|row follows|rows follow}, then they have a new owner",
        "冻结 {shards} 个分片：送出最后 {rows} 行后更换属主",
    ),
    "sharding.new_owner": Note(
        REDIS, "epoch {epoch}: {owner} gets {shards} of the shards", "纪元 {epoch}：{shards} 个分片归 {owner}"
    ),
    "sharding.rebalances": Note(
        DYNAMO,
        "{members} {members|member|members} now: {moves} {moves|move is|moves are} ordered",
        "现有 {members} 个成员：下达 {moves} 次迁移",
    ),
    "sharding.unknown": Note("", "no server of this cluster: {nodes}", "不是本集群的服务器：{nodes}"),
    "sharding.unknown_command": Note(
        "", "unknown command {name}; known: move_shards", "未知命令 {name}；可用：move_shards"
    ),
    "sharding.hot": Note(
        "Kleppmann, Designing Data-Intensive Applications, sharding", "hot keys: {keys}", "热点键：{keys}"
    ),
    "sharding.no_pods": Note("", "no pod is ready: refused", "没有就绪的 Pod：拒绝"),
    "sharding.pod_full": Note(
        "Beyer et al., Site Reliability Engineering, chapter 22",
        "the queue of pod {pod} is full: refused at once",
        "Pod {pod} 的队列已满：立即拒绝",
    ),
    "sharding.scales": Note(HPA, "pods: {before} -> {after}", "Pod 数：{before} -> {after}"),
    "sharding.pod_ready": Note(
        HPA, "a pod has started: {ready} are ready", "一个 Pod 启动完成：现有 {ready} 个就绪"
    ),
    "sharding.recommends": Note(
        HPA,
        "{load} {load|request|requests}/s on {pods} {pods|pod|pods}: "
        "{desired} would do, {wanted} {wanted|is|are} wanted",
        "{pods} 个 Pod 承受 {load} 请求/秒：算得 {desired} 个，决定 {wanted} 个",
    ),
    **properties.NOTES,
}

TEXTS: dict[str, tuple[Text, Text, str]] = {
    "placement": (
        Text("placement", "放置方式"),
        Text(
            "How shards are given to members: a ring with virtual nodes, shard modulo N, or evenly with as few moves "
            "as possible.",
            "分片如何分给成员：带虚拟节点的环、分片号对 N 取模，或尽量少迁移的平均分配。",
        ),
        "",
    ),
    "shards": (
        Text("shards", "分片数"),
        Text("Into how many equal parts the hash space is cut.", "哈希空间被切成多少等份。"),
        "",
    ),
    "vnodes": (
        Text("virtual nodes", "虚拟节点数"),
        Text("At how many points of the ring each member stands.", "每个成员在环上占多少个点。"),
        "",
    ),
    "copy_mb_s": (
        Text("copy limit", "复制限速"),
        Text(
            "How fast each owner copies in a move; 0: as fast as it can.",
            "迁移时每个属主的复制速度；0 表示不限。",
        ),
        "MB/s",
    ),
    "epochs": (
        Text("owner epochs", "属主纪元"),
        Text(
            "Servers refuse what they do not own. Off: they trust whoever asks.",
            "服务器拒绝不归自己的请求。关闭时对来者一概信任。",
        ),
        "",
    ),
    "split_ways": (
        Text("split hot keys into", "热点键拆分份数"),
        Text(
            "Reads of a hot key go to so many sub-keys; 1: no splitting.",
            "热点键的读取分到多少个子键；1 表示不拆分。",
        ),
        "",
    ),
    "split_placement": (
        Text("where sub-keys lie", "子键的放置"),
        Text("By the hash of each sub-key, or the members in turn.", "按子键的哈希，或轮流放到各成员。"),
        "",
    ),
    "cache_share": (
        Text("cache hits", "缓存命中率"),
        Text(
            "Share of the reads of a split key that the router answers from its own copy.",
            "路由节点用自己的副本应答的拆分键读取占比。",
        ),
        "",
    ),
    "copy_lease_ms": (
        Text("lease of a copy", "副本租期"),
        Text(
            "How long a copy of a hot row is served before it is fetched again.",
            "热点行的副本可用多久，之后重新获取。",
        ),
        "ms",
    ),
    "beacon_ms": (
        Text("beacon", "信标间隔"),
        Text("How often the keeper tells the epoch of its map.", "保管者多久通告一次映射的纪元。"),
        "ms",
    ),
    "policy": (
        Text("balancing policy", "均衡策略"),
        Text("How the balancer chooses a pod.", "均衡器如何选择 Pod。"),
        "",
    ),
    "autoscaler": (
        Text("autoscaler", "自动扩缩容"),
        Text("Whether the autoscaler changes the number of pods.", "是否自动调整 Pod 数。"),
        "",
    ),
    "pods": (
        Text("pods", "Pod 数"),
        Text("Ready pods of a pool at its start.", "池启动时就绪的 Pod 数。"),
        "",
    ),
    "pods_max": (
        Text("most pods", "Pod 上限"),
        Text("A pool never has more.", "一个池的 Pod 数不超过此值。"),
        "",
    ),
    "pod_rps": (
        Text("a pod's capacity", "单个 Pod 的能力"),
        Text(
            "Requests a second that a pod serves, and the autoscaler's target.",
            "每秒处理的请求数，也是扩缩容的目标。",
        ),
        "/s",
    ),
    "pod_queue": (
        Text("a pod's queue", "Pod 队列长度"),
        Text("More requests than this are refused.", "超出的请求被拒绝。"),
        "",
    ),
    "pod_start_s": (
        Text("start of a pod", "Pod 启动时间"),
        Text("How long a new pod takes until it is ready.", "新 Pod 多久后就绪。"),
        "s",
    ),
    "sync_s": (
        Text("sync period", "同步周期"),
        Text("How often the autoscaler measures and decides.", "多久测量并决策一次。"),
        "s",
    ),
    "tolerance": (
        Text("tolerance", "容忍度"),
        Text("Deviations up to this share change nothing.", "偏差不超过此比例时不调整。"),
        "",
    ),
    "stabilization_s": (
        Text("stabilization window", "稳定窗口"),
        Text(
            "Pods are taken away only to the highest recommendation of this window.",
            "缩容时取此窗口内的最高建议值。",
        ),
        "s",
    ),
    "noise": (
        Text("noise of the measurement", "测量噪声"),
        Text("Standard deviation of a measurement, as a share of it.", "测量值的相对标准差。"),
        "",
    ),
}


def parameter(name: str) -> Parameter:
    """The description of one parameter; its default and limits are those of the code."""
    title, help, unit = TEXTS[name]
    default = getattr(Parameters(), name)
    if name in CHOICES:
        return Parameter(name, "choice", default, title, help, choices=CHOICES[name])
    if isinstance(default, bool):
        return Parameter(name, "bool", default, title, help)
    kind = "int" if Parameters.__annotations__[name] == "int" else "float"
    return Parameter(name, kind, default, title, help, unit, *LIMITS[name])


TWINS = (
    Twin(
        "no_epoch_check",
        Text("Trusts old maps", "相信过时的映射"),
        "on_forward",
        ("one_owner_per_shard",),
    ),
    Twin(
        "never_freezes",
        Text("Serves until it hears of the new owner", "得知新属主之前一直服务"),
        "freeze",
        ("one_owner_per_shard",),
    ),
    Twin(
        "skips_writes",
        Text("The copy skips writes that arrive meanwhile", "复制时漏掉期间到达的写入"),
        "mark_dirty",
        ("no_lost_ack",),
    ),
    Twin(
        "forgets_freeze",
        Text("Forgets at a restart what it had frozen", "重启后忘记已冻结的分片"),
        "replay",
        ("one_owner_per_shard",),
    ),
    Twin(
        "no_stabilization",
        Text("Shrinks at once", "立即缩容"),
        "stabilized",
        ("steady_scaling",),
    ),
)

DESCRIPTOR = Descriptor(
    name="sharding",
    title=Text("Horizontal scaling", "水平扩展"),
    paper=(
        "Karger et al., Consistent hashing and random trees, 1997; DeCandia et al., Dynamo, 2007; Redis Cluster "
        "specification; Kubernetes documentation, horizontal pod autoscaling"
    ),
    roles=ROLES,
    fields=FIELDS,
    messages=MESSAGES,
    notes=NOTES,
    parameters=tuple(parameter(name) for name in Parameters.__struct_fields__),
    twins=TWINS,
    properties=(
        Property(
            "one_owner_per_shard",
            "always",
            Text("No two servers answer for one shard.", "没有两台服务器同时负责一个分片。"),
        ),
        Property(
            "no_lost_ack",
            "always",
            Text("An acknowledged write survives every move.", "已确认的写入在任何迁移后都在。"),
        ),
        Property(
            "steady_scaling",
            "always",
            Text(
                "Pods that were added stay for the stabilization window.", "新增的 Pod 至少保留一个稳定窗口。"
            ),
        ),
        Property(
            "moves_finish",
            "eventually",
            Text(
                "Every move that was ordered ends, when all servers run.",
                "服务器都在运行时，下达的迁移终会完成。",
            ),
        ),
    ),
    default_checks=("one_owner_per_shard", "no_lost_ack"),
    instructions=(
        add_node(),
        remove_node(),
        Instruction(
            "move_shards",
            "command",
            Text("Move shards", "迁移分片"),
            Text(
                "Hands shards to a node, whatever the placement says.", "不管放置规则，把分片交给某个节点。"
            ),
            (
                Asked("shards", "numbers", Text("shards", "分片"), default=[0]),
                Asked("to", "node", Text("to", "目标")),
            ),
        ),
    ),
)
