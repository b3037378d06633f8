"""What must hold of echo."""

from __future__ import annotations

from typing import Any, ClassVar

from simulations.engine.checks.base import Check


class RelayedOnce(Check):
    """In each life a server relays exactly one answer for every question that no longer waits."""

    name: ClassVar[str] = "relayed_once"

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        self.judged += 1
        relayed, settled = process.relayed - process.restored, process.asked - len(process.waiting)
        if relayed != settled:
            self.violate(at_us, event, "echo.relayed_too_often", relayed=relayed, settled=settled)
