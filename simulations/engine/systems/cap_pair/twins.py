"""The pair, broken on purpose: each twin breaks one rule and nothing else."""

from __future__ import annotations

from simulations.engine.process import Process
from simulations.engine.systems.cap_pair.process import CapPair


class AnswersWhileBlocked(CapPair):
    """It says it is consistent, and answers all the same."""

    __slots__ = ()

    def may_serve(self) -> bool:
        return True

    def needs_peer(self, kind: str) -> bool:
        return self.role not in ("alone", "blocked")


class ReadsItsOwnCopy(CapPair):
    """A read does not ask the other node."""

    __slots__ = ()

    def needs_peer(self, kind: str) -> bool:
        return kind != "get" and self.role != "alone"


class MeetsWithoutSync(CapPair):
    """After a time apart the nodes go on without telling each other what happened."""

    __slots__ = ()

    def send_all(self, back: bool) -> None:
        self.role = "paired"


TWINS: dict[str, dict[str, type[Process]]] = {
    "answers_while_blocked": {"server": AnswersWhileBlocked},
    "reads_its_own_copy": {"server": ReadsItsOwnCopy},
    "meets_without_sync": {"server": MeetsWithoutSync},
}
