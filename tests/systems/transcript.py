"""A run in words: one line per event that tells something, for golden files that people read.

Heartbeats and their answers are left out unless something was noted. The files are rewritten when the environment
variable ``PLATFORM_LAB_REWRITE`` is set; the difference is read before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from simulations.engine.context import COMMAND, DELIVER, DISK, REQUEST, START, TIMER, ProcessContext
from simulations.engine.process import Message, Reply, Request, System
from simulations.engine.world import World
from tests.systems.sentences import filled

REWRITE = "PLATFORM_LAB_REWRITE"


def words(message: Message) -> str:
    """A message with its fields; entries as their terms."""
    parts = []
    for name in message.__struct_fields__:
        value = getattr(message, name)
        if name == "entries":
            value = [entry.term for entry in value]
        parts.append(f"{name}={value}")
    return f"{type(message).__name__}({', '.join(parts)})"


class Transcript:
    """A kernel's recorder that writes sentences. ``quiet``: message types that are told only with a note."""

    def __init__(self, world: World, system: System, quiet: tuple[str, ...]) -> None:
        self.world, self.quiet = world, quiet
        self.notes = system.descriptor.notes
        self.lines: list[str] = []
        self.roles: dict[str, Any] = {}
        world.kernel.recorder = self
        world.kernel.notes = []

    def taken_notes(self) -> list[str]:
        """What was noted since the last event, as sentences with the section."""
        kernel = self.world.kernel
        notes, kernel.notes = kernel.notes or [], []
        found = []
        for note in notes:
            described = self.notes[note[0]]
            found.append(f"{filled(described.en, note[1])} [{described.section}]")
        return found

    def executed(self, event: Any, context: ProcessContext) -> None:
        process: Any = context.process
        if not hasattr(process, "term"):
            if isinstance(event[7], Reply):
                self.line(f"{context.id} is told {words(event[7])}", [])
            return
        notes = self.taken_notes()
        state = (process.role, process.term)
        if self.roles.get(context.id, state) != state:
            notes.append(f"now {process.role} of term {process.term}")
        self.roles[context.id] = state
        told = self.what(event, context)
        if notes or told:
            self.line(f"{context.id} {told or self.what(event, context, always=True)}", notes)

    def what(self, event: Any, context: ProcessContext, always: bool = False) -> str:
        """The event in words; "" when it is routine."""
        kind, detail, content = event[3], event[6], event[7]
        if kind == DELIVER:
            if type(content).__name__ in self.quiet and not always and not getattr(content, "entries", ()):
                return ""
            return f"gets {words(content)} from {self.world.kernel.names[detail]}"
        if kind == REQUEST:
            assert isinstance(content, Request)
            return f"is asked by {content.client}: {content.kind} {content.key} = {content.argument}"
        if kind == TIMER:
            return f"{detail} timer" if detail != "heartbeat" or always else ""
        if kind == START:
            return "starts"
        return "disk write done" if kind == DISK and always else ""

    def line(self, text: str, notes: list[str]) -> None:
        self.lines.append(f"{self.world.kernel.now / 1000:9.3f}  {text}")
        self.lines += [f"{'':11}. {note}" for note in notes]

    def observed(self, notes: Any) -> None:
        """What checks saw is not kept."""

    def dropped(self, event: Any, reason: str) -> None:
        self.lines.append(f"{self.world.kernel.now / 1000:9.3f}  lost ({reason}): {type(event[7]).__name__}")

    def commanded(self, event: Any, *told: Any) -> None:
        assert event[3] == COMMAND
        line = self.world.experiment.faults[event[7]["script"]]
        values = " ".join(f"{name}={value}" for name, value in line.arguments.items())
        self.lines.append(
            f"{self.world.kernel.now / 1000:9.3f}  ** {line.do} {' '.join(line.target)}{values}"
        )

    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


def compare(path: Path, text: str) -> None:
    """Compare with a golden file, or rewrite it."""
    if os.environ.get(REWRITE):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert path.exists(), f"{path.name} is missing; set {REWRITE}=1 to write it, then read it"
    assert text == path.read_text()
