"""Whoever holds every message and every timer is the network: nothing moves unless they let it."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.experiment import parse
from simulations.engine.world import World


def by_hand() -> World:
    """Three servers; no timer fires by itself and every message waits."""
    world = World(
        parse(
            {
                "format": 1,
                "id": "by-hand",
                "title": {"en": "By hand", "zh": "手动"},
                "seed": 1,
                "system": "raft",
                "parameters": {"pre_vote": False},
                "topology": {"preset": "one_zone_3"},
                "timers": "manual",
                "faults": [{"at_s": 0, "do": "hold"}],
                "stop_s": 60,
            }
        ),
        record="full",
    )
    world.run_until(1000)
    return world


class Hands:
    """Commands one after another at the same moment."""

    def __init__(self, world: World) -> None:
        self.world, self.given = world, 0

    def do(self, **line: Any) -> None:
        self.given += 1
        self.world.command(self.world.now_us, line, self.given)
        self.world.run_until(self.world.now_us)

    def waiting(self) -> list[tuple[int, str, str, str]]:
        """(number, from, to, type) of the held messages."""
        kernel = self.world.kernel
        names = kernel.names
        return [
            (number, names[source], names[target], type(message).__name__)
            for number, _, _, source, target, message in kernel.network.held
        ]

    def role(self, id: str) -> str:
        return str(getattr(self.world.by_id[id].process, "role"))  # noqa: B009


def test_nothing_moves_by_itself() -> None:
    hands = Hands(by_hand())
    hands.world.run_until(20_000_000)
    assert hands.waiting() == []
    assert [hands.role(id) for id in ("n1", "n2", "n3")] == ["follower"] * 3


def test_an_election_is_delivered_by_hand_while_time_stands_still() -> None:
    hands = Hands(by_hand())
    at_us = hands.world.now_us
    hands.do(do="fire_timer", target="n1", timer="election")
    assert hands.role("n1") == "candidate"
    assert [(to, kind) for _, _, to, kind in hands.waiting()] == [
        ("n2", "RequestVote"),
        ("n3", "RequestVote"),
    ]
    hands.do(do="deliver", match={"event": hands.waiting()[0][0]})
    (_, vote) = hands.waiting()
    assert vote[1:] == ("n2", "n1", "RequestVoteReply")
    hands.do(do="deliver", match={"event": vote[0]})
    assert hands.role("n1") == "leader"
    assert hands.world.now_us == at_us


def test_a_held_message_can_be_lost_copied_or_sent_on_its_way() -> None:
    hands = Hands(by_hand())
    hands.do(do="fire_timer", target="n1", timer="election")
    first, second = (number for number, *_ in hands.waiting())
    hands.do(do="drop", match={"event": first})
    assert [number for number, *_ in hands.waiting()] == [second]
    hands.do(do="duplicate_message", match={"event": second})
    assert [to for _, _, to, _ in hands.waiting()] == ["n3", "n3"]
    hands.do(do="delay_message", match={"event": second}, extra_ms=50)
    assert len(hands.waiting()) == 1
    hands.world.run_until(hands.world.now_us + 49_000)
    assert len(hands.waiting()) == 1
    hands.world.run_until(hands.world.now_us + 2_000)
    assert [kind for *_, kind in hands.waiting()] == ["RequestVote", "RequestVoteReply"]


def test_what_is_done_by_hand_is_the_same_again_and_in_a_fork() -> None:
    def played(world: World) -> str:
        hands = Hands(world)
        hands.do(do="fire_timer", target="n1", timer="election")
        hands.do(do="duplicate_message", match={"event": hands.waiting()[0][0]})
        hands.do(do="deliver", match={"event": hands.waiting()[1][0]})
        world.run_until(2_000_000)
        return world.digest()

    assert played(by_hand()) == played(by_hand()) == played(by_hand().fork())


@pytest.mark.parametrize("number", [0, 99])
def test_a_message_that_is_nowhere_is_refused(number: int) -> None:
    world = by_hand()
    found = world.refusal({"do": "deliver", "match": {"event": number}})
    assert found is not None
    assert found.reason == "no_message"
