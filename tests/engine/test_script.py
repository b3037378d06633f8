"""Script lines and commands: when they fire, whom they hit, what is recorded, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.experiment import ExperimentError
from tests.engine.probe import heard, seen, world


def told(run: Any) -> list[dict[str, Any]]:
    """What the trace says of script lines and commands."""
    return [event[5] for event in run.take_chunk().plain()["events"] if event[2] == 4]


def states(run: Any) -> str:
    return "".join(host.state[0] for host in run.kernel.hosts.values())


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("leader", "udu"),
        ("followers", "dud"),
        ("minority", "uud"),
        ("majority", "ddu"),
        ("all", "ddd"),
        (["n1", "rest"], "ddd"),
        ("n3", "uud"),
        ("a", "ddd"),
        ("leader/probe", "udu"),
    ],
)
def test_targets_are_resolved_when_the_line_fires(target: Any, expected: str) -> None:
    run = world(faults=[{"at_s": 1, "do": "kill", "target": target}], record="full")
    run.run_until(2_000_000)
    assert states(run) == expected
    assert set(told(run)[0]["resolved"]) == {f"n{i + 1}" for i, state in enumerate(expected) if state == "d"}


def test_a_target_that_is_missing_is_waited_for_and_then_skipped() -> None:
    lines = [
        {"at_s": 1, "do": "kill", "target": "n2"},
        {"at_s": 2, "do": "pause", "target": "leader", "wait_s": 3},
        {"at_s": 4, "do": "restart", "target": "n2"},
    ]
    run = world(faults=lines, record="full")
    run.run_until(6_000_000)
    assert states(run) == "upu"
    assert run.skipped_lines == []
    run = world(faults=lines[:2], record="full")
    run.run_until(8_000_000)
    assert run.skipped_lines == [1]
    assert told(run)[-1]["skipped"] == "no_target"


def test_a_repeated_line_that_waited_keeps_its_beat_and_waits_anew() -> None:
    lines = [
        {"at_s": 0.9, "do": "kill", "target": "n2", "for_s": 1.6},
        {"at_s": 3.5, "do": "kill", "target": "n2", "for_s": 1},
        {"every_s": 1, "do": "pause", "target": "leader", "for_s": 0.1, "wait_s": 3, "until_s": 8},
    ]
    run = world(faults=lines, record="full")
    run.run_until(9_000_000)
    events = [
        event for event in run.take_chunk().plain()["events"] if event[2] == 4 and event[5]["do"] == "pause"
    ]
    paused = [event[1] / 1_000_000 for event in events if "skipped" not in event[5]]
    assert paused == [2.5, 3, 4.5, 5, 6, 7]
    assert run.skipped_lines == []


def test_a_timer_that_nobody_armed_is_skipped() -> None:
    run = world(
        operations=[(0.5, "n1", "timer", "t", 5_000_000)],
        faults=[
            {"at_s": 1, "do": "fire_timer", "target": "n1", "timer": "t"},
            {"at_s": 2, "do": "fire_timer", "target": "n1", "timer": "t"},
        ],
    )
    run.run_until(3_000_000)
    assert (1000.0, "timer t") in seen(run, "n1")
    assert run.skipped_lines == [1]


@pytest.mark.parametrize(("target", "answered"), [("all", 0), ("crowd", 30), ("one", 60), ("crowd-2", 60)])
def test_load_means_clients_one_by_one_as_a_crowd_or_all(target: str, answered: int) -> None:
    workload = [
        {"client": "one", "at": "n1", "operation": "cancel", "rate": 10},
        {"client": "crowd", "at": "n2", "operation": "cancel", "rate": 10, "count": 2},
    ]
    lines = [{"at_s": 0, "do": "load", "target": target, "times": 0}]
    run = world(workload=workload, faults=lines, latency_ms=1)
    run.run_until(3_050_000)
    assert sum(total["ok"] for total in run.totals().values()) == pytest.approx(answered, abs=3)


def test_a_check_expected_of_a_skipped_line_is_unknown() -> None:
    run = world(
        faults=[{"at_s": 1, "do": "kill", "target": "n2"}, {"at_s": 2, "do": "pause", "target": "leader"}],
        checks=[{"metric": "acknowledged", "at_least": 0}],
    )
    run.run_until(9_000_000)
    assert run.results()["checks"][0]["verdict"] == "unknown"


def test_repeated_lines_with_a_chance_draw_at_fixed_instants() -> None:
    lines = [
        {"every_s": 1, "do": "pause", "target": "random", "for_s": 0.5, "probability": 0.5, "until_s": 20}
    ]
    run = world(faults=lines, record="full")
    run.run_until(25_000_000)
    found = told(run)
    fired = [line for line in found if line["do"] == "pause"]
    assert 3 <= len([line for line in fired if "skipped" not in line]) <= 16
    assert len(fired) == 19
    again = world(faults=lines, record="full")
    again.run_until(25_000_000)
    assert told(again) == found


def test_a_line_keeps_its_draws_when_one_before_it_is_taken_out() -> None:
    def fired(*lines: dict[str, Any]) -> list[Any]:
        run = world(faults=list(lines), record="full", stop_s=40)
        run.run_until(40_000_000)
        slow = [
            event
            for event in run.take_chunk().plain()["events"]
            if event[2] == 4 and event[5]["do"] == "slow"
        ]
        return [(event[1], event[5].get("skipped"), event[5].get("resolved")) for event in slow]

    first = {"at_s": 0.5, "do": "pause", "target": "n1", "for_s": 0.1}
    drawn = {"every_s": 2, "probability": 0.5, "do": "slow", "target": "random", "cpu_times": 2}
    both, alone = fired(first, drawn), fired(drawn)
    assert {skipped for _, skipped, _ in both} == {None, "chance"}
    assert both != alone
    assert fired({**drawn, "draws_as": 1}) == both
    assert fired({**drawn, "draws_as": 0}) == alone
    late = {"at_s": {"uniform": [1, 30]}, "do": "slow", "target": "n1", "cpu_times": 2}
    assert fired(first, late) == fired({**late, "draws_as": 1}) != fired(late)


def test_random_lines_stay_within_the_fault_budget_unless_unlimited() -> None:
    lines = [{"every_s": 1, "do": "kill", "target": "random"}]
    run = world(nodes=5, faults=lines)
    run.run_until(20_000_000)
    assert states(run).count("d") == 2
    run = world(nodes=5, faults=[{**lines[0], "unlimited": True}])
    run.run_until(20_000_000)
    assert states(run).count("d") == 5


def test_at_most_and_drawn_times() -> None:
    run = world(
        faults=[
            {"every_s": 1, "do": "pause", "target": "n1", "for_s": 0.1, "at_most": 2},
            {"at_s": {"uniform": [3, 9]}, "do": "kill", "target": "n3"},
        ],
        record="full",
    )
    run.run_until(10_000_000)
    fired = [line for line in told(run) if line["do"] == "pause" and "skipped" not in line]
    assert len(fired) == 2
    assert states(run) == "uud"


@pytest.mark.parametrize(
    ("when", "at_ms"),
    [
        ({"event": "deliver", "node": "n2", "message": "Ping", "count": 3}, 1011.0),
        ({"event": "send", "from": "n1", "message": "Ping"}, 1001.0),
        ({"event": "request", "operation": "burst"}, 1001.0),
        ({"event": "reply", "client": "at-n1", "delay_ms": 100}, 1102.0),
        ({"event": "view", "node": "n2", "field": "seen_count", "value": {"at_least": 4}}, 1011.0),
        ({"event": "durable", "after_s": 1}, 1531.0),
        ({"event": "timer", "timer": "t"}, 1901.0),
        ({"event": "fault"}, 500.0),
    ],
)
def test_lines_wait_for_events(when: dict[str, Any], at_ms: float) -> None:
    run = world(
        storage={"default": {"write_ms": 30}},
        operations=[
            (1, "n1", "burst", "n2", 5),
            (1.5, "n1", "write", "v", "x"),
            (1.4, "n1", "timer", "t", 500_000),
        ],
        faults=[
            {"at_s": 0.5, "do": "heal"},
            {"when": when, "do": "set_parameter", "name": "word", "value": "now"},
        ],
    )
    run.run_until(5_000_000)
    assert [at for at, what in seen(run, "n3") if what == "parameter now"] == [at_ms]


@pytest.mark.parametrize("record", ["none", "checks", "aggregate", "full"])
@pytest.mark.parametrize(
    ("when", "at_ms"),
    [
        ({"event": "send", "from": "n1", "message": "Ping", "count": 6}, 1501.0),
        ({"event": "note", "node": "n2", "note": "probe.heard", "count": 5}, 1011.0),
        ({"event": "note", "note": "probe.heard", "match": {"what": "y"}}, 1611.0),
    ],
)
def test_what_lines_wait_for_is_the_same_whoever_records(
    when: dict[str, Any], at_ms: float, record: str
) -> None:
    """Found by RA-09: a live run never promoted its learner, as its recorder had taken the note away."""
    run = world(
        operations=[
            (1, "n1", "burst", "n2", 5),
            (1.5, "n1", "tell", "n2", "x"),
            (1.6, "n1", "tell", "n2", "y"),
        ],
        faults=[{"when": when, "do": "set_parameter", "name": "word", "value": "now"}],
        record=record,
    )
    run.run_until(1_505_000)
    if record in ("aggregate", "full"):
        run.take_chunk()
    run.run_until(5_000_000)
    assert [at for at, what in seen(run, "n3") if what == "parameter now"] == [at_ms]


def test_operations_wait_for_events() -> None:
    plain = {
        "client": "c",
        "at": "n3",
        "to": "n3",
        "operation": "tell",
        "key": "n1",
        "value": "saw it",
        "when": {"event": "deliver", "node": "n2", "message": "Ping"},
    }
    run = world(operations=[(1, "n1", "tell", "n2", "x")])
    base = run.experiment
    from simulations.engine.experiment import parse, to_plain
    from simulations.engine.world import World
    from tests.engine.probe import SYSTEMS

    data = to_plain(base)
    data["operations"].append(plain)
    run = World(parse(data, SYSTEMS), systems=SYSTEMS, record="full")
    run.run_until(3_000_000)
    assert heard(run, "n1") == ["n3 says saw it"]
    said = {"client": "c", "operation": "tell", "key": "n1", "value": "saw it"}
    assert told(run) == [{"do": "client", "resolved": ["c"], **said}]


def test_a_command_happens_after_everything_queued_for_its_time() -> None:
    run = world(operations=[(1, "n1", "tell", "n2", "x")])
    run.command(1_011_000, {"do": "kill", "target": "n2"}, 1)
    run.run_until(2_000_000)
    assert heard(run, "n2") == ["n1 says x"]  # it arrives at 1,011,000 us, before the kill
    run = world(operations=[(1, "n1", "tell", "n2", "x")])
    run.command(1_010_999, {"do": "kill", "target": "n2"}, 1)
    run.run_until(2_000_000)
    assert heard(run, "n2") == []


def test_the_order_of_a_commands_keys_is_no_part_of_the_recipe() -> None:
    digests = set()
    for do in ({"do": "cut", "from": "n1", "to": "n2"}, {"to": "n2", "from": "n1", "do": "cut"}):
        run = world(operations=[(2, "n1", "tell", "n2", "x")])
        run.command(1_000_000, do, 1)
        run.run_until(3_000_000)
        digests.add(run.digest())
    assert len(digests) == 1


def test_a_command_in_the_past_or_malformed_is_an_error() -> None:
    run = world()
    run.run_until(1_000_000)
    with pytest.raises(ValueError, match="at_us"):
        run.command(999_999, {"do": "kill", "target": "n1"}, 1)
    for do in ({"do": "explode"}, {"do": "kill"}, {"do": "kill", "target": "n1", "how": 1}, {}):
        with pytest.raises(ExperimentError):
            run.command(2_000_000, do, 1)


@pytest.mark.parametrize(
    ("before", "do", "reason"),
    [
        ([], {"do": "restart", "target": "n1"}, "running"),
        ([{"do": "kill", "target": "n1"}], {"do": "kill", "target": "n1"}, "down"),
        ([{"do": "pause", "target": "n1"}], {"do": "pause", "target": "n1"}, "paused"),
        ([], {"do": "resume", "target": "n1"}, "not_paused"),
        ([], {"do": "heal"}, "nothing_cut"),
        ([], {"do": "release"}, "nothing_held"),
        ([{"do": "kill", "target": "n2"}], {"do": "kill", "target": "leader"}, "no_target"),
        ([], {"do": "fire_timer", "target": "n1", "timer": "x"}, "no_timer"),
        ([], {"do": "drop", "match": {"event": 99999}}, "no_message"),
        ([], {"do": "set_parameter", "name": "nothing", "value": 1}, "no_parameter"),
        ([], {"do": "client", "client": "nobody", "operation": "get", "key": "k"}, "no_client"),
        ([], {"do": "explode"}, "malformed"),
        ([], {"do": "kill", "target": "n1"}, None),
        ([{"do": "kill", "target": "n1"}], {"do": "kill", "target": ["n1", "n2"]}, None),
        ([{"do": "cut", "from": "n1", "to": "n2"}], {"do": "heal"}, None),
    ],
)
def test_commands_that_make_no_sense_are_refused_with_the_reason(
    before: list[dict[str, Any]], do: dict[str, Any], reason: str | None
) -> None:
    run = world()
    for number, line in enumerate(before):
        run.command(1_000_000, line, number)
    run.run_until(1_500_000)
    digest = run.digest()
    found = run.refusal(do)
    assert (found.reason if found else None) == reason
    if found is not None:
        assert found.text.en
        assert found.text.zh
    assert run.digest() == digest


def test_for_s_ends_what_it_began_and_nothing_else() -> None:
    run = world(
        faults=[
            {"at_s": 1, "do": "cut", "from": "n1", "to": "n2", "for_s": 1},
            {"at_s": 1.5, "do": "partition", "groups": [["n1"], ["n2", "n3"]], "for_s": 3},
        ],
        operations=[(at, "n1", "tell", "n2", str(at)) for at in (0.5, 1.2, 2.5, 5)],
    )
    run.run_until(6_000_000)
    assert heard(run, "n2") == ["n1 says 0.5", "n1 says 5"]


def test_the_faults_in_force_are_told() -> None:
    run = world(
        faults=[
            {"at_s": 1, "do": "kill", "target": "n1"},
            {"at_s": 1, "do": "partition", "shape": "halves"},
            {"at_s": 1, "do": "loss", "chance": 0.1},
            {"at_s": 1, "do": "hold", "from": "n3"},
        ],
        record="full",
    )

    def active() -> list[str]:
        return sorted(fault.do for fault in run.faults.active.values())

    run.run_until(1_000_000)
    assert active() == ["hold", "kill", "loss", "partition"]
    for number, (do, left) in enumerate(
        [
            ({"do": "restart", "target": "n1"}, ["hold", "loss", "partition"]),
            ({"do": "heal"}, ["hold", "loss"]),
            ({"do": "release"}, ["loss"]),
            ({"do": "reset_links"}, []),
        ]
    ):
        run.command(run.now_us, do, number)
        run.run_until(run.now_us + 1000)
        assert active() == left
