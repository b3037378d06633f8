"""The trace: what the page, the exports and the saved links are made of. Recorded from outside, chunk by chunk.

The shapes are those of docs/protocol.md. A recorder never changes the world and is no part of the digest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from simulations.engine.checks.base import Verdict
from simulations.engine.context import DELIVER, DROP, KIND_NAMES, REQUEST, START, ProcessContext
from simulations.engine.hosts import Host
from simulations.engine.kernel import ENGINE_VERSION, Event
from simulations.engine.network import HELD, ON_ITS_WAY
from simulations.engine.parts import PartOfWorld
from simulations.engine.process import Message
from simulations.engine.views import ATOMS, Plan, View, plan_of, shown

if TYPE_CHECKING:
    from simulations.engine.world import World

CUTS_SHOWN_MAX = 400
VERSION = 2
"""Of a chunk's form: from 2 on, maps and logs are told by what changed in them."""

_encoder = msgspec.msgpack.Encoder()
_encode_into = _encoder.encode_into


class Rows:
    """A list that is written as msgpack while it grows: nothing of it stays behind as objects."""

    __slots__ = ("bytes", "count")

    def __init__(self) -> None:
        self.bytes = bytearray()
        self.count = 0

    def append(self, row: tuple[Any, ...]) -> None:
        self.count += 1
        _encode_into(row, self.bytes, -1)

    def raw(self) -> msgspec.Raw:
        """The whole list, as it stands in a chunk."""
        return msgspec.Raw(b"\xdd" + self.count.to_bytes(4, "big") + self.bytes)


