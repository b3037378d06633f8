"""Checks that no twin of this system sets off: each fires on a history made by hand, and not on the right one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from simulations.engine.checks.base import Check
from simulations.engine.checks.history import Operation
from simulations.engine.context import DELIVER
from simulations.engine.process import Request
from simulations.engine.systems import zookeeper
from simulations.engine.systems.zookeeper.descriptor import DESCRIPTOR
from simulations.engine.systems.zookeeper.invariants import CommittedLogMonotonicity, MessagesLegal
from simulations.engine.systems.zookeeper.messages import Ack, Commit, Diff, Node, Propose, Txn
from simulations.engine.systems.zookeeper.notes import NOTES
from simulations.engine.systems.zookeeper.process import ZooKeeper
from simulations.engine.systems.zookeeper.promises import (
    LinearizableWrites,
    LocksInOrder,
    MutualExclusion,
    as_register,
)
from simulations.engine.systems.zookeeper.properties import (
    GlobalPrimaryOrder,
    Integrity,
    LeaderLogCompleteness,
    LocalPrimaryOrder,
    PrefixConsistency,
    PrimaryIntegrity,
    TreesIdentical,
    ZooKeeperNoLostAck,
)
from simulations.engine.systems.zookeeper.state import BROADCAST, FOLLOWING, LEADING
from tests.systems.zookeeper.helpers import ran, recipe

LOOKED, LED = ("looking", "ELECTION", 0, 0, 0), (LEADING, BROADCAST, 1, 0, 0)


def write(operation: int) -> Request:
    return Request(operation, 1, "c", 0, operation, "set", "/x", operation)


def txn(epoch: int, counter: int, operation: int = 0) -> Txn:
    return Txn(epoch, counter, write(operation or counter), "/x")


def holder(id: str, *txns: Txn, role: str = FOLLOWING) -> ZooKeeper:
    """A server with this history."""
    server = ZooKeeper(id=id, role=role, zab_state=BROADCAST, epoch=1)
    server.log.extend(txns)
    return server


def deliver(check: Check, server: ZooKeeper, index: int = 0, who: int = 0) -> Check:
    """The server delivers its whole history, at once."""
    state = (server.role, server.zab_state, server.epoch, 0, 0)
    check.changed(1, 1, index or who, state, (*state[:3], server.log.last, server.log.version), server)
    return check


def lead(check: Check, server: ZooKeeper) -> Check:
    """The server becomes the established leader, and broadcasts its history."""
    after = (LEADING, BROADCAST, server.epoch, 0, server.log.version)
    check.changed(0, 0, 9, LOOKED, after, server)
    return check


def test_integrity_is_about_what_the_primary_broadcast() -> None:
    for operation, verdict in ((1, "holds"), (7, "violated")):
        check = lead(Integrity(), holder("s1", txn(1, 1), role=LEADING))
        assert deliver(check, holder("s2", txn(1, 1, operation))).verdict().verdict == verdict


@pytest.mark.parametrize(
    ("counters", "verdict"),
    [((1, 2, 3), "holds"), ((1, 3), "violated"), ((2, 3), "violated"), ((1, 3, 2), "violated")],
)
def test_local_primary_order_is_about_every_pair(counters: tuple[int, ...], verdict: str) -> None:
    check = lead(LocalPrimaryOrder(), holder("s1", role=LEADING))
    delivered = [txn(1, counter) for counter in counters]
    assert deliver(check, holder("s2", *delivered)).verdict().verdict == verdict


def test_global_primary_order_never_goes_back_to_an_earlier_epoch() -> None:
    assert deliver(GlobalPrimaryOrder(), holder("s1", txn(1, 1), txn(2, 1))).verdict().verdict == "holds"
    assert deliver(GlobalPrimaryOrder(), holder("s1", txn(2, 1), txn(1, 1))).verdict().verdict == "violated"


def test_prefixes_are_compared_position_by_position() -> None:
    check = deliver(PrefixConsistency(), holder("s1", txn(1, 1), txn(1, 2)), who=1)
    assert deliver(check, holder("s2", txn(1, 1)), who=2).verdict().verdict == "holds"
    assert deliver(check, holder("s3", txn(1, 1), txn(2, 1)), who=3).verdict().verdict == "violated"


@pytest.mark.parametrize(
    ("held", "delivered", "broken"),
    [
        ((1, 2), 2, []),
        ((1, 2), 1, ["primary_integrity"]),
        ((1,), 1, ["leader_log_completeness", "primary_integrity"]),
        ((1, 3), 2, ["leader_log_completeness"]),
    ],
)
def test_a_leader_begins_with_all_that_was_delivered(
    held: tuple[int, ...], delivered: int, broken: list[str]
) -> None:
    leader = holder("s2", *(txn(1, counter) for counter in held), role=LEADING)
    leader.delivered = delivered
    found = []
    for check in (LeaderLogCompleteness(), PrimaryIntegrity()):
        deliver(check, holder("s1", txn(1, 1), txn(1, 2)))
        check.changed(2, 2, 9, (*LOOKED[:3], delivered, 0), (LEADING, BROADCAST, 2, delivered, 0), leader)
        if check.verdict().verdict == "violated":
            found.append(check.name)
    assert found == broken


def test_trees_are_compared_at_the_end() -> None:
    servers = {0: holder("s1"), 1: holder("s2")}
    check = TreesIdentical()
    check.look(1, 1, servers)
    assert check.verdict().verdict == "holds"
    servers[1].tree.store("/a", Node())
    check.look(2, 2, servers)
    assert check.verdict().verdict == "violated"
    check.look(3, 3, {0: servers[0]})
    assert check.verdict().verdict == "unknown"


def client_write(id: int) -> Operation:
    return Operation(id, "c", "/x", "set", id, 0)


def test_a_write_that_began_after_another_ended_takes_effect_after_it() -> None:
    for order, verdict in (((1, 2), "holds"), ((2, 1), "violated")):
        check: Check = LinearizableWrites()
        deliver(check, holder("s1", *(txn(1, place, operation) for place, operation in enumerate(order, 1))))
        for id in (1, 2):
            check.invoked(id, id, client_write(id))
            check.completed(id, id, client_write(id).completed(id, "ok"))
        assert check.verdict().verdict == verdict


def test_no_write_takes_effect_twice() -> None:
    check = deliver(LinearizableWrites(), holder("s1", txn(1, 1, 5), txn(1, 2, 5)))
    assert check.verdict().message == "zookeeper.write_twice"


def lock_operation(kind: str, client: str, result: Any = None) -> Operation:
    return Operation(1, client, "/lock", kind, None, 0, 1, "ok", result)


@pytest.mark.parametrize(("kind", "expected"), [("lock", "holds"), ("create", "violated")])
def test_a_recipe_may_write_more_than_once(kind: str, expected: str) -> None:
    check = LinearizableWrites()
    for place, operation in ((1, 1), (3, 2)):
        check.invoked(0, 0, Operation(operation, "c", "/x", kind if operation == 1 else "create", None, 0))
        deliver(check, holder("s1", *(txn(1, at, 1 if at < 3 else 2) for at in range(1, place + 1))))
    check.completed(1, 1, Operation(2, "c", "/x", "create", None, 0, 1, "ok", None))
    assert check.verdict().verdict == expected


def test_a_lock_is_held_by_one_client_at_a_time() -> None:
    check = MutualExclusion()
    check.completed(1, 1, lock_operation("lock", "a"))
    check.invoked(2, 2, lock_operation("unlock", "a"))
    check.completed(3, 3, lock_operation("lock", "b"))
    assert check.verdict().verdict == "holds"
    check.invoked(4, 4, lock_operation("unlock", "a"))
    check.completed(5, 5, lock_operation("lock", "c"))
    assert check.verdict().verdict == "violated"


def test_locks_are_granted_in_the_order_of_the_queue() -> None:
    check = LocksInOrder()
    check.completed(1, 1, lock_operation("lock", "a", 3))
    check.completed(2, 2, lock_operation("lock", "b", 4))
    assert check.verdict().verdict == "holds"
    check.completed(3, 3, lock_operation("lock", "c", 2))
    assert check.verdict().verdict == "violated"


def test_operations_on_a_path_are_those_of_a_register() -> None:
    kinds = {
        kind: as_register(Operation(1, "c", "x", kind))
        for kind in ("set", "create", "sync_get", "ls", "lock")
    }
    assert {kind: found and (found.kind, found.key) for kind, found in kinds.items()} == {
        "set": ("put", "/x"), "create": ("put", "/x"), "sync_get": ("get", "/x"), "ls": None, "lock": None,
    }  # fmt: skip


def test_a_fork_of_a_check_goes_its_own_way() -> None:
    check = deliver(PrefixConsistency(), holder("s1", txn(1, 1)), who=1)
    twin = check.fork()
    deliver(twin, holder("s2", txn(2, 1)), who=2)
    assert (check.verdict().verdict, twin.verdict().verdict) == ("holds", "violated")


def test_every_note_is_in_both_languages() -> None:
    for id, note in NOTES.items():
        assert note.en, id
        assert note.zh, id
        assert set(re.findall(r"{(\w+)}", note.en)) == set(re.findall(r"{(\w+)}", note.zh)), id


def test_the_descriptor_shows_every_message_and_field() -> None:
    world = ran(recipe(), 1)
    process = world.by_id["s1"].process
    for field in DESCRIPTOR.fields:
        if field.kind != "timer":
            assert hasattr(process, field.attribute or field.name), field.name
    assert process.survivor == "quorum"  # type: ignore[attr-defined]


def test_every_note_is_used_and_every_used_note_is_explained() -> None:
    folder = Path(zookeeper.__file__).parent
    sources = "".join(path.read_text() for path in sorted(folder.glob("*.py")) if path.name != "notes.py")
    reasons = set(re.findall(r'look_for_leader\("(\w+)"\)', sources))
    used = set(re.findall(r'"(zookeeper\.\w+)"', sources)) | {
        f"zookeeper.looking_{reason}" for reason in reasons
    }
    own = {id for id in NOTES if id.startswith("zookeeper.")}
    assert own == {id for id in used if not id.endswith("_session_ends")}


def told(check: Check, *heard: tuple[int, Any]) -> str:
    """The verdict when these (sender, message) arrive."""
    for number, (sender, message) in enumerate(heard, 1):
        check.executed(number, (number, 0, number, DELIVER, 9, 0, sender, message))  # type: ignore[attr-defined]
    return check.verdict().verdict


def test_messages_that_the_protocol_never_sends_are_seen() -> None:
    first, second = Propose(1, txn(1, 1)), Propose(1, txn(1, 2))
    assert told(MessagesLegal(), (0, first), (1, Ack(1, 1)), (0, second), (0, Commit(1, 1))) == "holds"
    assert told(MessagesLegal(), (0, Diff(1, 1, (txn(1, 1),))), (1, Ack(1, 1))) == "holds"
    assert told(MessagesLegal(), (0, first), (1, Ack(1, 2))) == "violated"
    assert told(MessagesLegal(), (0, first), (0, Commit(1, 2))) == "violated"
    assert told(MessagesLegal(), (0, first), (0, Propose(1, txn(1, 1, 7)))) == "violated"
    assert told(MessagesLegal(), (0, first), (2, second)) == "violated"


def test_the_commit_of_a_lone_voter_may_overtake_its_proposal() -> None:
    """On links that keep no order; a leader proposes what it writes down."""
    check = lead(MessagesLegal(), holder("s1", txn(1, 1), role=LEADING))
    assert told(check, (0, Commit(1, 1)), (0, Propose(1, txn(1, 1)))) == "holds"
    assert told(check, (0, Commit(1, 2))) == "violated"


def test_a_lock_that_an_earlier_operation_queued_for_is_no_write_of_this_one() -> None:
    for written, judged in ((1, 1), (6, 0)):
        check = ZooKeeperNoLostAck()
        deliver(check, holder("s1", txn(1, 1, written)))
        check.completed(1, 1, lock_operation("lock", "a"))
        assert len(check.acknowledged) == judged


def test_what_was_delivered_is_not_taken_back() -> None:
    for later, expected in (
        ((txn(1, 1), txn(1, 2)), "holds"),
        ((txn(2, 1), txn(2, 2)), "violated"),
        ((), "violated"),
    ):
        check = CommittedLogMonotonicity()
        deliver(check, holder("s1", txn(1, 1)), who=1)
        deliver(check, holder("s1", *later), who=1)
        assert check.verdict().verdict == expected
    check.crashed(2, 9, 1)
    assert deliver(CommittedLogMonotonicity(), holder("s1", txn(2, 1)), who=1).verdict().verdict == "unknown"
