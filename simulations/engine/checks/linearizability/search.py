"""Depth-first search for one order of one key's operations, with memory of where it has been.

A node is (next barrier, state, mask of placed open operations). Operations are placed only when a
barrier needs it (just-in-time linearization: G. Lowe, "Testing for linearizability", 2017, section 4), a
visited node is never entered again (J. Wing and C. Gong, 1993; Lowe, section 3), and operations that
change nothing are placed as soon as they fit. Writes of values that nothing ever looks at go, all at
once, where the next write hides them. Nor is one that only used up more unfinished operations than a
visited one: it can do nothing that the other cannot.

An unfinished operation is optional: it is placed only where the very next thing needs the state it
makes. That loses no explanation: in any order, an optional operation followed at once by an overwriting
one, or by nothing, can be left out.
"""

from __future__ import annotations

from simulations.engine.checks.linearizability.model import APPEND, READ, REFUSED, SWAP, WRITE
from simulations.engine.checks.linearizability.timeline import Group, Timeline
from simulations.engine.checks.linearizability.verdict import Answer, Point
from simulations.engine.state_machine import frozen, frozen_text

Trail = tuple["Trail", int, int] | None  # (what came before, barrier, slot bits placed before it)
Node = tuple[int, int, int, Trail]
VISITED_MAX = 4_000_000
MASK_SHIFT = 32  # state numbers stay below 2**32
UNSEEN = 2**32 - 1  # the state after a write of a value that nothing looks at


