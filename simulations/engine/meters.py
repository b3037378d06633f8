"""Numbers about a run, measured from outside: what clients got, and how roles and epochs moved.

A metric is a function of the world at its end and a scope (a span of time, a client, a node, a key or a named
operation). What must be counted along the way is counted by a ``Meter``, which is a check that never judges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from simulations.engine.checks.base import Check
from simulations.engine.checks.history import Operation
from simulations.engine.chunks import Chunks

if TYPE_CHECKING:
    from simulations.engine.world import World

SECOND = 1_000_000
STARTED, CRASHED = "started", "crashed"
LASTS_US = SECOND
"""How long somebody must lead to count as elected for good."""


class Scope(msgspec.Struct, frozen=True):
    """What part of a run a metric is about. Times in microseconds; None: everything."""

    from_us: int = 0
    to_us: int | None = None
    client: str | None = None
    node: str | None = None
    key: str | None = None
    operation: str | None = None

    def covers(self, at_us: int) -> bool:
        return self.from_us <= at_us and (self.to_us is None or at_us <= self.to_us)

    def end(self, world: World) -> int:
        return world.now_us if self.to_us is None else min(self.to_us, world.now_us)


class Milestone(msgspec.Struct, frozen=True):
    """A process changed its role or epoch, or started or crashed (``role`` says which then)."""

    at_us: int
    process: int
    before: str
    role: str
    led: bool
    leads: bool
    epoch_before: int
    epoch: int


class Milestones(Check):
    """Every change of role or epoch of every process that has them. ``state``: process -> (role, leads, epoch)."""

    name: ClassVar[str] = "milestones"
    changes: Chunks[Milestone] = msgspec.field(default_factory=Chunks)
    state: dict[int, tuple[str, bool, int]] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        role: str = getattr(process, "role", "")
        epoch: int = getattr(process, "term", getattr(process, "epoch", 0))
        old = self.state.get(process_index, ("", False, 0))
        leads = role in ("leader", "primary", "leading", "proposer")
        if (role, epoch) != (old[0], old[2]):
            self.state[process_index] = (role, leads, epoch)
            self.changes.append(Milestone(at_us, process_index, old[0], role, old[1], leads, old[2], epoch))

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        old = self.state.get(process_index, ("", False, 0))
        self.state[process_index] = (CRASHED, False, old[2])
        self.changes.append(Milestone(at_us, process_index, old[0], CRASHED, old[1], False, old[2], old[2]))


# -- what clients got -------------------------------------------------------------------------------------------


def done(world: World, scope: Scope) -> Iterator[Operation]:
    """Completed operations in the scope, in order of completion."""
    for operation in world.observer.ledger.done:
        if scope.covers(operation.returned_us or 0) and fits(operation, scope):
            yield operation


def fits(operation: Operation, scope: Scope) -> bool:
    return scope.client in (None, operation.client) and scope.key in (None, operation.key)


def outcome_count(outcome: str) -> Callable[[World, Scope], int]:
    return lambda world, scope: sum(1 for operation in done(world, scope) if operation.outcome == outcome)


def acknowledged_at(world: World, scope: Scope) -> list[int]:
    return [operation.returned_us or 0 for operation in done(world, scope) if operation.outcome == "ok"]


def longest_gap_ms(world: World, scope: Scope) -> float:
    """The longest span without an acknowledgement, the edges of the scope included."""
    times = [scope.from_us, *acknowledged_at(world, scope), scope.end(world)]
    return max((later - earlier for earlier, later in pairwise(times)), default=0) / 1000


def latencies_ms(world: World, scope: Scope) -> list[float]:
    found = [
        ((operation.returned_us or 0) - operation.invoked_us) / 1000
        for operation in done(world, scope)
        if operation.outcome == "ok"
    ]
    return sorted(found)


def percentile(values: list[float], share: float) -> float | None:
    """The smallest value that at least this share of the sorted values does not exceed; None without values."""
    if not values:
        return None
    # Shares are thousandths: exact in integers.
    rank = -(-len(values) * round(share * 1000) // 1000)
    return values[max(0, rank - 1)]


def latency(share: float) -> Callable[[World, Scope], float | None]:
    return lambda world, scope: percentile(latencies_ms(world, scope), share)


def availability(world: World, scope: Scope) -> float | None:
    """The share of operations that were answered ok, of those that began in the scope and had 2 s to end."""
    ledger = world.observer.ledger
    ended = [op for op in ledger.done if scope.covers(op.invoked_us) and fits(op, scope)]
    late = [
        op
        for op in ledger.open.values()
        if scope.covers(op.invoked_us) and fits(op, scope) and op.invoked_us + 2 * SECOND < world.now_us
    ]
    total = len(ended) + len(late)
    return sum(1 for op in ended if op.outcome == "ok") / total if total else None


def goodput(world: World, scope: Scope) -> float:
    """Acknowledged operations per second of the scope."""
    span = scope.end(world) - scope.from_us
    return len(acknowledged_at(world, scope)) * SECOND / span if span > 0 else 0.0


def issued_id(world: World, name: str | None) -> int | None:
    """The id in the history of the scripted operation of this name (of the last one, if it was repeated)."""
    for client in world.clients:
        for number, operation in enumerate(client.plan.scripted):
            if name is not None and operation.id == name:
                process: Any = world.by_id[client.id].process
                issued: tuple[int, int] | None = process.scripted.get(number)
                return None if issued is None else issued[1]
    return None


def result(world: World, scope: Scope) -> Any:
    """What the operation named by the scope returned (the last time, if it was repeated); None without an answer."""
    id = issued_id(world, scope.operation)
    return next((done.result for done in world.observer.ledger.done if done.id == id), None)


def waiting(world: World, scope: Scope) -> int:
    return sum(1 for operation in world.observer.ledger.open.values() if fits(operation, scope))


# -- roles and epochs -------------------------------------------------------------------------------------------


def milestones(world: World, scope: Scope) -> Iterator[Milestone]:
    """Changes in the scope: of the experiment's own system, or of all processes of the scope's node."""
    meter = world.observer.checks.get(Milestones.name)
    if not isinstance(meter, Milestones):
        return
    own = world.experiment.system
    for change in meter.changes:
        context = world.kernel.contexts[change.process]
        named = scope.node is not None and scope.node in (context.id, context.place)
        ours = scope.node is None and world.members[change.process].system == own
        if scope.covers(change.at_us) and (named or ours):
            yield change


def leader_changes(world: World, scope: Scope) -> int:
    """How often leadership went to somebody, the first time of all not counted."""
    first = next((change for change in milestones(world, Scope()) if change.leads), None)
    return sum(
        1 for change in milestones(world, scope) if change.leads and not change.led and change is not first
    )


def elections_won(world: World, scope: Scope) -> int:
    return sum(1 for change in milestones(world, scope) if change.leads and not change.led)


def elections(world: World, scope: Scope) -> int:
    """Campaigns begun: somebody became a candidate, or began another round as one."""
    return sum(1 for change in milestones(world, scope) if change.role == "candidate")


def step_downs(world: World, scope: Scope) -> int:
    """Running leaders that gave up leading."""
    return sum(
        1 for change in milestones(world, scope) if change.led and not change.leads and change.role != CRASHED
    )


def term_changes(world: World, scope: Scope) -> int:
    """How often an epoch rose, per process; the highest of them unless the scope names one."""
    counts: dict[int, int] = {}
    for change in milestones(world, scope):
        if change.epoch > change.epoch_before:
            counts[change.process] = counts.get(change.process, 0) + 1
    return max(counts.values(), default=0)


def election_ms(world: World, scope: Scope) -> float | None:
    """From the first crash in the scope - or its begin, when nobody leads then and nobody crashes - to the moment when
    a leader is elected that stays; None when nobody was. A leader that only held office until the others' news of a
    higher epoch reached it does not count (AvailSim, the simulator of RD section 9.4, measures so)."""
    began = election_begin(world, scope)
    leader = None if began is None else lasting_leader(world, began)
    return None if began is None or leader is None else (leader.at_us - began) / 1000


def election_begin(world: World, scope: Scope) -> int | None:
    """The first crash in the scope, else its begin unless somebody leads by then."""
    changes = list(milestones(world, Scope()))
    crash = next((c.at_us for c in changes if c.role == CRASHED and scope.covers(c.at_us)), None)
    if crash is None and any(c.leads and c.at_us <= scope.from_us for c in changes):
        return None
    return scope.from_us if crash is None else crash


def lasting_leader(world: World, began: int) -> Milestone | None:
    """The election of the first leader after a moment that stays in office for ``LASTS_US``, until it crashes, or (so
    far) until now."""
    found: Milestone | None = None
    for change in milestones(world, Scope(began + 1)):
        if found is not None and change.at_us - found.at_us >= LASTS_US:
            return found
        if change.leads and (found is None or change.epoch > found.epoch):
            found = change
        elif found is not None and change.process == found.process and not change.leads:
            if change.role == CRASHED:
                return found
            found = None
    return found


def first_round_split(world: World, scope: Scope) -> int | None:
    """1 when the first epoch campaigned for after the first crash found no leader; None when nobody campaigned."""
    crashed = False
    epoch = 0
    for change in milestones(world, scope):
        crashed = crashed or change.role == CRASHED
        if crashed and change.role == "candidate" and not epoch:
            epoch = change.epoch
        elif epoch and change.leads:
            return int(change.epoch != epoch)
    return 1 if epoch else None


def role_at_end(world: World, scope: Scope) -> str | None:
    """The role of the scope's node at the end; "down" when it does not run."""
    for context in world.kernel.contexts:
        if context.host is not None and scope.node in (context.id, context.place):
            return "down" if context.host.state == "down" else str(getattr(context.process, "role", ""))
    return None


