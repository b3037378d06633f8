"""One site without a world: who acknowledges what, who is sent what and when, how a disaster is met and ended."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.process import Reply
from simulations.engine.systems.disaster_recovery.copy import BATCH
from simulations.engine.systems.disaster_recovery.leading import RESEND_US
from simulations.engine.systems.disaster_recovery.messages import (
    Ack,
    BackupDone,
    BackupPart,
    Ship,
)
from simulations.engine.systems.disaster_recovery.process import Site
from tests.systems.disaster_recovery.helpers import SECOND, alone, answered, ask, at, entries, held, primary


def shipped(site: Any) -> dict[str, list[int]]:
    """Site -> the numbers of the writes that it was sent since the last look."""
    found: dict[str, list[int]] = {}
    for to, message in site.context.take():
        if isinstance(message, Ship) and message.entries:
            found.setdefault(to, []).extend(entry.number for entry in message.entries)
    return found


# -- acknowledging ---------------------------------------------------------------------------------------------------


def test_a_write_is_acknowledged_when_a_majority_of_home_holds_it() -> None:
    site = primary(tier="warm_standby")
    ask(site, 1)
    site.on_message("s1", Ack(1, held(site, 1)))
    site.on_message("store", Ack(1, held(site, 1)))
    assert answered(site) == []
    site.on_message("n3", Ack(1, held(site, 1)))
    assert answered(site) == [1]


@pytest.mark.parametrize(
    ("id", "tier"), [("s1", "warm_standby"), ("n1", "active_active"), ("s2", "active_active")]
)
def test_a_recovery_site_and_an_active_site_answer_alone(id: str, tier: str) -> None:
    site = primary(id, tier=tier)
    ask(site, 1)
    assert answered(site) == [1]


@pytest.mark.parametrize("epoch", [0, 2])
def test_what_was_held_in_another_epoch_acknowledges_nothing(epoch: int) -> None:
    site = primary(tier="none")
    ask(site, 1)
    site.on_message("n2", Ack(epoch, held(site, 1)))
    assert answered(site) == []


def test_an_epoch_begins_without_the_copies_and_the_clients_of_the_one_before() -> None:
    site = primary(tier="none")
    for operation in (1, 2):
        ask(site, operation)
    site.on_message("n2", Ack(1, held(site, 1)))
    site.step_down(9)
    site.on_operator("promote", {})
    site.context.take()
    ask(site, 3)
    assert answered(site) == []
    site.on_message("n2", Ack(site.epoch, held(site, 1)))
    assert answered(site) == [3]
    assert site.pending == {}


def test_who_asks_again_while_its_write_waits_writes_once() -> None:
    site = primary(tier="none")
    ask(site, 1)
    ask(site, 1, attempt=2)
    assert site.log.last == 1


def test_who_does_not_lead_tells_where_to_ask_and_is_silent_when_nobody_leads() -> None:
    standby = alone(Site, "s1", tier="warm_standby")
    standby.on_message("n2", Ship(1, "n2#1", 1, (), (), True))
    standby.context.take()
    ask(standby, 1)
    ((_, reply),) = standby.context.take()
    assert isinstance(reply, Reply)
    assert (reply.outcome, reply.hint) == ("retry", "n2")
    standby.on_timer("silence")
    ask(standby, 2)
    assert standby.context.take() == []


# -- shipping --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tier", "at_once"),
    [
        ("none", ["n2", "n3"]), ("backup_and_restore", ["n2", "n3"]), ("warm_standby", ["n2", "n3"]),
        ("active_active", ["n2", "n3", "s1", "s2"]),
    ],
)  # fmt: skip
def test_who_gets_a_write_at_once(tier: str, at_once: list[str]) -> None:
    site = primary(tier=tier)
    ask(site, 1)
    assert sorted(shipped(site)) == at_once


def test_a_recovery_site_that_leads_ships_to_everybody() -> None:
    site = primary("s1", tier="backup_and_restore")
    for one in ("n1", "s2"):
        site.on_message(one, Ack(site.epoch, ()))
    ask(site, 1)
    at(site, SECOND).on_timer("beat")
    assert set(shipped(site)) >= {"n1", "n2", "n3", "s2"}


@pytest.mark.parametrize(("tier", "after_s"), [("warm_standby", 0), ("pilot_light", 7)])
def test_a_standby_gets_writes_together_a_pilot_light_in_larger_pieces(tier: str, after_s: int) -> None:
    site = primary(tier=tier, pilot_ship_s=7)
    site.on_message("s1", Ack(1, ()))
    for operation in (1, 2):
        ask(site, operation)
    first_us = site.log[1].at_us
    if after_s:
        at(site, first_us + after_s * SECOND - 1).on_timer("beat")
        assert "s1" not in shipped(site)
    site.context.take()
    at(site, first_us + after_s * SECOND).on_timer("beat")
    assert shipped(site) == {"s1": [1, 2]}


def test_a_pilot_lights_own_home_does_not_wait_for_its_piece() -> None:
    site = primary(tier="pilot_light", pilot_ship_s=50)
    ask(site, 1)
    site.context.take()
    at(site, site.log[1].at_us + RESEND_US).on_message("n2", Ack(1, ()))
    assert shipped(site) == {"n2": [1]}


def test_signs_of_life_do_not_wait_for_the_disk_and_writes_do() -> None:
    site = primary(tier="warm_standby")
    site.context.instant = False
    ask(site, 1)
    site.on_timer("beat")
    sent = [(to, message.entries) for to, message in site.context.take() if isinstance(message, Ship)]
    assert sent == [(to, ()) for to in ("n2", "n3", "s1", "s2")]


def test_what_a_copy_lacks_goes_again_after_a_while_and_not_twice_at_once() -> None:
    site = primary(tier="none")
    ask(site, 1)
    site.context.take()
    site.on_message("n2", Ack(1, ()))
    assert shipped(site) == {}
    at(site, RESEND_US + 1).on_message("n2", Ack(1, ()))
    assert shipped(site) == {"n2": [1]}
    site.on_message("n2", Ack(1, ()))
    assert shipped(site) == {}
    at(site, 2 * RESEND_US + 1).on_message("n2", Ack(1, ()))
    assert shipped(site) == {"n2": [1]}


def test_a_sign_of_life_repeats_no_write_that_is_on_its_way() -> None:
    site = primary(tier="none")
    site.on_message("n2", Ack(1, ()))
    ask(site, 1)
    site.context.take()
    at(site, RESEND_US - 1).on_timer("beat")
    assert shipped(site) == {}


def test_the_next_batch_goes_when_the_one_before_has_arrived() -> None:
    site = primary(tier="none")
    for operation in range(1, BATCH + 3):
        ask(site, operation)
    site.context.take()
    at(site, SECOND).on_message("n2", Ack(1, ()))
    assert len(shipped(site)["n2"]) == BATCH
    site.on_message("n2", Ack(1, held(site, BATCH)))
    assert shipped(site) == {"n2": [BATCH + 1, BATCH + 2]}


# -- fencing ---------------------------------------------------------------------------------------------------------


def test_who_hears_of_a_later_epoch_accepts_no_more_writes() -> None:
    site = primary(tier="warm_standby")
    site.on_message("n2", Ack(5, ()))
    assert (site.role, "beat" in site.context.timers) == ("follower", False)


def test_a_site_of_an_older_epoch_is_told_of_the_later_one_and_not_believed() -> None:
    site = alone(Site, "n2")
    site.on_message("s1", Ship(4, "s1#4", 1, (), (), True))
    site.context.take()
    site.on_message("n1", Ship(1, "n1#1", 1, entries(1), (), True))
    assert (site.context.take(), site.primary, site.log.last) == ([("n1", Ack(4, ()))], "s1", 0)


def test_a_primary_listens_after_a_restart_before_it_leads_on() -> None:
    """Three signs of life; in an epoch in which it did not lead it does not at all."""
    before = primary(tier="none", heartbeat_ms=400)
    after = alone(Site, "n1", before, heartbeat_ms=400)
    assert (after.role, after.context.timers) == ("follower", {"resume": 1_200_000})
    after.on_message("n2", Ship(2, "n2#2", 1, (), (), True))
    assert "resume" not in after.context.timers
    assert "resume" not in alone(Site, "n1", after).context.timers


def test_a_primary_that_is_restored_after_its_restart_does_not_lead_on_meanwhile() -> None:
    after = alone(Site, "n1", primary())
    after.on_operator("restore_backup", {})
    after.on_timer("resume")
    assert after.role == "starting"


# -- disasters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tier", ["none", "active_active"])
@pytest.mark.parametrize("id", ["n2", "s1"])
def test_only_recovery_sites_of_a_tier_that_fails_over_wait_for_a_disaster(tier: str, id: str) -> None:
    site = alone(Site, id, tier=tier)
    site.on_message("n1", Ship(1, "n1#1", 1, (), (), True))
    assert "silence" not in site.context.timers


def test_recovery_sites_take_over_one_after_the_other() -> None:
    waits = [
        alone(Site, id, tier="warm_standby", detect_s=2).context.timers["silence"] for id in ("s1", "s2")
    ]
    assert waits == [2 * SECOND, 4 * SECOND]


@pytest.mark.parametrize(("tier", "wait_s"), [("pilot_light", 9), ("warm_standby", 4)])
def test_a_pilot_light_is_started_and_a_warm_standby_scaled_up(tier: str, wait_s: int) -> None:
    site = alone(Site, "s1", tier=tier, start_s=9, scale_up_s=4)
    site.on_timer("silence")
    assert (site.role, site.context.timers["started"]) == ("starting", wait_s * SECOND)


def test_a_false_alarm_ends_every_step_and_takes_what_it_brings() -> None:
    site = alone(Site, "s1", tier="pilot_light")
    site.on_timer("silence")
    site.on_message("n1", Ship(1, "n1#1", 1, entries(1), (), True))
    assert (site.role, sorted(site.context.timers), site.log.last) == ("standby", ["silence"], 1)


def test_a_restore_that_somebody_ordered_is_no_false_alarm() -> None:
    """The primary goes on meanwhile; the order holds, and what it ships is not mixed in."""
    site = alone(Site, "n2", tier="none")
    site.on_operator("restore_backup", {})
    site.on_message("n1", Ship(1, "n1#1", 1, entries(1), (), True))
    assert (site.role, site.log.last, "provisioned" in site.context.timers) == ("starting", 0, True)


def test_who_hears_of_a_later_epoch_gives_up_getting_ready() -> None:
    site = alone(Site, "s1", tier="pilot_light")
    site.on_timer("silence")
    site.on_message("s2", Ship(9, "s2#9", 1, (), (), True))
    assert (site.role, site.epoch, sorted(site.context.timers)) == ("standby", 9, ["silence"])


def test_without_a_store_nothing_is_given_up_for_a_restore() -> None:
    site = primary(directory={"disaster_recovery/backup_store": ()})
    site.on_operator("restore_backup", {})
    assert site.role == "primary"


@pytest.mark.parametrize(("archive", "wait_us"), [(True, 0), (False, 40 * SECOND)])
def test_point_in_time_recovery_needs_no_new_machines(archive: bool, wait_us: int) -> None:
    site = primary(point_in_time=archive, provision_s=40)
    site.on_operator("restore_backup", {})
    assert site.context.timers["provisioned"] == wait_us


def test_an_empty_disk_is_not_promoted_and_a_primary_not_twice() -> None:
    empty = alone(Site, "n1", formatted=False)
    empty.on_operator("promote", {})
    assert (empty.role, empty.epoch) == ("empty", 0)
    site = primary()
    site.on_operator("promote", {})
    assert site.epoch == 1


def test_an_empty_disk_that_was_filled_again_is_a_copy_like_any_other() -> None:
    empty = alone(Site, "n2", formatted=False)
    empty.on_message("n1", Ship(1, "n1#1", 1, entries(1), (), True))
    assert (empty.role, alone(Site, "n2", empty).role) == ("follower", "follower")


# -- backups ---------------------------------------------------------------------------------------------------------


def backed_up(site: Any) -> dict[str, list[int]]:
    """Store -> the numbers of the writes in the backup it was sent."""
    found: dict[str, list[int]] = {}
    for to, message in site.context.take():
        if isinstance(message, BackupPart):
            found.setdefault(to, []).extend(entry.number for entry in message.entries)
    return found


def test_each_store_gets_what_it_lacks_by_its_own_word() -> None:
    site = primary(directory={"disaster_recovery/backup_store": ("store", "vault")})
    for operation in (1, 2):
        ask(site, operation)
    site.context.take()
    site.on_timer("backup")
    assert backed_up(site) == {"store": [1, 2], "vault": [1, 2]}
    site.on_message("store", BackupDone(site.backups, True, held(site, 2)))
    ask(site, 3)
    site.context.take()
    site.on_timer("backup")
    assert backed_up(site) == {"store": [3], "vault": [1, 2, 3]}


def test_a_bad_backup_is_taken_again_with_all_that_the_store_lacks() -> None:
    site = primary()
    ask(site, 1)
    site.on_timer("backup")
    site.on_message("store", BackupDone(site.backups, True, held(site, 1)))
    ask(site, 2)
    site.on_timer("backup")
    site.context.take()
    site.on_message("store", BackupDone(site.backups, False, ()))
    assert backed_up(site) == {"store": [1, 2]}
    assert site.claimed == 1


def test_the_answer_to_an_earlier_backup_says_nothing_of_this_one() -> None:
    site = primary()
    ask(site, 1)
    for _ in range(2):
        site.on_timer("backup")
    site.context.take()
    site.on_message("store", BackupDone(1, False, ()))
    assert (backed_up(site), "backup unanswered" in site.context.timers) == ({}, True)
    site.on_message("store", BackupDone(2, True, held(site, 1)))
    assert "backup unanswered" not in site.context.timers


def test_a_backup_without_an_answer_is_taken_again() -> None:
    site = primary()
    ask(site, 1)
    site.on_timer("backup")
    site.context.take()
    site.on_timer("backup unanswered")
    assert backed_up(site) == {"store": [1]}


@pytest.mark.parametrize(
    ("id", "parameters", "takes"),
    [
        ("n1", {}, True), ("n2", {}, False),
        ("n1", {"backup_job": "off"}, False), ("n1", {"point_in_time": True}, False),
        ("n1", {"tier": "active_active"}, True), ("n2", {"tier": "active_active"}, False),
    ],
)  # fmt: skip
def test_one_site_takes_the_backups(id: str, parameters: dict[str, Any], takes: bool) -> None:
    site = alone(Site, id, **parameters)
    assert ("backup" in site.context.timers) is takes
    site.context.take()
    site.on_operator("backup", {})
    assert (backed_up(site) == {"store": []}) is takes


def test_who_does_not_lead_any_more_takes_no_backups() -> None:
    site = primary()
    site.step_down(4)
    site.context.take()
    site.on_timer("backup unanswered")
    assert (backed_up(site), "backup" in site.context.timers) == ({}, False)


def test_a_warning_is_used_for_a_backup() -> None:
    site = primary()
    site.on_operator("warning", {"warning_s": 5})
    assert backed_up(site) == {"store": []}


# -- requests and cost -----------------------------------------------------------------------------------------------


def test_what_changes_nothing_is_answered_at_once_and_not_written() -> None:
    site = primary()
    ask(site, 1, "cas", ("other", "new"))
    ask(site, 2, "get")
    ask(site, 3, "dance")
    outcomes = [message.outcome for _, message in site.context.take() if isinstance(message, Reply)]
    assert (outcomes, site.log.last) == (["fail", "ok", "fail"], 0)


def test_a_recovery_site_costs_its_share_until_it_is_needed() -> None:
    shares = {"none": 0.0, "backup_and_restore": 0.0, "pilot_light": 0.1, "warm_standby": 0.3}
    for tier, share in shares.items():
        site = alone(Site, "s1", tier=tier)
        assert site.capacity == share
        site.on_operator("promote", {})
        assert site.capacity == 1
    assert alone(Site, "s1", tier="active_active").capacity == 1
    assert alone(Site, "n2", tier="pilot_light").capacity == 1