class KeySearch:
    """A resumable search: call `advance` until `answer` is not None.

    `deepest` is the first barrier that could not be passed, `trail` how the search got there. A
    `thrifty` search tries all ways with k unfinished operations before any with k + 1: slower at finding
    an order, much faster at showing that there is none, because the thrifty nodes make the wasteful ones
    superfluous.
    """

    def __init__(self, timeline: Timeline, thrifty: bool = False) -> None:
        self.timeline = timeline
        self.thrifty = thrifty
        self.answer: Answer | None = None
        self.deepest = -1
        self.trail: Trail = None
        self.steps = 0
        grows = timeline.codes & ~(1 << READ | 1 << REFUSED)
        self._append_only = grows == 1 << APPEND
        self._next_read = _next_read(timeline) if self._append_only else []
        self._explained, self._unexplained = 0, _out_of_thin_air(timeline) + 1
        self._stride = 1
        self._index_groups()
        self._unseen = _unseen_writes(timeline)
        self._restart(self._unexplained - 1)

    def _index_groups(self) -> None:
        self._writes_to: dict[int, Group] = {}
        self._swaps_from: dict[int, list[Group]] = {}
        self._swaps_to: dict[int, list[Group]] = {}
        self._appends: list[Group] = []
        self._optional = 0  # slot bits of unfinished operations
        for group in self.timeline.groups:
            for _, bit in group.members:
                self._optional |= bit
            if group.code == WRITE:
                self._writes_to[group.value] = group
            elif group.code == APPEND:
                self._appends.append(group)
            else:
                self._swaps_from.setdefault(group.expected, []).append(group)
                self._swaps_to.setdefault(group.value, []).append(group)

    def _restart(self, end: int) -> None:
        """Begin again, asking only for the first `end` barriers."""
        self._end = end
        self._pruned = False
        self._last_need = _last_needs(self.timeline, end)
        self._visited: list[dict[int, int | list[int]] | None] = [None] * end
        self._remembered = 0
        self._stack: list[Node] = [(0, self.timeline.initial, 0, None)]
        self._postponed: dict[int, list[Node]] = {}  # by number of unfinished operations used

    def advance(self, steps: int) -> int:
        """Take up to `steps` steps; return how many were taken. Sets `answer` when decided."""
        before = self.steps
        limit = before + steps
        while self.answer is None and self.steps < limit:
            self.steps += 1
            if not self._stack and self._postponed:
                self._stack = self._postponed.pop(min(self._postponed))
            if not self._stack:
                self._exhausted()
            else:
                node = self._pass_barriers(self._stack.pop())
                if node is None:
                    self._reached_end()
                elif self._is_new(node):
                    self._expand(node)
        return self.steps - before

    def _pass_barriers(self, node: Node) -> Node | None:
        """Place what changes nothing, and pass every barrier whose operation is placed; None at the end."""
        barrier, state, mask, trail = node
        timeline, end = self.timeline, self._end
        reads, refused, bits = timeline.reads, timeline.refused, timeline.bits
        while barrier < end:
            fits = reads[barrier].get(state, 0)
            guards = refused[barrier]
            if guards:
                for expected, waiting in guards.items():
                    if expected != state:
                        fits |= waiting
            fits &= ~mask
            if fits:
                mask |= fits
                trail = (trail, barrier, fits)
            if not mask & bits[barrier]:
                break
            mask ^= bits[barrier]
            barrier += 1
        if barrier > self.deepest:
            self.deepest, self.trail = barrier, trail
        return None if barrier == end else (barrier, state, mask, trail)

    def _is_new(self, node: Node) -> bool:
        """Is this node worth entering? Not where the search has been, with as few unfinished operations
        used up.
        """
        barrier, state, mask, _ = node
        used = mask & self._optional
        mark = (mask ^ used) << MASK_SHIFT | state
        visited = self._visited[barrier]
        if visited is None:
            visited = self._visited[barrier] = {}
        earlier = visited.get(mark)
        if earlier is None:
            visited[mark] = used
        elif isinstance(earlier, list):
            if any(other & ~used == 0 for other in earlier):
                return False
            earlier.append(used)
        elif earlier & ~used == 0:
            return False
        else:
            visited[mark] = [earlier, used]
        self._remembered += 1
        if self._remembered > VISITED_MAX:
            self.answer = "unknown"
            return False
        return True

    def _expand(self, node: Node) -> None:
        """Push every way on; what is pushed last is tried first: the barrier's own operation, then the
        oldest.
        """
        barrier, state, mask, trail = node
        timeline, stack = self.timeline, self._stack
        if self._last_need.get(state, 0) > barrier:
            self._pruned = True
            return
        if timeline.groups:
            self._push_optional(node)
        own = timeline.bits[barrier]
        unseen = self._unseen[barrier] & ~mask
        first: Node | None = None
        for bit, code, value, expected in reversed(timeline.writes[barrier]):
            if bit & mask:
                continue
            after = self._applied(code, value, expected, state)
            if after < 0 or (self._append_only and not self._leads_to_a_read(barrier, mask, after)):
                continue
            hidden = unseen & ~bit if code == WRITE else 0
            if bit & unseen:
                after = UNSEEN
            before = (trail, barrier, hidden) if hidden else trail
            child: Node = (barrier, after, mask | hidden | bit, (before, barrier, bit))
            if bit == own:
                first = child
            else:
                stack.append(child)
        if first is not None:
            stack.append(first)

    def _applied(self, code: int, value: int, expected: int, state: int) -> int:
        """The state after a step, or -1 where it cannot happen."""
        if code == WRITE:
            return value
        if code == SWAP:
            return value if state == expected else -1
        values = self.timeline.values
        return self.timeline.number(frozen(frozen_text(values[state]) + values[value]))

    def _push_optional(self, node: Node) -> None:
        barrier, state, mask, trail = node
        for group in self._useful_groups(barrier, state, mask):
            bit = _available(group, barrier, mask)
            if not bit:
                continue
            after = self._applied(group.code, group.value, group.expected, state)
            if after < 0 or after == state:
                continue
            if self._append_only and not self._leads_to_a_read(barrier, mask, after):
                continue
            child: Node = (barrier, after, mask | bit, (trail, barrier, bit))
            if self.thrifty:
                used = (child[2] & self._optional).bit_count()
                self._postponed.setdefault(used, []).append(child)
            else:
                self._stack.append(child)

    def _useful_groups(self, barrier: int, state: int, mask: int) -> list[Group]:
        """Groups of unfinished operations whose effect the very next operation could need."""
        timeline = self.timeline
        wanted: dict[int, None] = {}
        anything = bool(timeline.refused[barrier].get(state, 0) & ~mask) or bool(self._appends)
        for value, waiting in timeline.reads[barrier].items():
            if waiting & ~mask:
                wanted[value] = None
        for bit, code, _, expected in timeline.writes[barrier]:
            if not bit & mask:
                anything = anything or code == APPEND
                if code == SWAP:
                    wanted[expected] = None
        if anything:
            return timeline.groups
        return self._groups_leading_to(wanted, state, barrier, mask)

    def _groups_leading_to(self, wanted: dict[int, None], state: int, barrier: int, mask: int) -> list[Group]:
        """Unfinished writes and swaps that make a wanted value, swaps through other unfinished swaps
        included.
        """
        queue = list(wanted)
        for value in queue:  # grows while it is read
            for group in self._swaps_to.get(value, ()):
                if group.expected not in wanted and _available(group, barrier, mask):
                    wanted[group.expected] = None
                    queue.append(group.expected)
        useful = [self._writes_to[value] for value in queue if value in self._writes_to]
        useful += [group for group in self._swaps_from.get(state, ()) if group.value in wanted]
        return useful

    def _leads_to_a_read(self, barrier: int, mask: int, state: int) -> bool:
        """On a key that only grows: can the next read that is still to be placed see this state, or a
        longer one?
        """
        timeline = self.timeline
        at = self._next_read[barrier]
        while at < self._end and mask & timeline.bits[at] and self._is_open(at, barrier):
            at = self._next_read[at + 1]
        if at >= self._end:
            return True
        seen = timeline.values[timeline.wanted[at]]
        if frozen_text(seen).startswith(frozen_text(timeline.values[state])):
            return True
        self._pruned = True
        return False

    def _is_open(self, later: int, barrier: int) -> bool:
        """Was the operation of barrier `later` invoked before `barrier` passed?"""
        return self.timeline.owner(self.timeline.bits[later], barrier) == self.timeline.operations[later]

    def _reached_end(self) -> None:
        if self._end == len(self.timeline.operations):
            self.answer = "holds"
        else:
            self._explained = self._end
            self._stride *= 2
            self._narrow()

    def _exhausted(self) -> None:
        """No order passes all barriers. Looking ahead at reads may have stopped too early: then narrow it
        down.
        """
        self._unexplained = self._end if self._pruned else self.deepest + 1
        self._explained = max(self._explained, self.deepest)
        self._stride = 1
        self._narrow()

    def _narrow(self) -> None:
        """Find the first barrier that no order passes, in strides from the deepest one reached so far."""
        if self._unexplained - self._explained <= 1:
            self.answer = "violated"
        else:
            self._restart(min(self._explained + self._stride, self._unexplained - 1))

    def points(self) -> list[Point]:
        """The order found so far: every placed operation with the event just before which it takes effect."""
        timeline = self.timeline
        points: list[Point] = []
        trail = self.trail
        while trail is not None:
            trail, barrier, bits = trail
            while bits:
                bit = bits & -bits
                bits ^= bit
                points.append(Point(timeline.owner(bit, barrier), timeline.positions[barrier]))
        points.reverse()
        return points


