"""Each check of Raft fires on a handmade history that breaks its rule, and stays silent on what is allowed."""

from __future__ import annotations

from typing import Any

from simulations.engine.checks.base import Check
from simulations.engine.checks.history import Operation
from simulations.engine.log import Log
from simulations.engine.process import Request
from simulations.engine.systems.raft.messages import Entry
from simulations.engine.systems.raft.process import Raft
from simulations.engine.systems.raft.properties import (
    CHECKS,
    CommitOnMajority,
    LeaderAppendOnly,
    LeaderCompleteness,
    LogMatching,
    MonotonicState,
    OneLeaderPerTerm,
    RaftNoLostAck,
    StateMachineSafety,
)

IDS = ("n1", "n2", "n3")


class Play:
    """Servers whose state the test writes by hand; a check sees each change as the harness would show it."""

    def __init__(self, *checks: Check, forks: bool = False) -> None:
        self.checks = list(checks)
        self.servers = [Raft(id=id, peers=tuple(peer for peer in IDS if peer != id)) for id in IDS]
        self.event = 0
        self.forks = forks

    def change(self, index: int, entries: list[tuple[int, Any]] | None = None, **fields: Any) -> None:
        """One event: give the server this log (terms with commands) and these fields."""
        server = self.servers[index]
        before = watched(server)
        if entries is not None:
            version = server.log.version
            server.log = Log()
            server.log.extend([Entry(term, command) for term, command in entries])
            server.log.version = version + 1
        for name, value in fields.items():
            setattr(server, name, value)
        self.event += 1
        for check in self.checks:
            check.changed(self.event * 1000, self.event, index, before, watched(server), server)
        if self.forks:
            self.checks = [check.fork() for check in self.checks]

    def verdicts(self) -> set[str]:
        running = dict(enumerate(self.servers))
        for check in self.checks:
            check.look(self.event * 1000, self.event, running)
        return {check.verdict().verdict for check in self.checks}


def watched(server: Raft) -> tuple[Any, ...]:
    return (server.role, server.term, server.log.version, server.commit_index, server.last_applied)


def all_checks() -> list[Check]:
    return [made() for made in CHECKS.values() if made is not RaftNoLostAck]


def put(operation: int) -> Request:
    return Request(operation, 1, "c1", 0, operation, "put", "x", operation)


def acknowledged(operation: int, kind: str = "put", result: Any = None) -> Operation:
    return Operation(operation, "c1", "x", kind, outcome="ok", result=result)


def test_two_leaders_of_one_term_are_seen() -> None:
    play = Play(OneLeaderPerTerm())
    play.change(0, term=2, role="leader")
    assert play.verdicts() == {"holds"}
    play.change(1, term=2, role="leader")
    verdict = play.checks[0].verdict()
    assert (verdict.verdict, verdict.event, verdict.at_us) == ("violated", 2, 2000)
    assert verdict.values == {"term": 2, "first": "n1", "second": "n2"}


def test_a_leader_of_the_past_counts_even_when_it_crashed() -> None:
    play = Play(OneLeaderPerTerm())
    play.change(0, term=2, role="leader")
    play.checks[0].crashed(0, 1, 0)
    play.change(0, term=2, role="follower")
    play.change(1, term=2, role="leader")
    assert play.verdicts() == {"violated"}


def test_two_leaders_of_different_terms_are_legal() -> None:
    play = Play(*all_checks())
    play.change(0, [(1, None)], term=1, role="leader")
    play.change(1, [(2, None)], term=2, role="leader")
    play.change(2, [(2, None)], term=2)
    play.change(1, commit_index=1, last_applied=1)
    assert "violated" not in play.verdicts()


def test_logs_that_share_an_entry_and_differ_before_it_are_seen() -> None:
    play = Play(LogMatching())
    play.change(0, [(1, "a"), (2, "b")], term=2)
    play.change(1, [(1, "a"), (1, "x")], term=2)
    assert play.verdicts() == {"holds"}
    play.change(2, [(1, "a"), (1, "y")], term=2)
    assert play.verdicts() == {"violated"}


