"""A trace as a ShiViz log: one line with a vector clock and one line of text for each event.

The clocks are Fidge's and Mattern's (Mattern, Virtual Time and Global States of Distributed Systems, 1989): a process
counts its events, and a message carries what its sender had counted. Read by ShiViz with the parser PARSER.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

PARSER = r"(?<host>\S+) (?<clock>\{.*\})\n(?<event>.*)"
DELIVER, DROP = 0, 6
KINDS = ("receives", "timer", "disk", "receives", "command", "starts", "loses")

Clock = dict[str, int]


def shiviz_log(chunks: Iterable[dict[str, Any]]) -> str:
    """The log of every process's events in the order in which they happened."""
    clocks: dict[str, Clock] = {}
    sent: dict[int, Clock] = {}
    types: dict[int, str] = {}
    lines: list[str] = [PARSER, ""]
    for chunk in chunks:
        causes: dict[int, list[int]] = {}
        for number, cause, *_, type, _ in chunk["sends"]:
            causes.setdefault(cause, []).append(number)
            types[number] = type
        for event in chunk["events"]:
            number, _, kind, process = event[:4]
            if not process or kind == DROP:
                continue
            clock = clocks.setdefault(process, {})
            for host, count in sent.pop(number, {}).items():
                clock[host] = max(clock.get(host, 0), count)
            clock[process] = clock.get(process, 0) + 1
            for message in causes.get(number, ()):
                sent[message] = dict(clock)
            lines += [f"{host_of(process)} {json.dumps(named(clock))}", words(event, types)]
    return "\n".join(lines) + "\n"


def host_of(process: str) -> str:
    """An address without blanks, which would end the host's name."""
    return process.replace(" ", "_")


def named(clock: Clock) -> Clock:
    return {host_of(host): clock[host] for host in sorted(clock)}


def words(event: list[Any], types: dict[int, str]) -> str:
    """What happened, in one line: the time, the kind, the message or the timer."""
    number, at_us, kind, _, _, detail = event[:6]
    what = types.get(number) if kind == DELIVER else detail if isinstance(detail, str) else ""
    return f"{at_us / 1_000_000:.6f} s {KINDS[kind]} {what or ''}".rstrip()
