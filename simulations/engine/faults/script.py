"""The fault script and people's commands: when a line fires, whom it hits, what is recorded.

Lines and commands are lane 1 of the queue, numbered by their own logs: lines by their place in the script, ends of
lasting faults after them, commands last. So a live fork equals a replay, and no line renumbers the world's events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from simulations.engine.context import COMMAND
from simulations.engine.distributions import Distribution
from simulations.engine.experiment.actions import ACTIONS
from simulations.engine.experiment.structs import FaultLine
from simulations.engine.faults.actions import CARRY_OUT, END, ENDS_OTHERS
from simulations.engine.faults.nodes import armed
from simulations.engine.faults.state import Fault
from simulations.engine.faults.targets import hit_by, is_symbolic, resolve
from simulations.engine.hosts import UP
from simulations.engine.parts import PartOfWorld
from simulations.engine.sampling import draw

if TYPE_CHECKING:
    from simulations.engine.streams import Stream
    from simulations.engine.world import World

SECOND = 1_000_000
ENDS_FROM = 100_000
AGAIN_FROM = 400_000
EXPIRY_FROM = 700_000
COMMANDS_FROM = 1_000_000

TAKES_DOWN = ("kill", "pause", "zone_outage", "region_outage", "disk_fail")


class Script(PartOfWorld):
    """Moves one world's lines. Holds no state of its own: that is ``world.faults``."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.lines = world.experiment.faults

    # -- when -----------------------------------------------------------------------------------------------------

    def plan(self) -> None:
        """Queue every line that fires by time; called once at the beginning."""
        for number, line in enumerate(self.lines):
            if line.when is not None:
                continue
            at = line.every_s if line.at_s is None else line.at_s
            if isinstance(at, Distribution):
                at_us = max(0, round(draw(at, self.chances(number)) * SECOND))
            else:
                at_us = round((at or 0) * SECOND)
            self.queue(at_us, number, {"script": number})

    def chances(self, number: int) -> Stream:
        """The stream that a line's time, chances and random targets are drawn from."""
        place = self.lines[number].draws_as
        return self.world.named_stream("script", str(number if place is None else place))

    def queue(self, at_us: int, number: int, content: dict[str, Any]) -> None:
        self.world.kernel.schedule((at_us, 1, number, COMMAND, -1, 0, None, content))

    def execute(self, event: Any) -> dict[str, Any]:
        """Carry out one lane-1 event; returns what the trace tells of it."""
        content = event[7]
        if "script" in content:
            return self.fire_line(content["script"], "waited" in content)
        if "end" in content:
            return self.end_fault(content["end"])
        if "again" in content:
            fault = Fault(**content["fault"])
            return self.carry_out(fault, content["arguments"], {"do": fault.do})
        if "operation" in content and "command" not in content:
            return self.scripted_operation(content)
        if "expired" in content:
            return self.give_up(content["expired"])
        return self.fire_command(content)

    def fire_line(self, number: int, waited: bool = False) -> dict[str, Any]:
        """A line of the script comes due: repeat it, draw, resolve, act. ``waited``: it was due before, and its
        target is there now."""
        world, line = self.world, self.lines[number]
        state = world.faults.script
        told: dict[str, Any] = {"do": line.do, "script": number}
        stream = self.chances(number)
        if not waited:
            self.repeat(number)
            if not stream.chance(line.probability):
                return {**told, "skipped": "chance"}
        if line.at_most is not None and state.fired.get(number, 0) >= line.at_most:
            return {**told, "skipped": "at_most"}
        if self.over_budget(line):
            return {**told, "skipped": "budget"}
        hit = hit_by(world, line, stream)
        if line.target and not hit and any(map(is_symbolic, line.target)):
            if number not in state.waiting:
                state.waiting[number] = world.kernel.now + round(line.wait_s * SECOND)
                self.queue(state.waiting[number], EXPIRY_FROM + number, {"expired": number})
                world.watch_events()
            return {**told, "skipped": "waits"}
        if line.do == "fire_timer" and not armed(world, hit, line.arguments["timer"]):
            world.skipped_lines.append(number)
            return {**told, "skipped": "no_timer"}
        return self.act(line, hit, told, number)

    def repeat(self, number: int) -> None:
        """Queue the next instant of a line with every_s."""
        line = self.lines[number]
        if line.every_s is not None:
            again = self.world.kernel.now + round(line.every_s * SECOND)
            if line.until_s is None or again < line.until_s * SECOND:
                self.queue(again, number, {"script": number})

    def over_budget(self, line: FaultLine) -> bool:
        """Whether a random line would take down more nodes than the cluster tolerates."""
        if line.unlimited or line.do not in TAKES_DOWN:
            return False
        random = line.probability < 1 or isinstance(line.at_s, Distribution) or "random" in line.target
        hosts = self.world.kernel.hosts.values()
        down = sum(1 for host in hosts if host.state != UP)
        return random and down >= max(1, (len(hosts) - 1) // 2)

    def give_up(self, number: int) -> dict[str, Any]:
        """Nobody was the symbolic target for wait_s."""
        state = self.world.faults.script
        told = {"do": self.lines[number].do, "script": number}
        if state.waiting.get(number) != self.world.kernel.now:  # (found, and perhaps waiting anew since)
            return {**told, "skipped": "late"}
        del state.waiting[number]
        state.fired.setdefault(number, 0)
        self.world.skipped_lines.append(number)
        return {**told, "skipped": "no_target"}

    def retry_waiting(self) -> None:
        """Lines that wait for a symbolic target: fire those whose target exists by now."""
        world = self.world
        for number in list(world.faults.script.waiting):
            line = self.lines[number]
            if resolve(world, line.target, self.chances(number)):
                del world.faults.script.waiting[number]
                waited = {} if line.every_s is None else {"waited": True}
                self.queue(world.kernel.now, number, {"script": number, **waited})

    def fire_command(self, content: dict[str, Any]) -> dict[str, Any]:
        """A person's command."""
        told = {"do": content["do"], "command": content["command"]}
        if content["do"] == "client":
            return self.client_operation(content, told)
        line: FaultLine = self.world.read_line(content["line"])
        hit = hit_by(self.world, line, self.world.named_stream("command", str(content["command"])))
        return self.act(line, hit, told, COMMANDS_FROM + content["command"])

    def scripted_operation(self, content: dict[str, Any]) -> dict[str, Any]:
        """An operation of the experiment that waited for an event."""
        client = self.world.client(content["client"])
        assert client is not None
        operation = self.world.experiment.operations[content["operation"]]
        own = [other for other in self.world.experiment.operations if other.client == operation.client]
        self.world.run_client(client, lambda: client.run_scripted(own.index(operation)))
        asked = {"key": operation.key, "value": operation.value}
        return operation_told({"do": "client"}, client.id, operation.operation, asked)

    def client_operation(self, content: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
        """A client operation given by hand."""
        client = self.world.client(content.get("client") or "")
        if client is None:
            return {**told, "skipped": "no_client"}
        kind, key = content["operation"], content.get("key") or "k0"
        argument = content.get("value")
        if kind == "cas":
            argument = (content.get("expected"), argument)
        options = content.get("options")
        self.world.run_client(client, lambda: client.begin(kind, key, argument, options=options))
        asked = {"key": key, "value": content.get("value"), "options": content.get("options")}
        return operation_told(told, client.id, kind, asked)

    # -- what -----------------------------------------------------------------------------------------------------

    def act(self, line: FaultLine, hit: tuple[str, ...], told: dict[str, Any], number: int) -> dict[str, Any]:
        """Make a fault of a line and carry it out."""
        world, state = self.world, self.world.faults
        state.numbered += 1
        action = ACTIONS[line.do]
        fault = Fault(state.numbered, line.do, hit, world.kernel.now, undo=action.undo)
        if number < COMMANDS_FROM:
            state.script.fired[number] = state.script.fired.get(number, 0) + 1
        if line.for_s is not None:
            fault.until_us = world.kernel.now + round(line.for_s * SECOND)
            self.queue(fault.until_us, ENDS_FROM + fault.id, {"end": fault.id})
        return self.carry_out(fault, line.arguments, told)

    def carry_out(self, fault: Fault, arguments: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
        world = self.world
        CARRY_OUT[fault.do](world, fault, arguments)
        for other in ENDS_OTHERS.get(fault.do, ()):
            world.end_on(other, fault.hit)
        match = arguments.get("match")
        if fault.undo and (match is None or getattr(match, "event", None) is None):
            # (What was done to one message is done: it does not last.)
            world.faults.active[fault.id] = fault
        if fault.hit:
            world.faults.hit = fault.hit
        return {**told, "fault": fault.id, "resolved": list(fault.hit), **plain_arguments(arguments)}

    def end_fault(self, id: int) -> dict[str, Any]:
        """A fault with for_s is over, unless somebody ended it before."""
        fault = self.world.faults.active.pop(id, None)
        if fault is None:
            return {"do": "end", "fault": id, "skipped": "over"}
        END[fault.do](self.world, fault)
        return {"do": fault.undo, "fault": id, "resolved": list(fault.hit), "ended": fault.do}


def plain_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """A line's arguments as they are shown in the trace."""
    return {"arguments": msgspec.to_builtins(arguments)} if arguments else {}


def operation_told(told: dict[str, Any], client: str, kind: str, asked: dict[str, Any]) -> dict[str, Any]:
    """A client operation as it is shown in the trace."""
    said = {name: value for name, value in asked.items() if value is not None}
    return {**told, "resolved": [client], "client": client, "operation": kind, **said}
