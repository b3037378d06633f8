"""Faults of single messages: dropped, copied, delayed, delivered at once, while they travel or are held."""

from __future__ import annotations

from heapq import heapify, heappush
from typing import TYPE_CHECKING, Any

from simulations.engine.context import DELIVER, REQUEST, transmit
from simulations.engine.distributions import Distribution
from simulations.engine.faults.links import ends
from simulations.engine.network import MessageRule, message_fits
from simulations.engine.process import Request

if TYPE_CHECKING:
    from simulations.engine.faults.state import Fault
    from simulations.engine.kernel import Event, Kernel
    from simulations.engine.world import World

Arguments = dict[str, Any]

RULES = {"drop": "drop", "duplicate_message": "duplicate", "delay_message": "delay"}


def message_rule(world: World, fault: Fault, arguments: Arguments) -> None:
    """A rule about messages to come; one that names its message by number acts on it where it is now."""
    match = arguments["match"]
    if match.event is not None:
        on_flight(world, fault, arguments)
        return
    extra = arguments.get("extra_ms")
    if "after_ms" in arguments:
        extra = Distribution("constant", (arguments["after_ms"],))
    rule = MessageRule(
        fault.id, RULES[fault.do], match.message, ends(world, fault, match.from_), ends(world, fault, match.to),
        dict(match.fields), match.skip, match.count, extra,
    )  # fmt: skip
    world.kernel.network.rules.append(rule)
    world.links_changed()


def end_rules(world: World, fault: Fault) -> None:
    network = world.kernel.network
    network.rules[:] = [rule for rule in network.rules if rule.fault != fault.id]
    world.links_changed()


def stop_matching(world: World, fault: Fault, arguments: Arguments) -> None:
    world.kernel.network.rules.clear()
    world.forget_faults(tuple(RULES), set())
    world.links_changed()


def in_flight(world: World, fault: Fault, match: Any) -> list[Any]:
    """Queued deliveries that fit, in order of arrival."""
    kernel = world.kernel
    here, there = ends(world, fault, match.from_), ends(world, fault, match.to)

    def fits(event: Any) -> bool:
        if event[3] not in (DELIVER, REQUEST) or (match.event is not None and event[2] != match.event):
            return False
        source, target = kernel.contexts[event[6]], kernel.contexts[event[4]]
        return (
            (match.message is None or type(event[7]).__name__ == match.message)
            and (not here or source.id in here or source.place in here)
            and (not there or target.id in there or target.place in there)
            and message_fits(event[7], match.fields)
        )

    found = sorted((event for event in kernel.queue if fits(event)), key=lambda event: event[:3])
    found = found[match.skip :]
    return found if match.count is None else found[: match.count]


def take_held(kernel: Kernel, number: int | None) -> list[Event]:
    """The held message of this number, taken out: it will be on its way, or lost, as somebody decides."""
    held = kernel.network.held
    found = [entry for entry in held if entry[0] == number]
    held[:] = [entry for entry in held if entry[0] != number]
    kinds = [REQUEST if type(entry[5]) is Request else DELIVER for entry in found]
    return [
        (kernel.now, 0, number, kind, target, cause, source, message)
        for kind, (number, cause, _, source, target, message) in zip(kinds, found, strict=True)
    ]


def copy_held(kernel: Kernel, number: int) -> None:
    """A second message like a held one; it waits beside it."""
    _, _, _, source, target, message = next(entry for entry in kernel.network.held if entry[0] == number)
    kernel.leave = kernel.now
    transmit(kernel, kernel.link_between(source, target), message, duplicate=True)


def on_flight(world: World, fault: Fault, arguments: Arguments) -> None:
    """drop, delay, duplicate or deliver messages that are on their way; one that is held, if it is named."""
    kernel = world.kernel
    named = arguments["match"].event
    if fault.do != "duplicate_message":
        for event in take_held(kernel, named):
            heappush(kernel.queue, event)
    elif any(entry[0] == named for entry in kernel.network.held):
        copy_held(kernel, named)
    for event in in_flight(world, fault, arguments["match"]):
        if fault.do == "duplicate_message":
            late = round(arguments.get("after_ms", 0) * 1000)
            link = kernel.link_between(event[6], event[4])
            kernel.leave = kernel.now
            transmit(kernel, link, event[7], duplicate=True, late_us=late)
            continue
        kernel.queue.remove(event)
        heapify(kernel.queue)
        if fault.do == "drop":
            kernel.drop(event, "dropped")
            continue
        later = world.draw_us(arguments["extra_ms"], fault) if fault.do == "delay_message" else 0
        arrive = event[0] + later if fault.do == "delay_message" else kernel.now
        kernel.schedule((arrive, *event[1:]))
        if kernel.sends is not None:
            kernel.sends.append((event[2], event[5], kernel.now, arrive, event[6], event[4], 0, event[7]))
