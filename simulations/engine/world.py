"""A world: one experiment, running. It can be moved, commanded, forked, saved and asked; it never reads a clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from simulations.engine import assembly, checkpoint, harness
from simulations.engine.checks import availability, convergence
from simulations.engine.checks.base import Check, Verdict
from simulations.engine.checks.history import History
from simulations.engine.context import START, ProcessContext
from simulations.engine.copying import copy_struct, fork_process
from simulations.engine.distributions import Distribution
from simulations.engine.experiment.reader import read_command
from simulations.engine.experiment.structs import Experiment, FaultLine
from simulations.engine.faults.refusals import Refusal, refusal
from simulations.engine.faults.script import AGAIN_FROM, COMMANDS_FROM, Script
from simulations.engine.faults.state import Fault, FaultState
from simulations.engine.faults.triggers import Triggers
from simulations.engine.futures import SCRIPTED
from simulations.engine.hosts import UP, Host, Service
from simulations.engine.kernel import Event, Kernel
from simulations.engine.network import PURPOSES, Link
from simulations.engine.observation import ClientContext, Observer
from simulations.engine.process import Process, System, probe_of
from simulations.engine.registry import SYSTEMS
from simulations.engine.sampling import draw, sampler
from simulations.engine.streams import Stream
from simulations.engine.trace import Chunk, Recorder
from simulations.engine.workload import Client

ENGINE_ERRORS = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RuntimeError)
"""What a world may raise when its systems can make nothing of what an experiment or a command gave them."""
TOTALS = {"acknowledged": "ok", "failed": "fail", "unknown": "unknown"}


class World:
    """One run of an experiment from time 0. ``systems``: name -> System (the registry)."""

    def __init__(
        self,
        experiment: Experiment,
        seed: int | None = None,
        *,
        systems: Mapping[str, System] = SYSTEMS,
        record: str = "checks",
        checks: dict[str, Check] | None = None,
    ) -> None:
        """``record``: full | aggregate (with a trace) | checks | none. ``checks``: instead of those that the experiment
        and its systems name."""
        if checks is None:
            checks = {} if record == "none" else harness.make_checks(experiment, systems)
        self.experiment = experiment
        self.systems = systems
        self.kernel = Kernel(experiment.seed if seed is None else seed)
        self.script_seed = self.kernel.seed
        self.members = assembly.all_members(experiment)
        self.directory = assembly.directory_of(self.members)
        self.clients = assembly.clients_of(experiment, self.directory)
        self.observer = Observer(self.kernel, checks or {}, harness.watching(self.members, systems))
        self.recorder: Any = None
        self.by_id: dict[str, ProcessContext] = {}
        self.parameters: dict[str, Any] = {}
        self._build_hosts()
        for member in self.members:
            self._build_process(member)
        for client in self.clients:
            self._build_client(client)
        self.faults = FaultState()
        self.after_command: list[str] = []
        self.skipped_lines: list[int] = []
        self.meter_names = harness.meter_names(experiment, systems)
        self._connect()
        self.kernel.manual = experiment.timers == "manual"
        self._start_all()
        self.script.plan()
        if record in ("full", "aggregate"):
            self.record(record)

    # -- construction -------------------------------------------------------------------------------------------

    def named_stream(self, *names: str) -> Stream:
        """A stream that belongs to no link, by its names; its key is negative."""
        kernel = self.kernel
        key = self._stream_keys.get(names)
        if key is None:
            key = self._stream_keys[names] = -1 - len(self._stream_keys)
        seed = self.script_seed if names[0] in SCRIPTED else kernel.seed
        return Stream(kernel.streams, key, seed, *names)

    def fork_stream(self, *names: str) -> Stream:
        """A stream whose draws leave no mark on this world: for questions."""
        return Stream({}, 0, self.kernel.seed, *names)

    def fault_stream(self, fault: Fault) -> Stream:
        return self.named_stream("fault", str(fault.id))

    def draw_us(self, distribution: Distribution, fault: Fault) -> int:
        """A delay in ms, drawn for a fault, in whole microseconds."""
        return max(0, round(draw(distribution, self.fault_stream(fault)) * 1000))

    def _build_hosts(self) -> None:
        self._stream_keys: dict[tuple[str, ...], int] = {}
        kernel = self.kernel
        for node in self.experiment.topology.nodes:
            host = Host(node.id, state="up" if node.starts == "on" else "down", busy_us=[0] * node.cores)
            clock = self.experiment.clocks.get(node.id)
            if clock is not None:
                host.set_clock(
                    0, shift_us=round(clock.offset_ms * 1000), rate_ppm=round(clock.rate * 1_000_000)
                )
            kernel.hosts[node.id] = host
            kernel.services[node.id] = Service(node, self.named_stream("cpu", node.id))

    def _add_context(self, context: ProcessContext) -> None:
        self.kernel.contexts.append(context)
        self.kernel.names.append(context.id)
        self.by_id[context.id] = context

    def _build_process(self, member: assembly.Member) -> None:
        kernel, host = self.kernel, self.kernel.hosts[member.node]
        random = self.named_stream("process", member.address)
        context = ProcessContext(kernel, len(kernel.contexts), member.address, member.node, host, {}, random)
        disk = assembly.disk_spec(self.experiment, member.node)
        context.disk.lying = disk.lying
        context.disk_stream = self.named_stream("disk", member.address)
        if disk.write_ms.kind != "constant" or disk.write_ms.values[0]:
            context.disk_sample = sample = sampler(disk.write_ms)
            context.fixed_flush_us = sample(context.disk_stream) if disk.write_ms.kind == "constant" else None
        system = self.systems[member.system]
        if system.preset is not None:
            cells, logs = system.preset(assembly.initial_values(self.experiment, member.address))
            context.disk.cells.update(cells)
            for name, entries in logs.items():
                context.disk.store((("append", name, tuple(entries)),))
        context.life = 1 if host.state == "up" else 0
        self._add_context(context)
        self.new_life(context)
        if context.life:
            self.observer.began(context)
        kernel.refresh_blocked(context)

    def new_life(self, context: ProcessContext) -> None:
        """A fresh process with nothing in memory; ``on_start`` follows as an event."""
        member = self.members[context.index]
        made = assembly.process_class(self.experiment, member, self.systems)
        process = made(
            id=member.address,
            kind=member.role,
            peers=tuple(address for address in self.directory[member.system] if address != member.address),
            parameters=self.parameters.get(member.address)
            or assembly.parameters_of(self.experiment, member, self.systems),
            directory=self.directory,
        )
        self._install(context, process)

    def _install(self, context: ProcessContext, process: Process) -> None:
        process.context = context
        context.process = process
        context.probe = probe_of(type(process))
        context.mark = context.probe(process) if context.probe else None

    def _build_client(self, client: assembly.ClientMember) -> None:
        kernel = self.kernel
        random = self.named_stream("client", client.id)
        context = ClientContext(kernel, len(kernel.contexts), client.id, client.at, None, {}, random)
        context.disk_stream = self.named_stream("servers", client.id)
        context.observer = self.observer
        self._add_context(context)
        system = self.systems.get(client.system)
        made = (system and system.client) or Client
        self._install(context, made(id=client.id, parameters=client.plan, directory=self.directory))

    def _connect(self) -> None:
        """Tie the parts of this world to each other; after construction and after a fork."""
        kernel = self.kernel
        script = self.script = Script(self)
        self.triggers = Triggers(self)
        if self.triggers.needed() or self.observer.listeners():
            self.watch_events()
        kernel.make_link = lambda context, to: script.world.make_link(context, to)
        kernel.on_command = lambda event: script.world._on_command(event)  # noqa: SLF001 - a world its own
        kernel.watcher = self.observer
        self.observer.kernel = kernel
        self.observer.attach()

    def _start_all(self) -> None:
        kernel = self.kernel
        for context in kernel.contexts:
            if context.host is None or context.host.state == "up":
                kernel.number += 1
                kernel.queue.append((0, 0, kernel.number, START, context.index, 0, None, 1))

    def make_link(self, context: ProcessContext, to: str) -> Link:
        """The link from a process to an address, as the topology and the faults in force make it."""
        target = self.by_id.get(to)
        if target is None:
            raise KeyError(f"{context.id} sends to {to!r}, which is no address of this world")
        spec = assembly.link_places(
            self.experiment.topology, context.place, target.place, context.host is None, target.host is None
        )
        kernel = self.kernel
        return Link(
            spec,
            kernel.network,
            context.index,
            target.index,
            (ends_of(context), ends_of(target)),
            lambda key, purpose: Stream(
                kernel.streams, key + purpose, kernel.seed, "link", context.id, to, PURPOSES[purpose]
            ),
        )

    def __del__(self) -> None:
        """Nobody needs this world any more: untie it, so that it is freed now and no collector has to find it."""
        if "kernel" in self.__dict__:  # (unless it failed while it was made)
            self.kernel.untie()

    # -- what faults need -----------------------------------------------------------------------------------------

    def processes_of(self, system: str) -> list[ProcessContext]:
        """The processes of a system, in the order of the experiment."""
        return [self.by_id[address] for address in self.directory.get(system, ())]

    def groups(self) -> list[list[str]]:
        """The parts of the partition in force, as nodes; empty when there is none."""
        hosts = self.kernel.hosts
        return [[id for id in group if id in hosts] for group in self.faults.groups]

    @property
    def last_hit(self) -> tuple[str, ...]:
        return self.faults.hit

    def client(self, id: str) -> Client | None:
        """The client of this id, or the first one when the id is empty; None when there is none."""
        id = id or (self.clients[0].id if self.clients else "")
        context = self.by_id.get(id)
        return context.process if context is not None and isinstance(context.process, Client) else None

    def named_ends(self) -> list[tuple[str, ...]]:
        """Every end a link may have, by the names that faults may call it."""
        return [ends_of(context) for context in self.by_id.values()]

    def links_changed(self) -> None:
        """The network's faults are different: rebuild what depends on them."""
        cuts = self.kernel.network.cuts
        if not cuts:
            self.kernel.refresh_cuts(lambda a, b: False)
        else:
            self.kernel.refresh_cuts(
                lambda a, b: any((here, there) in cuts for here in ends_of(a) for there in ends_of(b))
            )

    def forget_faults(self, kinds: tuple[str, ...], kept: set[int]) -> None:
        """Faults of these kinds are no longer in force, except those kept."""
        active = self.faults.active
        for id in [id for id, fault in active.items() if fault.do in kinds and id not in kept]:
            del active[id]

    def end_on(self, kind: str, hit: tuple[str, ...]) -> None:
        """Faults of a kind end for the ids that were hit."""
        active = self.faults.active
        nodes = {self.by_id[id].place if id in self.by_id else id for id in hit} | set(hit)
        for id, fault in list(active.items()):
            if fault.do == kind:
                rest = tuple(one for one in fault.hit if one not in nodes)
                active[id] = msgspec.structs.replace(fault, hit=rest)
                if not rest:
                    del active[id]

    def again_in(self, fault: Fault, delay_us: int, arguments: dict[str, Any]) -> None:
        """Carry a fault out once more after a delay."""
        content = {"again": True, "fault": msgspec.to_builtins(fault), "arguments": arguments}
        self.script.queue(self.kernel.now + delay_us, AGAIN_FROM + fault.id, content)

    def set_parameters(self, context: ProcessContext, parameters: Any) -> None:
        """Replace the parameters of a running process, and of its later lives."""
        context.process.parameters = self.parameters[context.id] = parameters
        self.observer.parameters_changed(context.index)
        if context.host is not None and context.host.state == UP:
            self._outside_event(context, context.process.on_parameters)

    def operate(self, context: ProcessContext, action: str, arguments: dict[str, Any]) -> None:
        """An operator's instruction to one process."""
        self._outside_event(context, lambda: context.process.on_operator(action, arguments))

    def run_client(self, client: Client, call: Callable[[], Any]) -> None:
        """Let a client do something as part of a command."""
        self._outside_event(self.by_id[client.id], call)

    def _outside_event(self, context: ProcessContext, call: Callable[[], Any]) -> None:
        """Run a handler as part of a command: its outputs leave now, and checks see what changed."""
        kernel = self.kernel
        kernel.leave = kernel.now
        call()
        kernel.settle(context)
        self._touched.append(context)

    def read_line(self, line: dict[str, Any]) -> FaultLine:
        """A fault line as people and files write it. ExperimentError when it is malformed."""
        return read_command(line)

    def watch_events(self) -> None:
        """Look at every event while a trigger, a waiting line or a meter needs it."""
        listeners, triggers, kernel = self.observer.listeners(), self.triggers, self.kernel

        def on_event(event: Event, context: ProcessContext | None) -> None:
            for listener in listeners:
                listener.executed(kernel.now, event)
            triggers.on_event(event, context)

        kernel.on_event = on_event

    # -- commands -------------------------------------------------------------------------------------------------

    def command(self, at_us: int, do: dict[str, Any], seq: int) -> None:
        """Queue a person's command: a fault line without its time, or {do: client, operation, key, value, client}.
        ExperimentError when it is malformed; ValueError when its time is over."""
        if at_us < self.kernel.now:
            raise ValueError(f"at_us: {at_us} is before {self.kernel.now}")
        if do.get("do") == "client":
            content = {"command": seq, **{key: do[key] for key in sorted(do)}}
        else:
            self.read_line(do)
            content = {"command": seq, "do": do["do"], "line": sorted_plain(do)}
        self.script.queue(at_us, COMMANDS_FROM + seq, content)

    def _on_command(self, event: Event) -> dict[str, Any]:
        """The kernel executes a lane-1 event: returns what the trace tells of it."""
        kernel = self.kernel
        self._touched: list[ProcessContext] = []
        told = self.script.execute(event)
        self.faults.keep_books(kernel.now)
        for context in self._touched:
            kernel.look_at(event, context)
        for name in self.after_command:
            kernel.resume(kernel.hosts[name])
        self.after_command.clear()
        return told

    # -- time ---------------------------------------------------------------------------------------------------

    @property
    def now_us(self) -> int:
        return self.kernel.now

    @property
    def events(self) -> int:
        """Events executed so far."""
        return self.kernel.executed

    def run_until(
        self, at_us: int, budget: int | None = None, interrupted: Callable[[], bool] | None = None
    ) -> str:
        """Move to a virtual time: reached | budget | interrupted."""
        if self.recorder is not None:
            self.recorder.wake()
        return self.kernel.run_until(at_us, budget, interrupted)

    def digest(self) -> str:
        return self.kernel.digest()

    # -- what came out --------------------------------------------------------------------------------------------

    def record(self, level: str | None) -> None:
        """Record from now on at this level (full | aggregate | passing, see ``Recorder``), or no longer (None). What
        was recorded and not taken is lost, but for what is under way."""
        kernel = self.kernel
        if self.recorder is not None:
            self.recorder.follow_flight(kernel.sends or ())
        flight = self.recorder.flight if self.recorder is not None else {}
        self.recorder = kernel.recorder = None
        kernel.sends = kernel.notes = None
        self.triggers.prepare()
        if level is not None:
            self.recorder = kernel.recorder = Recorder(self, level, flight)

    def take_chunk(self) -> Chunk:
        """What was recorded since the last call. ValueError when nothing records."""
        if self.recorder is None:
            raise ValueError("this world records no trace")
        chunk: Chunk = self.recorder.take()
        return chunk

    def verdicts(self, over: bool = False) -> dict[str, Verdict]:
        """Check name -> verdict on the trace up to now; meters, which never judge, left out. At the end of the run, or
        when it is ``over``, checks take a second look at what they had given up."""
        over = over or self.now_us >= round(self.experiment.stop_s * 1_000_000)
        return {
            name: verdict
            for name, verdict in self.observer.verdicts(over).items()
            if name not in self.meter_names
        }

    @property
    def history(self) -> History:
        """The clients' history so far."""
        return self.observer.ledger.history()

    def results(self) -> dict[str, Any]:
        """{checks: [Outcome as dict], metrics: {name: value}, faults: [availability.Report as dict]}."""
        outcomes = [
            {**msgspec.to_builtins(outcome), "expected": outcome.expected} for outcome in harness.judge(self)
        ]
        faults = availability.reports(self)
        return {
            "checks": outcomes,
            "metrics": harness.shown_metrics(self),
            "faults": msgspec.to_builtins(faults),
        }

    def metrics_now(self) -> dict[str, Any]:
        """The running totals that keyframes carry."""
        totals = self.totals().values()
        found: dict[str, Any] = {
            name: sum(total[outcome] for total in totals) for name, outcome in TOTALS.items()
        }
        lost = self.observer.checks.get("no_lost_ack")
        if lost is not None:
            found["lost_acknowledged"] = getattr(lost, "lost", 0)
        differing = convergence.differing_now(self)
        if differing is not None:
            found["keys_differing"] = differing
        return found

    def totals(self) -> dict[str, dict[str, int]]:
        """Client -> outcome -> how many operations ended so."""
        return self.observer.totals

    def refusal(self, do: dict[str, Any]) -> Refusal | None:
        """Why a command would make no sense now, or None."""
        return refusal(self, do)

    # -- copies -------------------------------------------------------------------------------------------------

    def save(self) -> bytes:
        """The complete state as bytes (see checkpoint.py). ValueError when its future was drawn anew."""
        return checkpoint.save(self)

    @classmethod
    def load(
        cls,
        experiment: Experiment,
        data: bytes,
        *,
        systems: Mapping[str, System] = SYSTEMS,
        record: str = "checks",
    ) -> World:
        """A world as it was saved. ValueError when the bytes are none or do not fit the experiment."""
        saved = checkpoint.decode(data)
        world = cls(experiment, saved.seed, systems=systems, record="none" if record == "none" else "checks")
        checkpoint.restore(world, saved)
        if record in ("full", "aggregate"):
            world.record(record)
        return world

    def stream_keys(self) -> list[tuple[str, ...]]:
        """The names of the streams that belong to no link, in the order of their keys."""
        return list(self._stream_keys)

    def restore_stream_keys(self, names: list[tuple[str, ...]]) -> None:
        self._stream_keys = {one: -1 - number for number, one in enumerate(names)}

    def log_types(self, context: ProcessContext) -> type | None:
        """The type of log entries of a process's system."""
        if context.host is None:
            return None
        return self.systems[self.members[context.index].system].entry

    def fork(self) -> World:
        """An independent copy at this moment; what never changes is shared."""
        twin: World = object.__new__(World)
        kernel = self.kernel.fork()
        twin.__dict__.update(
            self.__dict__, kernel=kernel
        )  # (never the other's kernel: a world unties its own)
        twin.observer = self.observer.fork(kernel)
        twin.by_id = {}
        twin._stream_keys = self._stream_keys.copy()
        for context in self.kernel.contexts:
            host = None if context.host is None else kernel.hosts[context.host.id]
            copy = context.fork(kernel, host)
            if isinstance(copy, ClientContext):
                copy.observer = twin.observer
            process = fork_process(context.process)
            process.context, copy.process = copy, process
            kernel.contexts.append(copy)
            twin.by_id[copy.id] = copy
        twin.faults = copy_struct(self.faults)
        twin.parameters = self.parameters.copy()
        twin.after_command, twin.skipped_lines = [], self.skipped_lines.copy()
        twin.recorder = None
        twin._connect()
        if self.recorder is not None:
            twin.recorder = kernel.recorder = Recorder(twin, self.recorder.level, self.recorder.flight.copy())
        return twin


def ends_of(context: ProcessContext) -> tuple[str, ...]:
    """The names by which faults may mean an end of a link: its address, and the place it is at."""
    return (context.id,) if context.id == context.place else (context.id, context.place)


def sorted_plain(value: Any) -> Any:
    """The same plain data with sorted keys: the order in which somebody wrote them is not part of a recipe."""
    if isinstance(value, dict):
        return {key: sorted_plain(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [sorted_plain(item) for item in value]
    return value
