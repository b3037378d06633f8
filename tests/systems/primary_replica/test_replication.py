"""What the manuals claim of replication between a primary and its replicas, one rule at a time."""

from __future__ import annotations

from typing import Any

from simulations.engine.failover import Ping, Promote, ReplicateFrom, Report
from simulations.engine.process import Request
from simulations.engine.systems.primary_replica.messages import Entries, Received, Refused
from simulations.engine.systems.primary_replica.parameters import Parameters
from simulations.engine.systems.primary_replica.process import PrimaryReplica
from tests.systems.recording import Group


def group(ids: str = "abc", **settings: Any) -> Group:
    """Databases named by letters; the first is the primary of epoch 1."""
    made = Group(PrimaryReplica, tuple(ids), Parameters(**settings))
    for id in ids:
        made.preset(id, {"start_as": "primary" if id == ids[0] else "replica", "epoch": 1}, {})
    made.start()
    made.quiet()
    return made


def state(cluster: Group) -> list[tuple[str, dict[str, Any]]]:
    return [(process.role, process.data) for process in cluster.processes.values()]


def answers(cluster: Group) -> list[str]:
    return [reply.outcome for reply in cluster.replies]


def test_asynchronous_a_write_is_answered_before_anybody_else_has_it() -> None:
    cluster = group()
    cluster.isolate("a")
    cluster.request("a", "put", "x", "1")
    cluster.quiet()
    assert answers(cluster) == ["ok"]
    assert state(cluster) == [("primary", {"x": "1"}), ("replica", {}), ("replica", {})]


def test_semi_synchronous_a_write_is_answered_when_one_replica_has_it_on_disk() -> None:
    cluster = group(mode="semi_sync")
    cluster.cut = {("a", "c")}
    cluster.contexts["b"].instant = False
    cluster.request("a", "put", "x", "1")
    cluster.quiet()
    assert answers(cluster) == []
    cluster.flush("b")
    cluster.quiet()
    assert answers(cluster) == ["ok"]


def test_semi_synchronous_falls_back_after_its_timeout_and_recovers_when_a_replica_caught_up() -> None:
    cluster = group(mode="semi_sync")
    cluster.isolate("a")
    cluster.request("a", "put", "x", "1")
    cluster.quiet()
    assert answers(cluster) == []
    cluster.fire("a", "semi_sync")
    cluster.request("a", "put", "x", "2")
    cluster.quiet()
    assert answers(cluster) == ["ok", "ok"]
    assert "primary_replica.falls_back" in cluster.contexts["a"].take_notes()
    cluster.heal()
    cluster.fire("a", "heartbeat")
    cluster.quiet()
    assert not cluster.processes["a"].degraded
    assert cluster.processes["b"].data == {"x": "2"}


def test_synchronous_one_missing_replica_blocks_every_write() -> None:
    cluster = group(mode="sync")
    cluster.crash("c")
    cluster.request("a", "put", "x", "1")
    cluster.quiet()
    assert answers(cluster) == []
    assert cluster.processes["b"].data == {"x": "1"}


def test_a_replica_that_missed_entries_gets_them_again() -> None:
    cluster = group()
    cluster.cut = {("a", "b")}
    for value in "123":
        cluster.request("a", "put", "x", value)
    cluster.quiet()
    cluster.heal()
    cluster.fire("a", "heartbeat")
    cluster.quiet()
    assert cluster.processes["b"].log.mark == cluster.processes["a"].log.mark


def test_at_most_a_window_is_under_way_to_a_replica_that_does_not_answer() -> None:
    cluster = group(window=5)
    cluster.cut = {("b", "a"), ("c", "a")}
    for number in range(20):
        cluster.request("a", "put", "x", str(number))
    cluster.quiet()
    first = cluster.processes["a"].acked["b"]
    assert cluster.processes["b"].log.last == first + 5


