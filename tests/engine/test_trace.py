"""The trace is enough: folding a chunk's changes into its keyframe gives the next chunk's keyframe."""

from __future__ import annotations

import copy
import itertools
import random
from typing import Any

import msgspec
import pytest

from simulations.changes import Fields
from simulations.engine.context import COMMAND, DELIVER, DROP, REQUEST
from simulations.engine.experiment import parse
from simulations.engine.process import Process, Text, ViewField
from simulations.engine.registry import SYSTEMS
from simulations.engine.trace import PASSING, Recorder
from simulations.engine.views import Plan, View, timers_diff
from simulations.engine.world import World
from tests.budget import seeds
from tests.engine.test_conformance import CHANGES, recipe
from tests.systems import nemesis

STOP_US = 12_000_000
SHOWN = 64


def chunks_of(system: str, step_us: int) -> list[dict[str, Any]]:
    """The chunks of the conformance experiment, as they are on the wire."""
    world = World(parse(recipe(system), SYSTEMS), record="full")
    found = []
    for at in range(step_us, STOP_US + 1, step_us):
        world.run_until(at)
        found.append(world.take_chunk().plain())
    return found


def fold_log(old: dict[str, Any], diff: dict[str, Any]) -> dict[str, Any]:
    shown_from = old["last"] - len(old["entries"]) + 1
    kept = [entry for at, entry in enumerate(old["entries"], shown_from) if at <= diff["keep"]]
    entries = [*kept, *diff["add"]][-SHOWN:]
    length = diff["last"] - diff["first"] + 1
    return {
        "first": diff["first"],
        "last": diff["last"],
        "hash": diff["hash"],
        "entries": entries[-length:] if length else [],
    }


def fold(state: dict[str, Any], chunk: dict[str, Any]) -> None:
    """Apply a chunk's events to a keyframe's state."""
    for _, at_us, _, process, _, _, diff, _ in chunk["events"]:
        if diff is None:
            continue
        state["nodes"].update(diff.get("node", {}))
        state["processes"].update(diff.get("processes", {}))
        for key in ("network", "faults"):
            state[key] = diff.get(key, state[key])
        if process:
            view = state["processes"][process]
            for name, value in diff.get("fields", {}).items():
                is_log = isinstance(value, dict) and "keep" in value
                view["fields"][name] = fold_log(view["fields"][name], value) if is_log else value
            for name, keys in diff.get("gone", {}).items():
                for key in keys:
                    del view["fields"][name][key]
            for name, values in diff.get("maps", {}).items():
                view["fields"][name] = {**view["fields"][name], **values}
            for name, (last, short, added) in diff.get("grown", {}).items():
                old = view["fields"][name]
                grown = {
                    "first": old["first"],
                    "last": last,
                    "hash": short,
                    "keep": last - len(added),
                    "add": added,
                }
                view["fields"][name] = fold_log(old, grown)
            for name, timer in diff.get("timers", {}).items():
                if timer is None:
                    view["timers"].pop(name, None)
                else:
                    view["timers"][name] = [at_us, timer] if isinstance(timer, int) else timer


def test_a_note_that_a_command_caused_says_whose_it_is() -> None:
    """A command's event is nobody's; it may reach several processes, each with something to say."""
    plain = {
        **recipe("gossip"),
        "faults": [{"at_s": 1, "do": "configure", "target": ["n1", "n2"], "remove": "n3"}],
    }
    world = World(parse(plain, SYSTEMS), record="full")
    world.run_until(2_000_000)
    told = [event for event in world.take_chunk().plain()["events"] if event[2] == COMMAND]
    assert [(event[3], [note[2:] for note in event[7]]) for event in told] == [
        ("", [[False, "n1"]] * 2 + [[False, "n2"]] * 2)
    ]


@pytest.mark.parametrize("system", sorted(SYSTEMS))
@pytest.mark.parametrize("step_us", [97_000, 1_500_000])
def test_keyframe_and_changes_give_the_next_keyframe(system: str, step_us: int) -> None:
    chunks = chunks_of(system, step_us)
    for chunk, following in itertools.pairwise(chunks):
        assert_next(chunk, following)


@pytest.mark.parametrize("seed", seeds("conformance"))
def test_any_run_is_one_trace_however_it_is_cut_saved_and_forked(seed: int) -> None:
    """Each seed takes a fifth of the systems, with faults, network and disks of its own."""
    for system in sorted(SYSTEMS)[seed % 5 :: 5]:
        draw = random.Random(f"{system} {seed}")
        experiment = parse(random_recipe(system, seed, draw), SYSTEMS)
        stop_us = round(experiment.stop_s * 1_000_000)
        whole, world, last = World(experiment), World(experiment, record="full"), None
        whole.run_until(stop_us)
        for at_us in [*sorted(draw.randrange(stop_us) for _ in range(40)), stop_us]:
            world.run_until(at_us)
            chunk = world.take_chunk().plain()
            if last is not None:
                assert_next(last, copy.deepcopy(chunk))
            last = chunk
            way = draw.choice(["on", "fork", "save"])
            if way == "fork":
                world = world.fork()
            elif way == "save":
                world = World.load(experiment, world.save(), record="full")
        assert (world.digest(), verdict_words(world)) == (whole.digest(), verdict_words(whole)), (
            system,
            seed,
        )


