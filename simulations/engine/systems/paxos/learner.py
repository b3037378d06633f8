"""Paxos, the rules of the learner: what is chosen, in which order it is applied, how holes are filled. PMS 2.3, 3."""

from __future__ import annotations

from typing import Any

from simulations.engine import state_machine
from simulations.engine.process import Request
from simulations.engine.systems.paxos.messages import CatchUp, Entry, Learn
from simulations.engine.systems.paxos.parameters import BASIC, MULTI, SINGLE
from simulations.engine.systems.paxos.state import LEADER, State


class Learner(State):
    """Chosen values enter the log slot by slot; what comes early waits in ``chosen``."""

    __slots__ = ()

    def learn(self, entries: tuple[Entry, ...]) -> None:
        """PMS 3: a command is executed when it and all before it are chosen."""
        following = self.log.last + 1
        for entry in entries:
            slot = entry.slot
            if slot == following:
                self.append_chosen(entry)
                following += 1
            elif slot > following:
                self.chosen[slot] = entry
        if self.chosen:
            while (known := self.chosen.pop(following, None)) is not None:
                self.append_chosen(known)
                following += 1
            for slot in [slot for slot in self.chosen if slot < following]:
                del self.chosen[slot]

    def append_chosen(self, entry: Entry) -> None:
        """The next slot of the log; a proposal still open for it is settled."""
        slot, command = entry.slot, entry.command
        self.log.append(entry)
        self.accepted.pop(slot, None)
        self.open.pop(slot, None)
        self.tally.pop(slot, None)
        if self.mode == SINGLE:
            return
        outcome = None if command is None else self.apply(command)
        if outcome is None or command is None:
            return
        if self.role == LEADER and self.mode == MULTI:
            if (
                entry.term == self.ballot and command.client
            ):  # (an experiment's initial values have no client)
                # before_durable: safe, a majority's disks hold what is chosen.
                self.context.reply(command, "ok", outcome[0], None, True)
        elif self.waiting and self.mode == BASIC:
            self.answer_waiting(command, outcome[0])

    def answer_waiting(self, command: Request, result: Any) -> None:
        """Answer the request that a proposer of single slots took on. before_durable: as above."""
        for request in self.waiting:
            if request.operation == command.operation:
                self.waiting.remove(request)
                self.context.reply(request, "ok", result, None, True)
                return

    def apply(self, request: Request) -> tuple[Any] | None:
        """Execute once per session and number. None: too old to tell, so no answer."""
        if not self.parameters.sessions or not request.session:
            return (self.execute(request),)
        before = self.sessions.seen(request)
        if before is not None:
            self.context.note("paxos.duplicate", session=request.session, sequence=request.sequence)
            return before
        if self.sessions.is_forgotten(request):
            return None
        result = self.execute(request)
        self.sessions.remember(request, result)
        return (result,)

    def execute(self, request: Request) -> Any:
        """Let the key-value state machine do what the request asks."""
        if request.kind not in state_machine.KINDS:
            return None
        writes, value, result = state_machine.effect_of(self.data, request)
        if writes:
            self.state_hash = state_machine.write(self.data, self.marks, request.key, value, self.state_hash)
        return result

    def notice_holes(self, sender: str, chosen: int) -> None:
        """What was chosen before the last heartbeat and is still missing got lost on its way: ask for it."""
        if self.log.last < self.heard_chosen:
            self.ask_for_missing(sender)
        self.heard_chosen = max(chosen, self.log.last)

    def ask_for_missing(self, sender: str) -> None:
        """before_durable: safe, a question promises nothing."""
        self.context.note("paxos.catches_up", slot=self.log.last + 1, source=sender)
        self.context.send(sender, CatchUp(self.promised, self.log.last + 1), True)

    def on_catch_up(self, sender: str, message: CatchUp) -> None:
        """before_durable: safe, what is chosen is on a majority's disks."""
        slot = message.slot
        entries = self.log.slice(slot, min(self.log.last, slot + self.parameters.max_batch - 1) + 1)
        if entries:
            self.context.send(sender, Learn(self.promised, entries), True)

    def is_behind(self, entries: tuple[Entry, ...]) -> bool:
        """Whether a whole batch of slots came and more are missing."""
        return len(entries) >= self.parameters.max_batch and self.log.last < self.heard_chosen