# -- what cannot change any more ----------------------------------------------------------------------------------


def election_decided(world: World, scope: Scope) -> bool:
    """Somebody crashed in the scope (or no fault is planned at all), and who leads since has led long enough."""
    crashed = any(c.role == CRASHED and scope.covers(c.at_us) for c in milestones(world, Scope()))
    began = election_begin(world, scope) if crashed or not world.experiment.faults else None
    leader = None if began is None else lasting_leader(world, began)
    return began is not None and leader is not None and world.now_us - leader.at_us >= LASTS_US


def first_round_decided(world: World, scope: Scope) -> bool:
    """Somebody campaigned after the first crash in the scope, and somebody led after that."""
    crashed = False
    epoch = 0
    for change in milestones(world, scope):
        crashed = crashed or change.role == CRASHED
        if crashed and change.role == "candidate" and not epoch:
            epoch = change.epoch
        elif epoch and change.leads:
            return True
    return False


DECIDED: dict[str, Callable[[World, Scope], bool]] = {
    "election_ms": election_decided,
    "first_round_split": first_round_decided,
}
"""Metrics that may stand before the end of a run."""

OF_THEIR_SCOPE = frozenset(
    (
        "acknowledged", "failed", "unknown", "longest_gap_ms", "goodput", "latency_p50_ms", "latency_p99_ms",
        "latency_p999_ms", "leader_changes", "elections", "elections_won", "step_downs", "term_changes",
    )
)  # fmt: skip
"""Metrics that look at nothing after the end of their scope."""


