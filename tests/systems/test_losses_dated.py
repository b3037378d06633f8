"""When a loss is said to have happened does not depend on who looked, and when."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from simulations.catalogue import load
from simulations.engine.checks.base import Verdict
from simulations.engine.checks.history import Operation
from simulations.engine.checks.no_lost_ack import NoLostAck
from simulations.engine.experiment import parse
from simulations.engine.experiment.structs import Experiment
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World
from tests.systems.bcdr_drill.test_bcdr_drill import drill
from tests.systems.disaster_recovery.helpers import restored_at, sites
from tests.systems.drawn import drawn
from tests.systems.quorum_store.drawn import experiment as quorum
from tests.systems.quorum_store.test_twins import SCRIPTS, put, scripted
from tests.systems.relay.test_relay import KILL, masters
from tests.systems.sharding.helpers import recipe as sharded
from tests.systems.sharding.test_moves import JOIN
from tests.systems.shared_nothing.kit import cluster
from tests.systems.shared_nothing.test_claims import LOST, RESTORED

STEP_US = 100_000


@pytest.mark.parametrize(
    ("reference", "after_us", "until_us"),
    [
        # (the leader that truncates is elected by hand after 6.5 s)
        ("RA-05/count_old_terms", 6_500_000, 11_000_000),
        ("ZK-10/both_licensed", 4_000_000, 11_000_000),
        # (the replica is promoted at 7 s)
        ("MS-01", 7_000_000, 7_000_001),
    ],
)
def test_a_loss_is_dated_by_the_leader_that_took_over_without_it(
    reference: str, after_us: int, until_us: int
) -> None:
    experiment = load(reference)
    seldom, often = World(experiment), World(experiment)
    end_us = int(experiment.stop_s * 1_000_000)
    seen: set[tuple[int | None, int | None]] = set()
    for at_us in range(STEP_US, end_us + 1, STEP_US):
        often.run_until(at_us)
        verdict = often.verdicts()["no_lost_ack"]
        if verdict.verdict == "violated":
            seen.add((verdict.at_us, verdict.event))
    seldom.run_until(end_us)
    verdict = seldom.verdicts()["no_lost_ack"]
    assert verdict == often.verdicts()["no_lost_ack"]
    assert seen == {(verdict.at_us, verdict.event)}
    assert verdict.at_us is not None
    assert after_us <= verdict.at_us < until_us


def test_only_a_leader_that_holds_it_moves_the_date_of_a_loss() -> None:
    check = Led()
    check.completed(10, 1, Operation(1, "c", "x", "put", 1, 0, 10, "ok"))
    dates = []
    for epoch, held in ((1, {1}), (2, set()), (3, set()), (4, {1}), (5, set())):
        leader = SimpleNamespace(role="leader", term=epoch, id=f"n{epoch}", held=held)
        check.changed(100 * epoch, 10 * epoch, epoch, (), (), leader)
        check.look(999, 99, {epoch: leader})  # type: ignore[dict-item]
        verdict = check.verdict()
        dates.append((verdict.verdict, verdict.at_us, verdict.event))
    lost, later = ("violated", 200, 20), ("violated", 500, 50)
    assert dates == [("holds", None, None), lost, lost, ("holds", None, None), later]


class Led(NoLostAck):
    """Leaders that say themselves what they hold."""

    members: ClassVar[Any] = SimpleNamespace

    @staticmethod
    def operations(process: Any) -> tuple[set[int], set[int]]:
        return process.held, set()


def wiped(node: str, at_s: float, back_s: float) -> list[dict[str, Any]]:
    """A node goes down, and comes back with an empty disk."""
    return [
        {"at_s": at_s, "do": "kill", "target": node},
        {"at_s": back_s, "do": "restart", "target": node, "disk": "lost"},
    ]


def apart(*groups: list[str], **more: Any) -> dict[str, Any]:
    return {"at_s": 1, "do": "partition", "groups": list(groups), "for_s": 3, **more}


# -- leaders beside each other: a write is there while somebody shows it, or what knowingly replaced it


def written(*lines: tuple[float, str], policy: str = "lww", faults: Any = ()) -> dict[str, Any]:
    """Puts of one row at p or q, that are parted from 1 s to 4 s."""
    puts = [
        {
            "client": f"at-{node}",
            "at": node,
            "to": node,
            "operation": "put",
            "key": "x",
            "value": "v",
            "at_s": at,
        }
        for at, node in lines
    ]
    faults = [apart(["p"], ["q"]), *faults]
    return drawn(
        "multi_leader", ["p", "q"], {"policy": policy}, operations=puts, faults=faults, checks=["no_lost_ack"]
    )


def overwritten() -> dict[str, Any]:
    """The earlier of two concurrent writes is shown at its leader until the later one arrives there after the cut."""
    return written((2, "p"), (2.5, "q"))


def never_shown() -> dict[str, Any]:
    """A clock that is behind: what it accepts after it has heard of the other's write is dropped at once."""
    return {**written((0.5, "p"), (0.8, "q")), "clocks": {"q": {"offset_ms": -5000}}}


