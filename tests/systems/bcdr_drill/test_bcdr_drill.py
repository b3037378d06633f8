"""The drill: what its sources ask for, that decisions make the difference, and its broken twins."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from simulations import catalogue
from simulations.engine import harness
from simulations.engine.experiment import parse, variant
from simulations.engine.meters import Scope
from simulations.engine.registry import SYSTEMS
from simulations.engine.systems.bcdr_drill import DESCRIPTOR
from simulations.engine.systems.bcdr_drill.parameters import Parameters
from simulations.engine.systems.bcdr_drill.twins import TWINS
from simulations.engine.world import World
from tests.budget import seeds
from tests.systems.kept_notes import keep_notes, noted

SYSTEM = "bcdr_drill"
LOST_S = 10.0


def member(role: str, id: str = "", **parameters: Any) -> dict[str, Any]:
    return {"system": SYSTEM, "role": role, "parameters": parameters, **({"id": id} if id else {})}


def drill(functions: tuple[str, ...] = ("bill", "ship"), **changes: Any) -> dict[str, Any]:
    """A drill of other functions on a topology of its own: the west is lost at 10 s, the east has the standbys."""
    parameters = {
        "order": list(functions), "start_s": 2, "search_s": 4, "approver_away_s": 2, "detect_s": 2, "copy_every_s": 1,
        **changes.pop("parameters", {}),
    }  # fmt: skip
    nodes: list[dict[str, Any]] = [{"id": name, "zone": "w1"} for name in functions]
    nodes += [
        {"id": f"spare{n}", "zone": "e1", "processes": [member("standby", function=name)]}
        for n, name in enumerate(functions)
    ]
    nodes.append({"id": "room", "zone": "e1", "processes": [member("organisation")]})
    nodes.append({"id": "phone", "zone": "e1", "processes": [member("approver")]})
    nodes.append({"id": "desk", "zone": "e1", "processes": [member("technician")]})
    return {
        "format": 1, "id": "drill", "title": {"en": "Drill", "zh": "演练"}, "seed": 3, "system": SYSTEM,
        "parameters": parameters,
        "topology": {
            "regions": [{"id": "west", "zones": [{"id": "w1"}]}, {"id": "east", "zones": [{"id": "e1"}]}],
            "nodes": nodes, "links": {"default": {"latency_ms": 5}},
        },
        "workload": [
            {"client": f"use-{name}", "at": "east", "operation": "call", "rate": 5, "key": name, "timeout_ms": 500}
            for name in functions
        ],
        "faults": [{"at_s": LOST_S, "do": "region_outage", "target": "west", "cause": "power"}],
        "stop_s": 40, "checks": [{"metric": "decision_delay_s", "at_least": 0}], **changes,
    }  # fmt: skip


def play(plain: dict[str, Any], *commands: tuple[float, dict[str, Any]]) -> World:
    """Run a drill with decisions of people: (time in s, command)."""
    world = World(parse(plain, SYSTEMS))
    keep_notes(world)
    for number, (at_s, do) in enumerate(commands):
        world.run_until(round(at_s * 1_000_000))
        world.command(world.now_us, do, number)
    world.run_until(round(plain["stop_s"] * 1_000_000))
    return world


def decide(name: str, target: str = "room", **arguments: str) -> dict[str, Any]:
    do: dict[str, Any] = {"do": "command", "target": [target], "name": name}
    return {**do, "arguments": arguments} if arguments else do


def rto(world: World, function: str) -> float:
    return float(harness.metric(world, "rto_s", Scope(key=function)))


def commander(world: World) -> Any:
    return world.by_id["room"].process


def verdict(world: World, check: str) -> str:
    return world.verdicts()[check].verdict


# -- what the sources say ------------------------------------------------------------------------------------------


def test_functions_come_back_in_the_order_of_priority() -> None:
    """NIST SP 800-34, section 3.2: recovery priorities follow the business impact analysis."""
    world = play(drill(("a", "b", "c")))
    assert rto(world, "a") < rto(world, "b") < rto(world, "c")
    assert verdict(world, "functions_restored_in_order") == "holds"


def test_a_runbook_kept_in_the_lost_region_costs_the_search() -> None:
    """NIST SP 800-34, section 3.6: copies of the plan are kept elsewhere."""
    there = play(drill(parameters={"runbook_in_lost_region": True}))
    here = play(drill(parameters={"runbook_in_lost_region": False}))
    assert rto(there, "bill") - rto(here, "bill") == pytest.approx(4, abs=0.6)
    assert "bcdr_drill.runbook_lost" in noted(there) - noted(here)


def test_an_approver_out_of_reach_delays_the_decision() -> None:
    slow = play(drill(parameters={"approver_away_s": 6}))
    fast = play(drill(parameters={"approver_away_s": 0}))
    delays = [harness.metric(world, "decision_delay_s") for world in (slow, fast)]
    assert delays[0] - delays[1] == pytest.approx(6, abs=0.1)


def test_trained_people_decide_faster() -> None:
    """NIST SP 800-34, section 3.5: testing, training and exercises."""
    delays = [
        harness.metric(play(drill(parameters={"trained": trained})), "decision_delay_s")
        for trained in (True, False)
    ]
    assert delays[1] - delays[0] == pytest.approx(3 * 4, abs=0.1)


def test_what_was_not_copied_yet_is_lost_and_nothing_more() -> None:
    world = play(drill(parameters={"copy_every_s": 3}))
    found = world.results()["faults"][0]
    assert 0 < found["rpo_s"] <= 3
    assert verdict(world, "copied_work_survives") == "holds"


def test_a_false_alarm_declares_nothing_without_people() -> None:
    """Two seconds of silence and a function is back: who watches forgets the alarm's cause."""
    plain = drill(parameters={"players": "people"})
    plain["faults"] = [{"at_s": 10, "do": "pause", "target": "bill", "for_s": 3}]
    world = play(plain)
    assert verdict(world, "functions_restored_in_order") == "unknown"
    assert commander(world).lost == []


