"""Raft, who belongs to the cluster: the latest configuration in the log counts, committed or not. RP 6; RD 4.1.

What a leader does to change it stands in changes.py.
"""

from __future__ import annotations

from simulations.engine.process import DiskImage, put
from simulations.engine.systems.raft import quorum
from simulations.engine.systems.raft.messages import Configuration, Entry
from simulations.engine.systems.raft.state import FOLLOWER, LEARNER, OUTSIDER, RESTING, State


class Membership(State):
    """``configurations``: (index, configuration) of those in the log, behind the one that counts before them."""

    __slots__ = ()

    def start_configurations(self, disk: DiskImage) -> None:
        """The first configuration - given by an operator, by a snapshot, or everybody - and those in the log."""
        everybody = self.directory.get("raft") or (self.id, *self.peers)
        index, voters = disk.cell("members", (0, everybody))
        first = Configuration(tuple(voters))
        if self.snapshot is not None and self.snapshot.index >= index:
            index, first = self.snapshot.index, self.snapshot.configuration
        self.configurations = [(index, first)]
        if not self.learn_configurations(self.log.first, tuple(self.log)):
            self.take_configuration()

    def learn_configurations(self, index: int, entries: tuple[Entry, ...]) -> bool:
        """Entries from ``index`` on came to this log: whether a configuration that counts was among them."""
        found = False
        for entry in entries:
            command = entry.command
            if command.__class__ is Configuration and index > self.configurations[-1][0]:
                self.configurations.append((index, command))
                found = True
            index += 1
        if found:
            self.take_configuration()
        return found

    def forget_configurations(self, index: int) -> None:
        """The entries from ``index`` on are gone: the configuration before them counts again (RD section 4.1)."""
        kept = [item for item in self.configurations[1:] if item[0] < index]
        if len(kept) + 1 < len(self.configurations):
            self.configurations = [self.configurations[0], *kept]
            self.context.note("raft.configuration_undone", members=members(self.configurations[-1][1]))
            self.take_configuration()

    def switch_configuration(self, voters: tuple[str, ...]) -> None:
        """What RP section 6 warns of (Figure 10): this server alone goes over to another configuration at once."""
        configuration = Configuration(voters)
        self.context.note("raft.switched", members=members(configuration))
        self.context.persist(put("members", (self.last_index, voters)))
        self.configurations = [(self.last_index, configuration)]
        self.take_configuration()

    def take_configuration(self) -> None:
        """Keep at hand what handlers need of the latest configuration."""
        index, configuration = self.configurations[-1]
        self.voters, self.old_voters = self.electorates(configuration)
        self.learners = configuration.learners
        self.is_voter = self.id in self.voters or self.id in self.old_voters
        self.quorum = quorum.majority(len(self.voters))
        self.pending_change = index if configuration.old or index > self.commit_index else 0
        self.take_others()
        if self.role in RESTING:
            self.role = self.resting_role()

    def take_others(self) -> None:
        """Whom a leader serves, and whose copies it does not count."""
        configuration = self.configurations[-1][1]
        extra = (self.joining,) if self.joining else ()
        served = dict.fromkeys((*configuration.voters, *configuration.old, *configuration.learners, *extra))
        self.others = tuple(id for id in served if id != self.id)
        self.uncounted = self.not_counted(configuration)

    def electorates(self, configuration: Configuration) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """RP section 6: in a joint configuration separate majorities of both sets decide."""
        return configuration.voters, configuration.old

    def not_counted(self, configuration: Configuration) -> tuple[str, ...]:
        """RD section 4.2.1: learners replicate, but are not counted towards any majority."""
        return configuration.learners + ((self.joining,) if self.joining else ())

    def resting_role(self) -> str:
        """What this server is while it neither leads nor campaigns."""
        if self.is_voter:
            return FOLLOWER
        return LEARNER if self.id in self.learners else OUTSIDER

    def electors(self) -> tuple[str, ...]:
        """Whom a candidate asks: everybody else who votes."""
        return tuple(id for id in dict.fromkeys((*self.voters, *self.old_voters)) if id != self.id)

    def may_campaign(self) -> bool:
        """RD section 4.2.2: a server that its own latest configuration leaves out may be needed until that one is
        committed; a learner, or who never belonged, waits."""
        if self.is_voter or not self.pending_change or len(self.configurations) < 2:
            return self.is_voter
        before = self.configurations[-2][1]
        return self.id in before.voters or self.id in before.old

    def change_committed(self, before: int) -> None:
        """The latest configuration is committed. A joint one is still to be left, by whoever leads.

        ``before``: the commit index before.
        """
        index, configuration = self.configurations[-1]
        if before < index:
            self.context.note("raft.configuration_committed", index=index, members=members(configuration))
        self.pending_change = index if configuration.old else 0


def members(configuration: Configuration) -> str:
    """A configuration in a few characters: n1 n2 n3 → n1 n2 n3 n4 (+ n5 learning)."""
    text = " ".join(configuration.voters)
    if configuration.old:
        text = f"{' '.join(configuration.old)} → {text}"
    return f"{text} (+ {' '.join(configuration.learners)})" if configuration.learners else text