def lost_with_its_leader() -> dict[str, Any]:
    """What nobody else has yet may lie on the disk until its leader is back."""
    return written((2, "p"), policy="siblings", faults=wiped("p", 2.5, 3.2))


def settled_by_another_policy() -> dict[str, Any]:
    """Siblings are both there, until the last write wins."""
    later = {"at_s": 5, "do": "set_parameter", "name": "policy", "value": "lww"}
    return written((2, "p"), (2.5, "q"), policy="siblings", faults=[later])


# -- shards: whoever serves decides what is there


def given_away() -> dict[str, Any]:
    """Both sides of a cut serve; the later holder gives way when they hear of each other, and copies."""
    cut = apart(["ada"], ["bell", "cray"], at_s=2)
    return cluster({"replicas": 2}, [cut], stop_s=10)


def restored() -> dict[str, Any]:
    backups = {"backup_every_s": 1.5, "restore_keys_per_s": 200}
    return cluster(backups, RESTORED, extra=("backup_store",), stop_s=10)


def moved_without_freezing() -> dict[str, Any]:
    return sharded(faults=[JOIN], twin="never_freezes", seed=2, latency_ms=15, value_bytes=50_000)


# -- relays: everywhere, or kept by who answered


def confirmed_early() -> dict[str, Any]:
    faults = [{"at_s": 2, "do": "cut", "from": "hub", "to": "dhaka"}, {**KILL, "at_s": 3}]
    return masters(faults, twin="confirm_early")


# -- recovery sites


def failed_over_and_back() -> dict[str, Any]:
    """The recovery site lacks a little; that home leads again after 17 s changes nothing."""
    made = sites("warm_standby", checks=["no_lost_ack"], stop_s=30)
    made["faults"].append(restored_at(16))
    return made


def one_of_two_crashed() -> dict[str, Any]:
    """Sites that all accept writes are parted; then the one that took them goes down."""
    cut = apart(["north1", "north2"], ["south", "store"], at_s=5)
    crash = {"at_s": 7, "do": "kill", "target": "south"}
    return sites("active_active", checks=["no_lost_ack"], faults=[cut, crash])


# -- merged types: what all replicas show


