"""The frames of a run that a web process keeps for those who join: plain data around the playhead."""

from __future__ import annotations

import itertools

from simulations.wire import FrameHeader

RING_MAX = 192
RING_PAST = 24
"""Frames kept: from the playhead on as far as is sent, however short they are; fewer of what is over."""

Frame = tuple[FrameHeader, bytes]


class KeptFrames:
    """Frames of one branch in the order of their starts. Holes are possible, but never handed out as if whole."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def keep(self, header: FrameHeader, data: bytes, here_us: int) -> None:
        """Add a frame, in place of what was known from its start on. `here_us`: where the playhead is."""
        kept = [(h, d) for h, d in self.frames if h.branch == header.branch and h.t0_us < header.t0_us]
        ahead = sum(1 for h, _ in kept if h.t1_us >= here_us)
        self.frames = [*kept[-min(max(RING_PAST, ahead), RING_MAX) :], (header, data)]

    def replace(self, frames: list[Frame]) -> None:
        """Keep these, and nothing of before."""
        self.frames = frames[:RING_MAX]

    def chain(self, at_us: int, branch: int) -> list[Frame]:
        """Those without a hole from the one that covers this moment; empty when they are not here."""
        frames = [item for item in self.frames if item[0].branch == branch]
        starts = [i for i, (header, _) in enumerate(frames) if header.t0_us <= at_us <= header.t1_us]
        if not starts:
            return []
        chain = frames[starts[-1] :]
        whole = all(b[0].t0_us <= a[0].t1_us for a, b in itertools.pairwise(chain))
        return chain if whole else []

    def continued(self, stored: list[Frame], branch: int, revision: int) -> list[Frame]:
        """Stored frames and those kept here that follow them.

        A worker sends a frame before it stores it, and more arrive while the store is read: without them,
        who joins just then would get everything but those.
        """
        reached = stored[-1][0].t1_us if stored else None
        chain = list(stored)
        for header, data in self.frames:
            same = header.branch == branch and header.revision >= revision
            if same and reached is not None and header.t0_us <= reached < header.t1_us:
                chain.append((header, data))
                reached = header.t1_us
        return chain

    def begin_after(self, at_us: int, branch: int) -> bool:
        """Whether everything kept of this branch comes later than this moment."""
        known = [header for header, _ in self.frames if header.branch == branch]
        return bool(known) and at_us < known[0].t0_us
