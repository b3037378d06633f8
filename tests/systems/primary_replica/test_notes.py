"""What the processes say: every note has a sentence with the values it names, and the sentences are used."""

from __future__ import annotations

import re
from typing import Any

import pytest

from simulations.engine.experiment import parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World
from tests.systems.failover_kit import COORDINATORS, nemesis
from tests.systems.kept_notes import keep_notes


def notes_of(plain: dict[str, Any], stop_s: float = 6) -> list[tuple[str, dict[str, Any]]]:
    world = World(parse(plain, SYSTEMS))
    keep_notes(world)
    world.run_until(round(stop_s * 1_000_000))
    return [(id, values) for id, values, *_ in world.kernel.notes or ()]


@pytest.mark.parametrize("by", COORDINATORS)
def test_every_note_has_its_sentence_and_its_values(by: str) -> None:
    said = notes_of(nemesis(3, "semi_sync", by))
    told = {id.partition(".")[0] for id, _ in said}
    assert {"primary_replica", by} <= told
    for id, values in said:
        note = SYSTEMS[id.partition(".")[0]].descriptor.notes[id]
        for sentence in (note.en, note.zh):
            named = set(re.findall(r"{(\w+)}", sentence))
            assert named <= set(values), f"{id}: {named - set(values)}"
