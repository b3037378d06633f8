"""Where things are: regions > zones > racks > nodes, and the link between any two places.

A Topology is plain data; `link(a, b)` answers what a message from a to b meets. Places are named in one
name space: the id of a region, zone, rack or node is unique in its experiment. Rules are applied in this
order, later ones win field by field: `default`, then every matching line of `between` from first to last.

    topology = Topology(nodes=[NodeSpec("n1"), NodeSpec("n2")])
    topology.link("n1", "n2").latency        # Distribution("normal", (10, 2))
"""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine.distributions import Distribution, constant

CLIENT_LINK_MS = 1.0
"""One-way latency between a client and the place it is attached to."""

DEFAULT_LATENCY = Distribution("normal", (10, 2))
DEFAULT_LOCAL_LATENCY = constant(0.05)


class Rack(msgspec.Struct):
    """A rack with one switch; the switch can fail and then cuts all nodes of the rack off."""

    id: str


class Zone(msgspec.Struct):
    """An availability zone of a region."""

    id: str
    racks: list[Rack] = []


class Region(msgspec.Struct):
    """A region: far from the others."""

    id: str
    zones: list[Zone] = []


class ProcessSpec(msgspec.Struct):
    """One process on a node. Its address is the node's id when `id` is empty, else `node/id` ("n1/sentinel").

    `role` is a word of the system's descriptor (voter, observer, learner, replica, ...), "" for its default.
    `parameters` are added to the experiment's when `system` is the experiment's, else stand alone.
    """

    system: str
    id: str = ""
    role: str = ""
    parameters: dict[str, Any] = {}


class NodeSpec(msgspec.Struct):
    """A host. `processes` empty means one process of the experiment's system, or none when `bare` (a
    client's host).

    `starts`: "on" or "off" (powered off until a restart). `service_ms`: CPU time of one handled event.
    `price`: cost in money units per hour, for comparisons. `zone` and `rack` may be "" (nowhere in
    particular).
    """

    id: str
    zone: str = ""
    rack: str = ""
    processes: list[ProcessSpec] = []
    bare: bool = False
    starts: str = "on"
    service_ms: Distribution = constant(0)
    cores: int = 1
    price: float = 1


class LinkSettings(msgspec.Struct):
    """What a rule says about a link; None leaves the earlier rule's value.

    loss, duplicate, reorder: probabilities 0..1 per message. ordered: arrivals keep the order of departures
    (as on one TCP connection). by_message: latency of single message types, by the name of the message.
    """

    latency_ms: Distribution | None = None
    loss: float | None = None
    duplicate: float | None = None
    reorder: float | None = None
    bandwidth_mbit: float | None = None
    ordered: bool | None = None
    by_message: dict[str, Distribution] | None = None


class LinkRule(msgspec.Struct):
    """Settings of the links between two places (region, zone, rack or node ids), both ways unless
    `one_way`.
    """

    from_: str
    to: str
    settings: LinkSettings
    one_way: bool = False


class Links(msgspec.Struct):
    """All rules about links. `local` holds between two processes of one node."""

    default: LinkSettings = msgspec.field(default_factory=LinkSettings)
    local: LinkSettings = msgspec.field(default_factory=LinkSettings)
    between: list[LinkRule] = []


class LinkSpec(msgspec.Struct, frozen=True):
    """What one direction of one link does to messages.

    latency: one-way, ms. extra_ms: constant added to every latency draw (a client's way to its node).
    bandwidth_mbit: 0 means unlimited. connected: False when `only_links` leaves this link out.
    by_message: (message name, latency) pairs that replace `latency`.
    """

    latency: Distribution = DEFAULT_LATENCY
    loss: float = 0
    duplicate: float = 0
    reorder: float = 0
    bandwidth_mbit: float = 0
    ordered: bool = False
    by_message: tuple[tuple[str, Distribution], ...] = ()
    extra_ms: float = 0
    connected: bool = True


class Topology(msgspec.Struct):
    """Regions, nodes and links of an experiment; `only_links` (pairs of places) removes every other link."""

    regions: list[Region] = []
    nodes: list[NodeSpec] = []
    links: Links = msgspec.field(default_factory=Links)
    only_links: list[tuple[str, str]] | None = None

    def node_ids(self) -> list[str]:
        """Ids of the nodes, in the order of the file."""
        return [node.id for node in self.nodes]

    def node(self, id: str) -> NodeSpec:
        """The node of this id. KeyError when there is none."""
        for node in self.nodes:
            if node.id == id:
                return node
        raise KeyError(id)

    def nodes_in(self, place: str) -> list[str]:
        """Nodes inside a region, zone or rack, or the node itself, in the order of the file."""
        return [node.id for node in self.nodes if place in places_of(self, node.id)]

    def link(self, a: str, b: str) -> LinkSpec:
        """The link that carries messages from place a to place b (nodes, or a zone or region a client is
        in).
        """
        if a == b:
            return link_spec(DEFAULT_LOCAL_LATENCY, [self.links.local], connected=True)
        here, there = places_of(self, a), places_of(self, b)
        rules = [rule.settings for rule in self.links.between if rule_applies(rule, here, there)]
        return link_spec(
            DEFAULT_LATENCY, [self.links.default, *rules], connected=is_linked(self, here, there)
        )

    def client_link(self, place: str, node: str) -> LinkSpec:
        """The link of a client attached to `place` (node, zone or region) with `node`, either direction.

        Its own node is 1 ms away; any other is 1 ms plus the link of the two places. Killing the node a
        client is attached to does not kill the client; a cut between the two places cuts the client as
        well.
        """
        if place == node:
            return LinkSpec(latency=constant(CLIENT_LINK_MS))
        return msgspec.structs.replace(self.link(place, node), extra_ms=CLIENT_LINK_MS)


