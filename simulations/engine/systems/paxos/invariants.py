"""Further invariants: ``Inv`` of Lamport's TLA+ model Paxos, and the slot invariant of DSLabs. They look at each
message or learned slot, so they are no lamps of each run; experiments and tests name them."""

from __future__ import annotations

from typing import Any, ClassVar

from simulations.engine.checks.base import Check
from simulations.engine.context import DELIVER
from simulations.engine.systems.paxos.messages import Promise
from simulations.engine.systems.paxos.properties import (
    CHOSEN,
    PROMISED,
    VOTES,
    OneValueChosen,
    Watched,
    value_of,
)


class ChosenOnMajority(OneValueChosen):
    """What a process takes for chosen was accepted by a majority: their disks held it when it was learned."""

    name: ClassVar[str] = "chosen_on_majority"
    speaks: ClassVar[bool] = False

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        super().changed(at_us, event, process_index, before, after, process)
        self.one_by_one = False
        for slot in range(max(before[CHOSEN], self.old) + 1, after[CHOSEN] + 1):
            if slot in self.votes:  # (what an experiment gave was never voted for)
                self.judged += 1
                self.learned(at_us, event, slot, process)

    def learned(self, at_us: int, event: int, slot: int, process: Any) -> None:
        known = self.chosen.get(slot)
        if known is None or known[1] != value_of(process.log[slot]):
            self.violate(at_us, event, "paxos.not_on_majority", process=process.id, slot=slot)


class PromisesCovered(Check):
    """``Inv``: a 1b for a number means that its acceptor promised this number or a higher one, and does not forget it.
    ``promised``: acceptor -> its promise now, over restarts."""

    name: ClassVar[str] = "promises_covered"
    watches: ClassVar[tuple[int, ...] | None] = (PROMISED, VOTES)
    wants_events: ClassVar[bool] = True
    promised: dict[int, int] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        self.promised[process_index] = after[PROMISED]

    def restarted(self, at_us: int, event: int, process_index: int) -> None:
        self.promised[process_index] = 0

    def executed(self, at_us: int, event: Any) -> None:
        """Every executed event: a promise arrives while its acceptor runs."""
        if event[3] != DELIVER or not isinstance(event[7], Promise) or event[6] not in self.promised:
            return
        self.judged += 1
        if self.promised[event[6]] < event[7].ballot:
            self.violate(at_us, event[2], "paxos.promise_gone", ballot=event[7].ballot)


CHECKS: dict[str, type[Check]] = {check.name: check for check in (ChosenOnMajority, PromisesCovered)}