def random_recipe(system: str, seed: int, draw: random.Random) -> dict[str, Any]:
    plain = nemesis.experiment(
        seed,
        system,
        {},
        servers=draw.choice([3, 4, 5]),
        stop_s=5,
        disk_ms=draw.choice([0, 2, 20]),
        mix={"put": 2, "get": 1, "append": 1},
        profile="everything",
    )
    changes = CHANGES[:2] if "configure" in SYSTEMS[system].operations else []
    return {
        **plain,
        "faults": [*plain["faults"], *changes],
        "checks": sorted(SYSTEMS[system].checks),
    }


def verdict_words(world: World) -> dict[str, str]:
    return {name: found.verdict for name, found in world.verdicts().items()}


def assert_next(chunk: dict[str, Any], following: dict[str, Any]) -> None:
    """The changes of a chunk lead from its keyframe to the next one's."""
    assert chunk["t1_us"] == following["t0_us"]
    state = chunk["keyframe"]
    fold(state, chunk)
    wanted = following["keyframe"]
    for name, view in wanted["processes"].items():
        found = state["processes"][name]
        assert found["timers"] == view["timers"], (chunk["t0_us"], name)
        for field, value in view["fields"].items():
            assert found["fields"][field] == value, (chunk["t0_us"], name, field)
    assert state["network"] == wanted["network"]
    assert state["faults"] == wanted["faults"]
    assert {n: s["state"] for n, s in state["nodes"].items()} == {
        n: s["state"] for n, s in wanted["nodes"].items()
    }


@pytest.mark.parametrize("system", sorted(SYSTEMS))
def test_readers_without_state_are_told_whole_maps(system: str) -> None:
    for chunk in chunks_of(system, 1_500_000):
        changed, state = Fields(chunk), copy.deepcopy(chunk["keyframe"])
        for event in chunk["events"]:
            fold(state, {"events": [event]})
            for name, value in changed.of(event).items():
                if not (isinstance(value, dict) and "keep" in value):
                    assert state["processes"][event[3]]["fields"][name] == value, (event[0], name)


def test_of_a_map_only_what_changed_is_told() -> None:
    found: list[Any] = []
    for chunk in chunks_of("raft", 500_000):
        found += [event[6] for event in chunk["events"] if event[6] and event[2] != COMMAND]
    maps = [diff["maps"]["match_index"] for diff in found if "match_index" in diff.get("maps", {})]
    assert len(maps) > 50
    alone = [one for one in maps if len(one) == 1]
    assert len(alone) > 0.8 * len(maps)  # (a new leader sets all of them)
    assert sum("grown" in diff for diff in found) > 50


def test_a_saved_world_shows_what_the_uninterrupted_one_does() -> None:
    experiment = parse(recipe("raft"), SYSTEMS)
    world = World(experiment, record="full")
    world.run_until(3_000_000)
    twin = World.load(experiment, world.save(), record="full")
    world.take_chunk()
    for one in (world, twin):
        one.run_until(6_000_000)
    assert world.take_chunk().plain()["events"] == twin.take_chunk().plain()["events"]


@pytest.mark.parametrize("system", sorted(SYSTEMS))
def test_every_message_departs_once_and_ends(system: str) -> None:
    chunks = chunks_of(system, 500_000)
    sent: dict[int, Any] = {}
    ended: set[int] = set()
    for chunk in chunks:
        for send in chunk["sends"]:
            # (What a slow node sends leaves when its 2 ms of work are done, perhaps after the chunk's end.)
            assert chunk["t0_us"] <= send[2] <= chunk["t1_us"] + 2_000
            sent[send[0]] = send
        for number, at_us, kind, _, _, _, _, _ in chunk["events"]:
            assert chunk["t0_us"] <= at_us <= chunk["t1_us"]
            if kind in (DELIVER, REQUEST, DROP):
                assert number in sent, "a message arrived that never departed"
                assert number not in ended, "a message ended twice"
                ended.add(number)
    arrived = {number for number, send in sent.items() if send[6] == 0 and send[3] <= STOP_US}
    late = set(arrived - ended)  # still in a paused node's stash or a busy node's queue
    assert len(late) < 30


