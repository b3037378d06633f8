"""Which code made what lies in Valkey: after an upgrade, chunks and checkpoints of the older code are not read.

They may have another shape, or tell of another course of the run: half a run from each would be neither's.
"""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

HOME = Path(__file__).parent.parent
PARTS = ("engine", "live", "wire.py")
"""What decides the bytes that are kept: under ``simulations``."""


def fingerprint(home: Path, parts: tuple[str, ...] = PARTS) -> str:
    """Hash of the source files of these parts: their names and texts."""
    found = blake2b(digest_size=8)
    for part in parts:
        place = home / part
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            found.update(f"{path.relative_to(home).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return found.hexdigest()


BUILD = fingerprint(HOME)
"""Of the code that runs here: taken when it is loaded, and the same in every process that is forked from this one."""