# -- people decide -------------------------------------------------------------------------------------------------


PEOPLE = {"players": "people"}


def test_without_commands_nothing_is_restored_when_people_play() -> None:
    world = play(drill(parameters=PEOPLE))
    assert verdict(world, "functions_restored_in_order") == "unknown"
    assert rto(world, "bill") == pytest.approx(30, abs=0.5)


def test_two_plays_of_one_seed_give_different_recovery_times() -> None:
    plain = drill(parameters=PEOPLE)
    by_the_book = play(
        plain, (13, decide("find_runbook")), (18, decide("ask_approver")), (21, decide("declare")),
        (21.5, decide("restore", function="bill")), (21.6, decide("restore", function="ship")),
    )  # fmt: skip
    bold = play(
        plain, (13, decide("declare")), (13.1, decide("restore", function="ship")),
        (13.2, decide("restore", function="bill")),
    )  # fmt: skip
    assert by_the_book.kernel.seed == bold.kernel.seed
    assert rto(by_the_book, "bill") != pytest.approx(rto(bold, "bill"), abs=0.5)
    assert verdict(by_the_book, "functions_restored_in_order") == "holds"
    assert verdict(bold, "functions_restored_in_order") == "violated"
    assert "bcdr_drill.declares_alone" in noted(bold) - noted(by_the_book)


def test_the_same_play_gives_the_same_trace() -> None:
    plays = [play(drill(parameters=PEOPLE), (13, decide("declare"))) for _ in range(2)]
    assert plays[0].digest() == plays[1].digest()


def test_several_people_hold_roles_and_the_approver_can_answer_at_once() -> None:
    plain = drill(parameters={"approver_away_s": 20})
    alone, helped = play(plain), play(plain, (19, decide("approve", target="phone")))
    assert rto(helped, "bill") < rto(alone, "bill")


