"""A world as bytes: complete, plain, and readable in another process. Save, restore and continue equals going on.

msgpack of one structure; processes, messages and checks are decoded by their own types.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, get_type_hints

import msgspec

from simulations.engine.checks.base import Check
from simulations.engine.faults.state import FaultState
from simulations.engine.hosts import Host
from simulations.engine.kernel import ENGINE_VERSION, Kernel
from simulations.engine.ledger import Ledger
from simulations.engine.log import Log
from simulations.engine.network import Network
from simulations.engine.process import Message, Process, Reply, Request
from simulations.engine.storage import Disk

if TYPE_CHECKING:
    from simulations.engine.world import World

Raw = msgspec.Raw
BYTES = (0xC4, 0xC5, 0xC6)
"""How msgpack begins a string of bytes."""
_encode = msgspec.msgpack.Encoder().encode


class SavedContext(msgspec.Struct, array_like=True):
    """One process with its instruments."""

    process: Raw
    disk: Raw
    timers: dict[str, tuple[int, int, int, int]]
    held: list[tuple[int, str, Raw]]
    written: int
    durable: int
    life: int
    slow_disk: bool


class SavedEvent(msgspec.Struct, array_like=True):
    """One entry of the queue or of the digest's open block."""

    time: int
    lane: int
    number: int
    kind: int
    target: int
    cause: int
    detail: int | str | None
    content: Raw


class Saved(msgspec.Struct, array_like=True):
    """A whole world."""

    engine: int
    seed: int
    now: int
    number: int
    current: int
    executed: int
    delivered: int
    chain: bytes
    queue: list[SavedEvent]
    records: list[SavedEvent]
    streams: dict[int, bytes]
    stream_keys: list[tuple[str, ...]]
    network: Network
    held: list[tuple[int, int, int, int, int, Raw]]
    hosts: dict[str, Host]
    stashes: dict[str, list[SavedEvent]]
    admitted: dict[int, tuple[int, int]]
    contexts: list[SavedContext]
    faults: FaultState
    parameters: dict[str, Raw]
    skipped: list[int]
    ledger: Ledger
    totals: dict[str, dict[str, int]]
    checks: dict[str, Raw]


def save(world: World) -> bytes:
    """The world at this moment. The recorder is not part of it. ValueError when its future was drawn anew."""
    kernel = world.kernel
    if world.script_seed != kernel.seed:
        raise ValueError("a world whose future was drawn anew cannot be saved: a checkpoint has one seed")
    network = kernel.network.fork()
    network.held = []
    hosts = {name: host.fork() for name, host in kernel.hosts.items()}
    for host in hosts.values():
        host.stash = []
    return _encode(
        Saved(
            ENGINE_VERSION, kernel.seed, kernel.now, kernel.number, kernel.current, kernel.executed, kernel.delivered,
            kernel.chain, [_event(e) for e in kernel.queue], [_event(e) for e in kernel.records],
            {key: state.to_bytes(16, "big") for key, state in kernel.streams.items()}, list(world.stream_keys()),
            network, [(*entry[:5], Raw(_encode(entry[5]))) for entry in kernel.network.held], hosts,
            {name: [_event(e) for e in host.stash] for name, host in kernel.hosts.items() if host.stash},
            kernel.admitted, [_context(context) for context in kernel.contexts], world.faults,
            {name: Raw(_encode(value)) for name, value in world.parameters.items()}, world.skipped_lines,
            world.observer.ledger, world.observer.totals,
            {name: _check(check) for name, check in world.observer.checks.items()},
        )
    )  # fmt: skip


def _check(check: Check) -> Raw:
    """The state of a check. msgpack has no integers beyond 64 bits, such as the sets of bits in which linearizability
    keeps more than 64 open operations of one key; those go another way, as bytes."""
    try:
        return Raw(_encode(check))
    except OverflowError:
        return Raw(_encode(bytes(pack(check))))


LARGE_INT = 1
"""Code of the msgpack extension that holds an integer of more than 63 bits (bit sets of checkers)."""


