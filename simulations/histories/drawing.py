"""What a page needs to draw a judged history: clients as rows, operations as bars, points, the impossible one."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import Any

import msgspec

from simulations.engine.checks.history import History
from simulations.engine.checks.linearizability import Point, Verdict
from simulations.histories.parsed import Fault, ParsedHistory


class Bar(msgspec.Struct, array_like=True):
    """One operation. `start`, `end` and `point` are places in the order of all events; `end` None: never completed.

    `point`: where it takes effect in the order found (None: it is not in it). `impossible`: nothing explains it.
    """

    id: int
    row: int
    key: str
    kind: str
    argument: Any
    outcome: str
    result: Any
    start: int
    end: int | None
    invoked_us: int
    returned_us: int | None
    point: float | None = None
    impossible: bool = False
    line: int | None = None


class Band(msgspec.Struct):
    """A fault behind the operations: from one place in the order of events to another (None: to the end)."""

    start: float
    end: float | None
    what: str


class Drawing(msgspec.Struct):
    """Rows are `clients` in order of first use; `events` is the length of the axis.

    `prefix`: everything before this place can still be explained; None when that is not known. `initial`: what
    a key holds at first. `timed`: times are microseconds, not positions in a file.
    """

    verdict: str
    clients: list[str]
    bars: list[Bar]
    faults: list[Band]
    events: int
    prefix: int | None = None
    initial: Any = None
    timed: bool = True


def drawing(parsed: ParsedHistory, verdict: Verdict, timed: bool = True) -> Drawing:
    """The drawing of a history and its verdict."""
    order = parsed.history.order
    place = {number: at for at, number in enumerate(order)}
    points = spread(verdict.linearization)
    rows: dict[str, int] = {}
    bars = []
    for number in order:
        if number < 0:
            continue
        operation = parsed.history.operations[number]
        home = parsed.places.get(number)
        bar = Bar(
            number,
            rows.setdefault(operation.client, len(rows)),
            operation.key,
            operation.kind,
            operation.argument,
            operation.outcome,
            operation.result,
            place[number],
            None if operation.outcome in ("unknown", "pending") else place.get(~number),
            operation.invoked_us,
            operation.returned_us,
            points.get(number),
            number == verdict.first_violation,
            home.line if home else None,
        )
        bars.append(bar)
    faults = bands(parsed.history, parsed.faults if timed else paired(parsed.faults))
    prefix = explained(verdict, place, len(order))
    initial = parsed.model.initial
    return Drawing(verdict.verdict, list(rows), bars, faults, len(order), prefix, initial, timed)


def explained(verdict: Verdict, place: dict[int, int], events: int) -> int | None:
    """How many events can all be explained together; None when the search gave up."""
    if verdict.first_violation is not None:
        return place[~verdict.first_violation]
    return events if verdict.verdict == "holds" else None


def bands(history: History, faults: list[Fault]) -> list[Band]:
    """Faults between the events that they fell between."""
    times = []
    for number in history.order:
        operation = history.operations[~number if number < 0 else number]
        times.append(operation.invoked_us if number >= 0 else operation.returned_us or 0)
    found = []
    for fault in faults:
        end = None if fault.until_us is None else bisect_left(times, fault.until_us) - 0.5
        found.append(Band(bisect_left(times, fault.at_us) - 0.5, end, fault.what))
    return found


def paired(faults: list[Fault]) -> list[Fault]:
    """Entries of a nemesis as spans: from what starts something to what stops it. Others last a moment."""
    found: list[Fault] = []
    running: Fault | None = None
    for fault in faults:
        if "start" in fault.what:
            if running is None:
                running = Fault(fault.at_us, fault.what)
                found.append(running)
        elif "stop" in fault.what and running is not None:
            running.until_us, running = fault.at_us, None
        elif "stop" not in fault.what:
            found.append(Fault(fault.at_us, fault.what, fault.at_us))
    return found


def spread(points: list[Point]) -> dict[int, float]:
    """A place for each point: those just before one event share the gap in front of it, in order."""
    crowd = Counter(point.before_event for point in points)
    used: Counter[int] = Counter()
    places = {}
    for point in points:
        used[point.before_event] += 1
        share = used[point.before_event] / (crowd[point.before_event] + 1)
        places[point.operation] = point.before_event - 1 + share
    return places
