"""Seeded random streams, each named by its purpose: one 128-bit integer apiece.

A linear congruential generator modulo 2**128 whose top 53 bits make a float; the start is blake2b(seed, names). The
multiplier is the 64-bit one of O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms",
2014 (cheap variant). A stream is made at first use, so that neither a new node nor a new purpose moves the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

MULTIPLIER = 0xDA942042E4DD58B5
INCREMENT = 0x5851F42D4C957F2D14057B7EF767814F
MASK = (1 << 128) - 1
SCALE = 2.0**-53

# One step of a link's stream serves one message: its top 30 bits are the latency's, 30 lower ones decide its fate. So
# switching loss on never moves a latency, and a message costs one step. 30 bits are one digit of Python's integers.
LATENCY_SHIFT, FATE_SHIFT, BITS = 98, 45, 30
FATE_MASK = (1 << BITS) - 1


def start(seed: int, *names: str) -> int:
    """The first state of the stream with these names."""
    text = "\x1f".join((str(seed), *names)).encode()
    return int.from_bytes(blake2b(text, digest_size=16).digest(), "big")


class Stream:
    """A stream over a shared table of states, so that a copy of the table copies every stream."""

    __slots__ = ("key", "names", "seed", "states")

    def __init__(self, states: dict[int, int], key: int, seed: int, *names: str) -> None:
        self.states = states
        self.key = key
        self.seed = seed
        self.names = names

    def fork(self, states: dict[int, int]) -> Stream:
        """The same stream over another table."""
        return Stream(states, self.key, self.seed, *self.names)

    def random(self) -> float:
        """A float in [0, 1)."""
        states, key = self.states, self.key
        state = states.get(key)
        if state is None:
            state = start(self.seed, *self.names)
        states[key] = state = (state * MULTIPLIER + INCREMENT) & MASK
        return (state >> 75) * SCALE

    def integer(self, low: int, high: int) -> int:
        """An integer in [low, high], both included."""
        states, key = self.states, self.key
        try:
            state = states[key]
        except KeyError:
            state = start(self.seed, *self.names)
        states[key] = state = (state * MULTIPLIER + INCREMENT) & MASK
        return low + ((state >> 75) * (high - low + 1) >> 53)

    def choice(self, items: Sequence[Any]) -> Any:
        """One of the items."""
        return items[int(self.random() * len(items))]

    def chance(self, probability: float) -> bool:
        """True with this probability; draws nothing at 0 or 1."""
        if probability <= 0:
            return False
        return probability >= 1 or self.random() < probability
