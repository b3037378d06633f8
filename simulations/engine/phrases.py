"""Sentences with something of the moment in them, and what they are in Chinese."""

from __future__ import annotations

import re
from collections.abc import Sequence

NAME = re.compile(r"[\w.\[\]]+(?:, [\w.\[\]]+)*")
TYPES = {
    "int": "整数", "float": "数字", "str": "文本", "bool": "布尔值", "null": "空值", "object": "记录", "array": "列表"
}  # fmt: skip
"""What msgspec calls the kinds of values, in the words that experiments have for them."""
QUOTED = re.compile(r"'(.*)'|\"(.*)\"", re.DOTALL)

OF_MSGSPEC: tuple[tuple[str, str], ...] = (
    (r"Expected `([^`]+)`, got `([^`]+)`", "应为{0:类型}，实际是{1:类型}"),
    (r"Expected `([^`]+)` of length >= (\d+)", "应为{0:类型}，长度不小于 {1}"),
    (r"Expected `([^`]+)` of length <= (\d+)", "应为{0:类型}，长度不大于 {1}"),
    (r"Expected `([^`]+)` of length (\d+)(?: to \d+)?, got (\d+)", "应为{0:类型}，长度为 {1}，实际是 {2}"),
    (r"Expected `([^`]+)` of length (\d+)", "应为{0:类型}，长度为 {1}"),
    (r"Expected `([^`]+)` >= (\S+)", "应为不小于 {1} 的{0:类型}"),
    (r"Expected `([^`]+)` <= (\S+)", "应为不大于 {1} 的{0:类型}"),
    (r"Expected `([^`]+)` > (\S+)", "应为大于 {1} 的{0:类型}"),
    (r"Expected `([^`]+)` < (\S+)", "应为小于 {1} 的{0:类型}"),
    (r"Expected `([^`]+)` that's a multiple of (\S+)", "应为{0:类型}，且是 {1} 的倍数"),
    (r"Expected `([^`]+)` matching regex (.*)", "应为符合 {1} 的{0:类型}"),
    (r"Expected `([^`]+)`", "应为{0:类型}"),
    (r"Invalid (?:enum )?value (.*)", "值 {0} 不在允许的范围内"),
    (r"Object missing required field `([^`]+)`", "缺少字段 `{0}`"),
    (r"Object contains unknown field `([^`]+)`", "未知的字段 `{0}`"),
    (r"Integer value out of range", "整数超出范围"),
    (r"Number out of range", "数值超出范围"),
)  # fmt: skip
"""What msgspec says of data that do not fit a struct, without the place."""


class Named(str):
    """One or several names in an English sentence: `{0:is|are}` takes the form for one, or for several."""

    __slots__ = ()

    def __format__(self, forms: str) -> str:
        one, _, several = forms.partition("|")
        return (several if ", " in self else one) if forms else str(self)


class Piece(str):
    """What an English sentence holds of the moment: `{0}` with quotation marks as Chinese has them, `{0:、}` a list
    with that between its items, `{0:类型}` the kinds that a value may have."""

    __slots__ = ()

    def __format__(self, between: str) -> str:
        if between == "类型":
            *others, last = [TYPES.get(kind, f" `{kind}` ") for kind in self.split(" | ")]
            return f"{'、'.join(others)}或{last}" if others else last
        if between:
            return self.replace(", ", between)
        found = QUOTED.fullmatch(self)
        return f"“{found[1] or found[2] or ''}”" if found else str(self)


def filled(chinese: str, *pieces: str | None, **named: str) -> str:
    """A Chinese sentence with its places filled: no blank stands beside quotation marks."""
    text = chinese.format(
        *(Piece(piece or "") for piece in pieces), **{name: Piece(piece) for name, piece in named.items()}
    )
    return text.replace(" “", "“").replace("” ", "”")


class Phrases:
    """`pairs`: a pattern of the English sentence, and the Chinese one with its groups as {0}, {1} ...

    A name in front, as in `order: must be ...`, stays as it is. What nobody translated does too, behind the word
    `otherwise`.
    """

    def __init__(self, pairs: Sequence[tuple[str, str]], otherwise: str) -> None:
        self._pairs = [(re.compile(pattern, re.DOTALL), chinese) for pattern, chinese in pairs]
        self._otherwise = otherwise

    def in_chinese(self, sentence: str) -> str:
        """The sentence in Chinese."""
        name, colon, said = sentence.partition(": ")
        found = self._known(sentence)
        if not found and colon and NAME.fullmatch(name) and (known := self._known(said)):
            found = f"{name}：{known}"
        return found or f"{self._otherwise}：{sentence}"

    def _known(self, sentence: str) -> str:
        for pattern, chinese in self._pairs:
            found = pattern.fullmatch(sentence)
            if found:
                return filled(chinese, *found.groups())
        return ""
