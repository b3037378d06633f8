"""How processes that simulate collect garbage.

A dropped world frees itself (engine/parts.py), and what else goes round in circles - tracebacks, a library's requests -
dies young. A collection of everything would look at every warm world and take some hundred milliseconds, for which a
click would wait: so only the young are looked at. Workers are replaced after so many tasks, with what may have leaked.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

NEVER = 1_000_000_000
COLLECT = (5_000, 5, NEVER)
"""Objects until a collection of the young, of those until one of the older, of those until one of all: small, so that
each is over in milliseconds."""


def collect_only_the_young() -> None:
    """From now on, for a process that goes on to simulate: what was imported is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)


@contextlib.contextmanager
def only_the_young_collected() -> Iterator[None]:
    """The same for a while, in a process that does other things, too."""
    before = gc.get_threshold()
    gc.set_threshold(*COLLECT)
    try:
        yield
    finally:
        gc.set_threshold(*before)
