"""Clients: what an answer teaches them."""

from __future__ import annotations

from simulations.engine.experiment import parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World


def test_a_client_without_retries_asks_the_hinted_leader_the_next_time() -> None:
    plain = {
        "format": 1, "id": "hint", "title": {"en": "Hint", "zh": "提示"}, "system": "raft",
        "topology": {"preset": "one_zone_3"}, "initial": {"leader": "n1", "term": 1},
        "workload": [{"client": "c", "at": "n2", "rate": 10, "retries": 0, "start_s": 0.5}], "stop_s": 3,
    }  # fmt: skip
    world = World(parse(plain, SYSTEMS))
    world.run_until(3_000_000)
    totals = world.totals()["c"]
    assert (totals["fail"], totals["unknown"]) == (1, 0)
    assert totals["ok"] >= 20


def test_a_repeated_operation_without_a_time_begins_one_beat_in() -> None:
    plain = {
        "format": 1, "id": "beat", "title": {"en": "Beat", "zh": "节拍"}, "system": "raft",
        "topology": {"preset": "one_zone_3"}, "initial": {"leader": "n1", "term": 1},
        "operations": [
            {"client": "c", "at": "n1", "operation": "append", "key": "x", "value": "q", "every_s": 0.5, "count": 3}
        ],
        "stop_s": 3,
    }  # fmt: skip
    world = World(parse(plain, SYSTEMS))
    world.run_until(3_000_000)
    begun = [operation.invoked_us for operation in world.history.operations.values()]
    assert begun == [500_000, 1_000_000, 1_500_000]
