"""The whole format as one table: every record of an experiment, its keys and their kinds.

Read it from the bottom: EXPERIMENT is the file. What the kinds cannot say (ids that must exist, times that
must lie before the end) is in references.py.
"""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine.experiment import limits
from simulations.engine.experiment.kinds import (
    INVALID,
    Bilingual,
    Flag,
    Id,
    Json,
    Line,
    ListOf,
    MapOf,
    Number,
    Pair,
    Record,
    Schema,
    Word,
)
from simulations.engine.experiment.problems import Problems
from simulations.engine.experiment.script import SECONDS, Script
from simulations.engine.experiment.spreads import NumberOrSpread, Spread
from simulations.engine.experiment.structs import (
    Check,
    Choice,
    Clock,
    Compare,
    Disk,
    Experiment,
    Initial,
    Knob,
    Operation,
    Play,
    Predict,
    Storage,
    SweepExpectation,
    Variant,
    WorkloadSpec,
)
from simulations.engine.experiment.vocabulary import WHEN
from simulations.engine.topology import (
    PRESETS,
    LinkRule,
    Links,
    LinkSettings,
    NodeSpec,
    ProcessSpec,
    Rack,
    Region,
    Topology,
    Zone,
)

SYSTEM = Id()
TITLE = Bilingual(limits.TITLE_LENGTH_MAX)
COUNT = Number(1, 1_000_000, whole=True)
CHANCE = Number(0, 1)
MILLISECONDS = Number(0, limits.LATENCY_MS_MAX, "ms")
BOUND = Number(-limits.JSON_NUMBER_MAX, limits.JSON_NUMBER_MAX)
VERDICTS = ("holds", "violated", "unknown")
STATISTICS = ("min", "mean", "max", "p10", "p50", "p90", "p99", "p999", "share", "count")

# --- topology ---

LINK_FIELDS: dict[str, Any] = {
    "latency_ms": Spread(),
    "loss": CHANCE,
    "duplicate": CHANCE,
    "reorder": CHANCE,
    "bandwidth_mbit": Number(0, 1_000_000, "Mbit/s"),
    "ordered": Flag(),
    "by_message": MapOf(Spread(), 50, Line()),
}
LINK_SETTINGS = Record(LinkSettings, LINK_FIELDS)


class LinkEnds(msgspec.Struct):
    """The part of a rule that says which links."""

    from_: str
    to: str
    one_way: bool = False


class LinkRuleKind:
    """A line of `between`: {from, to, one_way, and the settings beside them}."""

    ends: dict[str, Any] = {"from": Id(), "to": Id(), "one_way": Flag()}

    def read(self, value: object, path: str, problems: Problems) -> Any:
        if not isinstance(value, dict):
            problems.add(path, "type", expected="a record", given=value)
            return INVALID
        ends = {key: item for key, item in value.items() if key in self.ends}
        rest = {key: item for key, item in value.items() if key not in self.ends}
        unknown = [key for key in rest if key not in LINK_FIELDS]
        for key in unknown:
            problems.add(path, "unknown_key", allowed=(*self.ends, *LINK_FIELDS), given=key)
        settings = INVALID if unknown else LINK_SETTINGS.read(rest, path, problems)
        rule = Record(LinkEnds, self.ends).read(ends, path, problems)
        if settings is INVALID or rule is INVALID:
            return INVALID
        return LinkRule(rule.from_, rule.to, settings, rule.one_way)

    def plain(self, value: Any) -> Any:
        one_way = {"one_way": True} if value.one_way else {}
        return {"from": value.from_, "to": value.to, **one_way, **LINK_SETTINGS.plain(value.settings)}

    def schema(self) -> Schema:
        fields = {**self.ends, **LINK_FIELDS}
        properties = {key: kind.schema() for key, kind in fields.items()}
        return {
            "type": "object",
            "properties": properties,
            "required": ["from", "to"],
            "additionalProperties": False,
        }


