"""The parameters and notes in words: what the page shows and the validator checks."""

from __future__ import annotations

from simulations.engine.process import Note, Parameter, Text
from simulations.engine.systems.microservices.parameters import NUMBERS, WORDS, Parameters

DEFAULTS = Parameters()


def number(name: str, title: tuple[str, str], help: tuple[str, str], unit: str = "") -> Parameter:
    """A number: whole when its default is."""
    default = getattr(DEFAULTS, name)
    low, high = NUMBERS[name]
    is_whole = Parameters.__annotations__[name] == "int"
    return Parameter(
        name, "int" if is_whole else "float", default, Text(*title), Text(*help), unit, low, high
    )


def word(name: str, title: tuple[str, str], help: tuple[str, str]) -> Parameter:
    return Parameter(name, "choice", getattr(DEFAULTS, name), Text(*title), Text(*help), choices=WORDS[name])


def flag(name: str, title: tuple[str, str], help: tuple[str, str]) -> Parameter:
    return Parameter(name, "bool", getattr(DEFAULTS, name), Text(*title), Text(*help))


def table(name: str, title: tuple[str, str], help: tuple[str, str]) -> Parameter:
    """A list or a table."""
    default = getattr(DEFAULTS, name)
    return Parameter(
        name, "json", list(default) if isinstance(default, tuple) else default, Text(*title), Text(*help)
    )