def test_log_matching_looks_at_every_new_entry() -> None:
    play = Play(LogMatching())
    play.change(0, [(1, "a")] * 200, term=1)
    play.change(1, [(1, "a")] * 100 + [(2, "b")] * 100, term=2)
    assert play.verdicts() == {"holds"}
    play.change(2, [(1, "a")] * 99 + [(2, "b")] * 2, term=2)
    play.change(2, [(1, "a")] * 99 + [(1, "z")] + [(2, "b")] * 100, term=2)
    assert play.verdicts() == {"violated"}


def test_a_leader_without_a_committed_entry_is_seen_at_its_election() -> None:
    play = Play(LeaderCompleteness())
    play.change(0, [(1, "a"), (1, "b")], term=1, role="leader", commit_index=2)
    assert play.verdicts() == {"holds"}
    play.change(1, [(1, "a")], term=2, role="leader")
    assert play.verdicts() == {"violated"}


def test_a_leader_without_an_entry_committed_after_its_election_is_seen() -> None:
    play = Play(LeaderCompleteness())
    play.change(0, [(1, "a")], term=1, role="leader")
    play.change(1, [], term=2, role="leader")
    play.change(0, commit_index=1)
    assert play.verdicts() == {"violated"}


def test_a_stale_leader_is_not_bound_by_what_came_after_it() -> None:
    play = Play(*all_checks())
    play.change(0, [(1, "a")], term=1, role="leader")
    play.change(1, [(1, "a")], term=1)
    play.change(2, [(1, "a")], term=1)
    play.change(0, commit_index=1, last_applied=1)
    play.change(1, [(1, "a"), (2, "b")], term=2, role="leader")
    play.change(2, [(1, "a"), (2, "b")], term=2)
    play.change(1, commit_index=2, last_applied=2)
    play.change(0, [(1, "a"), (1, "tail"), (1, "of a stale leader")])
    assert play.verdicts() == {"holds"}


def test_an_old_entry_committed_in_a_later_term_does_not_bind_a_leader_in_between() -> None:
    """The entry is of term 1 but committed in term 3; the stale leader of term 2 need not hold it."""
    play = Play(*all_checks())
    play.change(0, [(1, "a")], term=1, role="leader")
    play.change(1, [(2, "b")], term=2, role="leader")
    play.change(0, term=3)
    play.change(2, [(1, "a"), (3, "c")], term=3)
    play.change(0, [(1, "a"), (3, "c")])
    play.change(0, commit_index=2, last_applied=2)
    assert play.verdicts() == {"holds"}


def test_the_counterexample_of_votes_granted_is_no_violation() -> None:
    """n3 voted for n2 in term 2, then learns more from the leader of term 1 that n2 lacks: legal (etcdraft.tla)."""
    play = Play(*all_checks())
    play.change(0, [(1, "a")], term=1, role="leader")
    play.change(2, term=2, voted_for="n2")
    play.change(1, [(1, "a")], term=2, role="candidate", voted_for="n2")
    play.change(0, commit_index=1, last_applied=1)
    play.change(2, [(1, "a")], commit_index=1, last_applied=1)
    assert "violated" not in play.verdicts()


def test_different_applied_histories_are_seen() -> None:
    play = Play(StateMachineSafety())
    play.change(0, [(1, "a"), (1, "b"), (1, "c")], term=1, commit_index=3, last_applied=3)
    play.change(1, [(1, "a"), (1, "b")], term=1, commit_index=2, last_applied=2)
    assert play.verdicts() == {"holds"}
    play.change(2, [(1, "a"), (2, "x")], term=2, commit_index=2, last_applied=2)
    assert play.verdicts() == {"violated"}


def test_a_leader_that_rewrites_its_log_is_seen() -> None:
    play = Play(LeaderAppendOnly())
    play.change(0, [(1, "a")], term=1, role="leader")
    play.change(0, [(1, "a"), (1, "b")])
    assert play.verdicts() == {"holds"}
    play.change(0, [(1, "a"), (1, "c")])
    assert play.verdicts() == {"violated"}


def test_a_follower_may_truncate() -> None:
    play = Play(LeaderAppendOnly(), LogMatching())
    play.change(0, [(1, "a"), (1, "b")], term=1)
    play.change(0, [(1, "a"), (2, "c")], term=2)
    assert "violated" not in play.verdicts()