def zone_region(topology: Topology, zone: str) -> str:
    """The region of a zone, or ""."""
    return next((region.id for region in topology.regions if any(z.id == zone for z in region.zones)), "")


def rack_zone(topology: Topology, rack: str) -> str:
    """The zone of a rack, or ""."""
    zones = (zone for region in topology.regions for zone in region.zones)
    return next((zone.id for zone in zones if any(r.id == rack for r in zone.racks)), "")


def places_of(topology: Topology, place: str) -> tuple[str, ...]:
    """A place and everything it lies in, innermost first: ("n1", rack, zone, region); "" parts left out."""
    node = next((node for node in topology.nodes if node.id == place), None)
    rack = node.rack if node else place
    zone = (node.zone if node else "") or rack_zone(topology, rack) or (place if not node else "")
    region = zone_region(topology, zone)
    found: list[str] = []
    for part in (place, rack, zone, region):
        if part and part not in found:
            found.append(part)
    return tuple(found)


def rule_applies(rule: LinkRule, here: tuple[str, ...], there: tuple[str, ...]) -> bool:
    """Whether a rule speaks about messages from `here` to `there` (as given by places_of)."""
    if rule.from_ in here and rule.to in there:
        return True
    return not rule.one_way and rule.from_ in there and rule.to in here


def is_linked(topology: Topology, here: tuple[str, ...], there: tuple[str, ...]) -> bool:
    """Whether only_links (if given) leaves a link between two places."""
    if topology.only_links is None:
        return True
    return any((a in here and b in there) or (a in there and b in here) for a, b in topology.only_links)


def link_spec(latency: Distribution, rules: list[LinkSettings], connected: bool) -> LinkSpec:
    """Merge settings, later ones over earlier ones, into one LinkSpec."""
    values: dict[str, Any] = {"latency": latency, "connected": connected}
    names: dict[str, Distribution] = {}
    for rule in rules:
        if rule.latency_ms is not None:
            values["latency"] = rule.latency_ms
        for name in ("loss", "duplicate", "reorder", "bandwidth_mbit", "ordered"):
            if getattr(rule, name) is not None:
                values[name] = getattr(rule, name)
        names.update(rule.by_message or {})
    return LinkSpec(by_message=tuple(sorted(names.items())), **values)


# --- presets: what the editor offers first ---


def one_zone(count: int) -> dict[str, Any]:
    """`count` nodes n1.. in one zone of one region."""
    nodes = [{"id": f"n{number}", "zone": "a"} for number in range(1, count + 1)]
    return {"regions": [{"id": "region", "zones": [{"id": "a"}]}], "nodes": nodes}


def several_regions(names: tuple[str, ...], count: int, far_ms: float) -> dict[str, Any]:
    """`count` nodes dealt in turn to one zone of each named region; `far_ms` one way between any two
    regions.
    """
    regions = [{"id": name, "zones": [{"id": f"{name}-a"}]} for name in names]
    nodes = [{"id": f"n{i + 1}", "zone": f"{names[i % len(names)]}-a"} for i in range(count)]
    between = [
        {"from": a, "to": b, "latency_ms": {"normal": [far_ms, far_ms / 20]}}
        for i, a in enumerate(names)
        for b in names[i + 1 :]
    ]
    links = {"default": {"latency_ms": {"normal": [2, 0.4]}}, "between": between}
    return {"regions": regions, "nodes": nodes, "links": links}


PRESETS: dict[str, dict[str, Any]] = {
    "one_zone_3": one_zone(3),
    "one_zone_4": one_zone(4),
    "one_zone_5": one_zone(5),
    "one_zone_7": one_zone(7),
    "one_zone_9": one_zone(9),
    "three_regions_5": several_regions(("east", "west", "north"), 5, 40),
    "five_regions_101": several_regions(("asia", "europe", "america", "africa", "oceania"), 101, 80),
}
"""Name -> topology as it would be written in an experiment. Treat as read-only."""

PRESET_TITLES: dict[str, dict[str, str]] = {
    "one_zone_3": {"en": "3 nodes in one zone", "zh": "单可用区 3 节点"},
    "one_zone_4": {"en": "4 nodes in one zone", "zh": "单可用区 4 节点"},
    "one_zone_5": {"en": "5 nodes in one zone", "zh": "单可用区 5 节点"},
    "one_zone_7": {"en": "7 nodes in one zone", "zh": "单可用区 7 节点"},
    "one_zone_9": {"en": "9 nodes in one zone", "zh": "单可用区 9 节点"},
    "three_regions_5": {"en": "5 nodes over 3 regions", "zh": "跨三个地域的 5 个节点"},
    "five_regions_101": {"en": "101 nodes over 5 regions", "zh": "跨五个地域的 101 个节点"},
}
