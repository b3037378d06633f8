"""Getting back: noticing that a site is lost, taking over, and restoring from backups."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulations.engine.systems.disaster_recovery.leading import (
    DELAYED,
    EMPTY,
    HANDING_OVER,
    PRIMARY,
    RESTORING,
    SECOND,
    SERVING,
    STANDBY,
    STARTING,
    VALIDATING,
    Leading,
)
from simulations.engine.systems.disaster_recovery.messages import (
    Entry,
    HandOver,
    RestorePart,
    RestoreRequest,
    Salvage,
    Salvaged,
)

GETTING_READY = (STARTING, RESTORING, VALIDATING)
STEPS = ("started", "provisioned", "part", "validated")
"""Timers of a site that gets ready."""
DISCARDING = ("restore", "delayed copy")
"""Ways to take over that are meant to throw writes away."""
PART_PATIENCE_US = 3 * SECOND
"""How long after it should be there a missing part of a restore is asked for again."""


@dataclass(slots=True)
class Recovering(Leading):
    """``plan``: what the restore under way wants: (to_us, rate_mb_s); ``parts``: what has arrived of it, and
    ``part_of``: how much of the archive they are taken from; ``discards``: whether it leads with data that somebody
    chose, so that nothing is salvaged."""

    plan: tuple[int, float] = (-1, 0.0)
    parts: list[tuple[Entry, ...]] = field(default_factory=list)
    part_of: int = -1
    discards: bool = False
    getting_ready_for: str = ""
    salvaged: dict[str, int] = field(default_factory=dict)

    # -- a site is lost -------------------------------------------------------------------------------------------

    def listen(self) -> None:
        """Wait for the next sign of life. With several recovery sites the later ones wait longer."""
        if self.is_recovery() and self.parameters.tier not in ("none", "active_active"):
            rank = 1 + self.recovery.index(self.id)
            self.context.set_timer("silence", round(self.parameters.detect_s * SECOND) * rank)

    def on_silence(self) -> None:
        """No sign of life for detect_s: a dead site and a cut line look the same from here."""
        if self.role == HANDING_OVER:
            self.serve("handover unanswered")
        elif self.role == STANDBY:
            self.context.note("disaster_recovery.disaster", tier=self.parameters.tier, lost=self.primary)
            self.primary = ""
            self.take_over()

    def take_over(self) -> None:
        """What a tier has to do before it can serve."""
        parameters = self.parameters
        self.getting_ready_for = "failover"
        if parameters.tier == "backup_and_restore":
            self.begin_restore(-1, parameters.restore_mb_s, "failover")
            return
        wait_s = parameters.start_s if parameters.tier == "pilot_light" else parameters.scale_up_s
        self.set_role(STARTING)
        self.context.set_timer("started", round(wait_s * SECOND))

    def serve(self, cause: str) -> None:
        """Accept writes in an epoch of its own: nobody else can hold it."""
        self.lead(self.next_epoch(), cause, self.heads())

    def next_epoch(self) -> int:
        return self.epoch_of(self.id, max(self.epoch, self.fenced))

    def stop_getting_ready(self) -> None:
        """Whatever was to happen next does not happen any more."""
        for timer in STEPS:
            self.context.cancel_timer(timer)

    def false_alarm(self) -> None:
        """The lost site spoke again before the takeover was complete."""
        self.context.note("disaster_recovery.false_alarm", by=self.primary)
        self.stop_getting_ready()
        self.set_role(STANDBY)

    def on_hand_over(self, sender: str, message: HandOver) -> None:
        """Failback: lead when everything is here."""
        late = message.epoch <= max(self.epoch, self.fenced)
        if self.role in SERVING or late or not self.holds(message):
            return
        self.lead(message.epoch, "handover", message.heads)

    def holds(self, message: HandOver) -> bool:
        """Failback must lose nothing: the new primary looks for itself."""
        return all(self.head(origin) >= number for origin, number in message.heads)

    def on_salvage(self, sender: str, message: Salvage) -> None:
        """Take in what the lost site had not shipped; a key that was written since keeps its later value. Not after a
        restore: that was meant to throw them away."""
        if self.role != PRIMARY or message.epoch != self.epoch:
            return  # (It asks again, whoever leads then.)
        if not self.discards:
            self.salvage(sender, message)
        self.context.send(sender, Salvaged(self.epoch))

    def salvage(self, sender: str, message: Salvage) -> None:
        late = taken = 0
        for entry in message.entries:
            if entry.kind != "put" or entry.number <= self.salvaged.get(
                entry.origin, self.head(entry.origin)
            ):
                continue
            self.salvaged[entry.origin] = entry.number
            current = self.data.get(entry.key)
            newer = current is not None and current.epoch > entry.epoch
            self.append_entry("overwritten" if newer else "put", entry.key, entry.value, entry.operation)
            taken, late = taken + 1, late + newer
        self.context.note("disaster_recovery.salvages", entries=taken, by=sender, late=late)

    # -- restoring ------------------------------------------------------------------------------------------------

    def begin_restore(self, to_us: int, rate_mb_s: float, cause: str) -> None:
        """Machines first; then the data; then somebody looks whether it is right."""
        if not self.vaults:
            self.context.note("disaster_recovery.no_store")
            return
        self.stop_serving(STARTING)
        self.stop_getting_ready()
        self.primary = ""
        self.getting_ready_for = cause
        self.plan, self.parts, self.part_of = (to_us, rate_mb_s), [], -1
        provision_s = 0 if self.parameters.point_in_time else self.parameters.provision_s
        self.context.note("disaster_recovery.provisions", seconds=provision_s)
        self.context.set_timer("provisioned", round(provision_s * SECOND))

    def ask_for_parts(self) -> None:
        """Ask the store for the next part; again when it does not come."""
        self.set_role(RESTORING)
        to_us, rate_mb_s = self.plan
        self.context.send(self.vaults[0], RestoreRequest(to_us, rate_mb_s, len(self.parts), self.part_of))
        whole_us = round(self.parameters.data_mb / rate_mb_s * SECOND)
        self.context.set_timer("part", whole_us // 4 + PART_PATIENCE_US)

    def on_restore_part(self, sender: str, message: RestorePart) -> None:
        if self.role != RESTORING or message.part != len(self.parts) or not self.fits(message):
            return
        self.parts.append(message.entries)
        self.part_of, self.fenced = message.last, max(self.fenced, message.epoch)
        if len(self.parts) < message.parts:
            whole_us = round(self.parameters.data_mb / self.plan[1] * SECOND)
            self.context.set_timer("part", whole_us // message.parts + PART_PATIENCE_US)
            return
        self.context.cancel_timer("part")
        self.set_role(VALIDATING)
        self.context.note("disaster_recovery.validates", seconds=self.parameters.validate_s)
        self.context.set_timer("validated", round(self.parameters.validate_s * SECOND))

    def fits(self, message: RestorePart) -> bool:
        """Whether a part is of this restore and not of one before it, and continues the parts that are here."""
        return message.to_us == self.plan[0] and self.part_of in (-1, message.last)

    def finish_restore(self) -> None:
        """The restored data is what there is: a new epoch begins with it."""
        entries = [entry for part in self.parts for entry in part]
        self.replace(entries)
        self.parts = []
        self.restores += 1
        self.context.note("disaster_recovery.restored", entries=len(entries))
        self.serve(self.getting_ready_for)
        self.context.persist(("put", "formatted", True))

    # -- a copy that lags on purpose ---------------------------------------------------------------------------------

    def recover_from_delayed(self) -> None:
        """The delayed copy has not carried the mistake out yet: skip it, do the rest, and lead on from here."""
        if self.role != DELAYED:
            self.context.note("disaster_recovery.not_delayed")
            return
        late = self.context.now - round(self.parameters.delayed_replica_s * SECOND)
        base = dict(self.heads())
        kept = []
        for entry in self.log:
            if entry.kind == "delete_all" and entry.at_us > late:
                base[entry.origin] = min(base[entry.origin], entry.number - 1)
                entry = Entry(*[*entry_fields(entry)[:4], "skipped", *entry_fields(entry)[5:]])
            kept.append(entry)
        self.context.note("disaster_recovery.skips", entries=len(self.log) - self.applied_by(late))
        self.replace(kept)
        self.restores += 1
        self.lead(self.next_epoch(), "delayed copy", tuple(base.items()))

    def applied_by(self, at_us: int) -> int:
        """How many entries of the log were written by then."""
        return sum(1 for entry in self.log if entry.at_us <= at_us)

    # -- operators ------------------------------------------------------------------------------------------------

    def on_operator(self, action: str, arguments: dict[str, Any]) -> None:
        """promote, backup, restore_backup, warning; commands: failback, recover_from_delayed."""
        if action == "restore_backup":
            to_s, rate = arguments.get("to_s"), arguments.get("rate_mb_s", self.parameters.restore_mb_s)
            self.begin_restore(-1 if to_s is None else round(to_s * SECOND), float(rate), "restore")
        elif action == "promote":
            if self.role not in SERVING and self.role != EMPTY:
                self.serve("promoted")
        elif action == "backup":
            if self.backs_up():
                self.back_up()
        elif action == "warning":
            self.on_warning(float(arguments.get("warning_s", 0)))
        elif arguments.get("name") == "failback":
            self.begin_failback()
        elif arguments.get("name") == "recover_from_delayed":
            self.recover_from_delayed()

    def on_warning(self, warning_s: float) -> None:
        """A disaster is announced: use the time. A backup now; a standby that runs leads before the loss. Nobody goes
        back before it is over."""
        self.context.note("disaster_recovery.warned")
        self.stay_until = self.context.now + round((warning_s + self.parameters.detect_s) * SECOND)
        if self.backs_up():
            self.back_up()
        ready = [one for one in self.recovery if one in self.known and self.nearly(one)]
        if self.role == PRIMARY and self.parameters.tier == "warm_standby" and ready:
            self.begin_handover(ready[0])


def entry_fields(entry: Entry) -> tuple[Any, ...]:
    return tuple(getattr(entry, name) for name in entry.__struct_fields__)
