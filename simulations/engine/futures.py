"""Another future of a world: what has happened stays, what chance decides from now on is drawn anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulations.engine.world import World

SCRIPTED = ("script", "when", "command", "fault")
"""Streams of what the script and people do: every future keeps them."""


def other_future(world: World, seed: int) -> World:
    """A fork whose latencies, losses, disks, CPUs, processes and clients draw as those of a run with this seed.

    What is under way or armed stays, and so do the times and the choices of the fault script and of commands. Such a
    world is judged and thrown away: it cannot be saved, since a checkpoint has one seed.
    """
    twin = world.fork()
    kernel = twin.kernel
    kernel.seed = seed
    kept = {number for number, names in enumerate(twin.stream_keys()) if names[0] in SCRIPTED}
    for key in [key for key in kernel.streams if -1 - key not in kept]:
        del kernel.streams[key]
    for service in kernel.services.values():
        service.stream.seed = seed
    for context in kernel.contexts:
        context.random.seed = context.disk_stream.seed = seed
        context.links = {}  # shared with the world it was forked from, with streams of that one's seed
    return twin
