"""Socket messages by HTTP, and polling: for pages behind a proxy that lets no socket through."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import redis

from simulations import selectors, wire
from simulations.live import lease
from simulations.live.playhead import server_ms
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


def poll(run: Run, visitor: str) -> dict[str, Any]:
    """RunState, with how far the shared branch is simulated; a worker is asked to go on when that runs
    short.
    """
    head = selectors.playhead_of(run)
    here = head.at(server_ms(), run.stop_us)
    live, machine = None, lease.Machine(reachable=False)
    with suppress(redis.RedisError), client().pipeline(transaction=False) as pipe:
        pipe.hgetall(f"live:{run.code}")
        lease.ask_machine(pipe)
        fields, *told = pipe.execute()
        live, machine = lease.read_live(fields), lease.read_machine(told)
    if live is None:
        live = states.revive(run.code)
    short = (
        live is None
        or live.head_branch != head.branch
        or live.head_us < head.ahead_us(here, run.stop_us, 0.8)
    )
    if short:
        dispatch.ask(run.code)
    state = states.run_state(run, visitor)
    if live is not None and head.playing:
        _note_shown(run, live, state["branches"])
    return {
        **state,
        "head_us": live.head_us if live else 0,
        "waiting": states.waiting_for(run.code, machine)
        if live is None or (short and live.head_us < here)
        else None,
    }


def _note_shown(run: Run, live: lease.Live, branches: list[dict[str, Any]]) -> None:
    head = live.playhead
    played_us = next((line["played_us"] for line in branches if line["id"] == head.branch), 0)
    if live.shown_us(server_ms()) - played_us > states.NOTED_EVERY_S * 1_000_000 * head.speed:
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
