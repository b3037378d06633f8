"""What comes late, twice, out of turn or from another epoch: what a database listens to, and what it keeps."""

from __future__ import annotations

from typing import Any

from simulations.engine.failover import Promote, ReplicateFrom, Report
from simulations.engine.systems.primary_replica.messages import Entries, Received, Refused
from simulations.engine.systems.primary_replica.parameters import Parameters
from tests.systems.primary_replica.test_replication import answers, group
from tests.systems.recording import Group


def replies(cluster: Group, id: str) -> list[Any]:
    return [message for to, message in cluster.contexts[id].take() if to != "client"]


def test_of_one_epoch_a_replica_follows_one_primary() -> None:
    cluster = group()
    cluster.request("a", "put", "x", "1")
    cluster.quiet()
    before = cluster.processes["b"].log.mark
    cluster.receive("b", "c", Entries(1, 0, 0, ()))
    assert (cluster.processes["b"].source, cluster.processes["b"].log.mark) == ("a", before)
    assert replies(cluster, "b") == []


def test_a_primary_listens_to_no_other_of_its_epoch_unless_its_own_name_is_smaller() -> None:
    for fencing, id, sender, epoch in (
        ("epoch", "b", "a", 2),
        ("epoch", "b", "c", 3),
        ("none", "b", "c", 2),
    ):
        cluster = group(fencing=fencing)
        cluster.receive(id, "boss", Promote(2))
        cluster.receive(id, sender, Entries(2, 0, 0, ()))
        assert (cluster.processes[id].role, cluster.processes[id].epoch) == ("primary", epoch)


def test_without_fencing_a_primary_does_not_follow_a_later_one() -> None:
    cluster = group(fencing="none")
    cluster.receive("a", "b", Entries(5, 0, 0, ()))
    assert (cluster.processes["a"].role, cluster.processes["a"].epoch) == ("primary", 1)


def test_a_copy_for_an_earlier_epoch_acknowledges_nothing() -> None:
    cluster = group(mode="semi_sync")
    cluster.isolate("a")
    cluster.receive("a", "boss", Promote(2))
    cluster.request("a", "put", "x", "1")
    first = cluster.processes["a"]
    position = first.log.last
    cluster.receive("a", "b", Received(1, position))
    cluster.quiet()
    assert (answers(cluster), first.acked["b"]) == ([], 0)
    cluster.receive("a", "b", Received(2, position))
    cluster.receive("a", "b", Received(2, position - 1))
    cluster.quiet()
    assert (answers(cluster), first.acked["b"]) == (["ok"], position)


def test_a_replica_that_lost_entries_counts_for_them_no_longer() -> None:
    cluster = group("abcde", mode="semi_sync", semi_sync_acks=2)
    cluster.isolate("a")
    cluster.request("a", "put", "x", "1")
    first = cluster.processes["a"]
    position = first.log.last
    cluster.receive("a", "b", Received(1, position))
    cluster.receive("a", "b", Refused(1, position, 0))
    cluster.receive("a", "c", Received(1, position))
    cluster.quiet()
    assert (first.acked["b"], answers(cluster)) == (0, [])
    cluster.receive("a", "d", Received(1, position))
    cluster.quiet()
    assert answers(cluster) == ["ok"]


def test_whoever_leads_no_longer_answers_no_write_and_ships_nothing() -> None:
    cluster = group(mode="semi_sync")
    cluster.isolate("a")
    cluster.request("a", "put", "x", "1")
    first = cluster.processes["a"]
    position = first.log.last
    cluster.receive("a", "b", Entries(2, position, first.log.hash, ()))
    cluster.contexts["a"].take()
    for message in (Received(1, position), Received(2, position), Refused(2, 0, 0), Refused(9, 0, 0)):
        cluster.receive("a", "b", message)
        assert cluster.contexts["a"].take() == []
    assert (first.role, first.epoch, first.waiting, first.open) == ("replica", 2, {}, {})
    assert not {"heartbeat", "ship", "semi_sync"} & set(cluster.contexts["a"].timers)


def test_orders_are_void_for_the_epoch_that_is_served_already_or_a_later_one() -> None:
    cluster = group()
    cluster.receive("b", "boss", Promote(1))
    assert cluster.processes["b"].role == "replica"
    cluster.receive("b", "boss", Promote(3))
    for late in (ReplicateFrom(2, "c"), ReplicateFrom(9, "b")):
        cluster.receive("b", "boss", late)
        assert (cluster.processes["b"].role, cluster.processes["b"].epoch) == ("primary", 3)
    cluster.receive("b", "boss", ReplicateFrom(3, "c"))
    assert (cluster.processes["b"].role, cluster.processes["b"].source) == ("replica", "c")


