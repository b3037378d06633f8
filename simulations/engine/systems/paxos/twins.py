"""Paxos, broken on purpose: each twin overrides one rule and nothing else."""

from __future__ import annotations

from typing import Any

from simulations.engine.process import DiskImage, Process, Request
from simulations.engine.systems.paxos.messages import Entry
from simulations.engine.systems.paxos.process import Paxos

KINDS = ("server", "proposer", "acceptor", "learner")


class IgnoresAccepted(Paxos):
    """The proposer takes no notice of what the promises report (against P2c)."""

    __slots__ = ()

    def bound_value(self, slot: int) -> tuple[Request | None] | None:
        return None


class IgnoresPromise(Paxos):
    """The acceptor accepts whatever comes, although it promised a higher number (against P1a)."""

    __slots__ = ()

    def may_accept(self, ballot: int) -> bool:
        return True


class ForgetsOnRestart(Paxos):
    """Promise and votes are not read back after a restart (against PMS 2.5)."""

    __slots__ = ()

    def restored(self, disk: DiskImage) -> tuple[int, Any]:
        return 0, type(self.votes)()


class PrefersLowest(Paxos):
    """Of the reported votes the lowest-numbered counts instead of the highest (against P2c)."""

    __slots__ = ()

    def prefer(self, first: Entry, second: Entry) -> Entry:
        return second if second.term < first.term else first


class CountsOneShort(Paxos):
    """A value counts as chosen with one vote less than a majority."""

    __slots__ = ()

    def enough_votes(self) -> int:
        return max(1, len(self.acceptors) // 2)


TWINS: dict[str, dict[str, type[Process]]] = {
    name: dict.fromkeys(KINDS, made)
    for name, made in (
        ("ignore_accepted", IgnoresAccepted),
        ("ignore_promise", IgnoresPromise),
        ("forget_on_restart", ForgetsOnRestart),
        ("lowest_instead_of_highest", PrefersLowest),
        ("quorum_one_short", CountsOneShort),
    )
}
