"""Giving the work back without losing a write, and taking in what a returned region alone had; one site, no world."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.systems.disaster_recovery.copy import BATCH
from simulations.engine.systems.disaster_recovery.messages import (
    Ack,
    Entry,
    HandOver,
    Heads,
    Salvage,
    Salvaged,
    Ship,
)
from simulations.engine.systems.disaster_recovery.parameters import Parameters
from simulations.engine.systems.disaster_recovery.process import Site
from tests.systems.disaster_recovery.helpers import SECOND, alone, answered, ask, at, entries, held, primary

# -- failback --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("epoch", "heads", "leads"),
    [(4, (("n1#1", 2),), True), (4, (("n1#1", 3),), False), (1, (), False), (3, (), False)],
    ids=["all here", "one missing", "own epoch", "earlier than one heard of"],
)
def test_who_is_told_to_lead_looks_for_itself(epoch: int, heads: Heads, leads: bool) -> None:
    site = alone(Site, "n2", tier="warm_standby")
    site.take(entries(1, 2))
    site.fenced = 3
    site.on_message("s1", HandOver(epoch, heads))
    assert (site.role == "primary", site.epoch) == (leads, 4 if leads else 1)


def test_a_second_order_to_lead_changes_nothing() -> None:
    site = primary()
    site.on_message("s1", HandOver(4, ()))
    assert site.epoch == 1


def recovered(**parameters: Any) -> Any:
    """A recovery site that leads and holds a write; nobody has said anything yet."""
    site = primary("s1", tier="warm_standby", heartbeat_ms=500, settle_s=10, **parameters)
    ask(site, 1)
    site.context.take()
    return site


def hear(site: Any, now_us: int, *servers: str, number: int = 1) -> str:
    """The role after these said what they hold, and a beat."""
    at(site, now_us)
    for one in servers:
        site.on_message(one, Ack(site.epoch, held(site, number)))
    site.on_timer("beat")
    return str(site.role)


def test_work_goes_back_when_a_majority_of_home_has_been_there_for_a_while() -> None:
    site = recovered()
    roles = [hear(site, second * SECOND, "n1", "n2") for second in range(1, 12)]
    assert roles == ["primary"] * 10 + ["handing_over"]


@pytest.mark.parametrize("servers", [("n1",), ("n1", "s2")])
def test_work_stays_while_home_has_no_majority(servers: tuple[str, ...]) -> None:
    site = recovered()
    assert {hear(site, second * SECOND, *servers) for second in range(1, 30)} == {"primary"}


def test_who_goes_away_again_begins_its_while_anew() -> None:
    site = recovered()
    spoken = [*range(1, 6), *range(9, 18)]
    roles = [
        hear(site, second * SECOND, *(("n1", "n2") if second in spoken else ())) for second in range(1, 18)
    ]
    assert roles == ["primary"] * 17


def test_who_leads_anew_believes_nothing_that_it_heard_before() -> None:
    """Also when hardly any time has passed: home may have dropped since what it had."""
    site = recovered(failback="manual")
    assert {hear(site, second * SECOND, "n1", "n2") for second in range(1, 10)} == {"primary"}
    site.step_down(30)
    site.on_operator("promote", {})
    site.on_operator("command", {"name": "failback"})
    assert site.role == "primary"
    site.parameters = Parameters(tier="warm_standby", settle_s=10)
    ask(site, 2)
    assert {hear(site, second * SECOND, "n1", "n2") for second in (10, 11, 12)} == {"primary"}


def test_a_standby_that_was_heard_in_an_earlier_epoch_only_is_not_ready() -> None:
    site = primary(tier="warm_standby")
    site.on_message("s1", Ack(1, ()))
    site.step_down(30)
    site.on_operator("promote", {})
    site.on_operator("warning", {"warning_s": 9})
    assert site.role == "primary"


def test_home_gives_no_work_back_to_home() -> None:
    site = primary(tier="warm_standby")
    site.on_message("n2", Ack(1, ()))
    site.on_operator("command", {"name": "failback"})
    assert site.role == "primary"


def test_who_lacks_more_than_a_batch_is_not_back() -> None:
    site = recovered()
    for operation in range(2, BATCH + 3):
        ask(site, operation)
    assert {hear(site, second * SECOND, "n1", "n2") for second in range(1, 30)} == {"primary"}
    assert [hear(site, second * SECOND, "n1", "n2", number=2) for second in (30, 40)][-1] == "handing_over"


def test_nobody_goes_back_before_an_announced_disaster_is_over() -> None:
    site = recovered(detect_s=3)
    at(site, SECOND).on_operator("warning", {"warning_s": 20})
    roles = [hear(site, second * SECOND, "n1", "n2") for second in range(1, 35)]
    assert roles == ["primary"] * 33 + ["handing_over"]


def test_an_order_to_lead_goes_only_to_who_holds_everything() -> None:
    site = recovered()
    ask(site, 2)
    hear(site, SECOND, "n1")
    site.context.take()
    site.on_operator("command", {"name": "failback"})
    orders = [message for _, message in site.context.take() if isinstance(message, HandOver)]
    assert (site.role, orders) == ("handing_over", [])
    site.on_message("n2", Ack(site.epoch, held(site, 2)))
    assert [to for to, message in site.context.take() if isinstance(message, HandOver)] == []
    site.on_message("n1", Ack(site.epoch, held(site, 2)))
    ((to, order),) = [(to, m) for to, m in site.context.take() if isinstance(m, HandOver)]
    assert (to, order) == ("n1", HandOver(site.epoch_of("n1", site.epoch), held(site, 2)))


def test_who_hands_over_still_gives_signs_of_life_and_leads_on_when_nobody_answers() -> None:
    site = recovered()
    hear(site, SECOND, "n1")
    site.on_operator("command", {"name": "failback"})
    assert {"beat", "silence"} <= set(site.context.timers)
    ask(site, 9)
    assert answered(site) == []
    told, site.context.sent = site.fenced, []
    site.on_timer("silence")
    assert site.role == "primary"
    assert site.epoch > told


def test_who_led_first_leads_after_whom_it_told_to_lead_also_when_it_restarts() -> None:
    """The first epoch is nobody's own."""
    before = alone(Site, "n3", tier="warm_standby", leader=True)
    before.on_message("s1", Ack(1, ()))
    before.on_operator("warning", {"warning_s": 9})
    assert before.role == "handing_over"
    after = alone(Site, "n3", before, tier="warm_standby")
    assert after.next_epoch() > before.fenced > 1


