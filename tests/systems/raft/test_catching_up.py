"""Followers that are behind: where the leader tries next, at which pace it feeds them, and what it has compacted."""

from __future__ import annotations

from typing import Any

from simulations.engine.systems.raft.messages import AppendEntries, AppendEntriesReply, InstallSnapshot
from tests.systems.raft.helpers import cluster, configure, elect, group, heartbeat, names, sent
from tests.systems.recording import Group

THREE = names(3)

# -- where to try next (RP section 5.3) ------------------------------------------------------------------------------


def refused(terms: list[int], conflict_term: int, conflict_index: int, match: int = 0) -> int:
    """Where the leader tries next when n2 refused what follows the last entry but one; n2 holds ``match``."""
    made = group(3, logs=dict.fromkeys(THREE, terms), fast_backtracking=True)
    made.isolate("n2")
    elect(made, "n1")
    leader = made.processes["n1"]
    leader.match_index["n2"], leader.next_index["n2"], leader.probing["n2"] = match, len(terms), True
    made.contexts["n1"].take()
    last = len(terms) - 1
    reply = AppendEntriesReply(leader.term, False, last, leader.round, conflict_term, conflict_index)
    made.receive("n1", "n2", reply)
    (probe,) = sent(made, "n1", AppendEntries)
    return int(probe.prev_index) + 1


def test_a_whole_term_that_the_leader_lacks_is_skipped() -> None:
    assert refused([1, 1, 4, 4, 4, 5, 5], conflict_term=3, conflict_index=3) == 3


def test_of_a_term_that_the_leader_has_only_the_end_is_tried() -> None:
    assert refused([1, 1, 3, 3, 3, 5, 5], conflict_term=3, conflict_index=2) == 6


def test_behind_a_short_log_the_next_entry_is_tried() -> None:
    assert refused([1, 1, 3, 3, 3, 5, 5], conflict_term=0, conflict_index=4) == 4


def test_the_next_try_is_never_later_than_what_was_refused() -> None:
    assert refused([1, 1, 3, 3, 3, 3, 3], conflict_term=3, conflict_index=2) == 6


def test_what_is_known_to_match_is_not_tried_again() -> None:
    assert refused([1, 1, 1, 4, 4, 5, 5], conflict_term=2, conflict_index=1, match=3) == 4


# -- at which pace (RD section 4.2.1) --------------------------------------------------------------------------------


def paced(lacking: int) -> Group:
    """A learner that lacks that many entries and has answered; 5 in a heartbeat of 50 ms is its pace."""
    made = cluster(THREE, 4, catch_up_entries_per_s=100)
    configure(made, "n1", add="n4", role="learner")
    heartbeat(made, "n1", times=2)
    made.isolate("n4")
    for number in range(lacking):
        made.request("n1", "put", "x", number)
    made.quiet()
    made.heal()
    leader = made.processes["n1"]
    leader.probing["n4"], leader.next_index["n4"] = False, leader.match_index["n4"] + 1
    made.delivered.clear()
    return made


def fed(made: Group, id: str) -> list[int]:
    """How many entries each message brought since the last look."""
    found = [
        len(m.entries)
        for _, to, m in made.delivered
        if to == id and isinstance(m, AppendEntries) and m.entries
    ]
    made.delivered.clear()
    return found


def test_who_lacks_a_long_log_gets_its_share_with_the_heartbeat_and_nothing_in_between() -> None:
    made = paced(30)
    heartbeat(made, "n1")
    assert fed(made, "n4") == [5]
    made.request("n1", "put")
    made.quiet()
    assert fed(made, "n4") == []
    assert made.processes["n1"].commit_index == made.processes["n1"].last_index
    heartbeat(made, "n1")
    assert fed(made, "n4") == [5]


def test_who_lacks_less_than_a_share_gets_the_rest_at_once() -> None:
    made = paced(9)
    heartbeat(made, "n1")
    assert sum(fed(made, "n4")) == 9


def test_who_is_in_step_is_not_paced() -> None:
    made = paced(0)
    for number in range(20):
        made.request("n1", "put", "x", number)
        made.quiet()
    assert made.processes["n4"].last_index == made.processes["n1"].last_index


def test_who_does_not_answer_is_asked_and_not_fed() -> None:
    made = paced(30)
    made.processes["n1"].probing["n4"] = True
    made.contexts["n1"].take()
    made.fire("n1", "heartbeat")
    to_learner = [m for to, m in made.contexts["n1"].take() if to == "n4" and isinstance(m, AppendEntries)]
    assert [len(message.entries) for message in to_learner] == [0]


def test_a_share_that_is_used_up_keeps_nobody_from_finding_out_where_the_logs_meet() -> None:
    made = paced(30)
    leader = made.processes["n1"]
    heartbeat(made, "n1")
    leader.probing["n4"] = True
    made.contexts["n1"].take()
    match, last = leader.match_index["n4"], leader.next_index["n4"] - 1
    leader.match_index["n4"] = match - 3
    made.receive("n1", "n4", AppendEntriesReply(leader.term, False, last, leader.round, 0, match - 1))
    assert [len(message.entries) for message in sent(made, "n1", AppendEntries)] == [0]


# -- what is compacted (RP section 7) --------------------------------------------------------------------------------


def written(made: Group, count: int) -> None:
    for number in range(count):
        made.request("n1", "put", f"k{number % 4}", number)
        made.quiet()
        heartbeat(made, "n1")


