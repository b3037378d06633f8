"""What a system's process is written against: a state machine, its context, its messages.

A process is a dataclass whose fields are plain data. Handlers read and change only those fields and
*record* what they want on ``self.context``; the kernel does everything else. A whole system may be this small:

    @dataclass
    class Greeter(Process):
        greeted: int = 0

        def on_start(self, disk: DiskImage) -> None:
            self.context.set_timer("greet", 50_000)

        def on_timer(self, name: str) -> None:
            for peer in self.peers:
                self.context.send(peer, Hello(self.greeted))

Handlers never sleep, read a clock or draw a number by themselves, and never look at another process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import msgspec

from simulations.engine.compiled import reader
from simulations.engine.log import Log


class Message(msgspec.Struct, array_like=True, gc=False, tag=True):
    """Base of everything a process sends. Never changed after it was sent.

    Each system derives one base from it whose tag carries the system's name, so that messages of
    several systems can travel in one world: ``class RaftMessage(Message, tag=lambda name: "raft." + name)``.
    """


class Request(Message, tag="client.Request"):
    """One attempt of a client operation, as it reaches a process.

    ``operation``: number of the operation in the run's history; ``session`` and ``sequence`` name it across
    attempts (exactly once); ``kind``: get | put | append | cas | ..., ``argument``: what the kind needs
    (cas: ``(expected, new)``), ``options``: further fields that a workload adds to its requests.
    """

    operation: int
    attempt: int
    client: str
    session: int
    sequence: int
    kind: str
    key: str
    argument: Any = None
    options: dict[str, Any] | None = None


class Reply(Message, tag="client.Reply"):
    """Answer to a request. ``outcome``: ok | fail (definitely did not happen) | retry (not executed, try ``hint``)."""

    operation: int
    attempt: int
    outcome: str
    result: Any = None
    hint: str | None = None


def put(cell: str, value: Any) -> tuple[Any, ...]:
    """A disk write: the named cell now holds the value."""
    return ("put", cell, value)


def append(log: str, entries: Sequence[Any]) -> tuple[Any, ...]:
    """A disk write: the entries go to the end of the named log."""
    return ("append", log, tuple(entries))


def truncate_from(log: str, index: int) -> tuple[Any, ...]:
    """A disk write: drop the entry at ``index`` and all after it."""
    return ("truncate_from", log, index)


def drop_before(log: str, index: int) -> tuple[Any, ...]:
    """A disk write: drop the entries before ``index`` (compaction)."""
    return ("drop_before", log, index)


def reset_log(log: str, first: int, base: int) -> tuple[Any, ...]:
    """A disk write: empty the named log, a snapshot stands for what lies before ``first`` (whose hash is ``base``)."""
    return ("reset", log, (first, base))


class DiskImage(Protocol):
    """What was durable when a process starts. Its own copy: a process may keep and change what it gets."""

    def cell(self, name: str, default: Any = None) -> Any: ...

    def log(self, name: str) -> Log: ...


class Random(Protocol):
    """A seeded stream of its own."""

    def random(self) -> float:
        """A float in [0, 1)."""

    def integer(self, low: int, high: int) -> int:
        """An integer in [low, high], both included."""

    def choice(self, items: Sequence[Any]) -> Any: ...


class Context(Protocol):
    """The outbox and the local instruments of one process.

    Durability: a send or reply leaves when every write that the process issued before it - in this handler or an
    earlier one - is durable. ``before_durable=True`` lets it leave at once; each use says in a comment why it is safe.
    Timers and notes never wait.
    """

    @property
    def now(self) -> int:
        """The node's own clock, in microseconds: may be wrong, may run fast or slow."""

    @property
    def random(self) -> Random: ...

    def send(self, to: str, message: Message, before_durable: bool = False) -> None: ...

    def reply(
        self,
        request: Request,
        outcome: str,
        result: Any = None,
        hint: str | None = None,
        before_durable: bool = False,
    ) -> None: ...

    def set_timer(self, name: str, delay_us: int) -> None:
        """Arm or re-arm the named timer: fires once, ``delay_us`` of local time from now."""

    def cancel_timer(self, name: str) -> None: ...

    def persist(self, *writes: tuple[Any, ...]) -> int:
        """Issue one atomic write; returns its number. Numbers rise by one; writes complete in order.

        ``on_durable(number)`` follows (with a disk without delay: as soon as the handler returns); it tells that all
        writes up to that number are durable.
        """

    def note(self, id: str, **values: Any) -> None:
        """Explain the rule that just decided; ``id`` is a key of the descriptor's notes."""


