"""The search for the smallest failing case, in steps that can be interrupted: what was tried is remembered, so that
the next call takes the same way in no time and goes on.

Units that may be removed are the lines of the (frozen) fault script, clocks that are off, and chance on links (loss,
duplication, reordering). When loss by chance is needed, the messages it destroyed become units themselves.
"""

from __future__ import annotations

import time
from hashlib import blake2b
from typing import Any

import msgspec

from simulations.engine import harness
from simulations.engine.experiment import Experiment, FaultLine, parse, to_plain, with_overrides
from simulations.engine.experiment.reader import read_command
from simulations.engine.experiment.structs import Text
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World
from simulations.shrink.freeze import Lost, Tape, with_lines
from simulations.shrink.reduce import minimize
from simulations.sweeps.asked import Asked, ask, lamps_for, line_decided

TESTS_MAX = 1_000
SLICE_EVENTS = 2_000
EVENTS_MAX = 4_000_000
SECOND = 1_000_000
LOST_MAX = 400
STOP_MARGIN_US = 1_000


class NotFailing(ValueError):
    """There is nothing to shrink: the check is not violated with this seed."""


class OutOfTime(Exception):
    """This slice is over; the next one goes on."""


class Enough(Exception):
    """The budget of tests is spent; the smallest case so far stands."""


class Unit(msgspec.Struct, frozen=True):
    """Something that may be removed: a script line, or settings that switch a standing fault off."""

    line: FaultLine | None = None
    off: dict[str, Any] = {}
    drop: bool = False


class Case(msgspec.Struct):
    """A failing experiment and what came of shrinking it. ``faults``: script lines and standing faults left,
    ``messages``: single messages dropped among them; ``minimal``: no single one can be removed."""

    experiment: dict[str, Any]
    seed: int
    check: str
    faults: int
    messages: int
    from_faults: int
    tests: int
    minimal: bool
    at_us: int | None


class Search:
    """One search. ``memo``: key of a candidate -> when it failed in µs, or -1; ``deadline``: monotonic end of this
    slice."""

    def __init__(
        self,
        experiment: Experiment,
        seed: int,
        check: str,
        memo: dict[str, int] | None = None,
        slice_s: float | None = None,
        tests_max: int = TESTS_MAX,
    ) -> None:
        self.experiment, self.seed, self.check = experiment, seed, check
        self.memo = {} if memo is None else memo
        self.deadline = None if slice_s is None else time.monotonic() + slice_s
        self.tests_max = tests_max
        self.tried = 0
        self.from_faults = len(experiment.faults)
        self.asked = ask(experiment, [], [check])
        self.units: list[Unit] = []
        self.kept: list[int] = []
        self.stage = ""

    # -- one candidate ------------------------------------------------------------------------------------------------

    def fails(self, key: str, candidate: Experiment) -> bool:
        """Whether the check is violated; asked of the memo first."""
        key = blake2b(key.encode(), digest_size=8).hexdigest()
        if key not in self.memo:
            if len(self.memo) >= self.tests_max:
                raise Enough
            # (Every slice tries something, however short it is.)
            if self.deadline is not None and self.tried and time.monotonic() > self.deadline:
                raise OutOfTime
            self.tried += 1
            self.memo[key] = failing_at(candidate, self.seed, self.asked)
        return self.memo[key] >= 0

    def fails_with(self, kept: list[int]) -> bool:
        """Whether the units at these positions are enough."""
        key = f"{self.stage}:{','.join(map(str, kept))}"
        failing = self.fails(key, self.built(kept))
        if failing:
            self.kept = kept
        return failing

    def built(self, kept: list[int]) -> Experiment:
        """The experiment with only these units."""
        lines = [unit.line for i in kept if (unit := self.units[i]).line is not None]
        base = with_lines(self.experiment, [line for line in lines if line is not None])
        off: dict[str, Any] = {}
        for number, unit in enumerate(self.units):
            if number not in kept:
                off.update(unit.off)
        return with_overrides(base, off, SYSTEMS) if off else base

    # -- the way ------------------------------------------------------------------------------------------------------

    def run(self) -> Case:
        """The smallest case. NotFailing when there is none, OutOfTime when this slice is over."""
        if not self.fails("whole", self.experiment):
            raise NotFailing(f"{self.check} is not violated with seed {self.seed}")
        minimal = True
        try:
            self.reduce_faults()
            self.reduce_messages()
        except Enough:
            minimal = False
        return self.case(minimal)

    def reduce_faults(self) -> None:
        """Fewest script lines and standing faults: frozen to what they did when that fails as well."""
        lines, _ = taped(self.experiment, self.seed)
        standing = [Unit(off=off) for off in standing_faults(self.experiment)]
        self.units, self.stage = [*map(Unit, self.experiment.faults), *standing], "lines"
        self.kept = list(
            range(len(self.units))
        )  # what stands when the budget is spent before anything else fails
        frozen = [*map(Unit, lines), *standing]
        if not self.all_fail("frozen", frozen, self.experiment) and not self.fails_with(self.kept):
            raise NotFailing("the run does not repeat itself")
        self.from_faults = len(self.units)
        self.kept = minimize(len(self.units), self.fails_with)

    def reduce_messages(self) -> None:
        """Where chance must lose messages, the fewest single messages instead."""
        chance = [i for i in self.kept if any(path.endswith(".loss") for path in self.units[i].off)]
        if not chance:
            return
        _, lost = taped(self.built(self.kept), self.seed, self.asked)
        if len(lost) > LOST_MAX:
            return
        quiet = self.built([i for i in self.kept if i not in chance])
        kept = [self.units[i] for i in self.kept if i not in chance]
        drops = [*kept, *(Unit(line=drop_line(one), drop=True) for one in lost)]
        if self.all_fail("drops", drops, msgspec.structs.replace(quiet, faults=[])):
            self.kept = minimize(len(self.units), self.fails_with)

    def all_fail(self, stage: str, units: list[Unit], experiment: Experiment) -> bool:
        """Go on with other units if all of them together fail; else, and without an answer, nothing changes."""
        before = self.experiment, self.units, self.kept, self.stage
        self.experiment, self.units, self.stage = experiment, units, stage
        failing = False
        try:
            failing = self.fails_with(list(range(len(units))))
        finally:
            if not failing:
                self.experiment, self.units, self.kept, self.stage = before
        return failing

    def case(self, minimal: bool) -> Case:
        """The case as it stands: its experiment says what is violated, and ends soon after."""
        small = self.built(self.kept)
        at_us = failing_at(small, self.seed, self.asked)
        kept = [self.units[i] for i in self.kept]
        return Case(
            experiment=to_plain(named(self.ended(small, at_us))),
            seed=self.seed,
            check=self.check,
            faults=len(kept),
            messages=sum(unit.drop for unit in kept),
            from_faults=self.from_faults,
            tests=len(self.memo),
            minimal=minimal,
            at_us=at_us,
        )

    def ended(self, small: Experiment, at_us: int) -> Experiment:
        """The same, stopped right after the violation when it can be seen by then."""
        stop_s = (at_us + STOP_MARGIN_US) / SECOND
        if not 0 < stop_s < small.stop_s:
            return small
        lines = [
            line for line in small.faults if not isinstance(line.at_s, float | int) or line.at_s <= stop_s
        ]
        shorter = msgspec.structs.replace(small, stop_s=stop_s)
        fits = len(lines) == len(small.faults) and failing_at(shorter, self.seed, self.asked) >= 0
        return shorter if fits else small


