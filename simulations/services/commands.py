"""Commands: stamped with virtual time, logged once, put on the right branch.

Acceptance order is the order of the log; a command is rebased, not refused, when somebody else was first.
Whether it makes sense at its time only the worker can tell: it may still answer `refused` for the same key.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec
import redis
from django.db import transaction

from simulations import limits, selectors, wire
from simulations.live import lease
from simulations.live.playhead import Playhead, server_ms
from simulations.live.publish import publish_message, tell
from simulations.live.recipe import LoggedCommand
from simulations.live.valkey import client
from simulations.models import Branch, Command, Run
from simulations.services import dispatch, experiments, runs
from simulations.services.positions import shown_us

SLACK_US = 2_000_000
"""A stamp this far (on the wall, at the run's speed) beyond the lead still counts as now; later ones are
scheduled.
"""


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the sender is told: `type` accepted or refused (docs/protocol.md)."""

    type: str
    key: str
    branch: int = -1
    seq: int = 0
    at_us: int = -1
    revision: int = 0
    do: dict[str, Any] | None = None
    by: str = ""
    reason: str = ""
    text: dict[str, str] | None = None
    allowed: list[str] | None = None
    offer: str | None = None
    scheduled: bool = False


REFUSALS = {
    "viewer": ("You are watching. Fork to get a run of your own.", "您在观看。复刻即可得到属于自己的运行。"),
    "past": ("That moment is over here. Fork to change it.", "这一时刻已经过去。复刻后即可改变它。"),
    "beyond_stop": ("That is after the end of the experiment.", "这已超出实验的结束时间。"),
    "beyond_gate": ("The run waits at a gate before that moment.", "运行停在此时刻之前的关卡处。"),
    "too_many": ("This branch has as many commands as it can hold.", "该分支的命令数量已达上限。"),
    "too_many_branches": ("This run has as many branches as it can hold.", "该运行的分支数量已达上限。"),
    "nothing": ("There is no command to undo.", "没有可以撤销的命令。"),
    "no_branch": ("There is no such branch.", "没有这个分支。"),
}


def refusal(key: str, reason: str, offer: str | None = None, allowed: list[str] | None = None) -> Answer:
    """A refusal with its reason in both languages."""
    en, zh = REFUSALS[reason]
    return Answer("refused", key, reason=reason, text={"en": en, "zh": zh}, offer=offer, allowed=allowed)


def give_command(*, code: str, visitor: str, message: wire.GiveCommand, now_ms: int | None = None) -> Answer:
    """Log a command of a driver. Sending the same key again gives the same answer and does nothing.

    BadInput when the command itself is malformed; `refused` when it cannot be done.
    """
    now_ms = server_ms() if now_ms is None else now_ms
    with transaction.atomic():
        run = locked(code)
        known = Command.objects.filter(run=run, key=message.key).select_related("branch").first()
        if known is not None:
            return answer_of(known)
        if selectors.role_of(run, visitor) == "viewer":
            return refusal(message.key, "viewer", offer="fork")
        do = experiments.check_command(run.experiment, message.do)
        stamped = _stamp(run, selectors.playhead_of(run), message, now_ms)
        if isinstance(stamped, Answer):
            return stamped
        return _log(run, visitor, message.key, do, stamped, now_ms)


def locked(code: str) -> Run:
    """The run of this code, for the rest of the transaction. BadInput when there is none."""
    run = Run.objects.select_for_update(of=("self",)).select_related("experiment").filter(code=code).first()
    if run is None:
        raise wire.BadInput("run", "there is no such run", status=404)
    return run


def _stamp(run: Run, head: Playhead, message: wire.GiveCommand, now_ms: int) -> int | Answer:
    """The virtual time at which it takes effect."""
    here = shown_us(run, head, now_ms)
    lead = head.command_lead_us()
    if message.at_us > run.stop_us:
        return refusal(message.key, "beyond_stop")
    if head.gate_us is not None and message.at_us > head.gate_us:
        return refusal(message.key, "beyond_gate")
    if message.branch != head.branch or message.at_us < here - max(lead, _grace_us(head)):
        return refusal(message.key, "past", offer="fork")
    if not head.playing and abs(message.at_us - here) <= _grace_us(head):
        return here
    soonest = min(here + lead, head.limit_us(run.stop_us))
    # Where frames end viewers stop, but their playhead goes on: a stamp up to there means what they see.
    if message.at_us <= head.at(now_ms, run.stop_us) + lead:
        return soonest
    return max(message.at_us, soonest)


def _grace_us(head: Playhead) -> int:
    """How far a sender's clock may be off: a second on the wall."""
    return max(1, int(1_000_000 * head.speed))


def _log(run: Run, visitor: str, key: str, do: dict[str, Any], at_us: int, now_ms: int) -> Answer:
    head = selectors.playhead_of(run)
    branch = run.branches.get(number=head.branch)
    here = shown_us(run, head, now_ms)
    if branch.commands.count() >= limits.COMMANDS_PER_BRANCH_MAX:
        return refusal(key, "too_many")
    branches_changed = at_us < branch.played_us and here < branch.played_us
    if branches_changed:
        if run.branches.count() >= limits.BRANCHES_PER_RUN_MAX:
            return refusal(key, "too_many_branches")
        branch = _fork(run, branch, at_us, here)
        head = head.moved(now_ms, run.stop_us, branch=branch.number, anchor_us=here)
    else:
        branch.played_us = max(branch.played_us, here)
    branch.revision += 1
    branch.save(update_fields=["revision", "played_us"])
    seq = (branch.commands.order_by("-seq").values_list("seq", flat=True).first() or 0) + 1
    command = Command.objects.create(run=run, branch=branch, seq=seq, at_us=at_us, do=do, by=visitor, key=key)
    run.playhead = msgspec.to_builtins(head)
    run.save(update_fields=["playhead"])
    scheduled = at_us > here + head.command_lead_us() + int(SLACK_US * head.speed)
    answer = msgspec.structs.replace(answer_of(command), scheduled=scheduled)
    announce(run, head, branch.revision, [wire.encode_json(answer)], branches_changed)
    return answer


def _fork(run: Run, parent: Branch, at_us: int, here_us: int) -> Branch:
    """A new branch that shares what happened up to this time."""
    number = run.branches.count()
    branch = Branch.objects.create(
        run=run,
        number=number,
        parent=parent.number,
        fork_us=at_us,
        revision=0,
        played_us=here_us,
        experiment=parent.experiment,
    )
    kept = [command for command in selectors.commands_of(parent) if command.at_us <= at_us]
    runs.copy_commands(kept, run, branch)
    return branch


def answer_of(command: Command) -> Answer:
    """What the sender of this command was, or would have been, told."""
    if command.refused:
        text = {"en": command.refused["en"], "zh": command.refused["zh"]}
        return Answer("refused", command.key, reason=command.refused["reason"], text=text)
    return Answer(
        "accepted",
        command.key,
        branch=command.branch.number,
        seq=command.seq,
        at_us=command.at_us,
        revision=command.branch.revision,
        do=command.do,
        by=command.by,
    )


def undo(*, code: str, visitor: str, key: str, now_ms: int | None = None) -> Answer:
    """Drop the last command given on the shared branch: a new branch without it, from the moment it took
    effect.
    """
    now_ms = server_ms() if now_ms is None else now_ms
    with transaction.atomic():
        run = locked(code)
        again = run.branches.filter(key=key).first()
        if again is not None:
            return Answer("accepted", key, branch=again.number, at_us=again.fork_us, revision=again.revision)
        if selectors.role_of(run, visitor) == "viewer":
            return refusal(key, "viewer", offer="fork")
        head = selectors.playhead_of(run)
        line = run.branches.get(number=head.branch)
        commands = selectors.commands_of(line)
        if not commands:
            return refusal(key, "nothing")
        if run.branches.count() >= limits.BRANCHES_PER_RUN_MAX:
            return refusal(key, "too_many_branches")
        return _undo_last(run, head, line, commands, key, now_ms)


def _undo_last(
    run: Run, head: Playhead, line: Branch, commands: list[LoggedCommand], key: str, now_ms: int
) -> Answer:
    last = commands[-1]
    here = shown_us(run, head, now_ms)
    line.played_us = max(line.played_us, here)
    line.save(update_fields=["played_us"])
    back_us = min(here, last.at_us)
    branch = Branch.objects.create(
        run=run,
        number=run.branches.count(),
        parent=line.number,
        fork_us=last.at_us,
        revision=1,
        played_us=back_us,
        key=key,
        experiment=line.experiment,
    )
    runs.copy_commands(commands[:-1], run, branch)
    head = head.moved(now_ms, run.stop_us, branch=branch.number, anchor_us=back_us)
    run.playhead = msgspec.to_builtins(head)
    run.save(update_fields=["playhead"])
    answer = Answer("accepted", key, branch=branch.number, at_us=last.at_us, revision=1)
    announce(run, head, branch.revision, [wire.encode_json(answer)], branches_changed=True)
    return answer


def refuse(*, run_id: int, branch_number: int, seq: int, reason: str, text: dict[str, str]) -> None:
    """The worker found that a logged command makes no sense at its time: it takes no part any more."""
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=run_id)
        branch = run.branches.get(number=branch_number)
        command = branch.commands.filter(seq=seq, refused__isnull=True).select_related("branch").first()
        if command is None:
            return
        command.refused = {"reason": reason, **text}
        command.save(update_fields=["refused"])
        branch.revision += 1
        branch.save(update_fields=["revision"])
        if command.key:
            told = wire.encode_json(answer_of(command))
            transaction.on_commit(lambda: tell(run.code, told))
        announce(run, selectors.playhead_of(run), branch.revision, [], branches_changed=True, ask=False)


def announce(
    run: Run, head: Playhead, revision: int, messages: list[bytes], branches_changed: bool, ask: bool = True
) -> None:
    """After the commit: tell viewers, then workers. Lost messages are healed by heartbeats."""
    transaction.on_commit(lambda: _announce(run, head, revision, messages, branches_changed, ask))


def _announce(
    run: Run, head: Playhead, revision: int, messages: list[bytes], branches_changed: bool, ask: bool
) -> None:
    for item in messages:  # first: whoever watches hears what changed before a worker shows what it did
        publish_message(run.code, item)
    if branches_changed:
        publish_message(run.code, wire.message("branches", branches=selectors.branches_plain(run)))
        publish_message(run.code, wire.message("playhead", **playhead_plain(head)))
    with suppress(redis.RedisError):  # the row is the truth; web processes read it when Valkey is back
        lease.note_change(run.code, head, revision, run.stop_us)
        client().delete(f"preload:{run.code}")  # what was preloaded is another future's
    if ask:
        dispatch.ask_now(run.code)


def playhead_plain(head: Playhead) -> dict[str, Any]:
    """A playhead for a message of the server."""
    return {"playhead": msgspec.to_builtins(head), "server_ms": server_ms()}
