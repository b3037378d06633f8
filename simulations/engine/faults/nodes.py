"""Faults of nodes: their processes, disks and clocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from simulations.engine.context import START, ProcessContext
from simulations.engine.hosts import DOWN, PAUSED, UP, Host

if TYPE_CHECKING:
    from simulations.engine.faults.state import Fault
    from simulations.engine.world import World

Arguments = dict[str, Any]
MILLION = 1_000_000


def hosts_of(world: World, hit: tuple[str, ...]) -> list[Host]:
    """The nodes of the ids that were hit (a process stands for its node)."""
    hosts = world.kernel.hosts
    names = [world.by_id[id].place if id not in hosts and id in world.by_id else id for id in hit]
    return [hosts[name] for name in dict.fromkeys(names) if name in hosts]


def on_node(world: World, host: Host) -> list[ProcessContext]:
    return [context for context in world.kernel.contexts if context.host is host]


def stop(world: World, host: Host) -> None:
    """Power off: memory, undurable writes and held outputs are gone."""
    host.state = DOWN
    host.stash.clear()
    host.busy_us = [0] * len(host.busy_us)
    for context in on_node(world, host):
        context.timers.clear()
        context.held.clear()
        context.disk.crash()
        context.durable = context.written
        context.settled = context.wrote = False
        world.kernel.refresh_blocked(context)
        world.observer.crashed(context.index)


def start(world: World, host: Host, disk: str = "kept") -> None:
    """Power on: every process of the node begins a new life with what its disk holds."""
    kernel = world.kernel
    host.state = UP
    host.life += 1
    for context in on_node(world, host):
        prepare_disk(world, context, disk)
        context.life += 1
        world.new_life(context)
        kernel.refresh_blocked(context)
        world.observer.restarted(context.index)
        world.observer.began(context)
        kernel.number += 1
        entry = (kernel.now, 0, kernel.number, START, context.index, kernel.current, None, context.life)
        kernel.schedule(entry)


def prepare_disk(world: World, context: ProcessContext, disk: str) -> None:
    """kept: as it was; lost: a new, empty one; torn: the interrupted flush reached it in part."""
    if disk == "lost":
        context.disk.wipe()
    elif disk == "torn":
        context.disk.tear(world.named_stream("tear", context.id, str(context.life)))
    else:
        context.disk.interrupted = ()


def kill(world: World, fault: Fault, arguments: Arguments) -> None:
    for host in hosts_of(world, fault.hit):
        if host.state != DOWN:
            stop(world, host)


def restart(world: World, fault: Fault, arguments: Arguments) -> None:
    for host in hosts_of(world, fault.hit):
        if host.state == DOWN:
            start(world, host, arguments.get("disk", "kept"))


def pause(world: World, fault: Fault, arguments: Arguments) -> None:
    for host in hosts_of(world, fault.hit):
        if host.state == UP:
            host.state = PAUSED
            refresh(world, host)


def resume(world: World, fault: Fault, arguments: Arguments) -> None:
    for host in hosts_of(world, fault.hit):
        if host.state == PAUSED:
            host.state = UP
            refresh(world, host)
            world.after_command.append(host.id)


def refresh(world: World, host: Host) -> None:
    for context in on_node(world, host):
        world.kernel.refresh_blocked(context)
        context.slow_disk = host.disk_write is not None or context.disk.failed


def slow(world: World, fault: Fault, arguments: Arguments) -> None:
    for host in hosts_of(world, fault.hit):
        host.cpu_factor = float(arguments.get("cpu_times", host.cpu_factor))
        host.disk_factor = float(arguments.get("disk_times", host.disk_factor))
        host.service = arguments.get("service_ms", host.service)
        refresh(world, host)


def unslow(world: World, fault: Fault, arguments: Arguments) -> None:
    for host in hosts_of(world, fault.hit):
        host.cpu_factor = host.disk_factor = 1.0
        host.service = None
        refresh(world, host)


# -- disks ------------------------------------------------------------------------------------------------------


def disk_delay(world: World, fault: Fault, arguments: Arguments) -> None:
    for host in hosts_of(world, fault.hit):
        host.disk_write = arguments["write_ms"]
        refresh(world, host)


def disk_fail(world: World, fault: Fault, arguments: Arguments) -> None:
    """hang, full: no write completes until the disk is mended. error: the processes stop, as real ones do."""
    for host in hosts_of(world, fault.hit):
        if arguments.get("mode", "error") == "error":
            stop(world, host)
            continue
        for context in on_node(world, host):
            context.disk.failed = True
            context.disk.flushing = 0
        refresh(world, host)


def disk_lie(world: World, fault: Fault, arguments: Arguments) -> None:
    for host in hosts_of(world, fault.hit):
        for context in on_node(world, host):
            context.disk.lying = True


def disk_mend(world: World, fault: Fault, arguments: Arguments) -> None:
    """The disk works again; what waited is flushed, what a lying disk only pretended becomes durable."""
    for host in hosts_of(world, fault.hit):
        host.disk_write = None
        host.disk_factor = 1.0
        for context in on_node(world, host):
            disk = context.disk
            disk.failed = disk.lying = False
            pretended, disk.pretended = disk.pretended, ()
            disk.store(pretended)
        refresh(world, host)
        for context in on_node(world, host):
            context.flush()


def disk_lose(world: World, fault: Fault, arguments: Arguments) -> None:
    """What was durable disappears; a running process does not notice before it starts again."""
    for host in hosts_of(world, fault.hit):
        for context in on_node(world, host):
            if arguments.get("everything"):
                context.disk.wipe()
            for cell in arguments.get("cells", ()):
                context.disk.cells.pop(cell, None)
            for name in list(context.disk.logs) if "last_entries" in arguments else ():
                context.disk.lose_last(name, int(arguments["last_entries"]))


# -- clocks -----------------------------------------------------------------------------------------------------


def clock(world: World, fault: Fault, arguments: Arguments) -> None:
    now = world.kernel.now
    for host in hosts_of(world, fault.hit):
        shift = round(arguments.get("jump_ms", 0) * 1000)
        if "offset_ms" in arguments:
            shift += now + round(arguments["offset_ms"] * 1000) - host.clock(now)
        rate = arguments.get("rate")
        set_clock(world, host, shift, None if rate is None else round(rate * MILLION))


def clock_mend(world: World, fault: Fault, arguments: Arguments) -> None:
    for host in hosts_of(world, fault.hit):
        set_clock(world, host, world.kernel.now - host.clock(world.kernel.now), MILLION)


def set_clock(world: World, host: Host, shift_us: int, rate_ppm: int | None) -> None:
    """Change a clock; timers keep what is left of them in local time (a jump does not touch them: they count
    elapsed time, not dates)."""
    kernel, before = world.kernel, host.rate_ppm
    host.set_clock(kernel.now, shift_us=shift_us, rate_ppm=rate_ppm)
    for context in on_node(world, host):
        context.look_at_host()
    if host.rate_ppm == before:
        return
    for context in on_node(world, host):
        for name, (deadline, cause, armed, since) in list(context.timers.items()):
            left = (deadline - kernel.now) * before // host.rate_ppm
            context.timers[name] = (kernel.now + left, cause, armed, since)
            kernel.rearm(context, name)


# -- processes --------------------------------------------------------------------------------------------------


def operate(world: World, fault: Fault, arguments: Arguments) -> None:
    """An operator's instruction, carried out by the system itself: campaign, transfer, configure, promote, ... Without
    a target all processes of the experiment's system hear it; who is responsible acts."""
    hit = fault.hit or tuple(context.id for context in world.processes_of(world.experiment.system))
    for context in contexts_of(world, hit):
        if context.host is not None and context.host.state == UP:
            world.operate(context, fault.do, arguments)


