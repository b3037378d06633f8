"""The coordinator: any node that a client asks. It sends an operation to the owners of the key and waits for as many
answers as the mode wants.

Quorums, sloppy ones: DeCandia et al., "Dynamo", 2007, sections 4.5 and 4.6. Linearizable mode: Attiya, Bar-Noy, Dolev,
"Sharing memory robustly in message-passing systems", 1995, with the two rounds of Lynch and Shvartsman, 1997, for
writes by several. Read repair: Dynamo, section 5.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from simulations.engine.process import Request
from simulations.engine.systems.quorum_store.membership import Membership
from simulations.engine.systems.quorum_store.messages import Read, ReadReply, Repair, Write, WriteAck
from simulations.engine.systems.quorum_store.parameters import ALL, LOCAL
from simulations.engine.systems.quorum_store.placement import walk
from simulations.engine.systems.quorum_store.state import (
    BACK,
    MILLISECOND,
    PROBE,
    QUERY,
    READ,
    WRITE,
    Groups,
    Pending,
    Probe,
    Probed,
)
from simulations.engine.systems.quorum_store.versions import Version, Versions, joined, shown, stamp, top

READS = ("get", "get_stale")
WRITES = ("put", "delete", "write_and_probe")
FINISHED_KEPT = 256
WRITE_ITSELF = -1.0


class Coordinator(Membership):
    """What a node does for the clients that ask it."""

    __slots__ = ()

    # -- rules -------------------------------------------------------------------------------------

    def enough(self, groups: Groups, answered: list[str]) -> bool:
        """Whether every quorum is met."""
        return all(len([node for node in answered if node in owners]) >= need for owners, need in groups)

    def hint_counts(self) -> bool:
        """A hint stands for its replica in a sloppy quorum, and in no other."""
        return self.parameters.sloppy

    def timestamp(self, known: Iterable[Version]) -> int:
        """A write's time. The clock decides; where linearizability is promised a write also comes after everything
        that its first round found, whatever the clock says."""
        at = max(self.context.now, self.last_at + 1)
        if self.parameters.promises():
            at = max([at, *(version.at + 1 for version in known)])
        self.last_at = at
        return at

    def must_write_back(self, pending: Pending, found: Versions) -> bool:
        """ABD: a read returns only what is at a write quorum, so that no later read can return something older."""
        if not self.parameters.writes_back() or not found:
            return False
        holders = [node for node in pending.acks if top(pending.replies[node]) == top(found)]
        return not self.enough(self.write_groups(pending.key), holders)

    def repairs(self, pending: Pending, found: Versions) -> dict[str, Versions]:
        """Whom a read found behind, and what they miss."""
        wanted = {stamp(version) for version in found}
        return {
            node: found
            for node, held in pending.replies.items()
            if not wanted <= {stamp(version) for version in held}
        }

    # -- beginning an operation --------------------------------------------------------------------

    def on_request(self, request: Request) -> None:
        self.touched.clear()
        self.probed.clear()
        finished = self.finished.get(request.operation)
        if finished is not None:
            self.context.reply(request, *finished)
        elif request.operation in self.operations:
            self.try_again(self.operations[request.operation], request)
        elif request.kind in READS:
            self.begin_read(request)
        elif request.kind in WRITES:
            self.begin_write(request)
        else:
            self.context.note("quorum_store.not_offered", kind=request.kind)
            self.finish(request, "fail", None)

    def try_again(self, ticket: int, request: Request) -> None:
        """Another attempt of an operation under way: ask those again who have not answered."""
        pending = self.pending.get(ticket)
        if pending is None:
            return
        pending.request = request
        for node in pending.asked:
            if node not in pending.acks and node != self.id:
                self.ask(ticket, pending, node)

    def begin_read(self, request: Request) -> None:
        key = request.key
        if request.kind == "get_stale":
            key = f"k{self.next_key}"
            self.next_key += 1
        groups = self.read_groups(key)
        if self.refuses(groups):
            self.refuse(request)
        else:
            asked = self.whom_to_ask(groups, (request.options or {}).get("replicas"))
            self.begin(Pending(READ, key, request, groups, asked, self.context.now, 0))

    def begin_write(self, request: Request) -> None:
        key, groups = request.key, self.write_groups(request.key)
        if self.refuses(groups):
            self.refuse(request)
        elif self.parameters.promises():
            readers = self.read_groups(key)
            asked = list(readers[0][0])
            self.begin(Pending(QUERY, key, request, readers, asked, self.context.now, 0))
        else:
            self.write(request, key, self.new_version(request, self.store.get(key, ())), WRITE)

    def new_version(self, request: Request, known: Versions, attempt: int = 0) -> Version:
        """The version that a write makes; ``known``: what it may have seen."""
        value = None if request.kind == "delete" else request.argument
        at = self.timestamp(known)
        clock = joined([version.clock for version in known])
        clock[self.id] = at
        return Version(value, at, self.id, tuple(sorted(clock.items())), request.operation, attempt)

    def refuses(self, groups: Groups) -> bool:
        """So many owners are silent that the quorum cannot be had: say so at once instead of letting clients wait."""
        silent = self.silent
        if not silent or self.parameters.sloppy:
            return False
        return any(len([node for node in owners if node not in silent]) < need for owners, need in groups)

    def refuse(self, request: Request) -> None:
        """A read fails. Of a write only this attempt did not happen: whether another one did its client must know."""
        self.context.note("quorum_store.refuses", key=request.key, silent=", ".join(sorted(self.silent)))
        if request.kind in READS:
            self.finish(request, "fail", None)
        else:
            self.context.reply(request, "retry")

    def whom_to_ask(self, groups: Groups, named: Any = None) -> list[str]:
        """All owners, or as many as the read needs: at random, those that answer first; itself in local mode."""
        (owners, need), parameters = groups[0], self.parameters
        if named:
            return [node for node in owners if node in named]
        if parameters.send_to_all or parameters.writes_back() or parameters.repair() == ALL:
            return list(owners)
        if parameters.mode == LOCAL and self.id in owners:
            return [self.id]
        rest = [node for node in owners if node not in self.silent]
        late = [node for node in owners if node in self.silent]
        chosen: list[str] = []
        while len(chosen) < need:
            rest = rest or late
            chosen.append(rest.pop(self.context.random.integer(0, len(rest) - 1)))
        return chosen

    # -- rounds ------------------------------------------------------------------------------------

    def begin(self, pending: Pending) -> int:
        """Send a round to everybody asked, itself included; returns its ticket."""
        self.tickets += 1
        ticket = self.life << 20 | self.tickets
        pending.due_us = pending.started_us + int(self.parameters.replica_timeout_ms * MILLISECOND)
        self.pending[ticket] = pending
        if pending.request is not None:
            self.operations[pending.request.operation] = ticket
        for node in pending.asked:
            if node != self.id:
                self.ask(ticket, pending, node)
        if not self.watching:
            self.watch(pending.due_us)
        if self.id in pending.asked:
            self.answer_itself(ticket, pending)
        return ticket

    def ask(self, ticket: int, pending: Pending, node: str) -> None:
        """One message of a round."""
        if pending.version is not None:
            self.context.send(node, Write(ticket, pending.key, pending.version, self.ring.epoch))
        elif pending.kind == QUERY and pending.request is not None:
            operation, attempt = pending.request.operation, pending.request.attempt
            self.context.send(node, Read(ticket, pending.key, self.ring.epoch, operation, attempt))
        else:
            self.context.send(node, Read(ticket, pending.key, self.ring.epoch))

    def answer_itself(self, ticket: int, pending: Pending) -> None:
        """The coordinator is an owner too."""
        if pending.version is not None:
            if self.accept(pending.key, pending.version):
                self.acknowledged(ticket, pending, self.id)
            return
        earlier = None
        if pending.kind == QUERY and pending.request is not None:
            earlier = self.promise(pending.request.operation, pending.request.attempt)
        self.replied(ticket, pending, self.id, self.store.get(pending.key, ()), earlier)

    def write(self, request: Request | None, key: str, version: Version, kind: str) -> None:
        """The round that stores a version: at all owners, or for those that are silent as a hint."""
        groups = self.write_groups(key)
        asked = list(dict.fromkeys(node for owners, _ in groups for node in owners))
        pending = Pending(kind, key, request, groups, asked, self.context.now, 0, version)
        ticket = self.begin(pending)
        silent = [node for node in asked if node in self.silent] if self.silent else ()
        for node in silent:
            if ticket in self.pending and node not in pending.acks:
                self.stand_in(ticket, pending, node)

    def stand_in(self, ticket: int, pending: Pending, node: str) -> None:
        """A replica is away: keep a hint for it. In a sloppy quorum the next healthy node on the ring keeps it, if
        there is one, and the hint counts."""
        assert pending.version is not None
        if self.parameters.sloppy:
            members = walk(pending.key, self.ring.new, self.parameters.vnodes)
            free = [
                one
                for one in members
                if one not in pending.asked and one not in self.silent and one != self.id
            ]
            if free:
                message = Write(ticket, pending.key, pending.version, self.ring.epoch, node)
                self.context.send(free[0], message)
                return
        if self.keep_hint(node, pending.key, pending.version) and self.hint_counts():
            self.acknowledged(ticket, pending, node)

    # -- answers -----------------------------------------------------------------------------------

    def on_write_ack(self, sender: str, message: WriteAck) -> None:
        pending = self.pending.get(message.ticket)
        if pending is None or pending.version is None:
            return
        if not message.hint_for and sender in self.hints:
            self.forget_hint(sender, pending.key, pending.version)
        self.acknowledged(message.ticket, pending, message.hint_for or sender)

    def acknowledged(self, ticket: int, pending: Pending, node: str) -> None:
        if node in pending.acks:
            return
        pending.acks.append(node)
        if not pending.done and self.enough(pending.groups, pending.acks):
            pending.done = True
            self.stored(ticket, pending)
        if len(pending.acks) >= len(pending.asked):
            self.pending.pop(ticket, None)

    def on_read_reply(self, sender: str, message: ReadReply) -> None:
        pending = self.pending.get(message.ticket)
        if pending is not None and sender in pending.asked:
            self.replied(message.ticket, pending, sender, message.versions, message.earlier)

    def replied(
        self, ticket: int, pending: Pending, node: str, held: Versions, earlier: Version | None
    ) -> None:
        if node in pending.acks:
            return
        pending.acks.append(node)
        pending.replies[node] = held
        if earlier is not None and (pending.earlier is None or earlier.attempt > pending.earlier.attempt):
            pending.earlier = earlier
        if not pending.done and self.enough(pending.groups, pending.acks):
            pending.done = True
            self.known(ticket, pending)
        if len(pending.acks) >= len(pending.asked):
            self.conclude(ticket, pending)

    def known(self, ticket: int, pending: Pending) -> None:
        """Enough replicas have told what they hold."""
        found = self.reconciled(pending.replies.values())
        if pending.kind == PROBE:
            self.note_probe(ticket, pending, found)
        elif pending.request is None:
            return
        elif pending.kind == QUERY:
            self.write_after_query(pending, pending.request, found)
        elif self.must_write_back(pending, found):
            self.context.note("quorum_store.writes_back", key=pending.key)
            self.write(pending.request, pending.key, max(found, key=stamp), BACK)
        else:
            self.finish(pending.request, "ok", shown(found))

    def write_after_query(self, pending: Pending, request: Request, found: Versions) -> None:
        """The second round of a promised write. What an earlier attempt began is finished, not done again."""
        earlier = pending.earlier
        if earlier is None:
            version = self.new_version(request, found, request.attempt)
        else:
            version = Version(
                earlier.value, earlier.at, earlier.by, earlier.clock, earlier.operation, request.attempt
            )
        self.write(request, pending.key, version, WRITE)

    def stored(self, ticket: int, pending: Pending) -> None:
        """A version is at its quorum."""
        request, version = pending.request, pending.version
        assert version is not None
        if request is None:
            return
        if pending.kind == BACK:
            self.finish(request, "ok", version.value)
            return
        waits = request.kind == "write_and_probe" and bool(self.parameters.probe_ms)
        if self.parameters.probe_ms:
            self.plan_probes(ticket, pending.key, version, request if waits else None)
        if not waits:
            self.finish(request, "ok", None)

    def conclude(self, ticket: int, pending: Pending) -> None:
        """No more answers are awaited: repair whom the read found behind."""
        self.pending.pop(ticket, None)
        if pending.kind not in (READ, PROBE) or self.parameters.repair() == "none":
            return
        found = self.reconciled(pending.replies.values())
        for node, versions in self.repairs(pending, found).items():
            if node == self.id:
                self.on_repair(self.id, Repair(pending.key, versions))
            else:
                self.context.note("quorum_store.repairs", key=pending.key, node=node)
                self.context.send(node, Repair(pending.key, versions))

    def finish(self, request: Request, outcome: str, result: Any) -> None:
        """The client gets its answer, and gets the same one if it asks again."""
        self.operations.pop(request.operation, None)
        self.finished[request.operation] = (outcome, result)
        if len(self.finished) > FINISHED_KEPT:
            del self.finished[next(iter(self.finished))]
        self.context.reply(request, outcome, result)

    # -- those who do not answer -------------------------------------------------------------------

    def watch(self, due_us: int) -> None:
        """Look at the rounds when this one is due; at least a millisecond later, for a fast clock rounds down."""
        self.watching = True
        self.context.set_timer("watch", max(MILLISECOND, due_us - self.context.now))

    def on_watch(self) -> None:
        """Rounds whose answers are late, and those whose time is over."""
        self.watching = False
        now = self.context.now
        for ticket in [ticket for ticket, one in self.pending.items() if one.due_us <= now]:
            pending = self.pending.get(ticket)
            if pending is None:
                continue
            if pending.late:
                self.give_up(ticket, pending)
            else:
                self.be_late(ticket, pending)
        if self.pending:
            self.watch(min([one.due_us for one in self.pending.values()]))

    def be_late(self, ticket: int, pending: Pending) -> None:
        """Suspect who has not answered; keep hints for writes, ask others for reads."""
        pending.late = True
        pending.due_us = pending.started_us + int(self.parameters.request_timeout_ms * MILLISECOND)
        missing = [node for node in pending.asked if node not in pending.acks and node != self.id]
        for node in missing:
            self.suspect(node, pending.started_us)
        if pending.version is not None:
            for node in missing:
                if node not in pending.acks:
                    self.stand_in(ticket, pending, node)
        elif not pending.done:
            for node in pending.groups[0][0]:
                if node not in pending.asked:
                    pending.asked.append(node)
                    self.ask_late(ticket, pending, node)
        if pending.done and ticket in self.pending:
            if pending.version is None:
                self.conclude(ticket, pending)
            elif not self.parameters.sloppy:
                self.pending.pop(ticket)

    def ask_late(self, ticket: int, pending: Pending, node: str) -> None:
        if node == self.id:
            self.answer_itself(ticket, pending)
        else:
            self.ask(ticket, pending, node)

    def give_up(self, ticket: int, pending: Pending) -> None:
        """A read that found no quorum failed; of a write nobody can tell, so its client gets no answer."""
        del self.pending[ticket]
        request = pending.request
        if pending.done or request is None:
            return
        self.context.note("quorum_store.gives_up", key=pending.key)
        if self.operations.get(request.operation) == ticket:
            del self.operations[request.operation]
        if pending.kind in (READ, BACK):
            self.finish(request, "fail", None)

    # -- probes ------------------------------------------------------------------------------------

    def plan_probes(self, ticket: int, key: str, version: Version, request: Request | None) -> None:
        """Reads at fixed delays after a write was acknowledged."""
        delays = self.parameters.probe_ms
        latency = self.context.now - self.pending[ticket].started_us
        self.probed.append(Probed(version.operation, WRITE_ITSELF, latency, True, ticket))
        self.probes += 1
        self.probing[ticket] = Probe(key, stamp(version), version.operation, len(delays), request)
        for number, delay in enumerate(delays):
            self.context.set_timer(f"probe {ticket} {number}", round(delay * MILLISECOND))

    def on_probe_timer(self, ticket: int, number: int) -> None:
        probe = self.probing.get(ticket)
        if probe is None or number >= len(self.parameters.probe_ms):
            return
        groups = self.read_groups(probe.key)
        pending = Pending(PROBE, probe.key, None, groups, self.whom_to_ask(groups), self.context.now, 0)
        pending.probe = f"{ticket} {number}"
        self.begin(pending)

    def note_probe(self, ticket: int, pending: Pending, found: Versions) -> None:
        """How long it took, whether it saw the write, and who answered first."""
        write, number = [int(part) for part in pending.probe.split()]
        probe = self.probing.get(write)
        if probe is None or number >= len(self.parameters.probe_ms):
            return
        fresh = top(found) >= probe.stamp
        latency = self.context.now - pending.started_us
        delay = self.parameters.probe_ms[number]
        self.probed.append(Probed(probe.operation, delay, latency, fresh, ticket, tuple(pending.acks)))
        self.probes += 1
        probe.left -= 1
        if not probe.left:
            del self.probing[write]
            if probe.request is not None:
                self.finish(probe.request, "ok", None)