def decided(world: World, name: str, scope: Scope) -> bool:
    """Whether no later event can change the value of a metric."""
    early = DECIDED.get(name)
    if early is not None:
        return early(world, scope)
    return name in OF_THEIR_SCOPE and scope.to_us is not None and scope.to_us < world.now_us


# -- the network ------------------------------------------------------------------------------------------------


def lost_acknowledged(world: World, scope: Scope) -> int | None:
    """Acknowledged operations that are missing at the end; None when nobody can tell."""
    check = world.observer.checks.get("no_lost_ack")
    if check is None or world.verdicts()["no_lost_ack"].verdict == "unknown":
        return None
    if scope.client is None and scope.key is None:
        return int(getattr(check, "lost", 0))
    lost = dict.fromkeys(getattr(check, "lost_ids", ()))
    return sum(
        1 for operation in world.observer.ledger.done if operation.id in lost and fits(operation, scope)
    )


def messages(world: World, scope: Scope) -> int:
    """Messages handled, requests left out; of the whole run."""
    return world.kernel.delivered


METRICS: dict[str, Callable[[World, Scope], Any]] = {
    "acknowledged": outcome_count("ok"),
    "failed": outcome_count("fail"),
    "unknown": outcome_count("unknown"),
    "waiting": waiting,
    "lost_acknowledged": lost_acknowledged,
    "longest_gap_ms": longest_gap_ms,
    "availability": availability,
    "goodput": goodput,
    "result": result,
    "latency_p50_ms": latency(0.5),
    "latency_p99_ms": latency(0.99),
    "latency_p999_ms": latency(0.999),
    "leader_changes": leader_changes,
    "elections": elections,
    "elections_won": elections_won,
    "step_downs": step_downs,
    "term_changes": term_changes,
    "election_ms": election_ms,
    "first_round_split": first_round_split,
    "role_at_end": role_at_end,
    "messages": messages,
}
"""Name -> function. A system may add its own (``System.metrics``)."""

SHOWN = (
    "acknowledged", "failed", "unknown", "lost_acknowledged", "longest_gap_ms", "leader_changes", "availability",
    "latency_p50_ms", "latency_p99_ms", "messages",
)  # fmt: skip
"""Metrics that every result names."""
