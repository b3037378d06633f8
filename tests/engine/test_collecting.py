"""How processes that simulate collect garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from simulations.collecting import COLLECT, only_the_young_collected


class Knot:
    """Refers to itself."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def generations() -> Iterator[list[int]]:
    """The generations that are collected meanwhile."""
    seen: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            seen.append(info["generation"])

    gc.callbacks.append(note)
    yield seen
    gc.callbacks.remove(note)


def test_only_the_young_are_collected_and_settings_come_back(generations: list[int]) -> None:
    before = gc.get_threshold()
    with only_the_young_collected():
        assert gc.get_threshold() == COLLECT
        generations.clear()
        kept = [[number] for number in range(400_000)]
        for _ in range(100_000):
            Knot()  # (dies young)
        assert sum(isinstance(one, Knot) for one in gc.get_objects()) <= COLLECT[0] * COLLECT[1]
        assert len(kept) == 400_000
        seen = set(generations)
    assert seen == {0, 1}
    assert gc.get_threshold() == before