class Outbox:
    """Holds a process's context in a slot outside its fields: it is never saved, copied or compared."""

    __slots__ = ("context",)


@dataclass(slots=True)
class Process(Outbox):
    """Base of every process. Subclasses are dataclasses with plain-data fields that all have defaults.

    Plain data: None, bool, int, float, str, bytes, tuples and msgspec Structs that are never changed in place, and
    lists, dicts (str or int keys), sets (iterate only sorted) and ``Log`` of those. ``watched`` names the attributes
    (dots allowed, e.g. ``log.version``) that checks compare after each event.

    ``id``: its address; ``kind``: the role given to it by the topology, or ""; ``peers``: addresses of the other
    processes of its system; ``directory``: system -> addresses of all its processes, system/role -> of those with
    that role in the topology ("server": none given). A subclass may have slots too
    (``@dataclass(slots=True)``; ``__slots__ = ()`` in what derives from it): its attributes are found faster.
    """

    if TYPE_CHECKING:
        context: Context = field(init=False)
    watched: ClassVar[tuple[str, ...]] = ()

    id: str = ""
    kind: str = ""
    peers: tuple[str, ...] = ()
    parameters: Any = None
    directory: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def on_start(self, disk: DiskImage) -> None:
        """The process begins a life: at the beginning, or after a restart with only what was durable."""

    def on_message(self, sender: str, message: Any) -> None:
        """A message of another process arrived."""

    def on_timer(self, name: str) -> None:
        """A timer set by this process came due."""

    def on_request(self, request: Request) -> None:
        """An attempt of a client operation arrived."""

    def on_durable(self, write: int) -> None:
        """All writes up to this number are durable."""

    def on_operator(self, action: str, arguments: dict[str, Any]) -> None:
        """A person instructs this process: campaign, transfer, configure, promote, backup, ... (see the vocabulary)."""

    def on_parameters(self) -> None:
        """``parameters`` was replaced while the process ran (set_parameter)."""


_probes: dict[type[Process], Callable[[Any], tuple[Any, ...]] | None] = {}


def probe_of(kind: type[Process]) -> Callable[[Any], tuple[Any, ...]] | None:
    """What reads the watched attributes of a class's processes, made once. None: they are not watched."""
    if kind not in _probes:
        _probes[kind] = reader(kind.watched) if kind.watched else None
    return _probes[kind]


class Text(msgspec.Struct, frozen=True):
    """A text in the two languages of the product."""

    en: str
    zh: str


class Role(msgspec.Struct, frozen=True):
    """A role a process can be in. ``shape``: plain | double_ring | dashed_ring | dotted_ring | square | diamond;
    ``short``: a word that fits into a disc, when the title does not."""

    name: str
    shape: str
    title: Text
    crown: bool = False
    short: Text | None = None


