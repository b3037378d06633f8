"""What a system says of a value that it cannot take, in Chinese: the few shapes of sentence that they all use."""

from __future__ import annotations

import re

SHAPES: tuple[tuple[str, str], ...] = (
    (r"a number from (\S+) to (\S+)", r"\1 至 \2 的数字"),
    (r"(?:an integer|a whole number) from (\S+) to (\S+)", r"\1 至 \2 的整数"),
    (r"an integer from (\S+) to (\S+), and no log beside it", r"\1 至 \2 的整数，且不与 log 同时给出"),
    (r"a whole number from (\S+)(?: on)?", r"不小于 \1 的整数"),
    (r"a number from (\S+)", r"不小于 \1 的数字"),
    (r"a number above (\S+), at most (\S+)", r"大于 \1 且不超过 \2 的数字"),
    (r"a number, at least (\S+) \(the number of the votes\)", r"不小于 \1 的数字（投票的编号）"),
    (r"at most (\S+) numbers from (\S+) to (\S+)", r"最多 \1 个 \2 至 \3 的数字"),
    (r"node -> a number from (\S+) to (\S+)", r"节点 -> \1 至 \2 的数字"),
    (r"two numbers, (\S+) <= low <= high <= (\S+)", r"两个数字，\1 <= 低 <= 高 <= \2"),
    (r"seconds, at least (\S+)", r"秒数，不小于 \1"),
    (r"longer than (\w+), else everybody is forgotten between two refreshes",
     r"须长于 \1，否则两次刷新之间所有分片都会被遗忘"),
    (r"one of (.*), or a distribution of milliseconds", r"\1 之一，或毫秒的分布"),
    (r"one of (.*), or \{broken_from_s: seconds\}", r"\1 之一，或 {broken_from_s: 秒数}"),
    (r"true, false or one of (.*)", r"true、false 或 \1 之一"),
    (r"one of (.*)", r"\1 之一"),
    (r"not one of (.*)", r"不是 \1 之一"),
    (r"a list of one or more servers", r"一个或多个服务器的列表"),
    (r"a list of servers", r"服务器的列表"),
    (r"a list of replicas", r"副本的列表"),
    (r"a list of counters above committed", r"大于 committed 的计数的列表"),
    (r"a list of elements, a whole number or a text", r"元素的列表、整数或文本"),
    (r"a list of terms, whole numbers from (\S+) on", r"任期的列表，均为不小于 \1 的整数"),
    (r"a record of from \(1\), to \((\S+) to (\S+)\) and ballot", r"含 from（1）、to（\1 至 \2）与 ballot 的记录"),
    (r"a record of paths \(/name\) and numbers", r"路径（/name）与数字的记录"),
    (r"a record of servers, each 0 or 1", r"服务器的记录，每项为 0 或 1"),
    (r"a record of slots \((\S+) to (\S+)\) and their values", r"槽位（\1 至 \2）及其值的记录"),
    (r"a path such as (\S+)", r"路径，例如 \1"),
    (r"the id of a server", r"服务器的标识"),
    (r"terms never fall and do not exceed the server's term (\S+)", r"任期从不减小，也不超过服务器的任期 \1"),
    (r"the highest counter of committed and uncommitted, in an epoch of at least (\S+)",
     r"committed 与 uncommitted 中最高的计数，且纪元不小于 \1"),
    (r"Expected `(.+)`, got `(.+)`", r"应为 `\1`，实际是 `\2`"),
    (r"Expected `(.+)` of length (\S+ \d+)", r"应为 `\1`，长度 \2"),
    (r"Expected (`.+`.*)", r"应为 \1"),
    (r"Invalid enum value (.*)", r"值 \1 不在允许的范围内"),
    (r"Object missing required field (`.+`)", r"缺少字段 \1"),
    (r"Object contains unknown field (`.+`)", r"未知的字段 \1"),
)  # fmt: skip
_SENTENCE = re.compile(r"((?:[\w., {}]+: )?)(.*?)((?: - at `.*`)?)", re.DOTALL)
_SHAPES = [(re.compile(shape), chinese) for shape, chinese in SHAPES]


def in_chinese(detail: str) -> str:
    """`name: what it must be`, with the name as it is; a sentence of no known shape stays English."""
    name, said, place = _SENTENCE.fullmatch(detail).groups()  # type: ignore[union-attr]  # it always matches
    for shape, chinese in _SHAPES:
        found = shape.fullmatch(said)
        if found:
            where = place.replace(" - at ", "，位于 ")
            return name.replace(": ", "：") + found.expand(chinese) + where
    return detail
