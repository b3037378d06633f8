"""Raft, how a leader changes the membership: one server at a time or by joint consensus, learners first.

RP section 6; RD chapter 4, with the erratum of 2015 to section 4.1.
"""

from __future__ import annotations

from typing import Any

from simulations.engine.systems.raft.elections import Elections
from simulations.engine.systems.raft.membership import members
from simulations.engine.systems.raft.messages import Configuration
from simulations.engine.systems.raft.state import LEADER

SINGLE, JOINT, DIRECT = MODES = ("single", "joint", "direct")
VOTER, LEARNER, OBSERVER = JOINING_ROLES = ("voter", "learner", "observer")
ROUNDS_MAX = 10
"""RD section 4.2.1: in so many rounds a server must catch up, or its joining is given up."""


class Changes(Elections):
    """What an operator may ask for, and how a leader carries it out."""

    __slots__ = ()

    def configure(self, arguments: dict[str, Any]) -> None:
        """``members`` | ``add`` (``role``: voter at once, learner; without: voter when it has caught up) | ``remove`` |
        ``promote``; ``mode``: single, joint (default when more than one voter changes) or direct (unsafe)."""
        mode = arguments.get("mode") or ""
        if mode and mode not in MODES:
            self.context.note("raft.change_refused_arguments", field=mode, allowed=", ".join(MODES))
        elif (role := arguments.get("role") or VOTER) not in JOINING_ROLES:
            self.context.note("raft.change_refused_arguments", field=role, allowed=", ".join(JOINING_ROLES))
        elif unknown := self.strangers(arguments):
            self.context.note("raft.change_refused_stranger", server=unknown)
        elif mode == DIRECT:
            self.switch_configuration(self.wanted(arguments).voters)
            if self.role == LEADER:
                self.serve_members()
        elif self.role != LEADER or self.transfer_to:
            self.context.note("raft.change_refused_not_leader")
        elif late := [id for id in self.promoted(arguments) if not self.is_caught_up(id)]:
            self.promotions_refused += 1
            self.context.note("raft.promotion_refused", server=late[0], match=self.match_index.get(late[0], 0),
                              last=self.last_index)  # fmt: skip
        else:
            self.change(self.wanted(arguments), mode, arguments)

    def strangers(self, arguments: dict[str, Any]) -> str:
        """The first named server that does not exist."""
        wanted = [id for word in ("members", "add", "remove", "promote") for id in named(arguments, word)]
        return next((id for id in wanted if id != self.id and id not in self.peers), "")

    def promoted(self, arguments: dict[str, Any]) -> list[str]:
        """The learners that would become voters."""
        added = [] if arguments.get("role") else [id for id in named(arguments, "add") if id in self.learners]
        return [*named(arguments, "promote"), *added]

    def wanted(self, arguments: dict[str, Any]) -> Configuration:
        """The configuration that the operator asks for."""
        now = self.configurations[-1][1]
        added, removed, promoted = (named(arguments, word) for word in ("add", "remove", "promote"))
        as_learner = arguments.get("role") in (LEARNER, OBSERVER)
        voters = [*(named(arguments, "members") or now.voters), *promoted, *([] if as_learner else added)]
        learners = [*now.learners, *(added if as_learner else [])]
        kept = tuple(id for id in dict.fromkeys(voters) if id not in removed)
        rest = tuple(id for id in dict.fromkeys(learners) if id not in (*removed, *kept))
        return Configuration(kept, (), rest)

    def change(self, wanted: Configuration, mode: str, arguments: dict[str, Any]) -> None:
        """Begin the change, in the way that suits it."""
        now = self.configurations[-1][1]
        differing = set(wanted.voters) ^ set(now.voters)
        note = self.context.note
        if not wanted.voters or wanted == now:
            note("raft.change_refused_nothing", members=members(now))
        elif self.pending_change or self.joining:
            note("raft.change_refused_pending", index=self.pending_change or self.last_index)
        elif mode == SINGLE and len(differing) > 1:
            note("raft.change_refused_single", count=len(differing))
        elif mode == JOINT or len(differing) > 1:
            self.append_change(Configuration(wanted.voters, now.voters, wanted.learners))
        elif not self.committed_in_own_term():
            note("raft.change_refused_term", term=self.term, commit=self.commit_index, start=self.term_start)
        elif (joining := self.newcomer(arguments)) and not arguments.get("role"):
            self.begin_joining(joining)
        else:
            self.append_change(wanted)

    def newcomer(self, arguments: dict[str, Any]) -> str:
        """Who is added and was not served yet; a leader need not serve itself."""
        return next((id for id in named(arguments, "add") if id not in (self.id, *self.others)), "")

    def committed_in_own_term(self) -> bool:
        """Erratum of 2015 to RD section 4.1: a leader changes one server only after it committed an entry of its term.
        Else two leaders may each change the same old configuration, and their majorities need not overlap."""
        return self.commit_index >= self.term_start

    def append_change(self, configuration: Configuration) -> None:
        """RP section 6, RD section 4.1: an entry of the log, which counts from the moment it is there."""
        self.joining = ""
        self.append_as_leader(configuration)
        self.configurations.append((self.last_index, configuration))
        self.context.note(
            "raft.configuration_appended", index=self.last_index, members=members(configuration)
        )
        self.take_configuration()
        self.serve_members()
        if self.parameters.leader_disk == "parallel":
            self.replicate()

    def serve_members(self) -> None:
        """Begin to serve who is new, end it for who is gone, and count anew."""
        fresh = [peer for peer in self.others if peer not in self.match_index]
        gone = [peer for peer in self.match_index if peer not in self.others]
        for peer in gone:
            self.end_serving(peer)
        for peer in fresh:
            self.begin_serving(peer)
        self.count_rounds()
        self.lease_until = None
        self.count_again()
        if self.old_voters:
            self.count_jointly()
        for peer in fresh:
            self.send_append(peer, self.parameters.max_batch)
        if self.transfer_to in gone:
            self.abort_transfer()
        if self.confirming:
            self.confirmations = sum(self.answered_round.get(id, 0) >= self.confirming for id in self.voters)
            self.confirmations += self.id in self.voters
            if self.confirmed_by(self.id):
                self.leadership_confirmed()

    def end_serving(self, peer: str) -> None:
        """RD section 4.2.2: a server that is not in the configuration hears nothing more from the leader."""
        tables: tuple[dict[str, Any], ...] = (
            self.next_index, self.match_index, self.probing, self.heard_tick, self.sent_round, self.answered_round,
            self.matched_round, self.rounds, self.allowance, self.transfers,
        )  # fmt: skip
        for table in tables:
            table.pop(peer, None)
        self.caught_up = [id for id in self.caught_up if id != peer]

    def change_committed(self, before: int) -> None:
        """RP section 6: a leader leaves the joint configuration when that is committed, and its office when it does not
        belong to the new one."""
        super().change_committed(before)
        if self.role != LEADER:
            return
        configuration = self.configurations[-1][1]
        if configuration.old:
            self.append_change(Configuration(configuration.voters, (), configuration.learners))
        elif not self.is_voter:
            self.context.note("raft.removed_itself", term=self.term)
            self.become_follower(self.term)

    # --- learners ---

    def begin_joining(self, peer: str) -> None:
        """RD section 4.2.1: before a server becomes a voter it gets the log, in rounds, without being counted."""
        self.context.note("raft.joins", server=peer, last=self.last_index)
        self.joining = peer
        self.take_others()
        self.serve_members()

    def count_rounds(self) -> None:
        """RD section 4.2.1: rounds of catching up begin with being a learner, also for a voter that becomes one, and
        end with it."""
        first = (1, self.last_index, self.context.now)
        self.rounds = {peer: self.rounds.get(peer, first) for peer in self.uncounted if peer != self.id}
        self.caught_up = [peer for peer in self.caught_up if peer in self.rounds]

    def learner_stores(self, peer: str, match: int) -> None:
        """RD section 4.2.1: a round replicates what the log held when it began. A round within an election timeout
        means that the server has caught up: little would be missing if the majority needed it."""
        number, target, since = self.rounds[peer]
        if match < target:
            return
        took = self.context.now - since
        self.rounds[peer] = (number + 1, self.last_index, self.context.now)
        if peer in self.caught_up:
            return
        if took <= self.election_low_us:
            self.caught_up.append(peer)
            self.context.note("raft.learner_caught_up", server=peer, rounds=number, ms=took // 1000)
            if peer == self.joining:
                self.append_change(self.wanted({"add": peer}))
        elif peer == self.joining and number >= ROUNDS_MAX:
            self.give_up_joining()
        else:
            self.context.note("raft.catch_up_round", server=peer, round=number, ms=took // 1000)

    def give_up_joining(self) -> None:
        """RD section 4.2.1: a server too slow, or silent for as long, is not let in."""
        peer, self.joining = self.joining, ""
        self.context.note("raft.joining_given_up", server=peer)
        self.take_others()
        self.end_serving(peer)

    def watch_joining(self) -> None:
        """Who joins and does not answer must not keep others from joining."""
        if self.heard_tick[self.joining] < self.tick - ROUNDS_MAX * self.silent_ticks:
            self.give_up_joining()

    def is_caught_up(self, peer: str) -> bool:
        """Its last round was short, and so is the present one."""
        if peer not in self.caught_up:
            return False
        _, target, since = self.rounds[peer]
        return self.match_index[peer] >= target or self.context.now - since <= self.election_low_us


def named(arguments: dict[str, Any], word: str) -> list[str]:
    """The servers that an argument names: one or a list."""
    found = arguments.get(word) or []
    return [found] if isinstance(found, str) else list(found)