def named(experiment: Experiment) -> Experiment:
    """The title says what it is."""
    title = Text(f"{experiment.title.en}: the smallest failing case", f"{experiment.title.zh}：最小失败案例")
    id = f"{experiment.id.replace('/', '-')}-small"[:40]
    return msgspec.structs.replace(experiment, id=id, title=title)


def failing_at(experiment: Experiment, seed: int, asked: Asked) -> int:
    """When the check is known to be violated, in µs; -1 when it is not."""
    world = World(experiment, seed, checks=lamps_for(experiment, asked))
    return seen_failing(world, asked)


def seen_failing(world: World, asked: Asked) -> int:
    """Move a world until its check is violated or the run is over; when it was violated, or -1."""
    (line,) = asked.checks.values()
    stop_us = round(world.experiment.stop_s * SECOND)
    while world.run_until(stop_us, SLICE_EVENTS) == "budget":
        if world.events > EVENTS_MAX or line_decided(world, line):
            break
    if line.check is not None:
        outcome = harness.judge_check(world, line, world.verdicts())
    else:
        outcome = harness.judge_metric(world, line)
    if outcome.verdict != harness.VIOLATED:
        return -1
    return world.now_us if outcome.at_us is None else outcome.at_us


def taped(
    experiment: Experiment, seed: int, asked: Asked | None = None
) -> tuple[list[FaultLine], list[Lost]]:
    """The lines that fired and the messages lost; until the check is violated when one is asked for."""
    checks = {} if asked is None else lamps_for(experiment, asked)
    world = World(experiment, seed, checks=checks)
    tape = Tape(world)
    if asked is not None:
        seen_failing(world, asked)
    else:
        world.run_until(round(experiment.stop_s * SECOND), EVENTS_MAX)
    return tape.lines, tape.lost


def standing_faults(experiment: Experiment) -> list[dict[str, Any]]:
    """Settings that switch off one standing fault each: a clock that is off, chance on links, a disk that lies."""
    found: list[dict[str, Any]] = [{f"clocks.{node}": None} for node in experiment.clocks]
    links = experiment.topology.links
    rules = [("default", links.default), ("local", links.local)]
    rules += [(f"between.{number}", rule.settings) for number, rule in enumerate(links.between)]
    for name, settings in rules:
        for chance in ("loss", "duplicate", "reorder"):
            if getattr(settings, chance):
                found.append({f"topology.links.{name}.{chance}": 0})
    if experiment.storage.default.lying:
        found.append({"storage.default.lying": False})
    found += [
        {f"storage.nodes.{node}.lying": False}
        for node, disk in experiment.storage.nodes.items()
        if disk.lying
    ]
    return found


def drop_line(lost: Lost) -> FaultLine:
    """A line that drops one message, by its place among those of its type on its link."""
    match = {"message": lost.message, "from": lost.from_, "to": lost.to, "skip": lost.skip, "count": 1}
    line = read_command({"do": "drop", "match": match})
    return msgspec.structs.replace(line, at_s=0)


def read_case(plain: dict[str, Any]) -> Experiment:
    """The experiment of a case."""
    return parse(plain, SYSTEMS)
