"""The parsed form of an experiment: plain structs, one per record of the format.

Field names are those of the file (`from` becomes `from_`). Units are in the names: _s virtual seconds, _ms
milliseconds. Numbers are int where the value is whole, so that 5 and 5.0 are one experiment. Every text
shown to a person is a Text in English and Chinese.
"""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine.distributions import Distribution, constant
from simulations.engine.topology import Topology


class Text(msgspec.Struct, frozen=True):
    """One text in both languages."""

    en: str
    zh: str


class When(msgspec.Struct):
    """A trigger: the `count`-th event that matches everything given, plus `delay_ms`.

    event: a word of EVENTS. node, from_, to: ids or symbolic targets. message: message type; timer, note:
    their names; field and value: a view field that takes a value; operation, client, key: of a request or
    reply. match: fields of the message and the values they must have. after_s: ignore earlier events.
    """

    event: str
    node: str | None = None
    from_: str | None = None
    to: str | None = None
    message: str | None = None
    timer: str | None = None
    note: str | None = None
    field: str | None = None
    value: Any = None
    operation: str | None = None
    client: str | None = None
    key: str | None = None
    match: dict[str, Any] = {}
    count: int = 1
    delay_ms: float = 0
    after_s: float = 0


class FaultLine(msgspec.Struct):
    """One line of the fault script. `arguments` holds the fields of its action (see actions.ACTIONS),
    checked.

    Exactly one trigger: at_s (a number, or a distribution in s drawn once), when, or every_s (first at at_s
    if that is given, last before until_s). for_s: undone after that long. probability: chance per instant
    of every_s. at_most: firings. wait_s: how long a symbolic target may stay unresolved. unlimited: outside
    the fault budget. draws_as: the place in the script whose random draws are this line's, by default its own:
    a line keeps its luck when others before it are taken out.
    """

    do: str
    arguments: dict[str, Any] = {}
    target: list[str] = []
    at_s: float | Distribution | None = None
    when: When | None = None
    every_s: float | None = None
    until_s: float | None = None
    for_s: float | None = None
    probability: float = 1
    at_most: int | None = None
    wait_s: float = 5
    unlimited: bool = False
    draws_as: int | None = None


class WorkloadSpec(msgspec.Struct):
    """`count` clients that issue operations by themselves; ids are `client`, or client-1.. when count > 1.

    at: the node, zone or region they are attached to. to: where an operation goes first: hint (the leader
    last heard of, else any), nearest, any, or a node. operation: one name; or `mix`: operation -> weight.
    rate: operations per s and client, `arrival` steady or poisson; loop open (up to in_flight at once) or
    closed (the next one think_ms after the answer). keys: how many keys; key_choice: uniform, zipf or hot
    (hot_share of operations on the first key). values: unique, or fixed. timeout_ms: one attempt; retries:
    attempts after the first (None: until give_up_ms); give_up_ms: then the outcome is unknown.
    retry_after_ms: pause before a retry. session: operations carry client id and number, so that a system
    can apply them once. arguments: fields added to every request. operations: how many
    at most. stay: every attempt goes to `to`, hints or not. retry_budget: retries per operation over time, at
    most (None: no limit). ignore_late: an answer to an attempt that was given up counts for nothing.
    """

    client: str
    at: str
    operation: str = "put"
    mix: dict[str, float] = {}
    system: str = ""
    count: int = 1
    to: str = "hint"
    rate: float = 20
    arrival: str = "steady"
    loop: str = "open"
    think_ms: Distribution = constant(0)
    start_s: float = 0
    stop_s: float | None = None
    operations: int | None = None
    keys: int = 1
    key: str | None = None
    key_choice: str = "uniform"
    hot_share: float = 0.4
    values: str = "unique"
    value_bytes: int = 8
    timeout_ms: float = 200
    give_up_ms: float = 2000
    retries: int | None = None
    retry_after_ms: Distribution = constant(0)
    in_flight: int = 20
    session: bool = False
    stay: bool = False
    arguments: dict[str, Any] = {}
    retry_budget: float | None = None
    ignore_late: bool = False


class Operation(msgspec.Struct):
    """One scripted client operation, at a time, by an event, or repeated every_s (first at at_s if that is given)
    until until_s.

    The client is a new one attached to `at`, or one named before (in `workload` or an earlier operation,
    then `at` may be left out). id: to be named by checks; to, timeouts, session and stay as in WorkloadSpec.
    """

    client: str
    operation: str
    id: str = ""
    at: str = ""
    to: str = "hint"
    system: str = ""
    key: str | None = None
    value: Any = None
    expected: Any = None
    arguments: dict[str, Any] = {}
    at_s: float | Distribution | None = None
    when: When | None = None
    every_s: float | None = None
    until_s: float | None = None
    count: int | None = None
    timeout_ms: float = 200
    give_up_ms: float = 2000
    retries: int | None = None
    session: bool = False
    stay: bool = False


class Initial(msgspec.Struct):
    """Durable state at t=0. leader: the process that leads already. term: the epoch it leads in.

    shared: given to every process; nodes: process address -> state, merged over `shared`. What a state may
    hold is the system's business (logs, terms, votes, keys, configuration).
    """

    leader: str | None = None
    term: int | None = None
    shared: dict[str, Any] = {}
    nodes: dict[str, dict[str, Any]] = {}


class Disk(msgspec.Struct):
    """How disks behave: time of one flush and one read in ms, throughput in MB/s (0: unlimited), lying: a
    flush reports success without making anything durable.
    """

    write_ms: Distribution = constant(0)
    read_ms: Distribution = constant(0)
    bandwidth_mb_s: float = 0
    lying: bool = False


