"""Lines and operations that wait for an event: ``when`` patterns, matched after every event while there are any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulations.engine.context import COMMAND, DELIVER, DISK, REQUEST, TIMER, ProcessContext
from simulations.engine.experiment.matching import fits
from simulations.engine.experiment.structs import When
from simulations.engine.faults.state import Trigger
from simulations.engine.faults.targets import resolve
from simulations.engine.network import LOST, message_fits
from simulations.engine.parts import PartOfWorld
from simulations.engine.process import Reply

if TYPE_CHECKING:
    from simulations.engine.world import World

SECOND = 1_000_000
OPERATIONS_FROM = 50_000


class Triggers(PartOfWorld):
    """The patterns of one world. Script lines have their number, scripted operations OPERATIONS_FROM + theirs."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        experiment = world.experiment
        self.patterns: dict[int, When] = {
            i: line.when for i, line in enumerate(experiment.faults) if line.when
        }
        for number, operation in enumerate(experiment.operations):
            if operation.when is not None:
                self.patterns[OPERATIONS_FROM + number] = operation.when
        self.sends: list[Any] = []
        self.fresh: list[Any] = []
        self.looked_at = 0
        self.attributes: dict[tuple[str, str], str] = {}
        self.prepare()

    def prepare(self) -> None:
        """Have sends and notes kept for the patterns that need them, also while nobody records."""
        kinds = {when.event for when in self.patterns.values()}
        kernel = self.world.kernel
        if kinds & {"send", "lose"} and kernel.sends is None:
            kernel.sends = []
        if "note" in kinds and kernel.notes is None:
            kernel.notes = []

    def take_sends(self) -> list[Any]:
        """What departed in this event. A recorder keeps all sends of a chunk, so those looked at are passed over."""
        sends = self.world.kernel.sends
        if sends is None:
            return []
        if sends is not self.sends:
            self.sends, self.looked_at = sends, 0
        fresh = sends[self.looked_at :]
        self.looked_at = len(sends)
        return fresh

    def notes(self) -> list[Any]:
        """What was noted in this event: a recorder has taken it already."""
        world = self.world
        return (world.kernel.notes if world.recorder is None else world.recorder.noted) or []

    def needed(self) -> bool:
        """Whether any pattern still waits, or a line waits for its target."""
        state = self.world.faults.script
        return bool(state.waiting) or any(
            number not in state.triggers or not state.triggers[number].done for number in self.patterns
        )

    def on_event(self, event: Any, context: ProcessContext | None) -> None:
        """After one event: count matches, fire what is complete."""
        world = self.world
        state = world.faults.script
        self.fresh = self.take_sends()
        for number, when in self.patterns.items():
            trigger = state.triggers.get(number)
            if trigger is None:
                trigger = state.triggers[number] = Trigger(inside=[])
            early = world.kernel.now < when.after_s * SECOND
            # A view pattern waits for a change, so it must know the values from before.
            if trigger.done or (early and when.event != "view"):
                continue
            found = self.matches(when, trigger, event, context)
            if early:
                continue
            trigger.seen += found
            if trigger.seen >= when.count:
                trigger.done = True
                self.fire(number, when)
        if world.recorder is None:
            for list_ in (world.kernel.sends, world.kernel.notes):
                if list_ is not None:
                    list_.clear()
            self.looked_at = 0
        if state.waiting:
            world.script.retry_waiting()

    def fire(self, number: int, when: When) -> None:
        """The line or operation runs, after its delay."""
        world = self.world
        at_us = world.kernel.now + round(when.delay_ms * 1000)
        if number < OPERATIONS_FROM:
            world.script.queue(at_us, number, {"script": number})
            return
        index = number - OPERATIONS_FROM
        operation = world.experiment.operations[index]
        world.script.queue(at_us, number, {"operation": index, "client": operation.client})

    # -- one event against one pattern ----------------------------------------------------------------------------

    def matches(self, when: When, trigger: Trigger, event: Any, context: ProcessContext | None) -> int:
        """How often the event fits the pattern."""
        kind = when.event
        if kind == "fault":
            return int(event[3] == COMMAND)
        if kind in ("send", "lose"):
            return sum(self.send_fits(when, send) for send in self.fresh)
        if context is None or not self.is_node(when.node, context):
            return 0
        if kind == "deliver":
            return int(event[3] == DELIVER and self.message_fits(when, event))
        if kind == "timer":
            return int(event[3] == TIMER and when.timer in (None, event[6]))
        if kind == "durable":
            return int(event[3] == DISK)
        if kind == "request":
            return int(
                event[3] == REQUEST
                and self.operation_fits(when, event[7].kind, event[7].key, event[7].client)
            )
        if kind == "reply":
            return int(
                event[3] == DELIVER and isinstance(event[7], Reply) and self.reply_fits(when, event, context)
            )
        if kind == "note":
            return sum(
                when.note in (None, id) and _values_fit(when.match, values) for id, values, *_ in self.notes()
            )
        return self.enters(when, trigger, context)

    def is_node(self, wanted: str | None, context: ProcessContext) -> bool:
        """Whether a process is the one the pattern names (an id, a node or a symbolic target)."""
        if wanted is None or wanted in (context.id, context.place):
            return True
        if wanted in self.world.by_id or wanted in self.world.kernel.hosts:
            return False
        stream = self.world.named_stream("when", wanted)
        return context.place in resolve(self.world, [wanted], stream)

    def ends_fit(self, when: When, source: int, target: int) -> bool:
        contexts = self.world.kernel.contexts
        return self.is_node(when.from_, contexts[source]) and self.is_node(when.to, contexts[target])

    def send_fits(self, when: When, send: Any) -> bool:
        """(number, cause, depart, arrive, source, target, fate, message)"""
        if when.event == "lose" and send[6] != LOST:
            return False
        return (
            when.message in (None, type(send[7]).__name__)
            and self.ends_fit(when, send[4], send[5])
            and message_fits(send[7], when.match)
        )

    def message_fits(self, when: When, event: Any) -> bool:
        return (
            when.message in (None, type(event[7]).__name__)
            and self.ends_fit(when, event[6], event[4])
            and message_fits(event[7], when.match)
        )

    def operation_fits(self, when: When, kind: str, key: str, client: str) -> bool:
        return when.operation in (None, kind) and when.key in (None, key) and when.client in (None, client)

    def reply_fits(self, when: When, event: Any, context: ProcessContext) -> bool:
        """A client's answer: of the operation kind, key and client wanted."""
        if when.client not in (None, context.id) or not message_fits(event[7], when.match):
            return False
        done = self.world.observer.ledger.operation(event[7].operation)
        return done is None or self.operation_fits(when, done.kind, done.key, context.id)

    def enters(self, when: When, trigger: Trigger, context: ProcessContext) -> int:
        """A field of the view takes a value it did not have."""
        value = getattr(context.process, self.attribute(context, when.field or ""), None)
        inside = fits(when.value, value)
        was = context.index in trigger.inside
        if inside and not was:
            trigger.inside.append(context.index)
            return 1
        if was and not inside:
            trigger.inside.remove(context.index)
        return 0

    def attribute(self, context: ProcessContext, field: str) -> str:
        """What a field of a process's view shows; any other attribute by its own name."""
        if context.index >= len(self.world.members):
            return field
        system = self.world.members[context.index].system
        known = self.attributes.get((system, field))
        if known is None:
            fields = self.world.systems[system].descriptor.fields
            known = next((one.attribute or one.name for one in fields if one.name == field), field)
            self.attributes[system, field] = known
        return known


def _values_fit(patterns: dict[str, Any], values: dict[str, Any]) -> bool:
    return all(name in values and fits(pattern, values[name]) for name, pattern in patterns.items())
