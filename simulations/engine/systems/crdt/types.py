"""The mergeable types: their parts, how two values of one part are joined, and what the parts mean together.

Shapiro, Preguica, Baquero, Zawirski, "A comprehensive study of convergent and commutative replicated data types", 2011:
counter (specification 7), register (8), OR-set (15). Every join is commutative, associative and idempotent, so that
messages may come in any order and any number of times. ``union`` is the shopping cart of DeCandia et al., "Dynamo",
2007, section 4.4: of two versions the newer one replaces the older, concurrent ones become one with every item of both,
so what one side removed comes back. It is here to be compared with the others.
"""

from __future__ import annotations

from typing import Any

import msgspec

COUNTER, REGISTER, OR_SET, LWW_SET, UNION = "counter", "register", "or_set", "lww", "union"
CARTS = (OR_SET, LWW_SET, UNION)
PRECEDENCE = (COUNTER, REGISTER, UNION, LWW_SET, OR_SET)
"""Which type a key has when replicas began it with different ones: the last of them."""
ONLY = "value"
"""The one part of what is kept as a whole."""

Vector = tuple[tuple[str, int], ...]
"""A version vector: (replica, its updates), sorted."""


class Part(msgspec.Struct, frozen=True, array_like=True, tag=True, gc=False):
    """Base of the parts that a key's state is made of."""


class Counted(Part, frozen=True, array_like=True, gc=False):
    """What one replica added to a counter, and what it took away."""

    added: int = 0
    taken: int = 0


class Stamped(Part, frozen=True, array_like=True, gc=False):
    """The value of a register, when it was written by that replica's clock (microseconds), and where."""

    stamp: int
    replica: str
    value: Any


class Tagged(Part, frozen=True, array_like=True, gc=False):
    """One addition to an OR-set: the element, and whether nobody has removed it yet."""

    element: str
    alive: bool


class Versioned(Part, frozen=True, array_like=True, gc=False):
    """A whole set under its version vector."""

    vector: Vector
    elements: tuple[str, ...]


AnyPart = Counted | Stamped | Tagged | Versioned
Parts = dict[str, AnyPart]


class Atom(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The smallest thing that merges: one part of one key, and the key's type. ``operation``: on the disk of the
    replica that a client asked, the operation that this completes (0: none)."""

    key: str
    kind: str
    part: str
    value: AnyPart
    operation: int = 0


def join_counter(old: Counted, new: Counted) -> Counted:
    """Both numbers of a replica only grow, so the larger ones are the newer ones."""
    return Counted(max(old.added, new.added), max(old.taken, new.taken))


def join_register(old: Stamped, new: Stamped) -> Stamped:
    """The later timestamp wins, equal ones go by the replica's name."""
    return new if (new.stamp, new.replica) > (old.stamp, old.replica) else old


def join_or_set(old: Tagged, new: Tagged) -> Tagged:
    """Removed once is removed for ever."""
    return Tagged(old.element, old.alive and new.alive)


def join_union(old: Versioned, new: Versioned) -> Versioned:
    """A version that knows the other replaces it; of concurrent ones all elements stay."""
    if old.vector != new.vector and covers(old.vector, new.vector):
        return old
    if old.vector != new.vector and covers(new.vector, old.vector):
        return new
    return Versioned(joined(old.vector, new.vector), tuple(sorted({*old.elements, *new.elements})))


def covers(vector: Vector, other: Vector) -> bool:
    """Whether a version knows all updates that the other one knows."""
    known = dict(vector)
    return all(known.get(replica, 0) >= number for replica, number in other)


def joined(vector: Vector, other: Vector) -> Vector:
    """The least vector that covers both."""
    known = dict(vector)
    for replica, number in other:
        known[replica] = max(number, known.get(replica, 0))
    return tuple(sorted(known.items()))


JOINS: dict[str, Any] = {
    COUNTER: join_counter,
    REGISTER: join_register,
    LWW_SET: join_register,
    OR_SET: join_or_set,
    UNION: join_union,
}


def meaning(kind: str, parts: Parts) -> Any:
    """What a reader sees: a whole number, a value, or a sorted list of elements."""
    values: list[Any] = list(parts.values())
    if kind == COUNTER:
        return sum(part.added - part.taken for part in values)
    if kind == OR_SET:
        return sorted({part.element for part in values if part.alive})
    if kind == UNION:
        return list(values[0].elements)
    return values[0].value
