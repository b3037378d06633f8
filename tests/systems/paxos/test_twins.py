"""Every broken twin is caught by the check that is named for it, and differs in nothing where nothing goes wrong."""

from __future__ import annotations

import pytest

from simulations.engine.experiment.reader import parse
from simulations.engine.process import Twin
from simulations.engine.registry import SYSTEMS
from simulations.engine.systems.paxos.descriptor import DESCRIPTOR
from simulations.engine.systems.paxos.messages import Accept, Prepare
from simulations.engine.systems.paxos.process import Paxos
from simulations.engine.systems.paxos.properties import CHECKS
from simulations.engine.systems.paxos.twins import TWINS, PrefersLowest
from simulations.engine.world import World
from tests.systems.nemesis import experiment
from tests.systems.paxos.campaign import MIX, linearizable, run
from tests.systems.paxos.helpers import entry, group, values

SEEDS = 60


@pytest.mark.parametrize(
    ("twin", "check"), [(twin.name, check) for twin in DESCRIPTOR.twins for check in twin.caught_by]
)
def test_a_twin_is_caught_and_the_correct_system_is_not(twin: str, check: str) -> None:
    seeds = range(1, SEEDS + 1)
    caught = next((seed for seed in seeds if run(seed, twin)[1][check].verdict == "violated"), None)
    assert caught is not None, f"{twin}: {check} stayed silent on {SEEDS} seeds"
    assert run(caught)[1][check].verdict == "holds", f"seed {caught}: {check} accuses the correct system"


@pytest.mark.parametrize("twin", [None, *TWINS])
def test_a_twin_passes_a_run_without_faults(twin: str | None) -> None:
    recipe = experiment(3, "paxos", {}, servers=5, twin=twin, stop_s=4.0, disk_ms=1, mix=MIX, faults=False)
    world = World(
        parse(recipe, SYSTEMS), systems=SYSTEMS, checks={name: made() for name, made in CHECKS.items()}
    )
    world.run_until(4_000_000)
    verdicts = world.observer.verdicts()
    assert {name: found.verdict for name, found in verdicts.items()} == dict.fromkeys(verdicts, "holds")
    assert linearizable(world) == "holds"


@pytest.mark.parametrize("twin", DESCRIPTOR.twins, ids=lambda twin: str(twin.name))
def test_a_twin_overrides_the_one_rule_it_names(twin: Twin) -> None:
    for made in TWINS[twin.name].values():
        own = [attribute for attribute in vars(made) if not attribute.startswith("__")]
        assert own == [twin.rule]


def third_proposer(made: type[Paxos], ballots: int) -> list[str]:
    """Acceptors a, b, c: the last of two or three ballots hears a and b; what it decides."""
    proposers = ("p", "q", "r")
    roles = {**dict.fromkeys(proposers, "proposer"), **dict.fromkeys("abc", "acceptor")}
    cluster = group(0, made, mode="single", retry="none", roles=roles)
    if ballots == 3:
        cluster.receive("a", "p", Accept(1, (entry(1, "A"),)))
    for acceptor in "bc":
        cluster.receive(acceptor, "q", Prepare(2, 1))
        cluster.receive(acceptor, "q", Accept(2, (entry(2, "B"),)))
    for acceptor in "abc":
        cluster.contexts[acceptor].take()
    cluster.cut |= {("r", "c"), ("c", "r")}
    cluster.request("r", "propose", argument="C")
    cluster.quiet()
    return values(cluster.processes["r"])


def test_the_lowest_instead_of_the_highest_shows_only_with_three_ballots() -> None:
    """B is chosen by b and c in ballot 2; with a vote for A left over from ballot 1 the twin decides A."""
    assert third_proposer(PrefersLowest, ballots=2) == third_proposer(Paxos, ballots=2) == ["B"]
    assert third_proposer(Paxos, ballots=3) == ["B"]
    assert third_proposer(PrefersLowest, ballots=3) == ["A"]
