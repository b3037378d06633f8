"""The organisation lane: who notices, who decides, who has to agree, and the runbook that tells how.

Roles after NIST SP 800-34 (activation, recovery, reconstitution) and ISO 22301. Every decision is taken in ``decide``:
by the script that a trained team follows, or by people, whose instructions are commands in the run's log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulations.engine.process import DiskImage
from simulations.engine.systems.bcdr_drill.messages import (
    Approval,
    AskApproval,
    AskRunbook,
    Order,
    Restored,
    Runbook,
)
from simulations.engine.systems.bcdr_drill.technology import BEAT_US, SECOND, Member

WATCHING, ALARMED, SEARCHING, ASKING, RESTORING, DONE = (
    "watching", "alarmed", "searching", "asking", "restoring", "done",
)  # fmt: skip
REACHABLE, AWAY = "reachable", "away"
RUNBOOK_PATIENCE_US = 2 * SECOND
ASK_AGAIN_US = 3 * SECOND
DECISIONS = ("find_runbook", "ask_approver", "approve", "declare", "restore")


@dataclass(slots=True)
class Approver(Member):
    """Has to agree before a disaster is declared, and may be out of reach when it matters."""

    asked_by: str = ""

    def on_start(self, disk: DiskImage) -> None:
        self.role = REACHABLE

    def receive(self, sender: str, message: Any) -> None:
        if isinstance(message, AskApproval) and not self.asked_by:
            self.asked_by = sender
            if self.parameters.approver_away_s > 0:
                self.role = AWAY
                self.context.note("bcdr_drill.away", seconds=self.parameters.approver_away_s)
            self.context.set_timer("back", round(self.parameters.approver_away_s * SECOND))
        elif isinstance(message, AskApproval) and self.role == REACHABLE and self.decisions:
            self.context.send(sender, Approval())

    def on_timer(self, name: str) -> None:
        self.approve()

    def approve(self) -> None:
        self.role = REACHABLE
        self.decisions += 1
        self.decided.append("approve")
        self.context.cancel_timer("back")
        self.context.note("bcdr_drill.approves")
        for commander in self.members("organisation"):
            self.context.send(commander, Approval())

    def on_operator(self, action: str, arguments: dict[str, Any]) -> None:
        """A person who plays the approver answers the telephone."""
        if action == "command" and arguments.get("name") == "approve" and not self.decisions:
            self.approve()


@dataclass(slots=True)
class Commander(Member):
    """Leads the response. ``order``: what the runbook says of priorities."""

    order: tuple[str, ...] = ()

    def on_start(self, disk: DiskImage) -> None:
        self.role = WATCHING
        self.order = self.parameters.order
        self.context.set_timer("watch", BEAT_US)

    def scripted(self) -> bool:
        return self.parameters.players == "scripted"

    # -- noticing ---------------------------------------------------------------------------------------------------

    def watch(self) -> None:
        """Compare signs of life: a function that was silent for detect_s is lost."""
        self.context.set_timer("watch", BEAT_US // 2)
        limit = round(self.parameters.detect_s * SECOND)
        for function, (_, at_us) in self.where.items():
            silent = self.context.now - at_us > limit
            if silent and function not in self.lost:
                self.lost.append(function)
                self.context.note("bcdr_drill.lost", function=function)
            elif not silent and function in self.lost:
                self.lost.remove(function)
        if self.lost and self.role == WATCHING:
            self.alarm()

    def alarm(self) -> None:
        """Somebody looks at the dashboards and calls the others."""
        self.role = ALARMED
        self.alarms += 1
        self.context.note("bcdr_drill.alarm", functions=", ".join(self.lost))
        if self.scripted():
            self.think("find_runbook")

    def think(self, decision: str) -> None:
        """The script: the next decision comes after people have thought."""
        self.context.set_timer(f"decide {decision}", self.parameters.think_us)

    # -- deciding ---------------------------------------------------------------------------------------------------

    def decide(self, decision: str, function: str = "") -> None:
        """One decision of the organisation, whoever took it."""
        self.decisions += 1
        self.decided.append(f"{decision} {function}".strip())
        if decision == "find_runbook":
            self.find_runbook()
        elif decision == "ask_approver":
            self.ask_approver()
        elif decision == "declare":
            self.declare()
        elif decision == "restore":
            self.restore(function)

    def find_runbook(self) -> None:
        """Where is it kept? In the region that is gone, perhaps."""
        if self.has_runbook:
            if self.scripted():
                self.think("ask_approver")
            return
        self.role = SEARCHING
        self.context.note("bcdr_drill.looks_for_runbook")
        if self.parameters.runbook_in_lost_region and self.members("server"):
            self.context.send(self.members("server")[0], AskRunbook())
            self.context.set_timer("no runbook", RUNBOOK_PATIENCE_US)
        else:
            self.got_runbook(self.parameters.order)

    def no_runbook(self) -> None:
        """Nobody answers there: look for an old print-out, ask whoever wrote it."""
        self.context.note("bcdr_drill.runbook_lost", seconds=self.parameters.search_s)
        left_us = round(self.parameters.search_s * SECOND) - RUNBOOK_PATIENCE_US
        self.context.set_timer("found", max(0, left_us))

    def got_runbook(self, order: tuple[str, ...]) -> None:
        self.context.cancel_timer("no runbook")
        self.context.cancel_timer("found")
        if self.has_runbook:
            return
        self.has_runbook, self.order = True, order or self.order
        self.context.note("bcdr_drill.runbook", order=", ".join(self.order))
        self.role = ALARMED if self.alarms else WATCHING
        if self.scripted() and self.alarms:
            self.think("ask_approver")

    def ask_approver(self) -> None:
        """Ask, and again: telephones are switched off at night."""
        self.role = ASKING
        self.context.note("bcdr_drill.asks")
        self.ask()

    def ask(self) -> None:
        for approver in self.members("approver"):
            self.context.send(approver, AskApproval())
        if self.members("approver"):
            self.context.set_timer("ask again", ASK_AGAIN_US)
        else:
            self.got_approval()

    def got_approval(self) -> None:
        self.context.cancel_timer("ask again")
        if not self.approved:
            self.approved = True
            if self.scripted():
                self.think("declare")

    def declare(self) -> None:
        """From here on the switch may happen. Without the approval it is somebody's own responsibility."""
        self.context.cancel_timer("ask again")
        if self.declared:
            return
        self.declared += 1
        self.role = RESTORING
        self.context.note("bcdr_drill.declares" if self.approved else "bcdr_drill.declares_alone")
        if self.scripted():
            for function in self.order:
                self.decide("restore", function)

    def restore(self, function: str) -> None:
        """Order one function back. What is not written down takes longer."""
        if not self.declared:
            self.context.note("bcdr_drill.not_declared", function=function)
            return
        if function in self.ordered:
            return
        self.ordered.append(function)
        self.context.note("bcdr_drill.orders", function=function)
        self.send_orders()

    def send_orders(self) -> None:
        """All orders so far, and again until they are reported done."""
        for technician in self.members("technician"):
            self.context.send(technician, Order(tuple(self.ordered), self.has_runbook))
        self.context.set_timer("order again", ASK_AGAIN_US)

    # -- handlers ---------------------------------------------------------------------------------------------------

    def receive(self, sender: str, message: Any) -> None:
        if isinstance(message, Runbook):
            self.got_runbook(message.order)
        elif isinstance(message, Approval):
            self.got_approval()
        elif isinstance(message, Restored) and message.function not in self.restored:
            self.restored.append(message.function)
            self.context.note("bcdr_drill.restored", function=message.function)
            if set(self.order) <= set(self.restored):
                self.role = DONE

    def on_timer(self, name: str) -> None:
        if name == "watch":
            self.watch()
        elif name == "no runbook":
            self.no_runbook()
        elif name == "found":
            self.got_runbook(self.parameters.order)
        elif name == "order again":
            if not set(self.ordered) <= set(self.restored):
                self.send_orders()
        elif name == "ask again":
            self.ask()
        elif name.startswith("decide "):
            self.decide(name.removeprefix("decide "))

    def on_operator(self, action: str, arguments: dict[str, Any]) -> None:
        """People decide: find_runbook, ask_approver, declare, restore {function}."""
        if action == "warning":
            self.context.note("bcdr_drill.warned", cause=arguments.get("cause", ""))
        elif action == "command" and arguments.get("name") in DECISIONS:
            name = str(arguments["name"])
            function = str((arguments.get("arguments") or {}).get("function", ""))
            self.context.cancel_timer(f"decide {name}")
            self.context.note("bcdr_drill.person", decision=name, function=function)
            self.decide(name, function)
