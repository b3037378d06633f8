"""Random faults of every kind, on links that keep their promises and on links that do not: nothing is ever violated,
and after the last heal everything that was acknowledged is there."""

from __future__ import annotations

import pytest

from tests.budget import seeds
from tests.systems.kept_notes import noted
from tests.systems.zookeeper.campaign import run, run_membership


@pytest.mark.parametrize("seed", seeds("zookeeper_properties"))
def test_all_properties_hold_under_random_faults(seed: int) -> None:
    world, verdicts = run(seed)
    wrong = {name: found for name, found in verdicts.items() if found.verdict == "violated"}
    assert not wrong, f"replay: tests.systems.zookeeper.campaign.run({seed}): {wrong}"
    assert verdicts["no_lost_ack"].verdict == "holds", f"run({seed}): {verdicts['no_lost_ack']}"
    assert sum(total["ok"] for total in world.observer.totals.values()) > 20, f"run({seed}) got nowhere"


def test_a_second_copy_of_a_write_does_not_have_it_sent_again() -> None:
    """Seed 890 of 2,000: the leader proposed a write and stopped; the copy that came then was refused, and the client
    took the refusal for word that nothing had been done."""
    assert run(890)[1]["linearizable_writes"].verdict == "holds"


def test_what_is_on_a_disk_survives_the_tear_of_a_snapshot() -> None:
    """Seed 1411 of 2,000: see ``test_a_torn_installation_of_a_snapshot_is_finished_at_the_next_start``."""
    assert run(1411)[1]["committed_log_durability"].verdict == "holds"


@pytest.mark.parametrize("seed", seeds("zookeeper_membership"))
def test_all_properties_hold_while_membership_changes(seed: int) -> None:
    world, verdicts = run_membership(seed)
    wrong = {name: found for name, found in verdicts.items() if found.verdict == "violated"}
    assert not wrong, f"replay: tests.systems.zookeeper.campaign.run_membership({seed}): {wrong}"
    assert verdicts["no_lost_ack"].verdict == "holds", f"run_membership({seed}): {verdicts['no_lost_ack']}"
    assert "zookeeper.reconfigured" in noted(world), (
        f"run_membership({seed}) changed nothing, not even in the end"
    )


def test_a_change_of_voters_that_one_server_holds_does_not_keep_the_election_open() -> None:
    """Seed 1769 of 2,000: n3 held a change that made n4 a voter and was never committed; n1 and n2 were elected by
    turns with its vote, but it followed neither without the vote of n4, which as a joiner did not vote."""
    world, verdicts = run_membership(1769)
    assert not [name for name, found in verdicts.items() if found.verdict == "violated"]
    assert "zookeeper.reconfigured" in noted(world)


@pytest.mark.parametrize("seed", [1285, 1319])
def test_no_commit_overtakes_the_history_on_its_way_to_a_learner(seed: int) -> None:
    """Seeds of 2,000: the only voter commits what it proposed before anybody followed; the DIFF with it waited for the
    disk, and the COMMIT came first."""
    assert run_membership(seed)[1]["messages_legal"].verdict == "holds"
