"""Hot keys: found by sampling, split into sub-keys whose reads go to several members, and cached in front.

Kleppmann, "Designing Data-Intensive Applications", chapter on sharding, "skewed workloads and relieving hot spots": a
number added to a hot key spreads it. Here reads are spread: every sub-key is a copy of the row, fetched from the key's
owner and served for a lease, so that a split key's reads may be that much behind; writes go on to the owner.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulations.engine.process import Request
from simulations.engine.systems.sharding.messages import Fetch, Fetched, ReadCopy
from simulations.engine.systems.sharding.serving import Serving
from simulations.engine.systems.sharding.state import EMPTY

SAMPLE_EVERY = 4
WINDOW = 48
"""Every fourth request is counted; after so many the counts are looked at."""
HOT, COOL = 0.1, 0.05
"""A key is hot from this share of the sampled requests on, until it falls below the other."""
ASK_AGAIN_US = 200_000


@dataclass(slots=True)
class Splitting(Serving):
    """A server as a router that knows its hot keys."""

    def on_request(self, request: Request) -> None:
        self.sampled += 1
        if self.sampled % SAMPLE_EVERY == 0:
            self.counts[request.key] = self.counts.get(request.key, 0) + 1
            if self.sampled >= SAMPLE_EVERY * WINDOW:
                self.look_for_hot_keys()
        Serving.on_request(self, request)

    def look_for_hot_keys(self) -> None:
        """The keys that many of the last requests were for."""
        before, counts = self.hot, self.counts
        self.hot = sorted(
            key for key, count in counts.items() if count >= WINDOW * (COOL if key in before else HOT)
        )
        if self.hot != before:
            self.context.note("sharding.hot", keys=", ".join(self.hot) or "-")
        self.sampled, self.counts = 0, {}

    def read_split(self, request: Request) -> bool:
        """A read of a hot key: from the cache here, or from the member that holds the next sub-key."""
        ways, share = self.parameters.split_ways, self.parameters.cache_share
        if ways <= 1 or request.kind != "get" or request.key not in self.hot:
            return False
        if share and self.context.random.random() < share and self.fresh(request.key):
            self.cache_hits += 1
            self.context.reply(request, "ok", self.copies[request.key][0].value)
            return True
        if share and not self.fresh(request.key):
            self.fetch(request.key)
        self.turn += 1
        holder = self.holder(request.key, self.turn % ways)
        self.send(holder, ReadCopy(request))
        return True

    def holder(self, key: str, number: int) -> str:
        """Who serves this sub-key: the owner of its own hash, or the members in turn."""
        if self.parameters.split_placement == "hash":
            return self.owner_of(self.shard(f"{key}#{number}"))
        return self.members[(self.shard(key) + number) % len(self.members)]

    def fresh(self, key: str) -> bool:
        """Whether a copy is here whose lease has not ended."""
        copy = self.copies.get(key)
        return copy is not None and self.context.now < copy[1]

    def fetch(self, key: str) -> None:
        """Ask the owner of a key for a copy of its row, unless that was just done."""
        now = self.context.now
        if self.fetching.get(key, -ASK_AGAIN_US) + ASK_AGAIN_US <= now:
            self.fetching[key] = now
            self.send(self.owner_of(self.shard(key)), Fetch(key))

    # -- handlers -------------------------------------------------------------------------------------------------

    def on_read_copy(self, sender: str, message: ReadCopy) -> None:
        """A read of a sub-key: from the row itself, or from a copy."""
        request = message.request
        shard = self.shard(request.key)
        if shard in self.owned:
            self.handle(request, shard)
        elif self.fresh(request.key):
            self.served += 1
            self.context.reply(request, "ok", self.copies[request.key][0].value)
        else:
            self.readers.setdefault(request.key, []).append(request)
            self.fetch(request.key)

    def on_fetch(self, sender: str, message: Fetch) -> None:
        """Only the owner gives copies away; others leave the question unanswered, and it is asked again."""
        shard = self.shard(message.key)
        if shard in self.owned and self.may_serve(shard):
            self.send(sender, Fetched(message.key, self.data.get(message.key, EMPTY)))

    def on_fetched(self, sender: str, message: Fetched) -> None:
        """A copy: its lease counts from the moment when it was asked for."""
        key = message.key
        asked = self.fetching.pop(key, self.context.now)
        self.copies[key] = (message.row, asked + round(self.parameters.copy_lease_ms * 1000))
        for request in self.readers.pop(key, ()):
            self.served += 1
            self.context.reply(request, "ok", message.row.value)