def test_who_handed_over_and_restarts_leads_after_whom_it_told_to_lead() -> None:
    before = recovered()
    hear(before, SECOND, "n1")
    before.on_operator("command", {"name": "failback"})
    after = alone(Site, "s1", before, tier="warm_standby")
    assert (after.role, "resume" in after.context.timers) == ("standby", False)
    assert after.next_epoch() > before.fenced


@pytest.mark.parametrize(
    ("tier", "known", "leaves"),
    [("warm_standby", True, True), ("warm_standby", False, False), ("pilot_light", True, False)],
)
def test_only_a_standby_that_runs_and_has_the_data_leads_before_the_loss(
    tier: str, known: bool, leaves: bool
) -> None:
    site = primary(tier=tier)
    if known:
        site.on_message("s1", Ack(1, ()))
    site.on_operator("warning", {"warning_s": 9})
    assert site.role == ("handing_over" if leaves else "primary")


# -- salvage ---------------------------------------------------------------------------------------------------------


def taken_in(site: Any, *found: Entry, epoch: int | None = None, sender: str = "n1") -> list[str]:
    """The kinds of entries that a site appended for what somebody handed in."""
    last = site.log.last
    site.on_message(sender, Salvage(site.epoch if epoch is None else epoch, found))
    return [entry.kind for entry in site.log.slice(last + 1, site.log.last + 1)]


def test_writes_are_salvaged_once_whoever_hands_them_in() -> None:
    site = primary("s1", tier="warm_standby")
    assert taken_in(site, *entries(1, 2)) == ["put", "put"]
    assert taken_in(site, *entries(1, 2, 3), sender="n2") == ["put"]
    assert [to for to, message in site.context.take() if isinstance(message, Salvaged)] == ["n1", "n2"]