def test_falling_terms_commits_and_log_terms_are_seen() -> None:
    for change in (
        {"term": 1},
        {"commit_index": 0},
        {"last_applied": 2},
        {"entries": [(2, "a"), (1, "b")]},
        {"entries": [(1, "a"), (9, "b")]},
    ):
        play = Play(MonotonicState())
        play.change(0, [(1, "a")], term=2, commit_index=1, last_applied=1)
        assert play.verdicts() == {"holds"}
        play.change(0, **change)
        assert play.verdicts() == {"violated"}, change


def test_a_commit_without_a_majority_is_seen() -> None:
    play = Play(CommitOnMajority())
    play.change(0, [(1, "a"), (1, "b")], term=1, role="leader")
    play.change(1, [(1, "a")], term=1)
    play.change(0, commit_index=1)
    assert play.verdicts() == {"holds"}
    play.change(0, commit_index=2)
    assert play.verdicts() == {"violated"}


# ---------------------------------------------------------------- acknowledged operations


def no_lost_ack(*operations: Operation) -> Play:
    play = Play(RaftNoLostAck())
    for operation in operations:
        play.checks[0].completed(5, 5, operation)
    return play


def test_an_acknowledged_operation_that_the_leader_lacks_is_lost() -> None:
    play = no_lost_ack(acknowledged(1), acknowledged(2))
    play.change(0, [(1, put(1)), (1, put(2))], term=1, role="leader", commit_index=2, last_applied=2)
    assert play.verdicts() == {"holds"}
    play.change(1, [(1, put(1)), (2, put(3))], term=2, role="leader", commit_index=2, last_applied=2)
    assert play.verdicts() == {"violated"}
    assert play.checks[0].verdict().values == {"leader": "n2", "epoch": 2, "lost": 1, "first": 2}


def test_nobody_leads_so_nothing_is_known() -> None:
    play = no_lost_ack(acknowledged(1))
    play.change(0, [(1, put(1))], term=1)
    assert play.verdicts() == {"unknown"}


def test_an_entry_held_but_not_applied_is_not_judged_yet() -> None:
    play = no_lost_ack(acknowledged(1))
    play.change(0, [(1, put(1))], term=2, role="leader")
    assert play.verdicts() == {"unknown"}


def test_reads_refusals_and_unknown_outcomes_cannot_be_lost() -> None:
    play = no_lost_ack(
        acknowledged(1, "get"),
        acknowledged(2, "cas", result=False),
        Operation(3, "c1", "x", "put", outcome="unknown"),
        Operation(4, "c1", "x", "put", outcome="fail"),
        acknowledged(5),
    )
    play.change(0, [(1, put(5))], term=1, role="leader", commit_index=1, last_applied=1)
    assert play.verdicts() == {"holds"}
    assert play.checks[0].verdict().judged == 1


# ---------------------------------------------------------------- all of them


def test_a_check_with_nothing_to_judge_says_unknown() -> None:
    assert {made().verdict().verdict for made in CHECKS.values()} == {"unknown"}


def test_the_first_violation_sticks() -> None:
    play = Play(OneLeaderPerTerm())
    play.change(0, term=1, role="leader")
    play.change(1, term=1, role="leader")
    play.change(2, term=1, role="leader")
    assert play.checks[0].verdict().values["second"] == "n2"


def test_a_fork_goes_its_own_way() -> None:
    play = Play(LogMatching())
    play.change(0, [(1, "a")] * 300, term=1)
    fork = play.checks[0].fork()
    play.change(1, [(1, "a")] * 299 + [(1, "b")], term=1)
    assert play.verdicts() == {"violated"}
    assert fork.verdict().verdict == "holds"
    play.checks = [fork]
    play.change(2, [(1, "a")] * 299 + [(1, "b")], term=1)
    assert play.verdicts() == {"violated"}


def test_forking_after_every_event_changes_nothing() -> None:
    play = Play(*all_checks(), forks=True)
    play.change(0, [(1, "a"), (1, "b")], term=1, role="leader")
    play.change(1, [(1, "a"), (1, "b")], term=1)
    play.change(0, commit_index=2, last_applied=2)
    assert "violated" not in play.verdicts()
    play.change(2, [(1, "a")], term=2, role="leader")
    assert LeaderCompleteness.name in {
        check.verdict().name for check in play.checks if check.verdict().verdict == "violated"
    }
