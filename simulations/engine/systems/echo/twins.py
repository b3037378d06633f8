"""Echo, broken on purpose."""

from __future__ import annotations

from dataclasses import dataclass

from simulations.engine.systems.echo.process import Echo


@dataclass
class CountsTwice(Echo):
    """Takes every answer for a new one: duplicates are counted again."""

    def accepts(self, number: int) -> bool:
        if number not in self.waiting:
            self.relayed += 1
        return super().accepts(number)
