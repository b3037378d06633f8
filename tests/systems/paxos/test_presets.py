"""What an experiment gives to a process at its start, and what becomes of it; values that others decide."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.process import Reply
from simulations.engine.systems.paxos.messages import Learn, Prepare, Promise
from simulations.engine.systems.paxos.presets import command, preset
from tests.systems.paxos.helpers import acknowledged, entry, group, heartbeat, names, sent, single, values
from tests.systems.recording import Group

# -- the disk --------------------------------------------------------------------------------------------------------


def test_without_values_nobody_has_promised_anything() -> None:
    assert preset({}) == ({"promised": 0, "learned": ()}, {"log": [], "votes": []})


def test_all_have_promised_the_first_leaders_number_and_only_it_takes_office() -> None:
    assert preset({"leader": True})[0] == {"promised": 1, "learned": (), "start_as": "leader", "ballot": 1}
    assert preset({"leader": False, "term": 7})[0] == {"promised": 7, "learned": ()}


def test_slots_are_chosen_commands_from_the_first_on() -> None:
    log = preset({"slots": {"to": 3, "ballot": 4}})[1]["log"]
    assert [(one.term, one.slot, one.command.argument) for one in log] == [
        (4, 1, "v1"),
        (4, 2, "v2"),
        (4, 3, "v3"),
    ]
    assert [one.term for one in preset({"slots": {"from": 1, "to": 1}})[1]["log"]] == [1]


def test_what_is_known_to_be_chosen_is_a_vote_too_and_a_vote_alone_is_not_known() -> None:
    cells, logs = preset({"term": 3, "extra": {"12": "a", "4": "b"}, "accepted": {"9": "c"}})
    assert [(one.slot, one.command.argument) for one in cells["learned"]] == [(4, "b"), (12, "a")]
    assert [(one.term, one.slot) for one in logs["votes"]] == [(3, 4), (3, 9), (3, 12)]


def test_equal_values_are_one_command_whoever_holds_them_and_no_clients() -> None:
    assert command("x") == command("x")
    assert command("x").operation != command("y").operation
    assert command("x").operation < 0


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"votes": {}}, "votes"), ({"term": 3, "promised": 2}, "promised"), ({"promised": "much"}, "promised"),
        ({"slots": {"from": 2, "to": 3}}, "slots"), ({"slots": {"to": 100_001}}, "slots"), ({"slots": 3}, "slots"),
        ({"slots": {"until": 3}}, "slots"), ({"extra": {"0": "a"}}, "extra"), ({"accepted": {"x": "a"}}, "accepted"),
        ({"accepted": {"100001": "a"}}, "accepted"), ({"extra": []}, "extra"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_by_name(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=field):
        preset(wrong)


# -- the first leader ------------------------------------------------------------------------------------------------


def led(**first: Any) -> Group:
    return group(3, disks={id: {"leader": id == "n2", "term": 5, **first} for id in names(3)})


def test_the_first_leader_takes_office_without_phase_1() -> None:
    cluster = led()
    assert [cluster.processes[id].role for id in names(3)].count("leader") == 1
    assert (cluster.processes["n2"].role, cluster.processes["n2"].ballot) == ("leader", 5)
    assert sent(cluster, "n2", Prepare) == []
    cluster.request("n2", "put")
    cluster.quiet()
    assert acknowledged(cluster) == [1]


def test_a_later_life_of_the_first_leader_does_not_take_office_again() -> None:
    cluster = led()
    cluster.start("n2")
    assert cluster.processes["n2"].role != "leader"


def test_who_has_promised_more_does_not_take_office() -> None:
    assert led(promised=6).processes["n2"].role != "leader"


def test_the_first_leader_brings_to_the_end_what_it_has_accepted() -> None:
    """Its vote may be chosen already; another value for the slot would be a second one."""
    cluster = led(accepted={"1": "given"})
    cluster.quiet()
    heartbeat(cluster, "n2")
    cluster.request("n2", "put", "x", "own")
    cluster.quiet()
    assert values(cluster.processes["n2"]) == ["given", "own"]


# -- values that others decide -----------------------------------------------------------------------------------------


def proposing(**settings: Any) -> Group:
    """n1 has a client and no acceptors."""
    cluster = group(3, mode="basic", retry="none", **settings)
    cluster.isolate("n1")
    cluster.request("n1", "put", "x", "mine")
    return cluster


def promised(cluster: Group) -> None:
    """A majority has promised n1 what it asked for, so that it proposes for the first slot."""
    process = cluster.processes["n1"]
    for one in ("n2", "n3"):
        cluster.receive("n1", one, Promise(process.ballot, 1, (), ()))
    assert process.role == "proposer"
    cluster.contexts["n1"].take()


def test_who_waits_is_answered_when_the_one_slot_is_decided_by_another() -> None:
    cluster = single(3)
    cluster.isolate("n1")
    cluster.request("n1", "propose", "x", "mine")
    cluster.contexts["n1"].take()
    cluster.receive("n1", "n2", Learn(9, (entry(9, "theirs"),)))
    (reply,) = sent(cluster, "n1", Reply)
    assert (reply.outcome, reply.result) == ("ok", "theirs")


def test_who_lost_its_slot_to_another_begins_anew_with_the_next() -> None:
    cluster = proposing()
    promised(cluster)
    before = cluster.processes["n1"].ballot
    cluster.receive("n1", "n2", Learn(before + 8, (entry(before + 8, "theirs"),)))
    ballots = {message.ballot for message in sent(cluster, "n1", Prepare)}
    assert len(ballots) == 1
    assert min(ballots) > before


def test_who_still_asks_for_promises_goes_on_asking() -> None:
    """It will propose for the next free slot, whichever that is by then."""
    cluster = proposing()
    cluster.contexts["n1"].take()
    cluster.receive("n1", "n2", Learn(9, (entry(9, "theirs"),)))
    assert sent(cluster, "n1", Prepare) == []


def test_who_hears_of_another_slot_goes_on_with_its_own() -> None:
    cluster = proposing()
    promised(cluster)
    cluster.receive("n1", "n2", Learn(9, (entry(9, "theirs", slot=2),)))
    assert sent(cluster, "n1", Prepare) == []
    assert cluster.processes["n1"].role == "proposer"


def test_who_has_nothing_to_propose_only_learns() -> None:
    cluster = group(3, mode="basic", retry="none")
    cluster.receive("n1", "n2", Learn(9, (entry(9, "theirs"),)))
    assert sent(cluster, "n1", Prepare) == []
    assert values(cluster.processes["n1"]) == ["theirs"]
