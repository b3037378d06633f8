"""One test per claim of "Paxos Made Simple" (PMS), section 3: the replicated log; with leases, and without a leader."""

from __future__ import annotations

from simulations.engine.systems.paxos.messages import (
    Accept,
    Accepted,
    CatchUp,
    Heartbeat,
    Learn,
    Prepare,
    Promise,
    Refused,
)
from tests.systems.paxos.helpers import (
    acknowledged,
    answer,
    entry,
    group,
    heartbeat,
    lead,
    sent,
    values,
)

# ---------------------------------------------------------------- 3: the replicated log


def test_phase_1_is_done_once_for_all_slots_3() -> None:
    cluster = group(3)
    lead(cluster, "n1")
    cluster.delivered.clear()
    for number in range(5):
        cluster.request("n1", "put", "x", str(number))
        cluster.quiet()
    kinds = [type(message) for _, _, message in cluster.delivered]
    assert Prepare not in kinds
    assert kinds.count(Accept) == 10
    assert acknowledged(cluster) == [1, 2, 3, 4, 5]


def test_commands_are_executed_in_the_order_of_slots_3() -> None:
    cluster = group(3)
    lead(cluster, "n1")
    for value in "abc":
        cluster.request("n1", "append", "x", value)
    cluster.quiet()
    assert [process.data for process in cluster.processes.values()] == [{"x": "abc"}] * 3
    assert len({process.state_hash for process in cluster.processes.values()}) == 1


def test_a_later_slot_may_be_chosen_first_but_waits_to_be_executed_3() -> None:
    cluster = group(3)
    lead(cluster, "n1")
    cluster.request("n1", "put", "x", "first")
    cluster.request("n1", "put", "x", "second")
    ballot = cluster.processes["n1"].ballot
    cluster.receive("n1", "n2", Accepted(ballot, (2,)))
    assert (values(cluster.processes["n1"]), sorted(cluster.processes["n1"].chosen)) == ([], [2])
    cluster.receive("n1", "n2", Accepted(ballot, (1,)))
    assert values(cluster.processes["n1"]) == ["first", "second"]


def test_the_new_leader_of_the_papers_example_3() -> None:
    """Slots 1 to 134, 138 and 139 known; 135 and 140 proposed by the old leader: both are kept, 136 and 137 become
    no-ops."""
    known = {"slots": {"from": 1, "to": 134}}
    late = {"138": "v138", "139": "v139"}
    cluster = group(
        5,
        disks={
            "n1": known,
            "n2": {**known, "extra": late},
            "n3": {**known, "accepted": {"135": "v135", "140": "v140"}},
            "n4": {**known, "extra": late, "accepted": {"135": "v135"}},
            "n5": {**known, "accepted": {"140": "v140"}},
        },
    )
    cluster.crash("n1")
    lead(cluster, "n2")
    log = values(cluster.processes["n2"])
    assert log[134:] == ["v135", "-", "-", "v138", "v139", "v140"]
    notes = [(id, told["slot"]) for id, told in cluster.contexts["n2"].notes if id == "paxos.no_op"]
    assert notes == [("paxos.no_op", 136), ("paxos.no_op", 137)]
    cluster.request("n2", "put", "x", "next")
    heartbeat(cluster, "n2", times=2)
    assert len(values(cluster.processes["n3"])) == 141


def test_a_leader_that_hears_of_a_higher_number_steps_down_3() -> None:
    cluster = group(3)
    lead(cluster, "n1")
    lead(cluster, "n2")
    assert [cluster.processes[id].role for id in cluster.ids] == ["acceptor", "leader", "acceptor"]


def test_a_leader_that_promises_a_higher_number_steps_down_at_once_2_2() -> None:
    cluster = group(3)
    lead(cluster, "n1")
    cluster.receive("n1", "n2", Prepare(8, 1))
    assert isinstance(answer(cluster, "n1"), Promise)
    assert cluster.processes["n1"].role == "acceptor"
    assert "paxos.preempted" in cluster.contexts["n1"].take_notes()


