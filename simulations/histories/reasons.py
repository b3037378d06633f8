"""Why a history cannot be read, in Chinese: the readers speak English, the page speaks the reader's language."""

from __future__ import annotations

from simulations.phrases import Phrases

PHRASES: tuple[tuple[str, str], ...] = (
    (r"larger than (\d+) bytes", "文件超过 {0} 字节"),
    (r"not UTF-8: byte (\S+)", "不是 UTF-8 编码：字节 {0}"),
    (r"not JSON: nested too deep", "不是 JSON：嵌套太深"),
    (r"not JSON: (.*)", "不是 JSON：{0}"),
    (r"more than (\d+) operations", "操作超过 {0} 个"),
    (r"operations: more than (\d+)", "operations：超过 {0} 个"),
    (r"(\S+) is not an operation of model (\S+) \((.*)\)", "模型 {1} 没有操作 {0}（只有 {2}）"),
    (r"process (.+) invokes again before its operation of line (\d+) completed",
     "进程 {0} 在第 {1} 行的操作完成之前又发起了操作"),
    (r"process (.+) completes an operation it never invoked", "进程 {0} 完成了一个从未发起的操作"),
    (r"process (.+) completes a (\S+), but line (\d+) invoked a (\S+)",
     "进程 {0} 完成的是 {1}，但第 {2} 行发起的是 {3}"),
    (r"process (.+) completes key (.+), invoked (.+)", "进程 {0} 完成的是键 {1}，发起的是键 {2}"),
    (r"(.*) is not one of (.*)", "{0} 不在允许的值中：{1}"),
    (r"an entry is a map such as (.+), not (.*)", "每一项应是映射，例如 {0}，而不是 {1}"),
    (r"(:\S+) is missing", "缺少 {0}"),
    (r":value of a cas is (.+), not (.*)", "cas 的 :value 应为 {0}，而不是 {1}"),
    (r":value of an append is text, not (.*)", "append 的 :value 应为文本，而不是 {0}"),
    (r"not a log line such as '(.+?)': (.*)", "不是日志行（例如 {0}）：{1}"),
    (r"expected <process> (.+), found (.*)", "应为 <process> {0}，实际是 {1}"),
    (r"the value of a cas is (.+), not (.*)", "cas 的值应为 {0}，而不是 {1}"),
    (r"a value is nil, a number or text, not (.*)", "值应为 nil、数字或文本，而不是 {0}"),
    (r"(.+): (\d+) is used twice", "{0}：{1} 用了两次"),
    (r"format: (.+) is not (\d+)", "format：{0} 不是 {1}"),
    (r"(.*)id: must not be negative", "{0}id：不能为负"),
    (r"(.*)argument: a cas takes (.+)", "{0}argument：cas 需要 {1}"),
    (r"(.*)argument: an append takes text", "{0}argument：append 需要文本"),
    (r"(.*)returned_us: missing, but the outcome is (\S+)", "{0}returned_us：缺失，但 outcome 是 {1}"),
    (r"(.*)returned_us: given, but the outcome is pending", "{0}returned_us：已给出，但 outcome 是 pending"),
    (r"(.*)returned_us: before invoked_us", "{0}returned_us：早于 invoked_us"),
    (r"order: must name every invocation (.+) and completion (.+) once",
     "order：每个发起 {0} 和每个完成 {1} 都要恰好出现一次"),
    (r"order: contradicts invoked_us and returned_us", "order：与 invoked_us 和 returned_us 矛盾"),
    (r"order: operation (\S+) completes before it is invoked", "order：操作 {0} 在发起之前就完成了"),
    (r"(.*?)Expected `(.+)`, got `(.+)`", "{0}应为 `{1}`，实际是 `{2}`"),
    (r"(.*?)Object missing required field `(.+)`", "{0}缺少必需的字段 `{1}`"),
    (r"(.*?)Object contains unknown field `(.+)`", "{0}含有未知的字段 `{1}`"),
    (r"(.*?)Invalid enum value (.*)", "{0}值 {1} 不在允许的范围内"),
    (r"(.*?)nested more than (\d+) deep", "{0}嵌套超过 {1} 层"),
    (r"(.*?)half a character \(a lone surrogate\)", "{0}半个字符（不成对的代理码位）"),
    (r"(.*?)a number that is not finite", "{0}不是有限的数"),
    (r"the file ends inside a value", "文件在一个值的中间结束"),
    (r"unexpected (.*)", "意外的 {0}"),
    (r"(.+) is never closed", "{0} 没有闭合"),
    (r"(.+) of line (\d+) is closed by (.*)", "第 {1} 行的 {0} 被 {2} 闭合"),
    (r"a map needs a value for every key", "映射中每个键都需要一个值"),
    (r"'#' without a tag", "'#' 后面没有标签"),
    (r"text is never closed by a quotation mark", "文本缺少结尾的引号"),
    (r"unknown escape (.*) in text", "文本中有未知的转义 {0}"),
    (r"a character is missing after (.*)", "{0} 后面缺少字符"),
    (r"Exceeds the limit (.*)", "数字太长：{0}"),
    (r"initial: a mutex is free at first; leave it out", "initial：互斥锁最初是空闲的；请留空"),
    (r"operations: (\d+), the page draws up to (\d+); use manage\.py check_history",
     "operations：{0} 个，本页最多绘制 {1} 个；请用 manage.py check_history"),
    (r"took longer than (\d+) s to read", "读取超过 {0} 秒"),
    (r"format: cannot be told from the beginning; choose one", "format：无法从开头判断；请选择一种"),
)  # fmt: skip
COMPILED = Phrases(PHRASES, otherwise="无法读取")


def in_chinese(reason: str) -> str:
    """The reason of a HistoryFormatError in Chinese."""
    return COMPILED.in_chinese(reason)
