"""Run until: a bounded search from the playhead, chunk by chunk, on the worker that has the run warm.

The chunks it computes are kept, so that playing on from where it stopped costs nothing.
"""

from __future__ import annotations

import logging
import operator
from functools import lru_cache
from typing import Any

import msgspec
import redis

from simulations import limits, wire
from simulations.changes import Fields
from simulations.engine.registry import SYSTEMS
from simulations.live.playhead import Playhead, server_ms
from simulations.live.publish import tell
from simulations.live.tiles import Exhausted, Refused
from simulations.live.valkey import client
from simulations.live.worlds import Slice
from simulations.services import dispatch, experiments, lanes, playheads
from simulations.services.lanes import Lane
from simulations.services.positions import shown_us

log = logging.getLogger(__name__)

SLICE_S = 0.05
SEARCH_KEPT_S = 120
LATE_MS = 5_000
"""A search that had no turn for so long has lost its worker or its place in the queue."""
WORDS = ("election", "commit", "violation")
OPERATORS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def check_condition(condition: str | wire.FieldCondition) -> Any:
    """The condition as plain data. BadInput names what is wrong."""
    if isinstance(condition, str):
        if condition not in WORDS:
            raise wire.BadInput("condition", "unknown condition", WORDS)
        return condition
    if condition.op not in OPERATORS:
        raise wire.BadInput("condition.op", "unknown comparison", OPERATORS)
    if not wire.finite(condition.value):
        raise wire.BadInput("condition.value", "is too large or not finite")
    return msgspec.to_builtins(condition)


def begin(*, code: str, visitor: str, condition: str | wire.FieldCondition) -> None:
    """Start a search on the worker; the answer is an `until_result` for everybody who watches."""
    from simulations import selectors

    plain = check_condition(condition)
    run = selectors.find_run(code)
    if run is None:
        raise wire.BadInput("run", "there is no such run", status=404)
    if selectors.role_of(run, visitor) == "viewer":
        raise wire.BadInput("role", "only the owner and controllers move the shared playhead", status=403)
    head = selectors.playhead_of(run)
    here = shown_us(run, head, server_ms())
    request = {
        "condition": plain,
        "branch": head.branch,
        "sequence": head.sequence,
        "changed": lanes.changed_now(code),
        "from_us": here,
        "at_us": here,
        "to_us": min(here + limits.UNTIL_SEARCH_US, head.limit_us(run.stop_us)),
    }
    _note_turn(code, request, begins=True)
    if not dispatch.send(dispatch.UNTIL, [code, request], dispatch.shard_for(code)):
        raise wire.BadInput("condition", "no worker can be asked now", status=503)


def search_key(code: str) -> str:
    """Where the search of a run is kept until everybody was told."""
    return f"until:{code}"


def _note_turn(code: str, request: dict[str, Any], begins: bool = False) -> bool:
    """False when everybody was told meanwhile: this slice was sent again in vain."""
    note = msgspec.json.encode({"request": request, "turn_ms": server_ms()})
    return bool(client().set(search_key(code), note, ex=SEARCH_KEPT_S, xx=not begins))


def go_on(code: str, note: bytes) -> None:
    """Send a search again whose worker ended; its chunks are kept, so that little is computed twice."""
    known = msgspec.json.decode(note)
    late = server_ms() - known["turn_ms"] > LATE_MS
    if late and client().set(f"until-again:{code}", b"1", nx=True, px=LATE_MS):
        dispatch.send(dispatch.UNTIL, [code, known["request"]], dispatch.shard_for(code))


def lost() -> bytes:
    """The answer when Valkey has forgotten a search."""
    return _answer(found=False, reason="lost")


def search(code: str, request: dict[str, Any], shard: int) -> dict[str, Any] | None:
    """One slice; what the next slice gets, or None when it is over (and everybody was told)."""
    try:
        if not _note_turn(code, request):
            return None
        lane = lanes.open_lane(code, request["branch"])
        if lane is None:
            return None
        if lane.head.sequence != request["sequence"] or lane.watch.number != request["changed"]:
            _tell(code, found=False, reason="cancelled")
            return None
        return _slice(lane, request)
    except Exhausted:
        _tell(code, found=False, reason="limit")
        return None
    except (Refused, wire.BadInput):
        _tell(code, found=False, reason="cancelled")
        return None
    except redis.RedisError as error:
        log.warning("A search in %s ended: %s", code, error)
        return None