def test_a_primary_that_too_few_replicas_follow_refuses_writes() -> None:
    """Redis: min-replicas-to-write, min-replicas-max-lag."""
    cluster = group(min_replicas_to_write=1, min_replicas_max_lag_s=10)
    cluster.contexts["a"].now = 9_000_000
    cluster.request("a", "put", "x", "1")
    cluster.contexts["a"].now = 10_000_001
    cluster.crash("b", "c")
    cluster.contexts["a"].now = 19_000_001
    cluster.request("a", "put", "x", "2")
    cluster.quiet()
    assert answers(cluster) == ["ok", "fail"]


def test_a_higher_epoch_ends_a_lower_one_and_the_tail_is_discarded() -> None:
    cluster = group()
    cluster.isolate("a")
    cluster.request("a", "put", "x", "lost")
    cluster.receive("b", "boss", Promote(2))
    cluster.request("b", "put", "x", "kept")
    cluster.quiet()
    assert [process.role for process in cluster.processes.values()] == ["primary", "primary", "replica"]
    cluster.heal()
    cluster.fire("b", "heartbeat")
    cluster.quiet()
    assert state(cluster) == [
        ("replica", {"x": "kept"}),
        ("primary", {"x": "kept"}),
        ("replica", {"x": "kept"}),
    ]
    assert len({process.log.hash for process in cluster.processes.values()}) == 1


def test_refuse_if_diverged_keeps_the_tail_and_refuses_to_lead() -> None:
    cluster = group(automatic_failback="refuse_if_diverged")
    cluster.isolate("a")
    cluster.request("a", "put", "x", "east")
    cluster.receive("b", "boss", Promote(2))
    cluster.request("b", "put", "x", "west")
    cluster.heal()
    cluster.fire("b", "heartbeat")
    cluster.quiet()
    assert state(cluster)[0] == ("diverged", {"x": "east"})
    cluster.processes["a"].on_operator("promote", {})
    assert (cluster.processes["a"].role, cluster.processes["a"].failbacks_refused) == ("diverged", 1)


def test_an_old_primary_is_told_the_higher_epoch_by_its_replicas() -> None:
    cluster = group()
    cluster.receive("b", "a", Entries(5, 0, 0, ()))
    cluster.contexts["b"].take()
    cluster.receive("b", "c", Entries(4, 0, 0, ()))
    (answer,) = cluster.contexts["b"].take()
    assert isinstance(answer[1], Refused)
    assert answer[1].epoch == 5
    cluster.receive("a", "b", answer[1])
    assert (cluster.processes["a"].role, cluster.processes["a"].epoch) == ("replica", 5)


def test_without_fencing_an_old_primary_leads_on_until_it_is_told_to_follow() -> None:
    cluster = group(fencing="none")
    cluster.receive("a", "b", Refused(2, 0, 0))
    assert cluster.processes["a"].role == "primary"
    cluster.receive("a", "boss", ReplicateFrom(2, "b"))
    assert (cluster.processes["a"].role, cluster.processes["a"].source) == ("replica", "b")


def test_of_two_primaries_of_one_epoch_the_smaller_name_takes_the_next() -> None:
    """Redis Cluster specification: configuration epoch conflicts."""
    cluster = group()
    for id in ("b", "c"):
        cluster.processes[id].on_operator("promote", {})
        cluster.settle(id)
    cluster.quiet()
    assert [(process.role, process.epoch) for process in cluster.processes.values()] == [
        ("replica", 3), ("primary", 3), ("replica", 3),
    ]  # fmt: skip


def test_a_coordinators_order_ends_one_of_two_primaries_of_one_epoch() -> None:
    cluster = group()
    cluster.receive("a", "boss", ReplicateFrom(1, "b"))
    assert (cluster.processes["a"].role, cluster.processes["a"].source) == ("replica", "b")


def test_another_mode_counts_for_writes_that_wait() -> None:
    cluster = group(mode="sync")
    cluster.crash("c")
    cluster.request("a", "put", "x", "1")
    cluster.quiet()
    cluster.processes["a"].parameters = Parameters(mode="async")
    cluster.processes["a"].on_parameters()
    cluster.quiet()
    assert answers(cluster) == ["ok"]


