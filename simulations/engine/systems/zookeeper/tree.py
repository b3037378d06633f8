"""The tree of znodes: what a transaction does to it. The same on every server, whoever applies it.

ZP: ZooKeeper Programmer's Guide, "The ZooKeeper data model". Paths begin with "/"; a key without one, as workloads
name them, is a child of the root.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

import msgspec

from simulations.engine.process import Request
from simulations.engine.state_machine import equal, text_of
from simulations.engine.systems.zookeeper.messages import (
    CloseSession,
    CreateSession,
    Node,
    Reap,
    Session,
    Snapshot,
    Txn,
    zxid_text,
)
from simulations.engine.systems.zookeeper.parameters import Parameters

WRITES = ("create", "set", "delete", "put", "append", "cas")
READS = ("get", "exists", "stat", "ls", "children", "watch", "get_watch", "get_stale")
SYNCS = ("sync", "sync_get")
PERSISTENT, EPHEMERAL, CONTAINER, TTL = "persistent", "ephemeral", "container", "ttl"
NO_NODE, NODE_EXISTS, BAD_VERSION, NOT_EMPTY = "NoNode", "NodeExists", "BadVersion", "NotEmpty"
NO_CHILDREN, BAD_ARGUMENTS = "NoChildrenForEphemerals", "BadArguments"
SESSION_EXPIRED = "SessionExpired"
DEPTH_MAX = 64

_MASK = (1 << 61) - 1
_encode = msgspec.msgpack.Encoder().encode
_replace = msgspec.structs.replace

Change = tuple[str, str]
"""(path, created | changed | deleted)"""


def path_of(key: str) -> str:
    return key if key.startswith("/") else "/" + key


def parent_of(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def name_of(path: str) -> str:
    return path.rpartition("/")[2]


class Tree(msgspec.Struct):
    """``data``: path -> znode, never changed in place; ``marks`` and ``hash``: equal trees have equal hashes; kept only
    while ``hashed``."""

    data: dict[str, Node] = msgspec.field(default_factory=lambda: {"/": Node()})
    sessions: dict[int, Session] = msgspec.field(default_factory=dict)
    marks: dict[str, int] = msgspec.field(default_factory=dict)
    hash: int = 0
    hashed: bool = True

    def __post_init__(self) -> None:
        if self.hashed and not self.marks:
            for path in list(self.data):
                self.store(path, self.data[path])

    def fork(self) -> Tree:
        return Tree(self.data.copy(), self.sessions.copy(), self.marks.copy(), self.hash, self.hashed)

    def ahead(self) -> Tree:
        """A copy for the leader's proposals that are not committed yet."""
        return Tree(self.data.copy(), self.sessions.copy(), hashed=False)

    def load(self, snapshot: Snapshot) -> None:
        """Become what a snapshot holds."""
        self.data, self.sessions, self.marks, self.hash = {}, dict(snapshot.sessions), {}, 0
        for path, node in snapshot.data.items():
            self.store(path, node)

    def store(self, path: str, node: Node | None) -> None:
        """Put a node in its place; None removes it."""
        if node is None:
            del self.data[path]
        else:
            self.data[path] = node
        if self.hashed:
            old = self.marks.pop(path, 0)
            new = 0
            if node is not None:
                new = self.marks[path] = (crc32(_encode((path, node))) * 2862933555777941757 + 1) & _MASK
            self.hash = (self.hash - old + new) & _MASK

    # -- what a transaction does --------------------------------------------------------------------------------

    def apply(self, txn: Txn) -> tuple[str, Any, list[Change]]:
        """Carry out a transaction: (outcome, result for the client, what changed)."""
        command = txn.command
        if txn.error:
            return "fail", txn.error, []
        if isinstance(command, Request):
            return self._apply_request(txn, command)
        changes: list[Change] = []
        if isinstance(command, CreateSession):
            self.sessions[txn.zxid] = Session(command.client, command.timeout_ms)
        elif isinstance(command, CloseSession):
            self.sessions.pop(command.session, None)
            owned = [path for path, node in self.data.items() if node.owner == command.session]
            for path in owned:
                changes += self._delete(path, txn)
        elif isinstance(command, Reap) and command.path in self.data:
            changes = self._delete(command.path, txn)
        return "ok", None, changes

    def _apply_request(self, txn: Txn, request: Request) -> tuple[str, Any, list[Change]]:
        kind, path = request.kind, txn.path
        if kind == "create":
            return (
                "ok",
                path,
                self._create(path, txn, request.argument, request.options or {}, request.session),
            )
        if kind == "delete":
            return "ok", None, self._delete(path, txn)
        node = self.data.get(path)
        value = request.argument
        if kind == "cas":
            expected, value = request.argument
            if not equal(None if node is None else node.data, expected):
                return "ok", False, []
        elif kind == "append":
            value = text_of(None if node is None else node.data) + text_of(value)
        if node is None:
            changes = self._create(path, txn, value, {})
        else:
            new = _replace(
                node, data=value, version=node.version + 1, modified=txn.zxid, modified_us=txn.at_us
            )
            self.store(path, new)
            changes = [(path, "changed")]
        if kind == "set":
            return "ok", {"version": self.data[path].version}, changes
        return "ok", True if kind == "cas" else None, changes

    def _create(
        self, path: str, txn: Txn, value: Any, options: dict[str, Any], session: int = 0
    ) -> list[Change]:
        """A new node, and containers for those above it that are not there."""
        changes: list[Change] = []
        parent = parent_of(path)
        if parent not in self.data:
            changes = self._create(parent, txn, None, {"container": True})
        above, zxid = self.data[parent], txn.zxid
        children = (*above.children, name_of(path))
        self.store(parent, _replace(above, children=children, creations=above.creations + 1, relisted=zxid))
        kind = kind_of(options)
        ttl_ms = int(options.get("ttl_ms", 0)) if kind == TTL else 0
        owner = session if kind == EPHEMERAL else 0
        node = Node(value, 0, kind, owner, (), 0, zxid, zxid, zxid, txn.at_us, ttl_ms)
        self.store(path, _replace(node, sequential=True) if options.get("sequential") else node)
        return [*changes, (path, "created")]

    def _delete(self, path: str, txn: Txn) -> list[Change]:
        parent = parent_of(path)
        above = self.data[parent]
        children = tuple(name for name in above.children if name != name_of(path))
        self.store(parent, _replace(above, children=children, relisted=txn.zxid))
        self.store(path, None)
        return [(path, "deleted")]

    # -- what the leader decides beforehand ---------------------------------------------------------------------

    def decide(self, request: Request, parameters: Parameters) -> tuple[str, str]:
        """(path, error) of a client's request, as the tree will be when its turn comes."""
        path = path_of(request.key)
        if request.kind == "create":
            return self._decide_create(path, request, parameters)
        if not is_path(path) or (path == "/" and request.kind == "delete") or not is_guard(request):
            return path, BAD_ARGUMENTS
        node = self.data.get(path)
        wanted = (request.options or {}).get("version", -1)
        if node is None:
            creates = request.kind in ("put", "append", "cas") or (
                request.kind == "set" and parameters.set_creates
            )
            if not creates or wanted != -1:
                return path, NO_NODE
            return path, self._parent_error(path, parameters)
        if wanted not in (-1, node.version):
            return path, BAD_VERSION
        return path, NOT_EMPTY if request.kind == "delete" and node.children else ""

    def _decide_create(self, path: str, request: Request, parameters: Parameters) -> tuple[str, str]:
        options = request.options or {}
        kinds = sum(bool(options.get(name)) for name in ("ephemeral", "container", "ttl_ms"))
        if kinds > 1 or not isinstance(options.get("ttl_ms", 0), int | float):
            return path, BAD_ARGUMENTS
        if options.get("ephemeral") and request.session not in self.sessions:
            return path, SESSION_EXPIRED
        if options.get("sequential"):
            above = self.data.get(parent_of(path))
            path = f"{path}{above.creations if above else 0:010d}"
        if not is_path(path):
            return path, BAD_ARGUMENTS
        if path in self.data:
            return path, NODE_EXISTS
        return path, self._parent_error(path, parameters)

    def _parent_error(self, path: str, parameters: Parameters) -> str:
        above = self.data.get(parent_of(path))
        if above is None:
            missing = self._parent_error(parent_of(path), parameters)
            return missing if parameters.create_parents else NO_NODE
        return NO_CHILDREN if above.kind == EPHEMERAL else ""

    # -- what a server answers from its own copy ----------------------------------------------------------------

    def read(self, request: Request) -> tuple[str, Any]:
        """(outcome, result) of a read of this copy, however old it is."""
        kind, path = request.kind, path_of(request.key)
        node = self.data.get(path)
        if kind in ("get", "get_stale", "get_watch", "sync_get", "watch"):
            return "ok", None if node is None else node.data
        if kind == "exists":
            return "ok", node is not None
        if node is None:
            return "fail", NO_NODE
        return "ok", sorted(node.children) if kind in ("ls", "children") else stat_of(node)


def is_path(path: str) -> bool:
    """Whether it may name a node: no empty names, no dots, not too deep."""
    names = path.split("/")[1:]
    return path == "/" or (len(names) <= DEPTH_MAX and not any(name in ("", ".", "..") for name in names))


def is_guard(request: Request) -> bool:
    """A compare-and-set brings what it expects and what it writes."""
    return request.kind != "cas" or (
        isinstance(request.argument, list | tuple) and len(request.argument) == 2
    )


def kind_of(options: dict[str, Any]) -> str:
    for name, kind in (("ephemeral", EPHEMERAL), ("container", CONTAINER), ("ttl_ms", TTL)):
        if options.get(name):
            return kind
    return PERSISTENT


def stat_of(node: Node) -> dict[str, Any]:
    """A node's stat, as people read it."""
    return {
        "kind": node.kind, "version": node.version, "czxid": zxid_text(node.created), "mzxid": zxid_text(node.modified),
        "pzxid": zxid_text(node.relisted), "children": len(node.children),
        "owner": node.owner and zxid_text(node.owner),
    }  # fmt: skip
