"""What axe-core finds on a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).resolve().parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
RUN = "([alike, options]) => axe.run({exclude: alike}, {resultTypes: ['violations'], ...options})"
# Of many cards or rows that are made alike the first few are enough.
ALIKE = [["article:nth-of-type(n+4)"], ["tr:nth-of-type(n+8)"], ["li:nth-of-type(n+12)"]]
GRAVE = ("moderate", "serious", "critical")
# The rules that see colours: all that another theme can break.
OF_COLOUR = {"runOnly": ["color-contrast", "link-in-text-block"]}


def problems(
    page: Page, impacts: tuple[str, ...] = GRAVE, options: dict[str, Any] | None = None
) -> list[str]:
    """What axe finds that keeps people out: rule and the first elements."""
    if not page.evaluate("'axe' in window"):
        # The page's policy refuses scripts of others; the debugger's door is not bound by it.
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate(RUN, [ALIKE, options or {}])
    return [
        f"{rule['id']}: {place['html'][:160]} {place.get('failureSummary', '')[:200]}"
        for rule in found["violations"]
        for place in rule["nodes"][:5]
        if rule["impact"] in impacts
    ]


def serious_problems(page: Page) -> list[str]:
    """What axe calls serious or critical."""
    return problems(page, ("serious", "critical"))