def test_an_order_of_an_old_epoch_is_void() -> None:
    cluster = group()
    cluster.receive("b", "boss", Promote(3))
    cluster.receive("c", "boss", ReplicateFrom(3, "b"))
    cluster.receive("c", "late", Promote(2))
    assert cluster.processes["c"].role == "replica"


def test_a_primary_that_comes_back_asks_first() -> None:
    cluster = group()
    cluster.crash("a")
    cluster.receive("b", "boss", Promote(2))
    cluster.quiet()
    cluster.start("a")
    assert cluster.processes["a"].role == "returning"
    cluster.quiet()
    assert (cluster.processes["a"].role, cluster.processes["a"].epoch) == ("replica", 2)


def test_a_primary_that_comes_back_leads_on_when_nobody_else_does() -> None:
    cluster = group()
    cluster.request("a", "put", "x", "1")
    cluster.quiet()
    cluster.start("a")
    cluster.quiet()
    cluster.fire("a", "return")
    cluster.quiet()
    assert (cluster.processes["a"].role, cluster.processes["a"].epoch) == ("primary", 1)
    assert cluster.processes["a"].data == {"x": "1"}


def test_a_primary_that_lost_its_disk_does_not_lead_those_who_have_more() -> None:
    cluster = group()
    cluster.request("a", "put", "x", "1")
    cluster.quiet()
    cluster.contexts["a"].disk.wipe()
    cluster.start("a")
    cluster.quiet()
    assert cluster.processes["a"].role == "replica"
    assert cluster.processes["b"].data == {"x": "1"}


def read(options: dict[str, Any] | None) -> Request:
    return Request(99, 1, "client", 0, 99, "get", "x", None, options)


def test_reads_at_a_replica_are_redirected_old_or_wait_for_a_position() -> None:
    """MySQL: WAIT_FOR_EXECUTED_GTID_SET."""
    cluster = group()
    cluster.request("a", "put", "x", "old")
    cluster.quiet()
    cluster.replies.clear()
    cluster.cut = {("a", "b")}
    cluster.request("a", "put", "x", "new")
    position = cluster.processes["a"].log.last
    cluster.processes["b"].on_request(read(None))
    cluster.processes["b"].on_request(read({"read": "replica"}))
    cluster.processes["b"].on_request(read({"read": "wait_for_position", "position": position}))
    cluster.quiet()
    told = [(reply.outcome, reply.result, reply.hint) for reply in cluster.replies if reply.operation == 99]
    assert told == [("retry", None, "a"), ("ok", "old", None)]
    cluster.heal()
    cluster.fire("a", "heartbeat")
    cluster.quiet()
    assert (cluster.replies[-1].outcome, cluster.replies[-1].result) == ("ok", "new")


def test_a_retry_of_a_write_is_answered_and_not_written_twice() -> None:
    cluster = group()
    for _ in range(2):
        cluster.request("a", "append", "x", "1", session=7, sequence=1)
    cluster.quiet()
    assert answers(cluster) == ["ok", "ok"]
    assert cluster.processes["c"].data == {"x": "1"}


def test_a_report_tells_role_epoch_position_and_whether_the_primary_is_heard() -> None:
    cluster = group()
    cluster.receive("b", "boss", Ping(7))
    assert cluster.contexts["b"].take() == [("boss", Report(7, "replica", 1, 1, 1, "a", True))]
    cluster.fire("b", "link")
    cluster.receive("b", "boss", Ping(8))
    assert cluster.contexts["b"].take() == [("boss", Report(8, "replica", 1, 1, 1, "a", False))]


def test_the_acknowledgement_waits_for_the_replicas_disk() -> None:
    cluster = group()
    cluster.contexts["b"].instant = False
    cluster.request("a", "put", "x", "1")
    cluster.step()
    assert not [one for one in cluster.contexts["b"].sent if isinstance(one[1], Received)]
