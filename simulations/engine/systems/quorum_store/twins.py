"""The quorum store, broken on purpose: each twin breaks one rule and nothing else."""

from __future__ import annotations

from simulations.engine.process import Process
from simulations.engine.systems.quorum_store.messages import WriteAck
from simulations.engine.systems.quorum_store.process import QuorumStore
from simulations.engine.systems.quorum_store.state import Groups, Pending
from simulations.engine.systems.quorum_store.versions import Version, Versions, stamp

KINDS = ("server", "coordinator", "replica")


class DropsHints(QuorumStore):
    """Hints are forgotten instead of handed over."""

    __slots__ = ()

    def hands_over(self, target: str) -> tuple[tuple[str, Version], ...]:
        self.hints.pop(target, None)
        return ()


class RepairsBackwards(QuorumStore):
    """Read repair gives the replicas that are ahead what the last one has, and they take it."""

    __slots__ = ()

    def repairs(self, pending: Pending, found: Versions) -> dict[str, Versions]:
        oldest = min((held for held in pending.replies.values()), key=lambda held: [stamp(v) for v in held])
        return {node: oldest for node, held in pending.replies.items() if held != oldest and oldest}

    def after_repair(self, held: Versions, offered: Versions) -> Versions:
        return offered


class HintsCountAsWrites(QuorumStore):
    """A hint counts as an acknowledgement although the quorum is to be strict."""

    __slots__ = ()

    def hint_counts(self) -> bool:
        return True


class ArrivalDecides(QuorumStore):
    """Last write wins by the order of arrival, whatever the timestamps say."""

    __slots__ = ()

    def wins(self, new: Version, old: Version) -> bool:
        return True


class NoWriteBack(QuorumStore):
    """A linearizable read returns a value before it is at a quorum."""

    __slots__ = ()

    def must_write_back(self, pending: Pending, found: Versions) -> bool:
        return False


class OneAckLess(QuorumStore):
    """One answer fewer than the quorum is taken for enough."""

    __slots__ = ()

    def enough(self, groups: Groups, answered: list[str]) -> bool:
        less = tuple((owners, max(1, need - 1)) for owners, need in groups)
        return QuorumStore.enough(self, less, answered)


class AcksBeforeDisk(QuorumStore):
    """A write is acknowledged before it is on disk."""

    __slots__ = ()

    def acknowledge(self, coordinator: str, ack: WriteAck) -> None:
        # (Broken on purpose: this is the rule that durability rests on.)
        self.context.send(coordinator, ack, before_durable=True)


class StreamsNothing(QuorumStore):
    """New owners serve without the data of the old ones."""

    __slots__ = ()

    def sends(self, key: str) -> tuple[str, ...]:
        return ()


class TreesAlwaysMatch(QuorumStore):
    """Anti-entropy never finds a difference."""

    __slots__ = ()

    def differing(self, mine: list[int], theirs: tuple[tuple[int, int], ...]) -> tuple[int, ...]:
        return ()


class ForgetsFences(QuorumStore):
    """A retried write may happen twice: replicas take what an earlier attempt still sends."""

    __slots__ = ()

    def promise(self, operation: int, attempt: int) -> Version | None:
        return None


CLASSES: dict[str, type[QuorumStore]] = {
    "drops_hints": DropsHints,
    "repairs_backwards": RepairsBackwards,
    "hints_count_as_writes": HintsCountAsWrites,
    "arrival_decides": ArrivalDecides,
    "no_write_back": NoWriteBack,
    "one_ack_less": OneAckLess,
    "acks_before_disk": AcksBeforeDisk,
    "streams_nothing": StreamsNothing,
    "trees_always_match": TreesAlwaysMatch,
    "forgets_fences": ForgetsFences,
}
TWINS: dict[str, dict[str, type[Process]]] = {
    name: dict.fromkeys(KINDS, kind) for name, kind in CLASSES.items()
}
