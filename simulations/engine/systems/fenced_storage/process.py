"""A storage behind a lock. Kleppmann, "How to do distributed locking", 2016, "Making the lock safe with fencing".

Whoever writes names the number of the lock under which it writes. With ``check_token`` a write under an older lock than
one seen before is refused; without, the storage believes whoever comes last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from simulations.engine.checks.base import HOLDS, UNKNOWN, VIOLATED, Check, Verdict
from simulations.engine.meters import Scope
from simulations.engine.process import DiskImage, Note, Process, Request, put
from simulations.engine.storage_service import StoreReply, StoreWrite

if TYPE_CHECKING:
    from simulations.engine.world import World


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """``check_token``: refuse writes whose token is older than one seen before."""

    check_token: bool = True


Record = tuple[str, int, str]
"""A write: (key, token, writer)"""


@dataclass(slots=True)
class FencedStorage(Process):
    """``values``: key -> value; ``tokens``: key -> highest token seen; ``flushing``: writes by the number under which
    they go to the disk; ``stored``: those that came there last, and ``last``: how many did."""

    watched: ClassVar[tuple[str, ...]] = ("last", "refused")

    parameters: Parameters = field(default_factory=Parameters)

    # --- persistent ---
    values: dict[str, Any] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)

    # --- volatile ---
    role: str = "storage"
    flushing: dict[int, Record] = field(default_factory=dict)
    stored: tuple[Record, ...] = ()
    last: int = 0
    refused: int = 0

    def on_start(self, disk: DiskImage) -> None:
        self.values, self.tokens = dict(disk.cell("values", {})), dict(disk.cell("tokens", {}))

    def is_fenced(self, key: str, token: int) -> bool:
        """Whether a write comes too late: somebody with a newer lock has been here."""
        return self.parameters.check_token and token < self.tokens.get(key, 0)

    def store(self, key: str, value: Any, token: int, writer: str) -> bool:
        """Carry a write out, unless it is fenced off."""
        highest = self.tokens.get(key, 0)
        if self.is_fenced(key, token):
            self.refused += 1
            self.context.note("fenced_storage.fenced", writer=writer, token=token, highest=highest)
            return False
        self.values[key], self.tokens[key] = value, max(highest, token)
        write = self.context.persist(put("values", dict(self.values)), put("tokens", dict(self.tokens)))
        self.flushing[write] = (key, token, writer)
        self.context.note("fenced_storage.stored", writer=writer, value=value, token=token)
        return True

    def on_message(self, sender: str, message: Any) -> None:
        if isinstance(message, StoreWrite):
            stored = self.store(message.key, message.value, message.token, sender)
            self.context.send(sender, StoreReply(message.number, stored))

    def on_durable(self, write: int) -> None:
        """Now they are acknowledged: their answers waited for the disk. A crash before would have taken them."""
        done = [number for number in self.flushing if number <= write]
        self.stored = tuple(self.flushing.pop(number) for number in done)
        self.last += len(done)

    def on_request(self, request: Request) -> None:
        """A plain client: its token stands in its options, 0 without one."""
        if request.kind == "get":
            self.context.reply(request, "ok", self.values.get(request.key))
        elif request.kind == "put":
            token = int((request.options or {}).get("token", 0))
            done = self.store(request.key, request.argument, token, request.client)
            self.context.reply(request, "ok" if done else "fail", None if done else "Fenced")
        else:
            self.context.reply(request, "fail", "Unimplemented")


class ForgetsTokens(FencedStorage):
    """Broken: after a restart it does not know which tokens it has seen."""

    __slots__ = ()

    def on_start(self, disk: DiskImage) -> None:
        self.values, self.tokens = dict(disk.cell("values", {})), {}


NOTE_LOST = Note(
    "Kleppmann 2016",
    "{writer} overwrote {key} with token {token}, after a write with token {highest} had been acknowledged",
    "{writer} 以令牌 {token} 覆盖了 {key}，而令牌 {highest} 的写入早已得到确认",
    "check",
)


class NoOverwrittenAck(Check):
    """An acknowledged write is lost when the holder of an older lock overwrites it. ``newest``: process and key ->
    (token, time) of the write that was stored last; ``lost``: how many were overwritten so, ``lost_at``: when those
    had been acknowledged."""

    name: ClassVar[str] = "no_lost_ack"
    newest: dict[str, tuple[int, int]] = {}
    lost: int = 0
    lost_at: tuple[int, ...] = ()
    lost_ids: tuple[int, ...] = ()
    seen: dict[int, int] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if not isinstance(process, FencedStorage):
            return  # (other systems of the run have a check of this name too)
        for key, token, writer in process.stored if after[0] > before[0] else ():
            self.judged += 1
            named = f"{process.id} {key}"
            highest, stored_us = self.newest.get(named, (0, at_us))
            if token < highest:
                self.lost += 1
                self.lost_at = (*self.lost_at, stored_us)
                self.violate(
                    at_us,
                    event,
                    "fenced_storage.overwritten",
                    writer=writer,
                    key=key,
                    token=token,
                    highest=highest,
                )
            self.newest[named] = (token, at_us)

    def look(self, at_us: int, event: int, running: Mapping[int, Process]) -> None:
        """Nothing more to look at: every write was seen."""

    def verdict(self) -> Verdict:
        if self.violation is not None:
            return msgspec.structs.replace(self.violation, verdict=VIOLATED)
        return Verdict(self.name, HOLDS if self.judged else UNKNOWN, self.judged)


class Fenced(Check):
    """Writes that were refused: process -> how many, over all its lives."""

    name: ClassVar[str] = "fenced_storage_refusals"
    refused: int = 0

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        self.refused += after[1] - before[1]


def writes_fenced_off(world: World, scope: Scope) -> int:
    """Writes that the storage refused because of their token."""
    meter = world.observer.checks[Fenced.name]
    assert isinstance(meter, Fenced)
    return meter.refused


METERS: dict[str, type[Check]] = {Fenced.name: Fenced}
METRICS: dict[str, Callable[[Any, Any], Any]] = {"writes_fenced_off": writes_fenced_off}
