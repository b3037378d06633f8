"""Whatever is done to an experiment, reading it gives an experiment or an ExperimentError, nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulations.engine.experiment import ExperimentError, fingerprint, parse, to_plain, with_overrides
from tests.budget import budget
from tests.engine.experiments import small

WORDS = ("n1", "n9", "leader", "kill", "zone", "c1", "a", "raft", "topology", "faults.0", "at_s", "0", "")
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-3, 3),
    st.floats(),
    st.text(max_size=10),
    st.sampled_from(WORDS),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(WORDS), st.text(max_size=5)), inner),
    ),
    max_leaves=8,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every part of plain data."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        found += places(part, (*path, key))
    return found


PLACES = places(small())


def changed(data: Any, path: tuple[Any, ...], value: Any, what: str) -> None:
    """Replace, delete or extend one place, if it is still there."""
    holder = data
    for key in path[:-1]:
        try:
            holder = holder[key]
        except (KeyError, IndexError, TypeError):
            return
    try:
        if what == "delete":
            del holder[path[-1]]
        elif what == "extend" and isinstance(holder[path[-1]], dict):
            holder[path[-1]][str(value)[:20]] = value
        else:
            holder[path[-1]] = value
    except (KeyError, IndexError, TypeError):
        return


CHANGES = st.lists(
    st.tuples(st.sampled_from(PLACES), VALUES, st.sampled_from(("replace", "delete", "extend"))),
    min_size=1,
    max_size=4,
)


@settings(
    max_examples=budget("experiment_mutations"),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)
@given(CHANGES)
def test_mutated_experiments_are_read_or_refused(changes: list[tuple[tuple[Any, ...], Any, str]]) -> None:
    data = small()
    for path, value, what in changes:
        changed(data, path, value, what)
    try:
        experiment = parse(data)
    except ExperimentError:
        return
    assert parse(to_plain(experiment)) == experiment
    assert len(fingerprint(experiment)) == 32


@settings(
    max_examples=budget("experiment_mutations"),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)
@given(
    st.one_of(st.sampled_from([".".join(map(str, path)) for path in PLACES]), st.text(max_size=30)), VALUES
)
def test_overrides_change_or_are_refused(name: str, value: Any) -> None:
    experiment = parse(small())
    try:
        found = with_overrides(experiment, {name: value})
    except ExperimentError:
        return
    assert parse(to_plain(found)) == found


@settings(max_examples=budget("experiment_mutations"), deadline=None, derandomize=True)
@given(VALUES)
def test_any_plain_data_is_refused(value: Any) -> None:
    with pytest.raises(ExperimentError) as caught:
        parse(value)
    assert caught.value.problems
    assert str(caught.value)