def test_entries_that_come_twice_or_do_not_fit_are_not_written() -> None:
    cluster = group()
    cluster.request("a", "append", "x", "1")
    cluster.quiet()
    second, first = cluster.processes["b"], cluster.processes["a"]
    before, last = second.log.mark, first.log.last
    again = Entries(1, last - 1, first.log.hash_at(last - 1), tuple(first.log.slice(last, last + 1)))
    cluster.receive("b", "a", again)
    assert (second.log.mark, replies(cluster, "b")) == (before, [Received(1, last)])
    for prev, prev_hash in ((last + 1, first.log.hash), (last, 7)):
        cluster.receive("b", "a", Entries(1, prev, prev_hash, again.entries))
        assert (second.log.mark, replies(cluster, "b")) == (before, [Refused(1, prev, last)])


def test_the_epoch_of_a_primary_begins_with_a_record_of_its_own_once() -> None:
    cluster = group()
    cluster.request("a", "put", "x", "1")
    cluster.quiet()
    before = cluster.processes["a"].log.last
    cluster.start("a")
    cluster.fire("a", "return")
    assert (cluster.processes["a"].role, cluster.processes["a"].log.last) == ("primary", before)
    cluster.receive("b", "boss", Promote(2))
    assert (cluster.processes["b"].log_epoch, cluster.processes["b"].log.last) == (2, before + 1)


def report(role: str, epoch: int, position: int, log_epoch: int, source: str = "c") -> Report:
    return Report(0, role, epoch, position, log_epoch, source, True)


def test_who_comes_back_follows_when_others_have_a_later_epoch_or_a_longer_log() -> None:
    for told, role, source in (
        (report("replica", 2, 1, 1), "replica", "c"),
        (report("replica", 2, 1, 1, source="a"), "replica", ""),
        (report("primary", 2, 1, 1), "replica", "b"),
        (report("replica", 1, 9, 1), "replica", "c"),
        (report("replica", 1, 1, 9), "replica", "c"),
        (report("replica", 1, 9, 0), "returning", ""),
        (report("replica", 1, 2, 1), "returning", ""),
        (report("primary", 1, 2, 1), "replica", "b"),
    ):
        cluster = group()
        cluster.request("a", "put", "x", "1")
        cluster.start("a")
        first = cluster.processes["a"]
        assert (first.log_epoch, first.log.last) == (1, 2)
        cluster.receive("a", "b", told)
        assert (first.role, first.source) == (role, source), told
        assert ("return" in cluster.contexts["a"].timers) is (role == "returning")
        cluster.receive("a", "c", report("replica", 7, 9, 9))
        assert first.epoch == (7 if role == "returning" else told.epoch)


def test_without_fencing_a_primary_that_comes_back_asks_nobody() -> None:
    cluster = group(fencing="none")
    cluster.start("a")
    assert cluster.processes["a"].role == "primary"


def test_a_retry_of_what_another_primary_took_is_answered_when_it_is_safe_here() -> None:
    cluster = group(mode="sync")
    cluster.request("a", "append", "x", "1", session=7, sequence=1)
    cluster.quiet()
    cluster.replies.clear()
    cluster.isolate("b")
    cluster.receive("b", "boss", Promote(2))
    last = cluster.processes["b"].log.last
    for acknowledged, outcome in (("", "retry"), ("a", "retry"), ("c", "ok")):
        if acknowledged:
            cluster.receive("b", acknowledged, Received(2, last))
        cluster.replies.clear()
        cluster.request("b", "append", "x", "1", session=7, sequence=1)
        cluster.step()
        assert answers(cluster) == [outcome]
    assert cluster.processes["b"].log.last == last


def test_what_the_primary_never_had_is_gone_from_data_and_disk() -> None:
    cluster = group()
    cluster.isolate("a")
    cluster.request("a", "put", "mine", "lost")
    cluster.receive("b", "boss", Promote(2))
    cluster.request("b", "put", "x", "kept")
    cluster.heal()
    cluster.fire("b", "heartbeat")
    cluster.quiet()
    for _ in range(2):
        assert cluster.processes["a"].data == {"x": "kept"}
        assert cluster.processes["a"].log.mark == cluster.processes["b"].log.mark
        cluster.start("a")


def test_entries_that_are_there_already_are_no_conflict() -> None:
    cluster = group()
    cluster.request("a", "put", "x", "1")
    cluster.quiet()
    first = cluster.processes["a"].log
    cluster.contexts["b"].take_notes()
    cluster.receive("b", "a", Entries(1, 0, first.hash_at(0), tuple(first)))
    assert cluster.contexts["b"].take_notes() == []