PROCESS = Record(
    ProcessSpec,
    {"system": SYSTEM, "id": Id(), "role": Line(), "parameters": Json("record")},
    shorthand="system",
)
NODE = Record(
    NodeSpec,
    {
        "id": Id(),
        "zone": Id(),
        "rack": Id(),
        "processes": ListOf(PROCESS, limits.PROCESSES_MAX),
        "bare": Flag(),
        "starts": Word(("on", "off")),
        "service_ms": Spread(),
        "cores": Number(1, 1_024, whole=True),
        "price": Number(0, 1e9),
    },
)
RACK = Record(Rack, {"id": Id()})
ZONE = Record(Zone, {"id": Id(), "racks": ListOf(RACK, limits.RACKS_MAX)})
REGION = Record(Region, {"id": Id(), "zones": ListOf(ZONE, limits.ZONES_MAX)})
LINKS = Record(
    Links,
    {
        "default": LINK_SETTINGS,
        "local": LINK_SETTINGS,
        "between": ListOf(LinkRuleKind(), limits.LINK_RULES_MAX),
    },
)
TOPOLOGY_RECORD = Record(
    Topology,
    {
        "regions": ListOf(REGION, limits.REGIONS_MAX),
        "nodes": ListOf(NODE, limits.NODES_MAX, 1),
        "links": LINKS,
        "only_links": ListOf(Pair(), limits.ONLY_LINKS_MAX),
    },
)


class TopologyKind:
    """A topology; `preset: <name>` gives its parts first, and what stands beside it replaces them."""

    def read(self, value: object, path: str, problems: Problems) -> Any:
        if isinstance(value, dict) and "preset" in value:
            name = Word(tuple(PRESETS)).read(value["preset"], f"{path}.preset", problems)
            if name is INVALID:
                return INVALID
            value = {**PRESETS[name], **{key: item for key, item in value.items() if key != "preset"}}
        found = TOPOLOGY_RECORD.read(value, path, problems)
        if found is not INVALID and not found.nodes:
            problems.add(f"{path}.nodes", "missing")
            return INVALID
        return found

    def plain(self, value: Any) -> Any:
        return TOPOLOGY_RECORD.plain(value)

    def schema(self) -> Schema:
        schema = TOPOLOGY_RECORD.schema()
        schema["properties"]["preset"] = {"enum": list(PRESETS)}
        return {**schema, "anyOf": [{"required": ["nodes"]}, {"required": ["preset"]}]}


# --- what clients do ---

REACH: dict[str, Any] = {
    "at": Id(),
    "to": Id(slash=True),
    "system": SYSTEM,
    "timeout_ms": Number(1, limits.LATENCY_MS_MAX, "ms"),
    "give_up_ms": Number(1, limits.LATENCY_MS_MAX, "ms"),
    "retries": Number(0, 1_000, whole=True),
    "session": Flag(),
    "stay": Flag(),
    "arguments": Json("record"),
    "key": Line(),
}
WORKLOAD = Record(
    WorkloadSpec,
    {
        **REACH,
        "client": Id(),
        "operation": Line(40),
        "mix": MapOf(Number(0, 1e6), 20, Line(40)),
        "count": Number(1, limits.CLIENTS_MAX, whole=True),
        "rate": Number(0, limits.RATE_MAX, "/s"),
        "arrival": Word(("steady", "poisson")),
        "loop": Word(("open", "closed")),
        "think_ms": Spread(),
        "start_s": SECONDS,
        "stop_s": SECONDS,
        "operations": COUNT,
        "keys": Number(1, 1_000_000, whole=True),
        "key_choice": Word(("uniform", "zipf", "hot")),
        "hot_share": CHANCE,
        "values": Word(("unique", "fixed")),
        "value_bytes": Number(0, 1_000_000, "bytes", whole=True),
        "retry_after_ms": Spread(),
        "in_flight": Number(1, 10_000, whole=True),
        "retry_budget": Number(0, 1_000),
        "ignore_late": Flag(),
    },
)
OPERATION = Record(
    Operation,
    {
        **REACH,
        "client": Id(),
        "operation": Line(40),
        "id": Id(),
        "value": Json(),
        "expected": Json(),
        "at_s": NumberOrSpread(),
        "when": WHEN,
        "every_s": Number(0.001, limits.STOP_S_MAX, "s"),
        "until_s": SECONDS,
        "count": COUNT,
    },
)

# --- where it starts, and what it runs on ---

INITIAL = Record(
    Initial,
    {
        "leader": Id(slash=True),
        "term": Number(0, 1_000_000, whole=True),
        "shared": Json("record"),
        "nodes": MapOf(Json("record"), limits.NODES_MAX * limits.PROCESSES_MAX),
    },
)
DISK = Record(
    Disk,
    {"write_ms": Spread(), "read_ms": Spread(), "bandwidth_mb_s": Number(0, 1e6, "MB/s"), "lying": Flag()},
)
STORAGE = Record(Storage, {"default": DISK, "nodes": MapOf(DISK, limits.NODES_MAX)})
CLOCK = Record(Clock, {"offset_ms": Number(-1e9, 1e9, "ms"), "rate": Number(0.01, 100)})

