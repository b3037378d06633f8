"""Pieces of a sweep's result, and how they become one.

A part keeps a letter per run and check and a value per run and metric, in the order of the runs, so that merging is
putting them one after the other and nothing depends on who computed what.
"""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine.checks.base import HOLDS, UNKNOWN, VIOLATED

LETTERS = {HOLDS: "h", VIOLATED: "v", UNKNOWN: "u"}
FAILED = "f"


class Part(msgspec.Struct):
    """Runs [start, start + runs) of one point. ``verdicts``: check -> h | v | u | f (the run failed) per run;
    ``values``: metric -> number, text or None per run; ``failed``: run number -> why; ``seconds``: CPU spent."""

    start: int
    runs: int = 0
    verdicts: dict[str, str] = msgspec.field(default_factory=dict)
    values: dict[str, list[Any]] = msgspec.field(default_factory=dict)
    failed: dict[int, str] = msgspec.field(default_factory=dict)
    seconds: float = 0.0

    @property
    def stop(self) -> int:
        return self.start + self.runs

    def encode(self) -> bytes:
        return msgspec.msgpack.encode(self)


def decode(data: bytes) -> Part:
    """A part as it was encoded. ValueError for anything else."""
    try:
        return msgspec.msgpack.decode(data, type=Part)
    except msgspec.DecodeError as error:
        raise ValueError(f"no part of a sweep: {error}") from error


def join(parts: list[Part]) -> list[Part]:
    """Neighbours put together, sorted; what is missing between them stays missing. A part of runs that another one
    covers already is dropped, so that nothing counts twice."""
    joined: list[Part] = []
    for part in sorted(parts, key=lambda part: (part.start, -part.runs)):
        last = joined[-1] if joined else None
        if last is not None and part.start < last.stop:
            continue
        if last is None or part.start > last.stop or part.verdicts.keys() != last.verdicts.keys():
            joined.append(copy_of(part))
            continue
        extend(last, part)
    return joined


def copy_of(part: Part) -> Part:
    values = {name: list(items) for name, items in part.values.items()}
    return Part(part.start, part.runs, dict(part.verdicts), values, dict(part.failed), part.seconds)


def extend(last: Part, part: Part) -> None:
    """Append the next part of the same point to one that is ours."""
    last.runs += part.runs
    last.seconds += part.seconds
    last.failed.update(part.failed)
    for name, letters in part.verdicts.items():
        last.verdicts[name] += letters
    for name, values in part.values.items():
        last.values[name].extend(values)


def split_by_point(parts: list[Part], seeds: int) -> dict[int, list[Part]]:
    """Point -> its parts, in order."""
    found: dict[int, list[Part]] = {}
    for part in sorted(parts, key=lambda part: part.start):
        found.setdefault(part.start // seeds, []).append(part)
    return found
