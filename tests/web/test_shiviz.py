"""A trace as a ShiViz log: its parser reads every event, and the clocks order exactly what messages ordered."""

from __future__ import annotations

import json
import re
from typing import Any

from simulations import catalogue
from simulations.engine.world import World
from simulations.histories.shiviz import PARSER, shiviz_log


def chunks() -> list[dict[str, Any]]:
    """The first second and a half of an election and some writes, in three chunks."""
    world = World(catalogue.load("RA-01"), record="full")
    found = []
    for until_us in (500_000, 1_000_000, 1_500_000):
        world.run_until(until_us)
        found.append(world.take_chunk().plain())
    return found


def test_the_parser_in_its_head_reads_every_event() -> None:
    log = shiviz_log(chunks())
    pattern, _, body = log.partition("\n\n")
    assert pattern == PARSER
    python = re.compile(PARSER.replace("(?<", "(?P<"))
    found = list(python.finditer(body))
    assert len(found) == body.count("\n") // 2
    assert len(found) > 200
    for one in found:
        clock = json.loads(one["clock"])
        assert clock[one["host"]] >= 1


def test_what_was_received_is_after_what_was_sent_and_nothing_else_is_ordered() -> None:
    traced = chunks()
    body = shiviz_log(traced).partition("\n\n")[2].splitlines()
    clocks = [json.loads(line.partition(" ")[2]) for line in body[::2]]
    hosts = [line.partition(" ")[0] for line in body[::2]]
    events = [event for chunk in traced for event in chunk["events"] if event[3] and event[2] != 6]
    at = {event[0]: index for index, event in enumerate(events)}
    received = 0
    for chunk in traced:
        for number, cause, *_ in chunk["sends"]:
            if number in at and cause in at:
                received += 1
                assert all(
                    clocks[at[number]].get(host, 0) >= count for host, count in clocks[at[cause]].items()
                )
    assert received > 100
    for host in set(hosts):
        own = [clock[host] for clock, name in zip(clocks, hosts, strict=True) if name == host]
        assert own == list(range(1, len(own) + 1))
    first = next(clock for clock, name in zip(clocks, hosts, strict=True) if name == "n5")
    assert first == {"n5": 1}  # nobody had told it anything yet
