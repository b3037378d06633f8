"""The four tiers, failback, warnings: what the AWS whitepaper claims of them, measured on sites drawn here."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.meters import Scope
from simulations.engine.world import World
from tests.systems.disaster_recovery.helpers import (
    LOST_S,
    REPLICATING,
    metric,
    play,
    restored_at,
    site,
    sites,
    verdict,
)
from tests.systems.kept_notes import noted

TIERS = ("backup_and_restore", *REPLICATING)


@pytest.fixture(scope="module")
def lost() -> dict[str, World]:
    """Each tier, with home lost for good."""
    return {tier: play(sites(tier)) for tier in ("none", *TIERS)}


def test_without_disaster_recovery_nothing_is_acknowledged_after_the_loss(lost: dict[str, World]) -> None:
    assert metric(lost["none"], "acknowledged", Scope(from_us=10_200_000)) == 0


def test_recovery_times_fall_from_tier_to_tier(lost: dict[str, World]) -> None:
    times = [metric(lost[tier], "rto_s") for tier in TIERS]
    assert times == sorted(times, reverse=True)
    assert len(set(times)) == len(times)


def test_cost_rises_from_tier_to_tier(lost: dict[str, World]) -> None:
    costs = [metric(lost[tier], "cost") for tier in TIERS]
    assert costs == sorted(costs)
    assert len(set(costs)) == len(costs)


def test_recovery_from_backups_takes_detection_provisioning_transfer_and_validation(
    lost: dict[str, World],
) -> None:
    assert metric(lost["backup_and_restore"], "rto_s") == pytest.approx(1 + 3 + 100 / 50 + 0.5, abs=0.7)


def test_backups_lose_what_was_written_since_the_last_one(lost: dict[str, World]) -> None:
    """RPO is at most the interval (and the time to verify)."""
    assert 0.3 < metric(lost["backup_and_restore"], "rpo_s") <= 4 + 1.5


@pytest.mark.parametrize("tier", REPLICATING)
def test_replication_loses_at_most_what_was_on_its_way(lost: dict[str, World], tier: str) -> None:
    """A pilot light gets its log every ``pilot_ship_s`` only."""
    behind_s = lost[tier].experiment.parameters.get("pilot_ship_s", 10) if tier == "pilot_light" else 0
    assert metric(lost[tier], "rpo_s") < 0.5 + behind_s


def test_both_regions_accept_writes_at_once_so_some_conflict(lost: dict[str, World]) -> None:
    assert metric(lost["active_active"], "conflicts") > 0
    assert all(metric(lost[tier], "conflicts") == 0 for tier in TIERS[:-1])


@pytest.mark.parametrize("tier", ["backup_and_restore", "pilot_light", "warm_standby"])
def test_failback_catches_up_first_and_loses_nothing(tier: str) -> None:
    plain = sites(tier, stop_s=32)
    plain["faults"].append(restored_at(20))
    world = play(plain)
    assert site(world, "south").role == "standby"
    assert [site(world, id).role for id in ("north1", "north2")].count("primary") == 1
    assert verdict(world, "failback_loses_nothing") == "holds"
    assert metric(world, "longest_gap_ms", Scope(from_us=20_000_000)) < 1500


def test_manual_failback_waits_for_somebody() -> None:
    plain = sites("warm_standby", parameters={"failback": "manual"})
    plain["faults"].append(restored_at(15))
    assert site(play(plain), "south").role == "primary"
    plain["faults"].append({"at_s": 20, "do": "command", "target": "south", "name": "failback"})
    assert site(play(plain), "south").role == "standby"


def test_a_warning_lets_a_warm_standby_take_over_before_the_loss() -> None:
    """An order to leave a region, or a flood that is announced."""
    surprised = play(sites("warm_standby"))
    plain = sites("warm_standby")
    plain["faults"][0] |= {"cause": "evacuation", "warning_s": 3, "at_s": LOST_S - 3}
    warned = play(plain)
    assert metric(warned, "rto_s") < 1 < metric(surprised, "rto_s")
    assert metric(warned, "lost_writes") == 0


def test_a_false_alarm_is_called_off() -> None:
    plain = sites("pilot_light")
    plain["faults"] = [{"at_s": 8, "do": "cut", "from": "top", "to": "bottom", "for_s": 2}]
    world = play(plain)
    assert "disaster_recovery.false_alarm" in noted(world)
    assert site(world, "north1").role == "primary"


def test_a_long_cut_makes_two_primaries_until_the_epoch_fences_the_older() -> None:
    """From afar a cut line and a lost region look the same."""
    plain = sites("warm_standby", parameters={"failback": "manual", "salvage": False})
    plain["faults"] = [{"at_s": 8, "do": "cut", "from": "top", "to": "bottom", "for_s": 6}]
    plain["workload"].append({"client": "inside", "at": "north1", "rate": 20, "keys": 40})
    world = play(plain)
    assert "disaster_recovery.dropped" in noted(world)
    assert verdict(world, "one_primary_per_epoch") == "holds"
    assert [site(world, id).role for id in ("north1", "south")] == ["follower", "primary"]
    assert metric(world, "lost_writes") > 20


@pytest.mark.parametrize(("disk", "lost"), [("kept", False), ("readable", False), ("lost", True)])
def test_what_stays_readable_is_salvaged_when_the_region_returns(disk: str, lost: bool) -> None:
    """Power comes back and disks spin up; after a fire nothing does."""
    plain = sites("warm_standby", stop_s=20, parameters={"heartbeat_ms": 900})
    plain["faults"][0] |= {"cause": "power", "disk": disk}
    plain["workload"][0] |= {"rate": 100, "in_flight": 20}
    before = play(plain)
    plain["faults"].append(restored_at(14))
    after = play(plain)
    assert metric(before, "lost_writes") > 5
    assert (metric(after, "lost_writes") > 0) is lost
    assert ("disaster_recovery.salvages" in noted(after)) is not lost


def test_the_primary_of_home_leads_on_after_a_restart() -> None:
    plain = sites("none")
    plain["faults"] = [{"at_s": 5, "do": "kill", "target": "north1", "for_s": 0.5}]
    world = play(plain)
    assert site(world, "north1").role == "primary"
    assert verdict(world, "no_lost_ack") == "holds"


def test_an_operator_promotes_another_server() -> None:
    plain = sites("none", servers=3)
    plain["faults"] = [
        {"at_s": 5, "do": "kill", "target": "north1"}, {"at_s": 7, "do": "promote", "target": "north2"},
    ]  # fmt: skip
    world = play(plain)
    assert site(world, "north2").role == "primary"
    assert verdict(world, "no_lost_ack") == "holds"


# -- cutting, slowing, stopping ------------------------------------------------------------------------------------


def quiet(tier: str, *faults: dict[str, Any]) -> World:
    return play(sites(tier, faults=list(faults), stop_s=15))


def test_cutting_the_line_between_the_regions_stops_the_copies() -> None:
    cut = quiet("warm_standby", {"at_s": 5, "do": "cut", "from": "top", "to": "south", "one_way": True})
    assert site(cut, "south").took_over == "failover"


def test_a_slow_recovery_site_answers_slowly_after_the_takeover() -> None:
    slow = sites("warm_standby")
    slow["faults"].append({"at_s": 1, "do": "slow", "target": "south", "service_ms": 20})
    after = Scope(from_us=18_000_000, client="c")
    assert (
        metric(play(slow), "latency_p50_ms", after)
        > metric(play(sites("warm_standby")), "latency_p50_ms", after) + 10
    )


def test_a_clock_that_runs_slow_declares_the_disaster_late() -> None:
    slow = sites("warm_standby")
    slow["faults"].append({"at_s": 1, "do": "clock", "target": "south", "rate": 0.25})
    assert metric(play(slow), "rto_s") > metric(play(sites("warm_standby")), "rto_s") + 2