def test_a_key_that_was_written_since_keeps_its_later_value() -> None:
    site = primary("s1", tier="warm_standby")
    ask(site, 1)
    assert taken_in(site, *entries(1, 2)) == ["overwritten", "put"]
    assert (site.data["k1"].value, site.data["k2"].value) == ("v", 2)


def test_only_writes_are_salvaged() -> None:
    site = primary("s1", tier="warm_standby")
    kinds = ("delete_all", "overwritten", "skipped")
    found = [Entry("n1#1", n, 1, n, kind, "k", n, (), n) for n, kind in enumerate(kinds, 1)]
    assert taken_in(site, *found) == []


def test_what_is_handed_in_to_an_earlier_epoch_or_while_nobody_leads_is_asked_for_again() -> None:
    site = primary("s1", tier="warm_standby")
    assert taken_in(site, *entries(1), epoch=1) == []
    site.step_down(30)
    assert taken_in(site, *entries(1)) == []
    assert not [message for _, message in site.context.take() if isinstance(message, Salvaged)]


def returned() -> Any:
    """A server of home with a write that the recovery site, which leads by now, does not have."""
    site = alone(Site, "n2", tier="warm_standby")
    site.take(entries(1, 2))
    site.context.take()
    return site


def later(epoch: int, *numbers: int) -> Ship:
    return Ship(epoch, f"s1#{epoch}", 1, entries(*numbers, origin=f"s1#{epoch}"), (("n1#1", 1),), True)


def test_a_returned_site_follows_when_its_writes_are_taken_in_and_not_before() -> None:
    site = returned()
    site.on_message("s1", later(4))
    assert site.context.take() == [("s1", Salvage(4, entries(2)))]
    site.on_message("s1", later(4, 1))
    assert (site.context.take(), site.epoch, site.heads()) == ([], 1, (("n1#1", 2),))
    site.on_message("s1", later(4))
    assert site.context.take() == [("s1", Salvage(4, entries(2)))]
    site.on_message("s1", Salvaged(4))
    assert (site.epoch, site.heads()) == (4, (("n1#1", 1),))
    site.on_message("s1", later(4, 1))
    assert dict(site.heads()) == {"n1#1": 1, "s1#4": 1}


def test_who_still_hands_in_its_writes_knows_the_epoch_that_it_will_follow() -> None:
    site = returned()
    site.on_message("s1", later(8))
    site.on_operator("promote", {})
    assert site.epoch > 8


def test_writes_are_handed_in_to_each_later_epoch_at_once() -> None:
    site = returned()
    site.on_message("s1", later(4))
    site.on_message("s1", Salvaged(4))
    site.take(entries(2, 3))
    site.context.take()
    site.on_message("s1", later(9, 1))
    assert site.context.take() == [("s1", Salvage(9, entries(2, 3)))]


def test_an_active_site_follows_at_once_and_serves_on() -> None:
    """A later epoch begins among active sites only with a restore, which throws writes away."""
    site = alone(Site, "n2", tier="active_active")
    ask(site, 1)
    site.on_message("n1", Ship(2, "n1#2", 1, (), (), True))
    assert (site.role, site.epoch, site.heads()) == ("active", 2, ())


def test_an_empty_disk_has_nothing_to_hand_in() -> None:
    """It is what a restore left that was never finished; also when its epoch is there already."""
    site = alone(Site, "n2", formatted=False)
    site.take(entries(1, 2))
    site.epoch = 4
    site.context.take()
    site.on_message("s1", later(4))
    assert [type(message) for _, message in site.context.take()] == [Ack]
    assert (site.role, site.heads()) == ("follower", (("n1#1", 1),))


def test_an_answer_for_another_epoch_lets_nothing_be_dropped() -> None:
    site = returned()
    site.on_message("s1", Salvaged(1))
    site.on_message("s1", later(4))
    for epoch in (3, 5):
        site.on_message("s1", Salvaged(epoch))
    assert (site.epoch, site.heads()) == (1, (("n1#1", 2),))
    site.on_message("s1", Salvaged(4))
    site.on_message("s1", Salvaged(4))
    assert (site.epoch, site.heads()) == (4, (("n1#1", 1),))
