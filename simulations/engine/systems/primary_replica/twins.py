"""Primary-replica, broken on purpose: each twin overrides one rule and nothing else."""

from __future__ import annotations

from simulations.engine.process import Process
from simulations.engine.systems.primary_replica.messages import Entry
from simulations.engine.systems.primary_replica.parameters import SEMI_SYNC
from simulations.engine.systems.primary_replica.process import PrimaryReplica

KINDS = ("server", "primary", "replica")


class IgnoresEpochs(PrimaryReplica):
    """A primary that hears of a higher epoch leads on."""

    __slots__ = ()

    def outranked(self, epoch: int) -> None:
        """Nothing."""


class AnswersBeforeReplicas(PrimaryReplica):
    """Semi-synchronous in name: the answer does not wait for a replica."""

    __slots__ = ()

    def copies_needed(self) -> int:
        return 0 if self.parameters.mode == SEMI_SYNC else super().copies_needed()


class KeepsTails(PrimaryReplica):
    """A replica that joins another primary keeps what that one never had, and takes it for the primary's."""

    __slots__ = ()

    def is_there(self, index: int, entry: Entry) -> bool:
        return True


class GoesOnUnconfirmed(PrimaryReplica):
    """It takes over although the fence device has not confirmed that the other is off."""

    __slots__ = ()

    def on_fence_timeout(self) -> None:
        self.go_on()


TWINS: dict[str, dict[str, type[Process]]] = {
    "ignore_epochs": dict.fromkeys(KINDS, IgnoresEpochs),
    "answer_before_replicas": dict.fromkeys(KINDS, AnswersBeforeReplicas),
    "keep_tails": dict.fromkeys(KINDS, KeepsTails),
    "go_on_unconfirmed": dict.fromkeys(KINDS, GoesOnUnconfirmed),
}
