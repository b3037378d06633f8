"""What each client operation does to one key: five kinds of step over a register.

Registers, compare-and-set, append, key-value maps and locks all become steps on one state per key; a
lock is a compare-and-set from free to held. The checkers know only steps; what a *failed* operation
means is part of the model.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from simulations.engine.checks.history import Operation
from simulations.engine.state_machine import frozen, text_of

ModelName = Literal["register", "cas-register", "kv", "mutex"]

MODEL_KINDS: dict[str, tuple[str, ...]] = {
    "register": ("get", "put"),
    "cas-register": ("get", "put", "cas"),
    "kv": ("get", "put", "append", "cas", "delete", "lock", "unlock"),
    "mutex": ("lock", "unlock"),
}

READ, REFUSED, WRITE, SWAP, APPEND = range(5)


class Step(msgspec.Struct, frozen=True):
    """READ: the state was `value`. REFUSED: it was not `expected`. WRITE: it becomes `value`. SWAP: it was
    `expected` and becomes `value`. APPEND: `value` is added at its end. READ and REFUSED change nothing.

    `required`: it must have happened (once completed); otherwise it may happen at any later time, or never.
    """

    code: int
    value: Any = None
    expected: Any = None
    required: bool = True


class Model(msgspec.Struct, frozen=True):
    """How operations act on the state of a key.

    `initial` is the value of a key nobody wrote, and of a deleted one. `failed_guard_counts`: a failed
    cas, lock or unlock *did* run and found its guard false (Jepsen's etcd logs); otherwise a failed
    operation did not happen (Knossos). An operation with outcome ok and result False always says that
    its guard was false. `nil_reads_say_nothing`: a completed read of nothing is no observation
    (Knossos). `locks_have_owners`: only the client that locked may unlock.
    """

    name: ModelName = "kv"
    initial: Any = None
    failed_guard_counts: bool = False
    nil_reads_say_nothing: bool = False
    locks_have_owners: bool = True

    def effect(self, operation: Operation) -> Step | None:
        """What a pending operation would do if it took effect; None for a read, which does nothing."""
        kind = operation.kind
        if kind == "put":
            return Step(WRITE, frozen(operation.argument))
        if kind == "cas":
            expected, new = operation.argument
            return Step(SWAP, frozen(new), frozen(expected))
        if kind == "append":
            return Step(APPEND, text_of(operation.argument))
        if kind == "delete":
            return Step(WRITE, frozen(self.initial))
        if kind in ("lock", "unlock"):
            return self._lock_effect(operation)
        return None

    def _lock_effect(self, operation: Operation) -> Step:
        holder = f"held by {operation.client}" if self.locks_have_owners else "held"
        free = frozen(self.initial)
        return Step(SWAP, holder, free) if operation.kind == "lock" else Step(SWAP, free, holder)

    def observation(self, operation: Operation) -> Step | None:
        """What a completed operation says must have happened; None when it says nothing.

        None for a read of nothing under `nil_reads_say_nothing`, and for operations that did not happen.
        """
        if operation.outcome == "fail" and not self._guard_was_false(operation):
            return None
        if operation.kind == "get":
            if operation.result is None and self.nil_reads_say_nothing:
                return None
            return Step(READ, frozen(operation.result))
        effect = self.effect(operation)
        if effect is not None and effect.code == SWAP and self._guard_was_false(operation):
            return Step(REFUSED, None, effect.expected)
        return effect

    def _guard_was_false(self, operation: Operation) -> bool:
        if operation.outcome == "fail":
            return self.failed_guard_counts and operation.kind in ("cas", "lock", "unlock")
        return operation.result is False

    def final_step(self, operation: Operation) -> Step | None:
        """The step of an operation seen from the end of the history; None when it neither constrains nor
        explains.
        """
        if operation.outcome in ("ok", "fail"):
            return self.observation(operation)
        effect = self.effect(operation)
        return None if effect is None else msgspec.structs.replace(effect, required=False)


def model_named(name: str, **settings: Any) -> Model:
    """A model by name. Raises ValueError naming the allowed ones."""
    if name not in MODEL_KINDS:
        raise ValueError(f"model: {name!r} is not one of {', '.join(sorted(MODEL_KINDS))}")
    return Model(name=name, **settings)  # type: ignore[arg-type]