def pack(value: Any) -> Raw:
    """A check as msgpack; integers of any size."""
    return Raw(_encode(_small(msgspec.to_builtins(value))))


def _small(value: Any) -> Any:
    if isinstance(value, int) and value.bit_length() > 63:
        return msgspec.msgpack.Ext(LARGE_INT, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))
    if isinstance(value, dict):
        return {key: _small(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_small(item) for item in value]
    return value


def unpack(data: Raw, kind: type) -> Any:
    """The inverse of ``pack``."""
    plain = msgspec.msgpack.decode(data, ext_hook=lambda code, raw: int.from_bytes(raw, "big", signed=True))
    return msgspec.convert(plain, kind)


def _event(event: Any) -> SavedEvent:
    time, lane, number, kind, target, cause, detail, content = event
    return SavedEvent(time, lane, number, kind, target, cause, detail, Raw(_encode(content)))


def _context(context: Any) -> SavedContext:
    process = context.process
    values = {name: getattr(process, name) for name in saved_fields(type(process))}
    held = [(number, to, Raw(_encode(message))) for number, to, message in context.held]
    return SavedContext(
        Raw(_encode(values)), Raw(_encode(context.disk)), context.timers, held, context.written, context.durable,
        context.life, context.slow_disk,
    )  # fmt: skip


def saved_fields(kind: type[Process]) -> list[str]:
    """The fields of a process that are its own state; the others are rebuilt from the experiment."""
    rebuilt = ("id", "kind", "peers", "parameters", "directory")
    return [field.name for field in fields(kind) if field.name not in rebuilt]


class Reader:
    """Decodes the parts of one world by the types of its systems."""

    def __init__(self, world: World) -> None:
        messages: list[type[Message]] = [Request, Reply]
        for name in world.directory:
            messages.extend(world.systems[name].messages if "/" not in name else ())
        content: Any = dict[str, Any] | None | int
        for message in dict.fromkeys(messages):
            content = content | message
        self.content: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(content)

    def event(self, saved: SavedEvent) -> Any:
        return (
            saved.time, saved.lane, saved.number, saved.kind, saved.target, saved.cause, saved.detail,
            self.content.decode(saved.content),
        )  # fmt: skip


def decode(data: bytes) -> Saved:
    """The saved structure. ValueError when the bytes are no checkpoint of this engine."""
    try:
        saved = msgspec.msgpack.decode(data, type=Saved)
    except msgspec.DecodeError as error:
        raise ValueError(f"no checkpoint: {error}") from error
    if saved.engine != ENGINE_VERSION:
        raise ValueError(f"a checkpoint of engine {saved.engine}; this is engine {ENGINE_VERSION}")
    return saved


def restore(world: World, saved: Saved) -> None:
    """Put a saved state into a world freshly built from the same experiment and seed. ValueError when it does not
    fit."""
    if len(saved.contexts) != len(world.kernel.contexts):
        raise ValueError("the checkpoint belongs to another experiment")
    reader, kernel = Reader(world), world.kernel
    kernel.now = kernel.leave = saved.now
    kernel.number, kernel.current = saved.number, saved.current
    kernel.delivered, kernel.chain, kernel.admitted = saved.delivered, saved.chain, saved.admitted
    kernel.queue[:] = [reader.event(event) for event in saved.queue]
    kernel.records[:] = [reader.event(event) for event in saved.records]
    kernel.sealed = saved.executed - len(saved.records)
    kernel.streams.clear()
    kernel.streams.update({key: int.from_bytes(state, "big") for key, state in saved.streams.items()})
    world.restore_stream_keys(saved.stream_keys)
    kernel.network = saved.network
    kernel.network.held = [(*entry[:5], reader.content.decode(entry[5])) for entry in saved.held]
    load_hosts(kernel, saved, reader)
    world.faults, world.skipped_lines = saved.faults, saved.skipped
    load_checks(world, saved)
    for context, one in zip(kernel.contexts, saved.contexts, strict=True):
        load_context(world, context, one, reader, saved.parameters.get(context.id))
    world.links_changed()
    if world.triggers.needed() or world.observer.listeners():
        world.watch_events()


def load_hosts(kernel: Kernel, saved: Saved, reader: Reader) -> None:
    """Hosts keep their identity: contexts point at them."""
    for name, host in saved.hosts.items():
        mine = kernel.hosts[name]
        for field in host.__struct_fields__:
            setattr(mine, field, getattr(host, field))
        mine.stash = [reader.event(event) for event in saved.stashes.get(name, [])]


def load_checks(world: World, saved: Saved) -> None:
    """Checks and ledger. A check that was added since begins anew, and says so by having judged nothing."""
    observer = world.observer
    observer.ledger = saved.ledger
    observer.totals = saved.totals
    for name, check in list(observer.checks.items()):
        if name in saved.checks:
            observer.checks[name] = load_check(saved.checks[name], type(check))
    observer.attach()


def load_check(data: Raw, kind: type[Check]) -> Check:
    """A check as ``_check`` saved it."""
    if memoryview(data)[0] in BYTES:
        found: Check = unpack(Raw(msgspec.msgpack.decode(data, type=bytes)), kind)
        return found
    return msgspec.msgpack.decode(data, type=kind)


def load_context(
    world: World, context: Any, saved: SavedContext, reader: Reader, parameters: Raw | None
) -> None:
    process = context.process
    if parameters is not None:
        process.parameters = msgspec.msgpack.decode(parameters, type=type(process.parameters))
        world.parameters[context.id] = process.parameters
    values = decode_fields(type(process), saved.process)
    entries = world.log_types(context)
    for name, value in values.items():
        if isinstance(value, Log):
            type_log(value, entries)
        setattr(process, name, value)
    context.disk = load_disk(saved.disk, entries)
    context.timers = saved.timers
    context.held = [(number, to, reader.content.decode(message)) for number, to, message in saved.held]
    context.written, context.durable, context.life = saved.written, saved.durable, saved.life
    context.slow_disk = saved.slow_disk
    world.kernel.refresh_blocked(context)
    context.mark = context.probe(process) if context.probe is not None else None


def decode_fields(kind: type[Process], data: Raw) -> dict[str, Any]:
    """The fields of a process, each by its annotation."""
    hints = get_type_hints(kind)
    raw = msgspec.msgpack.decode(data, type=dict[str, Raw])
    return {name: msgspec.msgpack.decode(value, type=hints[name]) for name, value in raw.items()}


def load_disk(data: Raw, entries: type | None) -> Disk:
    """A disk; entries of its logs are decoded by the system's entry type."""
    disk = msgspec.msgpack.decode(data, type=Disk)
    if entries is None:
        return disk
    for log in disk.logs.values():
        type_log(log, entries)
    disk.waiting = [(n, tuple(typed_write(w, entries) for w in writes)) for n, writes in disk.waiting]
    disk.interrupted = tuple([typed_write(write, entries) for write in disk.interrupted])
    disk.pretended = tuple([typed_write(write, entries) for write in disk.pretended])
    return disk


def type_log(log: Log, entries: type | None) -> None:
    """Give a log's plain entries their type."""
    if entries is not None:
        type_entries(log, entries)


def type_entries(history: Log, kind: type) -> None:
    """Give plain items in a history their type."""
    history.full = tuple([tuple(typed(chunk, kind)) for chunk in history.full])
    history.tail = typed(history.tail, kind)
    history.blocks = tuple(
        [tuple([tuple(typed(chunk, kind)) for chunk in block]) for block in history.blocks]
    )


def typed(items: Any, kind: type) -> list[Any]:
    """Plain items as values of their type."""
    return [msgspec.convert(item, kind) for item in items]


def typed_write(write: Any, entries: type) -> tuple[Any, ...]:
    """A disk write whose entries have their type."""
    if write[0] == "append":
        return ("append", write[1], tuple(typed(write[2], entries)))
    return tuple(write)
