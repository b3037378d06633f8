"""Who is told of which change, how often, and which nodes go by themselves. ZP: ZooKeeper Programmer's Guide."""

from __future__ import annotations

from typing import Any

import pytest

from tests.systems.zookeeper.helpers import operation, ran, recipe, results, server

Event = tuple[str, str]


def told(watches: list[dict[str, Any]], changes: list[tuple[str, str]], **more: Any) -> list[Event]:
    """(path, change) of what client w heard, who asked after /a and /a/b had been created and before the changes."""
    lines = [operation(0.9, "create", "/a"), operation(1, "create", "/a/b", value="old"), *watches]
    lines += [operation(3 + n / 10, kind, path, value=n) for n, (kind, path) in enumerate(changes)]
    world = ran(recipe(operations=lines, stop_s=7, **more))
    client: Any = world.by_id["w"].process
    return [event[1:] for event in client.events]


def watch(kind: str, path: str, mode: str | None = None, at_s: float = 2) -> dict[str, Any]:
    arguments = {"watch": True, **({"mode": mode} if mode else {})}
    return operation(at_s, kind, path, "w", arguments=arguments)


@pytest.mark.parametrize(
    ("kind", "path", "changes", "heard"),
    [
        ("exists", "/n", [("create", "/n"), ("delete", "/n")], [("/n", "created")]),
        ("get", "/n", [("create", "/n")], []),
        ("get", "/a", [("set", "/a"), ("set", "/a")], [("/a", "changed")]),
        ("get", "/a/b", [("delete", "/a/b")], [("/a/b", "deleted")]),
        ("get", "/a", [("create", "/a/c"), ("set", "/a/b"), ("delete", "/a/b")], []),
        ("ls", "/a", [("set", "/a"), ("set", "/a/b"), ("create", "/a/b/c")], []),
        ("ls", "/a", [("create", "/a/c"), ("create", "/a/d")], [("/a", "child")]),
        ("ls", "/a", [("delete", "/a/b")], [("/a", "child")]),
        ("ls", "/a/b", [("delete", "/a/b")], [("/a/b", "deleted")]),
    ],
)  # fmt: skip
def test_a_watch_hears_of_what_it_asked_about_once(
    kind: str, path: str, changes: list[tuple[str, str]], heard: list[Event]
) -> None:
    """ZP: reads of data hear of the data, reads of children of the list; only exists() waits for a node to come."""
    assert told([watch(kind, path)], changes) == heard


@pytest.mark.parametrize(
    ("mode", "path", "changes", "heard"),
    [
        ("persistent", "/a", [("set", "/a"), ("set", "/a")], [("/a", "changed")] * 2),
        ("persistent", "/a", [("set", "/a/b"), ("create", "/a/b/c"), ("delete", "/a/b/c")], []),
        ("persistent", "/a", [("create", "/a/c"), ("delete", "/a/c")], [("/a", "child")] * 2),
        (
            "persistent_recursive", "/a", [("set", "/a/b"), ("create", "/a/c")],
            [("/a/b", "changed"), ("/a/c", "created")],
        ),
        ("persistent_recursive", "/a", [("create", "/ab"), ("set", "/ab")], []),
        ("persistent_recursive", "/", [("create", "/ab"), ("set", "/a")], [("/ab", "created"), ("/a", "changed")]),
    ],
)  # fmt: skip
def test_a_lasting_watch_hears_of_its_node_and_its_children_a_recursive_one_of_all_below(
    mode: str, path: str, changes: list[tuple[str, str]], heard: list[Event]
) -> None:
    assert told([watch("watch", path, mode)], changes) == heard


def test_one_change_is_told_once_to_who_watches_in_several_ways() -> None:
    both = [
        watch("get", "/a/b"),
        watch("ls", "/a/b", at_s=2.1),
        watch("watch", "/a", "persistent_recursive", 2.2),
    ]
    assert told(both, [("create", "/a/c"), ("delete", "/a/b")]) == [("/a/c", "created"), ("/a/b", "deleted")]


