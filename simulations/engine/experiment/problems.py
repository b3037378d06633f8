"""What is wrong with an experiment: where, what, and what would be allowed."""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine.experiment.details import in_chinese
from simulations.engine.phrases import filled

PROBLEMS_MAX = 50
SHOWN_MAX = 60
DETAIL_MAX = 400

MESSAGES: dict[str, tuple[str, str]] = {
    "unknown_key": ("unknown key {given}", "未知的键 {given}"),
    "missing": ("is missing", "缺少此项"),
    "type": ("must be {expected}, not {given}", "必须是 {expected}，而不是 {given}"),
    "not_finite": ("must be a finite number", "必须是有限的数"),
    "not_positive": ("must be more than 0, not {given}", "必须大于 0（给出的是 {given}）"),
    "too_small": ("must be at least {limit}, not {given}", "不得小于 {limit}（给出的是 {given}）"),
    "too_large": ("must be at most {limit}, not {given}", "不得大于 {limit}（给出的是 {given}）"),
    "too_long": ("is too long: at most {limit}", "太长，上限为 {limit}"),
    "too_short": ("is too short: at least {limit}", "太短，下限为 {limit}"),
    "too_deep": ("is nested too deeply: at most {limit} levels", "嵌套太深：至多 {limit} 层"),
    "text": ("contains characters that are not allowed", "含有不允许的字符"),
    "id": (
        "must be letters, digits, - and _ ({limit} at most), not {given}",
        "只能由字母、数字、- 和 _ 组成（至多 {limit} 个字符），不能是 {given}",
    ),
    "choice": ("must be one of the allowed values, not {given}", "必须是允许的值之一，而不是 {given}"),
    "one_of": ("needs exactly one of {given}", "必须恰好给出其中一项：{given:、}"),
    "needs": ("needs {given} as well", "还需要同时给出 {given}"),
    "conflict": ("cannot be combined with {given}", "不能与 {given:、} 同时使用"),
    "reserved": ("{given} is a word of fault scripts", "{given} 是故障脚本的用词"),
    "no_end": ("this action does not last", "这个动作不会持续"),
    "one_kind": ("needs exactly one kind", "必须恰好给出其中一种"),
    "without_choices": ("choices and kind: choice go together", "choices 与 kind: choice 必须同时给出"),
    "duplicate": ("{given} is used twice", "{given} 重复出现"),
    "unknown_id": ("{given} is not the id of anything here", "{given} 不是这里任何对象的标识"),
    "order": ("must be in increasing order", "必须按从小到大的顺序排列"),
    "unknown_parameter": ("the system has no parameter {given}", "该系统没有参数 {given}"),
    "unknown_path": ("there is nothing at {given}", "{given} 处没有任何内容"),
    "no_system": ("there is no system {given}", "没有系统 {given}"),
    "fixed_parameter": ("{given} cannot change while the system runs", "系统运行时不能更改 {given}"),
    "no_parameter": ("the system has no parameter {given}", "该系统没有参数 {given}"),
    "no_twin": ("the system has no twin {given}", "该系统没有故意弄坏的版本 {given}"),
    "no_action": ("no system here carries out {given}", "这里没有系统能执行 {given}"),
    "no_message": ("no message is called {given}", "没有名为 {given} 的消息"),
    "no_note": ("no note is called {given}", "没有名为 {given} 的记录"),
    "no_field": ("no view has a field {given}", "没有视图含有字段 {given}"),
    "no_operation": ("the system does not answer {given}", "该系统不受理操作 {given}"),
    "no_check": ("there is no check {given}", "没有检查 {given}"),
    "no_metric": ("there is no metric {given}", "没有指标 {given}"),
    "no_arguments": ("metric {given} takes none", "指标 {given} 不接受参数"),
    "second_arguments": ("a second set of arguments for check {given}", "检查 {given} 多出了第二组参数"),
    "arguments": ("check {given}: {detail}", "检查 {given}：{detail}"),
    "parameter": ("the system cannot take this: {detail}", "系统无法接受：{detail}"),
    "initial": ("{given} cannot begin from it: {detail}", "{given} 无法由此开始：{detail}"),
    "broken_variant": ("the variant {given} does not work: {detail}", "变体 {given} 不成立：{detail}"),
}
"""code -> sentence in English and Chinese; the words in braces come from Problem.values."""