PARAMETERS = (
    number(
        "pool",
        ("threads", "线程数"),
        ("Work an instance does at once; the rest waits.", "实例同时处理的工作数，其余排队。"),
    ),
    table(
        "pools",
        ("bulkheads", "舱壁隔离"),
        ("Threads of its own for a route.", "为某条路由单独保留的线程数。"),
    ),
    table(
        "routes",
        ("routes", "路由"),
        (
            "Route (a request's key or kind) and the process that serves it.",
            "路由（请求的键或类型）及为其服务的进程。",
        ),
    ),
    table(
        "calls",
        ("dependencies", "依赖"),
        ("Processes that it calls for every request, in order.", "处理每个请求时依次调用的进程。"),
    ),
    number(
        "service_ms",
        ("service time", "服务时间"),
        ("How long a thread works on a request.", "线程处理一个请求的时间。"),
        "ms",
    ),
    word(
        "service",
        ("service times", "服务时间分布"),
        ("All alike, or exponential around the mean.", "恒定，或按指数分布。"),
    ),
    number(
        "capacity",
        ("capacity", "处理能力"),
        (
            "Requests a second of a single thread; 0: threads and service time decide.",
            "单线程每秒请求数；0 表示由线程数与服务时间决定。",
        ),
        "/s",
    ),
    word(
        "queue", ("queue order", "队列顺序"), ("Oldest first, or newest first.", "先到先处理，或后到先处理。")
    ),
    number(
        "queue_bound",
        ("queue bound", "队列上限"),
        ("Longer queues refuse; 0: no bound.", "超出则拒绝；0 表示不限。"),
    ),
    flag(
        "drop_expired",
        ("drop expired", "丢弃过期请求"),
        ("Do not begin what has waited beyond its deadline.", "等待超过期限的请求不再处理。"),
    ),
    number(
        "deadline_ms",
        ("deadline", "期限"),
        ("How long a request is worth doing.", "请求在多长时间内仍值得处理。"),
        "ms",
    ),
    number(
        "timeout_ms",
        ("call timeout", "调用超时"),
        ("How long an answer is waited for; 0: for ever.", "等待应答的时间；0 表示一直等。"),
        "ms",
    ),
    number(
        "attempts",
        ("attempts", "尝试次数"),
        ("Tries at one call, the first included.", "一次调用的尝试次数，含首次。"),
    ),
    Parameter(
        "retry_at",
        "text",
        DEFAULTS.retry_at,
        Text("who retries", "由谁重试"),
        Text(
            "every_layer, or the one process that retries.", "every_layer（每一层），或唯一负责重试的进程。"
        ),
    ),
    number(
        "retry_budget",
        ("retry budget", "重试预算"),
        (
            "Retries per first try over time; 100: no limit worth the name.",
            "长期平均每次首试允许的重试数；100 等于不限。",
        ),
    ),
    number(
        "backoff_ms",
        ("backoff", "退避"),
        ("Pause before the first retry; doubled each time.", "首次重试前的等待，之后每次加倍。"),
        "ms",
    ),
    number(
        "backoff_limit_ms",
        ("longest backoff", "最长退避"),
        ("The doubling ends here.", "加倍到此为止。"),
        "ms",
    ),
    word("jitter", ("jitter", "抖动"), ("How much of the pause is random.", "等待时间中随机的部分。")),
    table(
        "breaker",
        ("circuit breaker", "熔断器"),
        (
            "window_s or window_calls, minimum_requests, error_share, slow_share, slow_call_ms, sleep_s, "
            "half_open_calls, half_open_s; nothing: off.",
            "window_s 或 window_calls、minimum_requests、error_share、slow_share、slow_call_ms、"
            "sleep_s、half_open_calls、half_open_s；留空则关闭。",
        ),
    ),
    flag(
        "fallback",
        ("fallback", "降级应答"),
        ("Answer with a substitute when a dependency cannot be had.", "依赖不可用时以替代结果应答。"),
    ),
    word(
        "shedding",
        ("load shedding", "过载丢弃"),
        (
            "Whom to refuse when work waits too long: nobody, what comes while the "
            "queue is slow, at random, or the least important.",
            "等待过久时拒绝谁：不拒绝、队列缓慢时拒绝新请求、随机、最不重要的。",
        ),
    ),
    number(
        "overload_wait_ms",
        ("overload", "过载阈值"),
        ("Waiting for a thread longer than this is overload.", "等待线程超过此值即为过载。"),
        "ms",
    ),
    number(
        "crash_wait_ms",
        ("heavy overload", "严重过载阈值"),
        ("Waiting longer than this wears an instance out.", "等待超过此值会拖垮实例。"),
        "ms",
    ),
    number(
        "crash_after_overload_s",
        ("crash after", "多久后崩溃"),
        ("Heavy overload for so long, and it crashes; 0: never.", "严重过载持续这么久就崩溃；0 表示不会。"),
        "s",
    ),
    table(
        "priorities",
        ("priorities", "优先级"),
        (
            "Route and its business priority, 1 (most important) to 8.",
            "路由及其业务优先级，1（最重要）到 8。",
        ),
    ),
    number(
        "fail_share",
        ("share of failures", "失败比例"),
        ("Share of the requests that go wrong here.", "在此处失败的请求比例。"),
    ),
    table(
        "backends",
        ("backends", "后端"),
        (
            "Whom a balancer asks; empty: every server and container.",
            "均衡器的后端；留空为所有服务器与容器。",
        ),
    ),
    word("policy", ("balancing", "均衡策略"), ("Who gets the next request.", "下一个请求交给谁。")),
    number(
        "calls_per_request",
        ("calls per request", "每请求调用数"),
        ("Backends asked at once for a request.", "每个请求同时询问的后端数。"),
    ),
    number(
        "needed",
        ("answers needed", "所需应答数"),
        ("Good answers a request needs; 0: all.", "请求所需的成功应答数；0 表示全部。"),
    ),
    word(
        "health",
        ("health check", "健康检查"),
        ("Shallow: is somebody there? Deep: does the work go well?", "浅：有人应答吗？深：工作正常吗？"),
    ),
    number(
        "health_check_s",
        ("health check every", "健康检查间隔"),
        ("0: no health checks.", "0 表示不检查。"),
        "s",
    ),
    number(
        "unhealthy_after",
        ("unhealthy after", "判定不健康"),
        ("Checks in a row that must fail.", "需连续失败的检查次数。"),
    ),
    number(
        "phi",
        ("suspicion threshold", "怀疑阈值"),
        (
            "Above 0: judge the silence by the phi accrual detector instead.",
            "大于 0 时改用 φ 累积故障检测器。",
        ),
    ),
    flag(
        "outlier_ejection",
        ("outlier ejection", "剔除异常节点"),
        ("Eject backends whose answers are worse than the others'.", "剔除应答明显差于其余的后端。"),
    ),
    number(
        "ejection_interval_s",
        ("ejection interval", "剔除判定间隔"),
        ("How often answers are compared.", "多久比较一次应答。"),
        "s",
    ),
    number(
        "ejection_s",
        ("ejection time", "剔除时长"),
        ("How long it stays out; longer each time.", "剔除多久，逐次延长。"),
        "s",
    ),
    number(
        "ejection_requests", ("enough answers", "最少应答数"), ("Fewer are not judged.", "少于此数不作判定。")
    ),
    number(
        "ejection_margin",
        ("ejection margin", "剔除界限"),
        ("Worse than the others by this share of errors.", "错误比例高出其余的幅度。"),
    ),
    number(
        "chain",
        ("services in series", "串联的服务数"),
        ("Services that every request passes, one after another.", "每个请求依次经过的服务数。"),
    ),
    word(
        "deploy",
        ("deployment", "发布方式"),
        ("All at once, one after another, or a canary first.", "全部同时、逐个滚动，或先发金丝雀。"),
    ),
    number(
        "canary_share",
        ("canary's share", "金丝雀流量"),
        ("Share of the requests that the canary gets.", "金丝雀承接的请求比例。"),
    ),
    number(
        "rollback_after_s",
        ("watch for", "观察时长"),
        (
            "How long a step is watched before going on or back; at least as long as health checks need to tell.",
            "每步观察多久再决定继续或回滚；不短于健康检查得出结论所需的时间。",
        ),
        "s",
    ),
    number(
        "restart_s",
        ("restart takes", "重启时间"),
        (
            "How long a container takes to start; pauses after crashes double.",
            "容器启动所需时间；崩溃后的等待逐次加倍。",
        ),
        "s",
    ),
    table(
        "keys",
        ("keys and quotas", "密钥与配额"),
        ("App and its requests a second; empty: everybody may ask.", "应用及其每秒请求配额；留空则不限制。"),
    ),
    number(
        "cache_ttl_s",
        ("kept in the cache", "缓存时长"),
        ("How long a cached answer is used.", "缓存结果的使用时长。"),
        "s",
    ),
    number("cache_keys", ("cache size", "缓存容量"), ("Keys that a cache remembers.", "缓存记住的键数。")),
)

