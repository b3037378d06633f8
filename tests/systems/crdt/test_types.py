"""Joins are commutative, associative and idempotent, and mean what the papers say."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest

from simulations.engine.systems.crdt.descriptor import DESCRIPTOR
from simulations.engine.systems.crdt.types import (
    CARTS,
    COUNTER,
    JOINS,
    LWW_SET,
    ONLY,
    OR_SET,
    REGISTER,
    UNION,
    Counted,
    Stamped,
    Tagged,
    Versioned,
    covers,
    meaning,
)


def counted(draw: random.Random) -> Counted:
    return Counted(draw.randint(0, 3), draw.randint(0, 3))


def stamped(draw: random.Random) -> Stamped:
    """A replica gives every timestamp to one value only."""
    stamp, replica = draw.randint(0, 3), draw.choice("ab")
    return Stamped(stamp, replica, f"{replica}{stamp}")


def tagged(draw: random.Random) -> Tagged:
    return Tagged("milk", draw.random() < 0.5)


DRAWS: dict[str, Callable[[random.Random], Any]] = {
    COUNTER: counted, REGISTER: stamped, LWW_SET: stamped, OR_SET: tagged,
}  # fmt: skip


@pytest.mark.parametrize("kind", DRAWS)
def test_joins_are_commutative_associative_and_idempotent(kind: str) -> None:
    draw, join = random.Random(kind), JOINS[kind]
    for _ in range(200):
        a, b, c = (DRAWS[kind](draw) for _ in range(3))
        assert join(a, a) == a
        assert join(a, b) == join(b, a)
        assert join(join(a, b), c) == join(a, join(b, c))


@pytest.mark.parametrize("kind", DRAWS)
def test_any_order_and_any_repetition_give_one_state(kind: str) -> None:
    draw, join = random.Random(kind), JOINS[kind]
    news = [DRAWS[kind](draw) for _ in range(4)]
    found = set()
    for order in permutations([*news, news[0]]):
        state = order[0]
        for one in order[1:]:
            state = join(state, one)
        found.add(repr(state))
    assert len(found) == 1


def test_a_counter_is_the_sum_of_what_its_replicas_counted() -> None:
    assert meaning(COUNTER, {"a": Counted(5, 1), "b": Counted(2, 3)}) == 3


def test_a_removal_takes_the_additions_it_has_seen_and_no_others() -> None:
    seen, unseen = Tagged("milk", False), Tagged("milk", True)
    assert meaning(OR_SET, {"a.1": seen, "b.1": unseen}) == ["milk"]
    assert meaning(OR_SET, {"a.1": seen}) == []


def test_concurrent_carts_become_one_with_everything_and_a_newer_one_replaces() -> None:
    join = JOINS[UNION]
    left, right = Versioned((("a", 1),), ("bread",)), Versioned((("b", 1),), ("milk",))
    both = join(left, right)
    assert (both, join(right, left)) == (Versioned((("a", 1), ("b", 1)), ("bread", "milk")), both)
    newer = Versioned((("a", 2), ("b", 1)), ("milk",))
    assert join(both, newer) == join(newer, both) == newer
    assert covers(newer.vector, both.vector)
    assert not covers(left.vector, right.vector)
    assert meaning(UNION, {ONLY: newer}) == ["milk"]


def test_every_type_of_a_set_has_words() -> None:
    for name in ("crdt.add", "crdt.remove"):
        assert set(DESCRIPTOR.notes[name].words) == set(CARTS)
