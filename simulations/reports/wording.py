"""A report's cells as text in one language, the same in every format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from simulations.engine.process import Text

if TYPE_CHECKING:
    from simulations.reports.content import Report

LANGUAGES = ("en", "zh")
YES, NO, NONE = Text("yes", "是"), Text("no", "否"), Text("-", "-")
HEADING = Text("Report of a run", "运行报告")


class Table(msgspec.Struct, frozen=True):
    """A section in one language."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    remark: str


class Document(msgspec.Struct, frozen=True):
    """A report in one language."""

    language: str
    heading: str
    title: str
    question: str
    facts: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]


def said(value: Any, language: str) -> str:
    """One cell. Numbers with at most three digits behind the point."""
    if hasattr(value, "en") and hasattr(value, "zh"):
        return str(getattr(value, language))
    if value is None:
        return said(NONE, language)
    if isinstance(value, bool):
        return said(YES if value else NO, language)
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".") if abs(value) >= 0.001 or value == 0 else f"{value:.2e}"
    return str(value)


def document(report: Report, language: str) -> Document:
    """The report in a language of LANGUAGES."""
    tables = tuple(
        Table(
            said(section.title, language),
            tuple(said(column, language) for column in section.columns),
            tuple(tuple(said(cell, language) for cell in row) for row in section.rows),
            "" if section.remark is None else said(section.remark, language),
        )
        for section in report.sections
        if section.rows
    )
    return Document(
        language,
        said(HEADING, language),
        said(report.title, language),
        "" if report.question is None else said(report.question, language),
        tuple((said(what, language), said(value, language)) for what, value in report.facts),
        tables,
    )
