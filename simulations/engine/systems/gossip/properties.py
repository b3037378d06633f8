"""What must hold of gossip, judged from outside: nobody makes news up."""

from __future__ import annotations

from typing import Any, ClassVar

from simulations.engine.checks.base import Check
from simulations.engine.checks.history import Operation
from simulations.engine.systems.gossip.messages import VALUE


class NothingInvented(Check):
    """Every value that a node knows was given to some node by a client, and each only once to each node.

    ``asked``: operation -> its argument as text.
    """

    name: ClassVar[str] = "nothing_invented"
    watches: ClassVar[tuple[int, ...] | None] = (1,)
    asked: dict[int, str] = {}
    read_to: dict[int, int] = {}

    def invoked(self, at_us: int, event: int, operation: Operation) -> None:
        self.asked[operation.id] = str(operation.argument)

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        log = process.values
        last = min(self.read_to.get(process_index, 0), log.last)
        self.read_to[process_index] = log.last
        for news in log.slice(last + 1, log.last + 1):
            self.judged += 1
            if news.kind == VALUE and self.asked.get(news.operation) != str(news.value):
                self.violate(at_us, event, "gossip.invented", process=process.id, value=str(news.value))
        if log.last != sum(len(held) for held in process.held.values()):
            self.violate(at_us, event, "gossip.twice", process=process.id)

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        self.read_to[process_index] = 0
