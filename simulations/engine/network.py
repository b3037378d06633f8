"""What happens to a message between two processes: links, cuts, holds, and changes made by faults.

A ``Link`` is one direction between two processes as it is now; it is never changed: a fault makes new ones. What is
known of the network's faults is the plain-data ``Network``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import msgspec

from simulations.engine.distributions import Distribution
from simulations.engine.experiment.matching import fits
from simulations.engine.sampling import sampler, uniform_bounds
from simulations.engine.streams import BITS, Stream
from simulations.engine.topology import LinkSpec

# Fates of a message, as far as they are known when it departs.
ON_ITS_WAY, LOST, CUT, HELD = 0, 1, 2, 3

# Purposes of a link's streams: messages (latency and fate, see streams.py), their copies, reordering. Switching one on
# never moves the draws of another.
LATENCY, DUPLICATION, REORDERING = 0, 1, 2
PURPOSES = ("latency", "duplication", "reordering")
PURPOSE_BITS = 3
PROCESS_BITS = 12

FATES = 1 << BITS

REORDER_STRETCH = 4
"""A reordered message takes up to this many times its drawn latency longer, so that later ones overtake it."""


class Span(msgspec.Struct, frozen=True):
    """The links between some ends (empty: all), both ways unless ``one_way``."""

    from_: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    one_way: bool = False

    def joins(self, here: tuple[str, ...], there: tuple[str, ...]) -> bool:
        """Whether a message from an end with these names to one with those takes one of them."""
        if among(self.from_, here) and among(self.to, there):
            return True
        return not self.one_way and among(self.from_, there) and among(self.to, here)


class LinkChange(msgspec.Struct):
    """What one fault did to the links of a span (its fields ``from_``, ``to``, ``one_way``), but for those ``spared``:
    mended since. None leaves what was there before."""

    fault: int
    from_: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    one_way: bool = False
    latency: Distribution | None = None
    extra: Distribution | None = None
    loss: float | None = None
    duplicate: float | None = None
    reorder: float | None = None
    bandwidth_mbit: float | None = None
    spared: tuple[Span, ...] = ()

    def covers(self, here: tuple[str, ...], there: tuple[str, ...]) -> bool:
        """Whether it holds for messages from an end with these names to one with those.

        Without ends it means the links between places, not the short way from a client to the node beside it.
        """
        if not (self.from_ or self.to) and here[-1] == there[-1]:
            return False
        if any(span.joins(here, there) for span in self.spared):
            return False
        return Span(self.from_, self.to, self.one_way).joins(here, there)


class MessageRule(msgspec.Struct):
    """A rule about single messages: ``do`` drop | duplicate | delay; it fits ``skip`` times in vain, then at most
    ``count`` times (None: no limit)."""

    fault: int
    do: str
    message: str | None = None
    from_: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    fields: dict[str, Any] = msgspec.field(default_factory=dict)
    skip: int = 0
    count: int | None = None
    extra: Distribution | None = None
    seen: int = 0

    def applies(self, here: tuple[str, ...], there: tuple[str, ...], message: Any) -> bool:
        """Whether this message is one of those it means; counts it."""
        if self.message is not None and type(message).__name__ != self.message:
            return False
        if not (among(self.from_, here) and among(self.to, there) and message_fits(message, self.fields)):
            return False
        self.seen += 1
        return self.seen > self.skip and (self.count is None or self.seen <= self.skip + self.count)


def message_fits(message: Any, patterns: dict[str, Any]) -> bool:
    """Whether every named field of the message is there and fits its pattern."""
    return all(
        hasattr(message, name) and fits(pattern, getattr(message, name)) for name, pattern in patterns.items()
    )


def among(wanted: tuple[str, ...], names: tuple[str, ...]) -> bool:
    """Whether an end with these names is one of those wanted (empty: all)."""
    return not wanted or any(name in wanted for name in names)


class Wall(msgspec.Struct, frozen=True):
    """A partition or cut as people see it: the parts, or the directed pairs when it has none."""

    id: int
    shape: str
    since_us: int
    groups: tuple[tuple[str, ...], ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()


class Network(msgspec.Struct):
    """Faults of the network now: plain data. ``cuts`` and ``holds``: directed pair of ends -> faults that cause it."""

    cuts: dict[tuple[str, str], tuple[int, ...]] = msgspec.field(default_factory=dict)
    holds: dict[tuple[str, str], tuple[int, ...]] = msgspec.field(default_factory=dict)
    walls: list[Wall] = msgspec.field(default_factory=list)
    changes: list[LinkChange] = msgspec.field(default_factory=list)
    rules: list[MessageRule] = msgspec.field(default_factory=list)
    held: list[tuple[Any, ...]] = msgspec.field(default_factory=list)
    free_us: dict[int, int] = msgspec.field(default_factory=dict)
    last_us: dict[int, int] = msgspec.field(default_factory=dict)

    def fork(self) -> Network:
        return Network(
            self.cuts.copy(), self.holds.copy(), self.walls.copy(), self.changes.copy(),
            [copy.copy(rule) for rule in self.rules], self.held.copy(), self.free_us.copy(), self.last_us.copy(),
        )  # fmt: skip


class Link:
    """One direction between two processes, as faults have left it.

    Of the 30 bits that decide a message's fate, values below ``lost`` lose it and values from ``doubled`` on duplicate
    it. ``draws``: all that a message over a plain link (uniform latency, loss and duplication, and nothing else) needs
    to know, as (key, low, span, lost, doubled, source, target); None for other links.
    """

    __slots__ = (
        "bandwidth", "by_message", "cut", "doubled", "draws", "duplicate", "duplication_stream", "ends", "extra",
        "extra_us", "held", "key", "latency_stream", "loss", "lost", "low", "ordered", "reorder", "reorder_stream",
        "sample", "source", "span", "target",
    )  # fmt: skip

    def __init__(
        self,
        spec: LinkSpec,
        network: Network,
        source: int,
        target: int,
        ends: tuple[tuple[str, ...], tuple[str, ...]],
        streams: Callable[[int, int], Stream],
    ) -> None:
        self.source, self.target, self.ends = source, target, ends
        self.key = ((source << PROCESS_BITS) | target) << PURPOSE_BITS
        self.extra_us = round(spec.extra_ms * 1000)
        self.by_message = {name: sampler(value) for name, value in spec.by_message}
        self.loss, self.duplicate, self.reorder = spec.loss, spec.duplicate, spec.reorder
        self.bandwidth, self.ordered = spec.bandwidth_mbit, spec.ordered
        self.extra: list[Callable[[Stream], int]] = []
        latency = self._take_changes(spec.latency, network)
        pairs = [(here, there) for here in ends[0] for there in ends[1]]
        self.cut = not spec.connected or any(pair in network.cuts for pair in pairs)
        self.held = any(pair in network.holds for pair in pairs)
        self.sample = sampler(latency)
        self.low, self.span = 0, 0
        if latency.kind in ("uniform", "constant"):
            self.low, self.span = uniform_bounds(latency)
            self.low += self.extra_us
        special = (
            self.bandwidth or self.ordered or self.reorder or self.by_message or self.extra or network.rules
        )
        self.lost = round(self.loss * FATES)
        self.doubled = FATES - round(self.duplicate * (1 - self.loss) * FATES)
        plain = self.span and not (self.cut or self.held or special)
        draws = (self.key, self.low, self.span, self.lost, self.doubled, source, target)
        self.draws = draws if plain else None
        self.latency_stream = streams(self.key, LATENCY)
        self.duplication_stream = streams(self.key, DUPLICATION)
        self.reorder_stream = streams(self.key, REORDERING)

    def _take_changes(self, latency: Distribution, network: Network) -> Distribution:
        """Apply the changes of faults in the order in which they were made; returns the latency that remains."""
        for change in network.changes:
            if not change.covers(*self.ends):
                continue
            latency = change.latency or latency
            if change.extra is not None:
                self.extra.append(sampler(change.extra))
            self.loss = self.loss if change.loss is None else change.loss
            self.duplicate = self.duplicate if change.duplicate is None else change.duplicate
            self.reorder = self.reorder if change.reorder is None else change.reorder
            self.bandwidth = self.bandwidth if change.bandwidth_mbit is None else change.bandwidth_mbit
            self.by_message = {} if change.latency is not None else self.by_message
        return latency
