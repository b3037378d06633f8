"""How much each randomised suite runs: the one file that decides how long the tests take.

`make test` uses the fast column, `make test-all` the other (PLATFORM_LAB_SUITE=fast|all).
A suite asks `seeds("name")` for its range of seeds, or `budget("name")` for a plain number.
"""

import os

# suite: (fast, all). Seeds unless the comment says otherwise.
BUDGETS: dict[str, tuple[int, int]] = {
    "conformance": (5, 50),
    "crash_nemesis": (10, 150),
    "raft_properties": (100, 2000),
    "paxos_properties": (100, 2000),
    "commitment_properties": (100, 2000),
    "zookeeper_properties": (100, 2000),
    "zookeeper_membership": (20, 2000),
    "raft_twins": (60, 200),
    "failover_properties": (40, 500),
    "relay_properties": (60, 500),
    "failover_toggles": (1, 20),
    "catalogue_toggles": (20, 100),
    "fork_equals_replay": (40, 200),  # pause times
    "checkers_random_histories": (5000, 100_000),  # histories
    "live_checker_random_histories": (1000, 20_000),  # histories, judged after every event
    "experiment_mutations": (100, 3000),  # changed experiments
    "raft_invariants": (20, 1000),
    "raft_membership": (60, 1500),
    "sharding_nemesis": (60, 500),
    "raft_every_fault": (100, 2000),
    "elections": (120, 10_000),  # elections a curve
    "split_votes": (100, 5000),  # elections a case
    "microservices_nemesis": (50, 300),
    "bcdr_drill": (50, 200),
    "disaster_recovery": (40, 400),
    "quorum_nemesis": (50, 300),
    "quorum_twins": (4, 40),
    "quorum_probes": (800, 30_000),  # probed writes a case
    "quorum_cases": (2, 12),  # cases of N, R, W and delays
    "pair_choices": (8, 200),
    "live_drills": (1, 5),  # repetitions
    "crdt_properties": (100, 300),
    "multi_leader_properties": (50, 300),
    "gossip_properties": (80, 200),
    "shared_nothing_properties": (60, 200),
}


def suite() -> str:
    """Which column: fast or all."""
    chosen = os.environ.get("PLATFORM_LAB_SUITE") or "fast"
    if chosen not in ("fast", "all"):
        raise ValueError(f"PLATFORM_LAB_SUITE={chosen!r}: fast or all is needed.")
    return chosen


def budget(name: str) -> int:
    """The number for this suite; an unknown name is an error that lists the known ones."""
    if name not in BUDGETS:
        raise KeyError(f"{name!r} has no budget in tests/budget.py; known: {', '.join(BUDGETS)}")
    return BUDGETS[name][suite() == "all"]


def seeds(name: str) -> range:
    """Seeds 1 .. budget."""
    return range(1, budget(name) + 1)
