"""What a copy makes of the writes that reach it: order, conflicts, deletions, and what its disk remembers of them."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from simulations.engine.systems.disaster_recovery.messages import Entry, Heads, Ship
from simulations.engine.systems.disaster_recovery.process import Site
from tests.systems.disaster_recovery.helpers import SECOND, alone, at, entries, primary


def put(origin: str, at_us: int, *over: tuple[str, int], epoch: int = 1, number: int = 1) -> Entry:
    """A write of key k; its value is its origin."""
    return Entry(origin, number, epoch, at_us, "put", "k", origin, over, at_us)


def delete_all(origin: str, at_us: int) -> Entry:
    return Entry(origin, 1, 1, at_us, "delete_all", "", None, (), at_us)


def copied(*written: Entry) -> Any:
    """A follower that got these writes in this order."""
    copy = alone(Site, "n2", tier="active_active")
    for entry in written:
        copy.take((entry,))
    return copy


def values(*written: Entry) -> dict[str, Any]:
    return {key: version.value for key, version in copied(*written).data.items()}


A, B = ("a", 1), ("b", 1)


def test_a_copy_holds_a_prefix_of_every_origin() -> None:
    assert copied(*entries(1, 3, 2, 2, 4)).heads() == (("n1#1", 2),)


@pytest.mark.parametrize("order", list(permutations((put("a", 9000), put("b", 2000, A)))))
def test_a_write_that_knew_another_replaces_it_whatever_the_clocks_and_the_order(
    order: tuple[Entry, ...],
) -> None:
    copy = copied(*order)
    assert (copy.data["k"].value, copy.conflicts) == ("b", 0)


@pytest.mark.parametrize("order", list(permutations((put("a", 9000), put("b", 2000)))))
def test_of_two_that_did_not_know_each_other_the_later_clock_wins_in_every_order(
    order: tuple[Entry, ...],
) -> None:
    copy = copied(*order)
    assert (copy.data["k"].value, copy.conflicts) == ("a", 1)


@pytest.mark.parametrize("order", list(permutations((put("a", 9000), put("b", 2000)))))
@pytest.mark.parametrize(("over", "value"), [((A,), "a"), ((B,), "a"), ((A, B), "c")])
def test_who_replaces_both_of_a_conflict_must_have_known_both(
    order: tuple[Entry, ...], over: Heads, value: str
) -> None:
    assert values(*order, put("c", 100, *over)) == {"k": value}


def test_what_a_conflict_knew_is_the_later_of_both_for_every_origin() -> None:
    """b knew only the first write of a."""
    written = (put("a", 1000), put("a", 9000, A, number=2), put("b", 2000, A))
    assert values(*written, put("c", 100, A, B)) == {"k": "a"}
    assert values(*written, put("c", 100, ("a", 2), B)) == {"k": "c"}


def test_a_later_epoch_wins_over_a_later_clock() -> None:
    assert values(put("a", 9000), put("b", 2000, epoch=2)) == {"k": "b"}


@pytest.mark.parametrize("order", list(permutations((put("a", 4000), delete_all("b", 5000)))))
def test_a_deletion_reaches_every_earlier_write_in_every_order(order: tuple[Entry, ...]) -> None:
    assert values(*order) == {}


@pytest.mark.parametrize("order", list(permutations((put("a", 6000), delete_all("b", 5000)))))
def test_a_deletion_spares_every_later_write_in_every_order(order: tuple[Entry, ...]) -> None:
    assert values(*order) == {"k": "a"}


def test_an_earlier_deletion_does_not_take_back_a_later_one() -> None:
    assert values(delete_all("a", 9000), delete_all("b", 5000), put("c", 7000)) == {}


def test_a_write_is_later_than_all_that_its_site_has_seen() -> None:
    """Its own clock is behind."""
    primary = alone(Site, "n1")
    primary.take(entries(1, 2, origin="s1#4"))
    assert primary.append_entry("put", "k", "v", 1).at_us == 2001


def test_who_leads_on_after_a_restart_tells_the_same_epoch_and_base() -> None:
    before = alone(Site, "n2")
    before.take(entries(1, 2))
    before.on_operator("promote", {})
    after = alone(Site, "n2", before)
    assert (after.role, after.epoch, after.base) == ("follower", before.epoch, (("n1#1", 2),))
    after.on_timer("resume")
    after.on_timer("beat")
    (beat,) = {message.base for _, message in after.context.take() if isinstance(message, Ship)}
    assert (after.role, after.epoch, beat) == ("primary", before.epoch, (("n1#1", 2),))


def test_what_a_later_epoch_does_not_keep_is_gone_from_the_disk_too() -> None:
    before = alone(Site, "n2", salvage=False)
    before.on_message("n1", Ship(1, "n1#1", 1, entries(1, 2, 3), (), True))
    before.on_message("s1", Ship(4, "s1#4", 1, (), (("n1#1", 1),), True))
    after = alone(Site, "n2", before)
    assert (after.heads(), after.data.keys()) == ((("n1#1", 1),), {"k1"})


# -- a copy that lags on purpose -------------------------------------------------------------------------------------


def delayed(now_us: int) -> Any:
    """The last server, which lags by a second; writes at 1 to 4 ms, the third deletes everything."""
    site = alone(Site, "n3", delayed_replica_s=1)
    one, two, three, four = entries(1, 2, 3, 4)
    mistake = Entry("n1#1", 3, 1, three.at_us, "delete_all", "", None, (), 3)
    site.take((one, two, mistake, four))
    return at(site, now_us)


def test_a_delayed_copy_skips_the_mistake_and_does_all_the_rest() -> None:
    site = delayed(SECOND + 2500)
    site.on_operator("command", {"name": "recover_from_delayed"})
    assert sorted(site.data) == ["k1", "k2", "k4"]
    assert (site.role, site.base, site.deletions) == ("primary", (("n1#1", 2),), 0)


def test_a_delayed_copy_that_carried_the_mistake_out_keeps_it() -> None:
    site = delayed(SECOND + 3500)
    site.on_timer("apply")
    site.on_operator("command", {"name": "recover_from_delayed"})
    assert (sorted(site.data), site.base) == (["k4"], (("n1#1", 4),))


def test_the_first_of_two_mistakes_decides_what_the_others_keep() -> None:
    site = delayed(SECOND)
    site.take((Entry("n1#1", 5, 1, 5000, "delete_all", "", None, (), 5),))
    site.on_operator("command", {"name": "recover_from_delayed"})
    assert (sorted(site.data), site.base) == (["k1", "k2", "k4"], (("n1#1", 2),))


def test_only_a_delayed_copy_can_skip_a_mistake() -> None:
    site = primary()
    site.on_operator("command", {"name": "recover_from_delayed"})
    assert (site.role, site.epoch) == ("primary", 1)


def test_a_home_of_one_has_no_delayed_copy() -> None:
    only = alone(Site, "n1", directory={"disaster_recovery/server": ("n1",)}, delayed_replica_s=5)
    assert only.role == "primary"


def test_a_delayed_copy_does_not_serve_where_all_others_do() -> None:
    site = alone(Site, "n3", tier="active_active", delayed_replica_s=5)
    site.on_message("n1", Ship(2, "n1#2", 1, (), (), True))
    assert (site.role, site.epoch) == ("delayed", 2)