def test_nothing_is_ordered_before_a_disaster_is_declared() -> None:
    world = play(drill(parameters=PEOPLE), (13, decide("restore", function="bill")))
    assert "bcdr_drill.not_declared" in noted(world)
    assert commander(world).ordered == []


def test_a_warning_is_time_to_carry_the_runbook_out() -> None:
    plain = drill()
    plain["faults"] = [{**plain["faults"][0], "warning_s": 5}]
    late, early = play(plain), play(plain, (11, decide("find_runbook")))
    assert "bcdr_drill.warned" in noted(late)
    assert rto(early, "bill") < rto(late, "bill") - 3


# -- cutting, slowing, stopping --------------------------------------------------------------------------------------


def test_a_cut_between_the_room_and_the_telephone_holds_the_decision_up() -> None:
    plain = drill()
    plain["faults"] += [{"at_s": 12, "do": "cut", "from": "room", "to": "phone", "for_s": 15}]
    assert (
        harness.metric(play(plain), "decision_delay_s")
        > harness.metric(play(drill()), "decision_delay_s") + 5
    )


def test_a_slow_standby_answers_slowly() -> None:
    plain = drill()
    plain["faults"] += [{"at_s": 1, "do": "slow", "target": "spare0", "service_ms": 150}]
    mine = Scope(client="use-bill", from_us=25_000_000)
    latencies = [harness.metric(play(one), "latency_p50_ms", mine) for one in (drill(), plain)]
    assert latencies[1] > latencies[0] + 100


def test_a_clock_that_runs_slow_notices_late() -> None:
    plain = drill()
    plain["faults"] += [{"at_s": 1, "do": "clock", "target": "room", "rate": 0.3}]
    assert rto(play(plain), "bill") > rto(play(drill()), "bill") + 3


# -- twins, nemesis, descriptor --------------------------------------------------------------------------------------


@pytest.mark.parametrize("twin", DESCRIPTOR.twins, ids=lambda twin: twin.name)
def test_each_twin_is_caught_by_its_check_and_by_no_other(twin: Any) -> None:
    # (Three functions: with one order ahead of another the last one could still be the second.)
    world = play(drill(("a", "b", "c"), twin=twin.name))
    violated = {name for name, found in world.verdicts().items() if found.verdict == "violated"}
    assert violated - {"no_lost_ack"} == set(twin.caught_by)


def test_every_twin_is_described() -> None:
    assert set(TWINS) == {twin.name for twin in DESCRIPTOR.twins}


@pytest.mark.parametrize("seed", seeds("bcdr_drill"))
def test_under_loss_and_restarts_everything_comes_back_in_order(seed: int) -> None:
    plain = drill(("a", "b", "c"), seed=seed)
    plain["topology"]["links"]["default"] = {
        "latency_ms": {"uniform": [1, 30]},
        "loss": 0.05,
        "duplicate": 0.05,
    }
    plain["faults"] += [
        {"every_s": 3, "until_s": 30, "do": "pause", "target": ["room", "desk", "phone"], "for_s": 0.4},
        {"every_s": 4, "until_s": 30, "do": "cut", "from": "desk", "to": "spare1", "for_s": 1},
    ]
    world = play(plain)
    for check in ("functions_restored_in_order", "copied_work_survives"):
        assert verdict(world, check) == "holds", f"seed {seed}: {check}"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"players": "robots"}, "players"),
        ({"search_s": -1}, "search_s"),
        ({"improvise_times": 0}, "improvise_times"),
    ],
)
def test_bad_parameters_are_named(values: dict[str, Any], field: str) -> None:
    with pytest.raises((ValueError, msgspec.ValidationError), match=field):
        msgspec.convert(values, Parameters)


def test_the_variants_of_dr_04_differ_on_another_seed() -> None:
    base = catalogue.load("DR-04")
    found = []
    for one in ("", "runbook_at_hand", "untrained"):
        world = World(variant(base, one) if one else base, 99)
        world.run_until(200_000_000)
        found.append(harness.metric(world, "rto_s", Scope(client="payers")))
    assert found[1] < found[0] < found[2]
