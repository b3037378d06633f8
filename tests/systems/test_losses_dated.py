"""When a loss is said to have happened does not depend on who looked, and when."""

from __future__ import annotations

import pytest

from simulations.catalogue import load
from simulations.engine.world import World

STEP_US = 100_000


@pytest.mark.parametrize(
    ("reference", "after_us", "until_us"),
    [
        # (the leader that truncates is elected by hand after 6.5 s)
        ("RA-05/count_old_terms", 6_500_000, 11_000_000),
        ("ZK-10/both_licensed", 4_000_000, 11_000_000),
        # (the replica is promoted at 7 s)
        ("MS-01", 7_000_000, 7_000_001),
    ],
)
def test_a_loss_is_dated_by_the_leader_that_took_over_without_it(
    reference: str, after_us: int, until_us: int
) -> None:
    experiment = load(reference)
    seldom, often = World(experiment), World(experiment)
    end_us = int(experiment.stop_s * 1_000_000)
    seen: set[tuple[int | None, int | None]] = set()
    for at_us in range(STEP_US, end_us + 1, STEP_US):
        often.run_until(at_us)
        verdict = often.verdicts()["no_lost_ack"]
        if verdict.verdict == "violated":
            seen.add((verdict.at_us, verdict.event))
    seldom.run_until(end_us)
    verdict = seldom.verdicts()["no_lost_ack"]
    assert verdict == often.verdicts()["no_lost_ack"]
    assert seen == {(verdict.at_us, verdict.event)}
    assert verdict.at_us is not None
    assert after_us <= verdict.at_us < until_us
