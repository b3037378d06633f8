"""The check of atomic commitment on handmade records."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from simulations.engine.checks.atomic_commitment import AtomicCommitment, Record
from simulations.engine.log import Log

MEMBERS = ("p", "q")


class Play:
    """Processes that write records; the check sees each as the harness would show it."""

    def __init__(self) -> None:
        self.check = AtomicCommitment()
        self.processes: dict[str, Any] = {id: self.fresh(id) for id in ("c", *MEMBERS)}
        self.event = 0

    def fresh(self, id: str) -> Any:
        return SimpleNamespace(
            id=id, records=Log(), durable_records=0, members=MEMBERS, coordinator_of=lambda transaction: "c"
        )

    def write(self, id: str, state: str, durable: bool = True) -> None:
        process = self.processes[id]
        before = ("idle", process.durable_records)
        process.records.append(Record("c:1", state))
        if durable:
            process.durable_records = process.records.last
        self.event += 1
        place = ("c", *MEMBERS).index(id)
        after = ("idle", process.durable_records)
        self.check.changed(self.event * 1000, self.event, place, before, after, process)

    def verdict(self) -> str:
        return self.check.verdict().verdict


def play(*steps: tuple[str, str]) -> Play:
    made = Play()
    for id, state in steps:
        made.write(id, state)
    return made


READY = (("p", "ready"), ("q", "ready"))


def test_one_outcome_everywhere_holds() -> None:
    assert play(*READY, ("c", "committed"), ("p", "committed"), ("q", "committed")).verdict() == "holds"
    assert play(("p", "ready"), ("q", "aborted"), ("c", "aborted"), ("p", "aborted")).verdict() == "holds"


def test_two_outcomes_are_seen_with_the_event_that_decides() -> None:
    found = play(*READY, ("p", "committed"), ("q", "aborted")).check.verdict()
    assert (found.verdict, found.event, found.message) == ("violated", 4, "atomic_commitment.diverged")


def test_a_commit_without_every_vote_is_seen() -> None:
    found = play(("p", "ready"), ("c", "committed")).check.verdict()
    assert (found.verdict, found.values["missing"]) == ("violated", "q")


def test_what_never_reached_the_disk_was_never_decided() -> None:
    made = play(*READY, ("p", "committed"))
    made.write("q", "aborted", durable=False)
    assert made.verdict() == "holds"


def test_a_new_life_that_lost_its_records_is_read_from_its_begin() -> None:
    made = play(*READY, ("p", "committed"))
    made.processes["p"] = made.fresh("p")
    made.write("p", "aborted")
    assert made.verdict() == "violated"


def test_uncertainty_lasts_from_the_vote_to_the_decision() -> None:
    made = play(*READY, ("p", "aborted"))
    assert list(made.check.spans) == [(1, 1000, 3000)]
    assert list(made.check.since) == ["2 c:1"]


def test_the_check_forks_with_the_world() -> None:
    made = play(*READY, ("p", "committed"))
    origin = made.check
    made.check = origin.fork()  # type: ignore[assignment]
    made.write("q", "aborted")
    assert (origin.verdict().verdict, made.verdict()) == ("holds", "violated")