S3_DIES = [{"at_s": 2.9, "do": "kill", "target": "s3"}]
BEFORE = operation(2.5, "set", "/a", value="before")
FOR_A_WHILE = [("set", "/a")] * 30


@pytest.mark.parametrize(
    ("kind", "path", "changes", "heard"),
    [
        ("ls", "/a", [("set", "/a")], []),
        ("ls", "/a", [("create", "/a/c")], [("/a", "child")]),
        ("ls", "/a", [("delete", "/a/b")], [("/a", "child")]),
        ("get", "/a", [], []),
        ("get", "/a", FOR_A_WHILE, [("/a", "changed")]),
        ("get", "/a/b", [("delete", "/a/b"), ("create", "/a/b")], [("/a/b", "changed")]),
        ("exists", "/n", [*FOR_A_WHILE, ("create", "/n")], [("/n", "created")]),
        ("get", "/empty", [("delete", "/empty")], [("/empty", "deleted")]),
        ("get", "/n", [*FOR_A_WHILE, ("create", "/n")], []),
    ],
)
def test_a_watch_that_moves_is_told_what_it_missed_and_nothing_else(
    kind: str, path: str, changes: list[tuple[str, str]], heard: list[Event]
) -> None:
    """Its server dies before the changes; the next one is told what the client had seen, the last change included."""
    lines = [operation(1.1, "create", "/empty"), BEFORE, {**watch(kind, path, at_s=2.7), "at": "s3"}]
    assert told(lines, changes, faults=S3_DIES) == heard


def test_a_watch_that_has_fired_does_not_move() -> None:
    lines = [{**watch("get", "/a"), "at": "s3"}, BEFORE]
    assert told(lines, FOR_A_WHILE, faults=S3_DIES) == [("/a", "changed")]


# -- nodes that go by themselves -------------------------------------------------------------------------------------


def left(*lines: dict[str, Any], at_s: float, check_ms: float = 200) -> list[str]:
    """The nodes at a moment."""
    world = ran(recipe(operations=list(lines), parameters={"container_check_ms": check_ms}), at_s)
    assert {outcome for outcome, _ in results(world)} == {"ok"}
    return sorted(path for path in server(world, "s1").data if path != "/")


def test_a_container_goes_when_its_last_child_has_gone_and_not_before_its_first() -> None:
    """ZP, container nodes."""
    box, first, last = (
        operation(1, "create", "/box", arguments={"container": True}),
        operation(2, "create", "/box/x"),
        operation(3, "delete", "/box/x"),
    )
    assert left(box, at_s=3) == ["/box"]
    assert left(box, first, at_s=4) == ["/box", "/box/x"]
    assert left(box, first, last, at_s=4) == []


def test_a_plain_node_stays_when_its_last_child_has_gone() -> None:
    lines = (operation(1, "create", "/a"), operation(2, "create", "/a/x"), operation(3, "delete", "/a/x"))
    assert left(*lines, at_s=4) == ["/a"]


def test_containers_are_looked_for_now_and_then() -> None:
    """The leader has looked at 3 s."""
    lines = (operation(1, "create", "/box/x"), operation(3.5, "delete", "/box/x"))
    assert left(*lines, at_s=5.5, check_ms=3000) == ["/box"]
    assert left(*lines, at_s=7, check_ms=3000) == []


def test_a_node_is_outlived_by_its_time_since_it_was_changed_and_kept_by_its_children() -> None:
    """ZP, TTL nodes."""
    node = operation(1, "create", "/t", arguments={"ttl_ms": 1000})
    assert left(node, at_s=1.8) == ["/t"]
    assert left(node, at_s=2.5) == []
    assert left(node, operation(1.8, "set", "/t", value=1), at_s=2.6) == ["/t"]
    assert left(node, operation(1.8, "create", "/t/x"), at_s=4) == ["/t", "/t/x"]
