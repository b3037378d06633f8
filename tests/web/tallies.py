"""The numbers of a comparison worked out anew, from the traces of the recipes alone: what the page's table must say."""

from __future__ import annotations

from statistics import median_low
from typing import Any

from simulations.engine.experiment import Experiment
from simulations.engine.world import World

Recipe = tuple[Experiment, int, list[tuple[int, int, dict[str, Any]]]]
"""Experiment, seed, commands as (virtual time, number, what)."""
WINDOW_US = 10_000_000


def traced(recipe: Recipe, until_us: int) -> dict[str, Any]:
    """Everything that happens up to a moment, as one chunk."""
    experiment, seed, commands = recipe
    world = World(experiment, seed, record="full")
    for at_us, number, do in commands:
        world.run_until(at_us)
        world.command(at_us, do, number)
    world.run_until(until_us)
    return world.take_chunk().plain()


def tally(recipe: Recipe, until_us: int) -> dict[str, float | None]:
    """What the table shows of one side: counts, times in us, messages and round trips of an operation."""
    chunk = traced(recipe, until_us)
    clients = set(chunk["keyframe"]["clients"])
    ended = [one for one in chunk["operations"] if one[6] is not None]
    served = [one for one in ended if one[7] == "ok"]
    times = sorted(one[6] for one in served)
    messages = sum(
        send[2] <= until_us and send[4] not in clients and send[5] not in clients for send in chunk["sends"]
    )
    recent = [one for one in served if one[6] > until_us - WINDOW_US]
    trips = [found for one in recent if (found := round_trips(chunk, clients, one[0])) is not None]
    return {
        "acknowledged": len(served),
        "failed": len(ended) - len(served),
        "hit": len({one[1] for one in ended if one[7] != "ok"}),
        "clients": len(clients),
        "availability": len(served) / len(ended) if ended else None,
        "cost": sum(node.price for node in recipe[0].topology.nodes),
        "gap_us": max(after - before for before, after in zip([0, *times], [*times, until_us], strict=True)),
        "latency_us": median_low(one[6] - one[5] for one in recent) if recent else None,
        "messages": messages / len(served) if served else None,
        "round_trips": median_low(trips) if trips else None,
    }


def round_trips(chunk: dict[str, Any], clients: set[str], operation: int) -> float | None:
    """Half the messages between servers on the chain of causes from the answer back to the request."""
    sends = {send[0]: send for send in chunk["sends"]}
    causes = {event[0]: event[4] for event in chunk["events"]}
    answer = next(
        (s for s in chunk["sends"] if s[5] in clients and s[8][0] == operation and s[8][2] == "ok"), None
    )
    hops, number = 0, answer[1] if answer else 0
    while number:
        send = sends.get(number)
        if send and send[7] == "client.Request" and send[8][0] == operation:
            return hops / 2
        hops += bool(send and send[4] not in clients and send[5] not in clients)
        number = causes.get(number) or (send[1] if send else 0)
    return None
