"""What the page is told of Raft is what Raft is."""

from __future__ import annotations

import msgspec
import pytest

from simulations.engine.systems.raft import SYSTEM, preset
from simulations.engine.systems.raft.descriptor import DESCRIPTOR
from simulations.engine.systems.raft.messages import MESSAGES
from simulations.engine.systems.raft.parameters import Parameters
from simulations.engine.systems.raft.process import HANDLERS, Raft
from tests.systems.raft.helpers import elect, group, heartbeat

TIMERS = {"election", "heartbeat"}


def test_every_message_is_described_field_by_field_and_has_a_handler() -> None:
    assert {spec.name: spec.fields for spec in DESCRIPTOR.messages} == {
        message.__name__: message.__struct_fields__ for message in MESSAGES
    }
    assert {message.__name__ for message in MESSAGES} == {message.__name__ for message in HANDLERS}
    assert all(callable(getattr(Raft, handler)) for handler in HANDLERS.values())


def test_every_parameter_is_described_with_its_default() -> None:
    defaults = msgspec.structs.asdict(Parameters())
    assert {parameter.name: parameter.default for parameter in DESCRIPTOR.parameters} == defaults


def test_every_role_and_field_shown_exists() -> None:
    cluster = group(3, pre_vote=True)
    assert {cluster.processes["n1"].role} <= {role.name for role in DESCRIPTOR.roles}
    for field in DESCRIPTOR.fields:
        if field.kind == "timer":
            assert field.name in TIMERS
        else:
            assert hasattr(cluster.processes["n1"], field.attribute or field.name)


def test_every_default_check_and_property_that_must_always_hold_has_a_check() -> None:
    always = {item.name for item in DESCRIPTOR.properties if item.kind == "always"}
    assert set(DESCRIPTOR.default_checks) <= always <= set(SYSTEM.checks)


def test_set_parameter_takes_effect_at_once() -> None:
    cluster = group(3)
    elect(cluster, "n1")
    leader = cluster.processes["n1"]
    leader.parameters = msgspec.structs.replace(
        leader.parameters, heartbeat_ms=20, election_timeout_ms=(400, 400)
    )
    leader.on_parameters()
    heartbeat(cluster, "n1")
    assert cluster.contexts["n1"].timers["heartbeat"] == 20_000
    assert (leader.election_low_us, leader.silent_ticks) == (400_000, 20)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("heartbeat_ms", 0),
        ("election_timeout_ms", (300, 150)),
        ("lease_ms", -1),
        ("max_batch", 0),
        ("read_mode", "guess"),
        ("leader_disk", "none"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        Parameters(**{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "field"), [({"logs": [1]}, "logs"), ({"log": [2, 1]}, "log"), ({"log": [3], "term": 2}, "log")]
)
def test_a_wrong_preset_is_refused_by_name(values: dict[str, object], field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        preset(values)


def test_terms_of_a_cluster_with_a_first_leader_exclude_another_leader_in_it() -> None:
    assert preset({"leader": True})[0] == {"term": 1, "voted_for": "", "start_as": "leader"}
    assert preset({"leader": False})[0]["term"] == 1
    assert preset({})[0]["term"] == 0