def _available(group: Group, barrier: int, mask: int) -> int:
    """The slot bit of the oldest member that is invoked and not placed, or 0."""
    for since, bit in group.members:
        if since > barrier:
            return 0
        if not mask & bit:
            return bit
    return 0


def _out_of_thin_air(timeline: Timeline) -> int:
    """The first barrier whose operation needs a value that nobody had begun to make (the number of barriers if none).

    Nothing explains that one, so only what comes before it has to be searched. Appended texts can make any value.
    """
    end = len(timeline.operations)
    if timeline.codes & 1 << APPEND:
        return end
    needed, made_from = timeline.needed, timeline.made_from
    return next((at for at in range(end) if needed[at] >= 0 and made_from.get(needed[at], end) > at), end)


def _last_needs(timeline: Timeline, end: int) -> dict[int, int]:
    """For values that are made only once: how many barriers had passed when the last operation that needs them began.

    A state with such a need still to come must not be left: nothing could bring it back.
    """
    last: dict[int, int] = {}
    if timeline.codes & 1 << APPEND:
        return last
    for barrier in range(end):
        value = timeline.needed[barrier]
        if timeline.makers.get(value) == 1:
            last[value] = max(last.get(value, 0), timeline.opened[barrier])
    return last


def _unseen_writes(timeline: Timeline) -> list[int]:
    """For each barrier the slots of open writes whose value no read returned and no swap expects.

    None where a guard was false or something was appended: there any value at all may matter.
    """
    unseen = [0] * len(timeline.operations)
    if timeline.codes & (1 << REFUSED | 1 << APPEND):
        return unseen
    looked_at = set(timeline.wanted) | {group.expected for group in timeline.groups}
    for writes in timeline.writes:
        for _, code, _, expected in writes:
            if code == SWAP:
                looked_at.add(expected)
    for barrier, writes in enumerate(timeline.writes):
        for bit, code, value, _ in writes:
            if code == WRITE and value not in looked_at:
                unseen[barrier] |= bit
    return unseen


def _next_read(timeline: Timeline) -> list[int]:
    """For each barrier the first one at or after it that belongs to a read (the number of barriers if
    none).
    """
    end = len(timeline.operations)
    following = [end] * (end + 2)
    for barrier in range(end - 1, -1, -1):
        following[barrier] = barrier if timeline.wanted[barrier] >= 0 else following[barrier + 1]
    return following
