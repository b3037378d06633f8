"""A single manager, as MHA runs it: one observer that pings the primary and replaces it.

MHA documentation: the manager checks the primary every few seconds, and after several failures picks the most advanced
replica, promotes it, points the others at it, and exits. Nobody watches the manager, and nobody checks its judgement.

Simplified: differential relay logs are not applied (the replica with the longest log leads with what it has).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec

from simulations.engine.failover import Coordinator, FenceDone, FenceOrder, Promote, Report
from simulations.engine.process import DiskImage, Request, put

DATABASES = "primary_replica"
WATCHING, ASKING, FENCING, FAILING_OVER, DONE = "watching", "asking", "fencing", "failing_over", "done"


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """``detect_ms``: silence of the primary that counts; ``ping_ms``: how often it is asked; ``survey_ms``: how long
    the replicas have to say what they hold; ``fencing``: have the old primary switched off first, where there is a
    fence device; ``exits``: one failover, then it stops. ValueError names the field that is out of range."""

    detect_ms: float = 3000
    ping_ms: float = 1000
    survey_ms: float = 500
    fencing: bool = False
    exits: bool = True

    def __post_init__(self) -> None:
        for name in ("detect_ms", "ping_ms", "survey_ms"):
            if not 1 <= getattr(self, name) <= 600_000:
                raise ValueError(f"{name}: a number from 1 to 600000")


@dataclass(slots=True)
class Manager(Coordinator):
    """The one manager. ``fences``: fence devices it may use; ``issued``: the last epoch it gave to anybody."""

    watched: ClassVar[tuple[str, ...]] = ("role", "epoch", "primary")

    parameters: Parameters = field(default_factory=Parameters)
    role: str = WATCHING
    fences: tuple[str, ...] = ()
    candidate: str = ""
    issued: int = 0

    # -- rules ----------------------------------------------------------------------------------------------------

    def finds_down(self) -> bool:
        """One observer, one link: silence is taken for death."""
        return bool(self.primary) and self.silent_us(self.primary) >= self.us(self.parameters.detect_ms)

    # -- handlers -------------------------------------------------------------------------------------------------

    def us(self, milliseconds: float) -> int:
        return round(milliseconds * 1000)

    def note(self, id: str, **values: Any) -> None:
        self.context.note(f"manager.{id}", **values)

    def on_start(self, disk: DiskImage) -> None:
        self.fences = self.directory.get(f"{DATABASES}/fence", ())
        beside = (*self.fences, *self.directory.get(f"{DATABASES}/shared_disk", ()))
        self.databases = tuple(one for one in self.directory.get(DATABASES, ()) if one not in beside)
        self.issued = disk.cell("issued", 0)
        self.ask(self.databases)
        self.context.set_timer("ping", self.us(self.parameters.ping_ms))

    def on_request(self, request: Request) -> None:
        """It holds no data."""
        self.context.reply(request, "fail")

    def on_timer(self, name: str) -> None:
        getattr(self, f"on_{name}_timer")()

    def on_ping_timer(self) -> None:
        if self.role == DONE:
            return
        self.context.set_timer("ping", self.us(self.parameters.ping_ms))
        if self.role != WATCHING:
            return
        if self.finds_down():
            self.role = ASKING
            self.note("down", primary=self.primary)
            self.ask(tuple(one for one in self.databases if one != self.primary))
            self.context.set_timer("survey", self.us(self.parameters.survey_ms))
        else:
            self.ask((self.primary,) if self.primary else self.databases)

    def on_message(self, sender: str, message: Any) -> None:
        if isinstance(message, Report):
            self.on_report(sender, message)
        elif isinstance(message, FenceDone) and self.role == FENCING:
            self.note("fenced", target=message.target)
            self.promote()

    def on_report(self, sender: str, report: Report) -> None:
        known = self.epoch
        self.remember(sender, report)
        if self.role == FAILING_OVER and self.epoch > known:
            self.finish()
        elif self.role == WATCHING:
            self.put_right(sender, report)

    def on_survey_timer(self) -> None:
        """The replicas have said what they hold: shoot the old primary, if that is wanted, and promote the best."""
        if self.role != ASKING:
            return
        if self.parameters.fencing and self.fences:
            self.role = FENCING
            for fence in self.fences:
                self.context.send(fence, FenceOrder(self.primary))
            self.context.set_timer("fence", self.us(self.parameters.detect_ms))
        else:
            self.promote()

    def on_fence_timer(self) -> None:
        """No confirmation: nobody is promoted; ask again."""
        if self.role == FENCING:
            self.role = ASKING
            self.on_survey_timer()

    def promote(self) -> None:
        candidates = self.candidates(self.us(self.parameters.survey_ms + self.parameters.ping_ms))
        if not candidates:
            self.note("nobody_to_promote", primary=self.primary)
            self.role = WATCHING
            return
        self.role, self.candidate = FAILING_OVER, candidates[0]
        position = self.reports[self.candidate].position
        # No epoch is given twice: the first to whom it was given may have obeyed unheard.
        self.issued = max(self.issued, self.epoch) + 1
        self.context.persist(put("issued", self.issued))
        self.note("promotes", replica=self.candidate, epoch=self.issued, position=position)
        self.context.send(self.candidate, Promote(self.issued))
        self.context.set_timer("promotion", self.us(self.parameters.detect_ms))

    def on_promotion_timer(self) -> None:
        """The promoted replica did not report: look again."""
        if self.role == FAILING_OVER:
            self.role = WATCHING

    def finish(self) -> None:
        """The new primary reported: point the others at it, and go."""
        self.note("finished", primary=self.primary, epoch=self.epoch)
        self.context.cancel_timer("promotion")
        for database in self.databases:
            if database in self.reports:
                self.put_right(database, self.reports[database])
        self.role = DONE if self.parameters.exits else WATCHING
