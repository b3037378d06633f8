"""A report as Markdown (CommonMark with tables)."""

from __future__ import annotations

from collections.abc import Sequence

from simulations.reports.wording import Document, Table

SPECIAL = str.maketrans(
    {"|": "\\|", "<": "&lt;", "`": "\\`", "*": "\\*", "_": "\\_", "[": "\\[", "\\": "\\\\"}
)


def plain(text: str) -> str:
    """A text that Markdown takes as it is."""
    return " ".join(text.translate(SPECIAL).split())


def line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(plain(cell) for cell in cells) + " |"


def table(found: Table) -> list[str]:
    """One section."""
    ruler = "|" + " --- |" * len(found.columns)
    lines = [f"## {plain(found.title)}", "", line(found.columns), ruler, *map(line, found.rows), ""]
    return [*lines, plain(found.remark), ""] if found.remark else lines


def markdown(document: Document) -> str:
    """The whole report."""
    lines = [f"# {plain(document.title)}", "", plain(document.question), ""]
    lines += [f"- {plain(what)}: {plain(value)}" for what, value in document.facts]
    lines.append("")
    for one in document.tables:
        lines += table(one)
    return "\n".join(lines).rstrip() + "\n"