NYGARD, SRE, AWS = (
    "Nygard, Release It!, ch. 5",
    "Site Reliability Engineering, ch. 22",
    "AWS Builders' Library, retries",
)
DAGOR, GRAY, ENVOY = "Zhou et al. 2018, section 4", "Huang et al. 2017", "Envoy, outlier detection"
BORG, CANARY = "Burns et al. 2016", "SRE Workbook, ch. 16"

NOTES = {
    "microservices.no_thread": Note(
        NYGARD,
        "all {threads} {threads|thread|threads} for {lane} are busy: work begins to wait",
        "{lane}的 {threads} 个线程全忙，工作开始排队",
        words={"*": Text("all routes", "所有路由")},
    ),
    "microservices.timeout": Note(
        AWS, "no answer from {to} in time: the thread is free again", "{to} 未按时应答：线程得以释放"
    ),
    "microservices.retries": Note(
        AWS, "tries {to} again: attempt {attempt}", "再次尝试 {to}：第 {attempt} 次"
    ),
    "microservices.breaker_open": Note(
        NYGARD,
        "breaker to {to} opens: {rate} % of the calls failed",
        "到 {to} 的熔断器断开：{rate}% 的调用失败",
    ),
    "microservices.breaker_half_open": Note(
        NYGARD, "breaker to {to} is half open: a few calls may try", "到 {to} 的熔断器半开：放行少量试探调用"
    ),
    "microservices.breaker_closed": Note(
        NYGARD, "breaker to {to} closes: the trial went well", "到 {to} 的熔断器闭合：试探成功"
    ),
    "microservices.sheds": Note(
        DAGOR, "sheds a request of {route}, priority {priority}", "丢弃 {route} 的请求，优先级 {priority}"
    ),
    "microservices.overloaded": Note(
        DAGOR, "overloaded: work waited {waited_ms} ms for a thread", "过载：工作等待线程 {waited_ms} 毫秒"
    ),
    "microservices.crashed": Note(
        SRE,
        "crashes after lasting overload; its load falls on the others",
        "持续过载后崩溃，负载转到其余实例",
        "warning",
    ),
    "microservices.restarts": Note(
        BORG,
        "the supervisor starts it again in {pause_ms} ms (time {times})",
        "监管进程将在 {pause_ms} 毫秒后重启它（第 {times} 次）",
    ),
    "microservices.deploys": Note(BORG, "stops, and starts version {version}", "停止并启动版本 {version}"),
    "microservices.no_key": Note(
        "API gateway", "refused: {app} shows no valid key", "拒绝：{app} 没有有效的密钥"
    ),
    "microservices.over_quota": Note(
        "API gateway", "refused: {app} is over its quota", "拒绝：{app} 超出配额"
    ),
    "microservices.no_backend": Note(SRE, "no backend is left to ask", "没有可用的后端", "warning"),
    "microservices.unhealthy": Note(
        GRAY,
        "{backend} missed {misses} health {misses|check|checks}: it gets no more requests",
        "{backend} 连续 {misses} 次健康检查失败：不再分配请求",
    ),
    "microservices.healthy": Note(
        GRAY, "{backend} passes its health check again", "{backend} 重新通过健康检查"
    ),
    "microservices.ejected": Note(
        ENVOY,
        "{backend} is ejected: {percent} % of its answers were errors, though its health checks pass",
        "剔除 {backend}：健康检查虽通过，但 {percent}% 的应答出错",
    ),
    "microservices.readmitted": Note(ENVOY, "{backend} may answer again", "{backend} 重新参与应答"),
    "microservices.rollout_begins": Note(
        CANARY,
        "rollout of {version} begins: {way}",
        "开始发布 {version}：{way}",
        words={
            "all_at_once": Text("all at once", "一次全部"),
            "rolling": Text("rolling", "滚动"),
            "canary": Text("canary", "金丝雀"),
        },
    ),
    "microservices.rollout_done": Note(CANARY, "{version} runs everywhere", "{version} 已全部发布"),
    "microservices.rolls_back": Note(
        CANARY,
        "{version} failed {bad} of {total} {total|request|requests}: back to the old version",
        "{version} 在 {total} 个请求中失败 {bad} 个：回滚",
        "warning",
    ),
    "microservices.rolls_back_unhealthy": Note(
        CANARY,
        "{version} does not pass health checks on {backends}: back to the old version",
        "{version} 在 {backends} 上未通过健康检查：回滚",
        "warning",
    ),
    "microservices.rolled_back": Note(CANARY, "{version} runs again", "{version} 重新运行"),
    "microservices.rollout_interrupted": Note(
        CANARY,
        "died in the middle of a rollout of {version}: takes it back",
        "发布 {version} 途中宕机：回滚",
        "warning",
    ),
    "microservices.over_budget": Note(
        AWS,
        "{retried} {retried|retry|retries} where the budget allows {allowed}",
        "重试 {retried} 次，而预算只允许 {allowed} 次",
        "warning",
    ),
    "microservices.never_closes": Note(
        NYGARD,
        "{good} {good|trial|trials} in a row went well, and the breaker is {state}",
        "连续 {good} 次试探成功，熔断器却是 {state}",
        "warning",
    ),
    "microservices.drops_important": Note(
        DAGOR,
        "priority {refused} was refused while priority {admitted} was let in",
        "优先级 {refused} 被拒绝，而优先级 {admitted} 被放行",
        "warning",
    ),
    "microservices.check_lies": Note(
        GRAY,
        "{passed} deep health {passed|check|checks} in a row passed while every request failed ({failed})",
        "所有请求都失败（{failed} 个）时，深度健康检查仍连续通过 {passed} 次",
        "warning",
    ),
}
