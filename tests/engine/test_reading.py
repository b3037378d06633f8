"""Attributes that are read together."""

from types import SimpleNamespace

import pytest

from simulations.engine.reading import reader


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
