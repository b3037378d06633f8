"""What must hold of snapshots: the same entries lead to the same state, with or without one. RP section 7.

They read a state hash at every applied index, so they run where an experiment or a test names them.
"""

from __future__ import annotations

from typing import Any, ClassVar

from simulations.engine.checks.base import Check

APPLIED = 4
Watched = tuple[Any, ...]


class StateHashesEqual(Check):
    """Servers that applied entries up to the same index have the same state. ``states``: index -> state hash."""

    name: ClassVar[str] = "state_hashes_equal"
    watches: ClassVar[tuple[int, ...] | None] = (APPLIED,)
    accuses: ClassVar[str] = "raft.states_differ"
    states: dict[int, int] = {}
    installs: dict[int, int] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        index = after[APPLIED]
        if index not in self.states:
            self.states[index] = process.state_hash
        elif self.concerns(process_index, process):
            self.judged += 1
            if self.states[index] != process.state_hash:
                self.violate(at_us, event, self.accuses, process=process.id, index=index)

    def concerns(self, process_index: int, process: Any) -> bool:
        """Whether this is the moment to compare."""
        return True


class NoPartialSnapshot(StateHashesEqual):
    """What a server shows when it has just installed a snapshot is a state that a server had at that index."""

    name: ClassVar[str] = "no_partial_snapshot"
    accuses: ClassVar[str] = "raft.partial_snapshot"

    def concerns(self, process_index: int, process: Any) -> bool:
        """After an installation. ``installs``: process -> how many in its present life."""
        seen = self.installs.get(process_index, 0)
        self.installs[process_index] = process.installs
        return bool(process.installs > seen)

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        self.installs.pop(process_index, None)


CHECKS: dict[str, type[Check]] = {check.name: check for check in (StateHashesEqual, NoPartialSnapshot)}
