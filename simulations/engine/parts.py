"""Parts of a world that look at it from inside.

A world is a graph in which everything knows everything: contexts their kernel, processes their context. Nothing of it
holds the world itself, though. So reference counting tells when nobody needs it any more; then it unties its graph,
and all of it is freed at once instead of by a collector that would have to look at every other world, too.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulations.engine.world import World


class PartOfWorld:
    """Knows its world without keeping it alive."""

    def __init__(self, world: World) -> None:
        self._world = weakref.ref(world)

    @property
    def world(self) -> World:
        """ReferenceError when the world is gone."""
        world = self._world()
        if world is None:
            raise ReferenceError("this world is gone")
        return world
