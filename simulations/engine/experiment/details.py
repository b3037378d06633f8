"""What a system says of a value that it cannot take, in Chinese: the few shapes of sentence that they all use."""

from __future__ import annotations

from simulations.engine.phrases import OF_MSGSPEC, Phrases

SHAPES: tuple[tuple[str, str], ...] = (
    (r"a number from (\S+) to (\S+)", "{0} 至 {1} 的数字"),
    (r"(?:an integer|a whole number) from (\S+) to (\S+)", "{0} 至 {1} 的整数"),
    (r"an integer from (\S+) to (\S+), and no log beside it", "{0} 至 {1} 的整数，且不与 log 同时给出"),
    (r"a whole number from (\S+)(?: on)?", "不小于 {0} 的整数"),
    (r"a number from (\S+)", "不小于 {0} 的数字"),
    (r"a number above (\S+), at most (\S+)", "大于 {0} 且不超过 {1} 的数字"),
    (r"a number, at least (\S+) \(the number of the votes\)", "不小于 {0} 的数字（投票的编号）"),
    (r"at most (\S+) numbers from (\S+) to (\S+)", "最多 {0} 个 {1} 至 {2} 的数字"),
    (r"node -> a number from (\S+) to (\S+)", "节点到数字（{0} 至 {1}）的映射"),
    (r"two numbers, (\S+) <= low <= high <= (\S+)", "两个数字，{0} <= 低 <= 高 <= {1}"),
    (r"seconds, at least (\S+)", "秒数，不小于 {0}"),
    (r"longer than (\w+), else everybody is forgotten between two refreshes",
     "须长于 {0}，否则两次刷新之间所有分片都会被遗忘"),
    (r"one of (.*), or a distribution of milliseconds", "{0:、} 之一，或毫秒的分布"),
    (r"one of (.*), or \{broken_from_s: seconds\}", "{0:、} 之一，或 {{broken_from_s: 秒数}}"),
    (r"true, false or one of (.*)", "true、false 或 {0:、} 之一"),
    (r"one of (.*)", "{0:、} 之一"),
    (r"not one of (.*)", "不是 {0:、} 之一"),
    (r"a list of one or more servers", "一个或多个服务器的列表"),
    (r"a list of servers", "服务器的列表"),
    (r"a list of replicas", "副本的列表"),
    (r"a list of counters above committed", "大于 committed 的计数的列表"),
    (r"a list of elements, a whole number or a text", "元素的列表、整数或文本"),
    (r"a list of terms, whole numbers from (\S+) on", "任期的列表，均为不小于 {0} 的整数"),
    (r"a record of from \(1\), to \((\S+) to (\S+)\) and ballot", "含 from（1）、to（{0} 至 {1}）与 ballot 的记录"),
    (r"a record of paths \(/name\) and numbers", "以路径（/name）为键、数字为值的记录"),
    (r"a record of servers, each 0 or 1", "以服务器为键的记录，每项为 0 或 1"),
    (r"a record of slots \((\S+) to (\S+)\) and their values", "槽位（{0} 至 {1}）及其值的记录"),
    (r"a path such as (\S+)", "路径，例如 {0}"),
    (r"the id of a server", "服务器的标识"),
    (r"terms never fall and do not exceed the server's term (\S+)", "任期从不减小，也不超过服务器的任期 {0}"),
    (r"the highest counter of committed and uncommitted, in an epoch of at least (\S+)",
     "committed 与 uncommitted 中最高的计数，且纪元不小于 {0}"),
    (r"(\S+) is not one of (.+)", "{0} 不在允许的值中：{1:、}"),
    (r"(\S+) is before (\S+)", "{0} 早于 {1}"),
    (r"\"?(\S+) sends to (\S+), which is no address of this world\"?", "{0} 向 {1} 发送，但这里没有这个地址"),
    *OF_MSGSPEC,
)  # fmt: skip
COMPILED = Phrases(SHAPES, otherwise="原文")


def in_chinese(detail: str) -> str:
    """`name: what it must be`, with the name as it is; what has no known shape is quoted, and called a quotation."""
    if not detail:
        return ""
    said, at, place = detail.partition(" - at ")
    return COMPILED.in_chinese(said) + (f"，位于 {place}" if at else "")
