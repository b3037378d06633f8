"""A world that nobody needs is freed at once, by reference counting: a garbage collector that had to find it would have
to look at every other world that is kept, and a person's click would wait for that."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from dataclasses import fields

import msgspec
import pytest

from simulations.engine.copying import SHARED
from simulations.engine.experiment import parse
from simulations.engine.futures import other_future
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World
from tests.engine.test_conformance import recipe


@pytest.fixture(autouse=True)
def _no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def played(system: str, record: str, until_us: int = 1_500_000) -> World:
    world = World(parse(recipe(system), SYSTEMS), record=record)
    world.run_until(until_us)
    return world


@pytest.mark.parametrize("system", sorted(SYSTEMS))
def test_a_dropped_world_is_freed_without_a_collector(system: str) -> None:
    world = played(system, "full")
    world.take_chunk()
    worlds = [world, world.fork(), other_future(world, 5), played(system, "checks")]
    for number, one in enumerate(worlds):
        one.command(one.now_us, {"do": "kill", "target": ["n2"]}, number)
        one.run_until(2_000_000)
        one.results()
    worlds.append(World.load(world.experiment, world.save(), record="full"))
    worlds[-1].run_until(2_500_000)
    parts = [weakref.ref(part) for one in worlds for part in (one, one.observer, one.script, one.triggers)]
    gc.collect()
    del world, one
    worlds.clear()
    assert [part for part in parts if part() is not None] == []
    assert gc.collect() == 0


def test_the_number_of_objects_stays_bounded_over_many_forks() -> None:
    world = played("raft", "full")
    counts = []
    for _ in range(30):
        twin = world.fork()
        twin.run_until(twin.now_us + 100_000)
        twin.take_chunk()
        del twin
        counts.append(len(gc.get_objects()))
    assert counts[-1] < counts[9] * 1.01, counts


def test_what_is_left_of_a_world_can_be_read_but_not_moved() -> None:
    world = played("raft", "checks")
    kernel, digest = world.kernel, world.digest()
    del world
    assert kernel.digest() == digest
    with pytest.raises((AttributeError, ReferenceError)):
        kernel.run_until(10_000_000)


@pytest.mark.parametrize("system", sorted(SYSTEMS))
def test_a_fork_has_every_field_of_its_origin_and_shares_none_that_changes(system: str) -> None:
    world = played(system, "checks")
    twin = world.fork()
    for context, copy in zip(world.kernel.contexts, twin.kernel.contexts, strict=True):
        for field in fields(context.process):
            mine, other = getattr(context.process, field.name), getattr(copy.process, field.name)
            assert msgspec.msgpack.encode(mine) == msgspec.msgpack.encode(other), field.name
            shared = isinstance(mine, (dict, list, set)) and mine is other
            assert not shared or field.name in SHARED, field.name