def _slice(lane: Lane, request: dict[str, Any]) -> dict[str, Any] | None:
    slice = Slice(SLICE_S, lane.watch.poll)
    at_us: int = request["at_us"]
    while at_us < request["to_us"]:
        if slice.over() or lane.watch.poll():
            return {**request, "at_us": at_us}
        cover = lane.cover(at_us)
        start, done = _where(lane, at_us, cover)
        stored = lane.produce(start, done, slice)
        if stored is None:
            return {**request, "at_us": at_us}
        if cover is None or cover.to_us <= at_us:
            lane.keep(stored)
        hit = find(wire.decode_chunk(stored.body), request["condition"], request["from_us"], lane)
        if hit is not None and hit[0] <= request["to_us"]:
            _found(lane, request, hit)
            return None
        at_us = max(stored.tile.t1_us, at_us + 1)
    _tell(lane.run.code, found=False, at_us=request["to_us"], reason="not within")
    return None


def _where(lane: Lane, at_us: int, cover: Any) -> tuple[int, int]:
    """The chunk to look at next: the one that begins here, a known one that covers here, or a new one."""
    if cover is None:
        return lane.start_of(at_us)
    for tile in reversed(lane.tiles):
        if tile.t0_us <= at_us < tile.t1_us:
            done = next((t.done for t in reversed(lane.tiles) if t.t1_us == tile.t0_us), None)
            return tile.t0_us, lane.recipe.before(tile.t0_us) if done is None else done
    return cover.to_us, cover.done


def _found(lane: Lane, request: dict[str, Any], hit: tuple[int, int]) -> None:
    at_us, event = hit
    if playheads.hold(run_id=lane.run.pk, sequence=request["sequence"], at_us=at_us, playing=False):
        dispatch.ask_now(lane.run.code)
        _tell(lane.run.code, found=True, at_us=at_us, event=event)
    else:
        _tell(lane.run.code, found=False, reason="cancelled")


def _tell(code: str, **fields: Any) -> None:
    """The answer, for everybody, once: a slice that was sent again may find the same."""
    if client().delete(search_key(code)):
        tell(code, _answer(**fields))


def _answer(**fields: Any) -> bytes:
    return wire.message("until_result", **{"at_us": None, "event": None, "reason": None, **fields})


@lru_cache(maxsize=64)
def _fields(systems: tuple[str, ...]) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Of these systems: the fields that show a role, the crowned roles, the fields that say what is
    committed.
    """
    descriptors = [SYSTEMS[name].descriptor for name in systems if name in SYSTEMS]
    roles = {field.name for d in descriptors for field in d.fields if field.kind == "role"}
    crowned = {role.name for d in descriptors for role in d.roles if role.crown}
    commits = {field.name for d in descriptors for field in d.fields if "commit" in field.name}
    return frozenset(roles), frozenset(crowned), frozenset(commits)


def find(chunk: dict[str, Any], condition: Any, after_us: int, lane: Lane) -> tuple[int, int] | None:
    """The first (time, event) of a chunk after a time that meets the condition."""
    if condition == "violation":
        hits = [
            (change[0], change[2].get("event") or 0)
            for change in chunk.get("checks", ())
            if change[0] > after_us and change[2]["verdict"] == "violated"
        ]
        return min(hits, default=None)
    names = _fields(experiments.parsed(lane.run.experiment.plain).systems())
    changed = Fields(chunk)
    for event in chunk["events"]:
        fields = changed.of(event)
        if event[1] > after_us and fields and _meets(event[3], fields, condition, names):
            return event[1], event[0]
    return None


def _meets(process: str, fields: dict[str, Any], condition: Any, names: tuple[frozenset[str], ...]) -> bool:
    """Whether what one event changed at a process is what was asked for."""
    roles, crowned, commits = names
    if condition == "election":
        return any(fields.get(name) in crowned for name in roles if name in fields)
    if condition == "commit":
        return any(name in fields for name in commits)
    if condition.get("process") not in (None, process) or condition["field"] not in fields:
        return False
    try:
        return bool(OPERATORS[condition["op"]](fields[condition["field"]], condition["value"]))
    except TypeError:
        return False


__all__ = ["Playhead", "begin", "check_condition", "find", "search"]