def test_a_leader_of_the_experiment_that_promised_more_does_not_lead() -> None:
    cluster = group(3, disks={"n1": {"leader": True, "term": 1, "promised": 5}})
    cluster.quiet()
    assert cluster.processes["n1"].role == "acceptor"


def test_a_vote_without_a_promise_before_it_binds_over_a_restart_2_5() -> None:
    cluster = group(3)
    cluster.receive("n1", "n3", Accept(9, (entry(9, "A"),)))
    cluster.start("n1")
    cluster.receive("n1", "n2", Prepare(8, 1))
    assert answer(cluster, "n1") == Refused(8, 9)


def test_an_old_leader_cannot_get_anything_chosen_3() -> None:
    cluster = group(3)
    lead(cluster, "n1")
    cluster.isolate("n1")
    lead(cluster, "n2")
    cluster.request("n1", "put", "x", "lost")
    cluster.quiet()
    cluster.heal()
    for _ in range(3):
        heartbeat(cluster, "n1")
    assert cluster.processes["n1"].role == "acceptor"
    assert acknowledged(cluster) == []


def test_what_the_old_leader_had_chosen_stays_3() -> None:
    cluster = group(3)
    lead(cluster, "n1")
    cluster.request("n1", "put", "x", "kept")
    cluster.step()
    cluster.step()
    cluster.crash("n1")
    cluster.contexts["n1"].take()
    lead(cluster, "n3")
    assert values(cluster.processes["n3"]) == ["kept"]


def test_lost_accept_requests_are_sent_again_3() -> None:
    cluster = group(3)
    lead(cluster, "n1")
    cluster.isolate("n1")
    cluster.request("n1", "put", "x", "1")
    cluster.quiet()
    cluster.heal()
    heartbeat(cluster, "n1", times=4)
    assert acknowledged(cluster) == [1]


def test_a_learner_that_missed_something_catches_up_2_3() -> None:
    cluster = group(3, max_batch=2)
    lead(cluster, "n1")
    cluster.isolate("n3")
    for number in range(5):
        cluster.request("n1", "put", "x", str(number))
    cluster.quiet()
    cluster.heal()
    heartbeat(cluster, "n1", times=2)
    assert values(cluster.processes["n3"]) == ["0", "1", "2", "3", "4"]
    asked = [message.slot for _, _, message in cluster.delivered if isinstance(message, CatchUp)]
    assert asked == [1, 3, 5]


def test_a_promise_of_before_a_crash_hides_no_slot_that_the_crash_took_2_5() -> None:
    """n3 knew slot 1 and prepared from slot 2 on; neither was on its disk. It uses the number again, from slot 1 on."""
    cluster = group(3)
    lead(cluster, "n1")
    cluster.cut = {("n3", "n1"), ("n1", "n3")}
    cluster.request("n1", "put", "x", "chosen")
    cluster.quiet()
    cluster.receive("n3", "n1", Learn(1, cluster.processes["n1"].log.slice(1, 2)))
    cluster.contexts["n3"].instant = False
    cluster.fire("n3", "election")
    before = sent(cluster, "n3", Prepare)[0]
    cluster.receive("n2", "n3", before)
    late = answer(cluster, "n2")
    cluster.start("n3")
    cluster.contexts["n3"].instant = True
    cluster.fire("n3", "election")
    again = sent(cluster, "n3", Prepare)[0]
    assert (again.ballot, again.slot, before.slot) == (before.ballot, 1, 2)
    cluster.receive("n3", "n2", late)
    assert cluster.processes["n3"].role == "candidate"
    cluster.receive("n2", "n3", again)
    cluster.quiet()
    assert cluster.processes["n3"].role == "leader"
    assert values(cluster.processes["n3"]) == ["chosen"]


