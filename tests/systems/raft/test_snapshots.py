"""Snapshots, log compaction and flow control. RP section 7 and Figure 13; RD chapter 5."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest

from simulations.engine.systems.raft.messages import (
    AppendEntries,
    AppendEntriesReply,
    Configuration,
    InstallSnapshot,
    InstallSnapshotReply,
    RequestVoteReply,
)
from tests.systems.raft.helpers import cluster, configure, entries, group, heartbeat, names
from tests.systems.recording import Group

THREE = names(3)


def write(made: Group, count: int, keys: int = 4) -> None:
    """Committed writes, a heartbeat after each so that followers apply them."""
    for number in range(count):
        made.request("n1", "put", f"k{number % keys}", number, session=1)
        made.quiet()
        heartbeat(made, "n1")


def compacting(chunks: int = 3, **settings: Any) -> Group:
    return cluster(THREE, 3, compact_every=4, snapshot_chunks=chunks, **settings)


def behind(chunks: int = 3, **settings: Any) -> Group:
    """n3 was away while the others compacted what it needs."""
    made = compacting(chunks, **settings)
    write(made, 2)
    made.isolate("n3")
    write(made, 12)
    made.heal()
    made.delivered.clear()
    return made


def chunks_to(made: Group, id: str) -> list[InstallSnapshot]:
    return [m for _, to, m in made.delivered if to == id and isinstance(m, InstallSnapshot)]


def state(made: Group, id: str) -> Any:
    process = made.processes[id]
    return (
        process.state_hash,
        process.data,
        tuple(process.sessions.rows()),
        process.last_applied,
        process.log.hash,
    )


# ---------------------------------------------------------------- compaction


def test_what_was_applied_is_compacted_and_the_last_entries_stay_rp_7() -> None:
    made = compacting()
    leader = made.processes["n1"]
    write(made, 3)
    assert (leader.last_applied, leader.snapshot) == (4, None)
    write(made, 11)
    assert leader.snapshot.index + 1 - 4 == leader.log.first > 1
    assert leader.log.last == leader.last_index == 15


def test_a_configuration_put_in_place_by_hand_ahead_of_what_is_committed_can_be_compacted() -> None:
    made = cluster(THREE, 3, compact_every=1)
    made.isolate("n1")
    for _ in range(3):
        made.request("n1", "put")
    configure(made, "n1", members=["n1", "n2"], mode="direct")
    made.heal()
    heartbeat(made, "n1", times=4)
    leader = made.processes["n1"]
    assert leader.snapshot.index < leader.commit_index
    assert leader.snapshot.configuration.voters == ("n1", "n2")


def test_a_server_without_compaction_keeps_everything() -> None:
    made = cluster(THREE, 3)
    write(made, 14)
    assert (made.processes["n1"].log.first, made.processes["n1"].snapshot) == (1, None)


def test_a_restarted_server_goes_on_from_its_snapshot_rp_7() -> None:
    made = compacting()
    write(made, 14)
    snapshot = made.processes["n2"].snapshot
    before = state(made, "n2")
    made.start("n2")
    assert made.processes["n2"].last_applied == snapshot.index
    heartbeat(made, "n1", times=3)
    assert state(made, "n2") == before


def test_sessions_are_part_of_a_snapshot_rd_6_3() -> None:
    made = compacting()
    write(made, 1)
    made.request("n1", "append", "x", "once", session=7, sequence=1)
    write(made, 12)
    made.start("n2")
    heartbeat(made, "n1", times=3)
    assert ("result", (7 << 32) + 1, None) in made.processes["n2"].sessions.rows()
    made.request("n1", "append", "x", "once", session=7, sequence=1)
    write(made, 1)
    assert made.processes["n2"].data["x"] == "once"


def test_a_crash_between_snapshot_and_cut_is_repaired_at_the_start() -> None:
    made = compacting()
    write(made, 14)
    whole = cluster(THREE, 3)
    write(whole, 14)
    made.contexts["n2"].disk.logs["log"] = whole.processes["n2"].log.fork()
    made.start("n2")
    server = made.processes["n2"]
    assert server.log.first == server.snapshot.index + 1 - 4
    assert made.contexts["n2"].disk.logs["log"].mark == server.log.mark


def test_a_log_that_lost_its_end_gives_way_to_the_snapshot() -> None:
    made = compacting()
    write(made, 14)
    made.contexts["n2"].disk.lose_last("log", 6)
    made.start("n2")
    server = made.processes["n2"]
    assert (server.log.first, server.last_index) == (server.snapshot.index + 1, server.snapshot.index)
    heartbeat(made, "n1", times=4)
    assert state(made, "n2") == state(made, "n1")


def test_compaction_can_be_switched_on_while_a_server_runs() -> None:
    made = cluster(THREE, 3)
    write(made, 10)
    leader = made.processes["n1"]
    leader.parameters = msgspec.structs.replace(leader.parameters, compact_every=4)
    leader.on_parameters()
    write(made, 2)
    assert leader.log.first > 1
    assert made.processes["n2"].log.first == 1


# ---------------------------------------------------------------- InstallSnapshot


@pytest.mark.parametrize("count", [1, 3, 5])
def test_a_follower_that_needs_what_is_gone_gets_the_snapshot_in_parts_figure_13(count: int) -> None:
    made = behind(count)
    heartbeat(made, "n1", times=4)
    assert [chunk.done for chunk in chunks_to(made, "n3")][-1:] == [True]
    assert len({chunk.offset for chunk in chunks_to(made, "n3")}) <= count
    assert made.processes["n3"].installs == 1
    assert state(made, "n3") == state(made, "n1")


def test_the_entries_after_the_snapshot_come_by_append_figure_13() -> None:
    made = behind()
    heartbeat(made, "n1", times=4)
    index = made.processes["n3"].snapshot.index
    later = [m for _, to, m in made.delivered if to == "n3" and isinstance(m, AppendEntries) and m.entries]
    assert later[-1].prev_index >= index


def test_a_lost_part_is_sent_again() -> None:
    made = behind()
    made.fire("n1", "heartbeat")
    made.step()
    made.step()
    made.cut = {("n1", "n3")}
    made.quiet()
    made.heal()
    heartbeat(made, "n1", times=6)
    assert made.processes["n3"].installs == 1
    assert state(made, "n3") == state(made, "n1")


def until_part(made: Group, offset: int) -> None:
    """Deliver until n3 was told of a part beyond that offset."""
    heartbeat_sent = 0
    while not any(chunk.offset >= offset for chunk in chunks_to(made, "n3")):
        if not made.step():
            made.fire("n1", "heartbeat")
            heartbeat_sent += 1
            assert heartbeat_sent < 20


def test_a_part_of_a_snapshot_is_never_visible_and_a_crash_forgets_it_figure_13() -> None:
    made = behind()
    before = state(made, "n3")
    until_part(made, 1)
    assert made.processes["n3"].incoming
    assert state(made, "n3") == before
    made.start("n3")
    assert made.processes["n3"].incoming == []
    assert made.processes["n3"].installs == 0
    heartbeat(made, "n1", times=6)
    assert made.processes["n3"].installs == 1
    assert state(made, "n3") == state(made, "n1")


def test_an_old_snapshot_changes_nothing_figure_13() -> None:
    made = compacting()
    write(made, 14)
    old = made.processes["n1"].snapshot
    before = state(made, "n2")
    term = made.processes["n2"].term
    made.receive(
        "n2", "n1", InstallSnapshot(term, old.index, old.term, old.base, old.configuration, 0, old.rows, True)
    )
    assert state(made, "n2") == before
    assert made.contexts["n2"].sent[-1][1] == InstallSnapshotReply(term, old.index, len(old.rows), True)


def test_entries_behind_the_snapshot_are_kept_figure_13() -> None:
    made = cluster(THREE, 3)
    write(made, 6)
    whole = compacting()
    write(whole, 6)
    server, snapshot = made.processes["n2"], whole.processes["n1"].snapshot
    server.commit_index = server.last_applied = 0
    server.install(snapshot)
    assert (server.log.first, server.last_index) == (snapshot.index + 1, 7)
    assert server.log.hash == whole.processes["n1"].log.hash


def test_a_part_from_an_older_term_is_refused_5_1() -> None:
    made = compacting()
    write(made, 14)
    old = made.processes["n1"].snapshot
    made.receive(
        "n2", "n1", InstallSnapshot(0, old.index, old.term, old.base, old.configuration, 0, old.rows, True)
    )
    assert made.contexts["n2"].sent[-1][1] == InstallSnapshotReply(
        made.processes["n2"].term, old.index, 0, False
    )


def test_the_configuration_is_part_of_a_snapshot_rd_5_1() -> None:
    made = cluster(THREE, 4, compact_every=4, snapshot_chunks=2)
    made.isolate("n4")
    configure(made, "n1", add="n4", role="learner")
    write(made, 14)
    made.heal()
    heartbeat(made, "n1", times=4)
    assert made.processes["n4"].installs == 1
    assert made.processes["n4"].role == "learner"
    assert state(made, "n4") == state(made, "n1")
    made.start("n4")
    assert made.processes["n4"].role == "learner"


def sending(**settings: Any) -> tuple[Group, Any]:
    """n1 has sent n3 the first of three parts, and hears nothing of it yet."""
    made = behind(**settings)
    heartbeat_sent = 0
    while "n3" not in made.processes["n1"].transfers:
        if not made.step():
            made.fire("n1", "heartbeat")
            heartbeat_sent += 1
            assert heartbeat_sent < 20
    made.contexts["n1"].take()
    return made, made.processes["n1"]


def got(leader: Any, offset: int = 3, done: bool = True, term: int = 0) -> InstallSnapshotReply:
    """n3's answer to a part; of the leader's term, or of another."""
    return InstallSnapshotReply(term or leader.term, leader.transfers["n3"][0].index, offset, done)


def test_an_answer_of_an_older_term_moves_no_snapshot_5_1() -> None:
    made, leader = sending()
    made.receive("n1", "n2", AppendEntriesReply(9, False, 0, 1))
    made.fire("n1", "election")
    made.receive("n1", "n2", RequestVoteReply(10, True))
    assert (leader.role, leader.transfers) == ("leader", {})
    made.receive("n1", "n3", AppendEntriesReply(10, False, leader.next_index["n3"] - 1, 1, 0, 1))
    assert "n3" in leader.transfers
    made.contexts["n1"].take()
    made.receive("n1", "n3", got(leader, term=9))
    assert (leader.match_index["n3"], made.contexts["n1"].take()) == (0, [])


def test_a_second_copy_of_the_last_answer_changes_nothing() -> None:
    made, leader = sending()
    last = got(leader)
    made.receive("n1", "n3", last)
    made.contexts["n1"].take()
    before = (leader.match_index["n3"], leader.next_index["n3"])
    made.receive("n1", "n3", last)
    assert ((leader.match_index["n3"], leader.next_index["n3"]), made.contexts["n1"].take()) == (before, [])


def test_what_follows_the_snapshot_leaves_with_the_last_answer_figure_13() -> None:
    made, leader = sending()
    index = leader.transfers["n3"][0].index
    made.receive("n1", "n3", got(leader))
    assert (leader.match_index["n3"], leader.probing["n3"]) == (index, False)
    appends = [m for _, m in made.contexts["n1"].take() if isinstance(m, AppendEntries)]
    assert [(m.prev_index, len(m.entries)) for m in appends] == [(index, leader.last_index - index)]
    assert leader.next_index["n3"] == leader.last_index + 1


def test_a_refusal_of_before_the_snapshot_was_installed_tells_nothing_rp_5_3() -> None:
    made, leader = sending()
    index = leader.transfers["n3"][0].index
    round = leader.round
    made.receive("n1", "n3", AppendEntriesReply(leader.term, False, index, round, 0, 1))
    assert leader.transfers["n3"][0].index == index
    made.receive("n1", "n3", got(leader))
    made.contexts["n1"].take()
    made.receive("n1", "n3", AppendEntriesReply(leader.term, False, index, round, 0, 1))
    assert (leader.match_index["n3"], made.contexts["n1"].take()) == (index, [])
    made.receive("n1", "n3", AppendEntriesReply(leader.term, False, index, round + 1, 0, 1))
    assert leader.match_index["n3"] == 0


def test_refusals_and_heartbeats_do_not_hurry_a_part_that_is_under_way() -> None:
    made, leader = sending()
    round = leader.sent_round["n3"]
    for message in (
        AppendEntriesReply(leader.term, False, leader.next_index["n3"] - 1, round, 0, 1),
        AppendEntriesReply(leader.term, True, 0, round + 1),
    ):
        made.receive("n1", "n3", message)
        assert made.contexts["n1"].take() == []
    made.receive("n1", "n3", AppendEntriesReply(leader.term, True, 0, round + 2))
    assert [type(message) for _, message in made.contexts["n1"].take()] == [InstallSnapshot]


def test_whoever_takes_a_snapshot_is_heard_rd_6_2() -> None:
    made, leader = sending()
    leader.heard_tick["n3"] = 0
    made.receive("n1", "n3", got(leader, 1, done=False))
    assert leader.heard_tick["n3"] == leader.tick > 0


def test_a_candidate_follows_a_leader_whose_first_word_is_a_snapshot_5_2() -> None:
    made = compacting(leader_stickiness=True)
    write(made, 14)
    old = made.processes["n1"].snapshot
    made.fire("n2", "election")
    server, context = made.processes["n2"], made.contexts["n2"]
    assert server.role == "candidate"
    context.now = 1_000_000
    part = InstallSnapshot(server.term, old.index, old.term, old.base, old.configuration, 0, old.rows, True)
    made.receive("n2", "n3", part)
    assert (server.role, server.leader, server.hears_a_leader()) == ("follower", "n3", True)
    assert context.timers["election"] > 1_000_000


def test_a_newcomer_that_got_a_snapshot_has_caught_up_rd_4_2_1() -> None:
    made = cluster(THREE, 4, compact_every=4, snapshot_chunks=3)
    write(made, 14)
    configure(made, "n1", add="n4")
    heartbeat(made, "n1", times=4)
    assert made.processes["n4"].installs == 1
    assert made.processes["n1"].voters == tuple(names(4))


def part(
    index: int, offset: int, *rows: tuple[Any, ...], done: bool = False, base: int = 77
) -> InstallSnapshot:
    """A part of a snapshot that n1, the leader of term 5, sends."""
    return InstallSnapshot(5, index, 4, base, Configuration(tuple(THREE)), offset, rows, done)


def held(made: Group) -> int:
    """How many rows n2 says that it holds."""
    reply: Any = made.contexts["n2"].take()[-1][1]
    assert isinstance(reply, InstallSnapshotReply)
    return reply.offset


def test_parts_of_two_snapshots_are_not_mixed_and_none_is_left_out_figure_13() -> None:
    made = group(3)
    server = made.processes["n2"]
    for sender, piece, rows in (
        ("n1", part(8, 0, ("key", "a", 1)), 1),
        ("n1", part(8, 2, ("key", "c", 3), done=True), 1),
        ("n1", part(9, 1, ("key", "b", 9), done=True), 0),
        ("n1", part(9, 0, ("key", "a", 9)), 1),
        ("n1", part(8, 1, ("key", "b", 2), done=True), 0),
    ):
        made.receive("n2", sender, piece)
        assert (held(made), server.installs) == (rows, 0)
    for piece in (part(9, 0, ("key", "a", 9)), part(9, 1, ("key", "b", 9), done=True)):
        made.receive("n2", "n1", piece)
    assert (server.data, server.last_applied, server.incoming) == ({"a": 9, "b": 9}, 9, [])


def test_a_log_that_differs_gives_way_to_the_snapshot_figure_13() -> None:
    made = group(3, logs={"n2": [3] * 12})
    server = made.processes["n2"]
    made.receive("n2", "n1", part(9, 0, done=True))
    for _ in range(2):
        assert (server.log.first, server.last_index, server.last_term, server.base_term) == (10, 9, 4, 4)
        made.start("n2")
        server = made.processes["n2"]


def test_the_state_is_the_snapshot_s_and_no_other_rp_7() -> None:
    made = group(3)
    server = made.processes["n2"]
    old = (("key", "gone", 1), ("key", "a", 1), ("head", 5, 1), ("result", (5 << 32) + 1, None))
    new = (("key", "a", 2), ("head", 7, 3), ("result", (7 << 32) + 3, "done"))
    for index, rows in ((8, old), (9, new)):
        made.receive("n2", "n1", part(index, 0, *rows, done=True))
    for _ in range(2):
        server = made.processes["n2"]
        assert (server.data, tuple(server.sessions.rows())) == ({"a": 2}, new[1:])
        made.start("n2")


def test_what_follows_a_snapshot_is_checked_against_its_last_term_5_3() -> None:
    made = group(3)
    made.receive("n2", "n1", part(9, 0, done=True))
    server = made.processes["n2"]
    for prev, term, success in ((9, 3, False), (9, 4, True), (7, 2, True)):
        made.receive("n2", "n1", AppendEntries(5, prev, term, (), 0, 1))
        reply: Any = made.contexts["n2"].take()[-1][1]
        assert reply.success is success, (prev, term)
    made.receive("n2", "n1", AppendEntries(5, 7, 2, entries(3, 4, 5, 5), 0, 1))
    assert (server.last_index, [entry.term for entry in server.log]) == (11, [5, 5])


def test_an_answer_about_another_snapshot_moves_this_one_no_further() -> None:
    made, leader = sending()
    index = leader.transfers["n3"][0].index
    made.receive("n1", "n3", InstallSnapshotReply(leader.term, index - 1, 9, True))
    assert (list(leader.transfers), made.contexts["n1"].take()) == (["n3"], [])


# ---------------------------------------------------------------- batching and flow control


def appended(made: Group, id: str) -> list[int]:
    """How many entries each append to a server carried since the last look."""
    sizes = [
        len(m.entries) for to, m in made.contexts["n1"].take() if to == id and isinstance(m, AppendEntries)
    ]
    return [size for size in sizes if size]


def test_a_follower_that_does_not_answer_gets_no_more_than_the_window_rd_10_2_2() -> None:
    made = cluster(THREE, 3, max_in_flight=5)
    made.contexts["n1"].take()
    for _ in range(20):
        made.request("n1", "put")
    assert sum(appended(made, "n2")) == 5
    leader = made.processes["n1"]
    heartbeat(made, "n1", times=4)
    assert leader.commit_index == leader.last_index


def test_batches_are_bounded_rd_10_2_2() -> None:
    made = cluster(THREE, 3, max_batch=4)
    made.isolate("n3")
    write(made, 12)
    made.heal()
    made.delivered.clear()
    heartbeat(made, "n1", times=6)
    sizes = [len(m.entries) for _, to, m in made.delivered if to == "n3" and isinstance(m, AppendEntries)]
    assert max(sizes) == 4
    assert made.processes["n3"].last_index == 13


def test_who_lacks_a_long_log_is_fed_at_the_catch_up_rate_rd_4_2_1() -> None:
    made = cluster(THREE, 4, catch_up_entries_per_s=100)  # (5 in a heartbeat of 50 ms)
    for number in range(40):
        made.request("n1", "put", "x", number)
    made.quiet()
    configure(made, "n1", add="n4", role="learner")
    reached = []
    for _ in range(10):
        heartbeat(made, "n1")
        reached.append(made.processes["n4"].last_index)
    steps = [later - earlier for earlier, later in pairwise(reached)]
    assert max(steps[:5]) == 5
    assert reached[-1] == made.processes["n1"].last_index
