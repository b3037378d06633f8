"""Why a history cannot be read, in Chinese: the readers speak English, the page speaks the reader's language."""

from __future__ import annotations

from simulations.engine.phrases import OF_MSGSPEC, Phrases

PHRASES: tuple[tuple[str, str], ...] = (
    (r"larger than (\d+) bytes", "文件超过 {0} 字节"),
    (r"(\S+) is not a positive number of seconds", "{0} 不是正的秒数"),
    (r"took longer than (\d+) s to read", "读取超过 {0} 秒"),
    (r"not UTF-8: byte (\S+)", "不是 UTF-8 编码：字节 {0}"),
    # Python's reader of JSON
    (r"not JSON: Expecting value", "不是 JSON：这里应为一个值"),
    (r"not JSON: Expecting property name enclosed in double quotes", "不是 JSON：这里应为双引号括起的键"),
    (r"not JSON: Expecting (':'|',') delimiter", "不是 JSON：这里应为 {0}"),
    (r"not JSON: Extra data", "不是 JSON：结尾之后还有内容"),
    (r"not JSON: Illegal trailing comma.*", "不是 JSON：末尾有多余的逗号"),
    (r"not JSON: Unterminated string starting at", "不是 JSON：字符串没有结束"),
    (r"not JSON: Invalid control character.*", "不是 JSON：字符串中有控制字符"),
    (r"not JSON: Invalid \\.*", "不是 JSON：字符串中有无效的转义"),
    (r"not JSON: Unexpected UTF-8 BOM.*", "不是 JSON：开头有两个字节顺序标记"),
    (r"not JSON: Exceeds the limit.*", "不是 JSON：数字太长"),
    (r"not JSON: (\S+) is not a number", "不是 JSON：{0} 不是数字"),
    (r"not JSON: nested too deep", "不是 JSON：嵌套太深"),
    (r"not JSON: half a character \(a lone surrogate\)", "不是 JSON：有半个字符（不成对的代理码位）"),
    # any format
    (r"cannot be told from the beginning; choose one", "无法从开头判断；请选择一种"),
    (r"a mutex is free at first; leave it out", "互斥锁最初是空闲的；请留空"),
    (r"(\d+), the page draws up to (\d+); use manage\.py check_history",
     "{0} 个，本页最多绘制 {1} 个；请用 manage.py check_history"),
    (r"more than (\d+) operations", "操作超过 {0} 个"),
    (r"more than (\d+)", "超过 {0} 个"),
    (r"nested more than (\d+) deep", "嵌套超过 {0} 层"),
    (r"half a character \(a lone surrogate\)", "半个字符（不成对的代理码位）"),
    (r"a number that is not finite", "不是有限的数"),
    (r"(\S+) is not an operation of model (\S+) \((.*)\)", "模型 {1} 没有操作 {0}（只有 {2:、}）"),
    (r"process (.+) invokes again before its operation of line (\d+) completed",
     "进程 {0} 在第 {1} 行的操作完成之前又发起了操作"),
    (r"process (.+) completes an operation it never invoked", "进程 {0} 完成了一个从未发起的操作"),
    (r"process (.+) completes a (\S+), but line (\d+) invoked a (\S+)",
     "进程 {0} 完成的是 {1}，但第 {2} 行发起的是 {3}"),
    (r"process (.+) completes key (.+), invoked (.+)", "进程 {0} 完成的是键 {1}，发起的是键 {2}"),
    (r"operation (.*) is not one of (.*)", "操作 {0} 不在允许的值中：{1:、}"),
    (r"type (.*) is not one of (.*)", "类型 {0} 不在允许的值中：{1:、}"),
    (r"(:\w+) (.*) is not one of (.*)", "{0} 的值 {1} 不在允许的值中：{2:、}"),
    (r"(\S*) is not one of (.*)", "{0} 不在允许的值中：{1:、}"),
    # entries and lines of logs
    (r"an entry is a map such as (.+), not (.*)", "每一项应是映射，例如 {0}，而不是 {1}"),
    (r"(:\S+) is missing", "缺少 {0}"),
    (r":value of a cas is (.+), not (.*)", "cas 的 :value 应为 {0}，而不是 {1}"),
    (r":value of an append is text, not (.*)", "append 的 :value 应为文本，而不是 {0}"),
    (r"not a log line such as '(.+?)': (.*)", "不是日志行（例如“{0}”）：{1}"),
    (r"expected <process> (.+), found (.*)", "应为 <process> {0}，实际是 {1}"),
    (r"the value of a cas is (.+), not (.*)", "cas 的值应为 {0}，而不是 {1}"),
    (r"a value is nil, a number or text, not (.*)", "值应为 nil、数字或文本，而不是 {0}"),
    # fields of our own format
    (r"(\d+) is used twice", "{0} 用了两次"),
    (r"(-?\d+) is not (\d+)", "应为 {1}，而不是 {0}"),
    (r"must not be negative", "不能为负"),
    (r"a cas takes (.+)", "cas 需要 {0}"),
    (r"an append takes text", "append 需要文本"),
    (r"missing, but the outcome is (\S+)", "缺少此项，但 outcome 是 {0}"),
    (r"given, but the outcome is pending", "已给出，但 outcome 是 pending"),
    (r"before invoked_us", "早于 invoked_us"),
    (r"must name every invocation \((.+)\) and completion \((.+)\) once",
     "每个发起（{0}）和每个完成（{1}）都要恰好出现一次"),
    (r"contradicts invoked_us and returned_us", "与 invoked_us 和 returned_us 矛盾"),
    (r"operation (\S+) completes before it is invoked", "操作 {0} 在发起之前就完成了"),
    # EDN
    (r"the file ends inside a value", "文件在一个值的中间结束"),
    (r"unexpected (\S+)", "意外的 {0}"),
    (r"(\S+) is never closed", "{0} 没有闭合"),
    (r"(\S+) of line (\d+) is closed by (\S+)", "第 {1} 行的 {0} 被 {2} 闭合"),
    (r"a map needs a value for every key", "映射中每个键都需要一个值"),
    (r"('#') without a tag", "{0} 后面没有标签"),
    (r"(':') without a name", "{0} 后面没有名称"),
    (r"text is never closed by a quotation mark", "文本缺少结尾的引号"),
    (r"unknown escape (.*) in text", "文本中有未知的转义 {0}"),
    (r"a character is missing after (\S+)", "{0} 后面缺少字符"),
    (r"an integer of more than (\d+) digits", "整数超过 {0} 位"),
    (r"(\S+) is not a number", "{0} 不是数字"),
    (r"Exceeds the limit.*", "数字太长"),
    *OF_MSGSPEC,
)  # fmt: skip
COMPILED = Phrases(PHRASES, otherwise="无法读取")


def in_chinese(reason: str) -> str:
    """The reason of a HistoryFormatError in Chinese."""
    return COMPILED.in_chinese(reason)
