"""Availability multiplies in series and adds up in parallel: long runs against the closed form (k of n)."""

from __future__ import annotations

from math import sqrt
from typing import Any

import pytest

from simulations.engine.world import World
from tests.systems.microservices.kit import client, metric, node, recipe, run, vectors

UP = 0.9
SLOTS = 500
NODES = 7
GROUPS = {"1-of-2": (1, 2), "2-of-3": (2, 3), "3-of-5": (3, 5), "4-of-7": (4, 7)}
LINKS = {"2-of-2": 2, "3-of-3": 3}
WIDE = 3.3
"""Standard deviations of a confidence interval of 99.9 %."""


def outages(name: str) -> dict[str, Any]:
    """In each second the node is down as a whole with the chance 1 - UP, independent of all others and of the past."""
    chance = round(1 - UP, 6)
    plain = {"every_s": 1, "do": "kill", "target": name, "probability": chance, "for_s": 0.99}
    return {**plain, "unlimited": True}


@pytest.fixture(scope="module")
def world() -> World:
    """Balancers that need k of the first n nodes, and chains of their own: a request a second, in the middle of it."""
    names = [f"n{number}" for number in range(1, NODES + 1)]
    parts = [node(name) for name in names]
    workload = []
    for group, (needed, count) in GROUPS.items():
        settings = {"backends": names[:count], "calls_per_request": count, "needed": needed}
        parts.append(node(f"b{count}", "balancer", **settings))
        workload.append(client(f"b{count}", group))
    chained: list[str] = []
    for group, count in LINKS.items():
        links = [f"c{count}-{number}" for number in range(count)]
        following = [*links[1:], ""]
        parts += [
            node(link, "service", calls=[to] if to else []) for link, to in zip(links, following, strict=True)
        ]
        chained += links
        workload.append(client(links[0], group))
    for one in workload:
        one.update(rate=1, start_s=0.5, timeout_ms=400, give_up_ms=400)
    faults = [outages(name) for name in (*names, *chained)]
    plain = recipe(parts, workload, faults, SLOTS)
    return run({**plain, "parameters": {"service_ms": 0, "timeout_ms": 200, "health_check_s": 0}})


@pytest.mark.parametrize("group", [*GROUPS, *LINKS])
def test_measured_availability_meets_the_closed_form(world: World, group: str) -> None:
    expected = vectors("availability")["per_node_p"][str(UP)][group]
    measured = metric(world, "success_share", client=group)
    deviation = sqrt(expected * (1 - expected) / SLOTS)
    assert measured == pytest.approx(expected, abs=WIDE * deviation)


def test_parallel_is_better_than_one_and_series_is_worse(world: World) -> None:
    shares = {group: metric(world, "success_share", client=group) for group in (*GROUPS, *LINKS)}
    assert shares["3-of-3"] < shares["2-of-2"] < UP < shares["2-of-3"] < shares["4-of-7"]
