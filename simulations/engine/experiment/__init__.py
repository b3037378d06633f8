"""Experiments: the recipe of a run, its strict reader, its canonical form, overrides and variants.

data = {"format": 1, "id": "EX-01", "title": {"en": "Leader crash", "zh": "领导者崩溃"}, "system": "raft",
        "topology": {"preset": "one_zone_5"}, "stop_s": 20,
        "workload": [{"client": "c1", "at": "n1", "operation": "put", "rate": 20}],
        "faults": [{"at_s": 5, "do": "kill", "target": "leader"}]}
experiment = parse(data)                      # ExperimentError names the path and the allowed values
experiment.faults[0].target                   # ["leader"]
parse(to_plain(experiment)) == experiment     # always
faster = with_overrides(experiment, {"election_timeout_ms": [50, 100], "topology.links.default.loss": 0.1})
fingerprint(faster)                           # 32 hex digits, the same for equal experiments
"""

from simulations.engine.experiment.problems import ExperimentError, Problem
from simulations.engine.experiment.reader import (
    fingerprint,
    parse,
    requires,
    to_plain,
    variant,
    variants,
    with_overrides,
)
from simulations.engine.experiment.structs import (
    Check,
    Choice,
    Clock,
    Compare,
    Disk,
    Experiment,
    FaultLine,
    Initial,
    Knob,
    Operation,
    Play,
    Predict,
    Storage,
    SweepExpectation,
    Text,
    Variant,
    When,
    WorkloadSpec,
)

__all__ = [
    "Check",
    "Choice",
    "Clock",
    "Compare",
    "Disk",
    "Experiment",
    "ExperimentError",
    "FaultLine",
    "Initial",
    "Knob",
    "Operation",
    "Play",
    "Predict",
    "Problem",
    "Storage",
    "SweepExpectation",
    "Text",
    "Variant",
    "When",
    "WorkloadSpec",
    "fingerprint",
    "parse",
    "requires",
    "to_plain",
    "variant",
    "variants",
    "with_overrides",
]
