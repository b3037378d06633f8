"""Backups, restores, mistakes that replicate: the lessons of GitLab's 2017 postmortem, and the broken twins."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from simulations import catalogue
from simulations.engine import harness
from simulations.engine.experiment import parse, variant
from simulations.engine.meters import Scope
from simulations.engine.registry import SYSTEMS
from simulations.engine.systems.disaster_recovery import DESCRIPTOR
from simulations.engine.systems.disaster_recovery.parameters import Parameters
from simulations.engine.systems.disaster_recovery.twins import TWINS
from simulations.engine.world import World
from tests.budget import seeds
from tests.systems.disaster_recovery.helpers import metric, play, restored_at, site, sites, verdict
from tests.systems.kept_notes import noted


def wiped(seed: int = 5, **parameters: Any) -> dict[str, Any]:
    """One server loses its disk at 11 s; somebody restores it from 12 s on."""
    plain = sites("backup_and_restore", servers=1, parameters=parameters, seed=seed)
    plain["topology"]["nodes"] = [node for node in plain["topology"]["nodes"] if node["id"] != "south"]
    for line in plain["workload"]:
        line["at"] = "store"
    plain["faults"] = [
        {"at_s": 11, "do": "disk_lose", "target": "north1", "everything": True},
        {"at_s": 11, "do": "kill", "target": "north1", "for_s": 0.1},
        {"at_s": 12, "do": "restore_backup", "target": "north1"},
    ]
    return plain


# -- backups ---------------------------------------------------------------------------------------------------------


def test_a_verified_backup_brings_back_all_but_the_last_interval() -> None:
    world = play(wiped())
    assert verdict(world, "backups_restorable") == "holds"
    assert 0 < metric(world, "rpo_s") <= 4 + 1.5


def test_a_job_that_broke_silently_falls_back_to_the_last_good_copy() -> None:
    """GitLab: the dumps had been empty for a long time, and nobody had looked."""
    world = play(wiped(backup_job={"broken_from_s": 3}))
    assert verdict(world, "backups_restorable") == "violated"
    assert metric(world, "rpo_s") > 8


def test_untested_backups_are_unreadable_as_often_as_they_are_bad() -> None:
    """Whether a restore works is luck; a job that reads back always knows."""
    untested = [play(wiped(seed, backup_job="untested", unreadable=0.5)) for seed in range(1, 9)]
    broken = sum(verdict(world, "backups_restorable") == "violated" for world in untested)
    assert 2 <= broken <= 8
    for seed in (1, 2):
        checked = play(wiped(seed, backup_job="verified", unreadable=0.5))
        assert verdict(checked, "backups_restorable") == "holds"
    assert "disaster_recovery.backup_bad" in noted(checked) or "disaster_recovery.unreadable" in noted(
        checked
    )


def test_a_server_with_an_empty_disk_serves_nobody() -> None:
    plain = wiped()
    plain["faults"] = plain["faults"][:2]
    world = play(plain)
    assert site(world, "north1").role == "empty"
    assert metric(world, "acknowledged", Scope(from_us=11_200_000)) == 0


def test_a_restore_survives_a_lost_part() -> None:
    plain = wiped()
    drop = {"at_s": 15, "do": "drop", "match": {"message": "RestorePart", "count": 2}, "for_s": 5}
    plain["faults"].append(drop)
    world = play(plain)
    assert site(world, "north1").role == "primary"
    assert verdict(world, "backups_restorable") == "holds"


# -- a mistake -------------------------------------------------------------------------------------------------------


def mistaken(**parameters: Any) -> dict[str, Any]:
    """Three active sites, an archive; everything is deleted at 10 s."""
    plain = sites("active_active", servers=3, parameters=parameters, faults=[], stop_s=22)
    plain["operations"] = [
        {
            "id": "oops",
            "client": "somebody",
            "at": "north2",
            "to": "north2",
            "operation": "delete_all",
            "at_s": 10,
        }
    ]
    plain["checks"] = [{"metric": "keys_recovered_share", "at_least": 0}]
    return plain


def test_high_availability_replicates_the_mistake_in_no_time() -> None:
    world = play(mistaken())
    assert metric(world, "all_copies_wrong_ms", Scope(operation="oops")) < 100
    assert metric(world, "availability") == 1
    assert metric(world, "keys_recovered_share") == 0


def test_point_in_time_recovery_brings_back_the_moment_before() -> None:
    plain = mistaken(point_in_time=True)
    everybody = ["north1", "north2", "north3", "south"]
    plain["faults"] = [{"at_s": 12, "do": "restore_backup", "target": everybody, "to_s": 9.99}]
    world = play(plain)
    assert metric(world, "keys_recovered_share") == 1
    assert metric(world, "rpo_before_mistake_s") <= 0.1
    assert metric(world, "lost_writes") > 0  # What was written after the mistake is gone: that is its price.


def test_a_delayed_copy_can_skip_the_mistake() -> None:
    plain = mistaken(delayed_replica_s=5)
    plain["faults"] = [{"at_s": 12, "do": "command", "target": "north3", "name": "recover_from_delayed"}]
    world = play(plain)
    assert metric(world, "keys_recovered_share") == 1
    assert metric(world, "lost_writes") <= 5


def test_a_delayed_copy_is_too_late_when_nobody_looks_in_time() -> None:
    plain = mistaken(delayed_replica_s=5)
    plain["faults"] = [{"at_s": 16, "do": "command", "target": "north3", "name": "recover_from_delayed"}]
    assert metric(play(plain), "keys_recovered_share") < 1


def test_a_delayed_copy_that_leads_shows_everything_and_never_carries_out_the_mistake() -> None:
    plain = mistaken(delayed_replica_s=5)
    plain["faults"] = [{"at_s": 12, "do": "command", "target": "north3", "name": "recover_from_delayed"}]
    world = World(parse(plain, SYSTEMS))
    for at_s in (12.1, 15.5, 22):
        world.run_until(round(at_s * 1_000_000))
        copies = [site(world, f"north{n}") for n in (1, 2, 3)]
        assert [(len(copy.data), copy.deletions) for copy in copies] == [(40, 0)] * 3, at_s


def test_a_delayed_copy_that_restarts_still_lags() -> None:
    plain = mistaken(delayed_replica_s=5)
    plain["faults"] = [{"at_s": 11, "do": "kill", "target": "north3", "for_s": 0.1}]
    world = World(parse(plain, SYSTEMS))
    world.run_until(12_000_000)
    assert (len(site(world, "north3").data), site(world, "north3").deletions) == (40, 0)
    world.run_until(16_000_000)
    assert site(world, "north3").deletions == 1


def test_a_delayed_copy_goes_on_after_its_world_was_loaded() -> None:
    experiment = parse(mistaken(delayed_replica_s=5), SYSTEMS)
    world = World(experiment)
    world.run_until(8_000_000)
    again = World.load(experiment, world.save())
    for one in (world, again):
        one.run_until(20_000_000)
    assert again.digest() == world.digest()


# -- twins, nemesis, descriptor --------------------------------------------------------------------------------------


def provoked(twin: str) -> dict[str, Any]:
    """What each twin fails at."""
    if twin == "failback_without_catching_up":
        plain = sites("warm_standby", stop_s=22, parameters={"settle_s": 0.2})
        plain["faults"].append(restored_at(18))
        plain["workload"][0] |= {"rate": 80, "in_flight": 20}
    elif twin == "backup_acknowledged_early":
        plain = wiped()
        plain["workload"][0] |= {"rate": 150, "timeout_ms": 300, "in_flight": 20}
        plain["faults"].insert(
            0, {"at_s": 7.9, "do": "drop", "match": {"message": "BackupPart", "skip": 1}, "for_s": 1}
        )
    else:
        plain = sites(
            "warm_standby", faults=[{"at_s": 8, "do": "cut", "from": "top", "to": "bottom", "for_s": 6}]
        )
    return plain


@pytest.mark.parametrize("twin", DESCRIPTOR.twins, ids=lambda twin: twin.name)
def test_each_twin_is_caught_by_its_check(twin: Any) -> None:
    plain = provoked(twin.name)
    for check in twin.caught_by:
        assert verdict(play(plain), check) != "violated", "the correct system"
        assert verdict(play({**plain, "twin": twin.name}), check) == "violated"


def test_every_twin_is_described_and_passes_without_faults() -> None:
    assert set(TWINS) == {twin.name for twin in DESCRIPTOR.twins}
    for name in TWINS:
        world = play(sites("warm_standby", faults=[], twin=name, stop_s=12))
        assert all(found.verdict != "violated" for found in world.verdicts().values()), name


@pytest.mark.parametrize("seed", seeds("disaster_recovery"))
def test_random_faults_never_break_what_must_hold(seed: int) -> None:
    """Crashes, cuts and loss in both regions; calm at the end: one primary, copies that agree, failbacks that lose
    nothing, backups that are what they claim."""
    tier = ("backup_and_restore", "pilot_light", "warm_standby")[seed % 3]
    plain = sites(tier, servers=3, seed=seed, stop_s=36, parameters={"restore_mb_s": 200})
    long_enough_s = 7 if tier == "backup_and_restore" else 2.5
    plain["storage"] = {"default": {"write_ms": {"uniform": [0.5, 5]}}}
    plain["topology"]["links"]["default"] |= {"loss": 0.02, "duplicate": 0.03, "reorder": 0.05}
    plain["faults"] = [
        {"every_s": 4.3, "until_s": 22, "do": "kill", "target": "random", "for_s": 1.1},
        {"every_s": 7.5, "until_s": 22, "do": "cut", "from": "top", "to": "bottom", "for_s": long_enough_s},
        {"every_s": 5.9, "until_s": 22, "do": "pause", "target": "random", "for_s": 0.7},
    ]
    world = play(plain)
    found = world.verdicts()
    for check in ("one_primary_per_epoch", "failback_loses_nothing", "backups_restorable"):
        assert found[check].verdict != "violated", f"seed {seed}: {check} {found[check].values}"
    homes = [site(world, f"north{n}") for n in (1, 2, 3)]
    everybody = [*homes, site(world, "south")]
    leading = [one for one in everybody if one.role == "primary"]
    assert len(leading) == 1, f"seed {seed}: {[one.role for one in everybody]}"
    for copy in homes:
        behind = sum(n for _, n in leading[0].heads()) - sum(n for _, n in copy.heads())
        assert 0 <= behind < 60, f"seed {seed}: {copy.id} {behind}"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"tier": "best"}, "tier"), ({"backup_job": "hopeful"}, "backup_job"), ({"detect_s": 0}, "detect_s"),
        ({"backup_job": {"from": 3}}, "backup_job"), ({"unreadable": 2}, "unreadable"),
    ],
)  # fmt: skip
def test_bad_parameters_are_named(values: dict[str, Any], field: str) -> None:
    with pytest.raises((ValueError, msgspec.ValidationError), match=field):
        msgspec.convert(values, Parameters)


def test_the_variants_of_dr_03_differ_on_another_seed() -> None:
    base = catalogue.load("DR-03")
    shares = []
    for one in ("", "nothing", "delayed_replica"):
        world = World(variant(base, one) if one else base, 77, systems=SYSTEMS)
        world.run_until(90_000_000)
        shares.append(harness.metric(world, "keys_recovered_share"))
    assert shares == [1, 0, 1]
