"""What becomes of acknowledged changes, judged from outside: the leaders' logs, the rows they show, the clients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from simulations.engine.checks.base import Check
from simulations.engine.checks.lineage import NoLostWrite
from simulations.engine.systems.multi_leader.messages import Version
from simulations.engine.systems.multi_leader.process import MultiLeader

CHANGES = (1,)
"""Place of the log's version in ``MultiLeader.watched``."""


class NoLostAck(NoLostWrite):
    """Every acknowledged change is shown somewhere, or was replaced by one whose leader had shown it."""

    watches: ClassVar[tuple[int, ...] | None] = CHANGES
    log: ClassVar[str] = "changes"

    @staticmethod
    def write_of(entry: Version) -> tuple[str, int, tuple[str, ...]]:
        return entry.name, entry.operation, entry.replaced

    @staticmethod
    def shown(processes: list[Any]) -> Iterable[str]:
        leaders = [process for process in processes if isinstance(process, MultiLeader)]
        return [one.name for process in leaders for rows in process.rows.values() for one in rows]

    @staticmethod
    def undecided(processes: list[Any], key: str) -> bool:
        """While a leader is down, what is missing may lie on its disk."""
        leaders = [process for process in processes if isinstance(process, MultiLeader)]
        return not leaders or len(leaders) <= len(leaders[0].peers)


CHECKS: dict[str, type[Check]] = {NoLostAck.name: NoLostAck}
