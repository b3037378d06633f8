"""Everything that looks at a world from outside: checks, the clients' ledger, and their state in a fork."""

from __future__ import annotations

from collections.abc import Callable
from operator import ne
from typing import Any

from simulations.engine.checks.base import Check, Verdict
from simulations.engine.checks.history import Operation, Outcome
from simulations.engine.context import ProcessContext
from simulations.engine.kernel import Kernel
from simulations.engine.ledger import Ledger
from simulations.engine.streams import Stream

Tell = Callable[[int, int, int, Any, Any, Any], None]
"""``Check.changed`` of one check."""
Hear = Callable[[int, int, Operation], None]
"""``Check.invoked`` or ``Check.completed`` of one check."""


class Observer:
    """Feeds the checks of one world. ``by_process``: for each process index the checks that watch it."""

    def __init__(
        self, kernel: Kernel, checks: dict[str, Check], watching: dict[str, frozenset[int] | None]
    ) -> None:
        self.kernel = kernel
        self.checks = checks
        self.watching = watching
        self.ledger = Ledger()
        self.fresh: list[Operation] = []
        self.totals: dict[str, dict[str, int]] = {}
        self.concerned: list[dict[tuple[bool, ...], list[Tell]]] = []
        self.speakers: list[Check] = []
        self.invoked: list[Hear] = []
        self.completed: list[Hear] = []

    def attach(self) -> None:
        """Begin to tell the checks; to be called when processes or checks were added."""
        self.concerned = [{} for _ in self.kernel.contexts]
        checks = self.checks.values()
        self.speakers = [check for check in checks if check.speaks]
        self.invoked = [check.invoked for check in checks if type(check).invoked is not Check.invoked]
        self.completed = [check.completed for check in checks if type(check).completed is not Check.completed]

    def listeners(self) -> list[Any]:
        """Checks that want every executed event."""
        return [check for check in self.checks.values() if getattr(check, "wants_events", False)]

    def judges_of(self, index: int) -> list[Check]:
        """The checks that watch a process."""
        watching = self.watching
        return [
            check
            for name, check in self.checks.items()
            if (watched := watching.get(name)) is None or index in watched
        ]

    def changed(self, event: Any, context: ProcessContext, before: Any, after: Any) -> None:
        """A watched attribute differs: tell the checks of this process."""
        index, kernel, process = context.index, self.kernel, context.process
        now, number = kernel.now, kernel.current  # (of a command, the number that the trace gives it)
        different = tuple(map(ne, before, after))
        try:
            checks = self.concerned[index][different]
        except KeyError:
            checks = self._concern(index, different)
        for tell in checks:
            tell(now, number, index, before, after, process)
        if self.speakers:
            self.pass_on()

    def pass_on(self) -> None:
        """What checks found out goes to the trace, where there is one. No script line ever sees it."""
        recorder = self.kernel.recorder
        for check in self.speakers:
            if check.said:
                if recorder is not None:
                    recorder.observed(check.said)
                check.said = []

    def _concern(self, index: int, different: tuple[bool, ...]) -> list[Tell]:
        """How to tell the checks of a process that watch any of the attributes that differ; remembered."""
        process = self.kernel.contexts[index].process
        found = self.concerned[index][different] = []
        for check in self.judges_of(index):
            watches = check.watches_of(process)
            if type(check).changed is not Check.changed and (
                watches is None or any(different[position] for position in watches)
            ):
                found.append(check.changed)
        return found

    def parameters_changed(self, index: int) -> None:
        """Somebody set parameters of a running process: what checks watch may depend on them."""
        self.concerned[index] = {}
        for check in self.judges_of(index):
            check.parameters_changed(self.kernel.contexts[index].process)

    def crashed(self, index: int) -> None:
        for check in self.judges_of(index):
            check.crashed(self.kernel.now, self.kernel.current, index)

    def restarted(self, index: int) -> None:
        for check in self.judges_of(index):
            check.restarted(self.kernel.now, self.kernel.current, index)

    def began(self, context: ProcessContext) -> None:
        for check in self.judges_of(context.index):
            check.began(self.kernel.now, self.kernel.current, context.index, context.process)

    def invoke(self, client: str, kind: str, key: str, argument: Any) -> Operation:
        """A client starts an operation."""
        kernel = self.kernel
        operation = self.ledger.invoke(client, kind, key, argument, kernel.now)
        for hear in self.invoked:
            hear(kernel.now, kernel.current, operation)
        self.fresh.append(operation)
        return operation

    def complete(self, id: int, outcome: Outcome, result: Any, process: str | None) -> None:
        """A client learns the outcome, or gives up."""
        kernel = self.kernel
        operation = self.ledger.complete(id, kernel.now, outcome, result, process)
        total = self.totals.get(operation.client)
        if total is None:
            total = self.totals[operation.client] = {"ok": 0, "fail": 0, "unknown": 0}
        total[outcome] += 1
        for hear in self.completed:
            hear(kernel.now, kernel.current, operation)
        self.fresh.append(operation)

    def verdicts(self, over: bool = False) -> dict[str, Verdict]:
        """What each check says of the trace up to now. ``over``: nothing more will come."""
        kernel = self.kernel
        running = {
            context.index: context.process
            for context in kernel.contexts
            if context.host is not None and context.host.state != "down"
        }
        for check in self.checks.values():
            check.look(kernel.now, kernel.current, running)
        if over:
            return {name: check.final(self.ledger) for name, check in self.checks.items()}
        return {name: check.verdict() for name, check in self.checks.items()}

    def fork(self, kernel: Kernel) -> Observer:
        twin = Observer(kernel, {name: check.fork() for name, check in self.checks.items()}, self.watching)
        twin.ledger = self.ledger.fork()
        twin.fresh = []
        twin.totals = {client: total.copy() for client, total in self.totals.items()}
        return twin


class ClientContext(ProcessContext):
    """A client's context: besides the outbox, the ledger that stands for the outside world."""

    __slots__ = ("observer",)

    observer: Observer

    def untie(self) -> None:
        super().untie()
        del self.observer

    @property
    def servers_random(self) -> Stream:
        """Whom to ask is drawn apart from what is asked, so that every system gets the same operations. (A client
        has no disk: this is the second stream that each process has.)"""
        return self.disk_stream

    def invoke(self, kind: str, key: str, argument: Any) -> Operation:
        return self.observer.invoke(self.id, kind, key, argument)

    def complete(self, id: int, outcome: Outcome, result: Any, process: str | None) -> None:
        self.observer.complete(id, outcome, result, process)