class ViewField(msgspec.Struct, frozen=True):
    """One attribute of a process that the page shows.

    ``kind``: role | epoch | timer | votes | log | index | lease | counter | set | tree | queue | text | hash | voter
    (a bool: whether it counts towards a majority); the first ``index`` says how far the first ``log`` is settled.
    ``group``: persistent | volatile | leader. ``attribute``: where it is read (default: the name). ``words``: value ->
    what people read. ``badge``: also shown at the node on the map: always | after_loss (when nodes are down or cut).
    ``follows``: another field without whose change no event but a start changes this one: it is looked at only then.
    ``alone``: a log that nobody else has a copy of, so that none is behind another.
    ``counted``: the number before each entry of a log counts (a clock, a version); it is no epoch.
    """

    name: str
    kind: str
    group: str
    title: Text
    attribute: str = ""
    words: dict[str, Text] = {}
    badge: str = ""
    follows: str = ""
    alone: bool = False
    counted: bool = False


class MessageSpec(msgspec.Struct, frozen=True):
    """A message type: ``kind`` request | reply | oneway; ``fields`` in wire order; ``good``: field true on a yes;
    ``news``: of its fields, what a client is told unasked (a console shows it); ``words``: what people read instead."""

    name: str
    kind: str
    title: Text
    fields: tuple[str, ...]
    good: str = ""
    news: tuple[str, ...] = ()
    words: dict[str, Text] = {}


class Note(msgspec.Struct, frozen=True):
    """A sentence template per language with ``{value}`` places and ``{value|one|many}`` forms, and the paper section of
    the rule. ``words``: value -> what people read in its place."""

    section: str
    en: str
    zh: str
    level: str = "rule"
    words: dict[str, Text] = {}


class Parameter(msgspec.Struct, frozen=True):
    """A parameter: ``type`` int | float | bool | choice | range (two numbers); limits inclusive."""

    name: str
    type: str
    default: Any
    title: Text
    help: Text
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()


class Twin(msgspec.Struct, frozen=True):
    """A system broken on purpose: one rule overridden. ``caught_by``: the checks that must fire."""

    name: str
    title: Text
    rule: str
    caught_by: tuple[str, ...]


class Property(msgspec.Struct, frozen=True):
    """A property beside the protocol. ``kind``: always | sometimes | eventually; ``sentence`` is shown to people."""

    name: str
    kind: str
    sentence: Text


class ConsoleCommand(msgspec.Struct, frozen=True):
    """What a person may type to a running cluster: ``name KEY [VALUE] [flags]``.

    ``operation``: the client operation it issues (default: the name); ``value``: none | optional | needed;
    ``flags``: flag -> the option it sets; one that ends in ``=`` takes what follows (``-v 3`` for
    ``{"-v=": "version"}``); ``options``: sent always.
    """

    name: str
    title: Text
    operation: str = ""
    value: str = "none"
    flags: dict[str, str] = {}
    options: dict[str, Any] = {}


class Asked(msgspec.Struct, frozen=True):
    """What an instruction asks for: ``kind`` node | text | number | numbers | choice (of ``choices``) | field (a value
    that the view field ``of`` has somewhere now)."""

    name: str
    kind: str
    title: Text
    of: str = ""
    choices: tuple[str, ...] = ()
    default: Any = None


class Instruction(msgspec.Struct, frozen=True):
    """What a person may tell a running system: a button of the page that makes one line of the fault vocabulary.

    ``do``: configure | promote | backup | restore_backup | transfer | campaign | command (then ``name`` is the
    command's); an argument called ``target`` names who hears it. ``hears``: all | one (any running process but those
    named). ``starts``: the argument whose node is started first when it is off. ``lane``: which of the system's lanes.
    """

    name: str
    do: str
    title: Text
    help: Text
    asked: tuple[Asked, ...] = ()
    hears: str = "all"
    starts: str = ""
    lane: str = ""


class Lane(msgspec.Struct, frozen=True):
    """Processes of these kinds belong together when a run is told: business, technology, organization, ..."""

    name: str
    title: Text
    kinds: tuple[str, ...]


