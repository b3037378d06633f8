"""Attributes that are read and copied together."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from simulations.engine.compiled import reader, twin_maker


def test_attributes_are_read_in_order_also_through_others() -> None:
    read = reader(("role", "log.version"))
    assert read(SimpleNamespace(role="leader", log=SimpleNamespace(version=7))) == ("leader", 7)


@pytest.mark.parametrize("attributes", [(), ("role",)])
def test_few_give_a_tuple_too(attributes: tuple[str, ...]) -> None:
    assert reader(attributes)(SimpleNamespace(role="leader")) == ("leader",)[: len(attributes)]


@pytest.mark.parametrize("name", ["", "log.", "role, of", "print()", "log version"])
def test_what_is_no_attribute_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not the name of an attribute"):
        reader(("role", name))


@dataclass
class Counted:
    """Counts how often it was made by its class."""

    name: str = "c"
    seen: list[int] = field(default_factory=list)
    place: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        self.seen.append(0)


def test_a_twin_shares_what_has_no_copier_and_nothing_of_its_class_runs() -> None:
    made = Counted(place=(1, 2))
    twin = twin_maker(Counted, {"name": None, "seen": list.copy, "place": None})(made)
    twin.seen.append(1)
    assert type(twin) is Counted
    assert (twin.name, twin.seen, made.seen) == ("c", [0, 1], [0])
    assert twin.place is made.place


def test_a_twin_of_what_is_no_attribute_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'a\.b' is not the name of an attribute"):
        twin_maker(Counted, {"a.b": None})
