"""Socket messages by HTTP, and polling: for pages behind a proxy that lets no socket through."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec
import redis
from django.db import DatabaseError

from simulations import selectors, wire
from simulations.live import lease
from simulations.live.playhead import server_ms
from simulations.live.publish import told_since
from simulations.live.valkey import client
from simulations.models import Run
from simulations.services import commands, dispatch, playheads, searches, states


def handle(*, code: str, visitor: str, message: wire.AnyMessage) -> list[dict[str, Any]]:
    """What the server would have answered over a socket."""
    if isinstance(message, wire.GiveCommand):
        return [wire.to_plain(commands.give_command(code=code, visitor=visitor, message=message))]
    if isinstance(message, wire.Undo):
        return [wire.to_plain(commands.undo(code=code, visitor=visitor, key=message.key))]
    if isinstance(message, wire.MovePlayhead):
        head = playheads.move(code=code, visitor=visitor, message=message)
        return [{"type": "playhead", **states.playhead_message(head)}]
    if isinstance(message, wire.Until):
        searches.begin(code=code, visitor=visitor, condition=message.condition)
        return []
    if isinstance(message, wire.Ping):
        return [{"type": "pong", "n": message.n, "client_ms": message.client_ms, "server_ms": server_ms()}]
    raise wire.BadInput("type", "needs a socket", ["command", "undo", "playhead", "until", "ping"])


class _Look(msgspec.Struct, frozen=True):
    """What Valkey knows of a run that is not in its row; the defaults when it does not answer."""

    live: lease.Live | None = None
    machine: lease.Machine = lease.Machine(reachable=False)
    present: tuple[int, list[dict[str, str]]] = (1, [])
    told: list[bytes] = []
    after: str = ""
    searching: bool | None = None


def poll(run: Run, visitor: str, after: str = "") -> dict[str, Any]:
    """RunState, with how far the shared branch is simulated and what everybody was told `after` an earlier
    poll. Who polls is present; a worker is asked to go on when what is simulated runs short.
    """
    head = selectors.playhead_of(run)
    now_ms = server_ms()
    here = head.at(now_ms, run.stop_us)
    look = _Look(after=after)
    with suppress(redis.RedisError):
        look = _look(run.code, visitor, after)
    live = look.live or states.revive(run.code)
    head_us = live.head_us if live is not None and live.head_branch == head.branch else 0
    if head_us < head.ahead_us(here, run.stop_us, 0.8):
        dispatch.ask(run.code, (now_ms - head.anchor_ms) / 1000 if head_us < here else 0.0)
    viewers, drivers = look.present
    state = states.run_state(run, visitor, viewers)
    if live is not None and head.playing:
        _note_shown(run, live, state["branches"])
    return {
        **state,
        "head_us": head_us,
        "drivers": drivers,
        "waiting": states.waiting_for(run.code, look.machine) if head_us < here else None,
        "messages": [msgspec.Raw(message) for message in look.told],
        "after": look.after,
        "searching": look.searching,
    }


def _look(code: str, visitor: str, after: str) -> _Look:
    with client().pipeline(transaction=False) as pipe:
        lease.note_poller(pipe, code, visitor)
        pipe.hgetall(f"live:{code}")
        pipe.get(searches.search_key(code))
        lease.ask_present(pipe, code)
        lease.ask_machine(pipe)
        fields, search, *rest = pipe.execute()[3:]
    if search is not None:
        searches.go_on(code, search)
    told, after = told_since(code, after)
    present, machine = rest[: lease.PRESENT_ANSWERS], rest[lease.PRESENT_ANSWERS :]
    return _Look(
        lease.read_live(fields),
        lease.read_machine(machine),
        lease.read_present(present),
        told,
        after,
        searching=search is not None,
    )


def _note_shown(run: Run, live: lease.Live, branches: list[dict[str, Any]]) -> None:
    head = live.playhead
    played_us = next((line["played_us"] for line in branches if line["id"] == head.branch), 0)
    if live.shown_us(server_ms()) - played_us > states.NOTED_EVERY_S * 1_000_000 * head.speed:
        with suppress(DatabaseError):  # the next poll will do
            states.note_shown(run.code, live)


def preload(*, code: str, visitor: str) -> dict[str, Any]:
    """Start computing the shared branch to its end, or say how far that is: `{share: 0..1}`."""
    run = selectors.find_run(code)
    if run is None:
        raise wire.BadInput("run", "there is no such run", status=404)
    if selectors.role_of(run, visitor) == "viewer":
        raise wire.BadInput("role", "only the owner and controllers preload", status=403)
    try:
        share = client().get(f"preload:{code}")
        # Unfinished work that nobody went on with for a while is begun again; what is there is kept.
        if share is None or (
            float(share) < 1 and client().ttl(f"preload:{code}") < states.PRELOAD_KEPT_S - 30
        ):
            Run.objects.filter(pk=run.pk).update(pinned=True)
            states.preload(code)
        return {"share": float(share or 0)}
    except redis.RedisError as error:
        raise wire.BadInput("preload", "the server's memory does not answer", status=503) from error
