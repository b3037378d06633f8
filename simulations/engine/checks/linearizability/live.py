"""Linearizability while a run is live: told each event once, the verdict is ready at once.

The verdict after an event equals that of the batch checker on the history up to it, unless a key passed
one of its bounds: then that key says unknown from there on, and the batch checker with its larger budget
decides.
"""

from __future__ import annotations

import msgspec

from simulations.engine.checks.history import Operation
from simulations.engine.checks.linearizability.live_key import KeyState, new_key
from simulations.engine.checks.linearizability.model import Model
from simulations.engine.checks.linearizability.verdict import KeyVerdict, Verdict, combined


class LiveLinearizability(msgspec.Struct):
    """Call `invoke` and `complete` in the order of events; a fork is independent of its origin."""

    model: Model = Model()
    keys: dict[str, KeyState] = msgspec.field(default_factory=dict)
    first_violation: int | None = None
    violated_us: int | None = None

    def invoke(self, operation: Operation) -> None:
        """A client starts an operation."""
        key = self.keys.get(operation.key)
        if key is None:
            key = self.keys[operation.key] = new_key(self.model)
        key.invoke(operation)

    def complete(self, operation: Operation) -> None:
        """A client learns the outcome. KeyError when no operation of this key was ever invoked."""
        key = self.keys[operation.key]
        key.complete(operation)
        if self.first_violation is None and key.first_violation is not None:
            self.first_violation, self.violated_us = key.first_violation, key.violated_us

    @property
    def verdict(self) -> Verdict:
        """The verdict on everything told so far, with one for each key."""
        keys = {name: key.verdict() for name, key in self.keys.items()}
        total = combined(keys, self.first_violation, self.violated_us)
        return Verdict(
            total.verdict,
            total.operations,
            total.first_violation,
            total.violated_us,
            total.reason,
            keys=keys,
        )

    def key_verdict(self, key: str) -> KeyVerdict:
        """The verdict on one key. KeyError when it was never used."""
        return self.keys[key].verdict()

    def fork(self) -> LiveLinearizability:
        keys = {name: key.fork() for name, key in self.keys.items()}
        return LiveLinearizability(self.model, keys, self.first_violation, self.violated_us)
