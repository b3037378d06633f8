"""The rules of masters and relays one at a time, without a world: who acts, whom masters follow, what is sent again."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.process import Reply, Request
from simulations.engine.systems.relay.master import Master
from simulations.engine.systems.relay.messages import Confirmed, Deliver, Entry, Forward, Have, Pulse
from simulations.engine.systems.relay.parameters import Parameters
from simulations.engine.systems.relay.process import Relay
from tests.systems.recording import started

DIRECTORY = {
    "relay/master": ("cairo", "lagos", "tunis"), "relay/relay": ("hub",), "relay/standby": ("spare0", "spare1"),
}  # fmt: skip


def begin(made: type[Any], id: str, before: Any = None, directory: Any = DIRECTORY, **parameters: Any) -> Any:
    """A process that starts, on an empty disk or on what is durable of ``before``."""
    kind = "relay" if id == "hub" else ""
    return started(made(id=id, kind=kind, directory=directory, parameters=Parameters(**parameters)), before)


def ask(master: Master, operation: int, value: Any = "v", key: str = "k", attempt: int = 1) -> None:
    master.on_request(Request(operation, attempt, "client", 1, operation, "put", key, value))


def forwarded(master: Any) -> list[list[int]]:
    """The numbers in each batch that a master handed over since the last look, its relay aside."""
    sent = master.context.take()
    return [
        [entry.number for entry in message.entries] for _, message in sent if isinstance(message, Forward)
    ]


def answered(master: Any) -> list[int]:
    """Operations that were acknowledged since the last look."""
    return [message.operation for _, message in master.context.take() if isinstance(message, Reply)]


def foreign(number: int, clock: int, key: str = "k", value: Any = "w", origin: str = "lagos") -> Deliver:
    return Deliver((Entry(origin, number, clock, 900 + number, key, value),))


# -- relays ----------------------------------------------------------------------------------------------------------


def acting(id: str, epoch: int) -> Any:
    """A relay that took over in this epoch."""
    relay = begin(Relay, id)
    relay.on_message("spare1", Pulse(epoch - 1))
    del relay.context.timers["silence"]
    relay.on_timer("silence")
    assert (relay.role, relay.epoch) == ("active_relay", epoch)
    return relay


def test_of_two_relays_that_act_in_one_epoch_the_smaller_name_goes_on() -> None:
    hub, spare = acting("hub", 3), acting("spare0", 3)
    hub.on_message("spare0", Pulse(3))
    spare.on_message("hub", Pulse(3))
    assert (hub.role, spare.role) == ("active_relay", "standby")
    assert "silence" not in hub.context.timers
    assert sorted(spare.context.timers) == ["silence"]


def test_a_relay_stands_by_for_a_later_epoch_and_not_for_an_earlier_one() -> None:
    hub = acting("hub", 3)
    hub.on_message("spare0", Pulse(2))
    assert (hub.role, hub.epoch) == ("active_relay", 3)
    hub.on_message("spare0", Pulse(4))
    assert (hub.role, hub.epoch) == ("standby", 4)


def test_the_pulse_of_an_earlier_epoch_is_no_sign_of_life() -> None:
    """Masters do not use its sender: somebody has to take over from it."""
    spare = begin(Relay, "spare0")
    spare.on_message("hub", Pulse(5))
    due = spare.context.timers["silence"]
    spare.context.now = 50_000
    spare.on_message("spare1", Pulse(4))
    assert spare.context.timers["silence"] == due
    spare.on_message("hub", Pulse(5))
    assert spare.context.timers["silence"] == due + 50_000


def test_a_takeover_begins_an_epoch_after_the_last_one_heard_of() -> None:
    spare = begin(Relay, "spare0")
    spare.on_message("hub", Pulse(7))
    spare.on_timer("silence")
    assert {message.epoch for _, message in spare.context.take()} == {8}


@pytest.mark.parametrize("acts", [True, False])
def test_a_relay_remembers_its_epoch_over_a_restart_and_stands_by_first(acts: bool) -> None:
    before = begin(Relay, "hub")
    before.on_message("spare0", Pulse(6))
    if acts:
        before.on_timer("silence")
    after = begin(Relay, "hub", before)
    assert (after.role, after.epoch) == ("standby", before.epoch)


def test_standbys_take_over_one_after_the_other() -> None:
    waits = [
        begin(Relay, id, takeover_ms=900, pulse_ms=100).takeover_us() for id in ("hub", "spare0", "spare1")
    ]
    assert waits == [900_000, 1_000_000, 1_100_000]


# -- whom masters follow ---------------------------------------------------------------------------------------------


def test_a_master_hands_over_to_a_new_relay_all_that_is_not_confirmed() -> None:
    master = begin(Master, "cairo")
    for operation in (1, 2):
        ask(master, operation)
    master.on_message("hub", Pulse(1))
    assert forwarded(master) == [[1, 2]]
    master.on_message("hub", Pulse(1))
    assert forwarded(master) == []
    master.on_message("spare0", Pulse(2))
    assert (master.relay, forwarded(master)) == ("spare0", [[1, 2]])


def test_a_master_leaves_its_relay_for_an_older_one_only_when_it_is_silent() -> None:
    """The relay of epoch 1 slept through two takeovers; those who took over are gone."""
    master = begin(Master, "cairo", takeover_ms=1000)
    master.on_message("spare1", Pulse(3))
    ask(master, 1)
    master.context.take()
    master.context.now = 999_999
    master.on_message("hub", Pulse(2))
    assert (master.relay, master.epoch, forwarded(master)) == ("spare1", 3, [])
    master.context.now = 1_000_000
    master.on_message("hub", Pulse(2))
    assert (master.relay, master.epoch, forwarded(master)) == ("hub", 2, [[1]])


# -- what masters do with writes -------------------------------------------------------------------------------------


def test_a_write_is_later_than_all_that_its_master_has_seen() -> None:
    """Lamport 1978, IR2: the clock goes beyond what arrives, and never back."""
    master = begin(Master, "cairo")
    master.on_message("hub", foreign(1, clock=10))
    ask(master, 1)
    master.on_message("hub", foreign(2, clock=3))
    ask(master, 2)
    assert [entry.clock for entry in master.log if entry.origin == "cairo"] == [11, 12]


@pytest.mark.parametrize(
    ("clock", "origin", "wins"), [(5, "alba", False), (5, "lagos", True), (4, "lagos", False)]
)
def test_of_two_writes_of_one_key_the_later_clock_wins_then_the_larger_name(
    clock: int, origin: str, wins: bool
) -> None:
    master = begin(Master, "cairo")
    master.on_message("hub", foreign(1, clock=4, key="other", origin="tunis"))
    ask(master, 1, "mine")
    master.on_message("hub", foreign(1, clock, value="theirs", origin=origin))
    assert master.data["k"] == ("theirs" if wins else "mine")


def test_a_gap_is_not_filled_by_later_writes() -> None:
    master = begin(Master, "cairo")
    for number in (1, 3, 3, 2):
        master.on_message("hub", foreign(number, clock=number))
    assert [entry.number for entry in master.log] == [1, 2]
    assert [message.number for _, message in master.context.take() if isinstance(message, Have)][-1:] == [2]


def waiting(**parameters: Any) -> Any:
    """A master whose writes wait for all others, with a relay and one write on its way."""
    master = begin(Master, "cairo", mode="stop", **parameters)
    master.on_message("hub", Pulse(1))
    ask(master, 1)
    return master


def test_stop_acknowledges_a_write_when_the_last_master_has_it() -> None:
    master = waiting()
    master.on_message("hub", Confirmed("tunis", 1))
    assert answered(master) == []
    master.on_message("hub", Confirmed("lagos", 1))
    assert answered(master) == [1]


def test_a_master_alone_waits_for_nobody_and_keeps_nothing_to_send() -> None:
    alone = {"relay/server": ("cairo",)}
    before = begin(Master, "cairo", directory=alone, mode="stop")
    ask(before, 1)
    assert answered(before) == [1]
    after = begin(Master, "cairo", before, directory=alone)
    assert (len(after.log), before.unconfirmed, after.unconfirmed) == (1, {}, {})


def test_a_late_confirmation_takes_nothing_back() -> None:
    master = waiting()
    ask(master, 2)
    for other, number in (("tunis", 2), ("tunis", 1), ("lagos", 2)):
        master.on_message("hub", Confirmed(other, number))
    assert answered(master) == [1, 2]


def test_who_asks_again_while_its_write_waits_writes_once_and_is_answered() -> None:
    master = waiting()
    ask(master, 1, attempt=2)
    assert len(master.log) == 1
    for other in ("tunis", "lagos"):
        master.on_message("hub", Confirmed(other, 1))
    replies = [message for _, message in master.context.take() if isinstance(message, Reply)]
    assert [(reply.operation, reply.attempt) for reply in replies] == [(1, 2)]


def test_who_asks_again_after_its_write_was_acknowledged_writes_once_more() -> None:
    """Masters remember no finished requests; but nobody is left without an answer."""
    master = waiting()
    for number in (1, 2):
        assert len(master.log) == number
        for other in ("tunis", "lagos"):
            master.on_message("hub", Confirmed(other, number))
        assert answered(master) == [1]
        ask(master, 1, attempt=2)


def test_what_changes_nothing_is_answered_at_once_and_not_written() -> None:
    master = waiting()
    master.on_request(Request(2, 1, "client", 1, 2, "cas", "k", ("other", "new")))
    (reply,) = [message for _, message in master.context.take() if isinstance(message, Reply)]
    assert (reply.operation, reply.result, len(master.log)) == (2, False, 1)


def test_after_a_restart_the_others_are_asked_again_for_all_own_writes() -> None:
    before = begin(Master, "cairo")
    ask(before, 1)
    before.on_message("hub", foreign(1, clock=8))
    ask(before, 2)
    after = begin(Master, "cairo", before)
    after.on_message("hub", Pulse(1))
    assert forwarded(after) == [[1, 2]]
    assert (after.data, after.clock, after.counts) == (before.data, 9, {"cairo": 2, "lagos": 1})


def again(master: Any) -> list[list[int]]:
    """What is handed over when the timer fires."""
    master.context.take()
    master.on_timer("again")
    return forwarded(master)


def test_a_write_is_sent_again_after_a_whole_span_without_confirmation() -> None:
    master = waiting()
    assert again(master) == []
    assert again(master) == [[1]]
    assert again(master) == [[1]]
    for other in ("tunis", "lagos"):
        master.on_message("hub", Confirmed(other, 1))
    ask(master, 2)
    assert again(master) == []
    assert again(master) == [[2]]


def test_a_write_after_a_quiet_time_is_not_sent_twice_at_once() -> None:
    master = begin(Master, "cairo")
    master.on_message("hub", Pulse(1))
    assert (again(master), again(master)) == ([], [])
    ask(master, 1)
    assert again(master) == []
    assert again(master) == [[1]]


def test_what_one_master_lacks_is_sent_again_although_another_confirms_all_the_time() -> None:
    master = waiting()
    master.on_timer("again")
    for operation in (2, 3, 4):
        ask(master, operation)
        master.on_message("hub", Confirmed("tunis", operation))
    assert again(master) == [[1, 2, 3, 4]]


def test_what_a_new_relay_was_given_has_time_to_arrive() -> None:
    master = waiting()
    master.on_timer("again")
    master.on_message("spare0", Pulse(2))
    assert (again(master), again(master)) == ([], [[1]])


def test_sending_again_waits_while_the_last_master_catches_up() -> None:
    master = waiting()
    ask(master, 2)
    master.on_timer("again")
    for other in ("tunis", "lagos"):
        master.on_message("hub", Confirmed(other, 1))
    assert again(master) == []
    assert again(master) == [[2]]


def test_a_window_begins_with_the_oldest_write() -> None:
    master = waiting(window=2)
    for operation in (2, 3):
        ask(master, operation)
    assert (again(master), again(master)) == ([], [[1, 2]])
