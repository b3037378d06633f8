"""Sentences with something of the moment in them, and what they are in Chinese."""

from __future__ import annotations

import re
from collections.abc import Sequence


class Phrases:
    """`pairs`: a pattern of the English sentence, and the Chinese one with its groups as {0}, {1} ...

    What nobody translated stays as it is, behind the word `otherwise`.
    """

    def __init__(self, pairs: Sequence[tuple[str, str]], otherwise: str) -> None:
        self._pairs = [(re.compile(pattern, re.DOTALL), chinese) for pattern, chinese in pairs]
        self._otherwise = otherwise

    def in_chinese(self, sentence: str) -> str:
        """The sentence in Chinese."""
        for pattern, chinese in self._pairs:
            found = pattern.fullmatch(sentence)
            if found:
                return chinese.format(*found.groups())
        return f"{self._otherwise}：{sentence}"