# --- what is expected ---

SCOPE: dict[str, Any] = {"from_s": SECONDS, "to_s": SECONDS, "client": Id(), "node": Id(slash=True)}
BOUNDS: dict[str, Any] = {"at_least": BOUND, "at_most": BOUND}
CHECK = Record(
    Check,
    {
        "check": Line(60),
        "metric": Line(60),
        "expect": Word(VERDICTS),
        **BOUNDS,
        "equals": Json(),
        **SCOPE,
        "key": Line(),
        "operation": Line(),
        "arguments": Json("record"),
    },
    shorthand="check",
)
COMPARE = Record(
    Compare,
    {
        "variant": Id(),
        "is": Word(("less", "greater", "equal", "different")),
        "against": Id(),
        "metric": Line(60),
        "check": Line(60),
        "times": Number(0, 1e9),
        **SCOPE,
    },
)
SWEEP = Record(
    SweepExpectation,
    {
        "seeds": Number(1, 100_000, whole=True),
        "statistic": Word(STATISTICS),
        "metric": Line(60),
        "check": Line(60),
        "verdict": Word(VERDICTS),
        **BOUNDS,
        **SCOPE,
    },
)
CHOICE = Record(Choice, {"value": Json(), "title": TITLE})
PREDICT = Record(
    Predict,
    {
        "at_s": SECONDS,
        "question": Bilingual(),
        "kind": Word(("number", "choice", "node")),
        "metric": Line(60),
        "check": Line(60),
        "unit": Line(20),
        "tolerance": Number(0, limits.JSON_NUMBER_MAX),
        "choices": ListOf(CHOICE, 10),
        **SCOPE,
    },
)
PLAY = Record(
    Play,
    {
        "speed": Number(limits.SPEED_MIN, limits.SPEED_MAX),
        "start_s": SECONDS,
        "focus": ListOf(Id(slash=True), 20, 0, single=True),
        "view": Word(("map", "space_time", "logs", "history", "metrics")),
    },
)
KNOB = Record(
    Knob,
    {
        "value": Json(),
        "title": TITLE,
        "set": Json("record"),
        "choices": MapOf(Json("record"), 20, Line()),
        "minimum": BOUND,
        "maximum": BOUND,
    },
)
VARIANT = Record(
    Variant,
    {
        "id": Id(),
        "title": TITLE,
        "question": Bilingual(),
        "set": Json("record"),
        "checks": ListOf(CHECK, limits.CHECKS_MAX),
        "expect_sweep": ListOf(SWEEP, limits.CHECKS_MAX),
        "predict": ListOf(PREDICT, limits.CHECKS_MAX),
    },
)

EXPERIMENT = Record(
    Experiment,
    {
        "format": Number(1, 1, whole=True),
        "id": Id(slash=True),
        "title": TITLE,
        "question": Bilingual(),
        "watch": Bilingual(),
        "rows": ListOf(Id(), 60),
        "seed": Number(0, limits.SEED_MAX, whole=True),
        "system": SYSTEM,
        "twin": Id(),
        "parameters": MapOf(Json(), 200, Id()),
        "topology": TopologyKind(),
        "initial": INITIAL,
        "storage": STORAGE,
        "clocks": MapOf(CLOCK, limits.NODES_MAX + limits.CLIENTS_MAX, Id()),
        "timers": Word(("automatic", "manual")),
        "workload": ListOf(WORKLOAD, limits.WORKLOAD_MAX),
        "operations": ListOf(OPERATION, limits.OPERATIONS_MAX),
        "faults": ListOf(Script(), limits.FAULTS_MAX),
        "knobs": MapOf(KNOB, limits.KNOBS_MAX, Id()),
        "variants": ListOf(VARIANT, limits.VARIANTS_MAX),
        "stop_s": Number(0.001, limits.STOP_S_MAX, "s"),
        "checks": ListOf(CHECK, limits.CHECKS_MAX),
        "compare": ListOf(COMPARE, limits.CHECKS_MAX),
        "expect_sweep": ListOf(SWEEP, limits.CHECKS_MAX),
        "predict": ListOf(PREDICT, limits.CHECKS_MAX),
        "play": PLAY,
        "cite": ListOf(Line(300), limits.CITES_MAX),
    },
)
"""The file."""
