"""Notes of a whole run: the engine forgets them while a line of the script waits for its target."""

from __future__ import annotations

from typing import Any

from simulations.engine.world import World


class KeptNotes(list[tuple[Any, ...]]):
    """A list of notes that is never emptied."""

    def clear(self) -> None:
        """Keep them."""


def keep_notes(world: World) -> None:
    """Have every note of this world kept in ``world.kernel.notes``."""
    world.kernel.notes = KeptNotes()


def noted(world: World) -> set[str]:
    """The ids of everything that was noted."""
    return {id for id, *_ in world.kernel.notes or ()}