def contexts_of(world: World, hit: tuple[str, ...]) -> list[ProcessContext]:
    """The processes that were hit: by address, or all of a node."""
    found = []
    for id in hit:
        context = world.by_id.get(id)
        if context is not None and context.host is not None:
            found.append(context)
        elif id in world.kernel.hosts:
            found.extend(on_node(world, world.kernel.hosts[id]))
    return found


def armed(world: World, hit: tuple[str, ...], timer: str) -> bool:
    """Whether one of the processes has armed a timer of this name."""
    return any(timer in context.timers for context in contexts_of(world, hit))


def fire_timer(world: World, fault: Fault, arguments: Arguments) -> None:
    for context in contexts_of(world, fault.hit):
        timer = context.timers.get(arguments["timer"])
        if timer is not None:
            world.kernel.fire_now(context, arguments["timer"])


def load(world: World, fault: Fault, arguments: Arguments) -> None:
    for id in fault.hit:
        client = world.client(id)
        if client is None:
            continue
        rate = client.parameters.spec.rate or 1
        client.set_factor(float(arguments["rate"] / rate if "rate" in arguments else arguments["times"]))


def load_normal(world: World, fault: Fault, arguments: Arguments) -> None:
    for id in fault.hit:
        client = world.client(id)
        if client is not None:
            client.set_factor(1.0)


def set_parameter(world: World, fault: Fault, arguments: Arguments) -> None:
    for context in having_parameter(world, fault.hit, arguments["name"]):
        world.set_parameters(context, changed_parameters(context, arguments["name"], arguments["value"]))


def having_parameter(world: World, hit: tuple[str, ...], name: str) -> list[ProcessContext]:
    """Of the processes that were hit - nobody: all of the experiment's own system - those that have this parameter. A
    node may run processes of other systems, too."""
    found = contexts_of(world, hit) if hit else world.processes_of(world.experiment.system)
    return [context for context in found if name in context.process.parameters.__struct_fields__]


def changed_parameters(context: ProcessContext, name: str, value: Any) -> Any:
    """A process's parameters with one value changed. msgspec.ValidationError when they do not allow it."""
    old = context.process.parameters
    values = {field: getattr(old, field) for field in old.__struct_fields__}
    return msgspec.convert({**msgspec.to_builtins(values), name: value}, type(old))