@pytest.mark.parametrize("system", sorted(SYSTEMS))
def test_messages_in_flight_are_in_the_keyframe(system: str) -> None:
    chunks = chunks_of(system, 500_000)
    flying: dict[int, Any] = {}
    for chunk in chunks:
        shown = {send[0]: send for send in chunk["keyframe"]["flight"]}
        wanted = {n: s for n, s in flying.items() if s[6] == 3 or (s[6] == 0 and s[3] > chunk["t0_us"])}
        assert set(wanted) <= set(shown) | {0}, chunk["t0_us"]
        for send in chunk["sends"]:
            flying[send[0]] = send


def test_causes_come_before_their_effects() -> None:
    seen: set[int] = {0}
    for chunk in chunks_of("raft", 500_000):
        for number, _, kind, _, cause, _, _, _ in chunk["events"]:
            if kind != DROP:
                assert cause in seen or cause < 0, (number, cause)
                seen.add(number)


def test_operations_are_told_when_they_begin_and_end() -> None:
    last: dict[int, Any] = {}
    world = World(parse(recipe("raft"), SYSTEMS), record="full")
    for at in range(400_000, STOP_US + 1, 400_000):
        world.run_until(at)
        for operation in world.take_chunk().operations:
            last[operation[0]] = operation
    history = world.history.operations
    assert set(last) == set(history)
    assert all(last[id][7] == operation.outcome for id, operation in history.items())


@pytest.mark.parametrize("count", [3, SHOWN + 1])
def test_a_map_is_folded_from_its_changes_however_long_it_is(count: int) -> None:
    before = {f"k{number}": [number] for number in range(count)}
    steps: list[dict[str, Any]] = [before]
    for change in ({"k0": [7]}, {f"k{count - 1}": [8]}, {"new": [1]}, {"k1": None}, dict.fromkeys(before)):
        merged = {**steps[-1], **change}
        steps.append({key: value for key, value in merged.items() if value is not None})
    view = View.__new__(View)
    view.plan = Plan(None, Process)
    view.plan.copiers["map"] = copy.deepcopy
    kept, shown = copy.deepcopy(before), dict(itertools.islice(before.items(), SHOWN))
    for step in steps[1:]:
        found: dict[str, Any] = {}
        kept = view.changed("map", kept, step, found)
        assert kept == step
        told = found.get("fields", {}).get("map")
        gone = found.get("gone", {}).get("map", ())
        shown = told if told is not None else {k: v for k, v in shown.items() if k not in gone}
        shown = {**shown, **found.get("maps", {}).get("map", {})}
        assert shown == dict(itertools.islice(step.items(), SHOWN))


@pytest.mark.parametrize("system", ["raft", "zookeeper", "gossip"])
def test_a_trace_that_begins_after_passing_is_the_one_that_was_always_recorded(system: str) -> None:
    always, passing = (World(parse(recipe(system), SYSTEMS), record="full") for _ in range(2))
    passing.record(PASSING)
    for at_us in (1_000_000, 2_345_678):
        for world in (always, passing):
            world.run_until(at_us)
            world.take_chunk()
    passing.record("full")
    chunks = []
    for world in (always, passing):
        world.run_until(4_000_000)
        chunks.append(world.take_chunk().plain())
        chunks[-1]["keyframe"]["flight"].sort()
    assert chunks[0] == chunks[1]
    assert len(chunks[0]["events"]) > 100


FOLLOWING = [name for name, one in SYSTEMS.items() if any(field.follows for field in one.descriptor.fields)]


@pytest.mark.parametrize("system", FOLLOWING)
def test_a_field_that_follows_another_never_changes_without_it(
    system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    executed, looks = Recorder.executed, []

    def looked_at(self: Recorder, event: Any, context: Any) -> None:
        executed(self, event, context)
        view = self.views[context.index]
        for followed, (names, read) in view.plan.followers.items() if view is not None else ():
            looks.extend(names)
            assert view is not None
            assert read(context.process) == view.followers[followed], (names, event)

    monkeypatch.setattr(Recorder, "executed", looked_at)
    chunks_of(system, 4_000_000)
    assert len(looks) > 1000


def test_a_timer_that_is_armed_anew_for_the_same_moment_is_told() -> None:
    """Its arc on the map begins anew."""
    old = {"t": (900, 1, 0, 100)}
    assert timers_diff(old, {"t": (900, 2, 0, 100)}, 500) == {}
    assert timers_diff(old, {"t": (900, 2, 0, 500)}, 500) == {"t": 900}


def test_only_what_is_looked_at_can_be_followed() -> None:
    wrong = ViewField("data", "text", "volatile", Text("data", "数据"), follows="nothing")
    descriptor = msgspec.structs.replace(SYSTEMS["raft"].descriptor, fields=(wrong,))
    with pytest.raises(ValueError, match="nothing"):
        Plan(descriptor, SYSTEMS["raft"].processes["server"])
