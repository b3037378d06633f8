"""no_lost_ack remembers what it found: it answers as one that looks at every acknowledged operation each time."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.checks.no_lost_ack import NoLostAck
from simulations.engine.experiment import parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.systems.raft.process import Raft
from simulations.engine.systems.raft.properties import RaftNoLostAck
from simulations.engine.world import World
from tests.systems.nemesis import experiment

LOOKS = 180


class LooksAtAll(RaftNoLostAck):
    """The dumb twin."""

    compare = NoLostAck.compare


@pytest.mark.parametrize("twin", [None, "count_prior_term", "acknowledge_before_disk"])
@pytest.mark.parametrize("compact_every", [0, 20])
def test_it_answers_as_one_that_looks_at_all(twin: str | None, compact_every: int) -> None:
    found: list[str] = []
    shortcuts = 0
    for seed in range(1, 4):
        plain = experiment(seed, "raft", {"compact_every": compact_every}, twin=twin, disk_ms=5, servers=5)
        checks = {"no_lost_ack": RaftNoLostAck(), "all": LooksAtAll()}
        world = World(parse(plain, SYSTEMS), seed, record="checks", checks=checks)  # type: ignore[arg-type]
        for look in range(1, LOOKS + 1):
            world.run_until(int(look * plain["stop_s"] * 1_000_000 // LOOKS))
            if look % 7 == 0:
                world = world.fork()
            verdicts = world.verdicts()
            quick, slow = verdicts["no_lost_ack"], verdicts["all"]
            assert (quick.verdict, quick.judged, quick.values) == (slow.verdict, slow.judged, slow.values)
            found.append(quick.verdict)
            shortcuts += took_shortcut(world)
    assert "holds" in found
    assert shortcuts > 10, "the shortcut was never taken: this test compares nothing"


def took_shortcut(world: World) -> bool:
    """Whether the check's next look begins where the last one ended."""
    check: Any = world.observer.checks["no_lost_ack"]
    processes: list[Any] = [context.process for context in world.kernel.contexts]
    leaders = [p for p in processes if isinstance(p, Raft) and p.role == "leader"]
    return any(check.found[0] and one.log.first <= check.found[1] <= one.last_applied for one in leaders)


def test_it_remembers_what_compaction_takes_also_when_it_begins_later() -> None:
    """Checks are told of what is applied only where logs are compacted: a parameter that may change in a run."""
    plain = experiment(1, "raft", {"compact_every": 0}, disk_ms=5, servers=3)
    world = World(parse({**plain, "faults": []}, SYSTEMS), 1, record="checks")
    world.run_until(2_000_000)
    world.command(2_000_000, {"do": "set_parameter", "name": "compact_every", "value": 5}, 1)
    world.run_until(6_000_000)
    servers = [one.process for one in world.kernel.contexts if isinstance(one.process, Raft)]
    assert any(server.log.first > 5 for server in servers), "nothing was compacted"
    assert world.verdicts()["no_lost_ack"].verdict == "holds"
