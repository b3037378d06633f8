"""Messages between processes: latency, loss, copies, order, cuts, holds, bandwidth, rules about single messages."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.world import World
from tests.engine.probe import SYSTEMS, heard, seen, world


def test_a_message_takes_the_links_latency() -> None:
    run = world(operations=[(1, "n1", "tell", "n2", "hi")])
    run.run_until(2_000_000)
    assert seen(run, "n2")[-1] == (1011.0, "n1 says hi")  # 1 ms from the client to n1, 10 ms to n2


def test_a_client_elsewhere_pays_its_way_and_the_link() -> None:
    run = world(operations=[(1, "n1", "tell", "n2", "hi")])
    operation = run.experiment.operations[0]
    run = world(
        operations=[(1, "n1", "tell", "n2", "hi")],
        workload=[
            {
                "client": "far",
                "at": "n3",
                "to": "n1",
                "operation": "tell",
                "key": "n2",
                "rate": 1,
                "operations": 1,
            }
        ],
    )
    run.run_until(3_000_000)
    assert operation.at == "n1"
    assert (1021.0, "n1 says far.1") in seen(run, "n2")  # 1 + 10 to n1, 10 to n2


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"do": "cut", "from": "n1", "to": "n2"}, {"n2": 0, "n3": 1, "n1": 0}),
        ({"do": "cut", "from": "n1", "to": "n2", "one_way": True}, {"n2": 0, "n3": 1, "n1": 1}),
        ({"do": "partition", "groups": [["n1"], ["n2", "n3"]]}, {"n2": 0, "n3": 0, "n1": 0}),
        ({"do": "partition", "groups": [["n1", "n2"], ["rest"]]}, {"n2": 1, "n3": 0, "n1": 1}),
        ({"do": "partition", "shape": "isolate_leader"}, {"n2": 0, "n3": 1, "n1": 0}),
        ({"do": "partition", "shape": "isolate", "node": "n3"}, {"n2": 1, "n3": 0, "n1": 1}),
        ({"do": "only_links", "links": [["n1", "n3"]]}, {"n2": 0, "n3": 1, "n1": 0}),
        ({"do": "loss", "chance": 1, "from": "n1", "to": "n2", "one_way": True}, {"n2": 0, "n3": 1, "n1": 1}),
    ],
)
def test_what_gets_through(fault: dict[str, Any], expected: dict[str, int]) -> None:
    told = [(2, "n1", "tell", "n2", "x"), (2, "n1", "tell", "n3", "x"), (2, "n2", "tell", "n1", "x")]
    run = world(faults=[{"at_s": 1, **fault}], operations=told)
    run.run_until(3_000_000)
    assert {node: len(heard(run, node)) for node in ("n1", "n2", "n3")} == expected


def test_a_cut_destroys_messages_in_flight_and_heal_lets_new_ones_pass() -> None:
    run = world(
        latency_ms=100,
        operations=[(1, "n1", "tell", "n2", "doomed"), (2, "n1", "tell", "n2", "later")],
        faults=[{"at_s": 1.05, "do": "cut", "from": "n1", "to": "n2", "for_s": 0.5}],
    )
    run.run_until(3_000_000)
    assert heard(run, "n2") == ["n1 says later"]


def test_a_killed_senders_messages_on_the_wire_still_arrive() -> None:
    run = world(
        latency_ms=100,
        operations=[(1, "n1", "tell", "n2", "last words")],
        faults=[{"at_s": 1.05, "do": "kill", "target": "n1"}],
    )
    run.run_until(2_000_000)
    assert heard(run, "n2") == ["n1 says last words"]


def test_arrivals_at_a_dead_process_vanish() -> None:
    run = world(
        operations=[(1, "n1", "tell", "n2", "x")],
        faults=[{"at_s": 0.9, "do": "kill", "target": "n2"}, {"at_s": 1.5, "do": "restart", "target": "n2"}],
    )
    run.run_until(2_000_000)
    assert heard(run, "n2") == []


def test_held_messages_go_on_in_order_when_released() -> None:
    run = world(
        latency_ms={"uniform": [5, 50]},
        operations=[(1, "n1", "burst", "n2", 9)],
        faults=[{"at_s": 0.5, "do": "hold", "from": "n1", "to": "n2"}, {"at_s": 3, "do": "release"}],
    )
    run.run_until(2_500_000)
    assert heard(run, "n2") == []
    run.run_until(4_000_000)
    assert heard(run, "n2") == [f"n1 says b{number}" for number in range(9)]
    assert all(at > 3000 for at, what in seen(run, "n2") if "says" in what)


def test_duplication_and_loss_come_at_their_rates() -> None:
    run = world(
        operations=[(1, "n1", "burst", "n2", 4000), (1, "n1", "burst", "n3", 4000)],
        faults=[
            {"at_s": 0.5, "do": "duplicate", "chance": 0.1, "from": "n1", "to": "n2"},
            {"at_s": 0.5, "do": "loss", "chance": 0.1, "from": "n1", "to": "n3"},
        ],
    )
    run.run_until(2_000_000)
    assert 4300 < len(heard(run, "n2")) < 4500
    assert 3500 < len(heard(run, "n3")) < 3700


def test_switching_loss_on_moves_no_latency() -> None:
    """Each purpose of a link has a stream of its own."""
    runs = []
    for chance in (0, 0.2):
        run = world(
            latency_ms={"uniform": [1, 90]},
            operations=[(1, "n1", "burst", "n2", 300)],
            faults=[{"at_s": 0.5, "do": "loss", "chance": chance}],
        )
        run.run_until(2_000_000)
        runs.append({what: at for at, what in seen(run, "n2") if "says" in what})
    with_loss = runs[1]
    assert 0 < len(with_loss) < 300
    # A lost message draws no latency, so only those before the first loss are compared.
    first_lost = next(n for n in range(300) if f"n1 says b{n}" not in with_loss)
    assert first_lost > 0
    assert all(runs[0][f"n1 says b{n}"] == with_loss[f"n1 says b{n}"] for n in range(first_lost))


def test_a_new_node_moves_nobodys_draws() -> None:
    arrivals = []
    for nodes in (3, 5):
        run = world(nodes=nodes, latency_ms={"normal": [20, 5]}, operations=[(1, "n1", "burst", "n2", 50)])
        run.run_until(2_000_000)
        arrivals.append([item for item in seen(run, "n2") if "says" in item[1]])
    assert arrivals[0] == arrivals[1]


def test_reordering_lets_later_messages_overtake() -> None:
    run = world(
        operations=[(1, "n1", "burst", "n2", 200)], faults=[{"at_s": 0.5, "do": "reorder", "chance": 0.3}]
    )
    run.run_until(2_000_000)
    order = heard(run, "n2")
    assert len(order) == 200
    assert order != [f"n1 says b{number}" for number in range(200)]


def test_an_ordered_link_keeps_the_order_of_departures() -> None:
    topology = {
        "nodes": [{"id": "n1"}, {"id": "n2"}, {"id": "n3"}],
        "links": {"default": {"latency_ms": {"uniform": [1, 100]}, "ordered": True}},
    }
    run = world(topology=topology, operations=[(1, "n1", "burst", "n2", 100)])
    run.run_until(2_000_000)
    assert heard(run, "n2") == [f"n1 says b{number}" for number in range(100)]


def test_bandwidth_makes_messages_queue() -> None:
    run = world(
        operations=[(1, "n1", "burst", "n2", 100)],
        faults=[{"at_s": 0.5, "do": "bandwidth", "bandwidth_mbit": 0.01}],
    )
    run.run_until(10_000_000)
    times = [at for at, what in seen(run, "n2") if "says" in what]
    assert len(times) == 100
    assert times[-1] - times[0] > 500  # some 15 bytes at 10 kbit/s are 12 ms each


def test_delays_touch_later_departures_and_end() -> None:
    run = world(
        operations=[(1, "n1", "tell", "n2", "a"), (2, "n1", "tell", "n2", "b"), (4, "n1", "tell", "n2", "c")],
        faults=[{"at_s": 1.005, "do": "delay", "latency_ms": 300, "for_s": 2}],
    )
    run.run_until(6_000_000)
    assert [item for item in seen(run, "n2") if "says" in item[1]] == [
        (1011.0, "n1 says a"),
        (2301.0, "n1 says b"),
        (4011.0, "n1 says c"),
    ]


@pytest.mark.parametrize(
    ("match", "dropped"),
    [
        ({"message": "Ping", "count": 2}, {0, 1}),
        ({"message": "Ping", "skip": 3, "count": 1}, {3}),
        ({"fields": {"number": {"at_least": 3}}}, {3, 4}),
        ({"fields": {"text": {"in": ["b1", "b4"]}}}, {1, 4}),
        ({"message": "Other"}, set()),
        ({"from": "n2"}, set()),
        ({"to": "n2"}, {0, 1, 2, 3, 4}),
    ],
)
def test_rules_about_single_messages(match: dict[str, Any], dropped: set[int]) -> None:
    run = world(
        operations=[(1, "n1", "burst", "n2", 5)],
        faults=[{"at_s": 0.5, "do": "drop", "match": match, "for_s": 2}],
    )
    run.run_until(2_000_000)
    assert heard(run, "n2") == [f"n1 says b{number}" for number in range(5) if number not in dropped]


def test_one_message_on_its_way_can_be_dropped_delayed_doubled_or_delivered() -> None:
    cases: list[tuple[dict[str, Any], list[float]]] = [
        ({"do": "drop"}, []),
        ({"do": "delay_message", "extra_ms": 100}, [1201.0]),
        ({"do": "deliver"}, [1050.0]),
    ]
    for do, expected in cases:
        run = world(latency_ms=100, operations=[(1, "n1", "tell", "n2", "x")])
        run.run_until(1_050_000)
        number = next(event[2] for event in run.kernel.queue if type(event[7]).__name__ == "Ping")
        run.command(1_050_000, {**do, "match": {"event": number}}, 1)
        run.run_until(3_000_000)
        assert [at for at, what in seen(run, "n2") if "says" in what] == expected, do
    run = world(latency_ms=100, operations=[(1, "n1", "tell", "n2", "x")])
    run.run_until(1_050_000)
    number = next(event[2] for event in run.kernel.queue if type(event[7]).__name__ == "Ping")
    run.command(1_050_000, {"do": "duplicate_message", "match": {"event": number}}, 1)
    run.run_until(3_000_000)
    assert len(heard(run, "n2")) == 2


def test_a_region_that_is_lost_takes_its_nodes_and_comes_back() -> None:
    topology = {
        "regions": [
            {"id": "east", "zones": [{"id": "e", "racks": [{"id": "k"}]}]},
            {"id": "west", "zones": [{"id": "w"}]},
        ],
        "nodes": [
            {"id": "n1", "zone": "e", "rack": "k"},
            {"id": "n2", "zone": "e", "rack": "k"},
            {"id": "n3", "zone": "w"},
        ],
        "links": {"default": {"latency_ms": 10}},
    }
    run = world(
        topology=topology,
        faults=[{"at_s": 1, "do": "region_outage", "target": "east", "for_s": 2}],
        operations=[(5, "n3", "tell", "n1", "back")],
    )
    run.run_until(2_000_000)
    assert [host.state for host in run.kernel.hosts.values()] == ["down", "down", "up"]
    run.run_until(6_000_000)
    assert [host.state for host in run.kernel.hosts.values()] == ["up", "up", "up"]
    assert heard(run, "n1") == ["n3 says back"]
    assert run.by_id["n1"].process.lives == 2  # type: ignore[attr-defined]

    run = world(
        topology=topology,
        faults=[{"at_s": 1, "do": "switch_outage", "target": "k", "for_s": 2}],
        operations=[(2, "n1", "tell", "n2", "in the rack"), (4, "n1", "tell", "n2", "again")],
    )
    run.run_until(6_000_000)
    assert heard(run, "n2") == ["n1 says again"]
    assert run.by_id["n1"].process.lives == 1  # type: ignore[attr-defined]


MENDS = [{"do": "heal", "links_too": True}, {"do": "reset_links"}]


def came_through(mend: dict[str, Any], loss: dict[str, Any]) -> dict[str, int]:
    """How many of a message on each link came through after a loss of all was mended on some of them."""
    told = [(3, a, "tell", b, "x") for a in ("n1", "n2", "n3") for b in ("n1", "n2", "n3") if a != b]
    run = world(faults=[{"at_s": 1, "do": "loss", "chance": 1, **loss}, {"at_s": 2, **mend}], operations=told)
    run.run_until(4_000_000)
    return {node: len(heard(run, node)) for node in ("n1", "n2", "n3")}


@pytest.mark.parametrize("mend", MENDS)
def test_links_are_mended_between_the_ends_and_nowhere_else(mend: dict[str, Any]) -> None:
    between = {"from": "n1", "to": "n2"}
    assert came_through({**mend, **between}, {}) == {"n1": 1, "n2": 1, "n3": 0}
    assert came_through({**mend, **between, "one_way": True}, {}) == {"n1": 0, "n2": 1, "n3": 0}
    # A loss of all that leaves n1 takes what its own client asks of it as well.
    assert came_through({**mend, **between}, {"from": "n1"}) == {"n1": 1, "n2": 1, "n3": 1}
    assert came_through({**mend, "to": "n1"}, between) == {"n1": 2, "n2": 2, "n3": 2}
    assert came_through({**mend, "from": "n3"}, between) == {"n1": 1, "n2": 1, "n3": 2}
    assert came_through(mend, {}) == {"n1": 2, "n2": 2, "n3": 2}


def test_a_heal_between_ends_lets_go_what_is_held_there_and_nowhere_else() -> None:
    told = [(2, "n1", "tell", "n2", "x"), (2, "n1", "tell", "n3", "x")]
    heal = {"at_s": 3, "do": "heal", "links_too": True, "from": "n1", "to": "n2"}
    run = world(faults=[{"at_s": 1, "do": "hold", "from": "n1"}, heal], operations=told)
    run.run_until(4_000_000)
    assert (heard(run, "n2"), heard(run, "n3")) == (["n1 says x"], [])


def test_a_change_of_which_every_link_is_mended_is_over() -> None:
    run = world(faults=[{"at_s": 1, "do": "loss", "chance": 0.5, "from": "n1", "to": ["n2", "n3"]}])
    for number, to in enumerate(("n2", "n3")):
        run.run_until((2 + number) * 1_000_000)
        assert [fault.do for fault in run.faults.active.values()] == ["loss"]
        run.command(run.now_us, {"do": "heal", "links_too": True, "from": "n1", "to": to}, number)
    run.run_until(4_000_000)
    assert not run.faults.active
    assert not run.kernel.network.changes


def test_what_was_mended_is_saved() -> None:
    mend = {"at_s": 2, "do": "reset_links", "from": "n1", "to": "n2"}
    run = world(
        faults=[{"at_s": 1, "do": "loss", "chance": 0.5}, mend], operations=[(3, "n1", "burst", "n2", 9)]
    )
    run.run_until(2_500_000)
    loaded = World.load(run.experiment, run.save(), systems=SYSTEMS)
    assert loaded.kernel.network.changes == run.kernel.network.changes
    for one in (run, loaded):
        one.run_until(4_000_000)
        assert len(heard(one, "n2")) == 9
    assert loaded.digest() == run.digest()
