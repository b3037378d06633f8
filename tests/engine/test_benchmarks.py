"""The benchmarks run and say what they measured. Nothing here depends on how fast this machine is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import engine, rewind
from benchmarks.__main__ import PARTS, figure, main, row
from benchmarks.engine import Effort
from benchmarks.hold import hold, paired

TINY = Effort(events=300, rounds=1, entries=60, calls=3)


def test_the_hold_model_gives_a_rate_and_a_ratio() -> None:
    assert hold(1_000) > 0
    ratio, rate, h = paired(lambda: 10.0, rounds=1, operations=1_000)
    assert rate == 10
    assert ratio == pytest.approx(rate / h)


@pytest.mark.parametrize("nodes", [3, 5, 9])
def test_rates_count_events_and_virtual_time(nodes: int) -> None:
    found = engine.rate(nodes, each=engine.checkpoint, effort=TINY)
    assert set(found) == {"ratio", "events_per_s", "H", "virtual_s_per_cpu_s"}
    assert min(found.values()) > 0


def test_the_measured_cluster_writes_and_judges() -> None:
    world = engine.aged(60)
    verdicts = {name: verdict.verdict for name, verdict in world.verdicts().items()}
    assert set(verdicts) == set(engine.FIVE)
    assert "violated" not in verdicts.values()
    assert verdicts["log_matching"] == "holds"
    assert world.metrics_now()["acknowledged"] > 30


def test_a_traced_world_gives_bytes() -> None:
    world = engine.world_of(3, "full")
    assert len(engine.traced(world)) > 100


def test_checkpoints_are_measured() -> None:
    assert min(engine.checkpoint_figures(engine.world_of(3), engine.world_of(3), TINY).values()) > 0


def test_rewinds_reach_the_moment() -> None:
    assert min(rewind.rewinds_ms(3.0, 2).values()) > 0


@pytest.mark.parametrize("part", ["engine", "systems", "history", "linearizability"])
def test_every_part_gives_figures(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.__main__.SIZES", (3,))
    for name, item in PARTS[part](TINY).items():
        assert set(item) == {"value", "unit", "goal", "floor", "met"}
        assert name in row(name, item)


def test_a_missed_goal_is_said() -> None:
    assert "MISSED" in row("speed", figure(1, "H", 2))
    assert "MISSED" not in row("speed", figure(3, "H", 2))
    assert "MISSED" in row("time", figure(3, "ms", 2, lower=True))


def test_the_json_holds_what_was_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bench.json"
    assert main(["--quick", "--only", "linearizability", "--json", str(path)]) == 0
    figures = json.loads(path.read_text())["figures"]["linearizability"]
    printed = capsys.readouterr().out
    assert figures
    assert all(name in printed for name in figures)
