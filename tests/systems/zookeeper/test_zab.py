"""Claims about election and atomic broadcast. JRS: Junqueira, Reed, Serafini 2011; ZI: ZooKeeper Internals."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from simulations.engine.checks.base import Check
from simulations.engine.context import DELIVER
from simulations.engine.experiment.reader import parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.systems.zookeeper.election import NOBODY, is_majority
from simulations.engine.systems.zookeeper.learner import encode_snapshot
from simulations.engine.systems.zookeeper.messages import (
    AckEpoch,
    CloseSession,
    LeaderInfo,
    Node,
    Notification,
    Reconfigure,
    Snapshot,
    Txn,
    zxid_of,
    zxid_text,
)
from simulations.engine.systems.zookeeper.parameters import Parameters
from simulations.engine.systems.zookeeper.presets import preset
from simulations.engine.systems.zookeeper.process import ZooKeeper
from simulations.engine.world import World
from tests.systems.kept_notes import noted
from tests.systems.recording import Group, RecordingContext
from tests.systems.zookeeper.helpers import operation, ran, recipe, results, server, verdict

IDS = ("s1", "s2", "s3", "s4", "s5")
OF_DISCOVERY = ("Notification", "LeaderInfo")


def looking(histories: dict[str, dict[str, Any]]) -> Group:
    """Servers with these histories, that have just started to look for a leader."""
    group = Group(ZooKeeper, IDS, Parameters())
    for id in IDS:
        group.preset(id, *preset(histories.get(id, {})))
    group.start()
    return group


def test_the_newest_epoch_wins_then_the_highest_zxid_then_the_highest_id() -> None:
    group = looking(
        {
            "s1": {"epoch": 2, "last": 1},
            "s2": {"epoch": 1, "last": 9},
            "s3": {"epoch": 2, "last": 4},
            "s4": {"epoch": 2, "last": 4},
        }
    )
    group.quiet()
    assert {process.proposal for process in group.processes.values()} == {("s4", 2, zxid_of(2, 4))}


def test_a_better_vote_puts_the_end_of_the_election_off() -> None:
    group = looking({})
    first = group.processes["s1"]
    for sender in ("s2", "s3"):
        first.on_message(sender, Notification("s3", 0, 0, 1, "looking"))
    assert "finalize" in group.contexts["s1"].timers
    first.on_message("s4", Notification("s4", 0, 0, 1, "looking"))
    assert "finalize" not in group.contexts["s1"].timers
    assert first.proposal[0] == "s4"


def test_a_vote_of_a_later_round_is_not_taken_over_when_the_own_history_is_newer() -> None:
    first = looking({"s1": {"epoch": 2}}).processes["s1"]
    first.on_message("s3", Notification("s3", 1, 0, first.round + 5, "looking"))
    assert (first.proposal[0], first.round) == ("s1", 6)


@pytest.mark.parametrize(("voters", "licensed"), [(["s1", "s2"], True), (["s1", "s2", "s3"], False)])
def test_the_oracle_decides_for_two_servers_only_and_until_the_next_election(
    voters: list[str], licensed: bool
) -> None:
    group = Group(ZooKeeper, IDS, Parameters(oracle={"s1": 1}))
    group.preset("s1", {"voters": voters}, {})
    group.start("s1")
    group.fire("s1", "notify")
    last = group.processes["s1"]
    assert (last.role == "leading") is last.alone is licensed
    last.look_for_leader("told")
    assert not last.has_quorum(["s1"])


def test_votes_of_an_older_round_are_answered_not_counted() -> None:
    group = looking({})
    first, context = group.processes["s1"], group.contexts["s1"]
    first.round = 5
    context.take()
    first.on_message("s2", Notification("s2", 0, 0, 4, "looking"))
    assert "s2" not in first.votes
    assert [(to, type(message).__name__) for to, message in context.take()] == [("s2", "Notification")]


BEFORE, AFTER = ("s1", "s2", "s3"), ("s1", "s2", "s3", "s4")


def with_a_change_at_s3() -> Group:
    """s1 to s3 vote. s3 alone holds a change, never committed, that makes s4 a voter; s4 has the newest history. s2
    and s5 are down."""
    group = Group(ZooKeeper, IDS, Parameters())
    change = Txn(1, 1, Reconfigure(AFTER))
    for id, epoch in (("s1", 4), ("s3", 1), ("s4", 9)):
        group.preset(id, {"epoch": epoch, "voters": list(BEFORE)}, {"log": [change] if id == "s3" else []})
    group.start("s1", "s3", "s4")
    group.contexts |= {id: RecordingContext(id) for id in ("s2", "s5")}
    return group


def test_a_joiner_takes_over_votes_and_proposes_nobody() -> None:
    group = with_a_change_at_s3()
    assert group.processes["s4"].proposal == NOBODY
    group.quiet()
    assert {process.proposal for process in group.processes.values()} == {("s1", 4, 0)}
    assert set(group.processes["s1"].votes) == {"s1", "s3"}
    assert set(group.processes["s3"].votes) == {"s1", "s3", "s4"}
    assert "finalize" in group.contexts["s3"].timers


def test_without_the_joiner_that_its_change_counts_on_a_server_decides_nothing() -> None:
    group = with_a_change_at_s3()
    group.isolate("s4")
    group.quiet()
    assert "finalize" in group.contexts["s1"].timers
    assert "finalize" not in group.contexts["s3"].timers


def test_an_observer_takes_over_no_vote() -> None:
    group = with_a_change_at_s3()
    group.processes["s4"].kind = "observer"
    group.quiet()
    assert group.processes["s4"].proposal == NOBODY
    assert "finalize" not in group.contexts["s3"].timers


def test_a_server_with_a_change_joins_when_a_quorum_of_both_sets_of_voters_follows() -> None:
    third = with_a_change_at_s3().processes["s3"]
    assert third.next_voters == ("s1", "s2", "s3", "s4")
    for sender, state in (("s1", "leading"), ("s2", "following")):
        assert third.role == "looking"
        third.on_message(sender, Notification("s1", 4, 0, 7, state))
        third.on_message("s1", Notification("s1", 4, 0, 7, "leading"))
    assert (third.role, third.leader) == ("following", "s1")


@pytest.mark.parametrize(("round", "joins"), [(0, True), (-1, False), (1, False)])
def test_a_server_with_a_change_joins_whom_its_own_vote_has_elected(round: int, joins: bool) -> None:
    """Two of three were elected by turns with the vote of the third, which needed both and followed neither."""
    third = with_a_change_at_s3().processes["s3"]
    third.proposal = ("s1", 4, 0)
    third.on_message("s1", Notification("s1", 4, 0, third.round + round, "leading"))
    assert (third.leader == "s1") is joins
    other = with_a_change_at_s3().processes["s3"]
    other.on_message("s1", Notification("s1", 4, 0, other.round, "leading"))
    assert (other.proposal[0], other.role) == ("s3", "looking")


def test_a_joiner_that_does_not_know_yet_that_it_votes_joins_whom_its_vote_has_elected() -> None:
    """It needs both voters that it knows; each of them is elected with its vote, by turns."""
    group = Group(ZooKeeper, IDS, Parameters())
    group.preset("s4", {"voters": ["s1", "s2"]}, {})
    group.start("s4")
    joiner = group.processes["s4"]
    joiner.on_message("s2", Notification("s2", 5, 9, joiner.round, "looking"))
    joiner.on_message("s2", Notification("s2", 5, 9, joiner.round, "leading"))
    assert (joiner.role, joiner.leader) == ("following", "s2")


def test_the_one_whom_a_change_waits_for_joins_the_leader_that_proposed_it() -> None:
    group = Group(ZooKeeper, IDS, Parameters())
    group.preset("s3", {"voters": ["s2"]}, {"log": [Txn(1, 1, Reconfigure(("s3",)))]})
    group.start("s3")
    third = group.processes["s3"]
    third.on_message("s4", Notification("s2", 1, 0, 7, "following"))
    assert third.role == "looking"
    third.on_message("s2", Notification("s2", 1, 0, 7, "leading"))
    assert (third.role, third.leader) == ("following", "s2")


def test_a_vote_that_is_told_again_puts_nothing_off() -> None:
    """Servers without a vote tell theirs every tick; with a longer wait for better votes nobody was ever elected."""
    group = looking({})
    first = group.processes["s1"]
    vote = Notification("s5", 0, 0, first.round, "looking")
    for peer in ("s2", "s3", "s4"):
        group.receive("s1", peer, vote)
    due = group.contexts["s1"].timers["finalize"]
    group.contexts["s1"].now += 40_000
    group.receive("s1", "s4", vote)
    assert group.contexts["s1"].timers["finalize"] == due


def delivered_twice(group: Group, rounds: int = 12) -> int:
    """How many notifications there are until all is quiet when every one comes twice."""
    count = 0
    for _ in range(rounds):
        moving = [(id, to, message) for id in group.processes for to, message in group.contexts[id].take()]
        if not moving:
            return count
        count += len(moving)
        for sender, to, message in moving * 2:
            if to in group.processes:
                group.receive(to, sender, message)
    raise AssertionError(f"still talking after {count} notifications")


@pytest.mark.parametrize("round", [1, 2, 9])
@pytest.mark.parametrize("vote", ["s1", "s2", "s3"])
@pytest.mark.parametrize("counted_by_s1", [True, False])
@pytest.mark.parametrize("counted_by_s2", [True, False])
def test_two_that_look_do_not_answer_each_other_without_end(
    round: int, vote: str, counted_by_s1: bool, counted_by_s2: bool
) -> None:
    group = Group(ZooKeeper, ("s1", "s2", "s3"), Parameters())
    group.start("s1", "s2")
    first, second = group.processes["s1"], group.processes["s2"]
    first.voters = ("s1", "s2") if counted_by_s1 else ("s1",)
    second.voters = ("s1", "s2") if counted_by_s2 else ("s2",)
    first.proposal, second.proposal, second.round = ("s2", 0, 0), (vote, 0, 0), round
    for id in ("s1", "s2"):
        group.contexts[id].take()
    first.notify("s2")
    second.notify("s1")
    assert 2 <= delivered_twice(group) <= 20


def test_an_election_with_joiners_comes_to_rest() -> None:
    group = with_a_change_at_s3()
    assert delivered_twice(group) <= 60


def test_a_server_that_does_not_look_tells_who_leads() -> None:
    world = ran(recipe(), 1)
    follower = server(world, "s2")
    assert (follower.role, follower.leader) == ("following", "s1")
    later = ran(recipe(faults=[{"at_s": 2, "do": "kill", "target": "s3", "for_s": 1}]))
    assert server(later, "s3").leader == "s1"
    assert verdict(later, "one_leader_per_epoch") == "holds"


def test_one_server_is_an_ensemble() -> None:
    world = ran(
        recipe(1, initial={}, operations=[operation(1, "set", "/a", value=1), operation(1.5, "get", "/a")]), 2
    )
    assert results(world) == [("ok", {"version": 0}), ("ok", 1)]


def test_observers_alone_have_no_leader() -> None:
    nodes = [
        {"id": id, "processes": [{"system": "zookeeper", "role": "observer"}]} for id in ("s1", "s2", "s3")
    ]
    links = {"default": {"latency_ms": 10, "ordered": True}}
    world = ran(recipe(topology={"nodes": nodes, "links": links}, initial={}), 3)
    assert {server(world, id).role for id in ("s1", "s2", "s3")} == {"looking"}


def test_more_than_half_of_the_voters_is_a_majority() -> None:
    assert is_majority(("a", "b", "c"), ("a", "c"))
    assert not is_majority(("a", "b"), ("a",))
    assert not is_majority(("a", "b", "c"), ("c", "d", "e"))


def test_a_new_epoch_is_one_above_all_that_a_quorum_agreed_to() -> None:
    plain = recipe(initial={"nodes": {"s1": {"epoch": 3, "last": 2}, "s2": {"epoch": 5}, "s3": {"epoch": 3}}})
    world = ran(plain, 2)
    assert {server(world, id).epoch for id in ("s1", "s2", "s3")} == {6}


@pytest.mark.parametrize(("epoch", "answer"), [(6, None), (7, AckEpoch(1, -1, 0)), (8, AckEpoch(1, 3, 0))])
def test_a_follower_agrees_to_no_older_epoch_and_lends_its_history_once(epoch: int, answer: Any) -> None:
    """JRS phase 1; who had agreed to this epoch before does not count for it again (-1)."""
    group = Group(ZooKeeper, IDS, Parameters())
    group.preset("s1", {"epoch": 3, "accepted_epoch": 7}, {})
    group.start("s1")
    first = group.processes["s1"]
    first.follow("s2")
    first.connection = 1
    group.contexts["s1"].take()
    group.receive("s1", "s2", LeaderInfo(2, 9))
    assert first.zab_state == "DISCOVERY"
    group.receive("s1", "s2", LeaderInfo(1, epoch))
    told = [message for _, message in group.contexts["s1"].take() if isinstance(message, AckEpoch)]
    assert (told == [answer]) if answer else (not told and first.role == "looking")


def test_the_counter_begins_again_in_each_epoch() -> None:
    plain = recipe(
        operations=[operation(1, "set", "/a", value=1), operation(5, "set", "/a", value=2)],
        faults=[{"at_s": 2, "do": "kill", "target": "leader", "for_s": 2}],
    )
    world = ran(plain)
    log = server(world, "s2").log
    assert [zxid_text(txn.zxid) for txn in log] == ["1.1", "1.2", "2.1"]
    assert results(world) == [("ok", {"version": 0}), ("ok", {"version": 1})]


def test_a_proposal_that_a_quorum_wrote_down_survives_its_leader() -> None:
    kill = {
        "when": {"event": "deliver", "message": "Propose", "after_s": 2, "count": 2},
        "do": "kill",
        "target": "s1",
    }
    plain = recipe(operations=[operation(2, "set", "/a", server="s1", value=1)], faults=[kill])
    world = ran(plain)
    assert server(world, "s3").data["/a"].data == 1
    assert results(world) == [("unknown", "ConnectionLoss")]


def test_a_learner_that_missed_a_little_gets_a_diff_one_that_missed_much_a_snapshot() -> None:
    writes = [operation(2 + number / 20, "set", "/a", value=number) for number in range(10)]
    for kept, mode in ((500, "DIFF"), (3, "SNAP")):
        plain = recipe(
            parameters={"committed_log": kept},
            operations=writes,
            faults=[{"at_s": 1.5, "do": "kill", "target": "s3", "for_s": 3}],
        )
        world = ran(plain)
        assert server(world, "s3").sync_mode == mode
        assert server(world, "s3").data == server(world, "s1").data


def test_a_torn_installation_of_a_snapshot_is_finished_at_the_next_start() -> None:
    """The log of before stayed on the disk under the new snapshot; what was appended later got wrong places there, and
    the restart after that lost it."""
    group = Group(ZooKeeper, IDS, Parameters())
    old, later = Txn(1, 1, CloseSession(9)), Txn(2, 1, CloseSession(9))
    snapshot = Snapshot(3, zxid_of(1, 3), 77, {"/": Node()}, {}, ("s1", "s2"))
    group.preset("s1", {"snapshot": encode_snapshot(snapshot)}, {"log": [old]})
    group.start("s1")
    first = group.processes["s1"]
    assert (first.delivered, first.log.mark, first.voters) == (3, (4, 3, 77), ("s1", "s2"))
    first.store((later,))
    group.settle("s1")
    group.start("s1")
    assert list(group.processes["s1"].log) == [later]
    assert group.processes["s1"].log.mark == first.log.mark


def test_a_leader_without_a_quorum_stops_and_its_clients_learn_it() -> None:
    plain = recipe(
        operations=[operation(4, "get", "/a", server="s1")],
        faults=[{"at_s": 2, "do": "kill", "target": ["s2", "s3"]}],
    )
    world = ran(plain)
    assert server(world, "s1").role == "looking"
    assert results(world) == [("fail", "ConnectionLoss")]


def test_a_clock_that_is_set_back_keeps_no_leader_in_office() -> None:
    """ZooKeeper counts ticks; it does not read a clock that people set."""
    plain = recipe(
        faults=[
            {"at_s": 2, "do": "clock", "target": "s1", "jump_ms": -1500},
            {"at_s": 2, "do": "kill", "target": ["s2", "s3"]},
        ]
    )
    assert server(ran(plain, 3.5), "s1").role == "looking"


def test_a_clock_that_is_set_back_makes_no_follower_wait_longer() -> None:
    group = Group(ZooKeeper, IDS, Parameters())
    group.start("s1")
    group.contexts["s1"].now = 9_000_000
    group.processes["s1"].follow("s2")
    group.contexts["s1"].now = 0
    for _ in range(39):
        group.fire("s1", "connect")
    assert group.processes["s1"].role == "following"
    group.fire("s1", "connect")
    assert group.processes["s1"].role == "looking"


def test_a_lost_proposal_is_asked_for_again() -> None:
    drop = {"at_s": 1.9, "do": "drop", "match": {"message": "Propose", "to": "s3", "count": 2}, "for_s": 1}
    writes = [operation(2 + number / 50, "set", "/a", value=number) for number in range(5)]
    world = ran(recipe(operations=writes, faults=[drop]))
    assert server(world, "s3").data["/a"].data == 4
    assert verdict(world, "local_primary_order") == "holds"


class HeardFromLeader(Check):
    """What s2 hears from s1 once the epoch is agreed, in order."""

    name: ClassVar[str] = "heard"
    wants_events: ClassVar[bool] = True
    heard: dict[int, str] = {}

    def executed(self, at_us: int, event: Any) -> None:
        kind = type(event[7]).__name__
        if event[3] == DELIVER and (event[6], event[4]) == (0, 1) and kind not in OF_DISCOVERY:
            self.heard[event[2]] = kind


@pytest.mark.parametrize("kind", ["observer", "joiner"])
def test_what_is_broadcast_never_overtakes_the_history_that_it_follows(kind: str) -> None:
    """Leader and learner share one TCP connection. DIFF and NEWLEADER waited for the leader's disk; what was committed
    meanwhile did not, and came first."""
    nodes = [
        {"id": "s1"},
        {"id": "s2", "starts": "off", "processes": [{"system": "zookeeper", "role": kind}]},
    ]
    plain = recipe(
        topology={"nodes": nodes, "links": {"default": {"latency_ms": 10, "ordered": True}}},
        storage={"default": {"write_ms": 30}},
        operations=[operation(2 + number / 50, "set", "/x", value=number) for number in range(60)],
        faults=[{"at_s": 2.1, "do": "restart", "target": "s2"}],
    )
    check = HeardFromLeader()
    World(parse(plain, SYSTEMS), checks={check.name: check}).run_until(4_000_000)
    heard = list(check.heard.values())
    assert heard[:2] == ["Diff", "NewLeader"]
    assert heard.index("Inform" if kind == "observer" else "Commit") < heard.index("UpToDate")


@pytest.mark.parametrize("kind", ["observer", "joiner"])
def test_whoever_has_no_vote_follows_but_does_not_decide(kind: str) -> None:
    nodes = [{"id": id} for id in ("s1", "s2", "s3")]
    nodes.append({"id": "s4", "processes": [{"system": "zookeeper", "role": kind}]})  # type: ignore[dict-item]
    plain = recipe(
        topology={"nodes": nodes, "links": {"default": {"latency_ms": 10, "ordered": True}}},
        operations=[operation(1, "set", "/a", value=1), operation(5, "set", "/a", value=2)],
        faults=[{"at_s": 2, "do": "kill", "target": ["s2", "s3"]}],
    )
    world = ran(plain)
    assert server(world, "s4").data["/a"].data == 1
    assert [outcome for outcome, _ in results(world)] == ["ok", "fail"]


def test_a_reconfiguration_needs_a_quorum_of_the_new_voters_that_follows() -> None:
    change = {"at_s": 2, "do": "configure", "target": "leader", "add": ["s9"], "remove": ["s2", "s3"]}
    nodes = [{"id": id} for id in ("s1", "s2", "s3")]
    nodes.append({"id": "s9", "starts": "off", "processes": [{"system": "zookeeper", "role": "joiner"}]})  # type: ignore[dict-item]
    plain = recipe(
        topology={"nodes": nodes, "links": {"default": {"latency_ms": 10, "ordered": True}}}, faults=[change]
    )
    world = ran(plain, 1)
    world.kernel.notes = []
    world.run_until(3_000_000)
    assert "zookeeper.reconfig_refused_quorum" in noted(world)
    assert server(world, "s1").voters == ("s1", "s2", "s3")


@pytest.mark.parametrize("cut", [3, 2, 1])
def test_a_change_that_takes_effect_leaves_a_later_one_in_the_history_pending(cut: int) -> None:
    """A learner that comes late gets both with one DIFF: the first is committed, the second may never be."""
    first, second = ("s1", "s2", "s3"), ("s3", "s4", "s5")
    group = Group(ZooKeeper, IDS, Parameters())
    group.start("s1")
    late = group.processes["s1"]
    late.store((Txn(1, 1, Reconfigure(first)), Txn(1, 2, Reconfigure(second))))
    late.cut_from(cut)
    pending = {3: second, 2: first, 1: ()}[cut]
    assert late.next_voters == pending
    late.committed = 1
    late.deliver_committed()
    assert late.next_voters == (second if cut == 3 else ())
    assert late.has_quorum(("s1", "s2")) is (cut == 2)


def test_a_leader_that_is_removed_hands_over() -> None:
    change = {"at_s": 2, "do": "configure", "target": "leader", "remove": ["s1"]}
    world = ran(recipe(operations=[operation(5, "set", "/a", value=1)], faults=[change]))
    assert server(world, "s2").voters == server(world, "s3").voters == ("s2", "s3")
    assert server(world, "s1").role == "following"
    assert results(world)[0][0] == "ok"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"epochs": 1}, "epochs"),
        ({"last": 3}, "last"),
        ({"epoch": 1, "last": 3, "committed": 4}, "last"),
        ({"epoch": 1, "last": 3, "committed": 1, "uncommitted": [1]}, "uncommitted"),
        ({"voters": "s1"}, "voters"),
        ({"sequences": {"lock": 3}}, "sequences"),
        ({"epoch": -1}, "epoch"),
    ],
)
def test_a_wrong_initial_state_names_its_field(values: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        preset(values)