def added(*faults: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Two elements, the second while its replica is cut off."""
    lines = [
        {"client": "c", "at": "p", "to": "p", "operation": "add", "key": "x", "value": value, "at_s": at}
        for at, value in ((0.5, "a"), (2, "b"))
    ]
    return drawn("crdt", ["p", "q"], operations=lines, faults=[apart(["p"], ["q"]), *faults], **more)


BEHIND = {"bo": {"offset_ms": -5000}}
ALONE = {"n": 1, "w": 1, "r": 1}
DATED: dict[str, tuple[Callable[[], dict[str, Any]], float, float]] = {
    "overwritten": (overwritten, 4, 4.7),
    "never shown": (never_shown, 0.8, 0.81),
    "lost with its leader": (lost_with_its_leader, 3.2, 3.2),
    "another policy": (settled_by_another_policy, 5, 5),
    "an empty disk is served": (lambda: cluster({}, LOST, stop_s=10), 5, 5.1),
    "a shard is given away": (given_away, 5, 5.5),
    "a shard is restored": (restored, 7, 7.5),
    "moved without freezing": (moved_without_freezing, 2.05, 2.1),
    "a relay confirms early": (confirmed_early, 2, 2.1),
    "a master lost its disk": (lambda: masters(wiped("dhaka", 3, 4)), 4, 4),
    "the only master that had it died": (
        lambda: masters([KILL, {"at_s": 3, "do": "kill", "target": "dhaka"}], standbys=0), 3, 3,
    ),
    "an old clock": (
        lambda: scripted({"mode": "majority"}, [put("a", "anna", "old", 1), put("b", "bo", "new", 2)], clocks=BEHIND),
        2, 2.1,
    ),
    "the only owner died": (
        lambda: quorum(ALONE, names=("anna", "bo", "cleo"), keys=30, faults=wiped("cleo", 4, 5)), 4, 4,
    ),
    "the only owner left": (
        lambda: quorum(
            ALONE, keys=30, faults=[{"at_s": 3, "do": "configure", "remove": "dan"}, *wiped("cleo", 5, 6)]
        ),
        3, 3.1,
    ),
    "a repair goes backwards": (lambda: {**SCRIPTS["repairs_backwards"](), "twin": "repairs_backwards"}, 4, 4.1),
    "a site took over": (failed_over_and_back, 11, 12),
    "an active site crashed": (one_of_two_crashed, 7, 7),
    "a standby took over": (lambda: drill(checks=["no_lost_ack"]), 15, 25),
    "the only replica that had it died": (lambda: added({"at_s": 3, "do": "kill", "target": "p"}), 3, 3),
    "it came back and learned the rest": (lambda: added(*wiped("p", 3, 4.5)), 4.5, 4.7),
    "all replicas lost their disks": (
        lambda: added(*wiped("p", 4.5, 5), *wiped("q", 4.6, 5.1)), 5, 5,
    ),
}  # fmt: skip
SHIPPED = {"DR-01/warm_standby": (103, 110), "DR-03/nothing": (50, 50.1), "AM-01": (2, 2.5)}


def loss_of(world: World) -> Verdict:
    found = world.verdicts()
    return found["no_lost_ack"] if "no_lost_ack" in found else found["no_lost_update"]


def looked_at(experiment: Experiment, step_us: int) -> dict[int, Verdict]:
    """What the check says at each step; the last one ends with the run."""
    world, found = World(experiment), {}
    end_us = round(experiment.stop_s * 1_000_000)
    for at_us in [*range(step_us, end_us, step_us), end_us]:
        world.run_until(at_us)
        found[at_us] = loss_of(world)
    return found


def is_dated(experiment: Experiment, from_s: float, to_s: float) -> None:
    """However often somebody looks, and through copies, the loss has one date."""
    often, seldom = looked_at(experiment, 50_000), looked_at(experiment, 1_700_000)
    end_us, verdict = often.popitem()
    assert verdict.verdict == "violated"
    assert seldom[end_us] == verdict
    assert verdict.at_us is not None
    assert verdict.event is not None
    assert from_s <= verdict.at_us / 1_000_000 <= to_s
    since = [one for at_us, one in often.items() if at_us >= verdict.at_us and one.verdict == "violated"]
    assert {(one.at_us, one.event) for one in since} <= {(verdict.at_us, verdict.event)}
    world = World(experiment)
    world.run_until(verdict.at_us)
    for copy in (world.fork(), World.load(experiment, world.save())):
        copy.run_until(end_us)
        assert loss_of(copy) == verdict


@pytest.mark.parametrize("name", DATED)
def test_a_loss_has_the_date_of_what_made_it_one(name: str) -> None:
    made, from_s, to_s = DATED[name]
    is_dated(parse(made(), SYSTEMS), from_s, to_s)


@pytest.mark.parametrize("reference", SHIPPED)
def test_what_ships_has_the_date_of_what_made_it_one(reference: str) -> None:
    is_dated(load(reference), *SHIPPED[reference])
