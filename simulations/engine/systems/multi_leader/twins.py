"""Multi-leader replication, broken on purpose: each twin overrides one rule and nothing else."""

from __future__ import annotations

from simulations.engine.process import Process
from simulations.engine.systems.multi_leader.messages import Changes, Version
from simulations.engine.systems.multi_leader.process import MultiLeader
from simulations.engine.systems.multi_leader.versions import Rows, later


class KeepsOlder(MultiLeader):
    """Last write wins the wrong way round: the earlier clock stays."""

    __slots__ = ()

    def wins(self, new: Version, old: Version) -> bool:
        return later(old, new)


class KeepsOwnOnTie(MultiLeader):
    """Of two equal timestamps every leader keeps the version that it has."""

    __slots__ = ()

    def wins(self, new: Version, old: Version) -> bool:
        return new.stamp > old.stamp


class DropsSibling(MultiLeader):
    """A version that arrives replaces what is shown, whether it knows it or not."""

    __slots__ = ()

    def beside(self, shown: Rows, new: Version) -> Rows:
        return (new,)


class SkipsGaps(MultiLeader):
    """Changes are taken as they come: what is missing before them is never asked for."""

    __slots__ = ()

    def leaves_gap(self, message: Changes) -> bool:
        return False


TWINS: dict[str, dict[str, type[Process]]] = {
    "keeps_older": {"server": KeepsOlder},
    "keeps_own_on_tie": {"server": KeepsOwnOnTie},
    "drops_sibling": {"server": DropsSibling},
    "skips_gaps": {"server": SkipsGaps},
}