def test_a_retried_command_of_a_session_is_executed_once() -> None:
    cluster = group(3)
    lead(cluster, "n1")
    for _ in range(2):
        cluster.request("n1", "append", "x", "a", session=1, sequence=1)
    cluster.quiet()
    cluster.request("n1", "append", "x", "a", session=1, sequence=1)
    cluster.quiet()
    assert cluster.processes["n2"].data == {"x": "a"}
    assert acknowledged(cluster) == [1, 2, 3]


def test_a_leader_without_a_majority_steps_down() -> None:
    cluster = group(3)
    lead(cluster, "n1")
    cluster.isolate("n1")
    heartbeat(cluster, "n1", times=6)
    assert cluster.processes["n1"].role == "acceptor"


# ---------------------------------------------------------------- leases (Paxos Made Live, 5.2)


def test_during_a_lease_nobody_else_gets_a_promise() -> None:
    cluster = group(3, leader_lease_ms=100)
    lead(cluster, "n1")
    cluster.processes["n2"].on_election_timeout()
    cluster.settle("n2")
    cluster.quiet()
    assert [cluster.processes[id].role for id in cluster.ids] == ["leader", "acceptor", "acceptor"]
    for context in cluster.contexts.values():
        context.now += 200_000
    lead(cluster, "n2")


def test_with_a_lease_the_leader_answers_reads_alone_until_it_runs_out() -> None:
    cluster = group(3, leader_lease_ms=100)
    lead(cluster, "n1")
    cluster.request("n1", "put", "x", "1")
    cluster.quiet()
    cluster.delivered.clear()
    cluster.request("n1", "get", "x")
    cluster.step()
    assert (cluster.replies[-1].result, cluster.delivered) == ("1", [])
    cluster.contexts["n1"].now += 100_000
    cluster.request("n1", "get", "x")
    assert sent(cluster, "n1", Accept)


def test_after_a_restart_an_acceptor_honours_a_lease_that_it_may_have_granted() -> None:
    cluster = group(3, leader_lease_ms=100)
    lead(cluster, "n1")
    cluster.start("n2")
    cluster.receive("n2", "n3", Prepare(30, 1))
    assert isinstance(answer(cluster, "n2"), Refused)
    cluster.contexts["n2"].now += 100_000
    cluster.receive("n2", "n3", Prepare(30, 1))
    assert isinstance(answer(cluster, "n2"), Promise)


def test_a_lease_counts_from_when_its_heartbeat_left() -> None:
    cluster = group(3, leader_lease_ms=100)
    lead(cluster, "n1")
    first = cluster.processes["n1"]
    first.lease_until = None
    cluster.fire("n1", "heartbeat")
    cluster.contexts["n1"].now += 90_000
    cluster.quiet()
    assert first.may_read_locally()
    cluster.contexts["n1"].now += 10_000
    assert not first.may_read_locally()


def test_a_leader_reads_alone_only_when_it_has_applied_what_it_inherited() -> None:
    cluster = group(3, leader_lease_ms=100)
    lead(cluster, "n1")
    first = cluster.processes["n1"]
    assert first.may_read_locally()
    first.inherited = first.log.last + 2
    assert not first.may_read_locally()


def test_a_lease_ends_with_its_leadership() -> None:
    cluster = group(3, leader_lease_ms=100)
    lead(cluster, "n1")
    first = cluster.processes["n1"]
    assert first.may_read_locally()
    first.step_down()
    assert not first.may_read_locally()
    assert not first.lease_rounds


def test_a_clock_that_is_set_back_makes_no_lease_longer() -> None:
    cluster = group(3, leader_lease_ms=100)
    cluster.contexts["n2"].now = 60_000_000
    lead(cluster, "n1")
    cluster.contexts["n2"].now = 0
    for now, kind in ((1, Refused), (100_000, Refused), (100_001, Promise)):
        cluster.contexts["n2"].now = now
        cluster.receive("n2", "n3", Prepare(30, 1))
        assert isinstance(answer(cluster, "n2"), kind), now


