"""When an election counts as over: the metric election_ms on handmade changes of roles."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from simulations.engine.meters import CRASHED, Milestones, Scope, decided, election_ms

SECOND = 1_000_000


def world(*changes: tuple[float, int, str, int], now_s: float = 20, faults: int = 1) -> Any:
    """A world whose processes had these (time in s, process, role, epoch)."""
    meter = Milestones()
    for at_s, process, role, epoch in changes:
        if role == CRASHED:
            meter.crashed(round(at_s * SECOND), 1, process)
        else:
            meter.changed(round(at_s * SECOND), 0, process, (), (), SimpleNamespace(role=role, term=epoch))
    contexts = [SimpleNamespace(id=f"n{number}", place=f"n{number}") for number in range(5)]
    return SimpleNamespace(
        observer=SimpleNamespace(checks={Milestones.name: meter}),
        kernel=SimpleNamespace(contexts=contexts),
        members=[SimpleNamespace(system="raft")] * 5,
        now_us=round(now_s * SECOND),
        experiment=SimpleNamespace(faults=[None] * faults, system="raft"),
    )


FIRST = (0.01, 0, "leader", 1)
CRASH = (2.0, 0, CRASHED, 1)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([FIRST, CRASH, (2.2, 1, "candidate", 2), (2.25, 1, "leader", 2)], 250.0),
        # Deposed before it could settle: the next one counts.
        ([FIRST, CRASH, (2.25, 1, "leader", 2), (2.3, 1, "follower", 3), (2.6, 2, "leader", 3)], 600.0),
        # A newer leader while the older does not know yet.
        ([FIRST, CRASH, (2.25, 1, "leader", 2), (2.4, 2, "leader", 3), (2.45, 1, "follower", 3)], 400.0),
        # It led for more than a second before it lost office, or it crashed in office: an election all the same.
        ([FIRST, CRASH, (2.25, 1, "leader", 2), (3.5, 1, "follower", 3), (3.6, 2, "leader", 3)], 250.0),
        ([FIRST, CRASH, (2.25, 1, "leader", 2), (2.5, 1, CRASHED, 2), (2.9, 2, "leader", 3)], 250.0),
        # Nobody was elected, and nobody crashed while somebody led.
        ([FIRST, CRASH, (2.2, 1, "candidate", 2)], None),
        # No crash at all: from the begin.
        ([(0.35, 1, "candidate", 1), (0.42, 1, "leader", 1)], 420.0),
    ],
)
def test_the_first_leader_that_stays_ends_the_election(changes: list[Any], expected: float | None) -> None:
    assert election_ms(world(*changes), Scope()) == expected


def test_somebody_who_leads_from_the_begin_needs_no_election() -> None:
    assert election_ms(world((0.0, 0, "leader", 1)), Scope()) is None


def test_the_scope_chooses_the_crash() -> None:
    changes = [FIRST, CRASH, (2.25, 1, "leader", 2), (5.0, 1, CRASHED, 2), (5.4, 2, "leader", 3)]
    assert election_ms(world(*changes), Scope(4 * SECOND)) == 400.0


def test_it_is_decided_once_the_leader_has_stayed() -> None:
    changes = [FIRST, CRASH, (2.25, 1, "leader", 2)]
    assert not decided(world(*changes, now_s=3.2), "election_ms", Scope())
    assert decided(world(*changes, now_s=3.3), "election_ms", Scope())


def test_it_is_not_decided_while_a_planned_crash_is_still_to_come() -> None:
    assert not decided(world(FIRST, now_s=1.9), "election_ms", Scope())
    assert decided(world(FIRST, now_s=1.9, faults=0), "election_ms", Scope())