def compactions(made: Group, id: str) -> list[int]:
    """The last entries of the snapshots that a server took in this life."""
    return [values["index"] for note, values in made.contexts[id].notes if note == "raft.compacted"]


def test_a_snapshot_is_taken_once_in_so_many_entries_also_after_a_restart() -> None:
    made = cluster(THREE, 3, compact_every=4)
    written(made, 15)
    assert compactions(made, "n2") == [4, 8, 12]
    made.start("n2")
    heartbeat(made, "n1")
    written(made, 3)
    assert compactions(made, "n2") == [16]


def test_a_follower_that_ends_where_the_log_begins_needs_no_snapshot() -> None:
    """The term of the last entry that is gone is still known."""
    made = cluster(THREE, 3, compact_every=4)
    written(made, 3)
    made.isolate("n3")
    written(made, 5)
    leader, behind = made.processes["n1"], made.processes["n3"]
    assert leader.log.first == behind.last_index + 1 > 1
    made.heal()
    heartbeat(made, "n1", times=4)
    assert (behind.installs, behind.last_index) == (0, leader.last_index)


def test_a_snapshot_holds_the_configuration_of_its_last_entry() -> None:
    made = cluster(THREE, 4, compact_every=1)
    configure(made, "n1", add="n4", role="learner")
    leader = made.processes["n1"]
    changed = leader.last_index
    written(made, 1)
    assert leader.snapshot.index == changed
    assert leader.snapshot.configuration.learners == ("n4",)
    assert [index for index, _ in leader.configurations] == [changed]


def test_a_configuration_after_the_snapshot_stays_in_force() -> None:
    """It is not committed yet."""
    made = cluster(THREE, 4, compact_every=1)
    made.isolate("n1")
    for _ in range(2):
        made.request("n1", "put")
    configure(made, "n1", quiet=False, add="n4", role="learner")
    leader, follower = made.processes["n1"], made.processes["n2"]
    entries = leader.log.slice(2, 5)
    for index in (2, 3):
        made.receive("n2", "n1", AppendEntries(leader.term, 1, leader.term, entries, index, leader.round))
    assert follower.snapshot.index == 2
    assert [index for index, _ in follower.configurations] == [2, 4]


def test_a_log_that_gave_way_to_its_snapshot_stays_so_over_restarts() -> None:
    """Its last entry is of a later term than the one before what had been left of the log."""
    made = cluster(THREE, 3, compact_every=4)
    written(made, 8)
    elect(made, "n2")
    elect(made, "n1")
    written(made, 3)
    made.contexts["n2"].disk.lose_last("log", 6)
    made.start("n2")
    assert (made.processes["n2"].base_term, made.processes["n2"].last_index) == (3, 12)
    heartbeat(made, "n1", times=4)
    server: Any = made.processes["n2"]
    before = (server.log.mark, server.base_term)
    made.start("n2")
    assert (made.processes["n2"].log.mark, made.processes["n2"].base_term) == before
    assert made.processes["n2"].last_index == made.processes["n1"].last_index


def offered(base: int | None, index: int = 3) -> tuple[Any, Any]:
    """n2, which holds writes at 2 and 3 and a change of members at 4, is sent a whole snapshot; and its answer."""
    made = cluster(THREE, 4)
    made.isolate("n1")
    for _ in range(2):
        made.request("n1", "put")
    configure(made, "n1", quiet=False, add="n4", role="learner")
    leader, follower = made.processes["n1"], made.processes["n2"]
    made.receive(
        "n2", "n1", AppendEntries(leader.term, 1, leader.term, leader.log.slice(2, 5), 1, leader.round)
    )
    before = leader.configurations[0][1]
    made.contexts["n2"].take()
    found = leader.log.hash_at(index) if base is None else base
    made.receive("n2", "n1", InstallSnapshot(leader.term, index, leader.term, found, before, 0, (), True))
    ((_, answer),) = made.contexts["n2"].take()
    return follower, answer


def test_what_follows_the_snapshot_in_the_log_stays_its_configuration_too_figure_13() -> None:
    follower, _ = offered(base=None)
    assert (follower.installs, follower.last_index) == (1, 4)
    assert [(index, found.learners) for index, found in follower.configurations] == [(3, ()), (4, ("n4",))]


def test_another_log_is_discarded_with_its_configurations_figure_13() -> None:
    follower, _ = offered(base=77)
    assert (follower.installs, follower.last_index) == (1, 3)
    assert [(index, found.learners) for index, found in follower.configurations] == [(3, ())]


def test_a_snapshot_of_what_is_committed_here_is_not_installed() -> None:
    follower, answer = offered(base=None, index=1)
    assert (follower.installs, follower.log.first, answer.done) == (0, 1, True)


def test_a_snapshot_under_way_is_not_sent_again_with_every_write() -> None:
    made = cluster(THREE, 3, compact_every=4)
    made.isolate("n3")
    written(made, 12)
    made.heal()
    heartbeat(made, "n1")
    made.cut = {("n3", "n1")}
    leader = made.processes["n1"]
    leader.next_index["n3"], leader.probing["n3"] = 1, False
    leader.transfers.clear()
    made.contexts["n1"].take()
    for _ in range(3):
        made.request("n1", "put")
    assert len(sent(made, "n1", InstallSnapshot)) == 1