class Chunk(msgspec.Struct):
    """One branch between two virtual times, able to stand alone (docs/protocol.md). ``sends`` and ``events`` are
    msgpack already; ``plain`` gives all of it as dicts and lists."""

    t0_us: int
    t1_us: int
    level: str
    keyframe: dict[str, Any]
    sends: msgspec.Raw
    events: msgspec.Raw
    operations: list[Any] = []
    checks: list[Any] = []
    rates: list[Any] = []
    v: int = VERSION
    engine: int = ENGINE_VERSION

    def plain(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.msgpack.decode(_encoder.encode(self), strict=False)
        return found


PASSING = "passing"


class Recorder(PartOfWorld):
    """Records one world. ``level``: full; aggregate (no single messages, only changes of role, epoch and faults); or
    passing (nothing, on the way to where somebody looks again: only what is under way is remembered)."""

    def __init__(self, world: World, level: str, flight: dict[int, tuple[Any, ...]]) -> None:
        super().__init__(world)
        self.kernel = world.kernel
        self.level = level
        self.flight = flight
        self.noted: list[Any] | None = None
        self.seen: list[Any] = []
        self.idle = True
        self.judged: tuple[tuple[int, int], dict[str, Verdict]] = ((-1, -1), {})

    def wake(self) -> None:
        """Begin a chunk before the world moves: a keyframe is made only when something follows it."""
        if self.idle:
            self.idle = False
            self.begin()

    def begin(self) -> None:
        """Start a chunk at this moment."""
        world, kernel = self.world, self.kernel
        self.t0 = kernel.now
        if self.level == PASSING:
            kernel.sends = []
            return
        kernel.notes = []
        kernel.sends = []
        self.views: list[View | None] = [
            None if context.host is None else View(self.plan_of(context), context)
            for context in kernel.contexts
        ]
        self.events = Rows()
        self.operations: dict[int, Any] = {}
        self.changes: list[Any] = []
        self.rates: dict[tuple[int, int, str], int] = {}
        moment = (kernel.executed, kernel.now)
        self.verdicts = self.judged[1] if self.judged[0] == moment else world.verdicts()
        self.keyframe = self.key()

    def servers(self) -> list[ProcessContext]:
        return [context for context in self.kernel.contexts if context.host is not None]

    def plan_of(self, context: ProcessContext) -> Plan:
        member = self.world.members[context.index]
        return plan_of(self.world.systems[member.system].descriptor, type(context.process))

    # -- what the kernel tells ------------------------------------------------------------------------------------

    def executed(self, event: Event, context: ProcessContext) -> None:
        kernel = self.kernel
        self.noted = notes = kernel.notes or None
        if notes:
            kernel.notes = []
        if self.seen:
            notes, self.seen = [*(notes or ()), *self.seen], []
        if self.level != "full":
            self.count(event, context)
            return
        at_us, _, number, kind, index, cause, detail, content = event
        view = self.views[index]
        diff = view.diff(context, at_us, kind == START) if view is not None else None
        if content is not None:
            detail = content if detail is None else kernel.names[detail]
        self.events.append((number, at_us, kind, context.id, cause, detail, diff, notes))

    def observed(self, notes: list[tuple[str, dict[str, Any]]]) -> None:
        """What checks found out from the event that is under way."""
        self.seen += [(id, values, True) for id, values in notes]

    def count(self, event: Event, context: ProcessContext) -> None:
        """Aggregate: messages are counted; of changes only those of role and epoch are kept."""
        if self.level == PASSING:
            return
        at_us, _, number, kind, target, cause, detail, content = event
        if kind in (DELIVER, REQUEST):
            key = (detail, target, type(content).__name__)
            self.rates[key] = self.rates.get(key, 0) + 1
        view = self.views[target]
        diff = view.turned(context) if view is not None else None
        if diff is not None:
            self.events.append((number, at_us, kind, context.id, cause, "", diff, None))

    def dropped(self, event: Event, reason: str) -> None:
        """A message reached nobody."""
        if self.level == "full":
            kernel = self.kernel
            name = kernel.names[event[4]]
            self.events.append((event[2], kernel.now, DROP, name, event[5], reason, None, None))

    def commanded(self, event: Event, told: dict[str, Any]) -> None:
        """A script line or command ran: faults may have touched anything, so everything is looked at."""
        kernel = self.kernel
        if self.level == PASSING:
            return
        diff: dict[str, Any] = {"node": self.nodes(), "network": self.network(), "faults": self.faults()}
        processes = {}
        for context in self.servers():
            view = self.views[context.index]
            if view is None or view.process is not context.process:
                self.views[context.index] = view = View(self.plan_of(context), context)
                processes[context.id] = self.process(context, view)
            elif view.diff(context, everything=True) is not None:
                processes[context.id] = self.process(context, view)
        if processes:
            diff["processes"] = processes
        number = -1 - event[2]
        notes, kernel.notes = kernel.notes or None, []
        self.events.append((number, kernel.now, event[3], "", event[5], told, diff, notes))

    # -- chunks ---------------------------------------------------------------------------------------------------

    def take(self) -> Chunk:
        """Everything since the last take; the next chunk begins when the world moves again."""
        self.wake()
        world, kernel = self.world, self.kernel
        raw = kernel.sends or ()
        if self.level == PASSING:
            self.follow_flight(raw)
            world.observer.fresh = []
            self.idle = True
            return Chunk(self.t0, kernel.now, self.level, {}, Rows().raw(), Rows().raw())
        sends = self.rows_of(raw if self.level == "full" else ())
        for operation in world.observer.fresh:
            self.operations[operation.id] = operation_of(operation)
        world.observer.fresh = []
        self.judge()
        chunk = Chunk(
            self.t0, kernel.now, self.level, self.keyframe, sends.raw(), self.events.raw(),
            list(self.operations.values()), self.changes,
            [[kernel.names[a], kernel.names[b], kind, n] for (a, b, kind), n in self.rates.items()],
        )  # fmt: skip
        self.follow_flight(raw)
        self.idle = True
        return chunk

    def rows_of(self, raw: Sequence[tuple[Any, ...]]) -> Rows:
        """Send records in the protocol's order. One message to many, sent in a row, is looked at once."""
        rows, names, last = Rows(), self.kernel.names, None
        written = rows.bytes
        for number, cause, depart, arrive, source, target, fate, message in raw:
            if message is not last:
                last = message
                tag, fields = message_of(message)
            row = (number, cause, depart, arrive, names[source], names[target], fate, tag, fields)
            _encode_into(row, written, -1)
        rows.count = len(raw)
        return rows

    def follow_flight(self, raw: Sequence[tuple[Any, ...]]) -> None:
        """Remember departures of what is still under way; the last word on each message counts."""
        now, flight, names = self.kernel.now, self.flight, self.kernel.names
        for number, cause, depart, arrive, source, target, fate, message in raw:
            if arrive > now or fate == HELD:
                ends = names[source], names[target]
                flight[number] = (number, cause, depart, arrive, *ends, fate, *message_of(message))
            elif number in flight:
                del flight[number]
        gone = [
            number
            for number, send in flight.items()
            if send[6] != HELD and (send[6] != ON_ITS_WAY or send[3] <= now)
        ]
        for number in gone:
            del flight[number]

    def judge(self) -> None:
        """Changes of verdicts since the chunk began, each at the time of the event that decided it."""
        kernel = self.kernel
        verdicts = self.world.verdicts()
        self.judged = ((kernel.executed, kernel.now), verdicts)
        for name, verdict in verdicts.items():
            before = self.verdicts.get(name)
            if before is not None and before.verdict == verdict.verdict and before.judged == verdict.judged:
                continue
            at = verdict.at_us if verdict.verdict == "violated" and verdict.at_us is not None else kernel.now
            self.changes.append((max(at, self.t0), name, check_state(verdict)))
        self.changes.sort(key=lambda change: change[0])

    # -- keyframes ------------------------------------------------------------------------------------------------

    def key(self) -> dict[str, Any]:
        """The state now."""
        world, kernel = self.world, self.kernel
        processes = {}
        for context in self.servers():
            view = self.views[context.index]
            if view is not None:
                processes[context.id] = self.process(context, view)
        return {
            "at_us": kernel.now,
            "number": kernel.number,
            "nodes": self.nodes(),
            "processes": processes,
            "clients": self.clients(),
            "flight": list(self.flight.values()),
            "network": self.network(),
            "checks": {name: check_state(verdict) for name, verdict in self.verdicts.items()},
            "metrics": world.metrics_now(),
            "faults": self.faults(),
        }

    def process(self, context: ProcessContext, view: View) -> dict[str, Any]:
        member = self.world.members[context.index]
        return {"node": context.place, "system": member.system, "kind": member.role, **view.whole(context)}

    def nodes(self) -> dict[str, Any]:
        kernel = self.kernel
        return {name: node_state(host, kernel.now) for name, host in kernel.hosts.items()}

    def clients(self) -> dict[str, Any]:
        """Each client's place and what it waits for, with its totals so far."""
        world = self.world
        totals = world.totals()
        waiting: dict[str, list[int]] = {}
        for operation in world.observer.ledger.open.values():
            waiting.setdefault(operation.client, []).append(operation.invoked_us)
        return {
            client.id: {
                "at": client.at,
                "waiting": len(waiting.get(client.id, ())),
                "oldest_us": min(waiting[client.id]) if client.id in waiting else None,
                **totals.get(client.id, {"ok": 0, "fail": 0, "unknown": 0}),
            }
            for client in world.clients
        }

    def network(self) -> dict[str, Any]:
        network = self.kernel.network
        cuts = [list(pair) for pair in network.cuts]
        walls = [msgspec.to_builtins(wall) for wall in network.walls]
        if len(cuts) > CUTS_SHOWN_MAX:
            cuts = []
        return {
            "cuts": cuts,
            "holds": [list(pair) for pair in network.holds][:CUTS_SHOWN_MAX],
            "links": [msgspec.to_builtins(change) for change in network.changes],
            "groups": self.world.faults.groups,
            "walls": walls,
        }

    def faults(self) -> list[dict[str, Any]]:
        return [
            {"id": f.id, "do": f.do, "target": list(f.hit), "since_us": f.since_us, "until_us": f.until_us}
            for f in self.world.faults.active.values()
        ]


def message_of(message: Message) -> tuple[str, tuple[Any, ...]]:
    """(tag, field values) of a message."""
    kind = message.__class__
    tag = _tags.get(kind)
    if tag is None:
        tag = _tags[kind] = str(kind.__struct_config__.tag)
    values = _astuple(message)
    if ATOMS.issuperset(map(type, values)):
        return tag, values
    return tag, tuple([value if value.__class__ in ATOMS else shown(value) for value in values])


_tags: dict[type[Message], str] = {}
_astuple = msgspec.structs.astuple


def node_state(host: Host, now: int) -> dict[str, Any]:
    slow = host.cpu_factor != 1.0 or host.disk_factor != 1.0 or host.service is not None
    return {
        "state": host.state,
        "life": host.life,
        "slow": slow,
        "clock_offset_us": host.clock(now) - now,
        "clock_rate": host.rate_ppm / 1_000_000,
        "disk": "slow" if host.disk_write is not None or host.disk_factor != 1.0 else "ok",
    }


def operation_of(operation: Any) -> tuple[Any, ...]:
    """A client operation in the protocol's order."""
    return (
        operation.id, operation.client, operation.kind, operation.key, shown(operation.argument), operation.invoked_us,
        operation.returned_us, operation.outcome, shown(operation.result), operation.process,
    )  # fmt: skip


def check_state(verdict: Verdict) -> dict[str, Any]:
    note = [verdict.message, shown(verdict.values)] if verdict.message else None
    return {
        "verdict": verdict.verdict,
        "judged": verdict.judged,
        "event": verdict.event,
        "at_us": verdict.at_us,
        "note": note,
    }


__all__ = ["KIND_NAMES", "Chunk", "Recorder"]