def test_a_lease_granted_without_a_promise_outlives_a_restart() -> None:
    """n3 missed the prepare request, and its answer to the heartbeat is one of the two that make the lease."""
    cluster = group(3, leader_lease_ms=100)
    cluster.cut = {("n1", "n3"), ("n3", "n1")}
    lead(cluster, "n1")
    cluster.cut = {("n1", "n2"), ("n2", "n1")}
    heartbeat(cluster, "n1")
    assert cluster.processes["n1"].may_read_locally()
    cluster.start("n3")
    cluster.receive("n3", "n2", Prepare(30, 1))
    assert isinstance(answer(cluster, "n3"), Refused)


def test_a_late_heartbeat_of_an_older_leader_takes_no_lease_over() -> None:
    cluster = group(3, leader_lease_ms=100)
    cluster.receive("n3", "n2", Heartbeat(5, 1, 0))
    cluster.receive("n3", "n1", Heartbeat(4, 9, 0))
    assert answer(cluster, "n3") == Refused(4, 5)
    assert cluster.processes["n3"].granted_to == "n2"


def test_a_leader_that_is_no_acceptor_follows_no_older_one() -> None:
    roles = {"p1": "proposer", "p2": "proposer", "a1": "acceptor", "a2": "acceptor", "a3": "acceptor"}
    cluster = group(5, roles=roles)
    lead(cluster, "p1")
    older = cluster.processes["p1"].ballot
    cluster.cut = {("p2", "p1")}
    lead(cluster, "p2")
    cluster.contexts["p2"].take_notes()
    cluster.receive("p2", "p1", Heartbeat(older, 9, 0))
    assert answer(cluster, "p2") == Refused(older, cluster.processes["p2"].ballot)
    assert (cluster.processes["p2"].leader, cluster.contexts["p2"].take_notes()) == ("p2", [])


def test_a_heartbeat_below_the_promise_is_refused() -> None:
    cluster = group(3)
    cluster.receive("n1", "n2", Prepare(8, 1))
    cluster.receive("n1", "n3", Heartbeat(3, 1, 0))
    assert answer(cluster, "n1") == Refused(3, 8)


# ---------------------------------------------------------------- every command on its own


def test_basic_mode_runs_both_phases_for_each_command() -> None:
    cluster = group(3, mode="basic", retry="at_once")
    for number in range(3):
        cluster.request("n1", "put", "x", str(number))
        cluster.quiet()
    kinds = [type(message) for _, _, message in cluster.delivered]
    assert (kinds.count(Prepare), kinds.count(Accept)) == (6, 6)
    assert acknowledged(cluster) == [1, 2, 3]


def test_in_basic_mode_two_proposers_fill_one_log() -> None:
    cluster = group(3, mode="basic", retry="at_once")
    cluster.request("n1", "append", "x", "a")
    cluster.quiet()
    cluster.request("n2", "append", "x", "b")
    cluster.quiet()
    assert [process.data for process in cluster.processes.values()] == [{"x": "ab"}] * 3
    assert acknowledged(cluster) == [1, 2]


def test_in_basic_mode_a_learner_asks_for_what_it_missed() -> None:
    """There are no heartbeats; a slot that comes too early shows the hole. A second copy asks for nothing."""
    roles = {"p": "proposer", "a1": "acceptor", "a2": "acceptor", "l": "learner"}
    cluster = group(4, roles=roles, mode="basic", retry="at_once")
    cluster.cut = {("p", "l")}
    cluster.request("p", "put", "x", "0")
    cluster.quiet()
    cluster.cut = set()
    cluster.request("p", "put", "x", "1")
    cluster.quiet()
    assert values(cluster.processes["l"]) == ["0", "1"]
    early = Learn(1, (entry(1, "9", slot=9),))
    for _ in range(2):
        cluster.receive("l", "p", early)
    assert len(sent(cluster, "l", CatchUp)) == 1
