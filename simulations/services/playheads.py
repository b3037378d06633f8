"""The shared playhead: moved by drivers, held by workers when they fall behind."""

from __future__ import annotations

import msgspec
from django.db import transaction

from simulations import limits, selectors, wire
from simulations.live.playhead import Playhead, server_ms
from simulations.models import Run
from simulations.services import commands
from simulations.services.positions import shown_us


def move(*, code: str, visitor: str, message: wire.MovePlayhead, now_ms: int | None = None) -> Playhead:
    """Play, pause, change speed, seek or switch the branch. The last accepted wins. BadInput says what is
    wrong.
    """
    now_ms = server_ms() if now_ms is None else now_ms
    if message.speed is not None and not limits.SPEED_MIN <= message.speed <= limits.SPEED_MAX:
        raise wire.BadInput("speed", "is out of range", [f"{limits.SPEED_MIN}..{limits.SPEED_MAX:g}"])
    with transaction.atomic():
        run = (
            Run.objects.select_for_update(of=("self",)).select_related("experiment").filter(code=code).first()
        )
        if run is None:
            raise wire.BadInput("run", "there is no such run", status=404)
        if selectors.role_of(run, visitor) == "viewer":
            raise wire.BadInput("role", "only the owner and controllers move the shared playhead", status=403)
        return _move(run, selectors.playhead_of(run), message, now_ms)


def _move(run: Run, head: Playhead, message: wire.MovePlayhead, now_ms: int) -> Playhead:
    number = head.branch if message.branch is None else message.branch
    branch = selectors.branch_of(run, number)
    if branch is None:
        raise wire.BadInput("branch", "there is no such branch")
    if message.to_us is not None and message.to_us > head.limit_us(run.stop_us):
        raise wire.BadInput("to_us", "is beyond the end", [f"0..{head.limit_us(run.stop_us)}"])
    here = shown_us(run, head, now_ms)
    left = branch if number == head.branch else selectors.branch_of(run, head.branch)
    if left is not None and here > left.played_us:
        left.played_us = here
        left.save(update_fields=["played_us"])
    changes: dict[str, object] = {"branch": number, "anchor_us": here}
    if message.play is not None:
        changes["playing"] = message.play
    if message.speed is not None:
        changes["speed"] = message.speed
    if message.to_us is not None:
        changes["anchor_us"] = message.to_us
        if message.to_us > branch.played_us:
            branch.played_us = message.to_us
            branch.save(update_fields=["played_us"])
    return _keep(run, head.moved(now_ms, run.stop_us, **changes), branch.revision)


def _keep(run: Run, head: Playhead, revision: int, ask: bool = True) -> Playhead:
    run.playhead = msgspec.to_builtins(head)
    run.save(update_fields=["playhead"])
    told = [wire.message("playhead", **commands.playhead_plain(head))]
    commands.announce(run, head, revision, told, branches_changed=False, ask=ask)
    return head


def hold(
    *, run_id: int, sequence: int, at_us: int, playing: bool | None = None, now_ms: int | None = None
) -> bool:
    """Put the playhead at a time, unless somebody moved it meanwhile: after a stall, or where a search
    ended.
    """
    now_ms = server_ms() if now_ms is None else now_ms
    with transaction.atomic():
        run = Run.objects.select_for_update(of=("self",)).select_related("experiment").get(pk=run_id)
        head = selectors.playhead_of(run)
        branch = selectors.branch_of(run, head.branch)
        if head.sequence != sequence or branch is None:
            return False
        if at_us > branch.played_us:
            branch.played_us = at_us
            branch.save(update_fields=["played_us"])
        changes: dict[str, object] = {"anchor_us": at_us}
        if playing is not None:
            changes["playing"] = playing
        _keep(run, head.moved(now_ms, run.stop_us, **changes), branch.revision, ask=False)
        return True
