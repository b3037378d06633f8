"""What becomes of acknowledged changes, judged from outside: the leaders' logs, the rows they show, the clients."""

from __future__ import annotations

from typing import Any, ClassVar

from simulations.engine.checks.base import Check
from simulations.engine.checks.lineage import NoLostWrite
from simulations.engine.systems.multi_leader.messages import Version
from simulations.engine.systems.multi_leader.process import MultiLeader

VERSION, HASH = 1, 2
"""Places in ``MultiLeader.watched``."""
CHANGES = (VERSION,)
"""What is watched by whoever reads the log alone."""


class NoLostAck(NoLostWrite):
    """Every acknowledged change is shown somewhere, or was replaced by one whose leader had shown it.

    What a leader that is down shows counts until it is back without it.
    """

    watches: ClassVar[tuple[int, ...] | None] = (VERSION, HASH)
    log: ClassVar[str] = "changes"

    @staticmethod
    def write_of(entry: Version) -> tuple[str, int, tuple[str, ...]]:
        return entry.name, entry.operation, entry.replaced

    @staticmethod
    def rows(process: Any) -> dict[str, tuple[str, ...]]:
        if not isinstance(process, MultiLeader):
            return {}
        return {key: tuple([one.name for one in shown]) for key, shown in process.rows.items()}

    @staticmethod
    def row(process: Any, key: str) -> tuple[str, ...]:
        return tuple([one.name for one in process.rows[key]])

    def turned(self, before: Any, after: Any) -> bool:
        """Another policy shows other versions of what was there."""
        return bool(before[VERSION] == after[VERSION])

    def began(self, at_us: int, event: int, process_index: int, process: Any) -> None:
        self.hide((at_us, event), process_index)
        NoLostWrite.began(self, at_us, event, process_index, process)

    @staticmethod
    def undecided(processes: list[Any], key: str) -> bool:
        """While a leader is down, what is missing may lie on its disk."""
        leaders = [process for process in processes if isinstance(process, MultiLeader)]
        return not leaders or len(leaders) <= len(leaders[0].peers)


CHECKS: dict[str, type[Check]] = {NoLostAck.name: NoLostAck}
