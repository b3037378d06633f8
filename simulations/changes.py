"""What events changed, in whole values: for readers of a trace that do not keep the state of every process."""

from __future__ import annotations

from typing import Any


class Fields:
    """The fields of the processes of a chunk, moved event by event. Maps are kept, because a change of one tells only
    the keys that changed."""

    def __init__(self, chunk: dict[str, Any]) -> None:
        self.maps: dict[tuple[str, str], dict[str, Any]] = {}  # (logs are kept, too)
        for process, state in chunk["keyframe"]["processes"].items():
            self._take(process, state["fields"])

    def of(self, event: list[Any]) -> dict[str, Any]:
        """The fields that an event changed, with their new values: maps whole, logs as what changed in them. To be
        called for every event, in order."""
        process, diff = event[3], event[6] or {}
        for other, state in diff.get("processes", {}).items():
            self._take(other, state["fields"])
        found: dict[str, Any] = {**diff.get("fields", {})}
        self._take(process, found)
        changed = dict.fromkeys([*diff.get("gone", {}), *diff.get("maps", {})])
        for name in changed:
            gone, told = diff.get("gone", {}).get(name, ()), diff.get("maps", {}).get(name, {})
            before = self.maps.get((process, name), {})
            kept = {key: value for key, value in before.items() if key not in gone}
            found[name] = self.maps[process, name] = {**kept, **told}
        for name, (last, short, added) in diff.get("grown", {}).items():
            first = self.maps.get((process, name), {}).get("first", 1)
            found[name] = {
                "first": first,
                "last": last,
                "hash": short,
                "keep": last - len(added),
                "add": added,
            }
        return found

    def _take(self, process: str, fields: dict[str, Any]) -> None:
        for name, value in fields.items():
            if isinstance(value, dict):
                self.maps[process, name] = value
