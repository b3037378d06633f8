"""What is wrong with a Chinese sentence that a program can see: English left in it, and half-width signs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

KEPT = frozenset(
    [
        "append", "argument", "ballot", "cas", "choice", "choices", "committed", "Cookie", "CSRF", "en",
        "experiment", "false", "from", "id", "JSON", "kind", "leader", "link", "log", "model", "nil",
        "order", "outcome", "pending", "put", "run", "set", "sweep", "term", "to", "true", "U",
        "uncommitted", "UTF", "zh",
    ]
)  # fmt: skip
"""Names that are written alike in every language."""

NAMES = re.compile(r"[\w.\[\]]+(?:, [\w.\[\]]+)*：", re.ASCII)
CODE = re.compile(
    r"`[^`]*`|<[^>]*>|\[[^\]]*\]|\{[^}]*\}|\$\S*|--\w+|\w*[/.:]\w+(?:[/.]\w+)*|[a-z]+(?:_[a-z]+)+", re.ASCII
)
HALF_WIDTH = re.compile(
    r"[一-鿿]\s*[,;:!?()]|[,;!?]\s*[一-鿿]|['\"]|[一-鿿] [一-鿿]| [，。：；、（）“”]|[，。：；、（）“”] |  "
)
TIGHT = re.compile(r"[一-鿿][A-Za-z0-9]|[A-Za-z0-9][一-鿿]")


def wrong_in(sentence: str) -> list[str]:
    """The parts of a sentence that are not as Chinese is written here; [] when it is fine."""
    said = NAMES.sub("", sentence, count=1) if NAMES.match(sentence) else sentence
    plain = CODE.sub("7", re.sub("“[^”]*”", "“”", said))
    words = [word for word in re.findall("[A-Za-z]+", plain) if word not in KEPT]
    signs = [found[0] for sign in (HALF_WIDTH, TIGHT) for found in sign.finditer(plain)]
    return words + signs + ([] if re.search("[一-鿿]", plain) else ["no Chinese"])


def unfilled(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """The patterns of which the Chinese sentence leaves something out, or has a place too many."""
    return [
        pattern
        for pattern, chinese in pairs
        if {int(place) for place in re.findall(r"\{(\d)(?::[^}]*)?\}", chinese)}
        != set(range(re.compile(pattern).groups))
    ]


def spoken(node: ast.expr | None) -> str:
    """The text of a literal with something in each of its places; "" for a text that comes from elsewhere."""
    if isinstance(node, ast.JoinedStr):
        return "".join(part(value) for value in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def part(value: ast.expr) -> str:
    """A piece of an f-string: a number, or what is there in quotation marks, or a list."""
    if isinstance(value, ast.FormattedValue):
        listed = ".join(" in ast.unparse(value.value)
        return "7, 8" if listed else "'x7'" if value.conversion == ord("r") else "7"
    return spoken(value)


def calls(folder: Path, *names: str) -> Iterator[ast.Call]:
    """Every call of a function or class of these names in the source below a folder."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in names:
                yield node
