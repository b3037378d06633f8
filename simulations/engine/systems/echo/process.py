"""Echo with retries: the smallest system, which shows the whole contract.

A server that gets a client's request asks its next peer to say the text back, again and again until the answer comes,
and only then answers the client. It counts what it relayed on its disk.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import msgspec

from simulations.engine.process import DiskImage, Process, Request, put
from simulations.engine.systems.echo.messages import Answer, Ask


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """``retry_ms``: pause before an unanswered question is asked again."""

    retry_ms: float = 50


@dataclass
class Echo(Process):
    """One echo server."""

    watched: ClassVar[tuple[str, ...]] = ("role", "relayed")

    parameters: Parameters = field(default_factory=Parameters)

    # --- persistent ---
    relayed: int = 0

    # --- volatile ---
    role: str = "idle"
    restored: int = 0
    asked: int = 0
    waiting: dict[int, Request] = field(default_factory=dict)

    # --- rules ---

    def partner(self) -> str:
        """The next server of the ring; a lone one is its own partner."""
        ring = sorted((*self.peers, self.id))
        return ring[(ring.index(self.id) + 1) % len(ring)]

    def accepts(self, number: int) -> bool:
        """An answer counts once: only while its question waits."""
        return number in self.waiting

    def ask(self, number: int) -> None:
        self.context.send(self.partner(), Ask(number, str(self.waiting[number].argument)))
        self.context.set_timer(f"retry:{number}", round(self.parameters.retry_ms * 1000))

    # --- handlers ---

    def on_start(self, disk: DiskImage) -> None:
        self.relayed = self.restored = disk.cell("relayed", 0)

    def on_request(self, request: Request) -> None:
        self.asked += 1
        self.role = "waiting"
        self.waiting[self.asked] = request
        self.context.note("echo.asked", to=self.partner())
        self.ask(self.asked)

    def on_timer(self, name: str) -> None:
        number = int(name.partition(":")[2])
        self.context.note("echo.asked_again", to=self.partner())
        self.ask(number)

    def on_message(self, sender: str, message: Ask | Answer) -> None:
        if isinstance(message, Ask):
            self.context.send(sender, Answer(message.number, message.text))
        elif self.accepts(message.number):
            self.finish(message)

    def finish(self, answer: Answer) -> None:
        request = self.waiting.pop(answer.number)
        self.context.cancel_timer(f"retry:{answer.number}")
        self.role = "waiting" if self.waiting else "idle"
        self.relayed += 1
        self.context.persist(put("relayed", self.relayed))
        self.context.reply(request, "ok", answer.text)
