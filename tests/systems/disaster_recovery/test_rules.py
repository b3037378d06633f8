"""Rules of disaster recovery that show when two things happen at once: epochs, handovers, restores, archives."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.meters import Scope
from simulations.engine.systems.disaster_recovery.messages import (
    BackupDone,
    BackupPart,
    Entry,
    RestorePart,
    RestoreRequest,
    Ship,
)
from simulations.engine.systems.disaster_recovery.meters import moments
from simulations.engine.systems.disaster_recovery.parameters import Parameters
from simulations.engine.systems.disaster_recovery.process import Site
from simulations.engine.systems.disaster_recovery.vault import Vault
from simulations.engine.world import World
from tests.systems.disaster_recovery.helpers import (
    alone,
    entries,
    metric,
    play,
    restored_at,
    site,
    sites,
    verdict,
)
from tests.systems.kept_notes import noted

# -- epochs ----------------------------------------------------------------------------------------------------------


def test_no_two_sites_ever_take_one_epoch_and_each_takes_a_later_one() -> None:
    made = {id: alone(Site, id, tier="warm_standby") for id in ("n1", "n2", "n3", "s1", "s2")}
    for epoch in range(1, 12):
        taken = set()
        for one in made.values():
            one.epoch = epoch
            taken.add(one.next_epoch())
        assert len(taken) == len(made)
        assert min(taken) > epoch


def test_an_operator_and_a_recovery_site_that_act_at_once_do_not_both_lead() -> None:
    """The line is cut and the primary dies: the deputy is promoted while the other region takes over."""
    plain = sites("warm_standby", servers=3, stop_s=14, parameters={"failback": "manual"})
    plain["faults"] = [
        {"at_s": 3, "do": "cut", "from": "top", "to": "bottom", "for_s": 5},
        {"at_s": 3, "do": "kill", "target": "north1"},
        {"at_s": 4, "do": "promote", "target": "north2"},
    ]
    plain["workload"].append({"client": "inside", "at": "north2", "rate": 20, "keys": 40})
    world = play(plain)
    assert verdict(world, "one_primary_per_epoch") == "holds"
    assert sorted(site(world, id).role for id in ("north2", "north3", "south")) == [
        "follower",
        "primary",
        "standby",
    ]


def test_who_was_fenced_leads_after_the_epoch_that_fenced_it() -> None:
    primary = alone(Site, "n1")
    primary.step_down(30)
    primary.on_operator("promote", {})
    assert primary.epoch > 30


# -- failback --------------------------------------------------------------------------------------------------------

PAUSED = {"at_s": 13.18, "do": "pause", "target": "north1", "for_s": 2.5}
"""It stops when it has everything, while the order to lead is on its way to it."""


def handed_over(*faults: dict[str, Any]) -> World:
    plain = sites("warm_standby", servers=3, stop_s=19)
    plain["faults"] += [restored_at(12), *faults]
    return play(plain)


@pytest.mark.parametrize("crash", [False, True])
def test_an_order_to_lead_that_comes_late_takes_nothing_from_who_leads_by_then(crash: bool) -> None:
    """Nobody answers the handover, so the recovery site leads on, also when it crashed meanwhile."""
    faults = [PAUSED, *([{"at_s": 13.2, "do": "kill", "target": "south", "for_s": 0.1}] if crash else [])]
    world = handed_over(*faults)
    roles = [one.role for one in moments(world) if world.kernel.contexts[one.process].id == "north1"]
    at = roles.index("primary", 1)
    assert roles[at + 1] == "follower", "the order came in time"
    assert [verdict(world, check) for check in ("one_primary_per_epoch", "failback_loses_nothing")] == [
        "holds"
    ] * 2
    assert sum(site(world, id).role == "primary" for id in ("north1", "north2", "north3", "south")) == 1


# -- salvage ---------------------------------------------------------------------------------------------------------


def returned(*faults: dict[str, Any], at_s: float = 13, detect_s: float = 1) -> World:
    """Home is lost with writes that the recovery site never got, and returns with its disks."""
    patience = {"heartbeat_ms": 900, "failback": "manual", "detect_s": detect_s}
    plain = sites("warm_standby", stop_s=at_s + 3, parameters=patience)
    plain["faults"][0] |= {"cause": "power", "disk": "kept"}
    plain["workload"][0] |= {"rate": 100, "in_flight": 20}
    plain["faults"] += [restored_at(at_s), *faults]
    return play(plain)


@pytest.mark.parametrize("message", ["Salvage", "Salvaged"])
def test_a_returned_site_keeps_its_writes_until_they_are_taken_in(message: str) -> None:
    """What carries them, or the answer, is lost."""
    world = returned({"at_s": 12.5, "do": "drop", "match": {"message": message}, "for_s": 1.4})
    assert metric(world, "lost_writes") == 0
    assert [site(world, id).epoch for id in ("north1", "north2")] == [site(world, "south").epoch] * 2


def test_writes_are_salvaged_also_after_the_recovery_site_restarted() -> None:
    world = returned({"at_s": 15, "do": "kill", "target": "south", "for_s": 0.2}, at_s=18, detect_s=4)
    assert site(world, "south").took_over == "restart"
    assert metric(world, "lost_writes") == 0


@pytest.mark.parametrize("restarts", [False, True])
def test_after_a_restore_nothing_is_salvaged(restarts: bool) -> None:
    """It was meant to throw the later writes away: a restart does not bring them back."""
    away = {"at_s": 11.2, "do": "restore_backup", "target": "south"}
    faults = [away, *([{"at_s": 17.5, "do": "kill", "target": "south", "for_s": 0.2}] if restarts else [])]
    plain = sites("warm_standby", stop_s=22, parameters={"failback": "manual", "restore_mb_s": 100})
    plain["faults"][0] |= {"cause": "power", "disk": "kept"}
    plain["faults"] += [*faults, restored_at(19)]
    world = play(plain)
    assert site(world, "south").restores == (0 if restarts else 1)
    assert "disaster_recovery.salvages" not in noted(world)
    assert metric(world, "lost_writes") > 20


# -- restoring -------------------------------------------------------------------------------------------------------


def test_who_is_promoted_does_not_go_on_with_its_restore() -> None:
    """It would throw away what it acknowledged since."""
    plain = sites("backup_and_restore", stop_s=17)
    plain["faults"].append({"at_s": 12.5, "do": "promote", "target": "south"})
    world = play(plain)
    south = site(world, "south")
    assert (south.role, south.took_over, south.restores) == ("primary", "promoted", 0)
    assert metric(world, "acknowledged", Scope(from_us=13_000_000)) > 60


def test_a_second_order_to_restore_begins_anew() -> None:
    """It comes while the data of the first is validated."""
    plain = sites("none", servers=1, stop_s=21, parameters={"validate_s": 2})
    plain["faults"] = [{"at_s": at_s, "do": "restore_backup", "target": "north1"} for at_s in (8, 13.5)]
    world = play(plain)
    assert site(world, "north1").restores == 1
    assert site(world, "north1").log.last > 100


def test_a_site_that_waits_for_a_disaster_gets_no_data_where_the_tier_copies_none() -> None:
    plain = sites("backup_and_restore", faults=[], stop_s=4)
    south = site(play(plain), "south")
    assert (south.role, south.log.last) == ("standby", 0)


def test_a_server_restored_to_an_empty_disk_leads_in_an_epoch_that_nobody_knows() -> None:
    """The others still follow the epoch in which it led before."""
    plain = sites("none", servers=3, stop_s=14)
    plain["faults"] = [
        {"at_s": 5, "do": "disk_lose", "target": "north1", "everything": True},
        {"at_s": 5, "do": "kill", "target": "north1", "for_s": 0.1},
        {"at_s": 6, "do": "restore_backup", "target": "north1", "to_s": 3},
    ]
    world = play(plain)
    everybody = [site(world, f"north{n}") for n in (1, 2, 3)]
    assert everybody[0].role == "primary"
    assert everybody[0].epoch > 1
    assert len({one.epoch for one in everybody}) == 1
    behind = sum(number for _, number in everybody[0].heads()) - sum(
        number for _, number in everybody[1].heads()
    )
    assert 0 <= behind < 5


def test_a_restore_owes_nothing_that_was_backed_up_after_it_began() -> None:
    plain = sites("none", servers=3, stop_s=15)
    plain["faults"] = [{"at_s": 8, "do": "restore_backup", "target": "north3"}]
    world = play(plain)
    assert site(world, "north3").restores == 1
    assert verdict(world, "backups_restorable") == "holds"


def test_a_restore_owes_nothing_that_an_earlier_restore_threw_away() -> None:
    """Once the backups are those of the epoch that began with it."""
    plain = sites("none", servers=1, stop_s=27)
    order = {"do": "restore_backup", "target": "north1"}
    plain["faults"] = [{"at_s": 8, "to_s": 2, **order}, {"at_s": 18.5, **order}]
    for line in plain["workload"]:
        line["stop_s"] = 8
    world = play(plain)
    assert site(world, "north1").restores == 2
    assert verdict(world, "backups_restorable") == "holds"


def test_lost_writes_are_told_by_client_too() -> None:
    """Of one, or of all together."""
    world = play(sites("pilot_light", stop_s=14))
    lost = [metric(world, "lost_acknowledged", Scope(client=client)) for client in (None, "c", "d")]
    assert lost[0] == lost[1] + lost[2] > 0


def test_a_restore_goes_on_with_what_it_began_although_the_archive_grows() -> None:
    store = alone(Vault, "store", point_in_time=True)
    store.on_message("n1", Ship(1, "n1#1", 1, entries(*range(1, 101)), (), True))
    ask = RestoreRequest(-1, 100.0, 0, -1)
    found: list[Entry] = []
    for part in range(20):
        if part == 7:
            store.on_message("n1", Ship(1, "n1#1", 101, entries(*range(101, 181)), (), True))
        store.on_message("n2", ask)
        store.context.take()
        store.on_timer("send n2")
        ((_, sent),) = store.context.take()
        assert isinstance(sent, RestorePart)
        found += sent.entries
        ask = RestoreRequest(-1, 100.0, part + 1, sent.last)
    assert [entry.number for entry in found] == list(range(1, 101))


def restoring() -> Any:
    """A server with an empty disk that has the first part of a restore to a moment."""
    server = alone(Site, "n1", formatted=False)
    server.on_operator("restore_backup", {"to_s": 5})
    server.on_timer("provisioned")
    server.on_message("store", RestorePart(9, 5_000_000, 60, 0, 3, entries(1, 2)))
    assert len(server.parts) == 1
    return server


@pytest.mark.parametrize(("to_us", "last", "part"), [(-1, 60, 1), (5_000_000, 80, 1), (5_000_000, 60, 2)])
def test_a_part_of_another_restore_is_not_taken(to_us: int, last: int, part: int) -> None:
    server = restoring()
    server.on_message("store", RestorePart(9, to_us, last, part, 3, entries(3)))
    assert len(server.parts) == 1
    server.on_message("store", RestorePart(9, 5_000_000, 60, 1, 3, entries(3)))
    assert len(server.parts) == 2


def test_a_restore_is_complete_on_the_disk_only_with_its_epoch() -> None:
    """A disk that has the data and no epoch would lead as in its first life."""
    server = restoring()
    for part in (1, 2):
        server.on_message("store", RestorePart(9, 5_000_000, 60, part, 3, entries(part + 2)))
    assert (server.role, "part" in server.context.timers) == ("validating", False)
    server.on_timer("validated")
    assert server.epoch > 9
    cells = [write[1] for _, writes in server.context.disk.waiting for write in writes if write[0] == "put"]
    assert cells.index("epoch") < cells.index("formatted")


# -- archives --------------------------------------------------------------------------------------------------------


def test_an_archive_fills_the_gap_that_a_lost_message_left() -> None:
    plain = sites("warm_standby", stop_s=8, parameters={"point_in_time": True})
    plain["faults"] = [{"at_s": 3, "do": "drop", "match": {"message": "Ship", "to": "store"}, "for_s": 0.2}]
    world = play(plain)
    lacks = site(world, "north1").log.last - site(world, "store").log.last
    assert 0 <= lacks < 5


def test_an_archive_keeps_what_the_latest_epoch_keeps() -> None:
    store = alone(Vault, "store", point_in_time=True)
    store.on_message("n1", Ship(1, "n1#1", 1, entries(1, 2, 3), (), True))
    store.on_message("s1", Ship(4, "s1#4", 1, entries(1, origin="s1#4"), (("n1#1", 2),), True))
    store.on_message("n1", Ship(1, "n1#1", 3, entries(3), (), True))
    assert store.heads() == (("n1#1", 2), ("s1#4", 1))


def test_a_store_that_lost_its_disk_gets_everything_again() -> None:
    plain = sites("backup_and_restore", stop_s=16)
    plain["faults"] = [
        {"at_s": 6, "do": "disk_lose", "target": "store", "everything": True},
        {"at_s": 6, "do": "kill", "target": "store", "for_s": 0.2},
    ]
    world = play(plain)
    assert site(world, "store").log.last > 300
    assert site(world, "store").kept[-1].readable


def backup(
    number: int, *numbers: int, epoch: int = 1, head: int = 0, sender: str = "n1"
) -> tuple[str, BackupPart]:
    heads = (("n1#1", head or max(numbers)),)
    return sender, BackupPart(epoch, number, 0, 1, entries(*numbers), heads)


def archive(**parameters: Any) -> Any:
    """A store with two backups, of three writes and of two more."""
    store = alone(Vault, "store", **{"backup_job": "untested", "unreadable": 0, **parameters})
    store.on_message(*backup(1, 1, 2, 3))
    store.on_message(*backup(2, 4, 5))
    assert [one.last for one in store.kept] == [3, 5]
    store.context.take()
    return store


@pytest.mark.parametrize(
    "late",
    [backup(1, 1, 2, 3), backup(9, 1, 2, epoch=0, sender="n2")],
    ids=["a copy of an old one", "fenced"],
)
def test_only_a_later_epoch_may_take_something_out_of_the_archive(late: tuple[str, BackupPart]) -> None:
    store = archive()
    store.on_message(*late)
    assert (store.log.last, store.context.take()) == (5, [])
    store.on_message(*backup(1, 1, 2, 3, epoch=6, sender="s1"))
    assert (store.log.last, store.epoch, len(store.context.take())) == (3, 6, 1)
    store.on_message(*backup(3, 4, 5))
    assert store.log.last == 3


def test_parts_of_two_backups_with_one_number_are_not_mixed() -> None:
    """Who takes backups crashed in the middle of one, and counts anew."""
    store = archive()
    first, second = entries(6, 7), entries(8, 9)
    store.on_message("n1", BackupPart(1, 3, 0, 2, first, (("n1#1", 7),)))
    store.on_message("n1", BackupPart(1, 3, 2, 3, (), (("n1#1", 9),)))
    store.on_message("n1", BackupPart(1, 3, 1, 3, second, (("n1#1", 9),)))
    assert store.log.last == 5
    store.on_message("n1", BackupPart(1, 3, 0, 3, first, (("n1#1", 9),)))
    assert store.log.last == 9


def test_a_backup_with_a_gap_is_reported_bad_with_what_is_there() -> None:
    store = archive()
    store.parameters = Parameters(unreadable=0)
    store.on_message(*backup(3, 8, 9))
    store.on_timer("verify")
    ((_, answer),) = store.context.take()
    assert answer == BackupDone(3, False, store.heads())


def test_a_verified_backup_that_cannot_be_read_back_is_not_kept() -> None:
    store = archive()
    store.parameters = Parameters(unreadable=1)
    store.on_message(*backup(3, 6))
    store.on_timer("verify")
    assert (store.log.last, len(store.kept)) == (5, 2)
    assert store.context.take() == [("n1", BackupDone(3, False, store.heads()))]


def restored(store: Any, to_us: int = -1) -> list[int]:
    """The numbers of the writes that a restore brings back."""
    store.on_message("n2", RestoreRequest(to_us, 100.0, 0, -1))
    for _ in range(20):
        store.on_timer("send n2")
    sent = [message for _, message in store.context.take() if isinstance(message, RestorePart)]
    return [entry.number for message in sent for entry in message.entries]


def test_a_restore_stops_before_the_first_backup_that_cannot_be_read() -> None:
    """Each builds on the ones before it."""
    store = archive()
    for number, unreadable in ((6, 1), (7, 0)):
        store.parameters = Parameters(backup_job="untested", unreadable=unreadable)
        store.on_message(*backup(number, number))
    assert [one.readable for one in store.kept] == [True, True, False, True]
    assert restored(store) == [1, 2, 3, 4, 5]


def test_a_store_knows_its_backups_after_a_restart() -> None:
    assert restored(alone(Vault, "store", archive())) == [1, 2, 3, 4, 5]


def test_a_restore_to_a_moment_includes_what_was_written_in_it() -> None:
    assert restored(archive(), to_us=3000) == [1, 2, 3]
