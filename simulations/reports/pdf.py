"""A report as PDF, with a font that is embedded."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from tempfile import NamedTemporaryFile

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from simulations.reports.fonts import font_with
from simulations.reports.wording import Document, Table

FAMILY = "report"
FIXED_DATE = datetime(2020, 1, 1, tzinfo=UTC)
"""Equal reports are equal files: nothing in them tells when they were made."""
GREY = (110, 116, 124)

logging.getLogger("fontTools").setLevel(logging.ERROR)  # It tells every table that it drops.


def pdf(document: Document) -> bytes:
    """The whole report, A4. fonts.NoFont when the page's font is not there."""
    page = FPDF(format="A4")
    page.set_creation_date(FIXED_DATE)
    page.set_title(document.title)
    page.set_lang("zh-CN" if document.language == "zh" else "en")
    page.set_margins(15, 15)
    page.set_auto_page_break(True, 15)
    with NamedTemporaryFile(suffix=".ttf") as file:  # (The library reads fonts from files only.)
        file.write(font_with(characters(document)))
        file.flush()
        page.add_font(FAMILY, fname=file.name)
    page.add_page()
    head(page, document)
    for one in document.tables:
        table(page, one)
    return bytes(page.output())


def characters(document: Document) -> frozenset[str]:
    """Every character that the document has."""
    found = {document.heading, document.title, document.question, "…0123456789 /"}
    for pair in document.facts:
        found.update(pair)
    for one in document.tables:
        found.update((one.title, one.remark, *one.columns))
        for row in one.rows:
            found.update(row)
    return frozenset("".join(sorted(found)))


def text(page: FPDF, size: float, words: str, height: float) -> None:
    """One paragraph."""
    page.set_font(FAMILY, size=size)
    page.multi_cell(0, height, words, new_x=XPos.LMARGIN, new_y=YPos.NEXT, align="L")


def head(page: FPDF, document: Document) -> None:
    """Title, question and facts."""
    page.set_text_color(*GREY)
    text(page, 9, document.heading, 5)
    page.set_text_color(0)
    text(page, 18, document.title, 9)
    text(page, 11, document.question, 6)
    page.ln(2)
    for what, value in document.facts:
        text(page, 9, f"{what}: {value}", 5)


def table(page: FPDF, found: Table) -> None:
    """One section; rows are never torn apart by a page's end."""
    page.ln(4)
    if page.will_page_break(30):
        page.add_page()
    text(page, 13, found.title, 7)
    page.set_font(FAMILY, size=8)
    weights = widths(found)
    with page.table(
        col_widths=weights, text_align="LEFT", line_height=4.5, first_row_as_headings=False
    ) as grid:
        for number, cells in enumerate((found.columns, *found.rows)):
            page.set_text_color(*(GREY if number == 0 else (0, 0, 0)))
            row = grid.row()
            for cell in cells:
                row.cell(cell)
    page.set_text_color(0)
    if found.remark:
        text(page, 8, found.remark, 5)


def widths(found: Table) -> tuple[int, ...]:
    """Shares of the page's width, by the longest cell of each column within limits."""
    columns = zip(*(found.columns, *found.rows), strict=True)
    return tuple(
        min(48, max(7, *(sum(2 if ord(c) > 0x2E7F else 1 for c in cell) for cell in column)))
        for column in columns
    )
