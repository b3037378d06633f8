"""Every broken twin is caught by the check that is named for it, on a script where its rule matters; the correct system
passes the same script, and the twin passes a run without faults."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.systems.zookeeper.descriptor import DESCRIPTOR
from simulations.engine.systems.zookeeper.twins import TWINS
from tests.systems.nemesis import experiment
from tests.systems.zookeeper.helpers import operation, ran, recipe, verdict

SLOW_DISK = {"default": {"write_ms": 300}}
ALL = ["s1", "s2", "s3"]
EARLIER = operation(1, "set", "/y", value=0)


def with_check(check: str, **changes: Any) -> dict[str, Any]:
    return recipe(checks=[check], **changes)


SCRIPTS: dict[str, dict[str, Any]] = {
    # s1 proposes while it is cut off, and has to throw the proposal away.
    "keeps_database": with_check(
        "process_consistency",
        operations=[
            operation(2.05, "set", "/x", server="s1", value="never"),
            operation(6, "set", "/z", client="c2", server="s2", value=1),
        ],
        faults=[{"at_s": 2, "do": "partition", "groups": [["s1"], ["s2", "s3"]], "for_s": 3}],
    ),
    # s1 brings its history to the others, whose disks are slow; all lose power as soon as it is established.
    "acks_before_disk": with_check(
        "leader_log_completeness",
        initial={"nodes": {"s1": {"epoch": 1, "last": 7}, "s2": {}, "s3": {}}},
        storage=SLOW_DISK,
        faults=[
            {"when": {"event": "note", "note": "zookeeper.established"}, "do": "kill", "target": ALL},
            {"at_s": 4, "do": "restart", "target": ["s2", "s3"]},
        ],
    ),
    "acks_proposals_early": with_check(
        "no_lost_ack",
        stop_s=11,
        storage=SLOW_DISK,
        operations=[operation(4, "set", "/y", value=0), operation(6, "set", "/x", value=1)],
        faults=[
            {"at_s": 6.1, "do": "kill", "target": ALL},
            {"at_s": 6.5, "do": "restart", "target": ALL},
        ],
    ),
    # s1 and s2 agree to an epoch; s2 comes back with s3, which never heard of it.
    "forgets_epoch": with_check(
        "one_leader_per_epoch",
        topology={
            "nodes": [{"id": "s1"}, {"id": "s2"}, {"id": "s3", "starts": "off"}],
            "links": {"default": {"latency_ms": 10, "ordered": True}},
        },
        faults=[
            {"at_s": 2, "do": "kill", "target": ["s1", "s2"]},
            {"at_s": 2.5, "do": "restart", "target": ["s2", "s3"]},
        ],
    ),
    "skips_gaps": with_check(
        "local_primary_order",
        operations=[operation(2 + number / 100, "set", "/x", value=number) for number in range(5)],
        faults=[{"at_s": 1.9, "do": "drop", "match": {"message": "Propose", "to": "s3", "count": 1}, "for_s": 1}],
    ),
    # s3 writes the history to its slow disk while more is proposed.
    "proposes_to_current": with_check(
        "local_primary_order",
        storage=SLOW_DISK,
        operations=[operation(2 + number / 20, "set", "/x", value=number) for number in range(90)],
        faults=[{"at_s": 2.2, "do": "kill", "target": "s3", "for_s": 0.5}],
    ),
    # The proposal is only on the leader, which dies.
    "commits_early": with_check(
        "no_lost_ack",
        operations=[EARLIER, operation(2, "set", "/x", server="s1", value=1)],
        faults=[
            {"at_s": 1.99, "do": "drop", "match": {"message": "Propose", "from": "s1"}, "for_s": 0.5},
            {"at_s": 2.1, "do": "kill", "target": "s1", "for_s": 2},
        ],
    ),
    # s5 comes while a proposal is on s1 alone, and is told that it is committed.
    "commits_what_is_acked": with_check(
        "committed_log_durability",
        servers=5,
        operations=[EARLIER, operation(3, "set", "/x", server="s1", value=1)],
        faults=[
            {"at_s": 2, "do": "kill", "target": "s5"},
            {"at_s": 2.99, "do": "drop", "match": {"message": "Propose", "from": "s1"}, "for_s": 0.6},
            {"at_s": 2.99, "do": "drop", "match": {"message": "Missing", "to": "s1"}, "for_s": 0.6},
            {"at_s": 3.1, "do": "restart", "target": "s5"},
        ],
    ),
    # A write waits on the link from s3 to the leader while its client moves to another server and goes on.
    "old_server_speaks": with_check(
        "fifo_client_order",
        operations=[
            operation(2, "set", "/x", to="s3", at="s3", value="old"),
            operation(3, "set", "/x", to="s2", value="new"),
        ],
        faults=[{"at_s": 1.9, "do": "hold", "from": "s3", "to": "s1", "one_way": True, "for_s": 1.8}],
    ),
    # The client has seen its own write at s1 and moves to s3, which has not.
    "serves_behind": with_check(
        "sequential_per_client",
        operations=[
            operation(1, "set", "/x", to="s1", value=0),
            operation(3, "set", "/x", to="s1", value=1),
            operation(3.1, "get", "/x", to="s3"),
        ],
        faults=[{"at_s": 2, "do": "drop", "match": {"message": "Propose", "to": "s3"}, "for_s": 2}],
    ),
}  # fmt: skip


def test_every_twin_has_its_script() -> None:
    assert set(SCRIPTS) == set(TWINS) == {twin.name for twin in DESCRIPTOR.twins}


@pytest.mark.parametrize(
    ("twin", "check"), [(twin.name, check) for twin in DESCRIPTOR.twins for check in twin.caught_by]
)
def test_a_twin_is_caught_and_the_correct_system_is_not(twin: str, check: str) -> None:
    assert verdict(ran(SCRIPTS[twin]), check) == "holds"
    assert verdict(ran({**SCRIPTS[twin], "twin": twin}), check) == "violated"


@pytest.mark.parametrize("twin", sorted(TWINS))
def test_a_twin_passes_a_run_without_faults(twin: str) -> None:
    plain = experiment(
        3, "zookeeper", {}, twin=twin, stop_s=3.0, disk_ms=1, mix={"put": 2, "get": 1}, faults=False
    )
    plain["topology"]["links"]["default"]["ordered"] = True
    world = ran(plain)
    wrong = {name: found.verdict for name, found in world.verdicts().items() if found.verdict != "holds"}
    assert not {name: found for name, found in wrong.items() if name not in world.meter_names}
