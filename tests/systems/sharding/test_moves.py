"""Shards that move while clients work: copies, freezes, epochs, old maps. Rules named after their sources."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine import harness
from simulations.engine.experiment import parse
from simulations.engine.meters import Scope
from simulations.engine.registry import SYSTEMS
from simulations.engine.systems.sharding.messages import Copied, Forward, Moved
from simulations.engine.systems.sharding.parameters import Parameters
from simulations.engine.systems.sharding.process import ShardServer
from simulations.engine.world import World
from tests.systems.kept_notes import keep_notes, noted
from tests.systems.recording import Group
from tests.systems.sharding.helpers import recipe, run, server, verdicts

GOOD = {"no_lost_ack": "holds", "one_owner_per_shard": "holds", "linearizable": "holds"}
JOIN = {"at_s": 2, "do": "configure", "add": "dog"}


def good(world: World) -> bool:
    return GOOD.items() <= verdicts(world).items()


def owned(world: World) -> dict[str, int]:
    return {name: len(server(world, name).owned) for name in ("ant", "bee", "cat", "dog")}


def group(**settings: Any) -> Group:
    """Three servers without a kernel; s1 keeps the map."""
    cluster = Group(ShardServer, ("s1", "s2", "s3"), Parameters(**{"shards": 6, **settings}))
    cluster.start()
    cluster.quiet()
    return cluster


def key_of(cluster: Group, owner: str) -> str:
    """A key that this server owns."""
    process = cluster.processes[owner]
    return next(f"k{number}" for number in range(100) if process.shard(f"k{number}") in process.owned)


# -- members ------------------------------------------------------------------------------------------------------


def test_a_server_joins_while_clients_work_and_none_of_them_notices() -> None:
    world = run(recipe(faults=[JOIN]))
    assert owned(world) == {"ant": 3, "bee": 3, "cat": 3, "dog": 3}
    assert good(world)
    assert all(total["unknown"] == total["fail"] == 0 for total in world.totals().values())
    assert server(world, "dog").keys_in == harness.metric(world, "keys_moved", Scope()) > 0


def test_a_server_that_leaves_hands_everything_over() -> None:
    world = run(recipe(faults=[{"at_s": 2, "do": "configure", "remove": "bee"}]))
    assert owned(world) == {"ant": 6, "bee": 0, "cat": 6, "dog": 0}
    assert server(world, "bee").data == {}
    assert server(world, "bee").role == "spare"
    assert good(world)


def test_two_changes_at_once_are_carried_out_one_after_the_other() -> None:
    leave = {"at_s": 2.001, "do": "configure", "remove": "ant"}
    world = run(recipe(faults=[JOIN, leave]))
    assert owned(world) == {"ant": 0, "bee": 4, "cat": 4, "dog": 4}
    assert server(world, "ant").members == ("bee", "cat", "dog")
    assert good(world)


@pytest.mark.parametrize(
    "line",
    [
        {"do": "configure", "add": "pond"},
        {"do": "configure", "members": ["pond"]},
        {"do": "configure", "remove": ["ant", "bee", "cat"]},
        {"do": "command", "name": "move_shards", "arguments": {"shards": [99], "to": "dog"}},
        {"do": "command", "name": "move_shards", "arguments": {"shards": [1], "to": "eel"}},
        {"do": "command", "name": "sing"},
    ],
)
def test_an_instruction_that_makes_no_sense_changes_nothing(line: dict[str, Any]) -> None:
    made = recipe(faults=[{"at_s": 1, **line}], stop_s=2)
    made["topology"]["nodes"].append({"id": "pond", "bare": True})
    world = World(parse(made, SYSTEMS))
    world.run_until(2_000_000)
    assert owned(world) == {"ant": 4, "bee": 4, "cat": 4, "dog": 0}
    assert server(world, "ant").epoch == 1


# -- the copy -----------------------------------------------------------------------------------------------------


def test_the_owner_goes_on_serving_while_it_copies() -> None:
    """Clark et al., pre-copy."""
    world = run(recipe(faults=[JOIN], parameters={"copy_mb_s": 0.0005}), until_s=2.5)
    assert server(world, "dog").role == "taking"
    assert owned(world)["dog"] == 0
    assert harness.metric(world, "longest_gap_ms", Scope(2_000_000)) < 50
    assert good(world)


def test_the_throttle_decides_how_long_a_move_takes() -> None:
    slow, fast = (
        run(recipe(faults=[JOIN], parameters={"copy_mb_s": speed}, value_bytes=2000), until_s=4)
        for speed in (0.002, 0.5)
    )
    assert owned(slow)["dog"] == 0
    assert owned(fast)["dog"] == 3


@pytest.mark.parametrize("seed", range(1, 6))
def test_an_unthrottled_copy_makes_clients_wait_and_a_throttled_one_far_less(seed: int) -> None:
    """HS-04, on a topology of its own and more seeds: the last rows queue behind the burst on the link."""
    ratios = []
    for speed, until_us in ((0, 3_000_000), (0.01, 7_000_000)):
        made = recipe(
            faults=[JOIN], parameters={"copy_mb_s": speed}, keys=300, value_bytes=1000, seed=seed, stop_s=7
        )
        made["topology"]["links"]["default"]["bandwidth_mbit"] = 0.4
        world = run(made)
        assert owned(world)["dog"] == 3
        ratios.append(harness.metric(world, "p99_over_baseline", Scope(2_000_000, until_us)))
    assert ratios[0] > max(3, 3 * ratios[1])


def test_requests_for_a_frozen_shard_wait_and_are_answered() -> None:
    hold = {"at_s": 1.9, "do": "drop", "match": {"message": "CopyAck"}, "for_s": 0.4}
    world = run(recipe(faults=[hold, JOIN]))
    assert harness.metric(world, "latency_p999_ms", Scope(2_000_000)) > 300
    assert all(total["unknown"] == total["fail"] == 0 for total in world.totals().values())
    assert good(world)


def test_a_receiver_that_is_down_delays_a_throttled_move_and_nothing_else() -> None:
    down = [{"at_s": 2.05, "do": "kill", "target": "dog"}, {"at_s": 4, "do": "restart", "target": "dog"}]
    made = recipe(faults=[JOIN, *down], parameters={"copy_mb_s": 0.005}, stop_s=9, value_bytes=400)
    world = World(parse(made, SYSTEMS))
    world.run_until(3_900_000)
    assert owned(world)["dog"] == 0
    assert harness.metric(world, "availability", Scope(2_000_000)) == 1
    world.run_until(9_000_000)
    assert owned(world)["dog"] == 3
    assert good(world)


@pytest.mark.parametrize("victim", ["ant", "bee", "cat"])
def test_an_owner_or_keeper_that_crashes_in_the_middle_of_a_move_finishes_it_later(victim: str) -> None:
    """The freeze and the plan are on disk; ant keeps the map."""
    crash = {"when": {"event": "send", "message": "Copied", "from": victim}, "do": "kill", "target": victim}
    back = {"at_s": 3, "do": "restart", "target": victim}
    world = run(recipe(faults=[JOIN, crash, back], disk_ms=1))
    assert owned(world) == {"ant": 3, "bee": 3, "cat": 3, "dog": 3}
    assert good(world)


def test_a_shard_stays_frozen_over_a_restart() -> None:
    lost = {"at_s": 1.9, "do": "drop", "match": {"message": "Copied"}, "for_s": 3}
    crash = [{"at_s": 2.2, "do": "kill", "target": "bee"}, {"at_s": 2.3, "do": "restart", "target": "bee"}]
    world = run(recipe(faults=[lost, JOIN, *crash]), until_s=2.6)
    assert len(server(world, "bee").frozen) == 1
    assert owned(world)["bee"] == 4


def test_what_the_receiver_acknowledged_is_on_its_disk() -> None:
    crash = {"when": {"event": "send", "message": "CopyAck"}, "do": "kill", "target": "dog", "for_s": 0.3}
    world = run(recipe(faults=[JOIN, crash], disk_ms=5))
    assert owned(world)["dog"] == 3
    assert good(world)


def test_a_cut_link_a_slow_node_and_a_stopped_clock_change_the_metrics() -> None:
    parameters = {"copy_mb_s": 0.01}
    good_run, cut, slow, stopped = (
        run(recipe(faults=[*more, JOIN], parameters=parameters, value_bytes=400), until_s=4)
        for more in (
            [],
            [{"at_s": 1, "do": "cut", "from": "ant", "to": "cat", "for_s": 2}],
            [{"at_s": 1, "do": "slow", "target": "bee", "service_ms": 8}],
            [{"at_s": 1, "do": "clock", "target": target, "rate": 0.01} for target in ("ant", "bee", "cat")],
        )
    )
    p99 = [harness.metric(world, "latency_p99_ms", Scope(1_000_000)) for world in (good_run, cut, slow)]
    assert p99[1] > 10 * p99[0]
    assert p99[2] > 2 * p99[0]
    assert harness.metric(good_run, "keys_moved", Scope()) > 0
    assert harness.metric(stopped, "keys_moved", Scope()) == 0


# -- epochs and old maps --------------------------------------------------------------------------------------------


def test_a_request_goes_to_the_owner_whatever_server_it_reaches() -> None:
    cluster = group()
    for to in ("s1", "s2", "s3"):
        cluster.request(to, "put", key_of(cluster, "s2"), f"by {to}")
        cluster.quiet()
    assert [reply.outcome for reply in cluster.replies] == ["ok"] * 3
    assert cluster.processes["s2"].data[key_of(cluster, "s2")].value == "by s3"


def test_who_is_not_the_owner_refuses_and_names_the_owner() -> None:
    """Redis Cluster specification, MOVED; the router follows and corrects its map."""
    cluster = group()
    key = key_of(cluster, "s3")
    cluster.operations += 1
    cluster.request("s1", "put", key, "x")
    ((to, forward),) = cluster.contexts["s1"].take()
    assert (to, type(forward)) == ("s3", Forward)
    cluster.receive("s2", "s1", forward)
    ((back, moved),) = cluster.contexts["s2"].take()
    assert isinstance(moved, Moved)
    assert (back, moved.owner) == ("s1", "s3")
    cluster.receive("s1", "s2", moved)
    assert cluster.contexts["s1"].take()[0][0] == "s3"


def test_an_owner_that_has_not_heard_of_its_shard_asks_before_it_answers() -> None:
    cluster = group()
    key = key_of(cluster, "s3")
    cluster.request("s1", "put", key, "x")
    ((_, forward),) = cluster.contexts["s1"].take()
    assert isinstance(forward, Forward)
    newer = Forward(forward.request, forward.shard, forward.epoch + 1, 1)
    cluster.receive("s2", "s1", newer)
    assert [type(message).__name__ for _, message in cluster.contexts["s2"].take()] == ["AskMap"]
    assert cluster.processes["s2"].waiting == [forward.request]
    assert key not in cluster.processes["s2"].data


def test_a_repeated_attempt_of_a_write_is_not_carried_out_twice() -> None:
    cluster = group()
    key = key_of(cluster, "s1")
    cluster.request("s1", "append", key, "a")
    cluster.operations -= 1
    cluster.request("s1", "append", key, "a")
    assert cluster.processes["s1"].data[key].value == "a"


def test_a_move_told_twice_is_decided_once() -> None:
    cluster = group()
    keeper = cluster.processes["s1"]
    keeper.on_operator("command", {"name": "move_shards", "arguments": {"shards": [1], "to": "s3"}})
    cluster.quiet()
    epoch = keeper.epoch
    cluster.receive("s1", "s2", Copied(1))
    assert (keeper.epoch, keeper.moves) == (epoch, {})


def test_a_client_with_an_old_map_is_told_moved_and_never_writes_silently() -> None:
    clients = [
        {"client": "old", "at": "bee", "to": "nearest", "rate": 40, "keys": 30, "operation": "put",
         "arguments": {"stale_map": True}}
    ]  # fmt: skip
    with_epochs, without = (
        run(recipe(faults=[JOIN], workload=clients, parameters={"epochs": epochs}))
        for epochs in (True, False)
    )
    told = harness.metric(with_epochs, "moved_answers", Scope(client="old"))
    assert told > 10
    assert harness.metric(with_epochs, "moved_answers", Scope(to_us=1_900_000)) == 0
    assert harness.metric(with_epochs, "silent_writes_to_old_owner", Scope()) == 0
    assert good(with_epochs)
    assert harness.metric(without, "silent_writes_to_old_owner", Scope()) > 10
    assert verdicts(without)["one_owner_per_shard"] == verdicts(without)["no_lost_ack"] == "violated"


def test_a_server_that_missed_maps_hears_of_them_from_the_beacon() -> None:
    cut = {"at_s": 1.5, "do": "cut", "from": "ant", "to": "cat", "for_s": 2}
    leave = {"at_s": 2, "do": "configure", "remove": "bee"}
    world = run(recipe(faults=[cut, leave]), until_s=5)
    assert server(world, "cat").epoch == server(world, "ant").epoch > 1
    assert good(world)


# -- hot keys -----------------------------------------------------------------------------------------------------


def hot(**parameters: Any) -> World:
    """40 % of 1,000 reads a second for one key that is also written now and then."""
    readers = {
        "client": "r", "at": "ant", "to": "any", "operation": "get", "rate": 1000, "keys": 60, "in_flight": 500,
        "key_choice": "hot", "hot_share": 0.4,
    }  # fmt: skip
    writer = {"client": "w", "at": "bee", "operation": "put", "key": "k0", "rate": 5}
    made = recipe(workload=[readers, writer], parameters={"shards": 4096, **parameters}, stop_s=2.2)
    made["checks"] = ["no_lost_ack", {"metric": "load_max_over_mean", "at_least": 1}]
    world = World(parse(made, SYSTEMS))
    keep_notes(world)
    world.run_until(2_200_000)
    return world


def test_a_split_key_is_read_everywhere_within_the_lease_of_a_copy() -> None:
    whole, split = hot(), hot(split_ways=3, split_placement="round_robin", copy_lease_ms=100)
    scope = Scope(1_000_000)
    assert harness.metric(whole, "load_max_over_mean", scope) > 1.6
    assert harness.metric(split, "load_max_over_mean", scope) < 1.3
    assert harness.metric(whole, "staleness_ms_max", scope) == 0
    assert 0 < harness.metric(split, "staleness_ms_max", scope) <= 100
    assert "sharding.hot" in noted(split)
    assert verdicts(split)["no_lost_ack"] == "holds"


def test_a_cache_answers_its_share_of_the_reads_of_a_split_key() -> None:
    world = hot(split_ways=3, split_placement="round_robin", cache_share=0.9)
    hits = sum(server(world, name).cache_hits for name in ("ant", "bee", "cat", "dog"))
    hot_reads = sum(1 for one in world.observer.ledger.done if one.kind == "get" and one.key == "k0")
    assert 0.4 < hits / hot_reads < 0.9


def test_keys_of_an_even_load_are_not_hot() -> None:
    world = run(recipe(stop_s=3))
    assert all(server(world, name).hot == [] for name in ("ant", "bee", "cat", "dog"))


# -- the autoscaler -----------------------------------------------------------------------------------------------


def scaled(*faults: dict[str, Any]) -> World:
    """Two members and two spares under an autoscaler; for a while there is three times the load."""
    load = [
        {"at_s": 3, "do": "load", "target": ["c1", "c2"], "times": 3},
        {"at_s": 10, "do": "load_normal", "target": ["c1", "c2"]},
    ]
    settings = {"sync_s": 1, "pod_rps": 50, "stabilization_s": 4}
    made = recipe(faults=[*load, *faults], members=("ant", "bee"), parameters=settings, stop_s=20)
    boss = {"id": "boss", "processes": [{"system": "sharding", "role": "autoscaler"}]}
    made["topology"]["nodes"].append(boss)
    return World(parse(made, SYSTEMS))


def test_an_autoscaler_adds_servers_under_load_and_takes_them_away_again() -> None:
    """The clients are the same all the time, and nothing is lost while shards come and go."""
    world = scaled()
    members = {}
    for at_s in (3, 9, 20):
        world.run_until(at_s * 1_000_000)
        members[at_s] = server(world, "ant").members
    assert members == {3: ("ant", "bee"), 9: ("ant", "bee", "cat", "dog"), 20: ("ant", "bee")}
    assert owned(world) == {"ant": 6, "bee": 6, "cat": 0, "dog": 0}
    assert good(world)
    assert all(total["unknown"] == total["fail"] == 0 for total in world.totals().values())


def test_an_autoscaler_leaves_the_members_alone_while_one_of_them_is_silent() -> None:
    world = scaled({"at_s": 2.5, "do": "pause", "target": "bee", "for_s": 5})
    world.run_until(7_400_000)
    assert server(world, "ant").wanted_members == ()
    world.run_until(9_900_000)
    assert server(world, "ant").members == ("ant", "bee", "cat", "dog")