class Descriptor(msgspec.Struct, frozen=True):
    """Everything the page, the validator and the checks need to know of a system, as data."""

    name: str
    title: Text
    paper: str
    roles: tuple[Role, ...]
    fields: tuple[ViewField, ...]
    messages: tuple[MessageSpec, ...]
    notes: dict[str, Note]
    parameters: tuple[Parameter, ...]
    twins: tuple[Twin, ...] = ()
    properties: tuple[Property, ...] = ()
    default_checks: tuple[str, ...] = ()
    console: tuple[ConsoleCommand, ...] = ()
    instructions: tuple[Instruction, ...] = ()
    lanes: tuple[Lane, ...] = ()
    epoch_word: Text = Text("epoch", "纪元")
    """What its numbers of leadership are called."""
    answers: dict[str, Text] = {}
    """What it answers -> the same in words: errors, above all."""
    leaderless: dict[str, tuple[Any, ...]] = {}
    """Parameter -> values with which nobody leads."""


@dataclass(frozen=True)
class Samples:
    """The single values behind a metric: function of (world, scope). ``at``: the metric is this quantile of them; None:
    it is their distribution."""

    of: Callable[[Any, Any], Sequence[float]]
    at: float | None = None


def are_addresses(value: Any) -> bool:
    """Whether a value of an experiment is a list of texts, as addresses of processes are."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def fixed_parameters(kind: Any) -> tuple[str, ...]:
    """The parameters of a system that no running process can change: by what it keeps, they hold from the beginning."""
    found: tuple[str, ...] = getattr(kind, "fixed", ())
    return found


@dataclass(frozen=True)
class System:
    """One line of the registry: the descriptor and the classes behind it.

    ``processes``: process kind -> class (the kind "server" is what a node runs by default); ``twins``: twin name ->
    process kind -> class; ``messages``: every message class; ``checks``: check name -> class, built by the harness.
    ``preset``: an experiment's initial values of one process -> (cells, logs) of its disk; ``preset_addresses``: which
    of those values are addresses of processes. ``parameters`` that name processes have a method ``addresses``:
    parameter -> the addresses in it; their ``fixed`` ones cannot change while it runs. The hooks let the harness ask
    from outside: ``is_leader(process)`` and ``epoch(process)``.
    ``metrics``: name -> function of (world, scope), over what ``meters`` (name -> class) counted along the way.
    ``entry``: the type of what its logs hold. ``linearizable``: clients may expect linearizability, so it gets a lamp.
    ``requests``: the client operations it answers; empty: not declared, any may be asked.
    ``operations``: the operators' instructions it understands (campaign, transfer, configure, ...; warning: it wants to
    be told when a disaster is announced). ``report``: function of a world, what it adds to the report of a run (a list
    of ``reporting.Section``).
    ``client``: what its clients run when the plain ``workload.Client`` will not do: a subclass of that, with the
    client library of the system (sessions that are kept alive, events that servers push, recipes).
    """

    descriptor: Descriptor
    processes: dict[str, type[Process]]
    messages: tuple[type[Message], ...]
    parameters: type[msgspec.Struct]
    twins: dict[str, dict[str, type[Process]]] = field(default_factory=dict)
    checks: dict[str, Any] = field(default_factory=dict)
    preset: Callable[[dict[str, Any]], tuple[dict[str, Any], dict[str, list[Any]]]] | None = None
    preset_addresses: tuple[str, ...] = ()
    is_leader: Callable[[Any], bool] | None = None
    epoch: Callable[[Any], int] | None = None
    metrics: dict[str, Callable[[Any, Any], Any]] = field(default_factory=dict)
    meters: dict[str, Any] = field(default_factory=dict)
    entry: type | None = None
    linearizable: bool = True
    requests: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    samples: dict[str, Samples] = field(default_factory=dict)
    """What metrics of its own are worked out from, so that many runs can be put together exactly."""
    shown: tuple[str, ...] = ()
    """Metrics of its own that a result names when they have a value."""
    report: Callable[[Any], Any] | None = None
    client: type[Process] | None = None
