"""A recipe: experiment, seed and the commands people gave. The same recipe gives the same trace.

Commands take effect in order of (at_us, seq). `prefix(n)` names the first n of them, so that what was
computed with them, by this build of the engine, can be found again by any run that shares them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from hashlib import blake2b
from typing import Any

import msgspec

from simulations.live.build import BUILD

_encode = msgspec.json.Encoder(order="deterministic").encode


class LoggedCommand(msgspec.Struct, frozen=True, omit_defaults=True):
    """One accepted command: `do` is a fault line without a trigger, or a client operation."""

    seq: int
    at_us: int
    do: dict[str, Any]
    by: str = ""
    key: str = ""


class Recipe:
    """Everything a trace depends on.

    `experiment` is the canonical JSON of the experiment, `fingerprint` its hash, `commands` are sorted here.
    """

    def __init__(
        self, experiment: str, fingerprint: str, seed: int, engine: int, commands: list[LoggedCommand]
    ) -> None:
        self.experiment = experiment
        self.fingerprint = fingerprint
        self.seed = seed
        self.engine = engine
        self.commands = tuple(sorted(commands, key=lambda command: (command.at_us, command.seq)))
        self._times = [command.at_us for command in self.commands]
        self.key = blake2b(f"{fingerprint}/{seed}/{engine}/{BUILD}".encode(), digest_size=12).hexdigest()
        self._prefixes = [self.key]
        for command in self.commands:
            record = _encode([self._prefixes[-1], command.at_us, command.seq, command.do])
            self._prefixes.append(blake2b(record, digest_size=12).hexdigest())

    def prefix(self, count: int) -> str:
        """Name of the first `count` commands of this recipe. IndexError beyond the last."""
        return self._prefixes[count]

    def shares(self, count: int, prefix: str) -> bool:
        """Whether the first `count` commands are those the name stands for."""
        return count < len(self._prefixes) and self._prefixes[count] == prefix

    def due(self, at_us: int) -> int:
        """How many commands have taken effect at the end of this instant."""
        return bisect_right(self._times, at_us)

    def before(self, at_us: int) -> int:
        """How many commands have taken effect before this instant."""
        return bisect_left(self._times, at_us)

    def next_us(self, count: int) -> int | None:
        """When the command after the first `count` takes effect."""
        return self._times[count] if count < len(self._times) else None

    def upto(self, at_us: int) -> Recipe:
        """The recipe of a fork at this time."""
        kept = list(self.commands[: self.due(at_us)])
        return Recipe(self.experiment, self.fingerprint, self.seed, self.engine, kept)
