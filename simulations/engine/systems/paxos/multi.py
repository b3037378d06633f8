"""Multi-Paxos: one distinguished proposer, phase 1 once for all slots, one round trip per command. PMS 3.

PMS leaves open how the leader is chosen: here by silence, as in Raft - a proposer that hears nobody for a random time
prepares a number of its own. Leases: Chandra, Griesemer, Redstone, "Paxos Made Live", 2007, section 5.2.
"""

from __future__ import annotations

from simulations.engine.process import Request
from simulations.engine.systems.paxos.messages import Accept, Entry, Heartbeat, HeartbeatReply
from simulations.engine.systems.paxos.parameters import MULTI
from simulations.engine.systems.paxos.single import SingleSlots
from simulations.engine.systems.paxos.state import CAMPAIGNING, LEADER


class MultiPaxos(SingleSlots):
    """The distinguished proposer of a log."""

    __slots__ = ()

    def restart_election_timer(self) -> None:
        """A random time of silence, so that seldom two begin together."""
        if self.is_proposer:
            delay = self.context.random.integer(self.election_low_us, self.election_high_us)
            self.context.set_timer("election", delay)

    def become_leader(self) -> None:
        """PMS 3: re-propose what the promises bind, fill the holes below with no-ops, then take commands."""
        self.role, self.leader = LEADER, self.id
        self.context.cancel_timer("election")
        self.context.note("paxos.leads", ballot=self.ballot, slot=self.log.last + 1)
        self.tick = self.slot_at_tick = self.slot_before = 0
        self.heard_tick = dict.fromkeys(self.promises, 0)
        entries = self.inherited_entries()
        self.next_slot = self.inherited = self.last_known() + 1
        self.reported, self.promises = {}, {}
        batch = self.parameters.max_batch
        for start in range(0, len(entries), batch):
            self.propose(tuple(entries[start : start + batch]))
        self.on_heartbeat_timeout()

    def last_known(self) -> int:
        """The last slot that anybody is known to have proposed for."""
        return max([self.log.last, *self.reported, *self.chosen])

    def inherited_entries(self) -> list[Entry]:
        """PMS 3: a proposal for every slot up to the last one known that is not known to be chosen."""
        entries = []
        for slot in range(self.log.last + 1, self.last_known() + 1):
            if slot in self.chosen:
                continue
            bound = self.bound_value(slot)
            if bound is None:
                self.context.note("paxos.no_op", slot=slot, ballot=self.ballot)
                bound = (None,)
            entries.append(Entry(self.ballot, slot, bound[0]))
        return entries

    def propose_next(self, request: Request) -> None:
        """PMS 3: with phase 1 done for all slots a command takes one round trip."""
        slot = self.next_slot
        self.next_slot = slot + 1
        self.propose((Entry(self.ballot, slot, request),))

    def on_heartbeat_timeout(self) -> None:
        """Tell everybody that the leader lives, send again what may be lost, and mind the majority."""
        if self.role != LEADER:
            return
        self.tick += 1
        if self.parameters.check_quorum and not self.hears_a_quorum():
            self.context.note("paxos.quorum_lost", ballot=self.ballot)
            self.step_down()
            return
        self.send_again()
        message = Heartbeat(self.ballot, self.tick, self.log.last)
        if self.lease_us:
            self.start_lease_round()
        # before_durable: safe, it carries the leader's durable number and what is chosen.
        for peer in self.peers:
            self.context.send(peer, message, True)
        self.context.set_timer("heartbeat", self.heartbeat_us)

    def hears_a_quorum(self) -> bool:
        """Whether a majority answered within an election timeout."""
        since = self.tick - self.silent_ticks
        heard = sum(self.heard_tick.get(peer, 0) >= since for peer in self.acceptors if peer != self.id)
        return heard + self.is_acceptor >= self.prepare_quorum

    def send_again(self) -> None:
        """Accept requests without a majority two heartbeats later: repeat them to whom has not answered."""
        late = [entry for slot, entry in sorted(self.open.items()) if slot < self.slot_before]
        self.slot_before, self.slot_at_tick = self.slot_at_tick, self.next_slot
        batch = self.parameters.max_batch
        if late:
            for acceptor in self.acceptors:
                bit = self.bits[acceptor]
                missing = [entry for entry in late if not self.tally[entry.slot] & bit][:batch]
                if missing and acceptor != self.id:
                    # before_durable: as in ``propose``.
                    self.context.send(acceptor, Accept(self.ballot, tuple(missing)), True)

    def step_down(self) -> None:
        """Somebody has a higher number, or nobody answers: wait like the others."""
        self.rest()
        self.leader = ""
        self.context.cancel_timer("heartbeat")
        self.restart_election_timer()

    def hears_leader(self, sender: str, ballot: int) -> None:
        """A proposer with this number is at work: follow it."""
        if self.role in CAMPAIGNING and ballot > self.ballot:
            self.context.note("paxos.preempted", by=sender, ballot=self.ballot, promised=ballot)
            self.step_down()
        if ballot > self.highest:
            self.highest = ballot
        if self.leader != sender:
            self.leader = sender
            self.context.note("paxos.follows", leader=sender, ballot=ballot)
        self.restart_election_timer()

    def refused(self) -> None:
        """PMS 2.4: after a refusal a single slot's proposer retries as told; a would-be leader waits its turn."""
        if self.mode == MULTI:
            self.step_down()
        else:
            self.refused_alone()

    # -- leases -----------------------------------------------------------------------------------------------------

    def start_lease_round(self) -> None:
        """Remember when this heartbeat left: the lease counts from there, the acceptors' from its arrival."""
        rounds = self.lease_rounds
        mask = self.bits[self.id] if self.is_acceptor else 0
        rounds[self.tick] = (self.context.now, mask)
        rounds.pop(self.tick - 8, None)
        if self.is_acceptor:
            self.grant_lease(self.id)

    def on_heartbeat_reply(self, sender: str, message: HeartbeatReply) -> None:
        """A majority that answers one heartbeat grants the lease."""
        if self.role != LEADER or message.ballot != self.ballot:
            return
        self.heard_tick[sender] = self.tick
        known = self.lease_rounds.get(message.round)
        if known is None or sender not in self.bits:
            return
        sent_at, mask = known
        mask |= self.bits[sender]
        self.lease_rounds[message.round] = (sent_at, mask)
        if mask.bit_count() >= self.prepare_quorum:
            until = sent_at + self.lease_us
            if self.lease_until is None or until > self.lease_until:
                self.lease_until = until

    def may_read_locally(self) -> bool:
        """With a lease in force nobody else can have anything chosen; what was inherited must be applied."""
        until = self.lease_until
        return until is not None and self.context.now < until and self.log.last + 1 >= self.inherited