def diverged() -> Group:
    """a has a write that b, the primary of epoch 2, never had, and is not to throw it away."""
    cluster = group(automatic_failback="refuse_if_diverged")
    cluster.isolate("a")
    cluster.request("a", "put", "x", "east")
    cluster.receive("b", "boss", Promote(2))
    cluster.request("b", "put", "x", "west")
    cluster.heal()
    cluster.fire("b", "heartbeat")
    cluster.quiet()
    assert cluster.processes["a"].role == "diverged"
    return cluster


def test_who_diverged_stays_so_until_people_decide() -> None:
    cluster = diverged()
    first, second = cluster.processes["a"], cluster.processes["b"]
    before = first.log.mark
    cluster.receive("a", "b", Entries(2, 0, second.log.hash_at(0), tuple(second.log)))
    cluster.receive("a", "boss", ReplicateFrom(2, "c"))
    cluster.receive("a", "boss", Promote(9))
    cluster.start("a")
    first = cluster.processes["a"]
    assert (first.role, first.log.mark, first.data) == ("diverged", before, {"x": "east"})
    first.parameters = Parameters()
    cluster.fire("b", "heartbeat")
    cluster.quiet()
    assert (first.role, first.data) == ("replica", {"x": "west"})


def test_a_primary_that_is_told_to_follow_answers_no_write_any_more() -> None:
    cluster = group(mode="semi_sync")
    cluster.isolate("a")
    cluster.request("a", "put", "x", "1")
    assert "semi_sync" in cluster.contexts["a"].timers
    cluster.receive("a", "boss", ReplicateFrom(2, "b"))
    first = cluster.processes["a"]
    assert (first.role, first.epoch, first.source, first.waiting) == ("replica", 2, "b", {})
    assert set(cluster.contexts["a"].timers) == {"link"}


def test_an_operator_promotes_and_does_nothing_else() -> None:
    cluster = group()
    for id, action, role, epoch in (
        ("b", "dance", "replica", 1),
        ("a", "promote", "primary", 1),
        ("b", "promote", "primary", 2),
    ):
        cluster.processes[id].on_operator(action, {})
        assert (cluster.processes[id].role, cluster.processes[id].epoch) == (role, epoch)


def test_whoever_is_no_primary_sends_writes_to_it() -> None:
    cluster = group()
    cluster.request("b", "put", "x", "1")
    cluster.quiet()
    assert [(reply.outcome, reply.hint) for reply in cluster.replies] == [("retry", "a")]
    assert cluster.processes["b"].data == {}


def test_what_only_looks_writes_nothing() -> None:
    cluster = group()
    cluster.request("a", "put", "x", "1")
    last = cluster.processes["a"].log.last
    cluster.request("a", "get", "x")
    cluster.request("a", "cas", "x", ("2", "3"))
    cluster.quiet()
    assert [reply.result for reply in cluster.replies][1:] == ["1", False]
    assert cluster.processes["a"].log.last == last


def test_entries_leave_once_and_more_when_the_window_allows() -> None:
    cluster = group("ab", window=2)
    cluster.isolate("a")
    cluster.contexts["a"].take()
    first = cluster.processes["a"]
    before = first.log.last
    for number in range(5):
        cluster.request("a", "put", "x", number)
    assert [len(one.entries) for one in replies(cluster, "a")] == [1, 1]
    cluster.receive("a", "b", Received(1, before + 1))
    assert [(one.prev, len(one.entries)) for one in replies(cluster, "a")] == [(before + 2, 1)]
    cluster.receive("a", "b", Received(1, before + 4))
    assert [(one.prev, len(one.entries)) for one in replies(cluster, "a")] == [(before + 4, 1)]


def test_with_a_lag_entries_leave_when_it_has_passed_and_once() -> None:
    cluster = group("ab", replication_lag_ms=10)
    for _ in range(3):
        cluster.fire("a", "ship")
    cluster.quiet()
    cluster.isolate("a")
    cluster.contexts["a"].take()
    cluster.request("a", "put", "x", "1")
    shipped: list[int] = []
    for _ in range(4):
        assert ("ship" in cluster.contexts["a"].timers) is (len(shipped) < 2)
        cluster.fire("a", "ship")
        shipped.append(sum(len(one.entries) for one in replies(cluster, "a")))
    assert shipped == [0, 1, 0, 0]


def test_a_replica_that_answers_counts_from_then() -> None:
    """Redis: min-replicas-max-lag."""
    cluster = group(min_replicas_to_write=1, min_replicas_max_lag_s=10)
    cluster.isolate("a")
    for now, outcome in ((10_000_000, "ok"), (10_000_001, "fail")):
        cluster.contexts["a"].now = now
        cluster.request("a", "put", "x", "1")
        cluster.quiet()
        assert answers(cluster)[-1] == outcome
    cluster.receive("a", "b", Received(1, 1))
    cluster.contexts["a"].now += 10_000_000
    cluster.request("a", "put", "x", "1")
    cluster.quiet()
    assert answers(cluster)[-1] == "ok"