WORDS_ZH = {
    "a huge number": "巨大的数",
    "a list": "列表",
    "a number": "数字",
    "a pair [weight, distribution]": "一对 [权重, 分布]",
    "a record": "记录",
    "a text in en and zh": "含 en 与 zh 的文本",
    "a text": "文本",
    "a whole number": "整数",
    "nothing": "空值",
    "true or false": "布尔值（true 或 false）",
}
"""What was expected, and what was given where it is no text of somebody's, in Chinese."""


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong. path: like faults[2].do ("" for the whole). code: a key of MESSAGES."""

    path: str
    code: str
    values: dict[str, str] = {}
    allowed: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        """The sentence in English."""
        return MESSAGES[self.code][0].format(**self.values)

    @property
    def message_zh(self) -> str:
        """The sentence in Chinese."""
        sentence, values = MESSAGES[self.code][1], dict(self.values)
        for name in ("expected", "given"):  # a word of ours needs no blank before it
            if f"{name}_zh" in values:
                sentence = sentence.replace(f" {{{name}}}", values[f"{name}_zh"])
        values["detail"] = values.get("detail_zh") or in_chinese(values.get("detail", ""))
        return filled(sentence, **values)

    def __str__(self) -> str:
        allowed = f" (allowed: {', '.join(self.allowed)})" if self.allowed else ""
        return f"{self.path or 'experiment'}: {self.message}{allowed}"

    def in_chinese(self) -> str:
        """The whole line in Chinese."""
        allowed = f"（允许：{'、'.join(self.allowed)}）" if self.allowed else ""
        return f"{self.path or '实验'}：{self.message_zh}{allowed}"


class ExperimentError(Exception):
    """Bad input. `problems` holds all that were found (at most 50); path, message, allowed are those of the
    first.
    """

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)
        self.path = problems[0].path
        self.message = problems[0].message
        self.allowed = problems[0].allowed


class Problems:
    """A collector of problems, bounded. ``count``: how many there were, those that were not kept too."""

    def __init__(self) -> None:
        self.found: list[Problem] = []
        self.count = 0

    def add(self, path: str, code: str, *, allowed: tuple[str, ...] = (), **values: Any) -> None:
        """Note a problem; beyond PROBLEMS_MAX nothing is kept."""
        self.count += 1
        if len(self.found) < PROBLEMS_MAX:
            shown = {
                name: show(value, DETAIL_MAX if name.startswith("detail") else SHOWN_MAX)
                for name, value in values.items()
            }
            self.found.append(Problem(path, code, {**shown, **own_words(values, shown)}, allowed))

    def raise_if_any(self) -> None:
        """Raise ExperimentError when something was noted."""
        if self.found:
            raise ExperimentError(self.found)


def own_words(values: dict[str, Any], shown: dict[str, str]) -> dict[str, str]:
    """{name_zh: words} of what is told in words of ours: what was expected, and values that are no text."""
    ours = {name for name, value in values.items() if name == "expected" or not isinstance(value, str)}
    return {f"{name}_zh": WORDS_ZH[shown[name]] for name in sorted(ours) if shown[name] in WORDS_ZH}


def show(value: Any, longest: int = SHOWN_MAX) -> str:
    """A short, printable form of any input value, safe for huge and strange ones."""
    if isinstance(value, str):
        text = value
    elif isinstance(value, int) and abs(value) > 10**18:
        text = "a huge number"
    elif isinstance(value, (list, tuple, dict)):
        text = "a list" if not isinstance(value, dict) else "a record"
    elif value is None or isinstance(value, (bool, int, float)):
        text = (
            {None: "nothing", True: "true", False: "false"}.get(value, "")
            if isinstance(value, (bool, type(None)))
            else repr(value)
        )
    else:
        text = type(value).__name__
    text = "".join(c if c.isprintable() else "?" for c in text[:longest])
    return text.encode("utf-8", "replace").decode("utf-8")


def child(path: str, key: str | int) -> str:
    """The path of a part: faults + 2 -> faults[2], topology + links -> topology.links."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{show(key)}" if path else show(key)