class Storage(msgspec.Struct):
    """Disks of all nodes, and of single nodes that differ."""

    default: Disk = msgspec.field(default_factory=Disk)
    nodes: dict[str, Disk] = {}


class Clock(msgspec.Struct):
    """A local clock: local = offset_ms + rate * virtual time."""

    offset_ms: float = 0
    rate: float = 1


class Check(msgspec.Struct):
    """A verdict that is expected. Exactly one of `check` (a named check) and `metric` (a number with
    bounds).

    expect: holds, violated or unknown. from_s, to_s: judge only this part of the run. client, node, key,
    operation: judge only these. arguments: plain data for the check. at_least, at_most, equals: bounds of
    the metric.
    """

    check: str | None = None
    metric: str | None = None
    expect: str = "holds"
    at_least: float | None = None
    at_most: float | None = None
    equals: Any = None
    from_s: float | None = None
    to_s: float | None = None
    client: str | None = None
    node: str | None = None
    key: str | None = None
    operation: str | None = None
    arguments: dict[str, Any] = {}


class Compare(msgspec.Struct):
    """Two runs compared: `variant` against `against` ("" is the base).

    Either metric with `is_` (less, greater, equal, different) and optionally `times` (variant > times *
    other for greater, variant < other / times for less), or check with is_ different or equal (the
    verdicts).
    """

    variant: str
    is_: str
    against: str = ""
    metric: str | None = None
    check: str | None = None
    times: float = 1
    from_s: float | None = None
    to_s: float | None = None
    client: str | None = None
    node: str | None = None


class SweepExpectation(msgspec.Struct):
    """What many seeds must show. seeds: how many, from the experiment's seed upwards.

    metric with statistic (min, mean, max, p10, p50, p90, p99, p999), or check with verdict and statistic
    share (0..1) or count (runs); at_least / at_most bound the statistic.
    """

    seeds: int
    statistic: str
    metric: str | None = None
    check: str | None = None
    verdict: str = "holds"
    at_least: float | None = None
    at_most: float | None = None
    client: str | None = None
    node: str | None = None
    from_s: float | None = None
    to_s: float | None = None


class Choice(msgspec.Struct):
    """One answer of a choice question."""

    value: Any
    title: Text


class Predict(msgspec.Struct):
    """A question asked at at_s before the run goes on; the key is the metric (or verdict of the check) of
    the run.

    kind: number (unit, tolerance: absolute), choice, or node. from_s, to_s, client, node as in Check.
    """

    at_s: float
    question: Text
    kind: str = "number"
    metric: str | None = None
    check: str | None = None
    unit: str = ""
    tolerance: float = 0
    choices: list[Choice] = []
    from_s: float | None = None
    to_s: float | None = None
    client: str | None = None
    node: str | None = None


class Play(msgspec.Struct):
    """How a run opens: speed (virtual per wall seconds), start_s, focus (ids looked at; unknown
    ones are ignored), view."""

    speed: float = 0.1
    start_s: float = 0
    focus: list[str] = []
    view: str = "map"


class Knob(msgspec.Struct):
    """A named setting of the experiment that moves several others; the file's own values agree with
    `value`.

    set: path -> template, in which "$" is the value, "$.name" a field of it and "$*0.8" a multiple.
    choices: instead of one template, value (as JSON text) -> paths and values to set.
    """

    value: Any
    title: Text
    set: dict[str, Any] = {}
    choices: dict[str, dict[str, Any]] = {}
    minimum: float | None = None
    maximum: float | None = None


class Variant(msgspec.Struct):
    """A change of the base experiment: set (parameter or path -> value); lists given here replace the
    base's.
    """

    id: str
    title: Text
    question: Text | None = None
    set: dict[str, Any] = {}
    checks: list[Check] | None = None
    expect_sweep: list[SweepExpectation] | None = None
    predict: list[Predict] | None = None


class Experiment(msgspec.Struct, kw_only=True):
    """One recipe. Everything a run needs, and what is expected of it."""

    format: int = 1
    id: str
    title: Text
    question: Text | None = None
    watch: Text | None = None
    rows: list[str] = []
    seed: int = 1
    system: str
    twin: str | None = None
    parameters: dict[str, Any] = {}
    topology: Topology
    initial: Initial = msgspec.field(default_factory=Initial)
    storage: Storage = msgspec.field(default_factory=Storage)
    clocks: dict[str, Clock] = {}
    timers: str = "automatic"
    workload: list[WorkloadSpec] = []
    operations: list[Operation] = []
    faults: list[FaultLine] = []
    knobs: dict[str, Knob] = {}
    variants: list[Variant] = []
    stop_s: float
    checks: list[Check] = []
    compare: list[Compare] = []
    expect_sweep: list[SweepExpectation] = []
    predict: list[Predict] = []
    play: Play = msgspec.field(default_factory=Play)
    cite: list[str] = []

    def clients(self) -> dict[str, str]:
        """Client id -> the place it is attached to, in the order of the file."""
        found: dict[str, str] = {}
        for line in self.workload:
            for number in range(1, line.count + 1):
                found[line.client if line.count == 1 else f"{line.client}-{number}"] = line.at
        for operation in self.operations:
            if operation.at:
                found.setdefault(operation.client, operation.at)
        return found

    def systems(self) -> tuple[str, ...]:
        """Every system its nodes carry, the experiment's own first."""
        found = dict.fromkeys([self.system])
        for node in self.topology.nodes:
            found.update(dict.fromkeys(process.system for process in node.processes))
        return tuple(found)
