"""Numbers about the spread of news, counted from outside: rounds and time until everybody knows, messages a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from simulations.engine.checks.base import Check
from simulations.engine.chunks import Chunks
from simulations.engine.context import DELIVER
from simulations.engine.meters import SECOND, Scope, issued_id, percentile
from simulations.engine.systems.gossip.messages import VALUE, Push, Relay, Repair
from simulations.engine.systems.gossip.process import LEFT, Gossip

if TYPE_CHECKING:
    from simulations.engine.world import World

VALUES = 1
"""Place of the log's version in ``Gossip.watched``."""
PATIENCE_US = 2 * SECOND
"""A value that is younger than this at the end need not be everywhere yet."""


class Spread(Check):
    """``told``: value -> (when it was first known anywhere, the client's operation); ``learned``: (process, value,
    time); ``carried``: when a message with values arrived; ``read_to``: process -> how much of its log was read."""

    name: ClassVar[str] = "gossip_spread"
    watches: ClassVar[tuple[int, ...] | None] = (VALUES,)
    wants_events: ClassVar[bool] = True
    told: dict[str, tuple[int, int]] = {}
    learned: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)
    carried: Chunks[int] = msgspec.field(default_factory=Chunks)
    read_to: dict[int, int] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        log = process.values
        last = min(self.read_to.get(process_index, 0), log.last)
        for news in log.slice(last + 1, log.last + 1):
            if news.kind == VALUE:
                self.told.setdefault(news.name, (at_us, news.operation))
                self.learned.append((process_index, news.name, at_us))
        self.read_to[process_index] = log.last

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        self.read_to[process_index] = 0  # what its disk kept is learned again at its restart

    def executed(self, at_us: int, event: Any) -> None:
        """Every executed event."""
        message = event[7]
        if event[3] != DELIVER or not isinstance(message, (Push, Relay, Repair)):
            return
        if any(news.kind == VALUE for news in message.rumours):
            self.carried.append(at_us)


def meter_of(world: World) -> Spread:
    found = world.observer.checks[Spread.name]
    assert isinstance(found, Spread)
    return found


def members(world: World) -> list[int]:
    """The nodes that should know everything: those that run and have not left."""
    return [
        context.index
        for context in world.kernel.contexts
        if isinstance(context.process, Gossip)
        and context.host is not None
        and context.host.state != "down"
        and context.process.role != LEFT
    ]


def complete_us(world: World) -> dict[str, int]:
    """Value -> when the last of the members came to know it; those that not all know are left out."""
    wanted = frozenset(members(world))
    times: dict[str, dict[int, int]] = {}
    for index, name, at_us in meter_of(world).learned:
        if index in wanted:
            times.setdefault(name, {}).setdefault(index, at_us)
    return {name: max(found.values()) for name, found in times.items() if len(found) == len(wanted)}


def told_in(world: World, scope: Scope) -> Iterator[tuple[str, int]]:
    """(value, when it was told) of the scope: those of its named operation, if it names one."""
    operation = issued_id(world, scope.operation) if scope.operation else None
    for name, (at_us, of) in meter_of(world).told.items():
        if scope.covers(at_us) and (scope.operation is None or of == operation):
            yield name, at_us


def spreads_us(world: World, scope: Scope) -> list[int] | None:
    """Times from the telling to everybody's knowing, sorted; None when a value that had the time is not everywhere."""
    complete = complete_us(world)
    found: list[int] = []
    for name, at_us in told_in(world, scope):
        if name in complete:
            found.append(complete[name] - at_us)
        elif at_us + PATIENCE_US < world.now_us:
            return None
    return sorted(found)


def round_us(world: World) -> int:
    """How long a round lasts, at the first node."""
    process = next(c.process for c in world.kernel.contexts if isinstance(c.process, Gossip))
    return int(process.parameters.round_ms * 1000)


def first_told(world: World, scope: Scope) -> tuple[int, int] | None:
    """(when told, when known to every member) of the named operation's value; without a name the first of the scope."""
    first = next(told_in(world, scope), None)
    end_us = complete_us(world).get(first[0]) if first else None
    return (first[1], end_us) if first and end_us is not None else None


def rounds_to_all(world: World, scope: Scope) -> int | None:
    """Rounds of the teller that had begun when the last member came to know the value: what is sent in a round counts
    to it, also when it arrives a little later."""
    found = first_told(world, scope)
    return (found[1] - found[0]) // round_us(world) if found else None


def messages_to_all(world: World, scope: Scope) -> int | None:
    """Messages that carried values and arrived, from the telling to the end of the round after which all knew it."""
    found = first_told(world, scope)
    if found is None:
        return None
    told_us, end_us = found
    end_us = told_us + ((end_us - told_us) // round_us(world) + 1) * round_us(world)
    return sum(1 for at_us in meter_of(world).carried if told_us <= at_us < end_us)


def spread(share: float) -> Callable[[Any, Any], Any]:
    """A percentile of the time until everybody knows, in ms."""

    def metric(world: World, scope: Scope) -> float | None:
        found = spreads_us(world, scope)
        return percentile([one / 1000 for one in found], share) if found else None

    return metric


def messages_per_value(world: World, scope: Scope) -> float | None:
    """Messages that carried values and arrived, for each value that was told; both within the scope."""
    values = sum(1 for _ in told_in(world, Scope(scope.from_us, scope.to_us)))
    carried = sum(scope.covers(at_us) for at_us in meter_of(world).carried)
    return carried / values if values else None


METERS = {Spread.name: Spread}
METRICS: dict[str, Callable[[Any, Any], Any]] = {
    "rounds_to_all": rounds_to_all,
    "messages_to_all": messages_to_all,
    "spread_p50_ms": spread(0.5),
    "spread_max_ms": spread(1.0),
    "messages_per_value": messages_per_value,
}
