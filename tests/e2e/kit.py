"""What browser tests of a run share: making one, and words for what is on the page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from playwright.sync_api import Locator, Page, expect

from tests.stack import wait_until

T = TypeVar("T")

LEADER = re.compile(r"^n\d+, leader, term \d+$")

GEO: dict[str, Any] = {
    "format": 1,
    "id": "e2e-geo",
    "title": {"en": "Five over three regions", "zh": "五个节点，三个区域"},
    "seed": 42,
    "system": "raft",
    "parameters": {"heartbeat_ms": 50, "election_timeout_ms": [300, 600], "check_quorum": False},
    "topology": {
        "regions": [
            {"id": "east", "zones": [{"id": "east-a"}, {"id": "east-b"}]},
            {"id": "west", "zones": [{"id": "west-a"}, {"id": "west-b"}]},
            {"id": "south", "zones": [{"id": "south-a"}]},
        ],
        "nodes": [
            {"id": "n1", "zone": "east-a"},
            {"id": "n2", "zone": "east-b"},
            {"id": "n3", "zone": "west-a"},
            {"id": "n4", "zone": "west-b"},
            {"id": "n5", "zone": "south-a"},
        ],
        "links": {
            "default": {"latency_ms": 5},
            "between": [{"from": "west", "to": "south", "latency_ms": 40}],
        },
    },
    "workload": [{"client": "c1", "at": "n5", "operation": "put", "rate": 10, "keys": 3}],
    "stop_s": 60,
    "play": {"speed": 0.5},
    "checks": ["no_lost_ack", "one_leader_per_term"],
}

CREATE = """async (experiment) => {
  const answer = await fetch('/api/runs', {method: 'POST', body: JSON.stringify({experiment}),
    headers: {'Content-Type': 'application/json', 'X-CSRFToken': document.body.dataset.csrf}});
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()).url;
}"""


def make_run(page: Page, experiment: Any = GEO) -> str:
    """A run of this page's visitor; the address it has."""
    page.goto("/mine")
    return str(page.evaluate(CREATE, experiment))


def open_run(page: Page, experiment: Any = GEO, query: str = "", first: str = "n1") -> str:
    """Make a run, open it, and wait until its nodes are there: the one named first is looked for."""
    url = make_run(page, experiment)
    page.goto(url + query)
    expect(node(page, first)).to_be_visible()
    return url


def node(page: Page, id: str) -> Locator:
    """The button of a node on the map."""
    return page.get_by_role("region", name="Cluster map").locator(f'[data-node="{id}"]')


def leader(page: Page) -> Locator:
    """The button of a node that leads."""
    return page.get_by_role("button", name=LEADER)


def wait_for_leader(page: Page) -> str:
    """The id of the node that leads."""
    expect(leader(page).first).to_be_visible()
    return str(leader(page).first.get_attribute("data-node"))


def labels(page: Page) -> list[str]:
    """The accessible names of all nodes."""
    return [str(item.get_attribute("aria-label")) for item in page.locator("[data-node]").all()]


def expect_labels(page: Page, names: list[str]) -> None:
    """Wait until the nodes have these accessible names."""
    for name in names:
        expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()


def settled(read: Callable[[], T]) -> T:
    """What is read ten times in a row: the page paints a moment after time stops."""
    last: list[T] = [read()]

    def still() -> bool:
        last.append(read())
        return len(last) > 10 and all(one == last[-1] for one in last[-10:])

    wait_until(still, "the page stands still")
    return last[-1]


def moment_ms(page: Page) -> int:
    """Where the playhead is, in milliseconds of virtual time."""
    return int(page.get_by_role("slider", name="Time", exact=True).input_value())


def result_line(page: Page) -> Locator:
    """The words over the map."""
    return page.locator("p.result")
