"""The orchestrator: it asks the replicas, it agrees through Raft first, and it may itself die."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine import harness
from simulations.engine.failover import Promote, ReplicateFrom, Report
from simulations.engine.process import Reply, Request
from simulations.engine.systems.orchestrator import DESCRIPTOR
from simulations.engine.systems.orchestrator.process import Orchestrator, Parameters
from simulations.engine.systems.orchestrator.twins import TWINS
from simulations.engine.world import World
from tests.systems.failover_kit import coordinator, play, recipe, roles, verdicts
from tests.systems.recording import Group

NAMES = ("cairo", "accra", "lagos", "dakar")
SETTINGS = {"detect_ms": 800, "poll_ms": 200}
DIRECTORY = {"primary_replica": ("m", "r", "q"), "raft": ("o1/raft", "o2/raft"), "orchestrator": ("o1/o",)}


def alone(raft: bool = True) -> Group:
    """One orchestrator that knows a primary m and replicas r and q; 800 ms later."""
    directory = DIRECTORY if raft else {**DIRECTORY, "raft": ()}
    made = Group(lambda: Orchestrator(directory=directory), ("o1/o",), Parameters(**SETTINGS))
    made.start()
    for id, role, position in (("m", "primary", 9), ("r", "replica", 5), ("q", "replica", 7)):
        made.receive("o1/o", id, Report(0, role, 1, position, 1, "" if id == "m" else "m", True))
    made.contexts["o1/o"].now = 900_000
    made.contexts["o1/o"].take()
    return made


def replicas_say(cluster: Group, linked: bool) -> None:
    for id, position in (("r", 5), ("q", 7)):
        cluster.receive("o1/o", id, Report(0, "replica", 1, position, 1, "m", linked))


def requests(cluster: Group) -> list[Request]:
    return [message for _, message in cluster.contexts["o1/o"].take() if isinstance(message, Request)]


def answer(cluster: Group, request: Request, result: Any) -> None:
    cluster.receive("o1/o", "o1/raft", Reply(request.operation, 1, "ok", result))


@pytest.mark.parametrize(("linked", "judged"), [(True, "UnreachableMaster"), (False, "DeadMaster")])
def test_a_silent_primary_is_dead_only_when_its_replicas_do_not_hear_it_either(
    linked: bool, judged: str
) -> None:
    cluster = alone()
    replicas_say(cluster, linked)
    cluster.fire("o1/o", "poll")
    assert cluster.processes["o1/o"].analysis == judged


def test_it_acts_only_while_its_own_raft_server_answers() -> None:
    cluster = alone()
    replicas_say(cluster, False)
    cluster.fire("o1/o", "poll")
    assert cluster.processes["o1/o"].role == "standby"
    (asked,) = requests(cluster)
    assert asked.kind == "get"
    answer(cluster, asked, "1:m")
    cluster.fire("o1/o", "poll")
    assert cluster.processes["o1/o"].role == "active"


def test_a_replica_is_promoted_only_after_the_group_agreed() -> None:
    cluster = alone()
    replicas_say(cluster, False)
    cluster.fire("o1/o", "poll")
    answer(cluster, requests(cluster)[0], "1:m")
    cluster.fire("o1/o", "poll")
    sent = cluster.contexts["o1/o"].take()
    assert not [message for _, message in sent if isinstance(message, Promote)]
    (decision,) = [m for _, m in sent if isinstance(m, Request) and m.kind == "cas"]
    assert decision.argument == ("1:m", "2:q")
    answer(cluster, decision, True)
    assert ("q", Promote(2)) in cluster.contexts["o1/o"].take()


def test_a_decision_that_lost_the_race_is_not_carried_out() -> None:
    cluster = alone()
    replicas_say(cluster, False)
    cluster.fire("o1/o", "poll")
    answer(cluster, requests(cluster)[0], "1:m")
    cluster.fire("o1/o", "poll")
    (decision,) = [one for one in requests(cluster) if one.kind == "cas"]
    answer(cluster, decision, False)
    assert not [m for _, m in cluster.contexts["o1/o"].take() if isinstance(m, Promote)]


def test_an_orchestrator_alone_decides_by_itself() -> None:
    cluster = alone(raft=False)
    replicas_say(cluster, False)
    cluster.fire("o1/o", "poll")
    assert cluster.processes["o1/o"].registered == "1:m"
    cluster.fire("o1/o", "poll")
    assert ("q", Promote(2)) in cluster.contexts["o1/o"].take()


def deciding() -> tuple[Group, Request]:
    """The primary is dead, and the Raft group is asked to make q the next in epoch 2."""
    cluster = alone()
    replicas_say(cluster, False)
    cluster.fire("o1/o", "poll")
    answer(cluster, requests(cluster)[0], "1:m")
    cluster.fire("o1/o", "poll")
    (decision,) = [one for one in requests(cluster) if one.kind == "cas"]
    return cluster, decision


def promotions(cluster: Group) -> list[Any]:
    return [(to, one) for to, one in cluster.contexts["o1/o"].take() if isinstance(one, Promote)]


def test_an_answer_to_what_is_asked_no_longer_or_that_failed_decides_nothing() -> None:
    cluster, decision = deciding()
    first = cluster.processes["o1/o"]
    for reply in (Reply(decision.operation - 9, 1, "ok", True), Reply(decision.operation, 1, "fail", True)):
        cluster.receive("o1/o", "o1/raft", reply)
        assert (promotions(cluster), first.registered) == ([], "1:m")
    answer(cluster, decision, True)
    assert (promotions(cluster), first.registered) == ([], "1:m")


def test_an_answer_of_an_earlier_life_is_none_of_this_one() -> None:
    cluster = alone()
    before = list(cluster.processes["o1/o"].asked)
    for _ in range(2):
        cluster.start("o1/o")
        again = list(cluster.processes["o1/o"].asked)
        assert len(again) == 1
        assert again[0] not in before
        before += again


def test_an_answer_that_comes_after_the_next_poll_decides_nothing() -> None:
    cluster, decision = deciding()
    cluster.fire("o1/o", "poll")
    cluster.contexts["o1/o"].take()
    answer(cluster, decision, True)
    assert promotions(cluster) == []


def test_one_decision_is_asked_for_at_a_time() -> None:
    cluster, _ = deciding()
    first = cluster.processes["o1/o"]
    first.recover()
    assert (requests(cluster), first.deciding) == ([], "2:q")


def test_what_the_group_decided_is_carried_out_again_until_the_new_primary_reports() -> None:
    cluster, decision = deciding()
    answer(cluster, decision, True)
    assert (promotions(cluster), cluster.processes["o1/o"].role) == ([("q", Promote(2))], "recovering")
    for promoted in ([("q", Promote(2))], []):
        cluster.fire("o1/o", "poll")
        sent = cluster.contexts["o1/o"].take()
        assert [(to, one) for to, one in sent if isinstance(one, Promote)] == promoted
        answer(cluster, next(one for _, one in sent if isinstance(one, Request) and one.kind == "get"), "2:q")
        cluster.receive("o1/o", "q", Report(0, "primary", 2, 7, 2, "", True))
        pointed = [to for to, one in cluster.contexts["o1/o"].take() if isinstance(one, ReplicateFrom)]
        assert pointed == (["m", "r"] if promoted else [])


def test_who_may_not_act_points_nobody_anywhere() -> None:
    cluster = alone()
    for epoch in (1, 2):
        cluster.receive("o1/o", "q", Report(0, "primary", epoch, 7, epoch, "", True))
        assert cluster.contexts["o1/o"].take() == []


def test_who_acts_points_an_old_primary_at_the_new_one() -> None:
    cluster = alone(raft=False)
    cluster.receive("o1/o", "q", Report(0, "primary", 2, 7, 2, "", True))
    cluster.contexts["o1/o"].take()
    cluster.receive("o1/o", "m", Report(0, "primary", 1, 9, 1, "", True))
    assert cluster.contexts["o1/o"].take() == [("m", ReplicateFrom(2, "q"))]


def test_an_orchestrator_alone_knows_after_a_restart_what_it_decided() -> None:
    cluster = alone(raft=False)
    replicas_say(cluster, False)
    for _ in range(2):
        cluster.fire("o1/o", "poll")
    assert promotions(cluster) == [("q", Promote(2))]
    cluster.start("o1/o")
    assert cluster.processes["o1/o"].registered == "2:q"


@pytest.mark.parametrize(
    ("heard", "linked", "source", "judged"),
    [
        ("mrq", True, "m", "NoProblem"),
        ("mrq", False, "m", "AllMasterReplicasNotReplicating"),
        ("mrq", True, "x", "AllMasterReplicasNotReplicating"),
        ("m", False, "m", "NoProblem"),
        ("rq", True, "x", "DeadMaster"),
        ("", True, "m", "DeadMasterAndReplicas"),
    ],
)
def test_an_analysis_hears_what_the_replicas_say(heard: str, linked: bool, source: str, judged: str) -> None:
    cluster = alone()
    for id in heard:
        role = "primary" if id == "m" else "replica"
        cluster.receive("o1/o", id, Report(0, role, 1, 5, 1, "" if id == "m" else source, linked))
    cluster.fire("o1/o", "poll")
    assert cluster.processes["o1/o"].analysis == judged


# -- whole runs -----------------------------------------------------------------------------------------------------


def orchestrated(
    faults: list[dict[str, Any]], count: int = 3, raft: bool = True, twin: str | None = None, **more: Any
) -> World:
    """Four databases and some orchestrators, each beside a Raft server."""
    beside = [{"system": "raft", "id": "raft"}] if raft else []
    nodes: list[dict[str, Any]] = [
        {"id": name, "processes": [{"system": "primary_replica"}]} for name in NAMES
    ]
    nodes += [
        {"id": f"o{number}", "processes": [*beside, coordinator("orchestrator", **SETTINGS)]}
        for number in range(count)
    ]
    client = {"client": "writer", "at": "dakar", "system": "primary_replica", "rate": 20, "keys": 100}
    system = "orchestrator" if twin else "primary_replica"
    made = recipe(
        nodes, faults, system=system, workload=[client], leader="cairo", twin=twin, stop_s=9, **more
    )
    return play(made)


def test_when_an_orchestrator_and_the_primary_die_another_one_acts() -> None:
    for dead in ("o0", "o1", "o2"):
        world = orchestrated(
            [{"at_s": 2, "do": "kill", "target": dead}, {"at_s": 3, "do": "kill", "target": "cairo"}]
        )
        assert harness.metric(world, "leader_changes") == 1
        assert verdicts(world)["no_split_brain"] == "holds"
        assert roles(world)["accra"] == "primary"


def test_without_a_majority_of_raft_nobody_acts() -> None:
    dead = {"at_s": 2, "do": "kill", "target": ["o0", "o1"]}
    world = orchestrated([dead, {"at_s": 3, "do": "kill", "target": "cairo"}])
    assert harness.metric(world, "leader_changes") == 0


def test_a_cut_that_only_the_orchestrators_see_promotes_nobody() -> None:
    world = orchestrated([{"at_s": 2, "do": "cut", "from": ["o0", "o1", "o2"], "to": "cairo", "for_s": 4}])
    assert harness.metric(world, "leader_changes") == 0


def test_a_slow_primary_is_not_dead_while_it_feeds_its_replicas() -> None:
    world = orchestrated([{"at_s": 2, "do": "slow", "target": "cairo", "service_ms": 80}])
    assert harness.metric(world, "needless_failovers") == 0


def test_orchestrators_whose_clocks_nearly_stand_still_replace_nobody() -> None:
    kill = {"at_s": 3, "do": "kill", "target": "cairo"}
    slow = {"at_s": 2, "do": "clock", "target": ["o0", "o1", "o2"], "rate": 0.02}
    assert harness.metric(orchestrated([slow, kill]), "leader_changes") == 0


def test_who_asks_no_replica_is_caught() -> None:
    """The orchestrator cannot reach the primary, which goes on with its client and cannot reach the promoted one."""
    faults = [
        {"at_s": 2, "do": "cut", "from": "o0", "to": "cairo"},
        {"at_s": 2, "do": "cut", "from": "cairo", "to": "accra"},
    ]
    clients = [
        {"client": f"of-{id}", "at": id, "to": id, "system": "primary_replica", "keys": 50}
        for id in ("cairo", "accra")
    ]
    nodes: list[dict[str, Any]] = [
        {"id": name, "processes": [{"system": "primary_replica", "parameters": {"fencing": "none"}}]}
        for name in NAMES[:3]
    ]
    nodes.append({"id": "o0", "processes": [coordinator("orchestrator", **SETTINGS)]})
    found = {}
    for twin in (None, "ask_nobody"):
        made = recipe(
            nodes, faults, system="orchestrator", workload=clients, leader="cairo", twin=twin, stop_s=6
        )
        found[twin] = verdicts(play(made))["no_split_brain"]
    assert found == {None: "holds", "ask_nobody": "violated"}


def test_who_asks_no_group_is_caught() -> None:
    """A region is cut off with an orchestrator and two databases; that orchestrator may not promote anybody there."""
    far = ["cairo", "o0", "o1"]
    near = ["accra", "lagos", "dakar", "o2"]
    faults = [{"at_s": 2, "do": "partition", "groups": [far, near]}]
    clients = [
        {"client": f"of-{id}", "at": id, "to": id, "system": "primary_replica", "keys": 50}
        for id in ("cairo", "accra")
    ]
    nodes: list[dict[str, Any]] = [
        {"id": name, "processes": [{"system": "primary_replica"}]} for name in NAMES
    ]
    nodes += [
        {
            "id": f"o{number}",
            "processes": [{"system": "raft", "id": "raft"}, coordinator("orchestrator", **SETTINGS)],
        }
        for number in range(3)
    ]
    found = {}
    for twin in (None, "ask_no_group"):
        made = recipe(
            nodes, faults, system="orchestrator", workload=clients, leader="cairo", twin=twin, stop_s=6
        )
        found[twin] = verdicts(play(made))["no_split_brain"]
    assert found == {None: "holds", "ask_no_group": "violated"}


@pytest.mark.parametrize("twin", DESCRIPTOR.twins, ids=lambda twin: str(twin.name))
def test_a_twin_replaces_its_rule_and_passes_without_faults(twin: Any) -> None:
    for made in TWINS[twin.name].values():
        assert twin.rule in vars(made)
    assert "violated" not in verdicts(orchestrated([], twin=twin.name)).values()
