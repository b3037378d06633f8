"""A note is emitted by the guard that decided: flip the guard and the note changes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from simulations.engine.systems import paxos, three_phase_commit, two_phase_commit
from simulations.engine.systems.paxos.messages import Accept, Accepted, Heartbeat, Prepare, Promise, Refused
from tests.systems.paxos.helpers import entry, group, heartbeat, lead, single


def prepared(ballot: int) -> list[str]:
    """n1, which promised 5, is asked to promise this number."""
    cluster = single()
    cluster.receive("n1", "n2", Prepare(5, 1))
    cluster.contexts["n1"].take_notes()
    cluster.receive("n1", "n3", Prepare(ballot, 1))
    return cluster.contexts["n1"].take_notes()


def accepted(ballot: int) -> list[str]:
    cluster = single()
    cluster.receive("n1", "n2", Prepare(5, 1))
    cluster.contexts["n1"].take_notes()
    cluster.receive("n1", "n3", Accept(ballot, (entry(ballot, "A"),)))
    return cluster.contexts["n1"].take_notes()


def promised(vote: bool) -> list[str]:
    """n1 gathers a promise, with or without a vote in it."""
    cluster = single()
    cluster.isolate("n1")
    cluster.request("n1", "propose", argument="own")
    cluster.contexts["n1"].take_notes()
    ballot = cluster.processes["n1"].ballot
    cluster.receive("n1", "n2", Promise(ballot, 1, (entry(0, "A"),) if vote else (), ()))
    return cluster.contexts["n1"].take_notes()


def counted(voter: str) -> list[str]:
    cluster = single(5)
    cluster.isolate("n1")
    cluster.request("n1", "propose", argument="own")
    ballot = cluster.processes["n1"].ballot
    for peer in ("n2", "n3"):
        cluster.receive("n1", peer, Promise(ballot, 1, (), ()))
    cluster.receive("n1", "n2", Accepted(ballot, (1,)))
    cluster.contexts["n1"].take_notes()
    cluster.receive("n1", voter, Accepted(ballot, (1,)))
    return cluster.contexts["n1"].take_notes()


def refused(retry: object, id: str = "n2", ballot: int | None = None) -> list[str]:
    cluster = single(retry=retry)
    cluster.isolate(id)
    cluster.request(id, "propose", argument="own")
    cluster.contexts[id].take_notes()
    told = cluster.processes[id].ballot if ballot is None else ballot
    for peer in ("n3", "n1"):
        cluster.receive(id, peer, Refused(told, 50))
    return cluster.contexts[id].take_notes()


def taken_over(hole: bool) -> list[str]:
    votes = {"2": "B"} if hole else {"1": "A", "2": "B"}
    cluster = group(3, disks={"n2": {"accepted": votes}, "n3": {"accepted": votes}})
    cluster.crash("n3")
    lead(cluster, "n1")
    return cluster.contexts["n1"].take_notes()


def beaten(ballot: int) -> list[str]:
    cluster = group(3)
    cluster.receive("n1", "n2", Heartbeat(3, 1, 0))
    cluster.contexts["n1"].take_notes()
    cluster.receive("n1", "n3" if ballot > 3 else "n2", Heartbeat(ballot, 2, 0))
    return cluster.contexts["n1"].take_notes()


def kept_out(promised: int) -> list[str]:
    cluster = group(3, leader_lease_ms=100)
    cluster.isolate("n1")
    cluster.fire("n1", "election")
    cluster.receive("n1", "n2", Refused(cluster.processes["n1"].ballot, promised))
    return cluster.contexts["n1"].take_notes()


def behind(heartbeats: int) -> list[str]:
    cluster = group(3)
    for number in range(heartbeats):
        cluster.receive("n1", "n2", Heartbeat(2, number, 7))
    return cluster.contexts["n1"].take_notes()


def alone(ticks: int) -> list[str]:
    cluster = group(3)
    lead(cluster, "n1")
    cluster.isolate("n1")
    cluster.contexts["n1"].take_notes()
    heartbeat(cluster, "n1", times=ticks)
    return cluster.contexts["n1"].take_notes()


def leased(milliseconds: int) -> list[str]:
    cluster = group(3, leader_lease_ms=100)
    lead(cluster, "n1")
    for context in cluster.contexts.values():
        context.now += milliseconds * 1000
        context.take_notes()
    cluster.request("n1", "get", "x")
    cluster.receive("n2", "n3", Prepare(30, 1))
    return cluster.contexts["n1"].take_notes() + cluster.contexts["n2"].take_notes()


def retried(session: int) -> list[str]:
    cluster = group(3)
    lead(cluster, "n1")
    for _ in range(2):
        cluster.request("n1", "put", session=session, sequence=1)
    cluster.quiet()
    return cluster.contexts["n1"].take_notes()


@pytest.mark.parametrize(
    ("one", "other", "told", "otherwise"),
    [
        (lambda: prepared(6), lambda: prepared(4), "paxos.promised", "paxos.prepare_refused"),
        (lambda: accepted(5), lambda: accepted(4), "paxos.accepted", "paxos.accept_refused"),
        (lambda: promised(True), lambda: promised(False), "paxos.value_bound", "paxos.value_free"),
        (lambda: counted("n2"), lambda: counted("n3"), None, "paxos.chosen"),
        (lambda: refused("at_once"), lambda: refused("distinguished"), "paxos.prepare", "paxos.stands_aside"),
        (lambda: refused("none"), lambda: refused({"uniform": [1, 2]}), None, "paxos.backs_off"),
        (lambda: refused("none", ballot=1), lambda: refused("none"), None, "paxos.preempted"),
        (lambda: taken_over(False), lambda: taken_over(True), None, "paxos.no_op"),
        (lambda: beaten(3), lambda: beaten(5), None, "paxos.follows"),
        (lambda: behind(1), lambda: behind(2), None, "paxos.catches_up"),
        (lambda: alone(2), lambda: alone(6), None, "paxos.quorum_lost"),
        (lambda: leased(100), lambda: leased(50), None, "paxos.lease_read"),
        (lambda: leased(100), lambda: leased(50), "paxos.promised", "paxos.lease_refused"),
        (lambda: kept_out(50), lambda: kept_out(1), "paxos.preempted", "paxos.held_off"),
        (lambda: retried(0), lambda: retried(1), None, "paxos.duplicate"),
    ],
)
def test_flipping_a_guard_changes_the_note(
    one: Callable[[], list[str]], other: Callable[[], list[str]], told: str | None, otherwise: str
) -> None:
    first, second = one(), other()
    assert otherwise in second
    assert otherwise not in first
    assert told is None or (told in first and told not in second)


SYSTEMS = [paxos, two_phase_commit, three_phase_commit]


def source(system: object) -> str:
    """The rules of a system, without the sentences."""
    folder = Path(str(system.__file__)).parent  # type: ignore[attr-defined]
    texts = [
        path for path in sorted(folder.glob("*.py")) if path.name not in ("descriptor.py", "__init__.py")
    ]
    return "".join(path.read_text() for path in texts)


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: str(system.DESCRIPTOR.name))
def test_every_note_that_is_emitted_is_described_and_every_described_one_emitted(system: object) -> None:
    descriptor = system.DESCRIPTOR  # type: ignore[attr-defined]
    prefix = descriptor.name + "."
    emitted = set(re.findall(rf'"({re.escape(prefix)}[a-z_]+)"', source(system)))
    assert emitted == {id for id in descriptor.notes if id.startswith(prefix)}


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: str(system.DESCRIPTOR.name))
def test_the_places_of_a_sentence_are_the_values_of_its_note(system: object) -> None:
    descriptor = system.DESCRIPTOR  # type: ignore[attr-defined]
    for id, note in descriptor.notes.items():
        places = set(re.findall(r"{(\w+)}", note.en))
        assert places == set(re.findall(r"{(\w+)}", note.zh)), id
        assert re.search(r"[一-鿿]", note.zh), id
        if id.startswith(descriptor.name + "."):
            assert places <= set(re.findall(r"\b(\w+)[=\"]", source(system))), id


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: str(system.DESCRIPTOR.name))
def test_the_descriptor_fits_the_system(system: object) -> None:
    """Fields, messages, parameters and twins are those of the code."""
    made = system.SYSTEM  # type: ignore[attr-defined]
    descriptor = made.descriptor
    process = made.processes["server"]()
    process.on_parameters()
    for field in descriptor.fields:
        if field.kind != "timer":
            assert hasattr(process, field.attribute or field.name), field.name
    named = {message.__name__: message.__struct_fields__ for message in made.messages}
    assert {message.name: message.fields for message in descriptor.messages} == named
    defaults = {name: getattr(made.parameters(), name) for name in made.parameters.__struct_fields__}
    assert {parameter.name: parameter.default for parameter in descriptor.parameters} == defaults
    assert {twin.name for twin in descriptor.twins} == set(made.twins)
    assert {check for twin in descriptor.twins for check in twin.caught_by} <= set(made.checks)
    assert {one.name for one in descriptor.properties if one.kind == "always"} >= set(made.checks)
