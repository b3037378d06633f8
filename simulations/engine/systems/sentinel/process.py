"""Redis Sentinel: several observers that agree that a primary is down, elect one of themselves, and promote a replica.

Redis Sentinel documentation: SDOWN (one finds it silent), ODOWN (``quorum`` of them do), a vote by majority for who
fails over, the configuration epoch, choice of the replica, and pointing everybody at it - old primaries included.

Simplified: databases and sentinels are known from the topology instead of discovered; no TILT mode, no scripts, one
replica is reconfigured like the next. Chosen: who is denied a majority tries again after a random pause.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec

from simulations.engine.failover import PRIMARY, Coordinator, Promote, Report
from simulations.engine.process import DiskImage, Request, put
from simulations.engine.systems.sentinel.messages import AskDown, AskVote, Down, Hello, Vote

DATABASES = "primary_replica"
WATCHING, SDOWN, ODOWN, CANDIDATE, FAILING_OVER = "watching", "sdown", "odown", "candidate", "failing_over"
HANDLERS: dict[Any, str] = {
    Report: "on_report", Hello: "on_hello", AskDown: "on_ask_down", Down: "on_down", AskVote: "on_ask_vote",
    Vote: "on_vote",
}  # fmt: skip
FRESH_ASKS = 5
"""An opinion or a report counts for this many periods."""


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """``quorum``: sentinels that must find a primary down; ``down_after_ms``: silence that one takes for down;
    ``ping_ms``: how often all are asked; ``election_ms``: how long votes are waited for; ``promotion_ms``: how long a
    promoted replica has to report. ValueError names the field that is out of range."""

    quorum: int = 2
    down_after_ms: float = 5000
    ping_ms: float = 1000
    election_ms: float = 1000
    promotion_ms: float = 2000

    def __post_init__(self) -> None:
        if not 1 <= self.quorum <= 100:
            raise ValueError("quorum: an integer from 1 to 100")
        for name in ("down_after_ms", "ping_ms", "election_ms", "promotion_ms"):
            if not 1 <= getattr(self, name) <= 600_000:
                raise ValueError(f"{name}: a number from 1 to 600000")


@dataclass(slots=True)
class Sentinel(Coordinator):
    """One sentinel. ``vote_epoch``: the highest epoch it knows of; ``voted_for``: its vote in it; ``agreed``: who else
    finds the primary down, and when they said so."""

    watched: ClassVar[tuple[str, ...]] = ("role", "epoch", "vote_epoch", "primary")

    parameters: Parameters = field(default_factory=Parameters)

    # --- persistent ---
    vote_epoch: int = 0
    voted_for: str = ""

    # --- volatile ---
    role: str = WATCHING
    agreed: dict[str, int] = field(default_factory=dict)

    # --- candidate only ---
    votes: dict[str, bool] = field(default_factory=dict)
    candidate: str = ""
    tried: list[str] = field(default_factory=list)

    # -- rules ----------------------------------------------------------------------------------------------------

    def votes_needed(self) -> int:
        """Who fails over needs the majority of all sentinels, those that are down counted, and no fewer than quorum."""
        return max((len(self.peers) + 1) // 2 + 1, self.parameters.quorum)

    def finds_down(self) -> bool:
        """Subjectively down: no valid answer from the primary for ``down_after_ms``."""
        return self.role != WATCHING

    def ranked(self) -> list[str]:
        """Replicas that may be promoted, the best first: the longest log wins."""
        fresh = self.us(self.parameters.ping_ms) * FRESH_ASKS
        return [one for one in self.candidates(fresh) if one not in self.tried]

    # -- small steps ----------------------------------------------------------------------------------------------

    def us(self, milliseconds: float) -> int:
        return round(milliseconds * 1000)

    def note(self, id: str, **values: Any) -> None:
        self.context.note(f"sentinel.{id}", **values)

    def tell(self, message: Any) -> None:
        for peer in self.peers:
            self.context.send(peer, message)

    def keep(self) -> None:
        """Epoch, vote and configuration are on disk before they are told."""
        self.context.persist(
            put("vote_epoch", self.vote_epoch),
            put("voted_for", self.voted_for),
            put("epoch", self.epoch),
            put("primary", self.primary),
        )

    def watch(self) -> None:
        """The primary is there, or a new one is: nothing is suspected."""
        self.role, self.candidate = WATCHING, ""
        self.agreed, self.votes, self.tried = {}, {}, []
        for timer in ("campaign", "election", "promotion"):
            self.context.cancel_timer(timer)
        self.context.set_timer("down", self.us(self.parameters.down_after_ms))

    # -- handlers: watching -----------------------------------------------------------------------------------------

    def on_start(self, disk: DiskImage) -> None:
        self.databases = self.directory.get(DATABASES, ())
        self.vote_epoch, self.voted_for = disk.cell("vote_epoch", 0), disk.cell("voted_for", "")
        self.epoch, self.primary = disk.cell("epoch", 0), disk.cell("primary", "")
        self.watch()
        self.on_ping_timer()

    def on_message(self, sender: str, message: Any) -> None:
        getattr(self, HANDLERS[type(message)])(sender, message)

    def on_timer(self, name: str) -> None:
        getattr(self, f"on_{name}_timer")()

    def on_request(self, request: Request) -> None:
        """It holds no data."""
        self.context.reply(request, "fail")

    def on_ping_timer(self) -> None:
        """Ask all databases; tell the other sentinels what is known; ask them about a primary that is silent."""
        self.ask(self.databases)
        self.tell(Hello(self.vote_epoch, self.epoch, self.primary))
        if self.finds_down():
            self.tell(AskDown(self.primary))
        self.context.set_timer("ping", self.us(self.parameters.ping_ms))

    def on_report(self, sender: str, report: Report) -> None:
        known = self.epoch
        self.remember(sender, report)
        if self.epoch > known:
            self.changed_primary()
        elif sender == self.primary and report.role == PRIMARY:
            if self.finds_down():
                self.note("back", primary=sender)
                self.watch()
            self.context.set_timer("down", self.us(self.parameters.down_after_ms))
        self.put_right(sender, report)

    def changed_primary(self) -> None:
        """Somebody leads in a higher epoch than known."""
        self.vote_epoch = max(self.vote_epoch, self.epoch)
        self.note("new_primary", primary=self.primary, epoch=self.epoch)
        self.keep()
        self.watch()
        self.tell(Hello(self.vote_epoch, self.epoch, self.primary))
        for database in self.databases:
            if database in self.reports:
                self.put_right(database, self.reports[database])

    def on_hello(self, sender: str, message: Hello) -> None:
        """A configuration of a higher epoch is the truth."""
        if message.epoch > self.vote_epoch:
            self.vote_epoch, self.voted_for = message.epoch, ""
            self.keep()
        if message.config_epoch > self.epoch:
            self.epoch, self.primary = message.config_epoch, message.primary
            self.changed_primary()

    # -- handlers: down? ----------------------------------------------------------------------------------------------

    def on_down_timer(self) -> None:
        """Subjectively down."""
        if not self.primary:
            self.watch()
            return
        self.role = SDOWN
        self.note("sdown", primary=self.primary)
        self.tell(AskDown(self.primary))
        self.count_opinions()

    def on_ask_down(self, sender: str, message: AskDown) -> None:
        down = message.primary == self.primary and self.finds_down()
        self.context.send(sender, Down(message.primary, down))

    def on_down(self, sender: str, message: Down) -> None:
        if message.primary != self.primary:
            return
        if message.down:
            self.agreed[sender] = self.context.now
        else:
            self.agreed.pop(sender, None)
        self.count_opinions()

    def count_opinions(self) -> None:
        """Objectively down: ``quorum`` sentinels find the primary down. After a random pause, try to fail over."""
        since = self.context.now - self.us(self.parameters.ping_ms) * FRESH_ASKS
        count = 1 + sum(at >= since for at in self.agreed.values())
        if self.role == SDOWN and count >= self.parameters.quorum:
            self.role = ODOWN
            self.note("odown", primary=self.primary, sentinels=count, quorum=self.parameters.quorum)
            self.plan_campaign(0, self.parameters.election_ms)

    def plan_campaign(self, low_ms: float, high_ms: float) -> None:
        """Campaign after a random pause, so that sentinels seldom ask for votes at once."""
        pause = self.context.random.integer(self.us(low_ms), self.us(high_ms))
        self.context.set_timer("campaign", pause)

    # -- handlers: the vote -------------------------------------------------------------------------------------------

    def on_campaign_timer(self) -> None:
        if self.role != ODOWN:
            return
        self.role = CANDIDATE
        self.vote_epoch = max(self.vote_epoch, self.epoch) + 1
        self.voted_for = self.id
        self.votes = {self.id: True}
        self.keep()
        self.note("campaigns", epoch=self.vote_epoch, needed=self.votes_needed())
        self.tell(AskVote(self.vote_epoch))
        self.context.set_timer("election", self.us(self.parameters.election_ms))
        self.count_votes()

    def on_ask_vote(self, sender: str, message: AskVote) -> None:
        """One vote per epoch, for who asks first; a voter leaves the failover to the other for a while."""
        if message.epoch > self.vote_epoch:
            self.vote_epoch, self.voted_for = message.epoch, sender
            self.keep()
            self.note("votes", candidate=sender, epoch=message.epoch)
            if self.role in (ODOWN, CANDIDATE):
                self.lose_election()
        self.context.send(sender, Vote(self.vote_epoch, self.voted_for))

    def on_vote(self, sender: str, message: Vote) -> None:
        if message.epoch > self.vote_epoch:
            self.vote_epoch, self.voted_for = message.epoch, ""
            self.keep()
            if self.role == CANDIDATE:
                self.lose_election()
        elif self.role == CANDIDATE and message.epoch == self.vote_epoch and message.candidate == self.id:
            self.votes[sender] = True
            self.count_votes()

    def count_votes(self) -> None:
        if self.role == CANDIDATE and len(self.votes) >= self.votes_needed():
            self.note("elected", epoch=self.vote_epoch, votes=len(self.votes))
            self.context.cancel_timer("election")
            self.role = FAILING_OVER
            self.promote()

    def on_election_timer(self) -> None:
        if self.role == CANDIDATE:
            self.note("no_majority", epoch=self.vote_epoch, votes=len(self.votes), needed=self.votes_needed())
            self.lose_election()

    def lose_election(self) -> None:
        self.role = ODOWN
        self.context.cancel_timer("election")
        self.plan_campaign(self.parameters.election_ms * 2, self.parameters.election_ms * 4)

    # -- handlers: the failover ---------------------------------------------------------------------------------------

    def promote(self) -> None:
        """Make the best replica the primary of the epoch that was won; without one, start again later."""
        ranked = self.ranked()
        if not ranked:
            self.note("nobody_to_promote", primary=self.primary)
            self.tried = []
            self.lose_election()
            return
        self.candidate = ranked[0]
        position = self.reports[self.candidate].position
        self.note("promotes", replica=self.candidate, epoch=self.vote_epoch, position=position)
        self.context.send(self.candidate, Promote(self.vote_epoch))
        self.context.set_timer("promotion", self.us(self.parameters.promotion_ms))

    def on_promotion_timer(self) -> None:
        """It did not report as the primary. Another one gets an epoch of its own: the first may have obeyed."""
        if self.role == FAILING_OVER:
            self.tried.append(self.candidate)
            self.lose_election()
